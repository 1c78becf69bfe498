// What phones do by themselves, seen on the wire: each script's checks are judged on its capture.
#include <doctest/doctest.h>

#include <string>

#include "libsipana/lab/runner.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

RunResult played(const std::string& steps, const std::string& phones = {}) {
    const std::string two = "phone alice 100\nphone bob 900\n";
    const auto script = parse_script((phones.empty() ? two : phones) + steps, "test");
    RunResult out;
    if (script) return run(*script, {});
    out.outcome = Outcome::failed;
    out.error = script.error().what;
    return out;
}

// Why it failed, for a test's message.
std::string said(const RunResult& r) {
    std::string out = r.error + "\n";
    const auto add = [&](const auto& one) {
        out += std::to_string(one.line) + " " + one.text + " | " +
               std::string(to_string(one.outcome)) + " " + one.detail + "\n";
    };
    for (const StepResult& s : r.steps) add(s);
    for (const CheckResult& c : r.checks) add(c);
    for (const std::string& n : r.notes) out += n + "\n";
    return out;
}

void holds(const std::string& steps, const std::string& phones = {}) {
    const auto r = played(steps, phones);
    INFO(said(r));
    CHECK(r.outcome == Outcome::done);
}

const std::string call = "alice -> bob INVITE\nbob -> alice 200\n";

}  // namespace

// ---------------------------------------------------------------- session timers

TEST_CASE("RFC 4028 7.4: the refresher sends UPDATE at half of the interval, again and again") {
    holds(call + R"lab(
alice pauses 200s
alice -> bob BYE
check flow INVITE 200 ACK UPDATE 200 UPDATE 200 UPDATE 200 UPDATE 200 BYE 200
check no errors
)lab",
          "phone alice supported timer session-expires 90\nphone bob supported timer\n");
}

TEST_CASE("RFC 4028 7.4: where the other side does not allow UPDATE, a re-INVITE refreshes") {
    holds(call + R"lab(
alice pauses 50s
alice -> bob BYE
check flow INVITE 200 ACK INVITE 200 ACK BYE 200
)lab",
          "phone alice supported timer session-expires 90\n"
          "phone bob supported timer allow \"INVITE, ACK, BYE, CANCEL\"\n");
}

TEST_CASE("RFC 4028 10: a refresh that is answered with 481 ends the call") {
    holds(call + R"lab(
alice |-> bob UPDATE within 60s
bob ->| alice 481 for UPDATE
alice |-> bob BYE
check ended by alice
check messages UPDATE 1
)lab",
          "phone alice supported timer session-expires 90\nphone bob supported timer\n");
}

TEST_CASE("RFC 4028 10: who waits for a refresh in vain hangs up before the session runs out") {
    holds(R"lab(
alice -> bob INVITE set "Supported: timer" set "Session-Expires: 90;refresher=uac"
bob -> alice 200
bob |-> alice BYE within 100s
check ended by bob
check duration 55s..65s
)lab",
          "phone alice\nphone bob supported timer\n");
}

TEST_CASE("RFC 4028 6: an interval below the least is refused with 422, and asked for anew") {
    holds(R"lab(
alice -> bob INVITE
bob -> alice 200
alice -> bob BYE
check flow INVITE 422 ACK INVITE 200 ACK BYE 200
check header 422 Min-SE is 1800
check no errors
)lab",
          "phone alice supported timer session-expires 90\n"
          "phone bob supported timer min-se 1800\n");
}

// ---------------------------------------------------------------- soft state

TEST_CASE("RFC 3261 10.2.4: a registration is refreshed before it runs out") {
    holds(R"lab(
alice -> bob REGISTER set "Expires: 100"
bob -> alice 200
alice |-> bob REGISTER within 70s
bob ->| alice 200
check messages REGISTER 2
)lab");
}

TEST_CASE("RFC 3261 10.2.8: 423 makes the phone ask for as long as Min-Expires says") {
    holds(R"lab(
alice -> bob REGISTER set "Expires: 5"
bob ->| alice 423
alice |-> bob REGISTER where header Expires is "60"
bob -> alice 200
check flow REGISTER 423 REGISTER 200
)lab");
}

TEST_CASE("RFC 6665 4.1.2.2: a subscription is refreshed within its dialog") {
    holds(R"lab(
alice -> bob SUBSCRIBE set "Expires: 100"
bob -> alice 200
bob -> alice NOTIFY set "Subscription-State: active;expires=100"
alice |-> bob SUBSCRIBE within 90s where header To matches "tag="
bob ->| alice 200
check messages SUBSCRIBE 2
)lab");
}

