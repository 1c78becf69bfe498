#include "libsipana/analysis/selection.h"

#include <doctest/doctest.h>

using namespace sipana;
using namespace sipana::analysis;

namespace {

Report three_calls() {
    Report report;
    constexpr std::string_view ids[] = {"one@a", "two@a", "three@a"};
    for (std::size_t i = 0; i < 3; ++i) {
        Call call;
        call.number = i + 1;
        call.call_id = ids[i];
        call.final_code = i == 1 ? 486 : 200;
        call.findings.push_back({"of-call", Severity::note, 30 - i, 0, "", ""});
        Stream& stream = call.streams.emplace_back();
        stream.findings.push_back({"of-stream", Severity::note, 5, 0, "", ""});
        report.findings.insert(report.findings.end(), call.findings.begin(), call.findings.end());
        report.calls.push_back(std::move(call));
    }
    report.streams.emplace_back();
    report.stray_messages.emplace_back();
    report.findings.push_back({"of-nothing", Severity::error, 1, 0, "", ""});
    report.counts.sip_messages = 99;
    return report;
}

}  // namespace

TEST_CASE("a selection of nothing in particular is everything") {
    Selection selection({}, nullptr);
    CHECK(selection.everything());
    CHECK(selection.matches(three_calls().calls[0]));
    CHECK(selection.unmatched().empty());
    Selection all({"all"}, nullptr);
    CHECK(all.all_named());
    CHECK_FALSE(all.named());
    CHECK(all.matches(three_calls().calls[2]));
}

TEST_CASE("calls are chosen by number, by Call-ID, and by both; what names none is told") {
    const Report report = three_calls();
    Selection selection({"3", "one@a", "4"}, nullptr);
    CHECK(selection.named());
    CHECK(selection.matches(report.calls[0]));
    CHECK_FALSE(selection.matches(report.calls[1]));
    CHECK(selection.unmatched() == "3");
    CHECK(selection.matches(report.calls[2]));
    CHECK(selection.unmatched() == "4");
}

TEST_CASE("a number means the call's own, however few calls are left") {
    Report report = three_calls();
    keep_calls(report, {1, 2});
    Selection selection({"2"}, nullptr);
    CHECK(selection.matches(report.calls[0]));
    CHECK_FALSE(selection.matches(report.calls[1]));
}

TEST_CASE("--call and --where together choose what both allow") {
    const Report report = three_calls();
    const auto where = Where::parse("final>=400");
    REQUIRE(where);
    Selection selection({"1", "2"}, &*where);
    CHECK_FALSE(selection.everything());
    CHECK_FALSE(selection.matches(report.calls[0]));
    CHECK(selection.matches(report.calls[1]));
    CHECK(selection.unmatched().empty());
}

TEST_CASE("a report cut down to some calls keeps their findings, and nothing that is of no call") {
    Report report = three_calls();
    keep_calls(report, {2, 0, 17});
    REQUIRE(report.calls.size() == 2);
    CHECK(report.calls[0].call_id == "one@a");
    CHECK(report.calls[1].call_id == "three@a");
    CHECK(report.streams.empty());
    CHECK(report.stray_messages.empty());
    REQUIRE(report.findings.size() == 4);
    CHECK(report.findings[0].rule == "of-stream");
    CHECK(report.findings[2].frame == 28);
    CHECK(report.findings[3].frame == 30);
    CHECK(report.counts.sip_messages == 99);  // of the input
}
