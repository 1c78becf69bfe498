#include "libsipana/analysis/secured.h"

#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::Report;

namespace {

const Endpoint alice_rtp = ep("10.0.0.1:4000"), bob_rtp = ep("10.0.0.2:5000");
const Endpoint alice_rtcp = ep("10.0.0.1:4001"), bob_rtcp = ep("10.0.0.2:5001");

// `protocol` both ways, with telephone events.
Wire call(std::string_view protocol) {
    const auto body = [&](std::string_view ip, int port) {
        return fmt::format(
            "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio {1} {2} 0 101\r\n"
            "a=rtpmap:101 telephone-event/8000\r\n",
            ip, port, protocol);
    };
    const std::string invite = request({.body = body("10.0.0.1", 4000)});
    return Wire()
        .udp(0, alice, bob, invite)
        .udp(10, bob, alice, response(invite, "200 OK", "t1", body("10.0.0.2", 5000)));
}

std::string zrtp(std::string_view type) {
    Buffer b{0x10, 0, 0, 1, 'Z', 'R', 'T', 'P', 0, 0, 0, 1, 0x50, 0x5a, 0, 3};
    return std::string(as_text(b)) + std::string(type) + std::string(4, '\0');
}

// SR by `ssrc`, the rest of it ciphertext: what seems to follow makes no sense.
std::string srtcp(std::uint32_t ssrc) {
    Buffer b;
    ByteWriter(b).u8(0x80).u8(200).u16(6).u32(ssrc);
    while (b.size() < 68) b.push_back(static_cast<std::uint8_t>(b.size() * 37));
    ByteWriter(b).u32(0x80000001);
    b.resize(b.size() + 10, 0x77);
    return std::string(as_text(b));
}

std::string key(std::uint16_t seq) {  // of RFC 4733, or ciphertext that looks like it
    Buffer b;
    ByteWriter(b).u8(0x80).u8(101).u16(seq).u32(8000u * seq).u32(0xa).u8(5).u8(0x8a).u16(800);
    return std::string(as_text(b));
}

}  // namespace

TEST_CASE("RFC 6189 4.7.1: after ZRTP's confirmation RTP and RTCP are encrypted, not malformed") {
    Wire w = call("RTP/AVP");
    w.speech(100, alice_rtp, bob_rtp, 5, 1, 0xa).udp(210, alice_rtp, bob_rtp, key(6));
    w.udp(300, alice_rtp, bob_rtp, zrtp("Hello   ")).udp(310, alice_rtp, bob_rtp, zrtp("Confirm2"));
    w.speech(400, bob_rtp, alice_rtp, 5, 1, 0xb);  // a stream that begins encrypted
    w.udp(500, alice_rtp, bob_rtp, key(7));
    w.udp(600, alice_rtcp, bob_rtcp, srtcp(0xa)).udp(610, bob_rtcp, alice_rtcp, srtcp(0xb));
    const Report r = w.play();
    CHECK(r.counts.rtcp_packets == 2);
    CHECK(r.counts.srtcp_packets == 2);
    CHECK(r.counts.malformed_rtcp == 0);
    CHECK(r.counts.rtcp_by_type[200] == 2);
    CHECK_FALSE(has_rule(r.findings, "rtcp-malformed"));
    REQUIRE(r.calls[0].streams.size() == 2);
    for (const auto& s : r.calls[0].streams) {
        CHECK(s.encrypted);
        CHECK(s.reports.empty());
    }
    CHECK(r.calls[0].streams[0].digits.size() == 1);  // the one in the clear
}

TEST_CASE("RFC 6189: a ZRTP exchange that does not come to its end encrypts nothing") {
    Wire w = call("RTP/AVP");
    w.udp(90, alice_rtp, bob_rtp, zrtp("Hello   ")).speech(100, alice_rtp, bob_rtp, 5, 1, 0xa);
    w.udp(210, alice_rtp, bob_rtp, key(6));
    const Report r = w.play();
    CHECK_FALSE(r.calls[0].streams.at(0).encrypted);
    CHECK(r.calls[0].streams[0].digits.size() == 1);
}

