#include "libsipana/analysis/pictures.h"

#include <doctest/doctest.h>

#include "libsipana/rtcp/packet.h"
#include "libsipana/rtcp/round_trip.h"
#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using namespace sipana::rtcp;
using analysis::KeyRequest;
using analysis::Report;
using analysis::Stream;

namespace {

const Endpoint alice_rtp = ep("10.0.0.1:4000"), bob_rtp = ep("10.0.0.2:5000");
const Endpoint alice_picture = ep("10.0.0.1:4002"), bob_picture = ep("10.0.0.2:5002");
const Endpoint alice_rtcp = ep("10.0.0.1:4003"), bob_rtcp = ep("10.0.0.2:5003");
constexpr std::uint32_t sound_ssrc = 0xa, picture_ssrc = 0xb;
constexpr std::uint32_t sound_begins = 0xffffff00, picture_begins = 7000;
constexpr double hour_ms = 3'600'000;

std::string picture(std::uint16_t n, bool key) {
    Buffer b;
    ByteWriter(b).u8(0x80).u8(0x80 | 96).u16(n).u32(picture_begins + 6000u * n).u32(picture_ssrc);
    const std::initializer_list<std::uint8_t> idr = {0x65, 0x88, 1, 2}, slice = {0x41, 0x9a, 1, 2};
    b.insert(b.end(), key ? idr : slice);
    return std::string(as_text(b));
}

std::string with_video(std::string_view ip, int port) {
    return sdp_body(ip, port) +
           fmt::format("m=video {} RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", port + 2);
}

// Alice calls Bob. Her sound begins at 100 ms, her picture (15 a second) too; the frames in `lost`
// never come.
struct VideoCall : Wire {
    explicit VideoCall(std::initializer_list<std::uint16_t> lost = {}, double picture_late_ms = 0) {
        const std::string alices = with_video("10.0.0.1", 4000),
                          bobs = with_video("10.0.0.2", 5000);
        const std::string invite = request({.body = alices});
        udp(0, alice, bob, invite).udp(10, bob, alice, response(invite, "200 OK", "t1", bobs));
        udp(20, alice, bob, request({.method = "ACK", .branch = "z9hG4bKb", .to_tag = "t1"}));
        for (int i = 0; i < 100; ++i)
            udp(100 + 20 * i, alice_rtp, bob_rtp,
                rtp(static_cast<std::uint16_t>(i), sound_begins + 160u * static_cast<unsigned>(i),
                    sound_ssrc));
        for (std::uint16_t n = 0; n < 30; ++n)
            if (std::find(lost.begin(), lost.end(), n) == lost.end())
                udp(at_frame(n) + picture_late_ms, alice_picture, bob_picture,
                    picture(n, n % 15 == 0));
    }
    static double at_frame(int n) { return 100 + 1000.0 * n / 15; }
    // A sender report at `ms` that says: `timestamp` was sampled at `sampled_ms` of a clock an hour
    // ahead.
    void report(double ms, std::uint32_t ssrc, std::uint32_t timestamp, double sampled_ms) {
        SenderReport sr;
        sr.ssrc = ssrc;
        sr.ntp = ntp_of(at(sampled_ms + hour_ms));
        sr.rtp_timestamp = timestamp;
        Buffer out;
        REQUIRE(rtcp::write(Content{sr}, out));
        const bool sound = ssrc == sound_ssrc;
        udp(ms, sound ? ep("10.0.0.1:4001") : alice_rtcp, sound ? ep("10.0.0.2:5001") : bob_rtcp,
            as_text(out));
    }
    void ask(double ms, const PayloadFeedback& feedback) {
        Buffer out;
        REQUIRE(rtcp::write(Content{ReceiverReport{0xc, {}, {}}}, out));
        REQUIRE(rtcp::write(Content{feedback}, out));
        udp(ms, bob_rtcp, alice_rtcp, as_text(out));
    }
};

Stream picture_of(Report r) {
    REQUIRE(r.calls.size() == 1);
    for (Stream& s : r.calls[0].streams)
        if (s.ssrc == picture_ssrc) return std::move(s);
    FAIL("no picture");
    return {};
}

double ms_of(Duration d) { return to_milliseconds(d); }

}  // namespace

TEST_CASE("RFC 4585 6.3.1, RFC 5104 4.3.1: who asked for a key frame, and when it came") {
    VideoCall c({5});
    c.ask(500, {1, 0xc, picture_ssrc, Pli{}});
    c.ask(600, {4, 0xc, 0, Fir{{{picture_ssrc, 1}}}});
    c.ask(2050, {1, 0xc, picture_ssrc, Pli{}});
    const Stream s = picture_of(c.play());
    REQUIRE(s.video);
    REQUIRE(s.video->requests.size() == 3);
    const KeyRequest &pli = s.video->requests[0], &fir = s.video->requests[1],
                     &late = s.video->requests[2];
    CHECK(pli.how == "PLI");
    CHECK(pli.src == bob_rtcp);
    REQUIRE(pli.answered_after);
    CHECK(ms_of(*pli.answered_after) == doctest::Approx(600));
    CHECK(fir.how == "FIR");
    REQUIRE(fir.answered_after);
    CHECK(ms_of(*fir.answered_after) == doctest::Approx(500));
    CHECK(!late.answered_after);
    REQUIRE(s.video->broken.size() == 1);
    CHECK(s.video->broken[0].start == at(VideoCall::at_frame(6)));
    CHECK(s.video->broken[0].end == at(VideoCall::at_frame(15)));
    CHECK(s.video->broken_frames == 9);
}

