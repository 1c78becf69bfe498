#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::CallState;
using analysis::Report;
using std::chrono::milliseconds;

namespace {

const Endpoint carol = ep("10.0.0.3:5060");

// What the proxy sends on: the same request with a branch and a Via of its own.
std::string onward(std::string_view branch, std::string_view body = "",
                   std::string_view method = "INVITE") {
    return request({.method = method, .branch = branch, .body = body, .via = "10.0.0.9:5060"});
}
std::string in_dialog(std::string_view method, std::string_view branch, unsigned cseq,
                      std::string_view tag = "tb") {
    return request({.method = method, .branch = branch, .to_tag = tag, .cseq = cseq});
}

const std::string offer = sdp_body("10.0.0.1", 4000), answer = sdp_body("10.0.0.2", 5000);

// alice calls through the proxy, which tries bob (tag tb) and carol at once; carol is busy, bob
// answers.
struct RingGroup {
    std::string invite = request({.body = offer}), to_bob = onward("z9hG4bKp1", offer),
                to_carol = onward("z9hG4bKp2", offer);
    Wire w;
    RingGroup() {
        w.udp(0, alice, pbx, invite)
            .udp(1, pbx, alice, response(invite, "100 Trying"))
            .udp(2, pbx, bob, to_bob)
            .udp(2, pbx, carol, to_carol)
            .udp(30, bob, pbx, response(to_bob, "183 Session Progress", "tb", answer))
            .udp(31, pbx, alice, response(invite, "183 Session Progress", "tb", answer))
            .udp(50, carol, pbx, response(to_carol, "486 Busy Here", "tc"))
            .udp(51, pbx, carol, onward("z9hG4bKp2", "", "ACK"));
    }
};

}  // namespace

TEST_CASE(
    "trap 53: one branch of a ring group is busy, another answers: the call goes on to its BYE") {
    RingGroup g;
    const std::string bye = in_dialog("BYE", "z9hG4bKbye", 2);
    const Report r = g.w.udp(2000, bob, pbx, response(g.to_bob, "200 OK", "tb", answer))
                         .udp(2001, pbx, alice, response(g.invite, "200 OK", "tb", answer))
                         .udp(2010, alice, bob, in_dialog("ACK", "z9hG4bKack", 1))
                         .udp(30000, alice, bob, request({.method = "OPTIONS", .call_id = "other"}))
                         .udp(62001, alice, bob, bye)
                         .udp(62005, bob, alice, response(bye, "200 OK"))
                         .play();
    REQUIRE(r.calls.size() == 2);
    const analysis::Call& c = r.calls[0];
    CHECK(r.counts.late_messages == 0);
    CHECK(c.state == CallState::completed);
    CHECK(c.final_code == 200);
    CHECK(*c.duration == milliseconds{60000});
    CHECK(*c.setup == milliseconds{2001});  // as the caller heard it
    CHECK(c.ended == analysis::Ended::by_caller);
    // The busy branch refuses no offer, for bob's still holds it.
    REQUIRE(c.ledgers.size() == 1);
    REQUIRE(c.ledgers[0].exchanges.size() == 1);
    CHECK(c.ledgers[0].exchanges[0].outcome == sdp::Outcome::answered);
    CHECK_FALSE(has_rule(c.findings, "sdp-answer-without-offer"));
    CHECK_FALSE(has_rule(c.findings, "sip-no-ack"));
}

TEST_CASE("RFC 3261 16.7: a busy branch is not the call's outcome while another rings") {
    RingGroup g;
    const Report r = g.w.play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].state == CallState::unanswered);
    CHECK(r.calls[0].final_code == 0);
}

TEST_CASE(
    "RFC 3261 16.7: a proxy that gives one branch up and tries another did not cancel the call") {
    const std::string invite = request({}), first = onward("z9hG4bKp1"),
                      second = onward("z9hG4bKp2");
    const std::string cancel = onward("z9hG4bKp1", "", "CANCEL");
    const Report r = Wire()
                         .udp(0, alice, pbx, invite)
                         .udp(1, pbx, alice, response(invite, "100 Trying"))
                         .udp(2, pbx, bob, first)
                         .udp(30, bob, pbx, response(first, "180 Ringing", "tb"))
                         .udp(31, pbx, alice, response(invite, "180 Ringing", "tb"))
                         .udp(10000, pbx, bob, cancel)
                         .udp(10001, bob, pbx, response(cancel, "200 OK", "tb"))
                         .udp(10002, bob, pbx, response(first, "487 Request Terminated", "tb"))
                         .udp(10003, pbx, bob, onward("z9hG4bKp1", "", "ACK"))
                         .udp(10010, pbx, carol, second)
                         .udp(14000, carol, pbx, response(second, "200 OK", "tc"))
                         .udp(14001, pbx, alice, response(invite, "200 OK", "tc"))
                         .play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].state == CallState::answered);
    CHECK(r.calls[0].final_code == 200);
    CHECK(r.calls[0].ended == analysis::Ended::unknown);
    CHECK(*r.calls[0].setup == milliseconds{14001});
}

