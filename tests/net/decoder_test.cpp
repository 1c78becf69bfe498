#include "libsipana/net/decoder.h"

#include <doctest/doctest.h>

#include "tests/net/frames.h"

using namespace sipana;
using namespace sipana::net;

TEST_CASE("RFC 768: the datagram carries its endpoints, time, frame and DSCP") {
    Bench bench;
    Ipv4 ip;
    ip.tos = 46 << 2;
    bench.decode(ethernet(0x0800, ipv4(17, udp(1, 2, "x"), ip)));
    bench.decode(ethernet(0x86dd, ipv6(17, udp(3, 4, "y"), 34 << 2)));
    REQUIRE(bench.sink.datagrams.size() == 2);
    CHECK(bench.sink.datagrams[0].dscp == 46);
    CHECK(bench.sink.datagrams[0].time == bench.now - std::chrono::milliseconds{1});
    CHECK(bench.sink.datagrams[0].transport == Transport::udp);
    CHECK(bench.sink.datagrams[1].dscp == 34);
    CHECK(bench.sink.datagrams[1].frame == 2);
    CHECK(bench.sink.datagrams[1].src.to_string() == "[2001:db8::1]:3");
}

TEST_CASE("the payload lies in the frame: nothing is copied") {
    const Exact frame(Bytes(ethernet(0x0800, sip_v4())));
    struct Where : Sink {
        void on_datagram(const Datagram& d) override { payload = d.payload, stable = d.stable; }
        void on_chunk(const Chunk&) override {}
        void on_finding(Finding) override {}
        Bytes payload;
        bool stable = false;
    } where;
    Decoder decoder(where);
    Link link;
    link.link_type = 1;
    link.bytes = frame;
    link.wire_size = static_cast<std::uint32_t>(link.bytes.size());
    link.stable = true;
    decoder.decode(link);
    CHECK(where.payload.data() == link.bytes.data() + 42);
    CHECK(where.stable);
}

TEST_CASE("the fast path and the thorough way come to the same") {
    // An IPv4 option or an empty destination header sends the same datagram the other way.
    Ipv4 options;
    options.tos = 0x68;
    Ipv4 none = options;
    options.options = hex("01010101");
    const Buffer message = udp(5060, 5061, options_text);
    Bench fast, thorough;
    fast.decode(ethernet(0x0800, ipv4(17, message, none)));
    thorough.decode(ethernet(0x0800, ipv4(17, message, options)));
    fast.decode(ethernet(0x86dd, ipv6(17, message, 0x68)));
    thorough.decode(ethernet(0x86dd, ipv6(60, hex("11 00 0104 00000000") + message, 0x68)));
    REQUIRE(fast.sink.datagrams.size() == 2);
    REQUIRE(thorough.sink.datagrams.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        const auto &a = fast.sink.datagrams[i], &b = thorough.sink.datagrams[i];
        CHECK(a.text == b.text);
        CHECK(a.src == b.src);
        CHECK(a.dst == b.dst);
        CHECK(a.dscp == b.dscp);
        CHECK(a.time == b.time);
        CHECK(a.cut == b.cut);
    }
}

TEST_CASE("RFC 791 3.1: padding behind the total length is no payload") {
    Bench bench;
    bench.decode(ethernet(0x0800, ipv4(17, udp(1, 2, "hi")) + Buffer(16, 0xaa)));
    Ipv4 ip;
    ip.options = hex("94040000");  // router alert
    bench.decode(ethernet(0x0800, ipv4(17, udp(1, 2, "hi"), ip) + Buffer(16, 0xaa)));
    bench.decode(ethernet(0x86dd, ipv6(17, udp(1, 2, "hi")) + Buffer(16, 0xaa)));
    REQUIRE(bench.sink.datagrams.size() == 3);
    for (const auto& d : bench.sink.datagrams) CHECK(d.text == "hi");
}

TEST_CASE("a total length of zero is left to the network card: what is there counts") {
    Buffer packet = sip_v4();
    packet[2] = packet[3] = 0;
    Buffer packet6 = sip_v6();
    packet6[4] = packet6[5] = 0;
    Bench bench;
    CHECK(bench.decode(ethernet(0x0800, packet)) == Fate::delivered);
    CHECK(bench.decode(ethernet(0x86dd, packet6)) == Fate::delivered);
    REQUIRE(bench.sink.datagrams.size() == 2);
    CHECK(bench.sink.datagrams[0].text == options_text);
    CHECK(bench.sink.datagrams[1].text == options_text);
}

