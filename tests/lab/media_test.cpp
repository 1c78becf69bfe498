#include "libsipana/lab/media.h"

#include <doctest/doctest.h>

#include <string>

#include "libsipana/rtcp/packet.h"
#include "libsipana/rtp/packet.h"
#include "tests/exact.h"
#include "tests/lab/media_link.h"

using namespace sipana;
using namespace std::chrono_literals;
using lab::MediaPlan;
using lab::MediaSession;

namespace {

const Endpoint alice = at("192.0.2.1:4000"), bob = at("192.0.2.2:5000");

struct Pair {
    explicit Pair(const std::vector<std::string>& codecs = {"pcmu"},
                  MediaSession::Kind kind = MediaSession::Kind::audio,
                  const lab::MediaSettings& settings = {})
        : a(kind, alice, random, store, settings), b(kind, bob, random, store, settings) {
        const bool video = kind == MediaSession::Kind::video;
        a.agree(agreed_of(alice, bob, codecs, video), call_begins);
        b.agree(agreed_of(bob, alice, codecs, video), call_begins);
    }
    Random random{7};
    lab::MediaStore store;
    MediaSession a, b;
    MediaLink link{a, b};
};

MediaPlan tone_of(double hertz, std::optional<Duration> duration = std::nullopt) {
    MediaPlan plan;
    plan.source = MediaPlan::Source::tone;
    plan.hertz = hertz;
    plan.duration = duration;
    return plan;
}
MediaPlan digits_of(const char* digits, bool inband) {
    MediaPlan plan;
    plan.source = MediaPlan::Source::digits;
    plan.digits = digits;
    plan.inband = inband;
    return plan;
}

}  // namespace

