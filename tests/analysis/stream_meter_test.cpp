#include "libsipana/analysis/stream_meter.h"

#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::Report;
using analysis::Stream;

namespace {

const Endpoint alice_rtp = ep("10.0.0.1:4000"), bob_rtp = ep("10.0.0.2:5000");

constexpr std::uint8_t h264 = 96, red = 98, fec = 99, vp8 = 100;

// bob takes video in several formats.
Wire video_call() {
    const std::string invite = request({});
    const std::string answer =
        "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n"
        "m=video 5000 RTP/AVP 96 97 98 99 100\r\na=rtpmap:96 H264/90000\r\na=rtpmap:97 "
        "rtx/90000\r\n"
        "a=rtpmap:98 red/90000\r\na=rtpmap:99 ulpfec/90000\r\na=rtpmap:100 VP8/90000\r\n";
    return Wire()
        .udp(0, alice, bob, invite)
        .udp(10, bob, alice, response(invite, "200 OK", "t1", answer));
}

std::string packet(std::uint16_t seq, std::uint32_t timestamp, std::uint8_t type, bool marker,
                   std::initializer_list<std::uint8_t> payload) {
    Buffer b;
    ByteWriter(b).u8(0x80).u8((marker ? 0x80u : 0u) | type).u16(seq).u32(timestamp).u32(0xa);
    b.insert(b.end(), payload);
    return std::string(as_text(b));
}

// FU-A of an IDR picture: first, middle, last.
constexpr std::initializer_list<std::uint8_t> fu_first = {0x7c, 0x85, 0x80, 1, 2},
                                              fu_middle = {0x7c, 0x05, 3, 4},
                                              fu_last = {0x7c, 0x45, 5, 6};
// SPS of 640x360, high profile.
constexpr std::initializer_list<std::uint8_t> sps = {
    0x67, 0x64, 0x00, 0x1f, 0xac, 0xb4, 0x05, 0x01, 0x7f, 0xcb, 0x80, 0x88, 0x00,
    0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x03, 0x20, 0x78, 0xc1, 0x95};

Stream only(Report r) {
    REQUIRE(r.calls.size() == 1);
    REQUIRE(r.calls[0].streams.size() == 1);
    return std::move(r.calls[0].streams[0]);
}

}  // namespace

TEST_CASE("RFC 5109 14.2: FEC and padding within a video SSRC leave no hole in a frame") {
    Wire w = video_call();
    std::uint16_t seq = 0;
    for (int i = 0; i < 4; ++i) {
        const auto ts = static_cast<std::uint32_t>(3000 * i);
        const double ms = 100 + 33.3 * i;
        w.udp(ms, alice_rtp, bob_rtp, packet(seq++, ts, h264, false, fu_first));
        w.udp(ms + 1, alice_rtp, bob_rtp, packet(seq++, ts, fec, false, {1, 2, 3, 4}));
        w.udp(ms + 2, alice_rtp, bob_rtp, packet(seq++, ts, h264, true, fu_last));
        w.udp(ms + 3, alice_rtp, bob_rtp, packet(seq++, ts, fec, false, {1, 2, 3, 4}));
        w.udp(ms + 4, alice_rtp, bob_rtp, packet(seq++, ts, h264, false, {}));  // padding only
    }
    const Stream s = only(w.play());
    REQUIRE(s.video);
    CHECK(s.video->frames == 4);
    CHECK(s.video->key_frames == 4);
    CHECK(s.video->incomplete_frames == 0);
    CHECK(s.lost == 0);
    CHECK(s.codec == "H264");
}

TEST_CASE("RFC 2198: frames are seen through redundant packets") {
    Wire w = video_call();
    for (int i = 0; i < 3; ++i) {
        const auto seq = static_cast<std::uint16_t>(3 * i);
        const auto ts = static_cast<std::uint32_t>(3000 * i);
        const double ms = 100 + 33.3 * i;
        w.udp(ms, alice_rtp, bob_rtp, packet(seq, ts, red, false, {h264, 0x7c, 0x85, 0x80, 1, 2}));
        w.udp(ms + 1, alice_rtp, bob_rtp,
              packet(static_cast<std::uint16_t>(seq + 1), ts, red, true, {h264, 0x7c, 0x45, 5, 6}));
        w.udp(ms + 2, alice_rtp, bob_rtp,
              packet(static_cast<std::uint16_t>(seq + 2), ts, red, false, {fec, 1, 2, 3, 4}));
    }
    const Stream s = only(w.play());
    REQUIRE(s.video);
    CHECK(s.video->frames == 3);
    CHECK(s.video->key_frames == 3);
    CHECK(s.video->incomplete_frames == 0);
    CHECK(s.payload_types == std::vector<std::uint8_t>{red});
}

TEST_CASE("a sender that changes the codec under way is read in each") {
    Wire w = video_call();
    w.udp(100, alice_rtp, bob_rtp, packet(1, 0, h264, true, {0x65, 0x80, 1, 2}));
    w.udp(133, alice_rtp, bob_rtp, packet(2, 3000, h264, true, {0x41, 0x80, 1, 2}));
    // VP8: a key frame of 320x240, and one that is predicted.
    w.udp(166, alice_rtp, bob_rtp,
          packet(3, 6000, vp8, true, {0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00}));
    w.udp(200, alice_rtp, bob_rtp, packet(4, 9000, vp8, true, {0x10, 0x11, 0, 0, 1}));
    const Stream s = only(w.play());
    REQUIRE(s.video);
    CHECK(s.video->frames == 4);
    CHECK(s.video->key_frames == 2);
    CHECK(s.video->incomplete_frames == 0);
    CHECK(s.video->width == 320);
    CHECK(s.payload_types == std::vector<std::uint8_t>{h264, vp8});
}

