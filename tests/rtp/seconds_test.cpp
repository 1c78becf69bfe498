#include "libsipana/rtp/seconds.h"

#include <doctest/doctest.h>

#include "tests/rtp/build.h"

using namespace sipana;

namespace {

struct Watched {
    Sender sender;
    rtp::Seconds seconds;
    void packet(int n, Duration delay = {}) {
        sender.packet(n, delay);
        seconds.on_packet(sender.receiver, 160, start_time + ms(20) * n + delay);
    }
};

}  // namespace

TEST_CASE("each second counts its own packets, bytes and losses") {
    Watched w;
    for (int n = 0; n < 150; ++n)
        if (n != 60 && n != 61) w.packet(n);
    const auto& s = w.seconds.series();
    REQUIRE(s.size() == 3);
    CHECK(s[0].packets == 50);
    CHECK(s[0].bytes == 8000);
    CHECK(s[0].lost == 0);
    CHECK(s[1].packets == 48);
    CHECK(s[1].lost == 2);
    CHECK(s[1].max_delta_ms == doctest::Approx(60));
    CHECK(s[2].lost == 0);
    CHECK(s[2].max_delta_ms == doctest::Approx(20));
}

TEST_CASE("a loss that a late packet takes back is taken back where it was counted") {
    Watched w;
    for (int n = 0; n < 60; ++n)
        if (n != 45) w.packet(n);
    CHECK(w.seconds.series()[0].lost == 1);
    w.packet(45, ms(320));
    const auto& s = w.seconds.series();
    CHECK(s[0].lost == 0);
    CHECK(s[1].lost == 0);
    CHECK(s[1].reordered == 1);
    CHECK(s[1].late == 1);
}

TEST_CASE("the seconds add up to the totals") {
    Watched w;
    for (int n = 0; n < 400; ++n) {
        if (n % 7 == 3) continue;
        w.packet(n);
        if (n % 11 == 0) w.packet(n, ms(1));
        if (n % 49 == 20) w.packet(n - 3, ms(65));
    }
    rtp::Second sum;
    for (const auto& s : w.seconds.series()) {
        sum.packets += s.packets;
        sum.lost += s.lost;
        sum.late += s.late;
        sum.duplicated += s.duplicated;
        sum.reordered += s.reordered;
        sum.bytes += s.bytes;
    }
    const auto& r = w.sender.receiver;
    CHECK(sum.packets == r.packets());
    CHECK(sum.lost == r.lost());
    CHECK(sum.late == r.late());
    CHECK(sum.duplicated == r.duplicated());
    CHECK(sum.reordered == r.reordered());
    CHECK(sum.bytes == r.bytes());
}

TEST_CASE("empty seconds carry the jitter on, and the series ends at its cap") {
    Watched w;
    w.packet(0);
    w.packet(1, ms(8));
    w.packet(250);
    const auto& s = w.seconds.series();
    REQUIRE(s.size() == 6);
    CHECK(s[3].packets == 0);
    CHECK(s[3].jitter_ms == s[0].jitter_ms);
    CHECK(s[0].jitter_ms > 0);
    w.sender.receiver.on_packet(251, 0, false, 160, Time::max());
    w.seconds.on_packet(w.sender.receiver, 160, Time::max());
    CHECK(w.seconds.series().size() == 6);
    CHECK(w.seconds.index(Time::min()) == 0);
    CHECK(w.seconds.index(start_time + ms(4999)) == 4);
}

TEST_CASE("a series does not outgrow its stream: packets days apart are in the totals only") {
    Watched w;
    w.packet(0);
    w.sender.receiver.on_packet(1, 160, false, 160, start_time + ms(80'000'000));
    w.seconds.on_packet(w.sender.receiver, 160, start_time + ms(80'000'000));
    CHECK(w.seconds.series().size() == 1);
    w.packet(100);
    CHECK(w.seconds.series().size() == 3);
}
