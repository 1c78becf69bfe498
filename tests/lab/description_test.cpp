#include "libsipana/lab/description.h"

#include <doctest/doctest.h>

#include <string>

#include "libsipana/sdp/check.h"
#include "libsipana/sdp/negotiation.h"
#include "tests/lab/media_link.h"

using namespace sipana;
using lab::LocalSession;
using sdp::Direction;

namespace {

LocalSession phone(const char* address, const std::vector<std::string>& audio,
                   const std::vector<std::string>& video, std::uint16_t port) {
    LocalSession s;
    s.user = "phone";
    s.id = 4711;
    s.version = 4710;
    s.address = *Address::parse(address);
    s.lines.push_back(lab::audio_wish(audio, {s.address, port}));
    if (!video.empty())
        s.lines.push_back(
            lab::video_wish(video, {s.address, static_cast<std::uint16_t>(port + 2)}));
    return s;
}

sdp::Session parsed(const std::string& text) {
    auto s = sdp::Session::parse(text);
    REQUIRE(s);
    return std::move(*s);
}

// The analyzer's own judges: each description is legal, and so is what it answers.
struct Dialog {
    sdp::Negotiation negotiation;
    std::uint32_t message = 0;
    std::vector<std::string> texts;

    void legal(const std::string& text) {
        std::vector<Finding> findings;
        sdp::check(parsed(text), findings);
        for (const Finding& f : findings) FAIL_CHECK(f.rule, ": ", f.text, "\n", text);
    }
    void offer(sdp::Side side, const std::string& text) {
        legal(text);
        negotiation.offer(side, parsed(text), Time{1}, message++);
    }
    void answer(sdp::Side side, const std::string& text) {
        legal(text);
        negotiation.answer(side, parsed(text), Time{2}, message++);
        for (const Finding& f : negotiation.findings())
            FAIL_CHECK(f.rule, ": ", f.text, "\n", text);
    }
};

struct Settled {
    lab::Answer answer;
    std::vector<lab::Agreed> offerer;
};
// One exchange between two phones, seen by the judges.
Settled exchange(LocalSession& from, LocalSession& to, Dialog& dialog, sdp::Side side) {
    const std::string offered = lab::offer(from);
    dialog.offer(side, offered);
    auto answer = lab::answer(to, parsed(offered));
    REQUIRE(answer);
    dialog.answer(side == sdp::Side::caller ? sdp::Side::callee : sdp::Side::caller, answer->text);
    auto settled = lab::settle(from, parsed(answer->text));
    return {std::move(*answer), std::move(settled)};
}

}  // namespace

TEST_CASE("RFC 3264 5, 6: audio and video, offered and answered, agree on both sides") {
    LocalSession a = phone("192.0.2.1", {"pcma", "pcmu"}, {"h264", "vp8"}, 4000);
    LocalSession b = phone("192.0.2.2", {"pcmu"}, {"vp8"}, 5000);
    a.lines[1].protocol = "RTP/AVPF";
    Dialog dialog;
    const Settled s = exchange(a, b, dialog, sdp::Side::caller);
    CHECK(s.answer.acceptable);
    REQUIRE(s.answer.lines.size() == 2);
    REQUIRE(s.offerer.size() == 2);
    for (const auto* side : {&s.answer.lines, &s.offerer}) {
        const lab::Agreed &audio = (*side)[0], &video = (*side)[1];
        CHECK(audio.active);
        CHECK(video.active);
        REQUIRE(audio.codec());
        CHECK(audio.codec()->name == "PCMU");
        REQUIRE(audio.events());
        CHECK(audio.events()->payload_type == 101);
        REQUIRE(video.codec());
        CHECK(video.codec()->name == "VP8");
        CHECK(video.codec()->payload_type == 97);
        CHECK(video.pli);
        CHECK(video.fir);
        CHECK(audio.direction == Direction::sendrecv);
        CHECK(audio.ptime_ms == 20);
    }
    CHECK(s.offerer[0].remote_rtp == at("192.0.2.2:5000"));
    CHECK(s.offerer[0].remote_rtcp == at("192.0.2.2:5001"));
    CHECK(s.answer.lines[1].remote_rtp == at("192.0.2.1:4002"));
    CHECK(s.answer.lines[1].local_rtcp == at("192.0.2.2:5003"));
    const sdp::Exchange* in_force = dialog.negotiation.in_force();
    REQUIRE(in_force);
    CHECK(in_force->media[0].direction == Direction::sendrecv);
    CHECK(in_force->media[1].agreed.size() == 1);
}

