#include "libsipana/lab/verdict.h"

#include <doctest/doctest.h>

#include <deque>

#include "libsipana/lab/recorder.h"
#include "libsipana/media/sound.h"
#include "libsipana/rtp/packet.h"
#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

const Endpoint alice = wire::ep("192.0.2.1:5060"), bob = wire::ep("192.0.2.2:5060"),
               carol = wire::ep("192.0.2.3:5060");
const Endpoint alice_media = wire::ep("192.0.2.1:4000"), bob_media = wire::ep("192.0.2.2:4000");

struct Leap {  // of RTP's timestamps: by so much from that packet on
    std::size_t from = 0;
    std::uint32_t by = 0;
};

// A run: what its nodes send, logged and recorded as the lab does it.
class Run {
public:
    Run() : recorder_(Recorder::into(capture_)) {
        log.places = {{"alice", {alice}}, {"bob", {bob}}, {"carol", {carol}, false}};
    }
    void sip(double ms, const Endpoint& from, const Endpoint& to, const std::string& text,
             Fate fate = Fate::delivered, Transport transport = Transport::udp) {
        sent_.push_back({wire::at(ms), from == alice ? "alice" : "bob", from, to,
                         message_digest(text), text.substr(0, text.find('\r')),
                         fate == Fate::dropped, transport});
        carry(ms, from, to, as_bytes(text), Content::sip, fate, false, transport);
    }
    void carry(double ms, const Endpoint& from, const Endpoint& to, Bytes payload,
               Content content = Content::sip, Fate fate = Fate::delivered, bool duplicate = false,
               Transport transport = Transport::udp) {
        recorder_->on_packet({from, to, transport, content, payload, {}}, wire::at(ms), fate,
                             duplicate);
    }
    // G.711 packets of `sound`, every 20 ms; those in `lost` never arrive.
    void rtp(double ms, const Endpoint& from, const Endpoint& to, const media::Sound& sound,
             std::uint32_t ssrc, std::initializer_list<std::size_t> lost = {}, Leap leap = {},
             std::uint16_t sequence = 1, std::uint32_t timestamp = 0) {
        Buffer coded;
        media::encode(media::Law::mu, sound, coded);
        SentMedia sent{from, to, ssrc, 0};
        for (std::size_t i = 0; i + 160 <= coded.size(); i += 160) {
            const std::size_t n = i / 160;
            rtp::Packet p;
            p.payload = Bytes(coded).subspan(i, 160);
            p.sequence = static_cast<std::uint16_t>(sequence + n);
            p.timestamp =
                timestamp + static_cast<std::uint32_t>(i) + (n < leap.from ? 0 : leap.by);
            p.ssrc = ssrc;
            Buffer bytes;
            REQUIRE(rtp::write(p, bytes));
            const bool drop = std::find(lost.begin(), lost.end(), n) != lost.end();
            carry(ms + 20 * static_cast<double>(n), from, to, bytes, Content::rtp,
                  drop ? Fate::dropped : Fate::delivered);
            sent.packets += !drop;
        }
        media_.push_back(sent);
    }
    void forget_media() { media_.clear(); }
    Verdict judge(std::initializer_list<std::string_view> checks = {}) {
        if (!closed_) REQUIRE(recorder_->close());
        closed_ = true;
        Script script;
        for (std::string_view text : checks) {
            CheckLine& line = script.checks.emplace_back();
            line.where = {static_cast<std::uint32_t>(script.checks.size()), 1};
            line.text = text;
            while (!text.empty()) line.words.emplace_back(cut(text, ' '));
            REQUIRE(check_syntax(line));
        }
        const std::vector<SentMessage> sent(sent_.begin(), sent_.end());
        log.sent = sent;
        log.media = media_;
        log.media_counted = true;
        return lab::judge(script, log, capture_);
    }
    Log log;
    std::deque<SentMessage> sent_;
    Buffer capture_;

private:
    std::unique_ptr<Recorder> recorder_;
    std::vector<SentMedia> media_;
    bool closed_ = false;
};