TEST_CASE(
    "RFC 3551 4.1: a video timestamp that steps ahead is a picture sent early, not a silence") {
    Wire w = video_call();
    const std::uint32_t order[] = {0, 18000, 3000, 6000, 24000, 12000};  // B frames at 5 a second
    for (std::uint16_t i = 0; i < 6; ++i)
        w.udp(100 + 200.0 * i, alice_rtp, bob_rtp,
              packet(i, order[i], h264, true, {0x41, 0x80, 1, 2}));
    CHECK(only(w.play()).silences == 0);
}

TEST_CASE("bytes and frames are those of the wire, whatever the snap length left of them") {
    Wire w = video_call();
    const auto cut = [&](double ms, std::uint16_t seq, bool marker,
                         std::initializer_list<std::uint8_t> head) {
        Buffer payload(head);
        payload.resize(1000, 0x55);
        Buffer b;
        ByteWriter(b).u8(0x80).u8((marker ? 0x80u : 0u) | h264).u16(seq).u32(3000u * seq).u32(0xa);
        b.insert(b.end(), payload.begin(), payload.end());
        Buffer frame = *net::udp_frame(alice_rtp, bob_rtp, b);
        frame.resize(68);  // 14 bytes of payload
        w.frame(ms, frame);
    };
    // STAP-A whose second unit is cut off, and a slice.
    cut(100, 1, true, {24, 0, 5, 0x65, 0x80, 1, 2, 3, 0x03, 0xde, 0x65, 0x40});
    cut(133, 2, true, {0x41, 0x80, 1, 2});
    const Stream s = only(w.play());
    CHECK(s.bytes == 2000);
    CHECK(s.ip_bytes == 2024);
    REQUIRE(s.video);
    CHECK(s.video->frames == 2);
    CHECK(s.video->key_frames == 1);
    CHECK(s.video->incomplete_frames == 0);
    CHECK(s.video->marks.at(0).bytes == 1000);
}

TEST_CASE("a video stream without SDP begins with its first packets' parameter sets") {
    analysis::Options options;
    options.payload_map = {{h264, "H264", 90000}};
    Wire w;
    w.udp(100, alice_rtp, bob_rtp, packet(1, 0, h264, false, sps));
    w.udp(101, alice_rtp, bob_rtp, packet(2, 0, h264, false, fu_first));
    w.udp(102, alice_rtp, bob_rtp, packet(3, 0, h264, false, fu_middle));
    w.udp(103, alice_rtp, bob_rtp, packet(4, 0, h264, true, fu_last));
    const Report r = w.play(options);
    REQUIRE(r.streams.size() == 1);
    const Stream& s = r.streams[0];
    CHECK(s.media == analysis::MediaKind::video);
    REQUIRE(s.video);
    CHECK(s.video->frames == 1);
    CHECK(s.video->key_frames == 1);
    CHECK(s.video->incomplete_frames == 0);
    CHECK(s.video->width == 640);
    CHECK(s.video->height == 360);
}

TEST_CASE(
    "RFC 3551 4.5, RFC 4733 2.3: what a stream's packets break is told once a rule, with the "
    "number") {
    const std::string offer = sdp_body("10.0.0.1", 4000, "a=rtpmap:18 G729/8000\r\n");
    const std::string invite = request({.body = offer});
    const auto play = [&](bool checked) {
        Wire w;
        w.udp(0, alice, bob, invite);
        w.udp(10, bob, alice, response(invite, "200 OK", "t1", sdp_body("10.0.0.2", 5000)));
        for (std::uint16_t n = 0; n < 4; ++n)  // 13 bytes are no whole number of frames of ten
            w.udp(100 + 20 * n, alice_rtp, bob_rtp,
                  wire::rtp(n, 160u * n, 0xa, 18, false, n < 2 ? 20 : 13));
        Buffer event;
        ByteWriter(event).u8(0x80).u8(101).u16(4).u32(640).u32(0xa).u8(1).u8(0x4a).u16(
            160);  // R is set
        w.udp(180, alice_rtp, bob_rtp, as_text(event));
        Buffer bad;  // padding of more than there is
        ByteWriter(bad).u8(0xa0).u8(18).u16(5).u32(800).u32(0xa).u8(99);
        w.udp(200, alice_rtp, bob_rtp, as_text(bad));
        analysis::Options options;
        options.check = checked;
        return w.play(options);
    };
    const Report r = play(true);
    const auto& found = r.calls[0].streams.at(0).findings;
    REQUIRE(has_rule(found, "rtp-payload-size"));
    CHECK(std::count_if(found.begin(), found.end(),
                        [](const Finding& f) { return f.rule == "rtp-payload-size"; }) == 1);
    for (const Finding& f : found)
        if (f.rule == "rtp-payload-size") {
            CHECK(f.frame == 5);
            CHECK(f.text.find("the first of 2 packets") != f.text.npos);
        }
    CHECK(has_rule(found, "rtp-event-reserved-bit"));
    CHECK(has_rule(r.findings, "rtp-unreadable"));
    for (const Finding& f : play(false).findings) CHECK(f.rule != "rtp-payload-size");
}

TEST_CASE(
    "RFC 3550 5.1: sequence numbers that begin anew under one SSRC are a finding of the stream") {
    Wire w;
    w.speech(0, alice_rtp, bob_rtp, 20, 100).speech(500, alice_rtp, bob_rtp, 20, 30'000);
    const Report r = w.play();
    CHECK(has_rule(r.streams.at(0).findings, "rtp-sequence-restart"));
    CHECK_FALSE(has_rule(r.streams[0].findings, "rtp-marker-always"));
}
