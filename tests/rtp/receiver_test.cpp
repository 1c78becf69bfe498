#include "libsipana/rtp/receiver.h"

#include <doctest/doctest.h>

#include <cmath>

#include "libsipana/base/random.h"
#include "tests/rtp/build.h"

using namespace sipana;
using rtp::Place;

TEST_CASE("RFC 3550 A.3: a whole stream is received as expected") {
    Sender s(1000, 5000);
    s.packets(0, 499);
    CHECK(s.receiver.packets() == 500);
    CHECK(s.receiver.expected() == 500);
    CHECK(s.receiver.lost() == 0);
    CHECK(s.receiver.bytes() == 500 * 160);
    CHECK(s.receiver.first_sequence() == 1000);
    CHECK(s.receiver.last_sequence() == 1499);
    CHECK(s.receiver.max_delta() == ms(20));
    CHECK(s.receiver.mean_delta() == ms(20));
    CHECK(s.receiver.bitrate_kbps() == doctest::Approx(64.128).epsilon(0.001));
    CHECK(s.receiver.gaps().empty());
}

TEST_CASE("RFC 3550 A.8: a constant stream has zero jitter") {
    Sender s;
    s.packets(0, 999);
    CHECK(s.receiver.jitter_ms() == 0);
    CHECK(s.receiver.max_jitter_ms() == 0);
    CHECK(s.receiver.jitter_units() == 0);
}