TEST_CASE("RFC 3903 4.1: a publication is refreshed by its entity-tag, without a body") {
    holds(R"lab(
alice -> bob PUBLISH set "Expires: 100" body text/plain "here"
bob -> alice 200 let etag = header SIP-ETag
alice |-> bob PUBLISH within 90s where header SIP-If-Match is "{etag}" where no header Content-Type
bob ->| alice 200
check messages PUBLISH 2
)lab");
}

// ---------------------------------------------------------------- RFC 3262

TEST_CASE("RFC 3262 3: no second reliable response before the PRACK of the first") {
    holds(R"lab(
alice -> bob INVITE
bob -> alice 183 reliable
bob -> alice 180 reliable
bob -> alice 200 for INVITE after 100ms
alice -> bob BYE
check flow INVITE 183 PRACK 200 180 PRACK 200 200 ACK BYE 200
check no errors
)lab");
}

TEST_CASE("RFC 3262 3: no 2xx while a reliable response with a description waits for its PRACK") {
    holds(R"lab(
alice -> bob INVITE
bob ->| alice 183 reliable
bob -> alice 200 for INVITE
alice -> bob BYE
check flow INVITE 183 PRACK 200 200 ACK BYE 200
check no errors
)lab");
}

TEST_CASE("RFC 3262 3: an INVITE that requires 100rel hears reliable responses alone") {
    holds(R"lab(
alice -> bob INVITE header "Require: 100rel"
bob -> alice 180
bob -> alice 200 for INVITE after 100ms
alice -> bob BYE
check flow INVITE 180 PRACK 200 200 ACK BYE 200
check header 180 RSeq present
check no errors
)lab");
}

TEST_CASE("RFC 3262 3: a PRACK that acknowledges nothing gets 481") {
    holds(R"lab(
alice -> bob INVITE
bob -> alice 180
alice ->| bob PRACK set "RAck: 17 1 INVITE"
bob |-> alice 481 for PRACK
bob -> alice 486 for INVITE
check final 481 for PRACK
)lab");
}

// ---------------------------------------------------------------- challenges

TEST_CASE(
    "RFC 3261 22.3: two proxies challenge one after the other, and the third try answers both") {
    holds(R"lab(
alice -> bob INVITE
bob ->| alice 407 set "Proxy-Authenticate: Digest realm=\"a\", nonce=\"1\", algorithm=MD5, qop=\"auth\""
alice |-> bob INVITE where header Proxy-Authorization contains "realm=\"a\""
bob ->| alice 407 set "Proxy-Authenticate: Digest realm=\"b\", nonce=\"2\", algorithm=MD5, qop=\"auth\""
alice |-> bob INVITE where header Proxy-Authorization contains "realm=\"b\"" where header Proxy-Authorization contains "realm=\"a\""
bob -> alice 200
alice -> bob BYE where header Proxy-Authorization contains "nc=0000000"
check flow INVITE 407 ACK INVITE 407 ACK INVITE 200 ACK BYE 200
)lab",
          "phone alice 100 password secret\nphone bob\n");
}

TEST_CASE("RFC 7616 3.5: the nonce that Authentication-Info gives is the next one's") {
    holds(R"lab(
alice -> bob REGISTER
bob ->| alice 401 set "WWW-Authenticate: Digest realm=\"a\", nonce=\"one\", algorithm=MD5, qop=\"auth\""
alice |-> bob REGISTER where header Authorization contains "nonce=\"one\""
bob -> alice 200 header "Authentication-Info: nextnonce=\"two\""
alice -> bob REGISTER where header Authorization contains "nonce=\"two\"" where header Authorization contains "nc=00000001"
bob -> alice 200
)lab",
          "phone alice 100 password secret\nphone bob\n");
}

TEST_CASE("Faults: a wrong password also answers the challenge, and is not tried twice") {
    holds(R"lab(
alice -> bob REGISTER wrong password
bob ->| alice 401
alice |-> bob REGISTER where header Authorization
bob -> alice 403
check flow REGISTER 401 REGISTER 403
)lab",
          "phone alice 100 password secret\nphone bob\n");
}

