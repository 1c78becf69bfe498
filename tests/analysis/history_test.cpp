#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::Report;
using sdp::Outcome;
using sdp::Side;

namespace {

const std::string offer_a = sdp_body("10.0.0.1", 4000), answer_b = sdp_body("10.0.0.2", 5000);

const std::vector<sdp::Exchange>& ledger(const Report& r) {
    REQUIRE(r.calls.size() == 1);
    REQUIRE(r.calls[0].ledgers.size() == 1);
    return r.calls[0].ledgers[0].exchanges;
}
std::string ack(std::string_view body = "") {
    return request({.method = "ACK", .branch = "z9hG4bKack", .to_tag = "t1", .body = body});
}

}  // namespace

TEST_CASE("RFC 3261 13.2.1: the INVITE offers and the 200 answers") {
    const std::string invite = request({.body = offer_a});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(100, bob, alice, response(invite, "200 OK", "t1", answer_b))
                         .udp(110, alice, bob, ack())
                         .play();
    const auto& l = ledger(r);
    REQUIRE(l.size() == 1);
    CHECK(l[0].offerer == Side::caller);
    CHECK(l[0].outcome == Outcome::answered);
    CHECK_FALSE(l[0].delayed);
    REQUIRE(l[0].media.size() == 1);
    CHECK(l[0].media[0].offer.rtp == ep("10.0.0.1:4000"));
    CHECK(l[0].media[0].answer->rtp == ep("10.0.0.2:5000"));
    CHECK(l[0].answered_at == at(100));
}

TEST_CASE("trap 61: a delayed offer is the callee's, in the 200, and the ACK answers it") {
    const std::string invite = request({});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(100, bob, alice, response(invite, "200 OK", "t1", answer_b))
                         .udp(110, alice, bob, ack(offer_a))
                         .play();
    const auto& l = ledger(r);
    REQUIRE(l.size() == 1);
    CHECK(l[0].offerer == Side::callee);
    CHECK(l[0].delayed);
    CHECK(l[0].outcome == Outcome::answered);
    CHECK(l[0].answer_message == 2);
}

TEST_CASE("RFC 3262 5: an offer in a reliable 183 is answered by the PRACK") {
    const std::string invite = request({.extra = "Supported: 100rel\r\n"});
    const std::string prack = request({.method = "PRACK", .branch = "z9hG4bKp", .to_tag = "t1", .body = offer_a,
                                       .cseq = 2, .extra = "RAck: 1 1 INVITE\r\n"});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(100, bob, alice,
                              response(invite, "183 Session Progress", "t1", answer_b, "Require: 100rel\r\nRSeq: 1\r\n"))
                         .udp(110, alice, bob, prack)
                         .udp(120, bob, alice, response(prack, "200 OK"))
                         .play();
    const auto& l = ledger(r);
    REQUIRE(l.size() == 1);
    CHECK(l[0].offerer == Side::callee);
    CHECK(l[0].answer_message == 2);
    CHECK(l[0].outcome == Outcome::answered);
}

TEST_CASE("RFC 3264 8.4: hold and resume by re-INVITE are exchanges of their own") {
    const std::string invite = request({.body = offer_a});
    const std::string hold = request({.branch = "z9hG4bKh", .to_tag = "t1", .body = sdp_body("10.0.0.1", 4000, "a=sendonly\r\n", 2), .cseq = 2});
    const std::string resume = request({.branch = "z9hG4bKr", .to_tag = "t1", .body = sdp_body("10.0.0.1", 4000, "", 3), .cseq = 3});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(100, bob, alice, response(invite, "200 OK", "t1", answer_b))
                         .udp(110, alice, bob, ack())
                         .udp(2000, alice, bob, hold)
                         .udp(2010, bob, alice, response(hold, "200 OK", "", sdp_body("10.0.0.2", 5000, "a=recvonly\r\n", 2)))
                         .udp(5000, alice, bob, resume)
                         .udp(5010, bob, alice, response(resume, "200 OK", "", sdp_body("10.0.0.2", 5000, "", 3)))
                         .play();
    const auto& l = ledger(r);
    REQUIRE(l.size() == 3);
    CHECK(l[1].media[0].direction == sdp::Direction::sendonly);
    CHECK(l[1].media[0].offer.on_hold);
    CHECK(l[1].in_force_until == at(5010));
    CHECK(l[2].media[0].direction == sdp::Direction::sendrecv);
}

