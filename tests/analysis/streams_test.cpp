#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::Report;
using analysis::Stream;

namespace {

const Endpoint alice_rtp = ep("10.0.0.1:4000"), bob_rtp = ep("10.0.0.2:5000");

// alice and bob agree on `offer` and `answer` at once and talk until 10 s.
Wire agreed(const std::string& offer, const std::string& answer) {
    const std::string invite = request({.body = offer});
    const std::string bye = request({.method = "BYE", .branch = "z9hG4bKb", .to_tag = "t1", .cseq = 2});
    return Wire()
        .udp(0, alice, bob, invite)
        .udp(10, bob, alice, response(invite, "200 OK", "t1", answer))
        .udp(20, alice, bob, request({.method = "ACK", .branch = "z9hG4bKk", .to_tag = "t1"}))
        .udp(10000, alice, bob, bye)
        .udp(10010, bob, alice, response(bye, "200 OK"));
}
Wire agreed() { return agreed(sdp_body("10.0.0.1", 4000), sdp_body("10.0.0.2", 5000)); }

std::string event(std::uint16_t seq, std::uint32_t ts, std::uint8_t code, bool end, std::uint16_t duration,
                  bool marker = false) {
    Buffer b;
    ByteWriter(b).u8(0x80).u8((marker ? 0x80u : 0u) | 101).u16(seq).u32(ts).u32(0x1234);
    ByteWriter(b).u8(code).u8((end ? 0x80u : 0u) | 10).u16(duration);
    return std::string(as_text(b));
}

}  // namespace

TEST_CASE("RFC 3264 5.1: media between the addresses of an offer and its answer belongs to the call") {
    Wire w = agreed();
    w.speech(100, alice_rtp, bob_rtp, 50, 1, 0xa).speech(105, bob_rtp, alice_rtp, 40, 1, 0xb);
    const Report r = w.play();
    REQUIRE(r.calls.size() == 1);
    REQUIRE(r.calls[0].streams.size() == 2);
    const Stream& out = r.calls[0].streams[0];
    CHECK(out.from_caller);
    CHECK(out.packets == 50);
    CHECK(out.lost == 0);
    CHECK(out.codec == "PCMU");
    CHECK(out.clock_hz == 8000);
    CHECK(out.from_sdp);
    CHECK(out.media_line == 0);
    CHECK(out.mean_jitter_ms == doctest::Approx(0));
    CHECK_FALSE(r.calls[0].streams[1].from_caller);
    CHECK(r.streams.empty());
    CHECK(r.counts.rtp_packets == 90);
}

TEST_CASE("trap 8: two SSRCs on one pair of addresses are two streams") {
    Wire w = agreed();
    w.speech(100, alice_rtp, bob_rtp, 20, 1, 0xa).speech(101, alice_rtp, bob_rtp, 20, 40000, 0xb);
    const Report r = w.play();
    REQUIRE(r.calls[0].streams.size() == 2);
    CHECK(r.calls[0].streams[0].lost + r.calls[0].streams[1].lost == 0);
}

TEST_CASE("trap 9: what the same SSRC sent elsewhere meanwhile was not lost here") {
    // Direct media: ten packets through the server, then 200 to the peer itself, then ten again.
    Wire w = agreed();
    const Endpoint other = ep("10.0.0.3:7000");
    w.speech(100, alice_rtp, bob_rtp, 10, 1);
    w.speech(300, alice_rtp, other, 200, 11);
    w.speech(4300, alice_rtp, bob_rtp, 10, 211);
    const Report r = w.play();
    std::uint64_t lost = 0, packets = 0;
    for (const auto& s : r.calls[0].streams) lost += s.lost, packets += s.packets;
    for (const auto& s : r.streams) lost += s.lost, packets += s.packets;
    CHECK(packets == 220);
    CHECK(lost == 0);
}