TEST_CASE(
    "RFC 5764: what follows a DTLS handshake between its endpoints is encrypted, without an SDP "
    "too") {
    const std::string hello("\x16\xfe\xff\0\0\0\0\0\0\0\0\0\4\1\2\3\4", 17);
    Wire w;
    w.udp(0, alice_rtp, bob_rtp, hello).speech(100, alice_rtp, bob_rtp, 5, 1, 0xa);
    w.udp(300, bob_rtp, alice_rtp, srtcp(0xb)).udp(310, alice_rtp, bob_rtp, srtcp(0xa));
    w.speech(100, ep("10.0.0.7:4000"), bob_rtp, 5, 1, 0xc);
    const Report r = w.play();
    REQUIRE(r.streams.size() == 2);
    CHECK(r.streams[0].encrypted);
    CHECK_FALSE(r.streams[1].encrypted);
    CHECK(r.counts.malformed_rtcp == 0);
}

TEST_CASE("RFC 3711 3.4: SRTCP of an m-line of SAVP is encrypted before its first RTP, too") {
    Wire w = call("RTP/SAVP");
    w.udp(50, alice_rtcp, bob_rtcp, srtcp(0xd)).udp(60, bob_rtp, alice_rtp, srtcp(0xe));
    w.speech(100, alice_rtp, bob_rtp, 5, 1, 0xa).udp(210, alice_rtp, bob_rtp, key(6));
    const Report r = w.play();
    CHECK(r.counts.srtcp_packets == 2);
    CHECK(r.counts.malformed_rtcp == 0);
    CHECK(r.calls[0].streams.at(0).encrypted);
    CHECK(r.calls[0].streams[0].digits.empty());
    CHECK(r.calls[0].streams[0].lost == 0);
}

TEST_CASE("RFC 7983 7: a datagram that only begins like RTCP is none where no media is expected") {
    Wire w;
    // DNS queries whose identifiers are 0x80c8 ... 0x81c9.
    const std::string query(
        "\x80\xc8\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01"
        "a\x00\x00\x01\x00\x01",
        19);
    for (int i = 0; i < 4; ++i) {
        std::string q = query;
        q[0] = static_cast<char>(0x80 + i / 2);
        q[1] = static_cast<char>(0xc8 + i % 2);
        w.udp(i, ep("10.0.0.1:3333"), ep("10.0.0.8:53"), q);
    }
    const std::string rr("\x80\xc9\x00\x01\x00\x00\x00\x0a", 8);
    w.udp(100, alice_rtcp, bob_rtcp, rr);
    const Report r = w.play();
    CHECK(r.counts.rtcp_packets == 1);
    CHECK(r.counts.malformed_rtcp == 0);
    CHECK(r.counts.other_datagrams == 4);
}

TEST_CASE("RFC 8643: RTP/AVP is encrypted where both sides bring keys, and not by an offer alone") {
    const std::string keys =
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5\r\n";
    for (const bool accepted : {false, true}) {
        CAPTURE(accepted);
        const std::string invite = request({.body = sdp_body("10.0.0.1", 4000, keys)});
        Wire w;
        w.udp(0, alice, bob, invite).speech(5, bob_rtp, alice_rtp, 5, 1, 0xb);  // before the answer
        w.udp(100, bob, alice,
              response(invite, "200 OK", "t1", sdp_body("10.0.0.2", 5000, accepted ? keys : "")));
        w.speech(200, alice_rtp, bob_rtp, 5, 1, 0xa).udp(310, alice_rtp, bob_rtp, key(6));
        const Report r = w.play();
        REQUIRE(r.calls[0].streams.size() == 2);
        for (const auto& s : r.calls[0].streams) CHECK(s.encrypted == accepted);
        CHECK(r.calls[0].streams[1].digits.size() == (accepted ? 0 : 1));
    }
}

TEST_CASE("RFC 8643: RTCP of who sends no RTP is encrypted as the RTP it answers") {
    const std::string keys =
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5\r\n";
    const std::string invite = request({.body = sdp_body("10.0.0.1", 4000, keys)});
    Wire w;
    w.udp(0, alice, bob, invite);
    w.udp(10, bob, alice, response(invite, "200 OK", "t1", sdp_body("10.0.0.2", 5000, keys)));
    w.speech(100, alice_rtp, bob_rtp, 5, 1, 0xa).udp(300, bob_rtcp, alice_rtcp, srtcp(0xd));
    const Report r = w.play();
    CHECK(r.counts.srtcp_packets == 1);
    CHECK(r.counts.malformed_rtcp == 0);
}
