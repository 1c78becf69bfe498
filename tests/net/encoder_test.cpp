#include "libsipana/net/encoder.h"

#include <doctest/doctest.h>

#include "tests/net/frames.h"

using namespace sipana;
using namespace sipana::net;

namespace {

Endpoint at(const char* text) { return *Endpoint::parse(text); }

// The Internet checksum (RFC 1071): zero over a header that carries a right one.
std::uint16_t checksum(Bytes bytes, std::uint32_t sum = 0) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
        sum += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}
// Over the pseudo-header and the transport, of a bare IP packet.
std::uint16_t transport_checksum(Bytes packet) {
    const bool v4 = packet[0] >> 4 == 4;
    const Bytes addresses = v4 ? packet.subspan(12, 8) : packet.subspan(8, 32);
    const Bytes transport = packet.subspan(v4 ? 20 : 40);
    const auto pseudo = static_cast<std::uint16_t>(~checksum(addresses));
    return checksum(transport, pseudo + (v4 ? packet[9] : packet[6]) +
                                   static_cast<std::uint32_t>(transport.size()));
}

}  // namespace

TEST_CASE("RFC 768: what the encoder writes, the decoder reads") {
    for (const auto& [src, dst] : {std::pair{"192.0.2.1:5060", "192.0.2.2:5061"},
                                   std::pair{"[2001:db8::1]:5060", "[2001:db8::2]:5061"}}) {
        for (const bool tagged : {false, true}) {
            FrameShape shape;
            shape.dscp = 46;
            if (tagged) shape.vlan = 100;
            const auto frame = udp_frame(at(src), at(dst), as_bytes(options_text), shape);
            REQUIRE(frame);
            Bench bench;
            CHECK(bench.decode(*frame) == Fate::delivered);
            REQUIRE(bench.sink.datagrams.size() == 1);
            CHECK(bench.sink.datagrams[0].text == options_text);
            CHECK(bench.sink.datagrams[0].src == at(src));
            CHECK(bench.sink.datagrams[0].dst == at(dst));
            CHECK(bench.sink.datagrams[0].dscp == 46);
        }
    }
}

TEST_CASE("RFC 9293: TCP segments, both ways") {
    TcpFields tcp;
    tcp.seq = 100;
    tcp.flags = tcp_syn;
    Bench bench;
    const Endpoint a = at("192.0.2.1:40000"), b = at("192.0.2.2:5060");
    CHECK(bench.decode(*tcp_frame(a, b, tcp, {})) == Fate::delivered);
    tcp.seq = 101;
    tcp.flags = tcp_ack | tcp_psh;
    CHECK(bench.decode(*tcp_frame(a, b, tcp, as_bytes("REGISTER"))) == Fate::delivered);
    REQUIRE(bench.sink.chunks.size() == 1);
    CHECK(bench.sink.chunks[0].text == "REGISTER");
    CHECK(bench.sink.chunks[0].from_start);
}

TEST_CASE("RFC 1071: the checksums are right") {
    FrameShape bare;
    bare.ethernet = false;
    for (const auto& [src, dst] : {std::pair{"192.0.2.1:5060", "192.0.2.2:5061"},
                                   std::pair{"[2001:db8::1]:5060", "[2001:db8::2]:5061"}}) {
        const Buffer u = *udp_frame(at(src), at(dst), as_bytes("odd"), bare);
        const Buffer t = *tcp_frame(at(src), at(dst), {}, as_bytes("even"), bare);
        CHECK(transport_checksum(u) == 0);
        CHECK(transport_checksum(t) == 0);
        if (u[0] >> 4 == 4) CHECK(checksum(Bytes(u).first(20)) == 0);
    }
}

TEST_CASE("what cannot be a frame is an error") {
    const Endpoint v4 = at("192.0.2.1:1"), v6 = at("[2001:db8::1]:1");
    const auto mixed = udp_frame(v4, v6, {});
    REQUIRE_FALSE(mixed);
    CHECK(mixed.error().code == Errc::malformed);
    CHECK_FALSE(udp_frame(Endpoint{}, v4, {}));
    const Buffer large(65'508);
    const auto too_large = udp_frame(v4, v4, large);
    REQUIRE_FALSE(too_large);
    CHECK(too_large.error().code == Errc::too_large);
    CHECK(udp_frame(v4, v4, Bytes(large).first(65'507)));
    FrameShape shape;
    shape.vlan = 4096;
    CHECK_FALSE(udp_frame(v4, v4, {}, shape));
}

TEST_CASE("Encoder: the quick way gives the bytes of the long one") {
    const auto compare = [](const char* src, const char* dst, std::size_t size, bool ethernet) {
        FrameShape shape;
        shape.ethernet = ethernet;
        shape.id = 4711;
        shape.dscp = size % 2 == 0 ? 46 : 0;
        std::string text(size, 'x');
        for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + size);
        Buffer quick(17, 0xee);
        const Exact payload(text);
        CAPTURE(size);
        REQUIRE(put_udp_frame(at(src), at(dst), payload, shape, quick));
        CHECK(quick == *udp_frame(at(src), at(dst), payload, shape));
        TcpFields tcp;
        tcp.seq = 0x89abcdef;
        tcp.ack = 0x01234567;
        tcp.flags = tcp_psh | tcp_ack;
        REQUIRE(put_tcp_frame(at(src), at(dst), tcp, payload, shape, quick));
        CHECK(quick == *tcp_frame(at(src), at(dst), tcp, payload, shape));
    };
    for (const std::size_t size : {0u, 1u, 2u, 3u, 4u, 5u, 17u, 18u, 19u, 160u, 1000u, 65'000u}) {
        for (const bool ethernet : {true, false}) {
            compare("192.0.2.1:5060", "198.51.100.255:65535", size, ethernet);
            compare("[2001:db8::1]:5060", "[fe80::ff:fe00:1]:1", size, ethernet);
        }
    }
    Buffer out;
    FrameShape tagged;
    tagged.vlan = 1;
    CHECK(put_udp_frame(at("192.0.2.1:1"), at("192.0.2.2:1"), {}, tagged, out).error().code ==
          Errc::unsupported);
    CHECK(put_udp_frame(at("192.0.2.1:1"), at("[2001:db8::2]:1"), {}, {}, out).error().code ==
          Errc::malformed);
    const Buffer large(65'508, 1);
    CHECK(put_udp_frame(at("192.0.2.1:1"), at("192.0.2.2:1"), large, {}, out).error().code ==
          Errc::too_large);
}
