#include "libsipana/net/layers.h"

#include <doctest/doctest.h>

#include "tests/net/frames.h"

using namespace sipana;
using namespace sipana::net;

namespace {

// The frame gives the one message; every truncation of it is accounted for and harmless.
void gives_message(const Buffer& frame, std::uint16_t link_type, bool v6 = false) {
    Bench bench;
    CHECK(bench.decode(frame, link_type) == Fate::delivered);
    REQUIRE(bench.sink.datagrams.size() == 1);
    const auto& d = bench.sink.datagrams[0];
    CHECK(d.text == options_text);
    CHECK(d.src.to_string() == (v6 ? "[2001:db8::1]:5060" : "192.0.2.1:5060"));
    CHECK(d.dst.to_string() == (v6 ? "[2001:db8::2]:5061" : "192.0.2.2:5061"));
    CHECK(d.frame == 1);
    CHECK_FALSE(d.cut);
    CHECK(bench.sink.findings.empty());
    for (std::size_t size = 0; size < frame.size(); ++size) {
        Bench cut;  // by the snap length
        cut.decode(frame, link_type, frame.size() - size);
        CHECK(cut.adds_up());
        for (const auto& got : cut.sink.datagrams) {
            CHECK(got.cut);
            CHECK(options_text.substr(0, got.text.size()) == got.text);
        }
        Bench broken;  // on the wire
        broken.decode_short(frame, size, link_type);
        CHECK(broken.adds_up());
        broken.decoder.finish();
    }
}

}  // namespace

TEST_CASE("Ethernet II: IPv4 and IPv6") {
    gives_message(ethernet(0x0800, sip_v4()), 1);
    gives_message(ethernet(0x86dd, sip_v6()), 1, true);
}

TEST_CASE("IEEE 802.1Q: one tag, and nested ones of every EtherType in use") {
    gives_message(ethernet(0x8100, hex("0064 0800") + sip_v4()), 1);
    gives_message(ethernet(0x88a8, hex("0064 8100 00c8 0800") + sip_v4()), 1);
    gives_message(ethernet(0x9100, hex("0064 8100 00c8 86dd") + sip_v6()), 1, true);
    gives_message(ethernet(0x9200, hex("0064 8100 00c8 8100 0001 0800") + sip_v4()), 1);
}

TEST_CASE("RFC 1042: IP behind LLC and SNAP, trimmed to the 802.3 length") {
    const Buffer snap = hex("aaaa03 000000 0800") + sip_v4();
    gives_message(ethernet(static_cast<std::uint16_t>(snap.size()), snap), 1);
    const Buffer llc = hex("060603") + sip_v4();
    gives_message(ethernet(static_cast<std::uint16_t>(llc.size()), llc), 1);
    Bench bench;
    CHECK(bench.decode(ethernet(3, hex("424203"))) == Fate::not_ip);  // spanning tree
}

TEST_CASE("LINKTYPE_LINUX_SLL and SLL2, with a VLAN tag and with LLC inside") {
    const auto sll = [](const char* protocol) {
        return hex("0000 0001 0006 020000000001 0000") + hex(protocol);
    };
    gives_message(sll("0800") + sip_v4(), 113);
    gives_message(sll("86dd") + sip_v6(), 113, true);
    gives_message(sll("8100") + hex("0064 0800") + sip_v4(), 113);
    gives_message(sll("0004") + hex("aaaa03 000000 0800") + sip_v4(), 113);
    const auto sll2 = [](const char* protocol) {
        return hex(protocol) + hex("0000 00000002 0001 00 06 020000000001 0000");
    };
    gives_message(sll2("0800") + sip_v4(), 276);
    gives_message(sll2("86dd") + sip_v6(), 276, true);
    gives_message(sll2("8100") + hex("0064 86dd") + sip_v6(), 276, true);
    Bench bench;
    CHECK(bench.decode(hex("0004 0338 0000 0000000000000000 0000 00000000"), 113) ==
          Fate::not_ip);  // netlink
}

TEST_CASE("LINKTYPE_RAW and its kin") {
    for (const std::uint16_t type : std::initializer_list<std::uint16_t>{12, 14, 101}) {
        gives_message(sip_v4(), type);
        gives_message(sip_v6(), type, true);
    }
    gives_message(sip_v4(), 228);
    gives_message(sip_v6(), 229, true);
    Bench bench;
    CHECK(bench.decode(sip_v4(), 229) == Fate::bad_header);
    CHECK(bench.sink.found("ip-version"));
}

TEST_CASE("LINKTYPE_NULL and LOOP: either byte order, and every AF_INET6 there is") {
    for (const std::uint16_t type : std::initializer_list<std::uint16_t>{0, 108}) {
        gives_message(hex("00000002") + sip_v4(), type);
        gives_message(hex("02000000") + sip_v4(), type);
        for (const std::uint8_t family :
             std::initializer_list<std::uint8_t>{10, 23, 24, 26, 28, 30}) {
            gives_message(Buffer{family, 0, 0, 0} + sip_v6(), type, true);
            gives_message(Buffer{0, 0, 0, family} + sip_v6(), type, true);
        }
    }
    Bench bench;
    CHECK(bench.decode(hex("07000000") + sip_v4(), 0) == Fate::not_ip);
}

TEST_CASE("RFC 1661, RFC 1662: PPP with and without its compressions, and HDLC") {
    for (const std::uint16_t type : std::initializer_list<std::uint16_t>{9, 50}) {
        gives_message(hex("ff03 0021") + sip_v4(), type);
        gives_message(hex("ff03 21") + sip_v4(), type);
        gives_message(hex("0057") + sip_v6(), type, true);
    }
    gives_message(hex("57") + sip_v6(), 9, true);
    gives_message(hex("0f00 0800") + sip_v4(), 104);
    gives_message(hex("01 0021") + sip_v4(), 204);
    Bench bench;
    CHECK(bench.decode(hex("ff03 c021 01020304"), 9) == Fate::not_ip);  // LCP
}

TEST_CASE("RFC 2516: the PPPoE session, trimmed to its length") {
    const Buffer ppp = hex("0021") + sip_v4();
    Buffer pppoe = hex("1100 1234");
    ByteWriter(pppoe).u16(ppp.size()).put(Bytes(ppp));
    gives_message(ethernet(0x8864, pppoe), 1);
    gives_message(ethernet(0x8100, hex("0064 8864") + pppoe), 1);
    gives_message(pppoe, 51);
    Bench bench;
    CHECK(bench.decode(ethernet(0x8863, hex("1109 0000 0000"))) == Fate::not_ip);  // discovery
    CHECK(bench.decode(ethernet(0x8864, hex("2200 0001 0004 0021 4500"))) == Fate::bad_header);
    CHECK(bench.sink.found("pppoe-header"));
}

TEST_CASE("a frame of another kind is ignored, and counted as what it is") {
    Bench bench;
    CHECK(bench.decode(ethernet(0x0806, Buffer(28))) == Fate::not_ip);
    CHECK(bench.decode(ethernet(0x0800, ipv4(1, Buffer(8)))) == Fate::other_transport);
    CHECK(bench.decode(ethernet(0x86dd, ipv6(58, Buffer(8)))) == Fate::other_transport);
    CHECK(bench.decode(Buffer(64), 147) == Fate::unknown_link_type);
    CHECK(bench.decode(Buffer(13), 1) == Fate::cut_short);
    CHECK(bench.adds_up());
    CHECK(bench.sink.findings.size() == 1);  // only the last is a fault
    CHECK(bench.sink.datagrams.empty());
}