TEST_CASE(
    "RFC 3264 8: the version in o= grows by one when the description changes, and only then") {
    LocalSession a = phone("192.0.2.1", {"pcmu"}, {}, 4000);
    const std::string first = lab::offer(a);
    CHECK(first.find("o=phone 4711 4711 IN IP4 192.0.2.1\r\n") != first.npos);
    CHECK(lab::offer(a) == first);
    lab::hold(a);
    const std::string held = lab::offer(a);
    CHECK(held.find("o=phone 4711 4712 ") != held.npos);
    CHECK(held.find("a=sendonly\r\n") != held.npos);
    lab::resume(a);
    CHECK(lab::offer(a).find(" 4713 IN") != first.npos);
}

TEST_CASE("RFC 3264 8.4: hold and resume, from either side, without a finding") {
    LocalSession a = phone("192.0.2.1", {"pcmu", "pcma"}, {"h264"}, 4000);
    LocalSession b = phone("192.0.2.2", {"pcma"}, {"h264"}, 5000);
    Dialog dialog;
    exchange(a, b, dialog, sdp::Side::caller);
    lab::hold(b);
    Settled s = exchange(b, a, dialog, sdp::Side::callee);
    CHECK(s.offerer[0].direction == Direction::sendonly);
    CHECK(s.answer.lines[0].direction == Direction::recvonly);
    CHECK(s.answer.lines[0].held);
    CHECK(s.answer.text.find("a=recvonly") != s.answer.text.npos);
    lab::resume(b);
    s = exchange(b, a, dialog, sdp::Side::callee);
    CHECK(s.offerer[0].direction == Direction::sendrecv);
    lab::hold(a, Direction::inactive);
    s = exchange(a, b, dialog, sdp::Side::caller);
    CHECK(s.answer.lines[1].direction == Direction::inactive);
    lab::resume(a);
    s = exchange(a, b, dialog, sdp::Side::caller);
    CHECK(s.offerer[1].direction == Direction::sendrecv);
}

TEST_CASE("RFC 3264 6: what cannot be had is refused with port 0 and may come back later") {
    LocalSession a = phone("192.0.2.1", {"pcmu"}, {"h264"}, 4000);
    LocalSession b = phone("192.0.2.2", {"pcmu"}, {}, 5000);
    Dialog dialog;
    Settled s = exchange(a, b, dialog, sdp::Side::caller);
    CHECK(s.answer.acceptable);
    CHECK(s.answer.lines[0].active);
    CHECK(!s.answer.lines[1].active);
    CHECK(!s.offerer[1].active);
    CHECK(s.offerer[1].direction == Direction::inactive);
    CHECK(s.answer.text.find("m=video 0 RTP/AVP 96\r\n") != s.answer.text.npos);
    // The side that refused offers anew: the line stays in its place, closed.
    s = exchange(b, a, dialog, sdp::Side::callee);
    CHECK(!s.answer.lines[1].active);
    CHECK(s.answer.lines[0].active);
    // Both have not forgotten: b gets a camera, a opens its line again.
    b.unused.push_back(lab::video_wish({"h264"}, at("192.0.2.2:5002")));
    CHECK(lab::open_line(a, "video"));
    CHECK(!lab::open_line(a, "video"));
    s = exchange(a, b, dialog, sdp::Side::caller);
    CHECK(s.answer.lines[1].active);
}

TEST_CASE("RFC 3264 8.1: video is added to a call that began without") {
    LocalSession a = phone("192.0.2.1", {"pcmu"}, {}, 4000);
    LocalSession b = phone("192.0.2.2", {"pcmu"}, {"vp8"}, 5000);
    Dialog dialog;
    exchange(a, b, dialog, sdp::Side::caller);
    CHECK(b.lines.size() == 1);
    CHECK(lab::open_line(b, "video"));
    const Settled s = exchange(b, a, dialog, sdp::Side::callee);
    REQUIRE(s.offerer.size() == 2);
    CHECK(s.offerer[0].active);
    CHECK(!s.offerer[1].active);  // a has no camera
}

TEST_CASE("RFC 3261 21.4.26: no codec in common makes an answer that is not acceptable") {
    LocalSession a = phone("192.0.2.1", {"pcmu"}, {}, 4000);
    LocalSession b = phone("192.0.2.2", {"pcma"}, {}, 5000);
    const std::string offered = lab::offer(a);
    const auto answer = lab::answer(b, parsed(offered));
    REQUIRE(answer);
    CHECK(!answer->acceptable);
    CHECK(!answer->lines[0].active);
}