TEST_CASE("Faults: no credentials, and the challenge stays unanswered") {
    holds(R"lab(
alice -> bob REGISTER no credentials
bob -> alice 401
check flow REGISTER 401
)lab",
          "phone alice 100 password secret\nphone bob\n");
}

// ---------------------------------------------------------------- faults on the wire

TEST_CASE("Faults: copies of a request and of an answer are waited for") {
    holds(R"lab(
alice -> bob MESSAGE body text/plain "hi" copies 3
bob -> alice 200
check retransmissions MESSAGE 2
)lab");
    holds(R"lab(
alice -> bob INVITE
bob -> alice 200 no ack copies 3
alice -> bob ACK
alice -> bob BYE
check retransmissions 200 for INVITE 2
)lab");
}

TEST_CASE("Faults: copies that do not come fail the line") {
    const auto r =
        played("alice -> bob MESSAGE no retransmission copies 2 within 5s\nbob -> alice 200\n");
    INFO(said(r));
    CHECK(r.outcome == Outcome::failed);
    CHECK(r.error.find("copies") != std::string::npos);
}

TEST_CASE("Faults: the first transmissions are dropped, and the retransmission arrives") {
    holds(R"lab(
alice -> bob OPTIONS drop 2
bob -> alice 200
check messages OPTIONS 1
check no errors
)lab");
}

TEST_CASE("Faults: what is delayed is overtaken by what was sent after it") {
    holds(R"lab(
alice -> bob INVITE
bob -> alice 200
alice ->| bob INFO delay 300ms no retransmission
alice -> bob OPTIONS
bob |-> alice 500 for INFO
alice -> bob BYE
check final 500 for INFO
)lab");
}

TEST_CASE("Faults: a message that is cut off is not understood, and a whole one never comes") {
    holds(R"lab(
alice ->| bob OPTIONS cut 40 no retransmission
alice |-> bob nothing for 2s
)lab");
}

TEST_CASE("Faults: every transmission goes out twice, and is understood once") {
    holds(call + R"lab(
alice -> bob INFO duplicate 1 copies 2
bob -> alice 200
alice -> bob BYE
check messages INFO 1
)lab");
}

TEST_CASE("Faults: an INVITE whose answer is never acknowledged is given up after 64*T1") {
    const auto r = played("alice -> bob INVITE no ack\nbob -> alice 200\nalice pauses 40s\n");
    INFO(said(r));
    CHECK(r.outcome == Outcome::failed);
    CHECK(r.error.find("no ACK came") != std::string::npos);
}

TEST_CASE("Faults: an INVITE whose refusal is never acknowledged hears it again and again") {
    holds(R"lab(
alice -> bob INVITE no ack
bob -> alice 486 copies 4
check messages ACK 0
)lab");
}

TEST_CASE("Faults: a CSeq number of the script's own") {
    holds(R"lab(
alice -> bob OPTIONS cseq 4711
bob -> alice 200
check header OPTIONS CSeq is "4711 OPTIONS"
)lab");
}

TEST_CASE("Faults: a stale nonce is refused as such, and the next try has the new one") {
    holds(R"lab(
alice -> bob REGISTER
bob ->| alice 401 set "WWW-Authenticate: Digest realm=\"a\", nonce=\"one\", algorithm=MD5, qop=\"auth\""
alice |-> bob REGISTER where header Authorization contains "nonce=\"one\""
bob -> alice 200
alice -> bob REGISTER stale nonce where header Authorization contains "nonce=\"0one\""
bob ->| alice 401 set "WWW-Authenticate: Digest realm=\"a\", nonce=\"two\", stale=true, algorithm=MD5, qop=\"auth\""
alice |-> bob REGISTER where header Authorization contains "nonce=\"two\""
bob -> alice 200
)lab",
          "phone alice 100 password secret\nphone bob\n");
}

TEST_CASE("RFC 3261 14.2: offers that cross are both refused with 491") {
    holds(call + R"lab(
alice ->| bob INVITE sdp offer sendonly
bob ->| alice INVITE sdp offer inactive
alice |-> bob 491 for INVITE
bob |-> alice 491 for INVITE
alice -> bob BYE
check messages 491 2
)lab");
}

TEST_CASE("RFC 3261 13.2.2.4: the second answer of a fork is acknowledged and its call let go") {
    holds(R"lab(
alice -> bob INVITE
bob -> alice 200 to-tag one
bob ->| alice 200 to-tag two
alice |-> bob BYE where header To contains "two"
alice <> bob audio tone 440Hz 1s
alice -> bob BYE where header To contains "one"
check messages BYE 2
check dialogs 2
)lab");
}