TEST_CASE("RFC 3550 A.8: the estimate follows the formula, step by step") {
    Sender s;
    double j = 0, sum = 0, most = 0, before = 0;
    Random random(7);
    for (int n = 0; n < 500; ++n) {
        const double delay = static_cast<double>(random.below(30'000)) / 1000;
        s.packet(n, ms(delay));
        if (n > 0) {
            j += (std::fabs(delay - before) - j) / 16;
            sum += j;
            most = std::max(most, j);
        }
        before = delay;
    }
    CHECK(s.receiver.jitter_ms() == doctest::Approx(j).epsilon(1e-6));
    CHECK(s.receiver.mean_jitter_ms() == doctest::Approx(sum / 499).epsilon(1e-6));
    CHECK(s.receiver.max_jitter_ms() == doctest::Approx(most).epsilon(1e-6));
    CHECK(s.receiver.jitter_units() == static_cast<std::uint32_t>(j * 8));
}

TEST_CASE("trap 1: one swapped pair across the sequence wrap loses nothing") {
    Sender s(65500);
    s.packets(0, 34);
    s.packet(36);  // 65536 is 0, and 1 comes before it
    CHECK(s.packet(35, ms(21)) == Place::reordered);
    s.packets(37, 199);
    CHECK(s.receiver.expected() == 200);
    CHECK(s.receiver.lost() == 0);
    CHECK(s.receiver.reordered() == 1);
    CHECK(s.receiver.extended_highest() == 65536 + 163);
    CHECK(s.receiver.gaps().empty());

    Sender t(65534);  // the swap takes the wrap itself apart: 65534, 0, 65535, 1
    t.packet(0);
    t.packet(2);
    t.packet(1, ms(21));
    t.packet(3);
    CHECK(t.receiver.expected() == 4);
    CHECK(t.receiver.lost() == 0);
}

TEST_CASE("trap 2: duplicates are counted apart and make no loss negative") {
    Sender s;
    for (int n = 0; n < 200; ++n) {
        s.packet(n);
        if (n % 50 == 10) CHECK(s.packet(n, ms(1)) == Place::duplicate);
    }
    CHECK(s.receiver.packets() == 204);
    CHECK(s.receiver.duplicated() == 4);
    CHECK(s.receiver.expected() == 200);
    CHECK(s.receiver.lost() == 0);
    // A duplicate does not hide a loss either.
    s.packets(201, 250);
    s.packet(250, ms(1));
    CHECK(s.receiver.lost() == 1);
    CHECK(s.receiver.duplicated() == 5);
}

TEST_CASE("trap 3: one swap is no loss, and neither is one packet that comes five late") {
    Sender s;
    s.packets(0, 9);
    s.packet(11);
    s.packet(10, ms(21));
    s.packets(12, 49);
    CHECK(s.receiver.lost() == 0);
    CHECK(s.receiver.reordered() == 1);
    CHECK(s.receiver.late() == 0);

    Sender t;
    t.packets(0, 9);
    t.packets(11, 15);
    CHECK(t.receiver.lost() == 1);
    REQUIRE(t.receiver.gaps().size() == 1);
    t.packet(10, ms(101));
    CHECK(t.receiver.lost() == 0);
    CHECK(t.receiver.gaps().empty());
    t.packets(16, 49);
    CHECK(t.receiver.expected() == 50);
    CHECK(t.receiver.lost() == 0);
    CHECK(t.receiver.reordered() == 1);
    CHECK(t.receiver.late() == 1);
}

TEST_CASE("late: more than 60 ms of media behind the newest packet, to the sample") {
    for (const auto& [ticks, late] : {std::pair{480u, 0}, std::pair{481u, 1}}) {
        rtp::Receiver r;
        r.set_clock(8000);
        r.on_packet(10, 10'000 - ticks - 1, false, 1, start_time);
        r.on_packet(12, 10'000, false, 1, start_time + ms(60));
        r.on_packet(11, 10'000 - ticks, false, 1, start_time + ms(61));
        CHECK(r.reordered() == 1);
        CHECK(r.late() == static_cast<std::uint64_t>(late));
    }
}

TEST_CASE("trap 4: a reordered timestamp is a step back, not a step of 2^32") {
    Sender s(0, 0xffffff00);
    s.packets(0, 9);
    s.packet(11);
    s.packet(10, ms(20.5));
    s.packets(12, 99);
    CHECK(s.receiver.max_jitter_ms() < 3);
    CHECK(s.receiver.max_jitter_ms() > 0);
}

TEST_CASE("trap 5: arrival counts in nanoseconds") {
    Sender s;
    for (int n = 0; n < 1000; ++n) s.packet(n, Duration{n % 2 * 400});
    CHECK(s.receiver.jitter_ms() == doctest::Approx(0.0004).epsilon(1e-3));
    CHECK(s.receiver.max_delta() == Duration{20'000'400});
}

TEST_CASE("trap 6: clocks that no millisecond divides are exact") {
    for (const std::uint32_t clock : {11'025u, 22'050u, 44'100u, 8000u, 48'000u, 90'000u}) {
        rtp::Receiver r;
        r.set_clock(clock);
        const std::uint32_t step = clock / 50 + 7;
        for (std::uint32_t n = 0; n < 5000; ++n)
            r.on_packet(
                static_cast<std::uint16_t>(n), n * step, false, 100,
                start_time + Duration{static_cast<std::int64_t>(n) * step * 1'000'000'000 / clock});
        CAPTURE(clock);
        CHECK(r.max_jitter_ms() < 1e-5);
        CHECK(r.lost() == 0);
    }
}

TEST_CASE("trap 7: late packets count into the jitter in the order of their arrival") {
    // Packet 10 comes 100 ms late: |D| is 100 ms once there and once back (RFC 3550 A.8).
    Sender s;
    s.packets(0, 9);
    s.packets(11, 15);
    s.packet(10, ms(100));
    s.packet(16);
    double j = 0;
    for (const double d : {100.0, 100.0}) j += (d - j) / 16;
    CHECK(s.receiver.jitter_ms() == doctest::Approx(j));

    // A duplicate is no sample: it says nothing of the way that the packet took.
    Sender t;
    t.packets(0, 9);
    t.packet(5, ms(100));
    t.packets(10, 20);
    CHECK(t.receiver.max_jitter_ms() == 0);

    // A stall of more than a second between two packets of a running stream is jitter, too.
    Sender u;
    u.packets(0, 9);
    u.receiver.on_packet(10, 1600, false, 160, start_time + ms(200) + ms(900));
    CHECK(u.receiver.jitter_ms() == doctest::Approx(900.0 / 16));
}

TEST_CASE("RFC 3550 5.1: a server that goes on with another source's timestamps is no jitter") {
    // Asterisk's echo: the same SSRC, the next sequence number, no pause, hours of timestamps away.
    for (const std::uint32_t leap : {std::uint32_t{1913912736}, 0u - 1913912736, 90'000u}) {
        CAPTURE(leap);
        Sender s;
        s.packets(0, 9);
        for (std::uint16_t n = 10; n < 20; ++n)
            s.receiver.on_packet(n, leap + n * 160u, n == 10, 160, start_time + ms(20) * n);
        CHECK(s.receiver.max_jitter_ms() == 0);
        CHECK(s.receiver.lost() == 0);
        CHECK(s.receiver.silences() == 0);
        CHECK(s.receiver.restarts() == 0);
    }
    // Less than ten seconds away it may be a packet that the network held back.
    Sender s;
    s.packets(0, 9);
    s.receiver.on_packet(10, 1600 + 8000 * 9, false, 160, start_time + ms(200));
    CHECK(s.receiver.jitter_ms() == doctest::Approx(9000.0 / 16));
}

TEST_CASE("trap 10: a first packet out of order does not change the loss") {
    Sender s(100);
    s.packet(3);
    CHECK(s.packet(0) == Place::reordered);
    CHECK(s.receiver.lost() == 2);
    REQUIRE(s.receiver.gaps().size() == 1);
    CHECK(s.receiver.gaps()[0].packets == 2);
    s.packet(1);
    s.packet(2);
    CHECK(s.receiver.lost() == 0);
    CHECK(s.receiver.gaps().empty());
    s.packets(4, 99);
    CHECK(s.receiver.expected() == 100);
    CHECK(s.receiver.lost() == 0);
    CHECK(s.receiver.duplicated() == 0);
    CHECK(s.receiver.reordered() == 3);
    CHECK(s.receiver.first_sequence() == 103);
}

TEST_CASE("trap 11: a timestamp that rolls over changes nothing") {
    Sender s(0, 0xffffffffu - 160 * 20);
    s.packets(0, 99);
    CHECK(s.receiver.max_jitter_ms() == 0);
    CHECK(s.receiver.silences() == 0);
    CHECK(s.receiver.restarts() == 0);
}

TEST_CASE("trap 12: telephone events share the sequence but are no jitter samples") {
    Sender s;
    s.packets(0, 49);
    for (int n = 50; n < 60; ++n)
        s.receiver.on_event_packet(static_cast<std::uint16_t>(n), n == 50, 4,
                                   start_time + ms(20) * n);
    s.packets(60, 99);
    CHECK(s.receiver.packets() == 100);
    CHECK(s.receiver.expected() == 100);
    CHECK(s.receiver.lost() == 0);
    CHECK(s.receiver.max_jitter_ms() == 0);
    CHECK(s.receiver.silences() == 0);
    CHECK(s.receiver.max_delta() == ms(20));
    // A lost event packet is lost like any other.
    s.receiver.on_event_packet(101, false, 4, start_time + ms(20) * 101);
    CHECK(s.receiver.lost() == 1);
}

TEST_CASE("trap 13: silence suppression loses nothing and is no jitter") {
    rtp::Receiver r;
    r.set_clock(8000);
    std::uint16_t sequence = 7;
    std::uint32_t timestamp = 99;
    Time at = start_time;
    const auto spurt = [&](int packets, bool marker) {
        for (int i = 0; i < packets; ++i) {
            r.on_packet(sequence++, timestamp, marker && i == 0, 160, at);
            timestamp += 160;
            at += ms(20);
        }
    };
    const auto pause = [&](int milliseconds, bool clock_runs) {
        if (clock_runs) timestamp += static_cast<std::uint32_t>(milliseconds) * 8;
        at += ms(milliseconds);
    };
    spurt(50, true);
    pause(400, true);  // DTX
    spurt(50, true);
    pause(25'000, true);  // a long silence
    spurt(50, true);
    CHECK(r.silences() == 2);
    CHECK(r.max_jitter_ms() == 0);
    pause(21'000, false);  // hold: the sender's clock stood still
    spurt(50, true);
    pause(60'000, false);
    timestamp += 0x12345678;  // resumed with a new timestamp
    spurt(50, false);
    CHECK(r.packets() == 250);
    CHECK(r.expected() == 250);
    CHECK(r.lost() == 0);
    CHECK(r.max_jitter_ms() == 0);
    CHECK(r.silences() == 2);
    CHECK(r.restarts() == 0);
    CHECK(r.max_delta() == ms(60'020));
}

TEST_CASE("trap 13: a marked packet of another clock is no jitter, an unmarked one is") {
    for (const bool marked : {true, false}) {
        rtp::Receiver r;
        r.set_clock(8000);
        for (std::uint16_t n = 0; n < 100; ++n)
            r.on_packet(n, n * 160u + (n < 50 ? 0u : 40'000u), marked && n == 50, 160,
                        start_time + ms(20) * n);
        CHECK((r.max_jitter_ms() == 0) == marked);
        CHECK(r.lost() == 0);
    }
}

TEST_CASE("trap 20: each packet counts, whatever order and however many") {
    Sender s;
    for (int n = 0; n < 70'000; ++n)
        if (n % 100 != 99) s.packet(n);
    CHECK(s.receiver.packets() == 69'300);
    CHECK(s.receiver.expected() == 69'999);  // the last lost one was never seen to be missing
    CHECK(s.receiver.lost() == 699);
    CHECK(s.receiver.gaps().size() == 699);
    CHECK(s.receiver.extended_highest() == 69'998);
    CHECK(s.receiver.max_jitter_ms() == 0);
}

TEST_CASE(
    "trap 21: the same capture read twice is counted as duplicates, side by side or in a row") {
    Sender s;
    for (int n = 0; n < 1000; ++n) {
        s.packet(n);
        s.packet(n);
    }
    CHECK(s.receiver.packets() == 2000);
    CHECK(s.receiver.duplicated() == 1000);
    CHECK(s.receiver.expected() == 1000);
    CHECK(s.receiver.lost() == 0);
    CHECK(s.receiver.max_jitter_ms() == 0);

    Sender t;
    t.packets(0, 999);
    t.packets(0, 999);
    CHECK(t.receiver.packets() == 2000);
    CHECK(t.receiver.duplicated() == 1000);
    CHECK(t.receiver.expected() == 1000);
    CHECK(t.receiver.lost() == 0);
    CHECK(t.receiver.restarts() == 0);
    CHECK(t.receiver.max_jitter_ms() == 0);
    CHECK(t.receiver.last_arrival() == start_time + ms(20) * 999);
}

TEST_CASE("RFC 3550 A.1: two packets in sequence at a new place are a restart") {
    Sender s(100);
    s.packets(0, 99);
    Sender n(40'000, 123'456);
    auto& r = s.receiver;
    const auto far = [&](int k) {
        return r.on_packet(static_cast<std::uint16_t>(40'000 + k),
                           900'000u + 160u * static_cast<unsigned>(k), false, 160,
                           start_time + ms(2000) + ms(20) * k);
    };
    CHECK(far(0) == Place::stray);
    CHECK(r.strays() == 1);
    CHECK(r.expected() == 100);
    CHECK(far(1) == Place::restart);
    for (int k = 2; k < 100; ++k) far(k);
    CHECK(r.restarts() == 1);
    CHECK(r.strays() == 0);
    CHECK(r.packets() == 200);
    CHECK(r.expected() == 200);
    CHECK(r.lost() == 0);
    CHECK(r.max_jitter_ms() == 0);
}

TEST_CASE("RFC 3550 A.1: one stray packet changes nothing but its own count") {
    Sender s;
    s.packets(0, 99);
    CHECK(s.receiver.on_packet(30'000, 77, false, 160, start_time + ms(2000)) == Place::stray);
    CHECK(s.receiver.on_packet(50'000, 77, false, 160, start_time + ms(2000)) == Place::stray);
    s.packets(100, 199);
    CHECK(s.receiver.strays() == 2);
    CHECK(s.receiver.restarts() == 0);
    CHECK(s.receiver.packets() == 202);
    CHECK(s.receiver.expected() == 200);
    CHECK(s.receiver.lost() == 0);
    CHECK(s.receiver.max_jitter_ms() == 0);
}

TEST_CASE("RFC 3550 A.1: a gap below MAX_DROPOUT is loss, a larger one only if the clock ran on") {
    Sender s;
    s.packets(0, 9);
    CHECK(s.packet(9 + 2999) == Place::ahead);
    CHECK(s.receiver.lost() == 2998);
    REQUIRE(s.receiver.gaps().size() == 1);
    CHECK(s.receiver.gaps()[0].packets == 2998);
    CHECK(s.receiver.gaps()[0].after == start_time + ms(20) * 9);
    CHECK(s.receiver.gaps()[0].length == ms(20) * 2999);

    // Eight minutes of the capture are missing, sequence, timestamp and time went on together.
    Sender t;
    t.packets(0, 9);
    CHECK(t.packet(25'000) == Place::ahead);
    CHECK(t.receiver.lost() == 24'990);
    CHECK(t.receiver.max_jitter_ms() == 0);

    // The same step at once is another beginning.
    Sender u;
    u.packets(0, 9);
    CHECK(u.receiver.on_packet(25'000, 4'000'000, false, 160, start_time + ms(200)) ==
          Place::stray);
    CHECK(u.receiver.lost() == 0);
}

TEST_CASE("a sender that repeats its recording after a pause restarts, it does not duplicate") {
    Sender s(500);
    s.packets(0, 99);
    for (int n = 0; n < 100; ++n)
        s.receiver.on_packet(static_cast<std::uint16_t>(500 + n), 160u * static_cast<unsigned>(n),
                             false, 160, start_time + ms(5000) + ms(20) * n);
    CHECK(s.receiver.packets() == 200);
    CHECK(s.receiver.restarts() == 1);
    CHECK(s.receiver.duplicated() == 0);
    CHECK(s.receiver.expected() == 200);
    CHECK(s.receiver.lost() == 0);
}

TEST_CASE("a packet that comes after a pause and fills a gap is no restart") {
    Sender s;
    s.packets(0, 9);
    s.packet(11);
    s.packet(10, ms(1500));
    s.packets(12, 99);
    CHECK(s.receiver.restarts() == 0);
    CHECK(s.receiver.lost() == 0);
    CHECK(s.receiver.late() == 0);  // only 20 ms of media behind the newest
    CHECK(s.receiver.reordered() == 1);
}

TEST_CASE("duplicates are recognised 255 packets back, and older packets are strays") {
    Sender s;
    s.packets(0, 999);
    CHECK(s.packet(999 - 255, ms(20) * 255) == Place::duplicate);
    CHECK(s.packet(999 - 256, ms(20) * 256 + ms(1)) == Place::stray);
    CHECK(s.receiver.duplicated() == 1);
    CHECK(s.receiver.strays() == 1);
    CHECK(s.receiver.lost() == 0);
}

TEST_CASE("the duplicate window moves over steps of any size") {
    for (int step = 1; step < 300; ++step) {
        Sender s;
        s.packet(0);
        s.packet(1);
        s.packet(1 + step);
        CAPTURE(step);
        if (step < 255) {
            CHECK(s.packet(0, ms(20) * step + ms(21)) == Place::duplicate);
            CHECK(s.packet(1, ms(20) * step + ms(21)) == Place::duplicate);
        }
        if (step > 1 && step < 256) CHECK(s.packet(2, ms(20) * step + ms(21)) == Place::reordered);
    }
}

TEST_CASE("a change of clock keeps the jitter in time and compares no timestamps across it") {
    rtp::Receiver r;
    r.set_clock(8000);
    for (int n = 0; n < 50; ++n)
        r.on_packet(static_cast<std::uint16_t>(n), 160u * static_cast<unsigned>(n), false, 160,
                    start_time + ms(20) * n + ms(n % 2));
    const double before = r.jitter_ms();
    CHECK(before > 0.5);
    r.set_clock(48'000);
    r.on_packet(50, 5, false, 160, start_time + ms(20) * 50);
    CHECK(r.jitter_ms() == before);
    r.on_packet(51, 965, false, 160, start_time + ms(20) * 51);
    CHECK(r.jitter_ms() == doctest::Approx(before * 15 / 16));
    CHECK(r.lost() == 0);
}

TEST_CASE("an unknown clock gives counts without jitter, late or silences") {
    rtp::Receiver r;
    for (int n = 0; n < 50; ++n)
        r.on_packet(static_cast<std::uint16_t>(n), 160u * static_cast<unsigned>(n * n), false, 160,
                    start_time + ms(20) * n);
    r.on_packet(40, 1, false, 160, start_time + ms(1001));
    CHECK(r.mean_jitter_ms() == 0);
    CHECK(r.jitter_units() == 0);
    CHECK(r.silences() == 0);
    CHECK(r.late() == 0);
    CHECK(r.duplicated() == 1);
}

TEST_CASE("the gap list ends at its cap, the counts do not") {
    Sender s;
    for (int n = 0; n < 5000; n += 2) s.packet(n);
    CHECK(s.receiver.gaps().size() == rtp::max_gaps);
    CHECK(s.receiver.lost() == 2499);
}

TEST_CASE("hostile arrival times break nothing") {
    for (const Time odd : {Time::min(), Time::max(), Time{}, Time{-1}, no_time}) {
        Sender s;
        s.receiver.on_packet(0, 0, false, 1, odd);
        s.packets(1, 300);
        s.receiver.on_packet(301, 5, true, 1, odd);
        s.receiver.on_packet(300, 5, true, 1, odd);
        s.receiver.on_packet(20, 5, true, 1, odd);
        s.packets(302, 303);
        CHECK(s.receiver.packets() == 306);
        CHECK(s.receiver.lost() == 0);
        CHECK(std::isfinite(s.receiver.mean_jitter_ms()));
        CHECK(std::isfinite(s.receiver.bitrate_kbps()));
        CHECK(s.receiver.max_delta() >= Duration{});
    }
}

TEST_CASE("any sequence at all keeps received = distinct + duplicated + stray, and lost >= 0") {
    Random random(4711);
    for (int run = 0; run < 300; ++run) {
        rtp::Receiver r;
        r.set_clock(8000);
        std::uint16_t sequence = static_cast<std::uint16_t>(random.next());
        Time at = start_time;
        std::uint64_t sent = 0;
        for (int n = 0; n < 400; ++n) {
            switch (random.below(8)) {
                case 0:
                    sequence = static_cast<std::uint16_t>(random.next());
                    break;
                case 1:
                    sequence = static_cast<std::uint16_t>(sequence - random.below(300));
                    break;
                case 2:
                    sequence = static_cast<std::uint16_t>(sequence + random.below(300));
                    break;
                default:
                    ++sequence;
            }
            at += ms(static_cast<double>(random.below(1500)));
            r.on_packet(sequence, static_cast<std::uint32_t>(random.next()), random.chance(0.1), 10,
                        at);
            CHECK(r.packets() == ++sent);
            CHECK(r.lost() <= r.expected());
            CHECK(r.packets() + r.lost() == r.expected() + r.duplicated() + r.strays());
            CHECK(r.late() <= r.reordered());
        }
        std::uint64_t missing = 0;
        for (const auto& gap : r.gaps()) {
            CHECK(gap.packets > 0);
            CHECK(gap.packets <= gap.span);
            missing += gap.packets;
        }
        CHECK(missing <= r.expected());
    }
}