media::Sound tone_of(double hertz, std::size_t samples) {
    media::Sound sound;
    const media::Sound period = media::tone(hertz, -10);
    while (sound.size() < samples) sound.push_back(period[sound.size() % period.size()]);
    return sound;
}

std::string outcome(Run& run, std::string_view check) {
    const Verdict v = run.judge({check});
    const CheckResult& c = v.checks.back();
    return (c.outcome == Outcome::done ? "holds: " : "fails: ") + c.detail;
}

std::string failures(const Verdict& v) {
    std::string out;
    for (const CheckResult& c : v.checks)
        if (c.outcome != Outcome::done) out += c.text + ": " + c.detail + "\n";
    return out;
}

const std::string invite =
    wire::request({.body = wire::sdp_body("192.0.2.1", 4000), .via = "192.0.2.1:5060"});

// alice calls bob, hears him say nothing for two seconds, says 440 Hz, and hangs up.
void answered(Run& run) {
    run.sip(0, alice, bob, invite);
    run.sip(10, bob, alice, wire::response(invite, "180 Ringing", "b1"));
    run.sip(1000, bob, alice,
            wire::response(invite, "200 OK", "b1", wire::sdp_body("192.0.2.2", 4000),
                           "Contact: <sip:bob@192.0.2.2>\r\n"));
    run.sip(1010, alice, bob,
            wire::request(
                {.method = "ACK", .branch = "z9hG4bKb", .to_tag = "b1", .via = "192.0.2.1:5060"}));
    run.rtp(1020, alice_media, bob_media, tone_of(440, 16000), 7, {10, 11, 50});
    run.rtp(1025, bob_media, alice_media, media::Sound(16000), 8);
    const std::string bye = wire::request({.method = "BYE",
                                           .branch = "z9hG4bKc",
                                           .to_tag = "b1",
                                           .cseq = 2,
                                           .via = "192.0.2.1:5060"});
    run.sip(3100, alice, bob, bye);
    run.sip(3110, bob, alice, wire::response(bye, "200 OK"));
}

std::string without_first_byte(const std::string& text) { return text.substr(1); }

}  // namespace

TEST_CASE("A verdict: the capture and the log agree") {
    Run run;
    answered(run);
    const Verdict v = run.judge();
    CHECK(failures(v) == "");
    CHECK(v.holds());
    CHECK(v.checks.size() == 4);
    CHECK(v.sip_seen == 6);
    CHECK(v.rtp_seen == 197);
    for (const CheckResult& c : v.checks) CHECK(c.line == 0);
}

TEST_CASE("A verdict: what was sent and is not in the capture fails the run") {
    Run run;
    answered(run);
    run.sent_.push_back(
        {wire::at(3200), "alice", alice, bob, 42, "OPTIONS sip:bob SIP/2.0", false});
    const Verdict v = run.judge();
    CHECK(!v.holds());
    CHECK(failures(v) ==
          "every message that was sent is in the capture: 1: OPTIONS sip:bob SIP/2.0 from alice to "
          "192.0.2.2:5060\n");
}

TEST_CASE("A verdict: what is in the capture and was not sent fails the run") {
    Run run;
    answered(run);
    run.sent_.pop_back();
    CHECK(failures(run.judge()) ==
          "every message in the capture was sent: 1: frame 203, from 192.0.2.2:5060 to "
          "192.0.2.1:5060\n");
    // A server that is not ours may send what it likes.
    Run with_server;
    answered(with_server);
    const std::string options = wire::request({.method = "OPTIONS", .call_id = "o1"});
    with_server.carry(4000, carol, alice, as_bytes(options));
    CHECK(failures(with_server.judge()) == "");
}

TEST_CASE("A verdict: a message of other bytes than were sent fails the run, twice") {
    Run run;
    answered(run);
    run.sent_.front().digest ^= 1;
    const std::string text = failures(run.judge());
    CHECK(text.find("every message that was sent is in the capture: 1: INVITE") == 0);
    CHECK(text.find("every message in the capture was sent: 1: frame 1, from") != text.npos);
}

