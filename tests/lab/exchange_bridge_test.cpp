// Two legs through the exchange: media, hold, transfer, pick-up, and who is told when it ends.
#include <doctest/doctest.h>

#include <string>

#include "tests/lab/exchange_of.h"

using namespace sipana;
using namespace sipana::lab;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// A third phone of exchange A, in its pick-up group.
constexpr std::string_view third =
    "\n[400](phone)\nsecret=test\n[500](phone)\nsecret=test\ncallgroup=9\npickupgroup=9\n";

struct Three : OfA {
    explicit Three(std::string_view more = {})
        : OfA(third,
              std::string("\n[internal]\nexten => 400,1,Dial(SIP/400)\n") + std::string(more)) {}
    Phone dave{wire, "400", "192.168.1.14:5060", "192.168.1.153:5060", "test"};

    void arrive_all() {
        arrive();
        CHECK(dave.register_at_server() == 200);
    }
    void talk_all() {
        talk();
        CHECK(dave.register_at_server() == 200);
    }
};

std::string line_of(const std::string& text, std::string_view begin) {
    const auto at = text.find(begin);
    return at == text.npos ? "" : text.substr(at, text.find("\r\n", at) - at);
}

}  // namespace

TEST_CASE("who hangs up first: the other leg is told with BYE, and its ports are given back") {
    for (const bool caller : {true, false}) {
        OfA t;
        t.talk();
        CHECK((caller ? t.alice : t.carol).in_dialog("BYE") == 200);
        CHECK((caller ? t.carol : t.alice).count("BYE") == 1);
        CHECK(t.a->channels() == 0);
        CHECK(t.wire.ports_of(*t.a) == 1);
    }
}

TEST_CASE("RFC 3264 6: the caller is answered with what the called phone can") {
    OfA t;
    t.arrive();
    t.alice.invite("200");
    CHECK(line_of(t.carol.last("INVITE"), "m=audio").find(" RTP/AVP 0 8 101") != std::string::npos);
    t.carol.formats = "8";
    t.carol.reply("INVITE", 200, true);
    CHECK(line_of(t.alice.last("SIP/2.0 200"), "m=audio").ends_with(" RTP/AVP 8"));
}

TEST_CASE("488 from a phone whose answer has no codec that was offered: it is hung up on") {
    OfA t;
    t.arrive();
    t.alice.invite("200");
    t.carol.formats = "99";
    t.carol.reply("INVITE", 200, true);
    CHECK(t.carol.count("BYE") == 1);
    CHECK(t.alice.codes.back() == 503);
}

TEST_CASE("RFC 3261 13.2.1: an INVITE without offer is offered in its 200, answered in the ACK") {
    OfA t;
    t.arrive();
    t.alice.fresh_call();
    CHECK(t.alice.send(t.alice.make("INVITE", t.alice.uri("200"))) == 0);
    t.carol.reply("INVITE", 200, true);
    CHECK(t.alice.codes.back() == 200);
    t.carol.send_rtp(t.carol.remote_rtp("INVITE"), 0, 1, 0x66);
    CHECK(t.alice.media.size() == 1);
}

TEST_CASE("early media: a 183 with SDP comes through, and so does what is heard behind it") {
    OfA t;
    t.arrive();
    t.alice.invite("200");
    t.carol.reply("INVITE", 183, true);
    CHECK(t.alice.codes == std::vector<int>{183});
    t.carol.send_rtp(t.carol.remote_rtp("INVITE"), 0, 1, 0x66);
    CHECK(t.alice.media.size() == 1);
    t.carol.reply("INVITE", 200, true);
    CHECK(line_of(t.alice.last("SIP/2.0 183"), "m=audio") ==
          line_of(t.alice.last("SIP/2.0 200"), "m=audio"));
    CHECK(line_of(t.alice.last("SIP/2.0 183"), "o=") == line_of(t.alice.last("SIP/2.0 200"), "o="));
}

