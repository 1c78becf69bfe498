#include "libsipana/net/tunnels.h"

#include <doctest/doctest.h>

#include "tests/net/frames.h"

using namespace sipana;
using namespace sipana::net;

namespace {

void gives_message(const Buffer& frame, bool v6 = false) {
    Bench bench;
    CHECK(bench.decode(frame) == Fate::delivered);
    REQUIRE(bench.sink.datagrams.size() == 1);
    CHECK(bench.sink.datagrams[0].text == options_text);
    CHECK(bench.sink.datagrams[0].src.to_string() ==
          (v6 ? "[2001:db8::1]:5060" : "192.0.2.1:5060"));
    CHECK(bench.sink.findings.empty());
    for (std::size_t size = 0; size < frame.size(); ++size) {
        Bench snapped, broken;
        snapped.decode(frame, 1, frame.size() - size);
        broken.decode_short(frame, size);
        CHECK(snapped.adds_up());
        CHECK(broken.adds_up());
        for (const auto& got : snapped.sink.datagrams) CHECK(got.cut);
    }
}

Buffer in_ip(std::uint8_t protocol, const Buffer& payload) {
    Ipv4 ip;
    ip.src = "198.51.100.1";
    ip.dst = "198.51.100.2";
    return ethernet(0x0800, ipv4(protocol, payload, ip));
}
Buffer in_udp(std::uint16_t port, const Buffer& payload) {
    return in_ip(17, udp(40000, port, payload));
}

}  // namespace

TEST_CASE("RFC 3032: a label stack, its payload known by its first bits") {
    gives_message(ethernet(0x8847, hex("00064140") + sip_v4()));
    gives_message(ethernet(0x8848, hex("00064040 000c8140") + sip_v6()), true);
    Bench bench;
    CHECK(bench.decode(ethernet(0x8847, hex("00064040"))) == Fate::cut_short);
    CHECK(bench.decode(ethernet(0x8847, hex("00064140 10000021 00000000"))) == Fate::not_ip);
}

TEST_CASE("RFC 4448: Ethernet over MPLS, with and without the control word") {
    gives_message(ethernet(0x8847, hex("00064140 00000000") + ethernet(0x0800, sip_v4())));
    gives_message(ethernet(0x8847, hex("00064140") + ethernet(0x86dd, sip_v6())), true);
}

TEST_CASE("RFC 2784, RFC 2890: GRE with every combination of its optional fields") {
    gives_message(in_ip(47, hex("0000 0800") + sip_v4()));
    gives_message(in_ip(47, hex("0000 86dd") + sip_v6()), true);
    gives_message(in_ip(47, hex("8000 0800 12340000") + sip_v4()));
    gives_message(in_ip(47, hex("2000 0800 00000007") + sip_v4()));
    gives_message(in_ip(47, hex("1000 0800 00000001") + sip_v4()));
    gives_message(in_ip(47, hex("b000 0800 12340000 00000007 00000001") + sip_v4()));
    gives_message(in_ip(47, hex("0000 8847 00064140") + sip_v4()));
    gives_message(in_ip(47, hex("0000 880b ff03 0021") + sip_v4()));
    // RFC 1701: source route of one entry, then the empty one.
    gives_message(in_ip(47, hex("4000 0800 00000000 0800 0004 c0000201 0000 0000") + sip_v4()));
    Bench bench;
    CHECK(bench.decode(in_ip(47, hex("0002 0800") + sip_v4())) == Fate::bad_header);
    CHECK(bench.sink.found("gre-version"));
    CHECK(bench.decode(in_ip(47, hex("4000 0800 00000000 0800 0004"))) == Fate::bad_header);
    CHECK(bench.sink.found("gre-routing"));
}

TEST_CASE("RFC 2637 4.1: GRE version 1 carries PPP, as long as the key says") {
    const Buffer ppp = hex("ff03 0021") + sip_v4();
    Buffer gre = hex("3081 880b");
    ByteWriter(gre).u16(ppp.size()).u16(7).u32(1).u32(2).put(Bytes(ppp));
    gives_message(in_ip(47, gre));
    Bench bench;
    CHECK(bench.decode(in_ip(47, gre + Buffer(9, 0xee))) == Fate::delivered);
    CHECK(bench.sink.datagrams[0].text == options_text);
    CHECK(bench.decode(in_ip(47, hex("2081 880b 0000 0007 00000001"))) == Fate::not_ip);
}

TEST_CASE("transparent Ethernet bridging in GRE") {
    gives_message(in_ip(47, hex("0000 6558") + ethernet(0x0800, sip_v4())));
    gives_message(
        in_ip(47, hex("2000 6558 00000007") + ethernet(0x8100, hex("0064 86dd") + sip_v6())), true);
}

TEST_CASE("ERSPAN types I, II and III") {
    const Buffer inner = ethernet(0x0800, sip_v4());
    gives_message(in_ip(47, hex("0000 88be") + inner));
    gives_message(in_ip(47, hex("1000 88be 00000001 10640001 00000000") + inner));
    gives_message(in_ip(47, hex("1000 22eb 00000001 20640001 00000000 0000 0000") + inner));
    gives_message(
        in_ip(47, hex("1000 22eb 00000001 20640001 00000000 0000 0001") + Buffer(8) + inner));
    gives_message(in_ip(47, hex("1000 22eb 00000001 20640001 00000000 0000 0800") + sip_v4()));
}

TEST_CASE("RFC 7348: VXLAN on both ports, and with a group policy") {
    const Buffer inner = ethernet(0x0800, sip_v4());
    gives_message(in_udp(4789, hex("08000000 00006400") + inner));
    gives_message(in_udp(8472, hex("08000000 00006400") + inner));
    gives_message(in_udp(4789, hex("88000007 00006400") + inner));
}

