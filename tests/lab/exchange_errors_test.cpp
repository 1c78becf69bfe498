// Every final code that the exchange can give, by what provokes it (the same provocations that
// chan_sip answers so).
#include <doctest/doctest.h>

#include <string>

#include "tests/lab/exchange_of.h"

using namespace sipana;
using namespace sipana::lab;
using std::chrono::seconds;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// What a new INVITE with these fields gets.
int invite(OfA& t, std::string_view number, const Fields& more) {
    return t.alice.invite(number, {}, more);
}
int request(OfA& t, std::string_view method, std::string_view uri, const Fields& more = {},
            std::string_view type = {}, std::string_view body = {}) {
    t.alice.fresh_call();
    return t.alice.send(t.alice.make(method, uri, more, type, body));
}

}  // namespace

TEST_CASE("302, RFC 3261 21.3.3: Transfer() before the answer") {
    OfA t;
    CHECK(t.alice.invite("605") == 302);
    CHECK(t.alice.last("SIP/2.0 302").find("Contact: <sip:100@192.168.1.153:5060>") !=
          std::string::npos);
}

TEST_CASE("181, 302, RFC 3261 21.1.3: a phone that redirects, and the caller is told") {
    OfA t;
    t.arrive();
    Phone other(t.wire, "100", "192.168.1.21:5060", "192.168.1.153:5060", "test");
    CHECK(t.carol.invite("100") == 0);
    t.alice.reply("INVITE", 302, false, {{"Contact", "<sip:600@192.168.1.153>"}});
    CHECK(t.carol.codes == std::vector<int>{503});  // 600 is not dialled by the dialplan
    CHECK(t.carol.invite("100") == 0);
    t.alice.reply("INVITE", 302, false, {{"Contact", "<sip:100@192.168.1.153>"}});
    CHECK(t.carol.codes == std::vector<int>{181});
    t.alice.reply("INVITE", 486);
    CHECK(t.carol.codes.back() == 486);
}

TEST_CASE("400, RFC 3261 8.1.1: a CSeq without a number, a header field that is missing") {
    OfA t;
    t.wire.judged = nullptr;  // the answers lack what the requests lack
    for (const Fields& broken :
         {Fields{{"CSeq", "x INVITE"}}, Fields{{"CSeq", "1 BYE"}}, Fields{{"To", ""}},
          Fields{{"From", ""}}, Fields{{"Call-ID", ""}}}) {
        CAPTURE(broken[0].first);
        const auto before = t.wire.log.size();
        t.alice.send_raw(t.alice.make("INVITE", t.alice.uri("600"), broken));
        REQUIRE(t.wire.log.size() > before + 1);
        CHECK(t.wire.log.back().find("SIP/2.0 400") != std::string::npos);
    }
}

TEST_CASE("400, RFC 4028: Session-Expires that is no number") {
    OfA t;
    CHECK(invite(t, "600", {{"Session-Expires", "soon"}}) == 400);
    CHECK(invite(t, "600", {{"Session-Expires", "1800"}, {"Min-SE", "x"}}) == 400);
}

TEST_CASE("RFC 3261 8.1.1.3: a request without From tag is not answered") {
    OfA t;
    const auto before = t.wire.log.size();
    t.alice.send_raw(
        t.alice.make("INVITE", t.alice.uri("600"), {{"From", "<sip:100@192.168.1.153>"}}));
    t.wire.run(seconds{1});
    CHECK(t.wire.log.size() == before + 1);
}

TEST_CASE("401, RFC 3261 22.4: a stale nonce is challenged anew, and said to be stale") {
    OfA t;
    t.arrive();
    const std::string again = t.alice.last_request;
    const auto at = again.find("branch=") + 7;
    std::string text = again;
    text.replace(at, 4, "z9hG4bKx");
    text.replace(text.find("CSeq: 2"), 7, "CSeq: 3");
    t.alice.codes.clear();
    t.alice.secret = "";
    CHECK(t.alice.send(text) == 401);
    CHECK(t.alice.last("SIP/2.0 401").find("stale=true") != std::string::npos);
}

TEST_CASE("403, RFC 3261 21.4.4: the wrong password, and a user that is not there") {
    OfA t;
    t.alice.secret = "wrong";
    CHECK(t.alice.invite("600") == 403);
    Phone stranger(t.wire, "999", "192.168.1.66:5060", "192.168.1.153:5060", "x");
    CHECK(stranger.register_at_server() == 403);  // alwaysauthreject: no telling
    stranger.secret = "";
    CHECK(stranger.register_at_server() == 401);
}