TEST_CASE("G.711 of one law becomes the other where a called phone chose so after an answer") {
    OfA t({}, "\n[internal]\nexten => 201,1,Answer\n same => n,Dial(SIP/200)\n");
    t.arrive();
    t.alice.fresh_call();
    // alice prefers PCMA, carol answers PCMU alone
    CHECK(t.alice.send(t.alice.make("INVITE", t.alice.uri("201"), {}, "application/sdp",
                                    sdp_of_phone(t.alice.rtp, "8 0"))) == 200);
    t.carol.formats = "0";
    t.carol.reply("INVITE", 200, true);
    t.alice.send_rtp(t.alice.remote_rtp("SIP/2.0 200"), 8, 1, 0xd5);  // A-law silence
    REQUIRE(t.carol.media.size() == 1);
    CHECK((t.carol.media[0][1] & 0x7f) == 0);
    CHECK(t.carol.media[0].back() == 0xfe);  // its nearest in mu-law
}

TEST_CASE("RFC 3264 8.4: hold is answered recvonly, and nothing is sent to who holds") {
    OfA t;
    t.talk();
    CHECK(t.alice.in_dialog("INVITE", {}, "application/sdp",
                            sdp_of_phone(t.alice.rtp, "0 8 101", "sendonly")) == 200);
    CHECK(t.alice.last("SIP/2.0 200").find("a=recvonly") != std::string::npos);
    const Endpoint to = t.carol.remote_rtp("INVITE");
    t.carol.send_rtp(to, 0, 1, 0x66);
    CHECK(t.alice.media.empty());
    CHECK(t.alice.in_dialog("INVITE", {}, "application/sdp", sdp_of_phone(t.alice.rtp)) == 200);
    CHECK(t.alice.last("SIP/2.0 200").find("a=sendrecv") != std::string::npos);
    t.carol.send_rtp(to, 0, 2, 0x66);
    CHECK(t.alice.media.size() == 1);
}

