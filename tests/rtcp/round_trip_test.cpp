#include "libsipana/rtcp/round_trip.h"

#include <doctest/doctest.h>

using namespace sipana;
using namespace sipana::rtcp;

namespace {

constexpr Time epoch{1'700'000'000'000'000'000};
constexpr Duration ms(double n) { return Duration{static_cast<std::int64_t>(n * 1e6)}; }
constexpr std::uint32_t units(double seconds) {
    return static_cast<std::uint32_t>(seconds * 65536);
}

}  // namespace

TEST_CASE("RFC 3550 figure 2: the example of the standard gives 6.125 s") {
    const auto trip = round_trip(0xb7108000, 0xb7052000, 0x00054000);
    REQUIRE(trip);
    CHECK(to_seconds(*trip) == doctest::Approx(6.125));
}

TEST_CASE("trap 30: the round trip from a capture point is t2 - t1 - DLSR and never negative") {
    RoundTrip r;
    const std::uint64_t ntp = ntp_of(epoch - ms(3'600'000));  // the sender's clock is an hour slow
    r.on_sender_report(ntp, epoch);
    const auto trip = r.on_report_block(middle(ntp), units(2), epoch + ms(2045));
    REQUIRE(trip);
    CHECK(to_milliseconds(*trip) == doctest::Approx(45));
    // A DLSR longer than the time that passed: a little is rounding, more is a contradiction.
    CHECK(*r.on_report_block(middle(ntp), units(2), epoch + ms(1999.5)) == Duration{});
    CHECK(!r.on_report_block(middle(ntp), units(2), epoch + ms(1900)));
    CHECK(!round_trip(0xb7108000, 0xb7108000, 0x00010000));
    CHECK(*round_trip(100, 95, 6) == Duration{});
}

TEST_CASE("RFC 3550 6.4.1: LSR 0 means that no report was received") {
    RoundTrip r;
    r.on_sender_report(0x0000'0000'0000'1234, epoch);
    CHECK(!r.on_report_block(0, 0, epoch + ms(10)));
    CHECK(!round_trip(1000, 0, 0));
}

TEST_CASE("only a report that was seen, and seen before, has a round trip") {
    RoundTrip r;
    CHECK(!r.on_report_block(1, 0, epoch));
    for (std::uint64_t n = 1; n <= RoundTrip::remembered + 1; ++n)
        r.on_sender_report(n << 16, epoch + ms(1000) * static_cast<int>(n));
    CHECK(!r.on_report_block(1, 0, epoch + ms(20'000)));  // forgotten
    CHECK(*r.on_report_block(2, 0, epoch + ms(2100)) == ms(100));
    CHECK(!r.on_report_block(5, 0, epoch + ms(4000)));  // before it was sent
    // The same report seen twice (two hops): the later one is nearer to the answer.
    r.on_sender_report(5u << 16, epoch + ms(5007));
    CHECK(*r.on_report_block(5, 0, epoch + ms(5100)) == ms(93));
}

TEST_CASE("hostile times and delays") {
    RoundTrip r;
    r.on_sender_report(7u << 16, Time{INT64_MIN + 1});
    CHECK(!r.on_report_block(7, 0xffffffff, Time::max()));
    CHECK(!r.on_report_block(7, 0xffffffff, Time{INT64_MIN + 2}));
}

TEST_CASE("RFC 3550 4: NTP time and back, in both eras") {
    for (const std::int64_t seconds :
         {std::int64_t{0}, std::int64_t{1'700'000'000}, std::int64_t{2'085'978'495},
          std::int64_t{2'085'978'496}, std::int64_t{4'000'000'000}})
        for (const std::int64_t ns : {0, 1, 499'999'999, 999'999'999}) {
            const Time t{seconds * 1'000'000'000 + ns};
            CHECK(time_of_ntp(ntp_of(t)) == t);
        }
    CHECK(ntp_of(Time{}) == 2'208'988'800u * (std::uint64_t{1} << 32));
    CHECK(static_cast<std::uint32_t>(ntp_of(Time{500'000'000})) == 0x80000000u);
}