TEST_CASE("RFC 3261 13.2.2.4: the BYE to the second of two answers leaves the first call up") {
    const std::string invite = request({.body = offer});
    const std::string bye2 = in_dialog("BYE", "z9hG4bKb2", 2, "t2"),
                      bye1 = in_dialog("BYE", "z9hG4bKb1", 3, "t1");
    const Report r =
        Wire()
            .udp(0, alice, pbx, invite)
            .udp(10, pbx, alice, response(invite, "180 Ringing", "t1"))
            .udp(20, pbx, alice, response(invite, "180 Ringing", "t2"))
            .udp(1000, pbx, alice, response(invite, "200 OK", "t1", answer))
            .udp(1001, pbx, alice, response(invite, "200 OK", "t2", sdp_body("10.0.0.3", 6000)))
            .udp(1010, alice, pbx, in_dialog("ACK", "z9hG4bKk1", 1, "t1"))
            .udp(1011, alice, pbx, in_dialog("ACK", "z9hG4bKk2", 1, "t2"))
            .udp(1020, alice, pbx, bye2)
            .udp(1025, pbx, alice, response(bye2, "200 OK"))
            .udp(5000, alice, bob, request({.method = "OPTIONS", .call_id = "other"}))
            .udp(21000, pbx, alice,
                 request({.method = "BYE",
                          .branch = "z9hG4bKx",
                          .to_tag = "f1",
                          .cseq = 9,
                          .from_tag = "t1"}))
            .play();
    REQUIRE(r.calls.size() == 2);
    const analysis::Call& c = r.calls[0];
    CHECK(c.state == CallState::completed);
    CHECK(*c.duration == milliseconds{20000});
    CHECK(c.ended == analysis::Ended::by_callee);
    REQUIRE(c.dialogs.size() == 2);
    REQUIRE(c.ledgers.size() == 2);
    CHECK(c.ledgers[0].exchanges[0].media[0].answer->rtp == ep("10.0.0.2:5000"));
    CHECK(c.ledgers[1].exchanges[0].media[0].answer->rtp == ep("10.0.0.3:6000"));
    CHECK_FALSE(has_rule(c.findings, "sip-two-finals"));
    CHECK_FALSE(has_rule(c.findings, "sip-no-ack"));
}

TEST_CASE("RFC 3261 13.2.2.4: each 2xx of a fork wants an ACK of its own") {
    const std::string invite = request({.body = offer});
    const Report r = Wire()
                         .udp(0, alice, pbx, invite)
                         .udp(1000, pbx, alice, response(invite, "200 OK", "t1", answer))
                         .udp(1001, pbx, alice, response(invite, "200 OK", "t2", answer))
                         .udp(1010, alice, pbx, in_dialog("ACK", "z9hG4bKk1", 1, "t1"))
                         .udp(1501, pbx, alice, response(invite, "200 OK", "t2", answer))
                         .udp(2501, pbx, alice, response(invite, "200 OK", "t2", answer))
                         .play();
    REQUIRE(r.calls.size() == 1);
    CHECK(std::count_if(r.calls[0].findings.begin(), r.calls[0].findings.end(),
                        [](const Finding& f) { return f.rule == "sip-no-ack"; }) == 1);
}

TEST_CASE("RFC 3262 5: each fork of an INVITE without offer makes its own offer") {
    const std::string invite = request({});
    const auto reliable = [&](const char* tag, const std::string& body) {
        return response(invite, "183 Session Progress", tag, body,
                        "Require: 100rel\r\nRSeq: 1\r\n");
    };
    const auto prack = [&](const char* branch, const char* tag, unsigned cseq) {
        return request({.method = "PRACK",
                        .branch = branch,
                        .to_tag = tag,
                        .body = offer,
                        .cseq = cseq,
                        .extra = "RAck: 1 1 INVITE\r\n"});
    };
    const Report r = Wire()
                         .udp(0, alice, pbx, invite)
                         .udp(10, pbx, alice, reliable("t1", answer))
                         .udp(20, pbx, alice, reliable("t2", sdp_body("10.0.0.3", 6000)))
                         .udp(30, alice, pbx, prack("z9hG4bKk1", "t1", 2))
                         .udp(40, alice, pbx, prack("z9hG4bKk2", "t2", 3))
                         .play();
    REQUIRE(r.calls.size() == 1);
    REQUIRE(r.calls[0].ledgers.size() == 2);
    for (const auto& ledger : r.calls[0].ledgers) {
        REQUIRE(ledger.exchanges.size() == 1);
        CHECK(ledger.exchanges[0].offerer == sdp::Side::callee);
        CHECK(ledger.exchanges[0].outcome == sdp::Outcome::answered);
        CHECK(ledger.exchanges[0].delayed);
    }
}