TEST_CASE("INFO: digits are passed on to the other leg") {
    OfA t;
    t.talk();
    CHECK(t.alice.in_dialog("INFO", {}, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n") ==
          200);
    REQUIRE(t.carol.count("INFO") == 1);
    CHECK(t.carol.last("INFO").find("Signal=5") != std::string::npos);
}

TEST_CASE("600: an answer, a tone of two seconds, then an echo of what is said") {
    OfA t;
    CHECK(t.alice.invite("600") == 200);
    t.wire.run(milliseconds{1990});
    CHECK(t.alice.media.size() == 100);  // a packet each 20 ms
    t.wire.run(milliseconds{500});
    const auto tone = t.alice.media.size();
    t.alice.send_rtp(t.alice.remote_rtp("SIP/2.0 200"), 0, 7, 0x5a);
    REQUIRE(t.alice.media.size() == tone + 1);
    CHECK(t.alice.media.back().back() == 0x5a);
    for (std::size_t i = 8; i < 12; ++i)  // of one source (RFC 3550 8.1)
        CHECK(t.alice.media.back()[i] == t.alice.media.front()[i]);
    CHECK(t.alice.in_dialog("BYE") == 200);
    CHECK(t.wire.ports_of(*t.a) == 1);
}

TEST_CASE("Progress, Wait, Answer: early media, then the call") {
    OfA t;
    CHECK(t.alice.invite("601") == 183);
    CHECK(t.alice.last("SIP/2.0 183").find("m=audio") != std::string::npos);
    t.wire.run(milliseconds{1100});
    CHECK(t.alice.codes.back() == 200);
    t.wire.run(seconds{3});
    CHECK(t.alice.count("BYE") == 1);
}

TEST_CASE("Dial(a&b): both ring, the first answers, the other is cancelled") {
    OfA t;
    t.arrive();
    Phone dave(t.wire, "300", "192.168.1.19:5060", "192.168.1.153:5060");
    CHECK(dave.invite("300") == 404);  // a guest
    Phone caller(t.wire, "100", "192.168.1.21:5060", "192.168.1.153:5060", "test");
    CHECK(caller.invite("300") == 0);
    t.alice.reply("INVITE", 180);
    t.carol.reply("INVITE", 180);
    CHECK(caller.codes == std::vector<int>{180});
    t.carol.reply("INVITE", 200, true);
    CHECK(caller.codes.back() == 200);
    CHECK(t.alice.count("CANCEL") == 1);
    t.wire.run(seconds{1});
    CHECK(t.a->channels() == 2);
}

TEST_CASE("a phone with two contacts rings at both") {
    OfA t;
    t.arrive();
    Phone second(t.wire, "200", "192.168.1.23:5060", "192.168.1.153:5060", "test");
    CHECK(second.register_at_server() == 200);
    CHECK(t.alice.invite("200") == 0);
    CHECK(t.carol.count("INVITE") == 1);
    CHECK(second.count("INVITE") == 1);
}

TEST_CASE("*8, RFC 5359 2.15: a call is picked up in the group, and not from another group") {
    Three t;
    t.arrive_all();
    Phone stranger(t.wire, "500", "192.168.1.15:5060", "192.168.1.153:5060", "test");
    CHECK(t.alice.invite("200") == 0);
    t.carol.reply("INVITE", 180);
    CHECK(stranger.invite("*8") == 403);
    CHECK(t.dave.invite("*8") == 200);
    CHECK(t.alice.codes.back() == 200);
    CHECK(t.carol.count("CANCEL") == 1);
    t.alice.send_rtp(t.alice.remote_rtp("SIP/2.0 200"), 0, 1, 0x55);
    CHECK(t.dave.media.size() == 1);
    CHECK(t.dave.in_dialog("BYE") == 200);
    CHECK(t.alice.count("BYE") == 1);
}

TEST_CASE("RFC 3515, RFC 5589 6: a blind transfer: 202, NOTIFY, and the two others talk") {
    for (const bool caller : {true, false}) {
        CAPTURE(caller);
        Three t;
        t.talk_all();
        Phone& transferor = caller ? t.alice : t.carol;
        Phone& transferee = caller ? t.carol : t.alice;
        CHECK(transferor.in_dialog("REFER", {{"Refer-To", "<sip:400@192.168.1.153>"}}) == 202);
        CHECK(transferor.count("NOTIFY") == 2);
        CHECK(transferor.last("NOTIFY").find("SIP/2.0 200 OK") != std::string::npos);
        CHECK(transferor.last("NOTIFY").find("Subscription-State: terminated") !=
              std::string::npos);
        CHECK(transferor.in_dialog("BYE") == 200);
        REQUIRE(t.dave.request("INVITE") != nullptr);
        t.dave.reply("INVITE", 180);
        t.dave.reply("INVITE", 200, true);
        t.dave.send_rtp(t.dave.remote_rtp("INVITE"), 0, 1, 0x66);
        CHECK(transferee.media.size() == 1);
        CHECK(transferee.count("BYE") == 0);
        CHECK(t.dave.in_dialog("BYE") == 200);
        CHECK(transferee.count("BYE") == 1);
        CHECK(t.a->channels() == 0);
    }
}

TEST_CASE("RFC 3515: a transferor that does not hang up is hung up on") {
    Three t;
    t.talk_all();
    CHECK(t.alice.in_dialog("REFER", {{"Refer-To", "<sip:400@192.168.1.153>"}}) == 202);
    CHECK(t.alice.in_dialog("REFER", {{"Refer-To", "<sip:400@192.168.1.153>"}}) == 202);
    CHECK(t.alice.last("NOTIFY").find("SIP/2.0 503") != std::string::npos);  // nobody is left
    t.wire.run(seconds{33});
    CHECK(t.alice.count("BYE") == 1);
}

TEST_CASE("RFC 5589 7: an attended transfer joins the two whom the transferor talked to") {
    Three t;
    t.talk_all();
    // alice's second call, by a second line of hers
    Phone line(t.wire, "100", "192.168.1.31:5060", "192.168.1.153:5060", "test");
    CHECK(line.invite("400") == 0);
    t.dave.reply("INVITE", 200, true);
    const std::string replaces = line.dialog->replaces();
    std::string escaped;
    for (const char c : replaces)
        escaped += c == ';' ? "%3B" : c == '=' ? "%3D" : c == '@' ? "%40" : std::string(1, c);
    CHECK(t.alice.in_dialog(
              "REFER",
              {{"Refer-To", fmt::format("<sip:400@192.168.1.153?Replaces={}>", escaped)}}) == 202);
    CHECK(t.alice.last("NOTIFY").find("SIP/2.0 200 OK") != std::string::npos);
    CHECK(line.count("BYE") == 1);
    CHECK(t.dave.count("BYE") == 0);
    t.dave.send_rtp(t.dave.remote_rtp("INVITE"), 0, 1, 0x66);
    CHECK(t.carol.media.size() == 1);
    CHECK(t.alice.in_dialog("BYE") == 200);
    CHECK(t.carol.in_dialog("BYE") == 200);
    CHECK(t.dave.count("BYE") == 1);
    CHECK(t.a->channels() == 0);
}

TEST_CASE("RFC 5589 7.5: Replaces that names no dialog of ours: 202, then 481 in the NOTIFY") {
    OfA t;
    t.talk();
    CHECK(t.alice.in_dialog(
              "REFER",
              {{"Refer-To", "<sip:400@192.168.1.153?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>"}}) ==
          202);
    CHECK(t.alice.last("NOTIFY").find("SIP/2.0 481") != std::string::npos);
    CHECK(t.alice.in_dialog("BYE") == 200);
}

TEST_CASE("RFC 3891 3: an INVITE with Replaces takes a call over") {
    Three t;
    t.talk_all();
    CHECK(t.dave.invite("200", {}, {{"Replaces", t.alice.dialog->replaces()}}) == 200);
    CHECK(t.alice.count("BYE") == 1);
    CHECK(t.carol.count("BYE") == 0);
    t.dave.send_rtp(t.dave.remote_rtp("SIP/2.0 200"), 0, 1, 0x66);
    CHECK(t.carol.media.size() == 1);
    CHECK(t.dave.in_dialog("BYE") == 200);
    CHECK(t.carol.count("BYE") == 1);
}

TEST_CASE("RFC 3261 13.3.1.4, 15: a 2xx that is never acknowledged ends with BYE") {
    OfA t;
    t.arrive();
    t.alice.acknowledges = false;
    t.alice.invite("200");
    t.carol.reply("INVITE", 200, true);
    CHECK(t.carol.in_dialog("BYE") == 200);
    CHECK(t.alice.count("BYE") == 0);  // not before the ACK, or 64*T1
    t.wire.run(seconds{33});
    CHECK(t.alice.count("BYE") == 1);
    CHECK(t.a->channels() == 0);
}

TEST_CASE("RFC 3261 13.2.2.4: an answer that crosses our CANCEL is acknowledged and ended") {
    OfA t;
    t.arrive();
    t.alice.invite("200");
    t.carol.reply("INVITE", 180);
    t.carol.yields = false;
    t.alice.cancel();
    CHECK(t.alice.codes.back() == 487);
    CHECK(t.carol.count("CANCEL") == 1);
    t.carol.reply("INVITE", 200, true);
    CHECK(t.carol.count("ACK") == 1);
    CHECK(t.carol.count("BYE") == 1);
    CHECK(t.a->channels() == 0);
}

TEST_CASE("a dialplan that goes round in circles is stopped, Dial() or not") {
    OfA t({},
          "\n[internal]\nexten => 204,1,Goto(1)\n"
          "exten => 205,1,Dial(SIP/nobody)\n same => n,Goto(1)\n");
    CHECK(t.alice.invite("204") == 603);
    CHECK(t.alice.invite("205") == 480);  // the cause of what Dial() could not reach
    CHECK(t.a->channels() == 0);
}

TEST_CASE("option g: the dialplan goes on when the called phone hangs up") {
    OfA t({},
          "\n[internal]\nexten => 202,1,Dial(SIP/200,30,g)\n same => n,Wait(1)\n"
          " same => n,Hangup\n");
    t.arrive();
    t.alice.invite("202");
    t.carol.reply("INVITE", 200, true);
    CHECK(t.carol.in_dialog("BYE") == 200);
    CHECK(t.alice.count("BYE") == 0);
    t.wire.run(seconds{2});
    CHECK(t.alice.count("BYE") == 1);
}

TEST_CASE("directmedia: both phones are told each other's address, a hold too, and come back") {
    OfA d(
        "\n[100](+)\ndirectmedia=yes\n[200](+)\ndirectmedia=yes\n"
        "[400](phone)\nsecret=test\n",
        "\n[internal]\nexten => 400,1,Dial(SIP/400)\n");
    d.talk();
    REQUIRE(d.alice.count("INVITE") == 1);
    REQUIRE(d.carol.count("INVITE") == 2);
    CHECK(d.alice.remote_rtp("INVITE") == d.carol.rtp);
    CHECK(d.carol.remote_rtp("INVITE") == d.alice.rtp);
    d.alice.reply("INVITE", 200, true);
    d.carol.reply("INVITE", 200, true);
    CHECK(d.alice.count("ACK") == 1);
    CHECK(d.carol.count("ACK") == 2);
    CHECK(d.alice.in_dialog("INVITE", {}, "application/sdp",
                            sdp_of_phone(d.alice.rtp, "0 8 101", "sendonly")) == 200);
    CHECK(d.carol.count("INVITE") == 3);
    CHECK(d.carol.last("INVITE").find("a=sendonly") != std::string::npos);
    d.carol.reply("INVITE", 200, true);
    CHECK(d.alice.in_dialog("INVITE", {}, "application/sdp", sdp_of_phone(d.alice.rtp)) == 200);
    CHECK(d.carol.last("INVITE").find("a=sendrecv") != std::string::npos);
    d.carol.reply("INVITE", 200, true);
    // transferred, carol hears the exchange again
    CHECK(d.alice.in_dialog("REFER", {{"Refer-To", "<sip:600@192.168.1.153>"}}) == 202);
    CHECK(d.carol.remote_rtp("INVITE").address == d.carol.hop.remote.address);
    d.carol.reply("INVITE", 200, true);
    const auto before = d.carol.media.size();
    d.wire.run(seconds{1});
    CHECK(d.carol.media.size() > before + 40);
    CHECK(d.alice.in_dialog("BYE") == 200);
    CHECK(d.carol.in_dialog("BYE") == 200);
    CHECK(d.a->channels() == 0);
}

TEST_CASE(
    "directmedia: a phone that refuses keeps its media at the exchange, and so does the other") {
    OfA d("\n[100](+)\ndirectmedia=yes\n[200](+)\ndirectmedia=yes\n");
    d.talk();
    d.carol.reply("INVITE", 200, true);
    d.alice.reply("INVITE", 488);
    CHECK(d.carol.remote_rtp("INVITE").address == d.carol.hop.remote.address);
    d.carol.reply("INVITE", 200, true);
    d.alice.send_rtp(d.alice.remote_rtp("SIP/2.0 200"), 0, 1, 0x55);
    CHECK(d.carol.media.size() == 1);
    CHECK(d.alice.in_dialog("BYE") == 200);
    CHECK(d.a->channels() == 0);
}

TEST_CASE("the same seed gives the same messages") {
    std::vector<std::string> logs[2];
    for (auto& log : logs) {
        OfA t;
        t.talk();
        CHECK(t.alice.in_dialog("BYE") == 200);
        log = t.wire.log;
        for (const auto& h : t.alice.heard) log.push_back(h.text);
    }
    CHECK(logs[0] == logs[1]);
}