TEST_CASE("RFC 791 3.1: headers that contradict themselves are findings, with their place") {
    const auto with = [](std::size_t at, std::uint8_t value) {
        Buffer packet = sip_v4();
        packet[at] = value;
        return ethernet(0x0800, packet);
    };
    Bench bench;
    CHECK(bench.decode(with(0, 0x44)) == Fate::bad_header);
    REQUIRE(bench.sink.findings.size() == 1);
    CHECK(bench.sink.findings[0].rule == "ip-header-length");
    CHECK(bench.sink.findings[0].clause == "RFC 791 3.1");
    CHECK(bench.sink.findings[0].byte == 14);
    CHECK(bench.sink.findings[0].frame == 1);
    CHECK(bench.decode(with(0, 0x65)) == Fate::bad_header);
    CHECK(bench.sink.found("ip-version"));
    Buffer small = sip_v4();
    small[2] = 0, small[3] = 19;
    CHECK(bench.decode(ethernet(0x0800, small)) == Fate::bad_header);
    CHECK(bench.decode(ethernet(0x0800, ipv4(17, Buffer(7)))) == Fate::cut_short);
    CHECK(bench.sink.found("udp-header"));
    Buffer udp7 = udp(1, 2, "");
    udp7[5] = 7;
    CHECK(bench.decode(ethernet(0x0800, ipv4(17, udp7))) == Fate::bad_header);
    CHECK(bench.sink.found("udp-length"));
    CHECK(bench.sink.datagrams.empty());
    CHECK(bench.adds_up());
}

TEST_CASE("lengths larger than the frame: what is there is handed on as cut, with a finding") {
    Bench bench;
    Buffer packet = sip_v4();
    packet[2] = 0x10;  // total length
    CHECK(bench.decode(ethernet(0x0800, packet)) == Fate::delivered);
    CHECK(bench.sink.found("ip-total-length"));
    CHECK(bench.sink.datagrams.back().text == options_text);
    Buffer longer = udp(1, 2, "abc");
    longer[5] = 100;
    CHECK(bench.decode(ethernet(0x0800, ipv4(17, longer))) == Fate::delivered);
    CHECK(bench.sink.found("udp-length"));
    CHECK(bench.sink.datagrams.back().cut);
    CHECK(bench.sink.datagrams.back().text == "abc");
}

TEST_CASE("a frame that the snap length cut is marked, and no fault") {
    Bench bench;
    const Buffer frame = ethernet(0x0800, sip_v4());
    CHECK(bench.decode(frame, 1, 10) == Fate::delivered);
    REQUIRE(bench.sink.datagrams.size() == 1);
    CHECK(bench.sink.datagrams[0].cut);
    CHECK(bench.sink.datagrams[0].text == options_text.substr(0, options_text.size() - 10));
    CHECK(bench.sink.datagrams[0].absent == 10);
    CHECK(bench.sink.findings.empty());
    CHECK(bench.decode(frame, 1, frame.size() - 30) == Fate::cut_short);
    REQUIRE(bench.sink.findings.size() == 1);
    CHECK(bench.sink.findings[0].severity == Severity::note);
}

TEST_CASE("RFC 8200 4: extension headers are passed over") {
    const Buffer message = udp(5060, 5061, options_text);
    const Buffer padding = hex("0104 00000000");
    const auto gives = [](const Buffer& packet) {
        for (std::size_t size = 0; size <= packet.size(); ++size) {
            Bench bench;
            const Fate fate = bench.decode_short(ethernet(0x86dd, packet), 14 + size);
            CHECK(bench.adds_up());
            if (size < packet.size()) continue;
            CHECK(fate == Fate::delivered);
            REQUIRE(bench.sink.datagrams.size() == 1);
            CHECK(bench.sink.datagrams[0].text == options_text);
        }
    };
    gives(ipv6(0, hex("11 00") + padding + message));                             // hop-by-hop
    gives(ipv6(60, hex("11 01") + Buffer(14) + message));                         // destination
    gives(ipv6(43, hex("11 02 04 00 00000000") + Buffer(16) + message));          // routing
    gives(ipv6(44, hex("11 00 0000 00000001") + message));                        // atomic fragment
    gives(ipv6(51, hex("11 04 0000 00000001 00000002") + Buffer(12) + message));  // RFC 4302
    gives(ipv6(
        0, hex("2b 00") + padding + hex("3c 00 0000 00000000") + hex("11 00") + padding + message));
    gives(ipv6(135, hex("11 00") + padding + message));

    Bench bench;
    Buffer many = message;
    for (int i = 0; i < 40; ++i) many = (i == 0 ? hex("11 00") : hex("3c 00")) + padding + many;
    CHECK(bench.decode(ethernet(0x86dd, ipv6(60, many))) == Fate::bad_header);
    CHECK(bench.sink.found("ipv6-extension-header"));
    CHECK(bench.decode(ethernet(0x86dd, ipv6(59, {}))) == Fate::other_transport);
}

