// The analyzer as the judge: a call's media is played over a link that loses and delays, a capture
// is made of what arrives, and what the analyzer says of it is what the phones themselves heard.
#include <doctest/doctest.h>

#include <string>

#include "tests/analysis/wire.h"
#include "tests/lab/media_link.h"

using namespace sipana;
using namespace std::chrono_literals;
using lab::MediaPlan;
using lab::MediaSession;

namespace {

lab::LocalSession phone(const char* address, std::uint16_t port, const char* video) {
    lab::LocalSession s;
    s.user = "phone";
    s.id = 99;
    s.address = *Address::parse(address);
    s.lines.push_back(lab::audio_wish({"pcmu"}, {s.address, port}));
    s.lines.push_back(lab::video_wish({video}, {s.address, static_cast<std::uint16_t>(port + 2)}));
    s.lines[1].protocol = "RTP/AVPF";
    return s;
}

// A call of two phones with audio and video, in virtual time.
struct Call {
    explicit Call(const char* codec) : codec_(codec) {
        lab::LocalSession a = phone("10.0.0.1", 4000, codec), b = phone("10.0.0.2", 5000, codec);
        const std::string offer = lab::offer(a);
        auto parsed = sdp::Session::parse(offer);
        REQUIRE(parsed);
        const auto answer = lab::answer(b, *parsed);
        REQUIRE(answer);
        auto answered = sdp::Session::parse(answer->text);
        REQUIRE(answered);
        const auto settled = lab::settle(a, *answered);
        const auto made = [&](const lab::Agreed& agreed) {
            const bool video = agreed.media == "video";
            sessions.emplace_back(video ? MediaSession::Kind::video : MediaSession::Kind::audio,
                                  agreed.local_rtp, random, store);
            sessions.back().agree(agreed, call_begins);
        };
        for (std::size_t i = 0; i < 2; ++i) {
            made(settled[i]);
            made(answer->lines[i]);
        }
        invite_.body = offer;
        const std::string invite = wire::request(invite_);
        capture.udp(-300, wire::alice, wire::bob, invite);
        capture.udp(-200, wire::bob, wire::alice,
                    wire::response(invite, "200 OK", "t1", answer->text,
                                   "Contact: <sip:bob@10.0.0.2>\r\n"));
        capture.udp(-100, wire::alice, wire::bob,
                    wire::request({.method = "ACK", .branch = "z9hG4bKb", .to_tag = "t1"}));
    }

    void play(Time end) {
        for (std::size_t i = 0; i < 4; i += 2) {
            MediaLink link{sessions[i], sessions[i + 1]};
            link.loses = [&](Bytes) { return random.chance(loss); };
            link.jitter = [&] {
                return Duration{static_cast<std::int64_t>(random.below(jitter_ns + 1))};
            };
            link.tap = [&](const MediaSession::Output& out, Time now) {
                capture.udp(to_milliseconds(now - call_begins), out.local, out.remote,
                            as_text(out.bytes));
            };
            link.run(call_begins, end);
            sessions[i].end(end);
            sessions[i + 1].end(end);
            link.run(end, end + 1s);
        }
        capture.udp(
            to_milliseconds(end - call_begins) + 1500, wire::alice, wire::bob,
            wire::request({.method = "BYE", .branch = "z9hG4bKc", .to_tag = "t1", .cseq = 2}));
    }

