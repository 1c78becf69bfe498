#include "libsipana/rtp/events.h"

#include <doctest/doctest.h>

#include <string>

#include "libsipana/rtp/packet.h"
#include "tests/exact.h"
#include "tests/rtp/build.h"
#include "tests/rtp/walk.h"

using namespace sipana;

namespace {

struct Line {
    rtp::EventDecoder decoder{8000};
    std::uint64_t frame = 0;
    void send(std::uint8_t event, bool end, std::uint16_t duration, std::uint32_t timestamp,
              bool marker = false, std::uint8_t volume = 10) {
        Buffer b;
        rtp::write({event, end, false, volume, duration}, b);
        decoder.on_packet(Exact(b), timestamp, marker, start_time + ms(20) * frame, frame + 1);
        ++frame;
    }
    // As RFC 4733 2.5.1 has it: every 20 ms, the last three times.
    void press(std::uint8_t event, std::uint32_t timestamp) {
        send(event, false, 160, timestamp, true);
        send(event, false, 320, timestamp);
        send(event, false, 480, timestamp);
        for (int i = 0; i < 3; ++i) send(event, true, 640, timestamp);
    }
    std::string digits() const {
        std::string all;
        for (const auto& e : decoder.events()) all += e.digit;
        return all;
    }
};

std::vector<rtp::Event> events_of(const std::string& capture, std::uint8_t payload_type) {
    rtp::EventDecoder decoder(8000);
    for (const Walked& d : walk(capture)) {
        rtp::Packet p;
        if (rtp::looks_like_rtp(d.payload) && rtp::read(d.payload, p) &&
            p.payload_type == payload_type)
            decoder.on_packet(p.payload, p.timestamp, p.marker, d.time, d.frame);
    }
    return decoder.events();
}

}  // namespace

TEST_CASE("trap 22: 10 is *, 11 is #, 12 to 15 are A to D, 16 is flash") {
    const std::string digits = "0123456789*#ABCDF";
    for (std::size_t event = 0; event < digits.size(); ++event)
        CHECK(rtp::digit_of(static_cast<std::uint8_t>(event)) == digits[event]);
    for (int event = 17; event < 256; ++event)
        CHECK(rtp::digit_of(static_cast<std::uint8_t>(event)) == '?');
}

TEST_CASE("trap 22: an end sent three times is one digit") {
    Line line;
    line.press(11, 1000);
    REQUIRE(line.decoder.events().size() == 1);
    const auto& e = line.decoder.events()[0];
    CHECK(e.digit == '#');
    CHECK(e.duration == ms(80));
    CHECK(e.volume_dbm0 == -10);
    CHECK(e.ended);
    CHECK(e.packets == 6);
    CHECK(e.start == start_time);
    CHECK(e.frame == 1);
}