TEST_CASE("A verdict: RTP that was sent and is not there, and the other way about") {
    Run fewer;
    answered(fewer);
    fewer.carry(5000, alice_media, bob_media, as_bytes(wire::rtp(101, 16000, 7)), Content::rtp);
    CHECK(failures(fewer.judge()) ==
          "RTP in the capture is what was sent: 1: 192.0.2.1:4000 > 192.0.2.2:4000: 97 sent, 98 "
          "seen\n");
}

TEST_CASE("A verdict: RTP that the network doubled was sent once") {
    Run run;
    answered(run);
    run.carry(3000, alice_media, bob_media, as_bytes(wire::rtp(101, 16000, 7)), Content::rtp,
              Fate::delivered, true);
    CHECK(failures(run.judge()) == "");
}

TEST_CASE("A verdict: lost messages are not in the capture, retransmissions are there once each") {
    Run run;
    run.sip(0, alice, bob, invite, Fate::dropped);
    run.sip(500, alice, bob, invite);
    run.sip(1500, alice, bob, invite);
    const std::string busy = wire::response(invite, "486 Busy Here", "b1");
    run.sip(1510, bob, alice, busy);
    run.carry(1511, bob, alice, as_bytes(busy), Content::sip, Fate::delivered, true);
    const std::string large =
        wire::request({.method = "MESSAGE", .call_id = "m1", .body = std::string(3000, 'x')});
    run.sip(2000, alice, bob, large);
    run.carry(2000, alice, bob, as_bytes(large), Content::sip, Fate::delivered, true);
    CHECK(failures(run.judge({"alice final 486", "retransmissions INVITE 1", "retransmissions 1",
                              "messages INVITE 1", "alice -> bob messages any 2"})) == "");
    run.sent_.pop_front();  // then it is no longer known why the capture lacks nothing
    CHECK(failures(run.judge()) == "");
}

TEST_CASE("A verdict: bytes that are no SIP are looked for as they are") {
    Run run;
    run.sip(0, alice, bob, std::string("\0\1\2 garbage", 11));
    run.sip(10, alice, bob, "NO SIP AT ALL\r\n\r\n");
    run.sip(20, alice, bob, invite + "behind the body");
    run.sip(30, alice, bob, without_first_byte(invite));
    CHECK(failures(run.judge()) == "");
    run.sent_.push_back({wire::at(40), "alice", alice, bob, 1, "garbage", false});
    CHECK(!run.judge().holds());
}

TEST_CASE("A verdict over TCP: each message of a stream is one") {
    Run run;
    run.sip(0, alice, bob, invite, Fate::delivered, Transport::tcp);
    run.sip(10, bob, alice, wire::response(invite, "486 Busy Here", "b1"), Fate::delivered,
            Transport::tcp);
    CHECK(failures(run.judge({"alice final 486"})) == "");
}

TEST_CASE("A verdict on the wire: a connection leaves from any port") {
    Run run;
    run.log.on_wire = true;
    run.log.hosts = {alice.address, bob.address};
    const Endpoint chosen{alice.address, 40123};
    const std::string& text = invite;
    run.sent_.push_back({wire::at(0), "alice", alice, bob, message_digest(text), "INVITE sip:bob",
                         false, Transport::tcp});
    run.carry(1, chosen, bob, as_bytes(text), Content::sip, Fate::delivered, false, Transport::tcp);
    run.sip(2, bob, chosen, wire::response(invite, "486 Busy Here"), Fate::delivered,
            Transport::tcp);
    CHECK(failures(run.judge()) == "");
}

TEST_CASE("A verdict on the wire: what is inside TLS is neither missed nor called seen") {
    Run run;
    run.log.on_wire = true;
    run.sent_.push_back({wire::at(0), "alice", alice, bob, 7, "INVITE", false, Transport::tls});
    const Verdict verdict = run.judge();
    CHECK(failures(verdict) == "");
    CHECK(verdict.checks[1].detail == "0 messages, and 1 inside TLS");
}