TEST_CASE("RFC 3264 6.1: an answer takes the offer's payload types, and keeps to them later") {
    LocalSession b = phone("192.0.2.2", {"pcmu", "pcma"}, {"h264"}, 5000);
    const std::string offered =
        "v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
        "m=video 7000 RTP/AVP 120 121\r\na=rtpmap:120 H264/90000\r\n"
        "a=fmtp:120 profile-level-id=640020;packetization-mode=1\r\na=rtpmap:121 H264/90000\r\n"
        "a=fmtp:121 profile-level-id=42801F\r\n"
        "m=audio 7002 RTP/AVP 9 8 97\r\na=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-15\r\n"
        "a=rtcp:7010\r\na=ptime:30\r\n";
    Dialog dialog;
    dialog.negotiation.offer(sdp::Side::caller, parsed(offered), Time{}, dialog.message++);
    const auto answer = lab::answer(b, parsed(offered));
    REQUIRE(answer);
    dialog.answer(sdp::Side::callee, answer->text);
    REQUIRE(answer->lines.size() == 2);
    const lab::Agreed &video = answer->lines[0], &audio = answer->lines[1];
    REQUIRE(video.codec());
    CHECK(video.codec()->payload_type == 121);
    CHECK(video.codec()->fmtp == "profile-level-id=42801F");
    REQUIRE(audio.codec());
    CHECK(audio.codec()->name == "PCMA");
    REQUIRE(audio.events());
    CHECK(audio.events()->payload_type == 97);
    CHECK(audio.ptime_ms == 30);
    CHECK(audio.remote_rtcp == at("192.0.2.9:7010"));
    // Its own offer keeps lines and numbers.
    const std::string again = lab::offer(b);
    dialog.legal(again);
    CHECK(again.find("m=video 5002 RTP/AVP 121\r\n") < again.find("m=audio 5000 RTP/AVP 8 97\r\n"));
    dialog.negotiation.offer(sdp::Side::callee, parsed(again), Time{3}, dialog.message++);
    CHECK(dialog.negotiation.findings().empty());
}

TEST_CASE("RFC 5761 5.1.1: RTP and RTCP share a port where both sides say so") {
    for (const bool both : {true, false}) {
        LocalSession a = phone("2001:db8::1", {"pcmu"}, {}, 4000);
        LocalSession b = phone("2001:db8::2", {"pcmu"}, {}, 5000);
        a.lines[0].rtcp_mux = true;
        b.lines[0].rtcp_mux = both;
        Dialog dialog;
        const Settled s = exchange(a, b, dialog, sdp::Side::caller);
        for (const lab::Agreed& one : {s.offerer[0], s.answer.lines[0]}) {
            CHECK(one.rtcp_mux == both);
            CHECK((one.local_rtcp == one.local_rtp) == both);
            CHECK((one.remote_rtcp == one.remote_rtp) == both);
            CHECK(one.remote_rtcp.port == one.remote_rtp.port + (both ? 0 : 1));
        }
    }
}

TEST_CASE("RFC 3264 6: lines that no telephone knows, and too many of them, are refused in place") {
    LocalSession b = phone("192.0.2.2", {"pcmu"}, {}, 5000);
    std::string offered =
        "v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=3034423619 "
        "3042462419\r\n"
        "m=image 7000 udptl t38\r\nm=audio 7002 RTP/SAVP 0\r\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n"
        "m=audio 7004 RTP/AVP 0\r\n";
    for (int i = 0; i < 30; ++i) offered += "m=audio 8000 RTP/AVP 0\r\n";
    Dialog dialog;
    dialog.negotiation.offer(sdp::Side::caller, parsed(offered), Time{}, dialog.message++);
    const auto answer = lab::answer(b, parsed(offered));
    REQUIRE(answer);
    dialog.answer(sdp::Side::callee, answer->text);
    REQUIRE(answer->lines.size() == 33);
    for (std::size_t i = 0; i < answer->lines.size(); ++i)
        CHECK(answer->lines[i].active == (i == 2));
    CHECK(answer->text.find("m=image 0 udptl t38\r\n") != answer->text.npos);
    dialog.legal(lab::offer(b));
}

TEST_CASE("RFC 3264 6: a call that was answered with fewer lines is settled with those") {
    LocalSession a = phone("192.0.2.1", {"pcmu"}, {"h264"}, 4000);
    (void)lab::offer(a);
    const auto settled = lab::settle(
        a, parsed("v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
                  "m=audio 7002 RTP/AVP 0\r\n"));
    REQUIRE(settled.size() == 2);
    CHECK(settled[0].active);
    CHECK(settled[0].held);
    CHECK(!sdp::sends(settled[0].direction));
    CHECK(!settled[1].active);
}