// ---------------------------------------------------------------- subscriptions, Replaces

TEST_CASE("RFC 6665 4.4.1: a NOTIFY that overtakes the 2xx belongs to the subscription") {
    holds(R"lab(
alice -> bob SUBSCRIBE
bob -> alice 200 delay 100ms
bob -> alice NOTIFY
check flow SUBSCRIBE ... NOTIFY ...
check messages 481 0
)lab");
}

TEST_CASE("RFC 6665 8.2.1: a NOTIFY of another event than the line asks for is answered at once") {
    holds(R"lab(
bob/boxes ->| alice NOTIFY set "Event: message-summary"
alice -> bob INVITE
bob -> alice 200
alice -> bob REFER refer-to "sip:carol@192.0.2.9"
bob -> alice 202
bob -> alice NOTIFY set "Event: refer" where header Event is "refer"
check alice/* messages 481 0
)lab");
}

TEST_CASE(
    "RFC 3891 3: who is called in place of a call answers, and ends the one that is replaced") {
    holds(R"lab(
alice -> bob INVITE let id = header Call-ID let caller = header From "tag=(.*)"
bob -> alice 200 let callee = header To "tag=(.*)"
carol ->| bob INVITE header "Replaces: {id};to-tag={callee};from-tag={caller}"
bob |-> carol 200
bob |-> alice BYE
carol -> bob BYE
check bob -> alice messages BYE 1
check carol final 200
)lab",
          "phone alice\nphone bob\nphone carol\n");
}

TEST_CASE("RFC 3891 3: 481 where nothing is replaced, 486 where only a ringing call may be") {
    holds(R"lab(
carol ->| bob INVITE header "Replaces: nobody;to-tag=a;from-tag=b"
bob |-> carol 481
alice -> bob INVITE let id = header Call-ID let caller = header From "tag=(.*)"
bob -> alice 200 let callee = header To "tag=(.*)"
carol ->| bob INVITE header "Replaces: {id};to-tag={callee};from-tag={caller};early-only"
bob |-> carol 486
alice -> bob BYE
)lab",
          "phone alice\nphone bob\nphone carol\n");
}

// ---------------------------------------------------------------- media

TEST_CASE("RFC 3264 8.1: a re-INVITE adds the video that the first offer had no line for") {
    holds(R"lab(
bob -> alice INVITE
alice -> bob 200
alice -> bob INVITE sdp offer media audio,video
bob -> alice 200
check header INVITE Content-Type present
check alice -> bob body INVITE contains "m=video"
alice -> bob BYE
)lab",
          "phone alice video h264\nphone bob\n");
}

TEST_CASE("A phone that echoes sends back what it hears") {
    holds(call + R"lab(
alice => bob audio tone 440Hz 3s
alice -> bob BYE
check alice hears 440Hz from bob
)lab",
          "phone alice\nphone bob echo yes\n");
}

// ---------------------------------------------------------------- key frames

TEST_CASE(
    "RFC 5168: INFO asks for a key frame, is answered with 200, and the key frame comes next") {
    const std::string steps = call + R"lab(
alice => bob video file )lab" SIPANA_ROOT R"lab(/captures/practical/picture.h264 3s
alice -> bob BYE
)lab";
    const std::string lossy =
        "phone alice video h264 feedback none\n"
        "phone bob video h264 feedback info\n"
        "network from alice to bob media loss 10%\nseed 3\n";
    holds(steps + R"lab(
check messages INFO >= 1
check header INFO Content-Type is "application/media_control+xml"
check body INFO contains "<picture_fast_update/>"
check bob key frames >= 2
check no errors
)lab",
          lossy);
    holds(steps + "check messages INFO 0\ncheck bob key frames 1\n",
          "phone alice video h264 feedback none\nphone bob video h264\n"
          "network from alice to bob media loss 10%\nseed 3\n");
    // Nothing of the kind in what is no media control.
    holds(call + R"lab(
alice => bob video file )lab" SIPANA_ROOT R"lab(/captures/practical/picture.h264 3s in background
bob -> alice INFO body text/plain "picture_fast_update" after 1s
alice pauses 2s
alice -> bob BYE
check bob key frames 1
)lab",
          "phone alice video h264\nphone bob video h264\n");
}
