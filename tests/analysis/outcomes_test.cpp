#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::CallKind;
using analysis::CallState;
using analysis::Ended;
using analysis::Report;
using std::chrono::milliseconds;

namespace {

std::string in_dialog(std::string_view method, std::string_view branch, unsigned cseq,
                      std::string_view extra = "") {
    return request(
        {.method = method, .branch = branch, .to_tag = "t1", .cseq = cseq, .extra = extra});
}
std::string from_bob(std::string_view method, std::string_view branch, unsigned cseq,
                     std::string_view extra = "") {
    return request({.method = method,
                    .branch = branch,
                    .to_tag = "f1",
                    .cseq = cseq,
                    .from_tag = "t1",
                    .extra = extra,
                    .from = "<sip:bob@b.example>",
                    .to = "<sip:alice@a.example>",
                    .via = "10.0.0.2:5060"});
}
const analysis::Call& only(const Report& r) {
    REQUIRE(r.calls.size() == 1);
    CHECK(r.counts.late_messages == 0);
    return r.calls[0];
}
// alice calls bob, who answers after two seconds.
Wire answered(const std::string& invite) {
    return Wire()
        .udp(0, alice, bob, invite)
        .udp(100, bob, alice, response(invite, "180 Ringing", "t1"))
        .udp(2000, bob, alice, response(invite, "200 OK", "t1"))
        .udp(2010, alice, bob, in_dialog("ACK", "z9hG4bKack", 1));
}

}  // namespace

TEST_CASE(
    "RFC 3261 15: a BYE before the answer gives the call up, whether or not the 487 is seen") {
    const std::string invite = request({}), bye = in_dialog("BYE", "z9hG4bKb", 2);
    for (const bool with_487 : {true, false}) {
        Wire w;
        w.udp(0, alice, bob, invite).udp(100, bob, alice, response(invite, "180 Ringing", "t1"));
        w.udp(3000, alice, bob, bye).udp(3005, bob, alice, response(bye, "200 OK"));
        if (with_487) w.udp(3006, bob, alice, response(invite, "487 Request Terminated", "t1"));
        const Report r = w.play();
        CHECK(only(r).state == CallState::cancelled);
        CHECK(only(r).final_code == (with_487 ? 487 : 0));
        CHECK(only(r).ended == Ended::by_caller);
        CHECK_FALSE(only(r).duration);
        CHECK_FALSE(only(r).setup);
    }
}

TEST_CASE(
    "RFC 3261 13.2.2.4: where only one way was captured, the ACK says that the call was answered") {
    const Report r = Wire()
                         .udp(0, alice, bob, request({}))
                         .udp(2010, alice, bob, in_dialog("ACK", "z9hG4bKack", 1))
                         .udp(9000, alice, bob, in_dialog("BYE", "z9hG4bKb", 2))
                         .play();
    CHECK(only(r).state == CallState::completed);
    CHECK(only(r).ended == Ended::by_caller);
    CHECK_FALSE(only(r).duration);
}

TEST_CASE("RFC 3261 15: where only responses were captured, that to the BYE ends the call") {
    const std::string invite = request({}), bye = from_bob("BYE", "z9hG4bKb", 1);
    const Report r = Wire()
                         .udp(100, bob, alice, response(invite, "180 Ringing", "t1"))
                         .udp(2000, bob, alice, response(invite, "200 OK", "t1"))
                         .udp(9000, alice, bob, response(bye, "200 OK"))
                         .play();
    CHECK(only(r).state == CallState::completed);
    CHECK(only(r).ended == Ended::by_callee);
    CHECK(*only(r).duration == milliseconds{7000});
    CHECK_FALSE(only(r).setup);
}