TEST_CASE("RFC 3551: a tone is sent in packets of 20 ms and heard at its frequency, both ways") {
    for (const char* codec : {"pcmu", "pcma"}) {
        CAPTURE(codec);
        Pair p({codec});
        REQUIRE(p.a.start(tone_of(440, 2s), call_begins));
        REQUIRE(p.b.start(tone_of(1004, 3s), call_begins));
        p.link.run(call_begins, call_begins + 5s);
        CHECK(!p.a.playing());
        CHECK(!p.b.playing());
        CHECK(p.a.sent().packets == 100);
        CHECK(p.a.sent().octets == 16'000);
        CHECK(p.a.sent().last == call_begins + 1980ms);
        const lab::Heard heard = p.b.heard();
        CHECK(heard.packets == 100);
        CHECK(heard.lost == 0);
        CHECK(heard.jitter_ms < 0.01);
        CHECK(heard.tone_hz == doctest::Approx(440).epsilon(0.002));
        CHECK(heard.level_dbm0 == doctest::Approx(-10).epsilon(0.02));
        REQUIRE(heard.tone_hz_by_second.size() == 2);
        CHECK(p.a.heard().tone_hz == doctest::Approx(1004).epsilon(0.002));
        CHECK(p.a.heard().tone_hz_by_second.size() == 3);
        CHECK(p.a.heard().first == call_begins + 10ms);
    }
}

TEST_CASE("RFC 3550 5.1: the marker begins a talk spurt, and a pause moves the timestamp alone") {
    Pair p;
    std::vector<rtp::Packet> packets;
    p.link.tap = [&](const MediaSession::Output& out, Time) {
        rtp::Packet packet;
        if (out.content == lab::Content::rtp && rtp::read(out.bytes, packet))
            packets.push_back(packet);
    };
    REQUIRE(p.a.start(tone_of(440, 100ms), call_begins));
    p.link.run(call_begins, call_begins + 1s);
    REQUIRE(p.a.start(tone_of(440, 100ms), call_begins + 1s));
    p.link.run(call_begins + 1s, call_begins + 2s);
    REQUIRE(packets.size() == 10);
    for (std::size_t i = 1; i < packets.size(); ++i) {
        CHECK(packets[i].marker == (i == 5));
        CHECK(static_cast<std::uint16_t>(packets[i].sequence - packets[0].sequence) == i);
        CHECK(packets[i].timestamp - packets[0].timestamp ==
              (i < 5 ? i * 160 : 8000 + (i - 5) * 160));
    }
    CHECK(packets[0].marker);
    CHECK(p.b.heard().jitter_ms == doctest::Approx(0));
    CHECK(p.b.heard().lost == 0);
}

TEST_CASE("RFC 4733 2.5: digits as events, with or without loss of some of their packets") {
    Pair p;
    std::size_t events = 0, markers = 0;
    p.link.tap = [&](const MediaSession::Output& out, Time) {
        rtp::Packet packet;
        if (out.content != lab::Content::rtp || !rtp::read(out.bytes, packet)) return;
        events += packet.payload_type == 101;
        markers += packet.marker;
    };
    REQUIRE(p.a.start(digits_of("12#D*", false), call_begins));
    p.link.run(call_begins, call_begins + 3s);
    CHECK(p.b.heard().digits == "12#D*");
    CHECK(p.a.sent().digits == "12#D*");
    CHECK(events == 5 * 7);  // 100 ms, and the last said twice more
    CHECK(markers == 5);
    std::size_t n = 0;
    p.link.loses = [&](Bytes) { return n++ % 3 == 0; };
    REQUIRE(p.a.start(digits_of("456", false), call_begins + 3s));
    p.link.run(call_begins + 3s, call_begins + 6s);
    CHECK(p.b.heard().digits == "12#D*456");
    CHECK(p.link.lost > 5);
}

TEST_CASE("ITU-T Q.23, Q.24: digits as tones within the audio, through either law") {
    for (const char* codec : {"pcmu", "pcma"}) {
        Pair p({codec});
        REQUIRE(p.a.start(digits_of("1234567890*#ABCD", true), call_begins));
        p.link.run(call_begins, call_begins + 6s);
        CHECK(p.b.heard().inband_digits == "1234567890*#ABCD");
        CHECK(p.b.heard().digits.empty());
        CHECK(p.a.sent().digits == "1234567890*#ABCD");
    }
}

TEST_CASE(
    "RFC 4733 2.5.1: digits are played over a tone, which goes on behind them on its own clock") {
    for (const bool inband : {false, true}) {
        CAPTURE(inband);
        Pair p;
        REQUIRE(p.a.start(tone_of(440, 3s), call_begins));
        const Time pressed = p.link.run(call_begins, call_begins + 1010ms);
        REQUIRE(p.a.start(digits_of("123", inband), pressed));
        CHECK(p.a.playing());
        p.link.run(pressed, pressed + 700ms);
        CHECK(!p.a.playing());  // the digits, that is
        p.link.run(pressed + 700ms, call_begins + 5s);
        const lab::Heard heard = p.b.heard();
        CHECK((inband ? heard.inband_digits : heard.digits) == "123");
        REQUIRE(heard.tone_hz_by_second.size() == 3);
        CHECK(heard.tone_hz_by_second[2] == doctest::Approx(440).epsilon(0.002));
        CHECK(heard.lost == 0);
        CHECK(heard.max_jitter_ms < 1);
        CHECK(p.a.sent().last == call_begins + 2980ms);
        CHECK(p.a.sent().late == 0);
    }
}

TEST_CASE("RFC 3264 8.3.2: a plan goes on in the codec that a new answer brings") {
    Pair p;
    REQUIRE(p.a.start(tone_of(440, 3s), call_begins));
    const Time changed = p.link.run(call_begins, call_begins + 985ms);
    p.a.agree(agreed_of(alice, bob, {"pcma"}), changed);
    p.b.agree(agreed_of(bob, alice, {"pcma"}), changed);
    p.link.run(changed, call_begins + 4s);
    CHECK(p.a.sent().packets == 150);
    const lab::Heard heard = p.b.heard();
    CHECK(heard.packets == 150);  // one was on its way, in the codec before
    CHECK(heard.other_type == 0);
    REQUIRE(heard.tone_hz_by_second.size() == 3);
    for (const double hertz : heard.tone_hz_by_second)
        CHECK(hertz == doctest::Approx(440).epsilon(0.002));
}

TEST_CASE("an echo sends back what it hears, events too, under its own SSRC") {
    Pair p;
    p.b.echo(true);
    REQUIRE(p.a.start(tone_of(700, 2s), call_begins));
    p.link.run(call_begins, call_begins + 3s);
    REQUIRE(p.a.start(digits_of("42", false), call_begins + 3s));
    p.link.run(call_begins + 3s, call_begins + 5s);
    const lab::Heard heard = p.a.heard();
    CHECK(heard.packets == p.a.sent().packets);
    CHECK(heard.ssrc == p.b.sent().ssrc);
    CHECK(heard.ssrc != p.a.sent().ssrc);
    CHECK(heard.tone_hz == doctest::Approx(700).epsilon(0.002));
    CHECK(heard.digits == "42");
    CHECK(heard.lost == 0);
    CHECK(heard.jitter_ms == doctest::Approx(0));
}

TEST_CASE("RFC 3550 6.4: sender and receiver reports say what was sent and what was lost") {
    lab::MediaSettings settings;
    settings.rtcp_minimum = 1s;
    Pair p({"pcmu"}, MediaSession::Kind::audio, settings);
    std::size_t n = 0;
    p.link.loses = [&](Bytes) { return ++n % 10 == 0; };
    REQUIRE(p.a.start(tone_of(440, 20s), call_begins));
    p.link.run(call_begins, call_begins + 20s);
    CHECK(p.link.lost == 100);
    CHECK(p.b.heard().lost >= 99);  // the last packet may be the one
    const lab::Heard heard = p.a.heard();
    CHECK(heard.receiver_reports >= 10);
    CHECK(heard.sender_reports == 0);
    CHECK(p.b.heard().sender_reports >= 10);
    CHECK(heard.reported_lost > 80);
    CHECK(heard.reported_lost <= 100);
    CHECK(heard.reported_fraction_lost == doctest::Approx(0.1).epsilon(0.3));
    REQUIRE(heard.round_trip);
    CHECK(to_milliseconds(*heard.round_trip) == doctest::Approx(20).epsilon(0.01));
    p.a.end(call_begins + 20s);
    p.link.run(call_begins + 20s, call_begins + 21s);
    CHECK(p.b.heard().byes == 1);
    CHECK(!p.a.deadline());
    CHECK(!p.a.start(tone_of(440), call_begins + 21s));
}

TEST_CASE("RFC 3264 8.4: on hold nothing is sent, and it goes on where it was") {
    Pair p;
    REQUIRE(p.a.start(tone_of(440), call_begins));
    p.link.run(call_begins, call_begins + 1s);
    lab::Agreed held = agreed_of(alice, bob, {"pcmu"});
    held.direction = sdp::Direction::recvonly;
    p.a.agree(held, call_begins + 1s);
    p.link.run(call_begins + 1s, call_begins + 2s);
    CHECK(p.a.sent().packets == 50);
    held.direction = sdp::Direction::sendrecv;
    p.a.agree(held, call_begins + 2s);
    p.link.run(call_begins + 2s, call_begins + 3s);
    CHECK(p.a.sent().packets == 100);
    CHECK(p.b.heard().lost == 0);
    CHECK(p.b.heard().jitter_ms == doctest::Approx(0));
}

TEST_CASE("a session that is woken late sends a few packets at once and sets its clock anew") {
    Pair p;
    REQUIRE(p.a.start(tone_of(440), call_begins));
    const auto polled = [&] {
        std::size_t n = 0;
        while (p.a.poll()) ++n;
        return n;
    };
    CHECK(polled() == 1);
    p.a.on_timer(call_begins + 100ms);
    CHECK(polled() == 5);
    p.a.on_timer(call_begins + 10s);
    CHECK(polled() <= lab::max_catch_up + 1);
    CHECK(p.a.sent().late == 1);
    REQUIRE(p.a.deadline());
    CHECK(*p.a.deadline() > call_begins + 10s - 20ms);
}

TEST_CASE("the same seed sends the same bytes") {
    std::vector<Buffer> first, second;
    for (auto* all : {&first, &second}) {
        Pair p;
        p.link.tap = [&](const MediaSession::Output& out, Time) {
            all->emplace_back(out.bytes.begin(), out.bytes.end());
        };
        REQUIRE(p.a.start(tone_of(440, 10s), call_begins));
        p.link.run(call_begins, call_begins + 11s);
    }
    CHECK(first.size() > 500);
    CHECK(first == second);
}

TEST_CASE("what is no RTP, and what was not agreed, is counted and otherwise ignored") {
    Pair p;
    for (const char* junk : {"", "\x80", "hello", "\x80\x00 short"})
        p.a.on_packet(Exact(std::string_view(junk)), false, bob, call_begins);
    CHECK(p.a.heard().malformed == 4);
    const Buffer other{0x80, 18, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3};
    p.a.on_packet(Exact(other), false, bob, call_begins);
    CHECK(p.a.heard().other_type == 1);
    CHECK(p.a.heard().packets == 0);
    for (std::size_t n = 0; n < other.size(); ++n)
        p.a.on_packet(Exact(Bytes(other).first(n)), true, bob, call_begins);
}

TEST_CASE("a plan that the codec cannot carry is refused in one line") {
    Pair p;
    MediaPlan plan;
    plan.source = MediaPlan::Source::file;
    plan.file = "no/such/file.wav";
    const Status missing = p.a.start(plan, call_begins);
    REQUIRE(!missing);
    CHECK(missing.error().what == "no/such/file.wav: cannot be opened");
    CHECK(!p.a.playing());
    lab::Agreed bare = agreed_of(alice, bob, {"pcmu"});
    bare.sent.pop_back();
    p.a.agree(bare, call_begins);
    CHECK(!p.a.start(digits_of("1", false), call_begins));
}