TEST_CASE(
    "RFC 2032 5.2.1: a FIR that names no stream is about the picture that goes the other way") {
    VideoCall c;
    const std::string fir("\x80\xc0\0\1\0\0\0\xc", 8);
    c.udp(500, bob_rtcp, alice_rtcp, fir);
    c.udp(600, alice_rtcp, bob_rtcp, fir);  // Bob sends none
    const Stream s = picture_of(c.play());
    REQUIRE(s.video->requests.size() == 1);
    CHECK(s.video->requests[0].how == "FIR");
    CHECK(s.video->requests[0].time == at(500));
    REQUIRE(s.rtcp_events.size() == 1);
    CHECK(s.rtcp_events[0].sender_ssrc == 0xc);
    CHECK(s.rtcp_events[0].media_ssrc == picture_ssrc);
}

TEST_CASE(
    "RFC 5168: an INFO asks the side that receives it for a key frame, once however often it is "
    "sent") {
    const auto info = [](std::string_view branch, std::string_view what) {
        const std::string body =
            fmt::format("<media_control><vc_primitive><to_encoder><{}/>", what);
        return message(
            {"INFO sip:alice@10.0.0.1 SIP/2.0",
             fmt::format("Via: SIP/2.0/UDP 10.0.0.2:5060;branch={}", branch), "Max-Forwards: 70",
             "From: <sip:bob@b.example>;tag=t1", "To: <sip:alice@a.example>;tag=f1", "Call-ID: c1",
             fmt::format("CSeq: {} INFO", branch.back()),
             "Content-Type: application/media_control+xml"},
            body);
    };
    VideoCall c;
    c.udp(500, bob, alice, info("z9hG4bKi1", "picture_fast_update"));
    c.udp(1000, bob, alice, info("z9hG4bKi1", "picture_fast_update"));  // again
    c.udp(1050, bob, alice, info("z9hG4bKi2", "something_else"));
    const Stream s = picture_of(c.play());
    REQUIRE(s.video->requests.size() == 1);
    CHECK(s.video->requests[0].how == "INFO");
    CHECK(s.video->requests[0].time == at(500));
    CHECK(s.video->requests[0].src == bob);
    REQUIRE(s.video->requests[0].answered_after);
    CHECK(ms_of(*s.video->requests[0].answered_after) == doctest::Approx(600));
}

TEST_CASE(
    "RFC 3550 6.4.1: lip sync is the delay of the picture less that of the sound, by sender "
    "reports") {
    for (const double late_ms : {0.0, 40.0, -30.0}) {
        CAPTURE(late_ms);
        VideoCall c({}, late_ms);
        c.report(1100, sound_ssrc, sound_begins + 8000, 1100);
        c.report(1110, picture_ssrc, picture_begins + 90'000, 1100);
        const Stream s = picture_of(c.play());
        REQUIRE(s.video->behind_sound_ms);
        CHECK(*s.video->behind_sound_ms == doctest::Approx(late_ms).epsilon(0.01));
        CHECK(s.video->sound_ssrc == sound_ssrc);
        CHECK(s.findings.empty());
    }
}

TEST_CASE(
    "RFC 3550 6.4.1: a report whose timestamp is none of its stream's says nothing of lip sync") {
    VideoCall c;
    c.report(1100, sound_ssrc, 0x50000000, 1100);
    c.report(1110, picture_ssrc, picture_begins + 90'000, 1100);
    const Report r = c.play();
    std::size_t told = 0;
    for (const Stream& s : r.calls.at(0).streams) {
        for (const Finding& f : s.findings)
            told += f.rule == "rtcp-sender-report-clock" && s.ssrc == sound_ssrc;
        if (s.video) CHECK(!s.video->behind_sound_ms);
    }
    CHECK(told == 1);
}

TEST_CASE(
    "a picture that is moved to another address under way is not broken there; its reports go with "
    "it") {
    const Endpoint server = ep("10.0.0.9:6002");
    Wire w;
    const auto at_frame = [](int n) { return 100 + 1000.0 * n / 15; };
    const std::string alices = with_video("10.0.0.1", 4000), bobs = with_video("10.0.0.2", 5000);
    const std::string moved = with_video("10.0.0.9", 6000);
    const std::string invite = request({.body = alices});
    w.udp(0, alice, bob, invite).udp(10, bob, alice, response(invite, "200 OK", "t1", moved));
    w.udp(20, alice, bob, request({.method = "ACK", .branch = "z9hG4bKb", .to_tag = "t1"}));
    const std::string again =
        request({.branch = "z9hG4bKc", .to_tag = "t1", .body = alices, .cseq = 2});
    w.udp(300, alice, bob, again).udp(310, bob, alice, response(again, "200 OK", "t1", bobs));
    for (std::uint16_t n = 0; n < 30; ++n)
        w.udp(at_frame(n), alice_picture, n < 5 ? server : bob_picture, picture(n, n % 15 == 0));
    SenderReport sr;
    sr.ssrc = picture_ssrc;
    sr.ntp = ntp_of(at(1000));
    sr.rtp_timestamp = picture_begins + 81'000;
    Buffer out;
    REQUIRE(rtcp::write(Content{sr}, out));
    w.udp(1000, alice_rtcp, bob_rtcp, as_text(out));
    const Report r = w.play();
    REQUIRE(r.calls.size() == 1);
    REQUIRE(r.calls[0].streams.size() == 2);
    for (const Stream& s : r.calls[0].streams) {
        CAPTURE(s.dst.to_string());
        REQUIRE(s.video);
        CHECK(s.video->broken.empty());
        CHECK(s.video->broken_count == 0);
        CHECK(s.video->broken_for == Duration{});
        CHECK(s.reports.size() == (s.dst == bob_picture ? 1 : 0));
        for (const auto& mark : s.video->marks) CHECK(mark.intact);
    }
}