    const char* codec_;
    Random random{5};
    lab::MediaStore store;
    std::vector<MediaSession> sessions;  // audio of both, video of both
    wire::Request invite_;
    wire::Wire capture;
    double loss = 0;
    std::uint64_t jitter_ns = 0;
};

const analysis::Stream* stream_of(const analysis::Report& report, std::uint32_t ssrc) {
    for (const auto& call : report.calls)
        for (const auto& s : call.streams)
            if (s.ssrc == ssrc) return &s;
    return nullptr;
}

void start_all(Call& call, const std::string& clip) {
    MediaPlan audio, video;
    audio.source = MediaPlan::Source::tone;
    audio.duration = 8s;
    video.source = MediaPlan::Source::file;
    video.file = SIPANA_ROOT "/captures/lab/" + clip;
    video.duration = 8s;
    for (std::size_t i = 0; i < 4; ++i)
        REQUIRE(call.sessions[i].start(i < 2 ? audio : video, call_begins));
}

// What the analyzer says of a stream is what its receiver says.
void judge(const analysis::Report& report, const MediaSession& from, const MediaSession& to) {
    const analysis::Stream* stream = stream_of(report, from.sent().ssrc);
    REQUIRE(stream);
    const lab::Heard heard = to.heard();
    CHECK(stream->from_sdp);
    CHECK(stream->packets == heard.packets);
    CHECK(stream->expected == heard.expected);
    CHECK(stream->lost == heard.lost);
    CHECK(stream->reordered == heard.reordered);
    CHECK(stream->duplicated == heard.duplicated);
    CHECK(stream->mean_jitter_ms == doctest::Approx(heard.jitter_ms).epsilon(0.001));
    CHECK(stream->max_jitter_ms == doctest::Approx(heard.max_jitter_ms).epsilon(0.001));
    std::string digits;
    for (const auto& d : stream->digits) digits.push_back(d.digit);
    CHECK(digits == heard.digits);
    if (stream->video) {
        CHECK(stream->video->frames == heard.frames);
        CHECK(stream->video->key_frames == heard.key_frames);
        CHECK(stream->video->incomplete_frames == heard.incomplete_frames);
        CHECK(stream->video->width == 176);
    }
    CHECK(stream->cname == "phone@sipana.invalid");
}

}  // namespace

TEST_CASE(
    "a call over a link without faults has no finding, and the analyzer counts what was sent") {
    for (const char* codec : {"h264", "vp8"}) {
        CAPTURE(codec);
        Call call(codec);
        start_all(call, codec[0] == 'h' ? "picture.h264" : "picture.ivf");
        call.play(call_begins + 9s);
        const analysis::Report report = call.capture.play();
        REQUIRE(report.calls.size() == 1);
        CHECK(report.calls[0].streams.size() == 4);
        for (std::size_t i = 0; i < 4; ++i) {
            const MediaSession &from = call.sessions[i], &to = call.sessions[i ^ 1];
            judge(report, from, to);
            CHECK(stream_of(report, from.sent().ssrc)->packets == from.sent().packets);
            CHECK(stream_of(report, from.sent().ssrc)->lost == 0);
            CHECK(to.heard().byes == 1);
        }
        for (const auto& s : report.calls[0].streams)
            for (const Finding& f : s.findings) FAIL_CHECK(f.rule, ": ", f.text);
        for (const Finding& f : report.calls[0].findings)
            CHECK_MESSAGE(f.rule.starts_with("sip-"), f.rule, ": ", f.text);
    }
}

TEST_CASE(
    "RFC 3550 6.4: over a link that loses and delays, phones and analyzer agree on every figure") {
    for (const char* codec : {"h264", "vp8"}) {
        CAPTURE(codec);
        Call call(codec);
        call.loss = 0.03;
        call.jitter_ns = 25'000'000;  // more than a packet's time: some are overtaken
        start_all(call, codec[0] == 'h' ? "picture.h264" : "picture.ivf");
        call.play(call_begins + 9s);
        const analysis::Report report = call.capture.play();
        REQUIRE(report.calls.size() == 1);
        std::uint64_t lost = 0, reordered = 0;
        std::uint32_t asked = 0, seen = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            judge(report, call.sessions[i], call.sessions[i ^ 1]);
            const analysis::Stream& s = *stream_of(report, call.sessions[i].sent().ssrc);
            lost += s.lost;
            reordered += s.reordered;
            asked += call.sessions[i].sent().pli;
            for (const auto& e : s.rtcp_events) seen += e.kind == "PLI";
            // The sender's own report counts what left it.
            for (const auto& r : s.reports)
                if (r.is_sender_report && r.sender_ssrc == s.ssrc)
                    CHECK(r.sent_packets <= call.sessions[i].sent().packets);
        }
        CHECK(lost > 20);
        CHECK(reordered > 20);
        CHECK(asked > 2);
        CHECK(seen == asked);
    }
}

TEST_CASE("RFC 4733: the analyzer reads the digits that a phone sent") {
    Call call("h264");
    MediaPlan plan;
    plan.source = MediaPlan::Source::digits;
    plan.digits = "900#*1";
    REQUIRE(call.sessions[0].start(plan, call_begins));
    call.loss = 0.1;
    call.play(call_begins + 3s);
    const analysis::Report report = call.capture.play();
    judge(report, call.sessions[0], call.sessions[1]);
    CHECK(call.sessions[1].heard().digits == "900#*1");
}
