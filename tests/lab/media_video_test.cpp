// Video of phones: key frames on demand, and what a PLI brings (RFC 4585 6.3.1, RFC 5104 4.3.1).
#include <doctest/doctest.h>

#include <string>

#include "libsipana/media/fragment.h"
#include "libsipana/rtp/packet.h"
#include "tests/lab/media_link.h"

using namespace sipana;
using namespace std::chrono_literals;
using lab::MediaPlan;
using lab::MediaSession;

namespace {

const Endpoint alice = at("192.0.2.1:4002"), bob = at("192.0.2.2:5002");

struct Video {
    explicit Video(const char* codec, const char* name, const lab::MediaSettings& of_bob = {})
        : a(MediaSession::Kind::video, alice, random, store),
          b(MediaSession::Kind::video, bob, random, store, of_bob) {
        a.agree(agreed_of(alice, bob, {codec}, true), call_begins);
        b.agree(agreed_of(bob, alice, {codec}, true), call_begins);
        plan.source = MediaPlan::Source::file;
        plan.file = std::string(SIPANA_ROOT "/captures/lab/") + name;
    }
    Random random{11};
    lab::MediaStore store;
    MediaSession a, b;
    MediaLink link{a, b};
    MediaPlan plan;
};

struct Named {
    const char *codec, *file;
};
constexpr Named clips[] = {
    {"h264", "picture.h264"}, {"h264-mode0", "picture.h264"}, {"vp8", "picture.ivf"}};

}  // namespace

TEST_CASE("video of a file is sent at its rate, round and round, and every frame arrives") {
    for (const Named& n : clips) {
        CAPTURE(n.codec);
        Video v(n.codec, n.file);
        v.plan.duration = 10s;
        REQUIRE(v.a.start(v.plan, call_begins));
        v.link.run(call_begins, call_begins + 12s);
        CHECK(v.a.sent().frames == 150);
        CHECK(v.a.sent().key_frames == 10);
        const lab::Heard heard = v.b.heard();
        CHECK(heard.frames == 150);
        CHECK(heard.key_frames == 10);
        CHECK(heard.incomplete_frames == 0);
        CHECK(heard.width == 176);
        CHECK(heard.height == 144);
        CHECK(heard.lost == 0);
        CHECK(v.b.sent().pli == 0);
        CHECK(!v.a.playing());
    }
}

TEST_CASE(
    "RFC 4585 6.3.1: a lost packet is answered by a PLI, and the PLI by a key frame at once") {
    for (const Named& n : clips) {
        CAPTURE(n.codec);
        Video v(n.codec, n.file);
        Time lost_at = no_time, key_at = no_time;
        std::size_t count = 0;
        v.link.loses = [&](Bytes) { return ++count == 9; };  // in the first second, no key frame
        v.link.tap = [&](const MediaSession::Output& out, Time now) {
            rtp::Packet packet;
            if (out.content != lab::Content::rtp || !rtp::read(out.bytes, packet)) return;
            if (v.link.lost == 0) return;
            if (lost_at == no_time) lost_at = now;
            const auto f = media::read_fragment(
                *media::video_codec_of(n.codec[0] == 'h' ? "H264" : "VP8"), packet.payload);
            if (f && f->key && key_at == no_time) key_at = now;
        };
        v.plan.duration = 5s;
        REQUIRE(v.a.start(v.plan, call_begins));
        v.link.run(call_begins, call_begins + 6s);
        CHECK(v.link.lost == 1);
        CHECK(v.b.sent().pli == 1);
        CHECK(v.a.heard().pli == 1);
        REQUIRE(key_at != no_time);
        // A frame to see the gap, the way there, a frame until the next, the way back.
        CHECK(key_at - lost_at <= 67ms + 10ms + 67ms + 10ms);
        CHECK(v.b.heard().frames >= 74);
    }
}

TEST_CASE("RFC 5104 4.3.1: a FIR where only that was agreed") {
    Video v("vp8", "picture.ivf");
    lab::Agreed fir = agreed_of(bob, alice, {"vp8"}, true);
    fir.pli = false;
    v.b.agree(fir, call_begins);
    REQUIRE(v.a.start(v.plan, call_begins));
    const Time soon = v.link.run(call_begins, call_begins + 200ms);
    v.b.ask_key_frame(soon);
    v.link.run(soon, soon + 500ms);
    CHECK(v.a.heard().fir == 1);
    CHECK(v.a.heard().pli == 0);
    CHECK(v.a.sent().key_frames == 2);
}

