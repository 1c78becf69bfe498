#include "libsipana/rtp/check.h"

#include <doctest/doctest.h>

#include "tests/exact.h"
#include "tests/rtp/build.h"

using namespace sipana;

namespace {

Buffer packet(std::uint8_t type, std::size_t payload) {
    Buffer b{0x80, type, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3};
    b.resize(12 + payload, 1);
    return b;
}

}  // namespace

TEST_CASE("RFC 3550 5.1: a packet that cannot be read is a finding with its place") {
    const auto found = rtp::check(Exact(Buffer{0x80, 0, 1}));
    REQUIRE(found.size() == 1);
    CHECK(found[0].rule == "rtp-unreadable");
    CHECK(found[0].severity == Severity::error);
    CHECK(found[0].byte == 3);
}

TEST_CASE("a good packet has no finding") {
    for (int type : {0, 8, 9, 96})
        CHECK(rtp::check(Exact(packet(static_cast<std::uint8_t>(type), 161))).empty());
    CHECK(rtp::check(Exact(packet(18, 20))).empty());
    CHECK(rtp::check(Exact(packet(18, 22))).empty());
    CHECK(rtp::check(Exact(packet(18, 2))).empty());
    CHECK(rtp::check(Exact(packet(3, 66))).empty());
    CHECK(rtp::check(Exact(packet(4, 44))).empty());
}

TEST_CASE("RFC 3551 4.5: a payload that is no whole number of frames") {
    for (const auto& [type, size] : {std::pair{18, 15}, std::pair{3, 32}, std::pair{4, 23}}) {
        const auto wire = packet(static_cast<std::uint8_t>(type), static_cast<std::size_t>(size));
        const auto found = rtp::check(Exact(wire));
        REQUIRE(found.size() == 1);
        CHECK(found[0].rule == "rtp-payload-size");
        CHECK(rtp::check(Exact(wire), true).empty());  // encrypted: there is a tag behind it
    }
}

TEST_CASE("RFC 3551 6: payload types 72 to 76 are reserved") {
    const auto found = rtp::check(Exact(packet(74, 20)));
    REQUIRE(found.size() == 1);
    CHECK(found[0].rule == "rtp-reserved-payload-type");
}

TEST_CASE("RFC 8285 4.2: a broken extension element is a finding") {
    Buffer b{0x90, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0x17, 0, 0, 0};
    const auto found = rtp::check(Exact(b));
    REQUIRE(found.size() == 1);
    CHECK(found[0].rule == "rtp-extension-element");
    CHECK(found[0].byte == 12);
    b[16] = 0x12;
    CHECK(rtp::check(Exact(b)).empty());
}

TEST_CASE("RFC 4733 2.3: what is wrong with a telephone-event payload") {
    CHECK(rtp::check_event(Exact(Buffer{1, 10, 0, 160})).empty());
    CHECK(rtp::check_event(Exact(Buffer{1, 10, 0}))[0].rule == "rtp-event-size");
    CHECK(rtp::check_event(Exact(Buffer{1, 10, 0, 160, 7}))[0].rule == "rtp-event-size");
    CHECK(rtp::check_event(Exact(Buffer{1, 0x4a, 0, 160}))[0].rule == "rtp-event-reserved-bit");
}

TEST_CASE(
    "RFC 3551 4.1: a marker on every audio packet is a finding, on every video packet is not") {
    Sender s;
    for (int n = 0; n < 49; ++n) s.packet(n, {}, true);
    CHECK(rtp::check(s.receiver, true).empty());
    s.packet(49, {}, true);
    REQUIRE(rtp::check(s.receiver, true).size() == 1);
    CHECK(rtp::check(s.receiver, true)[0].rule == "rtp-marker-always");
    CHECK(rtp::check(s.receiver, false).empty());
}

TEST_CASE("RFC 3550 5.1: a restart under the same SSRC is a finding") {
    Sender s;
    s.packets(0, 9);
    s.receiver.on_packet(20'000, 7, false, 1, start_time + ms(200));
    s.receiver.on_packet(20'001, 167, false, 1, start_time + ms(220));
    const auto found = rtp::check(s.receiver, true);
    REQUIRE(found.size() == 1);
    CHECK(found[0].rule == "rtp-sequence-restart");
}
