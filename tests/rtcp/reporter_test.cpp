#include "libsipana/rtcp/reporter.h"

#include <doctest/doctest.h>

#include "libsipana/rtcp/check.h"
#include "libsipana/rtcp/round_trip.h"
#include "tests/exact.h"

using namespace sipana;
using namespace sipana::rtcp;
using namespace std::chrono_literals;

namespace {

constexpr Time begin{1'700'000'000'000'000'000};

ReportBlock only_block(const Compound& c) {
    REQUIRE(!c.packets.empty());
    const auto* sr = std::get_if<SenderReport>(&c.packets[0].content);
    const auto& blocks = sr ? sr->blocks : std::get<ReceiverReport>(c.packets[0].content).blocks;
    REQUIRE(blocks.size() == 1);
    return blocks[0];
}

}  // namespace

TEST_CASE("RFC 3550 6.2, A.7: the interval is 0.5 to 1.5 times the calculated one, over e - 3/2") {
    Random random(3);
    Membership m;
    m.members = 2;
    m.senders = 2;
    m.we_sent = true;
    for (const bool initial : {true, false}) {
        m.initial = initial;
        const double calculated = initial ? 2.5 : 5;
        double sum = 0, least = 99, most = 0;
        for (int i = 0; i < 20'000; ++i) {
            const double t = to_seconds(interval(m, random));
            sum += t;
            least = std::min(least, t);
            most = std::max(most, t);
        }
        CHECK(sum / 20'000 == doctest::Approx(calculated / 1.21828).epsilon(0.01));
        CHECK(least >= calculated * 0.5 / 1.21829);
        CHECK(least < calculated * 0.51 / 1.21828);
        CHECK(most <= calculated * 1.5 / 1.21827);
        CHECK(most > calculated * 1.49 / 1.21828);
    }
}

TEST_CASE("RFC 3550 6.3.1: senders share a quarter of the bandwidth, receivers the rest") {
    Membership m;
    m.members = 1000;
    m.senders = 10;
    m.initial = false;
    m.average_size = 100;
    const auto mean = [&](bool we_sent) {
        Random random(4);
        m.we_sent = we_sent;
        double sum = 0;
        for (int i = 0; i < 10'000; ++i) sum += to_seconds(interval(m, random));
        return sum / 10'000 * 1.21828;
    };
    CHECK(mean(true) == doctest::Approx(100 * 10 / (400 * 0.25)).epsilon(0.01));
    CHECK(mean(false) == doctest::Approx(100 * 990 / (400 * 0.75)).epsilon(0.01));
}

TEST_CASE("RFC 3550 6.3: about one report in five seconds for two members, the first one sooner") {
    for (const Duration minimum : {Duration{5s}, Duration{1s}}) {
        Reporter reporter(1, "a@b", minimum, 9);
        CHECK(!reporter.due());
        reporter.begin(begin);
        std::vector<Time> reports;
        for (int i = 0; i < 2000 && *reporter.due() < begin + 1000 * minimum; ++i) {
            const Time now = *reporter.due();
            if (!reporter.expire(now, 2, 1, true)) {
                CHECK(*reporter.due() > now);
                continue;
            }
            reports.push_back(now);
            Buffer out;
            reporter.write_report(Sending{1, 2, 3}, {}, now, out);
            reporter.on_compound(out.size());
        }
        REQUIRE(reports.size() > 2);
        CHECK(reports[0] - begin <= minimum * 1.5 / 2 / 1.2182 + minimum);
        // Reconsideration makes up for the division by e - 3/2.
        CHECK(reports.size() == doctest::Approx(1000).epsilon(0.1));
    }
}

TEST_CASE("RFC 3550 6.4.1, A.3: lost since the last report and in all, and what came twice") {
    Reporter reporter(1, "a@b", 5s, 1);
    const auto told = [&](std::uint64_t expected, std::uint64_t received) {
        Buffer out;
        const Reception r{77, expected, received, 0x10005, 12};
        reporter.write_report(std::nullopt, {&r, 1}, begin, out);
        const Exact wire(out);
        return only_block(parse(wire));
    };
    ReportBlock b = told(100, 75);
    CHECK(b.ssrc == 77);
    CHECK(b.fraction_lost == 64);
    CHECK(b.cumulative_lost == 25);
    CHECK(b.extended_sequence == 0x10005);
    CHECK(b.jitter == 12);
    CHECK(b.lsr == 0);
    CHECK(b.dlsr == 0);
    b = told(200, 175);
    CHECK(b.fraction_lost == 0);
    CHECK(b.cumulative_lost == 25);
    b = told(300, 310);  // duplicates
    CHECK(b.fraction_lost == 0);
    CHECK(b.cumulative_lost == -10);
    b = told(400, 310);
    CHECK(b.fraction_lost == 255);
    CHECK(b.cumulative_lost == 90);
    b = told(std::uint64_t{1} << 40, 310);
    CHECK(b.cumulative_lost == 0x7fffff);
}

TEST_CASE("RFC 3550 6.4.1: LSR and DLSR give the sender its round trip") {
    Reporter a(1, "a", 5s, 1), b(2, "b", 5s, 2);
    Buffer out;
    a.write_report(Sending{160, 1, 160}, {}, begin, out);
    const Exact sent(out);
    const Compound compound = parse(sent);
    const auto& sr = std::get<SenderReport>(compound.packets[0].content);
    CHECK(sr.rtp_timestamp == 160);
    CHECK(sr.packets == 1);
    CHECK(sr.octets == 160);
    CHECK(time_of_ntp(sr.ntp) == begin);
    b.on_sender_report(sr.ssrc, sr.ntp, begin + 30ms);
    out.clear();
    const Reception r{1, 10, 10, 10, 0};
    b.write_report(std::nullopt, {&r, 1}, begin + 2030ms, out);
    const Exact answer(out);
    const ReportBlock block = only_block(parse(answer));
    const auto trip = round_trip(middle(ntp_of(begin + 2070ms)), block.lsr, block.dlsr);
    REQUIRE(trip);
    CHECK(to_milliseconds(*trip) == doctest::Approx(70).epsilon(0.001));
}

TEST_CASE(
    "RFC 3550 6.1, RFC 4585 3.1: compounds begin with a report and a CNAME, and break no rule") {
    Reporter reporter(1, "phone@example", 5s, 1);
    std::vector<Reception> many;
    for (std::uint32_t i = 0; i < 40; ++i) many.push_back({i, 10, 10, 10, 0});
    for (int kind = 0; kind < 4; ++kind) {
        Buffer out;
        if (kind == 3) {
            reporter.write_goodbye(Sending{1, 2, 3}, many, begin, out);
        } else {
            reporter.write_report(kind == 0 ? std::optional<Sending>() : Sending{1, 2, 3}, many,
                                  begin, out);
        }
        if (kind == 1) reporter.write_pli(7, out);
        if (kind == 2) reporter.write_fir(7, out);
        const Exact wire(out);
        const Compound c = parse(wire);
        CHECK(!c.error);
        REQUIRE(c.packets.size() == (kind == 0 ? 2 : 3));
        CHECK(c.packets[0].type == (kind == 0 ? type_rr : type_sr));
        CHECK(c.packets[0].count == 31);
        const auto& names = std::get<SourceDescription>(c.packets[1].content);
        CHECK(names.chunks[0].items[0].text == "phone@example");
        for (const Finding& f : check(wire)) FAIL_CHECK(f.rule, ": ", f.text);
    }
    CHECK(!reporter.due());
}