TEST_CASE("RFC 3261 14.1: a refused re-INVITE leaves in force what was") {
    const std::string invite = request({.body = offer_a});
    const std::string again = request({.branch = "z9hG4bKh", .to_tag = "t1", .body = sdp_body("10.0.0.1", 4002, "", 2), .cseq = 2});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(100, bob, alice, response(invite, "200 OK", "t1", answer_b))
                         .udp(110, alice, bob, ack())
                         .udp(2000, alice, bob, again)
                         .udp(2010, bob, alice, response(again, "488 Not Acceptable Here"))
                         .play();
    const auto& l = ledger(r);
    REQUIRE(l.size() == 2);
    CHECK(l[0].outcome == Outcome::answered);
    CHECK(l[0].in_force_until == no_time);
    CHECK(l[1].outcome == Outcome::refused);
}

TEST_CASE("RFC 3261 12.1: each fork's dialog has a ledger of its own") {
    const std::string invite = request({.body = offer_a});
    const Report r = Wire()
                         .udp(0, alice, pbx, invite)
                         .udp(100, pbx, alice, response(invite, "183 Session Progress", "t1", sdp_body("10.0.0.3", 6000)))
                         .udp(120, pbx, alice, response(invite, "183 Session Progress", "t2", sdp_body("10.0.0.4", 7000)))
                         .udp(900, pbx, alice, response(invite, "200 OK", "t2", sdp_body("10.0.0.4", 7000)))
                         .play();
    REQUIRE(r.calls.size() == 1);
    REQUIRE(r.calls[0].ledgers.size() == 2);
    CHECK(r.calls[0].ledgers[0].exchanges.at(0).outcome == Outcome::early);
    CHECK(r.calls[0].ledgers[1].exchanges.at(0).outcome == Outcome::answered);
    CHECK(r.calls[0].ledgers[1].exchanges.at(0).media[0].answer->rtp == ep("10.0.0.4:7000"));
}

TEST_CASE("RFC 3261 13.2.1: a 2xx without the answer, and an ACK without it, are findings") {
    const std::string invite = request({.body = offer_a}), empty = request({});
    Wire offered, delayed, early, fine;
    offered.udp(0, alice, bob, invite).udp(100, bob, alice, response(invite, "200 OK", "t1")).udp(110, alice, bob, ack());
    delayed.udp(0, alice, bob, empty).udp(100, bob, alice, response(empty, "200 OK", "t1", answer_b)).udp(110, alice, bob, ack());
    early.udp(0, alice, bob, invite).udp(50, bob, alice, response(invite, "183 Session Progress", "t1", answer_b));
    early.udp(100, bob, alice, response(invite, "200 OK", "t1"));
    fine.udp(0, alice, bob, invite);
    fine.udp(50, bob, alice, response(invite, "183 Session Progress", "t1", answer_b, "Require: 100rel\r\nRSeq: 1\r\n"));
    fine.udp(100, bob, alice, response(invite, "200 OK", "t1")).udp(110, alice, bob, ack());
    CHECK(has_rule(offered.play().calls.at(0).findings, "sip-answer-missing"));
    CHECK(has_rule(delayed.play().calls.at(0).findings, "sip-answer-missing"));
    CHECK(has_rule(early.play().calls.at(0).findings, "sip-answer-missing"));
    CHECK_FALSE(has_rule(fine.play().calls.at(0).findings, "sip-answer-missing"));
}

TEST_CASE("RFC 3311 5: an UPDATE in the early dialog, refused with 491 and accepted, each in its place") {
    const std::string invite = request({.body = offer_a});
    const auto update = [](const char* branch, unsigned cseq, int port) {
        return request({.method = "UPDATE", .branch = branch, .to_tag = "t1", .body = sdp_body("10.0.0.1", port, "", port - 3999), .cseq = cseq});
    };
    const std::string first = update("z9hG4bKu1", 3, 4002), second = update("z9hG4bKu2", 4, 4004);
    const std::string prack = request({.method = "PRACK", .branch = "z9hG4bKp", .to_tag = "t1", .cseq = 2, .extra = "RAck: 1 1 INVITE\r\n"});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(50, bob, alice, response(invite, "183 Session Progress", "t1", answer_b, "Require: 100rel\r\nRSeq: 1\r\n"))
                         .udp(60, alice, bob, prack)
                         .udp(65, bob, alice, response(prack, "200 OK"))
                         .udp(70, alice, bob, first)
                         .udp(75, bob, alice, response(first, "491 Request Pending"))
                         .udp(80, alice, bob, second)
                         .udp(85, bob, alice, response(second, "200 OK", "", answer_b))
                         .udp(1000, bob, alice, response(invite, "200 OK", "t1"))
                         .udp(1010, alice, bob, ack())
                         .play();
    const auto& l = ledger(r);
    REQUIRE(l.size() == 3);
    CHECK(l[0].outcome == Outcome::answered);
    CHECK(l[0].in_force_until == at(85));
    CHECK(l[1].outcome == Outcome::refused);
    CHECK(l[2].outcome == Outcome::answered);
    CHECK(l[2].answered_at == at(85));
    CHECK(l[2].media[0].offer.rtp == ep("10.0.0.1:4004"));
    CHECK_FALSE(has_rule(r.calls[0].findings, "sip-answer-missing"));
}

