#include "libsipana/rtcp/check.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/exact.h"
#include "tests/rtcp/build.h"

using namespace sipana;
using namespace sipana::rtcp;

namespace {

std::vector<std::string_view> rules(const Buffer& wire, bool reduced_size = false) {
    std::vector<std::string_view> names;
    for (const Finding& f : check(Exact(wire), reduced_size)) names.push_back(f.rule);
    return names;
}
using Rules = std::vector<std::string_view>;

const Content cname = SourceDescription{{{1, {{1, "a@b"}}, true}}};
const Content sr = SenderReport{1, 2, 3, 4, 5, {}, {}};
const Content rr = ReceiverReport{1, {}, {}};
const Content bye = Goodbye{{1}, std::nullopt};
const Content pli = PayloadFeedback{1, 1, 2, Pli{}};

}  // namespace

TEST_CASE("RFC 3550 6.1: a report, a CNAME and a BYE at the end are right") {
    CHECK(rules(joined({sr, cname})).empty());
    CHECK(rules(joined({rr, cname, pli, bye})).empty());
}

TEST_CASE("RFC 3550 6.1: what a compound packet must not do") {
    CHECK(rules(joined({sr})) == Rules{"rtcp-cname-missing"});
    CHECK(rules(joined({rr, cname, bye, pli})) == Rules{"rtcp-bye-not-last"});
    CHECK(rules(joined({cname, sr})) == Rules{"rtcp-compound-first"});
}

TEST_CASE("RFC 5506: a reduced-size packet is right where it was agreed on, and a note elsewhere") {
    CHECK(rules(joined({pli}), true).empty());
    const auto found = check(Exact(joined({pli})));
    REQUIRE(found.size() == 1);
    CHECK(found[0].rule == "rtcp-compound-first");
    CHECK(found[0].severity == Severity::note);
}

TEST_CASE("RFC 3550 6.4.1: padding only on the last packet, in whole words") {
    Packet padded;
    padded.content = rr;
    padded.padding = 4;
    Buffer wire;
    write(padded, wire);
    const Buffer tail = written(cname);
    wire.insert(wire.end(), tail.begin(), tail.end());
    CHECK(rules(wire) == Rules{"rtcp-padding-not-last"});
    Buffer odd = joined({sr});
    const Buffer three{0xa0, 203, 0, 1, 0, 0, 0, 3};
    odd.insert(odd.end(), three.begin(), three.end());
    CHECK(rules(odd) == Rules{"rtcp-cname-missing", "rtcp-padding-size"});
}

TEST_CASE("a datagram that cannot be read to its end is an error at its place") {
    Buffer wire = joined({sr, cname});
    wire.pop_back();
    const auto found = check(Exact(wire));
    REQUIRE(!found.empty());
    CHECK(found[0].rule == "rtcp-unreadable");
    CHECK(found[0].severity == Severity::error);
    CHECK(found[0].byte == 30);
    CHECK(found.size() == 1);  // the CNAME may have stood in what is missing
    CHECK(rules({}) == Rules{"rtcp-unreadable"});
}

TEST_CASE("findings within packets") {
    ReportBlock b = block(2);
    b.lsr = 0;
    CHECK(rules(joined({ReceiverReport{1, {b}, {}}, cname})) == Rules{"rtcp-dlsr-without-lsr"});
    CHECK(rules(joined({rr, SourceDescription{{{1, {{1, ""}}, true}}}})) ==
          Rules{"rtcp-cname-empty"});
    CHECK(rules(joined({rr, SourceDescription{{{1, {{1, "ab"}}, false}}}})) ==
          Rules{"rtcp-sdes-unterminated"});
    CHECK(rules(joined({rr, cname, TransportFeedback{1, 1, 2, Nack{}}})) ==
          Rules{"rtcp-feedback-empty"});
    CHECK(rules(joined({rr, cname, PayloadFeedback{4, 1, 0, Fir{}}})) ==
          Rules{"rtcp-feedback-empty"});
    CHECK(rules(joined({rr, cname, PayloadFeedback{4, 1, 2, Fir{{{2, 1}}}}})) ==
          Rules{"rtcp-fir-media-source"});
    CHECK(rules(joined({rr, cname, PayloadFeedback{15, 1, 2, Remb{1, 1, {2}}}})) ==
          Rules{"rtcp-remb-media-source"});
    VoipMetrics v;
    CHECK(rules(joined({rr, cname, ExtendedReport{1, {v}}})).empty());
    v.mos_lq_tenths = 60;
    CHECK(rules(joined({rr, cname, ExtendedReport{1, {v}}})) == Rules{"rtcp-xr-score-range"});
}

TEST_CASE("each finding has a place within the datagram, a text and a clause") {
    const Buffer all = joined(every_content());
    for (std::size_t n = 0; n <= all.size(); n += 3)
        for (const Finding& f : check(Exact(Bytes(all).first(n)))) {
            CHECK(f.byte <= n);
            CHECK(!f.text.empty());
            CHECK(!f.clause.empty());
        }
}