TEST_CASE("RFC 3261 13: an INVITE that the capture lacks takes nobody's part") {
    const std::string invite = request({});
    const Report r = Wire()
                         .udp(100, bob, alice, response(invite, "180 Ringing", "t1"))
                         .udp(2000, bob, alice, response(invite, "200 OK", "t1"))
                         .udp(9000, bob, alice, from_bob("BYE", "z9hG4bKb", 1))
                         .play();
    const analysis::Call& c = only(r);
    CHECK(c.from.user == "alice");
    CHECK(c.caller == alice);
    CHECK(c.state == CallState::completed);
    CHECK(c.ended == Ended::by_callee);
    CHECK(*c.duration == milliseconds{7000});
    CHECK_FALSE(c.setup);  // the INVITE's time is not known
    CHECK_FALSE(c.post_dial_delay);
    CHECK(*c.ring == milliseconds{1900});
}

TEST_CASE("RFC 3326: the Reason of a CANCEL is the call's, where the 487 says none") {
    const std::string invite = request({});
    const std::string cancel =
        request({.method = "CANCEL",
                 .extra = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(900, alice, bob, cancel)
                         .udp(903, bob, alice, response(cancel, "200 OK", "t1"))
                         .udp(905, bob, alice, response(invite, "487 Request Terminated", "t1"))
                         .play();
    CHECK(only(r).state == CallState::cancelled);
    CHECK(only(r).reason_header == "SIP;cause=200;text=\"Call completed elsewhere\"");
    CHECK(only(r).final_reason == "Request Terminated");
}

TEST_CASE("RFC 3261 8.1.3.5: a try with credentials and another From tag is the same caller's") {
    const std::string first = request({}),
                      second = request({.branch = "z9hG4bK2", .cseq = 2, .from_tag = "f2"});
    const Report r =
        Wire()
            .udp(0, alice, bob, first)
            .udp(10, bob, alice, response(first, "407 Proxy Authentication Required", "x"))
            .udp(11, alice, bob, request({.method = "ACK", .to_tag = "x"}))
            .udp(12, alice, bob, second)
            .udp(500, bob, alice, response(second, "486 Busy Here", "t1"))
            .play();
    CHECK(only(r).state == CallState::busy);
    CHECK(only(r).challenges == 1);
}

TEST_CASE(
    "RFC 3261 22.2: credentials that are refused again have failed; without any it was a "
    "challenge") {
    const char* credentials =
        "Authorization: Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"sip:b\", "
        "response=\"0\"\r\n";
    const std::string first = request({.method = "REGISTER"});
    const std::string second =
        request({.method = "REGISTER", .branch = "z9hG4bK2", .cseq = 2, .extra = credentials});
    Wire w;
    w.udp(0, alice, pbx, first).udp(5, pbx, alice, response(first, "401 Unauthorized", "x"));
    CHECK(only(w.play()).state == CallState::challenged);
    w.udp(10, alice, pbx, second).udp(15, pbx, alice, response(second, "401 Unauthorized", "x"));
    const Report r = w.play();
    CHECK(only(r).state == CallState::failed);
    CHECK(only(r).final_code == 401);
    CHECK(only(r).challenges == 1);
}

TEST_CASE("RFC 3261 22.2: a stale nonce is a second challenge") {
    const auto again = [](const char* branch, unsigned cseq) {
        return request({.method = "REGISTER",
                        .branch = branch,
                        .cseq = cseq,
                        .extra = "Authorization: Digest username=\"a\", realm=\"r\", nonce=\"n\", "
                                 "uri=\"sip:b\", response=\"0\"\r\n"});
    };
    const std::string first = request({.method = "REGISTER"}), second = again("z9hG4bK2", 2),
                      third = again("z9hG4bK3", 3);
    const Report r =
        Wire()
            .udp(0, alice, pbx, first)
            .udp(5, pbx, alice, response(first, "401 Unauthorized", "x"))
            .udp(10, alice, pbx, second)
            .udp(15, pbx, alice, response(second, "401 Unauthorized", "x"))
            .udp(20, alice, pbx, third)
            .udp(25, pbx, alice,
                 response(third, "200 OK", "x", "", "Contact: <sip:alice@10.0.0.1>;expires=60\r\n"))
            .play();
    CHECK(only(r).state == CallState::registered);
    CHECK(only(r).challenges == 2);
}

TEST_CASE("RFC 3261 17.1.2.2: a BYE that nobody answers is a finding once timer F has fired") {
    Wire w = answered(request({}));
    for (double ms : {9000.0, 9500.0, 10500.0, 12500.0, 16500.0, 20500.0})
        w.udp(ms, alice, bob, in_dialog("BYE", "z9hG4bKb", 2));
    Wire short_of = w;
    w.udp(60000, alice, bob, request({.method = "OPTIONS", .call_id = "other"}));
    const Report r = w.play();
    REQUIRE(r.calls.size() == 2);
    CHECK(r.calls[0].state == CallState::completed);
    CHECK(r.calls[0].ended == Ended::by_caller);
    CHECK(r.calls[0].retransmissions == 5);
    CHECK(has_rule(r.calls[0].findings, "sip-no-response"));
    // The capture ends before that is known.
    CHECK_FALSE(has_rule(only(short_of.play()).findings, "sip-no-response"));
}

TEST_CASE("RFC 3261 15.1.2: both hang up at once: the first BYE counts") {
    Wire w = answered(request({}));
    const std::string a = in_dialog("BYE", "z9hG4bKb", 2), b = from_bob("BYE", "z9hG4bKb2", 1);
    w.udp(9000, bob, alice, b).udp(9001, alice, bob, a);
    w.udp(9010, bob, alice, response(a, "481 Call/Transaction Does Not Exist"));
    w.udp(9011, alice, bob, response(b, "200 OK"));
    const Report r = w.play();
    CHECK(only(r).state == CallState::completed);
    CHECK(only(r).ended == Ended::by_callee);
    CHECK(only(r).final_code == 200);
    CHECK(*only(r).duration == milliseconds{7000});
}

TEST_CASE("RFC 3261 12.2.2: a BYE outside of any dialog is refused, and no call comes of it") {
    const std::string bye = in_dialog("BYE", "z9hG4bKb", 2);
    const Report r = Wire()
                         .udp(0, alice, bob, bye)
                         .udp(5, bob, alice, response(bye, "481 Call/Transaction Does Not Exist"))
                         .play();
    CHECK(only(r).kind == CallKind::invite);
    CHECK(only(r).state == CallState::completed);  // it may have been up before the capture began
    CHECK(only(r).final_code == 0);
}

TEST_CASE(
    "trap 71: an INVITE sent again while its 100 is under way is a retransmission, not a double") {
    const std::string invite = request({});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(495, bob, alice, response(invite, "100 Trying"))
                         .udp(500, alice, bob, invite)
                         .play();
    CHECK(only(r).retransmissions == 1);
    CHECK(only(r).messages[2].retransmission);
    CHECK_FALSE(only(r).messages[2].capture_duplicate);
}

TEST_CASE(
    "RFC 3261 8.1.3.4: a redirected INVITE that is tried again at the new address is one call") {
    const std::string first = request({}), second = request({.branch = "z9hG4bK2", .cseq = 2});
    Wire w;
    w.udp(0, alice, pbx, first).udp(10, pbx, alice, response(first, "302 Moved Temporarily", "x"));
    w.udp(12, alice, pbx, request({.method = "ACK", .to_tag = "x"})).udp(900, alice, bob, second);
    w.udp(3000, bob, alice, response(second, "200 OK", "t1"));
    const Report r = w.play();
    CHECK(only(r).state == CallState::answered);
    CHECK(only(r).final_code == 200);
    CHECK(only(r).challenges == 0);
    CHECK(*only(r).setup == milliseconds{3000});
}

TEST_CASE("RFC 3261 16.3: a loop's own responses are not the outcome, what the caller hears is") {
    const std::string up = request({});
    const std::string loop1 = request({.branch = "z9hG4bKl1", .via = "10.0.0.9:5060"}),
                      loop2 = request({.branch = "z9hG4bKl2", .via = "10.0.0.8:5060"});
    const Endpoint other = ep("10.0.0.8:5060");
    const Report r = Wire()
                         .udp(0, alice, pbx, up)
                         .udp(1, pbx, alice, response(up, "100 Trying"))
                         .udp(2, pbx, other, loop1)
                         .udp(3, other, pbx, loop2)
                         .udp(4, pbx, other, response(loop2, "482 Loop Detected", "l"))
                         .udp(5, other, pbx, response(loop1, "482 Loop Detected", "l"))
                         .udp(6, pbx, alice, response(up, "404 Not Found", "n"))
                         .play();
    CHECK(only(r).final_code == 404);
    CHECK(only(r).state == CallState::failed);
    CHECK(only(r).retransmissions == 0);
    CHECK(only(r).transactions.size() == 3);
}

TEST_CASE(
    "RFC 4028 6, RFC 3261 10.2.8: what was too brief and is tried again longer is one attempt") {
    const std::string first = request({.method = "REGISTER"}),
                      second = request({.method = "REGISTER", .branch = "z9hG4bK2", .cseq = 2});
    const Report reg =
        Wire()
            .udp(0, alice, pbx, first)
            .udp(10, pbx, alice,
                 response(first, "423 Interval Too Brief", "x", "", "Min-Expires: 60\r\n"))
            .udp(3000, alice, pbx, second)
            .udp(
                3010, pbx, alice,
                response(second, "200 OK", "x", "", "Contact: <sip:alice@10.0.0.1>;expires=60\r\n"))
            .play();
    CHECK(only(reg).state == CallState::registered);
    CHECK(only(reg).challenges == 0);
    const std::string invite = request({}), longer = request({.branch = "z9hG4bK2", .cseq = 2});
    const Report call =
        Wire()
            .udp(0, alice, pbx, invite)
            .udp(10, pbx, alice,
                 response(invite, "422 Session Interval Too Small", "x", "", "Min-SE: 90\r\n"))
            .udp(12, alice, pbx, request({.method = "ACK", .to_tag = "x"}))
            .udp(3000, alice, pbx, longer)
            .udp(4000, pbx, alice, response(longer, "200 OK", "t1"))
            .play();
    CHECK(only(call).state == CallState::answered);
    CHECK(only(call).final_code == 200);
}

TEST_CASE("RFC 3261 14.1: crossing re-INVITEs are refused with 491 and the call goes on") {
    Wire w = answered(request({}));
    const std::string a = in_dialog("INVITE", "z9hG4bKg1", 2),
                      b = from_bob("INVITE", "z9hG4bKg2", 1);
    w.udp(5000, alice, bob, a).udp(5001, bob, alice, b);
    w.udp(5010, bob, alice, response(a, "491 Request Pending"))
        .udp(5011, alice, bob, response(b, "491 Request Pending"));
    const Report r = w.play();
    CHECK(only(r).state == CallState::answered);
    CHECK(only(r).final_code == 200);
    CHECK(only(r).transactions.size() == 3);
}

TEST_CASE("a capture that begins within a call with INFO or OPTIONS is that call, until its BYE") {
    for (const char* method : {"INFO", "OPTIONS", "MESSAGE", "REFER"}) {
        CAPTURE(method);
        const std::string first = in_dialog(method, "z9hG4bKi", 2),
                          bye = in_dialog("BYE", "z9hG4bKb", 3);
        const Report r = Wire()
                             .udp(0, alice, bob, first)
                             .udp(5, bob, alice, response(first, "200 OK"))
                             .udp(20000, alice, bob, bye)
                             .udp(20005, bob, alice, response(bye, "200 OK"))
                             .play();
        CHECK(only(r).kind == CallKind::invite);
        CHECK(only(r).state == CallState::completed);
        CHECK(only(r).message_count == 4);
    }
}

TEST_CASE("RFC 3515 2.4.4: the NOTIFYs of a transfer belong to the call, also after its BYE") {
    Wire w = answered(request({}));
    const std::string refer =
        from_bob("REFER", "z9hG4bKr", 1, "Refer-To: <sip:carol@c.example>\r\n");
    const std::string bye = from_bob("BYE", "z9hG4bKb", 2);
    const auto notify = [](const char* branch, unsigned cseq, const char* state) {
        return in_dialog("NOTIFY", branch, cseq,
                         fmt::format("Event: refer\r\nSubscription-State: {}\r\n", state));
    };
    const std::string first = notify("z9hG4bKn1", 2, "active;expires=60"),
                      last = notify("z9hG4bKn2", 3, "terminated;reason=noresource");
    w.udp(9000, bob, alice, refer).udp(9005, alice, bob, response(refer, "202 Accepted"));
    w.udp(9010, alice, bob, first).udp(9015, bob, alice, response(first, "200 OK"));
    w.udp(9100, bob, alice, bye).udp(9105, alice, bob, response(bye, "200 OK"));
    w.udp(55000, alice, bob, last).udp(55005, bob, alice, response(last, "200 OK"));
    const Report r = w.play();
    CHECK(only(r).message_count == 12);
    CHECK(only(r).state == CallState::completed);
    CHECK(*only(r).duration == milliseconds{7100});
}

TEST_CASE("RFC 3515 2.4.4: a REFER outside of a dialog keeps its implicit subscription") {
    const std::string refer =
        request({.method = "REFER", .extra = "Refer-To: <sip:carol@c.example>\r\n"});
    const std::string notify =
        from_bob("NOTIFY", "z9hG4bKn1", 1,
                 "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n");
    const Report r = Wire()
                         .udp(0, alice, bob, refer)
                         .udp(5, bob, alice, response(refer, "202 Accepted", "t1"))
                         .udp(15000, bob, alice, notify)
                         .udp(15005, alice, bob, response(notify, "200 OK"))
                         .play();
    CHECK(only(r).kind == CallKind::other);
    CHECK(only(r).state == CallState::done);
    CHECK(only(r).message_count == 4);
}

TEST_CASE("RFC 3261 17.1.2.2: a request sent again after its response was seen makes no call of its own") {
    const std::string ping = request({.method = "OPTIONS"});
    const std::string next = request({.method = "OPTIONS", .branch = "z9hG4bK2", .cseq = 2});
    Wire w;
    w.udp(0, pbx, alice, ping).udp(0.1, alice, pbx, response(ping, "200 OK", "x"));
    for (double ms : {501.0, 1501.0, 3501.0}) {  // the 200 was lost behind the capture
        w.udp(ms, pbx, alice, ping);
        w.udp(ms + 0.1, alice, pbx, response(ping, "200 OK", "x"));
    }
    w.udp(9000, pbx, alice, next).udp(9001, alice, pbx, response(next, "200 OK", "x"));
    const Report r = w.play();
    REQUIRE(r.calls.size() == 2);
    CHECK(r.calls[0].message_count + r.counts.late_messages == 8);
    CHECK(r.calls[1].message_count == 2);
}

TEST_CASE("RFC 3261 17.1.2.2: once something was sent again, more may be: the call is kept for it") {
    const std::string ping = request({.method = "OPTIONS"});
    Wire w;
    w.udp(0, pbx, alice, ping).udp(30, alice, pbx, response(ping, "200 OK", "x"));
    for (double ms : {500.0, 1500.0, 3500.0}) w.udp(ms, pbx, alice, ping);
    CHECK(only(w.play()).retransmissions == 3);
}