TEST_CASE("A verdict on the wire: what was sent to where nobody is may not have got so far") {
    Run run;
    run.log.on_wire = true;
    run.sent_.push_back({wire::at(0), "alice", alice, bob, 7, "INVITE sip:bob", false});
    CHECK(failures(run.judge()).find("1: INVITE sip:bob from alice") != std::string::npos);
    run.log.unreached = {bob.address};
    const Verdict verdict = run.judge();
    CHECK(failures(verdict) == "");
    CHECK(verdict.checks[1].detail == "0 messages, and 1 to where nobody is");
}

TEST_CASE("A verdict on the wire: whatever comes from a phone's address, the phone has sent") {
    const Endpoint other{alice.address, 5099}, stranger = wire::ep("192.0.2.9:5060");
    Run run;
    run.log.on_wire = true;
    run.log.hosts = {alice.address};
    run.carry(1, stranger, bob, as_bytes(invite));  // a server's business
    CHECK(failures(run.judge()) == "");
    Run wrong;
    wrong.log.on_wire = true;
    wrong.log.hosts = {alice.address};
    wrong.carry(1, other, bob, as_bytes(invite));
    CHECK(failures(wrong.judge())
              .find("every message in the capture was sent: 1: frame 1, from "
                    "192.0.2.1:5099 to 192.0.2.2:5060") != std::string::npos);
    Run media;
    media.log.on_wire = true;
    media.log.hosts = {alice.address};
    media.rtp(0, alice_media, bob_media, tone_of(440, 1600), 1);
    media.forget_media();
    CHECK(failures(media.judge()).find("0 sent, 10 seen") != std::string::npos);
}

TEST_CASE("A verdict without a capture says why") {
    Script script;
    const Verdict v = judge(script, {}, std::string("/nonexistent/x.pcapng"));
    CHECK(!v.holds());
    CHECK(failures(v).find("the capture can be read: /nonexistent/x.pcapng") == 0);
    CHECK(!judge(script, {}, as_bytes("no capture")).holds());
}

TEST_CASE("Checks of calls") {
    Run run;
    answered(run);
    CHECK(outcome(run, "alice final 200") == "holds: 200 OK");
    CHECK(outcome(run, "bob final 486 4xx") == "fails: the final code is 200 OK");
    CHECK(outcome(run, "carol final 200") == "fails: no call of carol");
    CHECK(outcome(run, "alice/2 final 200") == "fails: no call of alice/2");
    CHECK(outcome(run, "alice final 200 for BYE") == "holds: 200 OK to BYE");
    CHECK(outcome(run, "alice final 200 for REFER") == "fails: no REFER of alice");
    CHECK(outcome(run, "alice state completed") == "holds: the call is completed");
    CHECK(outcome(run, "alice state busy") == "fails: the call is completed");
    CHECK(outcome(run, "alice ended by alice") == "holds: alice ended it");
    CHECK(outcome(run, "bob ended by bob") == "fails: alice ended it");
    CHECK(outcome(run, "alice duration 2s..3s") == "holds: 2.100 s");
    CHECK(outcome(run, "alice setup < 1s") == "fails: 1.000 s");
    CHECK(outcome(run, "alice delay < 20ms") == "holds: 0.010 s");
    CHECK(outcome(run, "alice ringing > 0.9s") == "holds: 0.990 s");
    CHECK(outcome(run, "calls 1") == "holds: 1 call");
    CHECK(outcome(run, "alice dialogs 1") == "holds: 1 dialog");
    CHECK(outcome(run, "alice challenges 0") == "holds: 0 challenges");
    run.log.calls = {{"alice/first", "c1"}};
    CHECK(outcome(run, "alice/first final 200") == "holds: 200 OK");
    CHECK(outcome(run, "alice/second final 200") == "fails: no call of alice/second");
}