TEST_CASE("404: a user that is not there, without alwaysauthreject") {
    OfA t("\n[general]\nalwaysauthreject=no\n");
    Phone stranger(t.wire, "999", "192.168.1.66:5060", "192.168.1.153:5060", "x");
    CHECK(stranger.register_at_server() == 404);
}

TEST_CASE("allowguest=no: a stranger's INVITE is challenged in vain") {
    OfA t("\n[general]\nallowguest=no\n");
    Phone stranger(t.wire, "999", "192.168.1.66:5060", "192.168.1.153:5060");
    CHECK(stranger.invite("600") == 401);
    stranger.secret = "x";
    CHECK(stranger.invite("600") == 403);
}

TEST_CASE("404, RFC 3261 21.4.5: no such extension; strangers do not reach the phones") {
    OfA t;
    t.arrive();
    CHECK(t.alice.invite("999999") == 404);
    Phone stranger(t.wire, "999", "192.168.1.66:5060", "192.168.1.153:5060");
    CHECK(stranger.invite("100") == 404);
    CHECK(stranger.invite("600", seconds{1}) == 200);
}

TEST_CASE("405, RFC 3261 21.4.6: MESSAGE out of a call where none are accepted; else 202") {
    OfA t("\n[general]\naccept_outofcall_message=no\n");
    CHECK(request(t, "MESSAGE", t.alice.uri("600"), {{"Contact", ""}}, "text/plain", "hi") == 405);
    CHECK(t.alice.last("SIP/2.0 405").find("\r\nAllow: INVITE") != std::string::npos);
    OfA u;
    CHECK(request(u, "MESSAGE", u.alice.uri("600"), {{"Contact", ""}}, "text/plain", "hi") == 202);
    CHECK(request(u, "MESSAGE", u.alice.uri("777"), {{"Contact", ""}}, "text/plain", "hi") == 404);
}

TEST_CASE("406, RFC 3261 21.4.7: a subscription whose form is not accepted; 404: no mailbox") {
    OfA t;
    const Fields mail{{"Event", "message-summary"}};
    CHECK(request(t, "SUBSCRIBE", t.alice.uri("100"),
                  {{"Event", "message-summary"}, {"Accept", "text/plain"}}) == 406);
    CHECK(request(t, "SUBSCRIBE", t.alice.uri("100"), mail) == 200);
    CHECK(t.alice.count("NOTIFY") == 1);
    t.carol.fresh_call();
    CHECK(t.carol.send(t.carol.make("SUBSCRIBE", t.carol.uri("200"), mail)) == 404);
}

TEST_CASE("412, RFC 3903 6: PUBLISH for a state that is not there; 489, 423, 400") {
    OfA t;
    const Fields etag{{"Event", "call-completion"}, {"SIP-If-Match", "x"}, {"Expires", "100"}};
    CHECK(request(t, "PUBLISH", t.alice.uri("100"), etag) == 412);
    CHECK(request(t, "PUBLISH", t.alice.uri("100"), {{"Event", "presence"}}) == 489);
    CHECK(request(t, "PUBLISH", t.alice.uri("100"),
                  {{"Event", "call-completion"}, {"Expires", "1"}}) == 423);
    CHECK(request(t, "PUBLISH", t.alice.uri("100"), {{"Event", "call-completion"}}) == 400);
}

TEST_CASE("415, RFC 3261 8.2.3: a body of a type that is not understood") {
    OfA t;
    CHECK(request(t, "MESSAGE", t.alice.uri("600"), {{"Contact", ""}}, "application/xml", "<a/>") ==
          415);
    CHECK(request(t, "INVITE", t.alice.uri("600"), {}, "application/xml", "<a/>") == 415);
    CHECK(request(t, "INVITE", t.alice.uri("600"), {{"Content-Encoding", "gzip"}},
                  "application/sdp", "nonsense") == 415);
    t.talk();
    CHECK(t.alice.in_dialog("INFO", {}, "application/xml", "<a/>") == 415);
    CHECK(t.alice.in_dialog("INFO", {{"Record", "on"}}) == 403);
}

TEST_CASE("416, RFC 3261 8.2.2.1: a Request-URI of a scheme that is not understood") {
    OfA t;
    CHECK(request(t, "INVITE", "http://example.com/") == 416);
    CHECK(request(t, "OPTIONS", "http://example.com/") == 416);
    CHECK(request(t, "MESSAGE", "http://example.com/", {{"Contact", ""}}, "text/plain", "x") ==
          416);
    CHECK(request(t, "SUBSCRIBE", "http://example.com/",
                  {{"Event", "presence"}, {"Accept", "application/pidf+xml"}}) == 416);
}