TEST_CASE("RFC 3262 5: a PRACK may offer anew, and its 200 answers") {
    const std::string invite = request({.body = offer_a});
    const std::string prack = request({.method = "PRACK", .branch = "z9hG4bKp", .to_tag = "t1", .body = sdp_body("10.0.0.1", 4000, "a=sendonly\r\n", 2),
                                       .cseq = 2, .extra = "RAck: 1 1 INVITE\r\n"});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(50, bob, alice, response(invite, "183 Session Progress", "t1", answer_b, "Require: 100rel\r\nRSeq: 1\r\n"))
                         .udp(60, alice, bob, prack)
                         .udp(65, bob, alice, response(prack, "200 OK", "", sdp_body("10.0.0.2", 5000, "a=recvonly\r\n", 2)))
                         .play();
    const auto& l = ledger(r);
    REQUIRE(l.size() == 2);
    CHECK(l[1].offerer == Side::caller);
    CHECK(l[1].outcome == Outcome::answered);
    CHECK(l[1].media[0].direction == sdp::Direction::sendonly);
}

TEST_CASE("RFC 3261 13.2.2.3: the refused INVITE takes all its early dialogs and their offers with it") {
    const std::string invite = request({.body = offer_a});
    const Report r = Wire()
                         .udp(0, alice, pbx, invite)
                         .udp(50, pbx, alice, response(invite, "183 Session Progress", "t1", answer_b))
                         .udp(60, pbx, alice, response(invite, "183 Session Progress", "t2", sdp_body("10.0.0.4", 7000)))
                         .udp(900, pbx, alice, response(invite, "480 Temporarily Unavailable", "t2"))
                         .play();
    REQUIRE(r.calls.size() == 1);
    REQUIRE(r.calls[0].ledgers.size() == 2);
    for (const auto& each : r.calls[0].ledgers) CHECK(each.exchanges[0].outcome == Outcome::refused);
    for (const auto& d : r.calls[0].dialogs) CHECK(d.state == analysis::DialogState::terminated);
}

TEST_CASE("RFC 3261 22.2: an offer made anew after a challenge replaces the one before") {
    const std::string invite = request({.body = offer_a}), again = request({.branch = "z9hG4bK2", .body = sdp_body("10.0.0.1", 4100), .cseq = 2});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(10, bob, alice, response(invite, "401 Unauthorized", "x"))
                         .udp(20, alice, bob, again)
                         .udp(100, bob, alice, response(again, "200 OK", "t1", answer_b))
                         .play();
    const auto& l = ledger(r);
    REQUIRE(l.size() == 2);
    CHECK(l[0].outcome == Outcome::refused);
    CHECK(l[1].outcome == Outcome::answered);
    CHECK_FALSE(has_rule(r.calls[0].findings, "sdp-offer-before-answer"));
}

TEST_CASE("a digit sent as INFO is a digit of the call") {
    const std::string invite = request({.body = offer_a});
    const std::string info = message({"INFO sip:bob@b.example SIP/2.0", "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKi",
                                      "Max-Forwards: 70", "From: <sip:alice@a.example>;tag=f1", "To: <sip:bob@b.example>;tag=t1",
                                      "Call-ID: c1", "CSeq: 2 INFO", "Content-Type: application/dtmf-relay"},
                                     "Signal=11\r\nDuration=160\r\n");
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(100, bob, alice, response(invite, "200 OK", "t1", answer_b))
                         .udp(500, alice, bob, info)
                         .play();
    REQUIRE(r.calls[0].digits.size() == 1);
    CHECK(r.calls[0].digits[0].digit == '#');
    CHECK(r.calls[0].digits[0].duration == std::chrono::milliseconds{160});
}