TEST_CASE("Checks of messages") {
    Run run;
    answered(run);
    CHECK(outcome(run, "messages 200 2") == "holds: 2 messages");
    CHECK(outcome(run, "messages 200 for BYE 1") == "holds: 1 message");
    CHECK(outcome(run, "alice -> bob messages any 3") == "holds: 3 messages");
    CHECK(outcome(run, "carol messages any 1") == "fails: 0 messages");
    CHECK(outcome(run, "retransmissions 0") == "holds: 0 retransmissions");
    CHECK(outcome(run, "alice flow INVITE 180 200 ACK BYE 200") ==
          "holds: INVITE 180 200 ACK BYE 200");
    CHECK(outcome(run, "alice flow INVITE 100? 1xx+ 2xx ... 200").find("holds") == 0);
    CHECK(outcome(run, "alice flow ... BYE 200").find("holds") == 0);
    CHECK(outcome(run, "alice flow ...").find("holds") == 0);
    CHECK(outcome(run, "alice flow INVITE 200 ACK") ==
          "fails: INVITE *180 200 ACK BYE 200 (from * on it differs)");
    CHECK(outcome(run, "alice flow INVITE 180 200 ACK BYE 200 BYE") ==
          "fails: INVITE 180 200 ACK BYE 200, and then no more");
    CHECK(outcome(run, "alice time INVITE 180 < 20ms") == "holds: 0.010 s");
    CHECK(outcome(run, "alice time INVITE 183 < 1s") ==
          "fails: the second of the two did not come");
    CHECK(outcome(run, "alice INVITE before bob 180") == "holds: frames 1 and 2");
    CHECK(outcome(run, "bob 180 before alice -> bob INVITE") == "fails: frames 2 and 1");
    CHECK(outcome(run, "alice INVITE before carol INVITE") ==
          "fails: the second of the two did not come");
    CHECK(outcome(run, "header INVITE Contact matches sip:alice@.*") == "holds: so in 1 message");
    CHECK(outcome(run, "header INVITE m contains alice") == "holds: so in 1 message");
    CHECK(
        outcome(run, "header any Contact present").find("fails: frame 2, 180: Contact is absent") ==
        0);
    CHECK(outcome(run, "header BYE Require absent") == "holds: so in 1 message");
    CHECK(outcome(run, "header INVITE request-uri is sip:bob@b.example").find("holds") == 0);
    CHECK(outcome(run, "header 180 reason is Trying") ==
          "fails: frame 2, 180: reason is 'Ringing'");
    CHECK(outcome(run, "header REFER Refer-To present") == "fails: no such message");
    CHECK(outcome(run, "body INVITE contains m=audio") == "holds: so in 1 message");
    CHECK(outcome(run, "body BYE absent") == "holds: so in 1 message");
}