TEST_CASE("trap 22: duration counts in the event's own clock") {
    Line line;
    line.decoder.set_clock(48'000);
    line.send(1, true, 4800, 1);
    CHECK(line.decoder.events()[0].duration == ms(100));
    line.decoder.set_clock(0);
    line.send(1, true, 4800, 100'000, true);
    CHECK(line.decoder.events()[1].duration == Duration{});
    CHECK(line.decoder.events()[1].ticks == 4800);
}

TEST_CASE("RFC 4733 2.5.1.2: the same key twice is two digits, by their timestamps") {
    Line line;
    line.press(5, 1000);
    line.press(5, 3000);
    line.press(6, 5000);
    CHECK(line.digits() == "556");
}

TEST_CASE("RFC 4733 2.5.1.4: a lost end, a lost start, and nothing but an end") {
    Line line;
    line.send(1, false, 160, 1000, true);
    line.send(1, false, 320, 1000);
    line.send(2, false, 320, 4000);
    line.send(2, true, 480, 4000);
    line.send(3, true, 800, 8000);
    REQUIRE(line.digits() == "123");
    CHECK(!line.decoder.events()[0].ended);
    CHECK(line.decoder.events()[0].duration == ms(40));
    CHECK(line.decoder.events()[1].ended);
    CHECK(line.decoder.events()[2].duration == ms(100));
}

TEST_CASE("an end packet that comes after the next key changes the key that it belongs to") {
    Line line;
    line.send(1, false, 160, 1000, true);
    line.send(2, false, 160, 3000, true);
    line.send(1, true, 640, 1000);
    line.send(2, true, 640, 3000);
    REQUIRE(line.digits() == "12");
    CHECK(line.decoder.events()[0].ended);
    CHECK(line.decoder.events()[0].duration == ms(80));
    CHECK(line.decoder.events()[1].ended);
}

TEST_CASE("RFC 4733 2.5.1.3: an event of more than 65535 ticks goes on in segments") {
    Line line;
    line.send(4, false, 0xff00, 1000, true);
    line.send(4, false, 0xffff, 1000);
    line.send(4, false, 1000, 1000 + 0xffff);
    line.send(4, false, 0xffff, 1000 + 0xffff);
    line.send(4, false, 1000, 1000 + 2 * 0xffff);
    for (int i = 0; i < 3; ++i) line.send(4, true, 2000, 1000 + 2 * 0xffff);
    REQUIRE(line.digits() == "4");
    CHECK(line.decoder.events()[0].ticks == 2 * 0xffff + 2000);
    CHECK(line.decoder.events()[0].ended);
    // A marker begins another event, wherever it starts.
    line.send(4, false, 160, 1000 + 2 * 0xffff + 2000, true);
    CHECK(line.digits() == "44");
}

TEST_CASE("a sender that moves the timestamp with every packet still pressed one key") {
    Line line;
    for (std::uint16_t n = 1; n <= 8; ++n)
        line.send(9, n == 8, static_cast<std::uint16_t>(160 * n), 1000u + 160u * n, n == 1);
    REQUIRE(line.digits() == "9");
    CHECK(line.decoder.events()[0].ticks == 1280);
}

TEST_CASE("RFC 4733 2.5.1.5: several events in one packet") {
    Buffer b;
    rtp::write({1, true, false, 7, 800}, b);
    rtp::write({2, true, false, 7, 400}, b);
    rtp::EventDecoder decoder;
    decoder.on_packet(Exact(b), 5000, true, start_time, 1);
    decoder.on_packet(Exact(b), 5000, false, start_time, 2);
    REQUIRE(decoder.events().size() == 2);
    CHECK(decoder.events()[1].digit == '2');
    CHECK(decoder.events()[1].timestamp == 5800);
}

TEST_CASE("short payloads are counted, and the list ends at its cap") {
    rtp::EventDecoder decoder;
    for (std::size_t n = 0; n < 4; ++n)
        decoder.on_packet(Exact(Buffer(n)), 1, false, start_time, 1);
    CHECK(decoder.malformed() == 4);
    CHECK(decoder.events().empty());
    Line line;
    for (std::uint32_t n = 0; n < 1200; ++n) {
        line.send(1, true, 160, n * 1000, true);
        line.send(1, true, 160, n * 1000);
    }
    CHECK(line.decoder.events().size() == rtp::max_events);
    CHECK(line.decoder.count() == 1200);
}

TEST_CASE("RFC 4733 2.3: parse(write(x)) == x for every byte") {
    for (int event = 0; event < 256; ++event)
        for (int bits = 0; bits < 256; ++bits) {
            const rtp::EventBlock block{static_cast<std::uint8_t>(event), (bits & 0x80) != 0,
                                        (bits & 0x40) != 0, static_cast<std::uint8_t>(bits & 0x3f),
                                        static_cast<std::uint16_t>(event * 251 + bits)};
            Buffer b;
            rtp::write(block, b);
            const auto again = rtp::parse_event(Exact(b));
            REQUIRE(again);
            CHECK(*again == block);
        }
    CHECK(!rtp::parse_event(Exact(Buffer(3))));
}

TEST_CASE("captures: the keys pressed in DTMF recordings") {
    if (walk("sipp-dtmf_2833_1.pcap").empty()) {
        MESSAGE("skipped: ../shared/captures is not here");
        return;
    }
    auto e = events_of("sipp-dtmf_2833_1.pcap", 101);
    REQUIRE(e.size() == 1);
    CHECK(e[0].digit == '1');
    CHECK(e[0].duration == ms(280));
    CHECK(e[0].ended);
    e = events_of("testsuite-dtmf_2833_1_noend.pcap", 101);
    REQUIRE(e.size() == 1);
    CHECK(e[0].digit == '1');
    CHECK(!e[0].ended);
    e = events_of("testsuite-broken_dtmf.pcap", 101);  // packets swapped around the end
    REQUIRE(e.size() == 4);
    CHECK(e[0].digit == '1');
    for (std::size_t i = 1; i < 4; ++i) CHECK(e[i].digit == '0');
    e = events_of("sipnab-SIP_DTMF2.cap", 96);
    std::string digits;
    for (const auto& event : e) digits += event.digit;
    CHECK(digits == "6789123");
}