TEST_CASE("trap 16: each direction's payload types are those of the side that receives it") {
    const char* head = "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio {1} RTP/AVP {2}\r\na=rtpmap:{2} {3}\r\n";
    Wire w = agreed(fmt::format(fmt::runtime(head), "10.0.0.1", 4000, 97, "speex/16000"),
                    fmt::format(fmt::runtime(head), "10.0.0.2", 5000, 98, "speex/16000"));
    for (int i = 0; i < 5; ++i) {
        const auto n = static_cast<std::uint16_t>(i);
        w.udp(100 + 20 * i, alice_rtp, bob_rtp, rtp(n, n * 320u, 0xa, 98));
        w.udp(101 + 20 * i, bob_rtp, alice_rtp, rtp(n, n * 320u, 0xb, 97));
    }
    const Report r = w.play();
    REQUIRE(r.calls[0].streams.size() == 2);
    for (const Stream& s : r.calls[0].streams) {
        CHECK(s.codec == "speex");
        CHECK(s.clock_hz == 16000);
        CHECK(s.mean_jitter_ms == doctest::Approx(0));
    }
}

TEST_CASE("trap 19: STUN, DTLS, ZRTP and TURN channel data on a media port are no RTP (RFC 7983)") {
    Wire w = agreed();
    Buffer stun{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    stun.resize(20, 7);
    Buffer dtls{22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4};
    Buffer zrtp{0x10, 0, 0, 1, 'Z', 'R', 'T', 'P', 0, 0, 0, 0, 1, 2, 3, 4};
    Buffer turn{0x40, 0, 0, 4, 1, 2, 3, 4};
    double ms = 100;
    for (const Buffer& b : {stun, dtls, zrtp, turn}) w.udp(ms += 10, alice_rtp, bob_rtp, as_text(b));
    w.speech(200, alice_rtp, bob_rtp, 10);
    const Report r = w.play();
    CHECK(r.counts.stun == 1);
    CHECK(r.counts.dtls == 1);
    CHECK(r.counts.zrtp == 1);
    CHECK(r.counts.turn_channel == 1);
    CHECK(r.counts.rtp_packets == 10);
    REQUIRE(r.calls[0].streams.size() == 1);
    CHECK(r.calls[0].streams[0].packets == 10);
}

TEST_CASE("trap 20: the figures of a stream come from all its packets") {
    Wire w = agreed();
    w.speech(100, alice_rtp, bob_rtp, 450);
    const Report r = w.play();
    const Stream& s = r.calls[0].streams.at(0);
    std::uint64_t packets = 0, bytes = 0;
    for (const auto& second : s.seconds) packets += second.packets, bytes += second.bytes;
    CHECK(s.packets == 450);
    CHECK(packets == 450);
    CHECK(bytes == s.bytes);
    CHECK(s.bytes == 450u * 160u);
}

TEST_CASE("trap 21: a stream that the capture sees twice is not twice as loud") {
    Wire w = agreed();
    w.speech(100, alice_rtp, bob_rtp, 100).speech(100.01, alice_rtp, bob_rtp, 100);
    const Report r = w.play();
    const Stream& s = r.calls[0].streams.at(0);
    CHECK(s.packets == 200);
    CHECK(s.duplicated == 100);
    CHECK(s.expected == 100);
    CHECK(s.lost == 0);
    CHECK(has_rule(s.findings, "capture-duplicates"));
}

TEST_CASE("trap 22: an event's end sent three times is one digit, and 11 is #") {
    Wire w = agreed();
    w.speech(100, alice_rtp, bob_rtp, 5);
    for (int i = 0; i < 4; ++i)
        w.udp(200 + 20 * i, alice_rtp, bob_rtp,
              event(static_cast<std::uint16_t>(6 + i), 800, 11, false, static_cast<std::uint16_t>(160 * (i + 1)), i == 0));
    for (int i = 0; i < 3; ++i)
        w.udp(280 + i, alice_rtp, bob_rtp, event(static_cast<std::uint16_t>(10 + i), 800, 11, true, 800));
    const Report r = w.play();
    const Stream& s = r.calls[0].streams.at(0);
    REQUIRE(s.digits.size() == 1);
    CHECK(s.digits[0].digit == '#');
    CHECK(s.digits[0].ended);
    CHECK(s.digits[0].duration == std::chrono::milliseconds{100});
    CHECK(s.codec == "PCMU");
    CHECK(s.lost == 0);
}

TEST_CASE("trap 26: RTCP on the RTP port is RTCP (RFC 5761)") {
    Wire w = agreed(sdp_body("10.0.0.1", 4000, "a=rtcp-mux\r\n"), sdp_body("10.0.0.2", 5000, "a=rtcp-mux\r\n"));
    w.speech(100, alice_rtp, bob_rtp, 10, 1, 0xa);
    Buffer rr;
    ByteWriter(rr).u8(0x81).u8(201).u16(7).u32(0xb).u32(0xa).u8(0).u24(0xfffffd).u32(10).u32(16).u32(0).u32(0);
    w.udp(300, bob_rtp, alice_rtp, as_text(rr));
    const Report r = w.play();
    CHECK(r.counts.rtp_packets == 10);
    CHECK(r.counts.rtcp_packets == 1);
    CHECK(r.counts.rtcp_by_type[201] == 1);
    REQUIRE(r.calls[0].streams.size() == 1);
    REQUIRE(r.calls[0].streams[0].reports.size() == 1);
    CHECK(r.calls[0].streams[0].reports[0].cumulative_lost == -3);
    CHECK(*r.calls[0].streams[0].reports[0].jitter_ms == doctest::Approx(2.0));
}

TEST_CASE("trap 62: RTP that comes from another address than the SDP says is still the call's (NAT)") {
    Wire w = agreed(sdp_body("192.168.7.7", 4000), sdp_body("10.0.0.2", 5000));
    w.speech(100, ep("10.0.0.1:33333"), bob_rtp, 10);
    const Report r = w.play();
    REQUIRE(r.calls[0].streams.size() == 1);
    CHECK(r.calls[0].streams[0].from_caller);
}

TEST_CASE("media that comes before the answer that announces it joins the call") {
    const std::string invite = request({.body = sdp_body("10.0.0.1", 4000)});
    Wire w;
    w.udp(0, alice, bob, invite);
    w.udp(2000, bob, alice, response(invite, "200 OK", "t1", sdp_body("10.0.0.2", 5000)));
    w.speech(500, bob_rtp, ep("10.0.0.50:9999"), 20, 1, 0xb);  // to a relay: only its source is known, later
    const Report r = w.play();
    REQUIRE(r.calls[0].streams.size() == 1);
    CHECK(r.calls[0].streams[0].packets == 20);
    CHECK(r.streams.empty());
}

TEST_CASE("RTP without any SDP is found after three packets in a row") {
    const Report r = Wire().speech(0, alice_rtp, bob_rtp, 10, 65530).play();
    REQUIRE(r.streams.size() == 1);
    CHECK(r.streams[0].packets == 10);
    CHECK(r.streams[0].lost == 0);
    CHECK(r.streams[0].start == at(0));
    CHECK_FALSE(r.streams[0].from_sdp);
    CHECK(r.counts.undecided == 0);
}

TEST_CASE("datagrams that only look like RTP make no stream") {
    Wire w;
    for (int i = 0; i < 50; ++i)  // a DNS response's first bytes, always the same
        w.udp(i, ep("10.0.0.8:53"), ep("10.0.0.1:999"), std::string("\x85\x00\x85\x80\x00\x01\x00\x00\x00\x00\x00\x00xx", 14));
    const Report r = w.play();
    CHECK(r.streams.empty());
    CHECK(r.counts.rtp_packets == 0);
    CHECK(r.counts.undecided + r.counts.other_datagrams == 50);
}

TEST_CASE("a thousand streams at one receiver are all told apart") {
    Wire w;
    for (int i = 0; i < 1000; ++i)
        for (int n = 0; n < 4; ++n)
            w.udp(20 * n + i * 0.01, ep(fmt::format("10.1.{}.{}:4000", i / 250, 1 + i % 250)), bob_rtp,
                  rtp(static_cast<std::uint16_t>(n), static_cast<std::uint32_t>(160 * n), static_cast<std::uint32_t>(i)));
    const Report r = w.play();
    CHECK(r.streams.size() == 1000);
    CHECK(r.counts.rtp_packets == 4000);
}

TEST_CASE("streams of several SSRCs, interleaved on one pair of addresses, are found without an SDP") {
    Wire w;
    for (int i = 0; i < 5; ++i)
        for (std::uint32_t ssrc : {1u, 2u, 3u}) {
            const auto n = static_cast<std::uint16_t>(i);
            w.udp(20.0 * i + static_cast<double>(ssrc), alice_rtp, bob_rtp, rtp(n, 160u * n, ssrc));
        }
    const Report r = w.play();
    REQUIRE(r.streams.size() == 3);
    for (const Stream& s : r.streams) CHECK(s.packets == 5);
}

TEST_CASE("RFC 8843 9.2: of m-lines that share an address the payload type says which it is") {
    const auto body = [](const char* ip, int port) {
        return fmt::format(
            "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\na=group:BUNDLE a v\r\n"
            "m=audio {1} RTP/AVPF 111\r\na=mid:a\r\na=rtpmap:111 opus/48000/2\r\n"
            "m=video {1} RTP/AVPF 96\r\na=mid:v\r\na=rtpmap:96 VP8/90000\r\n",
            ip, port);
    };
    Wire w = agreed(body("10.0.0.1", 4000), body("10.0.0.2", 5000));
    w.udp(100, alice_rtp, bob_rtp, rtp(1, 0, 0xa, 111)).udp(120, alice_rtp, bob_rtp, rtp(2, 960, 0xa, 111));
    w.udp(130, alice_rtp, bob_rtp, rtp(1, 0, 0xb, 96)).udp(140, alice_rtp, bob_rtp, rtp(2, 3000, 0xb, 96));
    const Report r = w.play();
    REQUIRE(r.calls[0].streams.size() == 2);
    const Stream &audio = r.calls[0].streams[0], &video = r.calls[0].streams[1];
    CHECK(audio.codec == "opus");
    CHECK(audio.media == analysis::MediaKind::audio);
    CHECK(audio.media_line == 0);
    CHECK(audio.clock_hz == 48000);
    CHECK(video.codec == "VP8");
    CHECK(video.media == analysis::MediaKind::video);
    CHECK(video.media_line == 1);
    CHECK(r.counts.undecided == 0);
}

TEST_CASE("RFC 3264 8.3.2: a codec that a later offer leaves out is still what it was") {
    const char* body =
        "v=0\r\no=- 1 {2} IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio {1} RTP/AVP {3}\r\n";
    const auto sdp = [&](const char* ip, int port, int version, const char* rest) {
        return fmt::format(fmt::runtime(body), ip, port, version, rest);
    };
    const char *wide = "97\r\na=rtpmap:97 speex/16000", *narrow = "0";
    Wire w = agreed(sdp("10.0.0.1", 4000, 1, wide), sdp("10.0.0.2", 5000, 1, wide));
    for (std::uint16_t n = 0; n < 5; ++n)
        w.udp(100 + 20 * n, alice_rtp, bob_rtp, rtp(n, n * 320u, 0xa, 97));
    const std::string again = request({.branch = "z9hG4bKr", .to_tag = "t1", .body = sdp("10.0.0.1", 4000, 2, narrow), .cseq = 2});
    w.udp(1000, alice, bob, again);
    w.udp(1010, bob, alice, response(again, "200 OK", "", sdp("10.0.0.2", 5000, 2, narrow)));
    const Report r = w.play();
    REQUIRE(r.calls[0].streams.size() == 1);
    CHECK(r.calls[0].streams[0].codec == "speex");
    CHECK(r.calls[0].streams[0].clock_hz == 16000);
}

TEST_CASE("RFC 3550 8.1: an SSRC that is played into every call and echoed makes no legs of them") {
    Wire w;
    for (int i = 0; i < 3; ++i) {
        const std::string id = fmt::format("load{}", i), branch = fmt::format("z9hG4bK{}", i);
        const std::string invite = request(
            {.call_id = id, .branch = branch, .body = sdp_body("10.0.0.1", 4000 + 2 * i),
             .from_tag = id, .from = fmt::format("<sip:{}@a.example>", 100 + i), .to = fmt::format("<sip:{}@b.example>", 200 + i)});
        w.udp(10 * i, alice, bob, invite);
        w.udp(10 * i + 5, bob, alice, response(invite, "200 OK", "t1", sdp_body("10.0.0.2", 5000 + 2 * i)));
        const Endpoint a = ep(fmt::format("10.0.0.1:{}", 4000 + 2 * i)), b = ep(fmt::format("10.0.0.2:{}", 5000 + 2 * i));
        w.speech(100 + 7 * i, a, b, 10).speech(101 + 7 * i, b, a, 10);
    }
    const Report r = w.play();
    REQUIRE(r.calls.size() == 3);
    for (const auto& call : r.calls) {
        CHECK(call.streams.size() == 2);
        CHECK(call.legs.empty());
    }
}

TEST_CASE("RFC 8839 5.1: with ICE media between any two candidates belongs to the call") {
    const std::string offer = sdp_body(
        "203.0.113.9", 30000,
        "a=candidate:1 1 UDP 2130706431 10.0.0.1 4000 typ host\r\n"
        "a=candidate:1 2 UDP 2130706430 10.0.0.1 4001 typ host\r\n"
        "a=candidate:2 1 UDP 1694498815 203.0.113.9 30000 typ srflx raddr 10.0.0.1 rport 4000\r\n");
    const std::string answer = sdp_body(
        "10.0.0.9", 9000,
        "a=candidate:1 1 UDP 2130706431 10.0.0.2 5000 typ host\r\n"
        "a=candidate:2 1 tcp 1 10.0.0.2 9 typ host tcptype active\r\n"
        "a=candidate:3 1 UDP 1 a1b2.local 5000 typ host\r\n");
    Wire w = agreed(offer, answer);
    w.speech(100, alice_rtp, bob_rtp, 10, 1, 0xa).speech(105, bob_rtp, alice_rtp, 10, 1, 0xb);
    const Report r = w.play();
    REQUIRE(r.calls[0].streams.size() == 2);
    CHECK(r.calls[0].streams[0].from_caller);
    CHECK(r.calls[0].streams[0].from_sdp);
    CHECK_FALSE(has_rule(r.findings, "rtp-other-destination"));
    CHECK(r.streams.empty());
}

TEST_CASE("RFC 4103: real-time text is neither audio nor video") {
    const auto body = [](const char* ip, int port) {
        return fmt::format(
            "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\n"
            "m=text {1} RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n",
            ip, port);
    };
    Wire w = agreed(body("10.0.0.1", 4000), body("10.0.0.2", 5000));
    for (std::uint16_t n = 0; n < 4; ++n) w.udp(100 + 300 * n, alice_rtp, bob_rtp, rtp(n, 300u * n, 0xa, 98, false, 3));
    const Report r = w.play();
    REQUIRE(r.calls[0].streams.size() == 1);
    CHECK(r.calls[0].streams[0].media == analysis::MediaKind::other);
    CHECK(r.calls[0].streams[0].codec == "t140");
    CHECK(r.calls[0].streams[0].clock_hz == 1000);
}