TEST_CASE("420, RFC 3261 8.2.2.3: Require names what is not supported") {
    OfA t;
    CHECK(invite(t, "600", {{"Require", "foo, timer"}}) == 420);
    CHECK(t.alice.last("SIP/2.0 420").find("Unsupported: foo\r\n") != std::string::npos);
    t.talk();
    CHECK(t.alice.in_dialog("BYE", {{"Require", "foo"}}) == 420);
    OfA u("\n[general]\nsession-timers=refuse\n[100](+)\n");
    CHECK(invite(u, "600", {{"Require", "timer"}}) == 420);
}

TEST_CASE("422, RFC 4028 6: a session interval that is too small") {
    OfA t;
    t.wire.judged = nullptr;
    CHECK(invite(t, "600", {{"Session-Expires", "30"}, {"Supported", "timer"}}) == 422);
    CHECK(t.alice.last("SIP/2.0 422").find("Min-SE: 90\r\n") != std::string::npos);
    CHECK(t.alice.invite("600", seconds{1}, {{"Session-Expires", "90"}, {"Supported", "timer"}}) ==
          200);
    CHECK(t.alice.last("SIP/2.0 200").find("Session-Expires: 90;refresher=uac") !=
          std::string::npos);
    t.wire.run(seconds{100});  // nobody refreshes
    CHECK(t.alice.count("BYE") == 1);
}

TEST_CASE("423, RFC 6665 4.2.1.1: a subscription that is too short; a registration is raised") {
    OfA t;
    CHECK(request(t, "SUBSCRIBE", t.alice.uri("100"),
                  {{"Event", "presence"}, {"Accept", "application/pidf+xml"}, {"Expires", "5"}}) ==
          423);
    CHECK(t.alice.last("SIP/2.0 423").find("Min-Expires: 60\r\n") != std::string::npos);
    CHECK(t.alice.register_at_server(5) == 200);
    CHECK(t.alice.last("SIP/2.0 200").find(";expires=10\r\n") != std::string::npos);
}

TEST_CASE("480, RFC 3261 21.4.18: call-limit") {
    OfA t;
    t.arrive();
    CHECK(t.carol.invite("600", seconds{1}) == 200);
    Phone second(t.wire, "200", "192.168.1.23:5060", "192.168.1.153:5060", "test");
    CHECK(second.invite("600") == 480);
    CHECK(t.carol.in_dialog("BYE") == 200);
    CHECK(second.invite("600", seconds{1}) == 200);
}

TEST_CASE("481, RFC 3261 12.2.2, 9.2: what belongs to no dialog or transaction") {
    OfA t;
    for (std::string_view method : {"BYE", "INFO", "UPDATE", "CANCEL"}) {
        CAPTURE(method);
        CHECK(request(t, method, t.alice.uri("600"), {{"To", "<sip:600@x.example>;tag=7"}}) == 481);
        if (method != "CANCEL") CHECK(request(t, method, t.alice.uri("600")) == 481);
    }
    CHECK(invite(t, "600", {{"To", "<sip:600@x.example>;tag=7"}}) == 481);
    CHECK(invite(t, "600", {{"Replaces", "x;to-tag=1;from-tag=2"}}) == 481);
    CHECK(request(t, "SUBSCRIBE", t.alice.uri("100"),
                  {{"Event", "presence"}, {"To", "<sip:100@x.example>;tag=7"}}) == 481);
}

TEST_CASE("482, RFC 3261 8.2.2.2: the same request by two ways") {
    OfA t;
    t.arrive();
    t.alice.invite("200");
    std::string twin = t.alice.last_request;
    twin.replace(twin.find("branch=z9hG4bK"), 14, "branch=z9hG4bKtwin");
    t.alice.send_raw(twin);
    CHECK(t.wire.log.back().find("SIP/2.0 482") != std::string::npos);
    CHECK(t.carol.count("INVITE") == 1);
}

TEST_CASE("484, RFC 3261 21.4.22: too few digits, where they may come one by one") {
    OfA t("\n[general]\nallowoverlap=yes\n");
    CHECK(t.alice.invite("9") == 484);
    CHECK(t.alice.invite("77") == 404);
    CHECK(t.alice.invite("606") == 484);  // Incomplete()
}

TEST_CASE("486, 503, 603: Busy, Congestion, an application that is not there") {
    OfA t;
    CHECK(t.alice.invite("604") == 486);
    CHECK(t.alice.invite("603") == 503);
    CHECK(t.alice.invite("607") == 603);
    CHECK(t.alice.invite("602", seconds{3}) == 486);
    CHECK(t.alice.codes == std::vector<int>{180, 486});
    CHECK(t.alice.invite("609") == 486);  // GotoIf by the caller's number
}