TEST_CASE("RFC 4302: an authentication header in IPv4 is passed over") {
    Bench bench;
    const Buffer ah = hex("11 04 0000 00000001 00000002") + Buffer(12);
    CHECK(bench.decode(ethernet(0x0800, ipv4(51, ah + udp(1, 2, "x")))) == Fate::delivered);
    REQUIRE(bench.sink.datagrams.size() == 1);
    CHECK(bench.sink.datagrams[0].text == "x");
}

TEST_CASE("a message quoted in an ICMP error is not taken for one") {
    Bench bench;
    CHECK(bench.decode(ethernet(0x0800, ipv4(1, hex("0303 0000 00000000") + sip_v4()))) ==
          Fate::other_transport);
    CHECK(bench.sink.datagrams.empty());
}

TEST_CASE("RFC 2675 4: a UDP length of zero takes what the packet holds") {
    Buffer datagram = udp(1, 2, "jumbo");
    datagram[4] = datagram[5] = 0;
    Bench bench;
    CHECK(bench.decode(ethernet(0x86dd, ipv6(17, datagram))) == Fate::delivered);
    REQUIRE(bench.sink.datagrams.size() == 1);
    CHECK(bench.sink.datagrams[0].text == "jumbo");
    CHECK_FALSE(bench.sink.datagrams[0].cut);
}

TEST_CASE("RFC 9293 3.1: TCP headers are checked, options passed over") {
    Bench bench;
    Buffer segment = tcp(1, 2, 1, 0, 0x10, "");
    segment[12] = 0x40;
    CHECK(bench.decode(ethernet(0x0800, ipv4(6, segment))) == Fate::bad_header);
    CHECK(bench.sink.found("tcp-data-offset"));
    segment[12] = 0x60;
    CHECK(bench.decode(ethernet(0x0800, ipv4(6, segment))) == Fate::cut_short);
    CHECK(bench.decode(ethernet(0x0800, ipv4(6, Buffer(19)))) == Fate::cut_short);
    Buffer options = tcp(1, 2, 100, 0, 0x18, "");
    options[12] = 0x80;
    CHECK(bench.decode(ethernet(0x0800, ipv4(6, options + Buffer(12, 1) + bytes_of("text")))) ==
          Fate::held);  // no SYN: waits a moment for what may come before it
    bench.decoder.finish();
    CHECK(bench.sink.stream("192.0.2.1:1") == "text");
}

TEST_CASE("findings of one rule are capped, and the rest counted") {
    Bench bench;
    Buffer packet = sip_v4();
    packet[0] = 0x44;
    for (int i = 0; i < 250; ++i) bench.decode(ethernet(0x0800, packet));
    CHECK(bench.sink.findings.size() == findings_per_rule);
    CHECK(bench.decoder.accounting().findings_withheld == 250 - findings_per_rule);
    CHECK(bench.decoder.accounting()[Fate::bad_header] == 250);
}

TEST_CASE("every fate has its name") {
    CHECK(to_string(Fate::delivered) == "delivered");
    CHECK(to_string(Fate::not_ip) == "not-ip");
    CHECK(to_string(Fate::unknown_link_type) == "unknown-link-type");
    CHECK(to_string(Fate::over_cap) == "over-cap");
}

TEST_CASE("times that overflow do no harm") {
    Bench bench;
    for (const Time t : {Time::max(), Time::min(), Time{0}, Time::max()}) {
        bench.now = t;
        Ipv4 ip;
        ip.more = true;
        bench.decode(ethernet(0x0800, ipv4(17, Buffer(64), ip)));
        bench.decode(ethernet(0x0800, ipv4(6, tcp(1, 2, 1, 0, 0x18, "x"))));
    }
    bench.decoder.finish();
    CHECK(bench.adds_up());
}