TEST_CASE("A check of sound: what comes after a jump of the sender's clock is heard as well") {
    for (const std::uint32_t jump : {700'000'000u, 3'000'000'000u}) {
        Run run;
        answered(run);
        run.rtp(3300, alice_media, bob_media, tone_of(880, 16000), 7, {}, {}, 101, 16000 + jump);
        CHECK(outcome(run, "bob hears 440Hz for 1s").starts_with("holds"));
        CHECK(outcome(run, "bob hears 880Hz for 1s").starts_with("holds"));
    }
}

TEST_CASE("Checks of media: measured in the capture") {
    Run run;
    answered(run);
    CHECK(outcome(run, "bob hears 440Hz from alice for 1s") == "holds: 440 Hz for 2 seconds");
    CHECK(outcome(run, "bob hears 500Hz") == "fails: 440 Hz");
    CHECK(outcome(run, "bob hears 440Hz for 4s") == "fails: 440 Hz");
    CHECK(outcome(run, "bob hears 440Hz from carol") == "fails: nothing arrives");
    CHECK(outcome(run, "alice hears silence") == "holds: no tone");
    CHECK(outcome(run, "alice hears nothing") == "fails: 100 packets arrive");
    CHECK(outcome(run, "carol hears nothing") == "holds: nothing arrives");
    CHECK(outcome(run, "bob heard digits 1") == "fails: no digits");
    CHECK(outcome(run, "alice -> bob loss 2%..5%") == "holds: 3.00 %");
    CHECK(outcome(run, "bob -> alice loss < 1%") == "holds: 0.00 %");
    CHECK(outcome(run, "loss < 1%") == "fails: 3.00 %");
    CHECK(outcome(run, "bob jitter < 5ms").find("holds: ") == 0);
    CHECK(outcome(run, "bob gap 60ms") == "holds: 60.00 ms");
    CHECK(outcome(run, "bob packets 97") == "holds: 97");
    CHECK(outcome(run, "bob codec pcmu") == "holds: PCMU");
    CHECK(outcome(run, "bob codec pcma") == "fails: PCMU");
    CHECK(outcome(run, "bob video packets 0") == "holds: 0");
    CHECK(outcome(run, "bob frames > 0") == "fails: 0");
    CHECK(outcome(run, "carol loss < 1%") == "fails: no stream");
    CHECK(outcome(run, "rtcp SR 0") == "holds: 0 SR");
}

TEST_CASE("Checks of media: tones among others, and sound at all") {
    const auto heard = [](const media::Sound& sound, std::string_view check) {
        Run run;
        run.sip(0, alice, bob, invite);
        run.sip(10, bob, alice,
                wire::response(invite, "200 OK", "b1", wire::sdp_body("192.0.2.2", 4000),
                               "Contact: <sip:bob@192.0.2.2>\r\n"));
        run.rtp(20, alice_media, bob_media, sound, 7);
        return outcome(run, check);
    };
    const media::Sound one = tone_of(440, 16000), other = tone_of(580, 16000), silence(16000);
    media::Sound both = one;
    for (std::size_t i = 0; i < both.size(); ++i)
        both[i] = static_cast<std::int16_t>(both[i] / 2 + other[i] / 2);
    CHECK(heard(both, "bob hears 440Hz and 580Hz for 2s") == "holds: 440 and 580 Hz for 2 seconds");
    CHECK(heard(both, "bob hears 440Hz and 700Hz").find("fails: ") == 0);
    CHECK(heard(both, "bob hears no 700Hz").find("holds: ") == 0);
    CHECK(heard(both, "bob hears no 700Hz and 580Hz") == "fails: 700 and 580 Hz");
    CHECK(heard(silence, "bob hears no 440Hz") == "holds: no tone");
    CHECK(heard(silence, "alice hears no 440Hz") == "holds: nothing arrives");
    CHECK(heard(both, "bob hears sound for 2s") == "holds: sound for 2 seconds");
    CHECK(heard(silence, "bob hears sound") == "fails: no tone");
    // One after the other is not both at once.
    media::Sound in_turn(one.begin(), one.begin() + 4000);
    in_turn.insert(in_turn.end(), other.begin(), other.begin() + 4000);
    CHECK(heard(in_turn, "bob hears 440Hz and 580Hz").find("fails: ") == 0);
    CHECK(heard(in_turn, "bob hears no 440Hz") == "fails: 440 Hz");
}

TEST_CASE("Checks of media: what is heard goes on where the timestamps leap (Asterisk's echo)") {
    for (const std::uint32_t by : {1'913'912'736u, 0u - 1'913'912'736u}) {
        CAPTURE(by);
        Run run;
        run.sip(0, alice, bob, invite);
        run.sip(10, bob, alice,
                wire::response(invite, "200 OK", "b1", wire::sdp_body("192.0.2.2", 4000),
                               "Contact: <sip:bob@192.0.2.2>\r\n"));
        run.rtp(20, alice_media, bob_media, tone_of(440, 16000), 7, {}, {20, by});
        CHECK(outcome(run, "bob hears 440Hz for 2s") == "holds: 440 Hz for 2 seconds");
        CHECK(outcome(run, "bob jitter < 1ms").find("holds: ") == 0);
    }
}

TEST_CASE("Checks of findings") {
    Run run;
    answered(run);
    const std::string text = outcome(run, "no errors");
    CHECK_MESSAGE(text == "holds: no findings", text);
    Run bad;
    std::string wrong = invite;
    wrong.replace(wrong.find("CSeq: 1 INVITE"), 14, "CSeq: 1 UPDATE");
    bad.sip(0, alice, bob, wrong);
    CHECK(outcome(bad, "no errors").find("fails: ") == 0);
    CHECK(outcome(bad, "findings sip-cseq-method 1").find("holds: 1 finding") == 0);
}