TEST_CASE("487, RFC 3261 9.2, 15: CANCEL, or BYE before the answer") {
    OfA t;
    t.arrive();
    t.alice.invite("200");
    t.carol.reply("INVITE", 180);
    CHECK(t.alice.dialog.has_value());
    CHECK(t.alice.in_dialog("BYE") == 487);
    CHECK(t.carol.count("CANCEL") == 1);
    CHECK(t.a->channels() == 0);
}

TEST_CASE("488, RFC 3261 21.4.26: no codec in common; a re-INVITE's leaves the call as it was") {
    OfA t;
    CHECK(request(t, "INVITE", t.alice.uri("600"), {}, "application/sdp",
                  sdp_of_phone(t.alice.rtp, "99")) == 488);
    CHECK(request(t, "INVITE", t.alice.uri("600"), {}, "application/sdp", "nonsense") == 488);
    t.talk();
    CHECK(t.alice.in_dialog("INVITE", {}, "application/sdp", sdp_of_phone(t.alice.rtp, "99")) ==
          488);
    CHECK(t.alice.in_dialog("BYE") == 200);
}

TEST_CASE("489, RFC 6665 8.3.2: an event package that is not known") {
    OfA t;
    CHECK(request(t, "SUBSCRIBE", t.alice.uri("100"), {{"Event", "foo"}, {"Accept", "a/b"}}) ==
          489);
    CHECK(request(t, "SUBSCRIBE", t.alice.uri("100")) == 489);
    CHECK(request(t, "NOTIFY", t.alice.uri("100"),
                  {{"Event", "foo"}, {"Subscription-State", "active"}}) == 489);
}

TEST_CASE("491, RFC 3261 21.4.27: a re-INVITE before the one before it was acknowledged") {
    OfA t;
    t.talk();
    t.alice.acknowledges = false;
    CHECK(t.alice.in_dialog("INVITE", {}, "application/sdp", sdp_of_phone(t.alice.rtp)) == 200);
    CHECK(t.alice.in_dialog("INVITE", {}, "application/sdp", sdp_of_phone(t.alice.rtp)) == 491);
}

TEST_CASE("500, RFC 3261 12.2.2: a CSeq lower than before; an INVITE's may be tried again") {
    OfA t;
    t.talk();
    t.alice.dialog->set_local_cseq(0);
    CHECK(t.alice.in_dialog("INFO", {}, "application/dtmf-relay", "Signal=1\r\n") == 500);
    t.alice.dialog->set_local_cseq(0);
    CHECK(t.alice.in_dialog("INVITE", {}, "application/sdp", sdp_of_phone(t.alice.rtp)) == 500);
    CHECK(t.alice.last("SIP/2.0 500").find("Retry-After: ") != std::string::npos);
}

TEST_CASE("501, RFC 3261 21.5.2: methods that are not known, PRACK and UPDATE in a call") {
    OfA t;
    t.wire.judged = nullptr;  // the checker does not know FOO
    CHECK(request(t, "FOO", t.alice.uri("600")) == 501);
    CHECK(request(t, "PING", t.alice.uri("600")) == 501);
    t.talk();
    CHECK(t.alice.in_dialog("PRACK", {{"RAck", "1 1 INVITE"}}) == 501);
    CHECK(t.alice.in_dialog("UPDATE") == 501);
}

TEST_CASE("603, RFC 3261 21.6.2: REFER out of a dialog, or to what is no sip URI") {
    OfA t;
    CHECK(request(t, "REFER", t.alice.uri("600"), {{"Refer-To", "<sip:200@192.168.1.153>"}}) ==
          603);
    t.talk();
    CHECK(t.alice.in_dialog("REFER", {{"Refer-To", "<http://example.com>"}}) == 603);
    t.wire.judged = nullptr;
    CHECK(t.alice.in_dialog("REFER") == 400);
    CHECK(t.alice.in_dialog("REFER", {{"Refer-To", "<sip:777@192.168.1.153>"}}) == 404);
}

TEST_CASE("OPTIONS, RFC 3261 11.2: the exchange itself, an extension, none") {
    OfA t;
    CHECK(request(t, "OPTIONS", "sip:192.168.1.153") == 200);
    CHECK(request(t, "OPTIONS", t.alice.uri("600")) == 200);
    CHECK(request(t, "OPTIONS", t.alice.uri("777")) == 404);
}