TEST_CASE("draft-ietf-nvo3-vxlan-gpe: IP or Ethernet, as its header says") {
    const Buffer ether = ethernet(0x0800, sip_v4());
    gives_message(in_udp(4790, hex("0c000003 00000500") + ether));
    gives_message(in_udp(4790, hex("0c000001 00000500") + sip_v4()));
    gives_message(in_udp(4790, hex("0c000002 00000500") + sip_v6()), true);
    gives_message(in_udp(4790, hex("0c000005 00000500 00064140") + sip_v4()));
    // No next protocol, or none that is known: a datagram like others.
    for (const char* header : {"08000001 00000500", "0c000000 00000500", "0c000006 00000500"}) {
        Bench bench;
        bench.decode(in_udp(4790, hex(header) + sip_v4()));
        REQUIRE(bench.sink.datagrams.size() == 1);
        CHECK(bench.sink.datagrams[0].dst.port == 4790);
    }
}

TEST_CASE("RFC 7510: MPLS in UDP, and what only goes to its port") {
    gives_message(in_udp(6635, hex("00064140") + sip_v4()));
    gives_message(in_udp(6635, hex("00064040 000c8140") + sip_v6()), true);
    Bench bench;
    bench.decode(in_udp(6635, hex("80000001 00000000 00000000")));
    REQUIRE(bench.sink.datagrams.size() == 1);
    CHECK(bench.sink.datagrams[0].dst.port == 6635);
}

TEST_CASE("RFC 8926: Geneve with options, Ethernet or IP inside") {
    gives_message(in_udp(6081, hex("0000 6558 00006400") + ethernet(0x0800, sip_v4())));
    gives_message(
        in_udp(6081, hex("0240 6558 00006400 0102 0101 00000000") + ethernet(0x0800, sip_v4())));
    gives_message(in_udp(6081, hex("0000 86dd 00006400") + sip_v6()), true);
}

TEST_CASE("TS 29.281 5: GTP-U with sequence number and extension headers") {
    const auto gtp = [](const char* flags, const Buffer& rest) {
        Buffer out = hex(flags) + hex("ff");
        ByteWriter(out).u16(rest.size()).u32(0x12345678).put(Bytes(rest));
        return in_udp(2152, out);
    };
    gives_message(gtp("30", sip_v4()));
    gives_message(gtp("30", sip_v6()), true);
    gives_message(gtp("32", hex("0001 00 00") + sip_v4()));
    // E: a PDU session container of four bytes, then a PDCP number of eight.
    gives_message(gtp("34", hex("0000 00 85 01 10 01 c0 02 000000000000 00") + sip_v4()));
}

TEST_CASE("IP in IP, IPv6 in IPv4, IPv4 in IPv6, MPLS in IP") {
    gives_message(in_ip(4, sip_v4()));
    gives_message(in_ip(41, sip_v6()), true);
    gives_message(ethernet(0x86dd, ipv6(4, sip_v4())));
    gives_message(ethernet(0x86dd, ipv6(41, sip_v6())), true);
    gives_message(in_ip(137, hex("00064140") + sip_v4()));
}

TEST_CASE("RFC 8300: network service header") {
    gives_message(ethernet(0x894f, hex("0fc2 02 01 00000101") + sip_v4()));
    gives_message(
        ethernet(0x894f, hex("0fc6 01 03 00000101") + Buffer(16) + ethernet(0x0800, sip_v4())));
}

TEST_CASE("a tunnel's port is not enough: what makes no sense inside is a datagram") {
    const Buffer rtp = hex("8000 0001 000000a0 12345678") + Buffer(160, 0xd5);
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{2152, 4789, 8472, 6081}) {
        Bench bench;
        CHECK(bench.decode(in_udp(port, rtp)) == Fate::delivered);
        CHECK(bench.decode(in_udp(port, bytes_of(options_text))) == Fate::delivered);
        CHECK(bench.decode(in_udp(port, {})) == Fate::delivered);
        REQUIRE(bench.sink.datagrams.size() == 3);
        CHECK(bench.sink.datagrams[0].text == text_of(rtp));
        CHECK(bench.sink.datagrams[1].text == options_text);
        CHECK(bench.sink.datagrams[1].dst.port == port);
        CHECK(bench.sink.findings.empty());
    }
    // The header is right, the inner packet is not.
    Bench bench;
    bench.decode(in_udp(4789, hex("08000000 00006400") + ethernet(0x0800, Buffer(40))));
    bench.decode(in_udp(2152, hex("30ff 0004 12345678") + bytes_of("text")));
    bench.decode(in_udp(2152, hex("3001 0004 12345678 00000000")));  // echo request
    CHECK(bench.sink.datagrams.size() == 3);
}

TEST_CASE("nesting is capped") {
    Buffer tags = sip_v4();
    for (int i = 0; i < 23; ++i) tags = hex(i == 0 ? "0064 0800" : "0064 8100") + tags;
    Bench bench;
    CHECK(bench.decode(ethernet(0x8100, tags)) == Fate::delivered);
    CHECK(bench.decode(ethernet(0x8100, hex("0064 8100") + tags)) == Fate::too_deep);
    CHECK(bench.sink.found("nesting"));

    Buffer nested = sip_v4();
    while (nested.size() < 60000) nested = ipv4(4, nested);
    CHECK(bench.decode(ethernet(0x0800, nested)) == Fate::too_deep);
    // Labels and tags inside a UDP tunnel are looked through before it is opened.
    Buffer deep = hex("08000000 00006400") + hex("020000000002 020000000001");
    while (deep.size() < 60000) deep = deep + hex("8100 0064");
    CHECK(bench.decode(in_udp(4789, deep)) == Fate::delivered);
    CHECK(bench.adds_up());
}