namespace {

// Bob asks as `how` has it, of Alice, who agreed on no feedback; her ninth packet is lost.
struct Unagreed : Video {
    explicit Unagreed(lab::KeyRequests how) : Video("h264", "picture.h264", asking(how)) {
        lab::Agreed none = agreed_of(bob, alice, {"h264"}, true);
        none.pli = none.fir = false;
        b.agree(none, call_begins);
        link.loses = [this](Bytes) { return ++count == 9; };
        REQUIRE(a.start(plan, call_begins));
    }
    static lab::MediaSettings asking(lab::KeyRequests how) {
        lab::MediaSettings settings;
        settings.key_requests = how;
        return settings;
    }
    std::size_t count = 0;
};

}  // namespace

TEST_CASE(
    "RFC 4585 3.6.2: without an agreement on PLI none is sent, but by a phone that always does") {
    Unagreed agreed(lab::KeyRequests::agreed);
    agreed.link.run(call_begins, call_begins + 900ms);
    CHECK(agreed.link.lost == 1);
    CHECK(agreed.b.sent().pli == 0);
    CHECK(!agreed.b.take_key_request());
    Unagreed always(lab::KeyRequests::always);
    always.link.run(call_begins, call_begins + 900ms);
    CHECK(always.b.sent().pli == 1);
    CHECK(always.a.sent().key_frames == 2);
}

TEST_CASE(
    "RFC 5168: a lost picture is to be signalled, again after half a second without a key frame") {
    Unagreed signalled(lab::KeyRequests::signalled);
    const Time soon = signalled.link.run(call_begins, call_begins + 300ms);
    CHECK(!signalled.b.take_key_request());
    const Time then = signalled.link.run(soon, call_begins + 640ms);  // the ninth is due at 534 ms
    CHECK(signalled.b.take_key_request());
    CHECK(!signalled.b.take_key_request());
    signalled.link.run(then, call_begins + 950ms);
    CHECK(!signalled.b.take_key_request());
    CHECK(signalled.b.sent().pli == 0);
}

TEST_CASE("RFC 4585 6.3.1: the PLI is sent again while no key frame comes") {
    Unagreed deaf(lab::KeyRequests::always);
    deaf.link.loses = [&](Bytes datagram) {
        rtp::Packet packet;
        if (!rtp::read(datagram, packet)) return false;
        const auto f = media::read_fragment(media::VideoCodec::h264, packet.payload);
        return ++deaf.count == 9 || (deaf.count > 9 && f && f->key);
    };
    deaf.link.run(call_begins, call_begins + 2500ms);
    CHECK(deaf.b.sent().pli >= 3);
    CHECK(deaf.b.sent().pli <= 4);
    CHECK(deaf.b.heard().key_frames == 1);
}

TEST_CASE("a phone that was muted begins with a key frame when it is heard again") {
    Video v("h264", "picture.h264");
    REQUIRE(v.a.start(v.plan, call_begins));
    v.link.run(call_begins, call_begins + 300ms);
    lab::Agreed held = agreed_of(alice, bob, {"h264"}, true);
    held.direction = sdp::Direction::inactive;
    v.a.agree(held, call_begins + 300ms);
    v.link.run(call_begins + 300ms, call_begins + 500ms);
    held.direction = sdp::Direction::sendrecv;
    v.a.agree(held, call_begins + 500ms);
    v.link.run(call_begins + 500ms, call_begins + 700ms);
    CHECK(v.a.sent().key_frames == 2);
    CHECK(v.b.sent().pli == 0);
}

TEST_CASE("a clip goes only with the codec that it holds") {
    Video v("vp8", "picture.h264");
    const Status s = v.a.start(v.plan, call_begins);
    REQUIRE(!s);
    CHECK(s.error().what.find("holds H264, but VP8 has been agreed on") != std::string::npos);
    v.plan.source = MediaPlan::Source::tone;
    CHECK(!v.a.start(v.plan, call_begins));
}
