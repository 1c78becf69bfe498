#include "libsipana/rtp/sender.h"

#include <doctest/doctest.h>

#include "libsipana/rtp/packet.h"
#include "libsipana/rtp/receiver.h"
#include "tests/exact.h"

using namespace sipana;

TEST_CASE("RFC 3550 5.1: packets in sequence from a random begin, over the wrap of all numbers") {
    Random random(1);
    rtp::Sender sender(random), other(random);
    CHECK(sender.ssrc() != other.ssrc());
    CHECK(sender.next_sequence() != other.next_sequence());
    rtp::Receiver receiver;
    receiver.set_clock(8000);
    const Buffer payload{1, 2, 3};
    for (std::uint64_t i = 0; i < 70'000; ++i) {
        Buffer out{9};  // what stands before is left alone
        const std::uint16_t sequence = sender.next_sequence();
        sender.write(5, i % 7 == 0, i * 160, payload, out);
        REQUIRE(out[0] == 9);
        const Exact wire(Bytes(out).subspan(1));
        rtp::Packet packet;
        REQUIRE(rtp::read(wire, packet));
        REQUIRE(packet.sequence == sequence);
        REQUIRE(packet.timestamp == sender.timestamp(i * 160));
        REQUIRE(packet.ssrc == sender.ssrc());
        REQUIRE(packet.marker == (i % 7 == 0));
        REQUIRE(packet.payload_type == 5);
        REQUIRE(Buffer(packet.payload.begin(), packet.payload.end()) == payload);
        receiver.on_packet(packet.sequence, packet.timestamp, packet.marker, 3,
                           Time{static_cast<std::int64_t>(i) * 20'000'000});
    }
    CHECK(receiver.lost() == 0);
    CHECK(receiver.packets() == 70'000);
    CHECK(receiver.restarts() == 0);
    CHECK(receiver.max_jitter_ms() == doctest::Approx(0));
    CHECK(sender.packets() == 70'000);
    CHECK(sender.octets() == 210'000);
}

TEST_CASE("RFC 3550 5.1: a written packet is the one that rtp::write writes") {
    Random random(2);
    rtp::Sender sender(random);
    rtp::Packet packet;
    const Buffer payload{7, 8};
    packet.payload = payload;
    packet.sequence = sender.next_sequence();
    packet.timestamp = sender.timestamp(0x1'0000'0005);
    packet.ssrc = sender.ssrc();
    packet.payload_type = 101;
    packet.marker = true;
    Buffer expected, out;
    REQUIRE(rtp::write(packet, expected));
    sender.write(101, true, 0x1'0000'0005, payload, out);
    CHECK(out == expected);
}
