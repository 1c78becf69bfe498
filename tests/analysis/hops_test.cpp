#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::CallState;
using analysis::Report;

namespace {

// A message as the proxy sends it on towards bob: another Via, and perhaps other media addresses.
std::string down(const Request& r) {
    Request d = r;
    d.via = "10.0.0.9:5060";
    return request(d);
}
std::string down(const Request& r, std::string_view branch, std::string_view body) {
    Request d = r;
    d.branch = branch;
    d.body = body;
    return down(d);
}

const std::string offer = sdp_body("10.0.0.1", 4000), answer = sdp_body("10.0.0.2", 5000);
// What a relay at the proxy makes of them.
const std::string relayed_offer = sdp_body("10.0.0.9", 6000),
                  relayed_answer = sdp_body("10.0.0.9", 6002);

// alice calls bob through a proxy that records its route, and the capture sees both hops.
struct TwoHops {
    std::string invite, onward;
    Wire w;
    explicit TwoHops(const std::string& onward_offer = offer, const std::string& back = answer) {
        const Request r{.body = offer};
        invite = request(r);
        onward = down(r, "z9hG4bKd", onward_offer);
        w.udp(0, alice, pbx, invite)
            .udp(1, pbx, alice, response(invite, "100 Trying"))
            .udp(2, pbx, bob, onward)
            .udp(100, bob, pbx, response(onward, "180 Ringing", "t1"))
            .udp(101, pbx, alice, response(invite, "180 Ringing", "t1"))
            .udp(1000, bob, pbx, response(onward, "200 OK", "t1", answer))
            .udp(1001, pbx, alice, response(invite, "200 OK", "t1", back));
    }
    TwoHops& ack() {
        const Request r{.method = "ACK", .branch = "z9hG4bKack", .to_tag = "t1"};
        w.udp(1010, alice, pbx, request(r)).udp(1011, pbx, bob, down(r, "z9hG4bKackd", ""));
        return *this;
    }
    // bob's own requests run the other way, with CSeq numbers of his own.
    TwoHops& bye(double ms) {
        Request r{.method = "BYE",
                  .branch = "z9hG4bKbye",
                  .to_tag = "f1",
                  .cseq = 1,
                  .from_tag = "t1",
                  .from = "<sip:bob@b.example>",
                  .to = "<sip:alice@a.example>",
                  .via = "10.0.0.2:5060"};
        const std::string up = request(r);
        r.branch = "z9hG4bKbyeu";
        const std::string further = down(r);
        w.udp(ms, bob, pbx, up).udp(ms + 1, pbx, alice, further);
        w.udp(ms + 5, alice, pbx, response(further, "200 OK"))
            .udp(ms + 6, pbx, bob, response(up, "200 OK"));
        return *this;
    }
};

const std::vector<sdp::Exchange>& only_ledger(const Report& r) {
    REQUIRE(r.calls.size() == 1);
    REQUIRE(r.calls[0].ledgers.size() == 1);
    return r.calls[0].ledgers[0].exchanges;
}

}  // namespace

TEST_CASE(
    "RFC 3261 16: a call seen on two hops is one call, with nothing sent twice and nothing "
    "unanswered") {
    const Report r = TwoHops().ack().bye(9000).w.play();
    REQUIRE(r.calls.size() == 1);
    const analysis::Call& c = r.calls[0];
    CHECK(c.state == CallState::completed);
    CHECK(c.ended == analysis::Ended::by_callee);
    CHECK(c.retransmissions == 0);
    CHECK(c.message_count == 13);
    CHECK(c.dialogs.size() == 1);
    CHECK(c.transactions.size() == 4);  // INVITE and BYE, on either hop
    for (const auto& t : c.transactions)
        if (t.method == sip::Method::invite) CHECK(t.acked);
    CHECK_FALSE(has_rule(c.findings, "sip-no-ack"));
    CHECK_FALSE(has_rule(c.findings, "sip-two-finals"));
    CHECK(only_ledger(r).size() == 1);
    CHECK(only_ledger(r)[0].outcome == sdp::Outcome::answered);
}

TEST_CASE(
    "RFC 3261 12.2.1.1: either side counts its CSeq for itself, also where a proxy sends for "
    "both") {
    TwoHops h;
    h.ack();
    Request again{.branch = "z9hG4bKre", .to_tag = "t1", .body = offer, .cseq = 102};
    const std::string up = request(again), on = down(again, "z9hG4bKred", offer);
    h.w.udp(3000, alice, pbx, up).udp(3001, pbx, bob, on);
    h.w.udp(3010, bob, pbx, response(on, "200 OK", "", answer))
        .udp(3011, pbx, alice, response(up, "200 OK", "", answer));
    const Report r = h.bye(9000).w.play();  // bob's BYE has CSeq 1
    REQUIRE(r.calls.size() == 1);
    CHECK_FALSE(has_rule(r.calls[0].findings, "sip-cseq-order"));
}

TEST_CASE("RFC 3261 12.2.1.1: a request whose CSeq goes back is a finding") {
    const std::string invite = request({.cseq = 7});
    const std::string bye =
        request({.method = "BYE", .branch = "z9hG4bKb", .to_tag = "t1", .cseq = 3});
    const std::string info =
        request({.method = "INFO", .branch = "z9hG4bKi", .to_tag = "t1", .cseq = 8});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(100, bob, alice, response(invite, "200 OK", "t1"))
                         .udp(200, alice, bob, info)
                         .udp(300, alice, bob, bye)
                         .play();
    REQUIRE(r.calls.size() == 1);
    CHECK(has_rule(r.calls[0].findings, "sip-cseq-order"));
}

TEST_CASE("RFC 3261 13.2.2.4: an ACK that the proxy swallows is missed on the next hop") {
    TwoHops h;
    const std::string answered = response(h.onward, "200 OK", "t1", answer);
    h.w.udp(1010, alice, pbx, request({.method = "ACK", .branch = "z9hG4bKack", .to_tag = "t1"}));
    h.w.udp(1500, bob, pbx, answered).udp(2500, bob, pbx, answered);
    const Report r = h.w.play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].retransmissions == 2);
    REQUIRE(r.calls[0].transactions.size() == 2);
    CHECK(r.calls[0].transactions[0].acked);
    CHECK_FALSE(r.calls[0].transactions[1].acked);
    CHECK(has_rule(r.calls[0].findings, "sip-no-ack"));
}

TEST_CASE(
    "RFC 3261 13.2.2.4: without Record-Route the ACK goes past the proxy and counts for both "
    "hops") {
    TwoHops h;
    h.w.udp(1010, alice, bob, request({.method = "ACK", .branch = "z9hG4bKack", .to_tag = "t1"}));
    const Report r = h.w.play();
    REQUIRE(r.calls.size() == 1);
    CHECK_FALSE(has_rule(r.calls[0].findings, "sip-no-ack"));
}

TEST_CASE("trap 56: an ACK sent again on each of two hops is a retransmission on each") {
    TwoHops h;
    h.ack();
    const Request r{.method = "ACK", .branch = "z9hG4bKack", .to_tag = "t1"};
    h.w.udp(1600, alice, pbx, request(r)).udp(1601, pbx, bob, down(r, "z9hG4bKackd", ""));
    const Report report = h.w.play();
    REQUIRE(report.calls.size() == 1);
    CHECK(report.calls[0].retransmissions == 2);
}

TEST_CASE("trap 56: a message passed on without a Via of its own was not sent twice") {
    const std::string invite = request({.body = offer}),
                      ok = response(invite, "200 OK", "t1", answer);
    const Report r = Wire()
                         .udp(0, alice, pbx, invite)
                         .udp(60, pbx, bob, invite)
                         .udp(1000, bob, pbx, ok)
                         .udp(1060, pbx, alice, ok)
                         .udp(1560, pbx, alice, ok)
                         .play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].retransmissions == 1);
    CHECK(r.calls[0].messages[4].retransmission);
    CHECK_FALSE(has_rule(r.calls[0].findings, "sip-two-finals"));
    CHECK(only_ledger(r).size() == 1);
}

TEST_CASE(
    "RFC 3264: a relay that writes its own address into the SDP makes a ledger for each hop") {
    const Report r = TwoHops(relayed_offer, relayed_answer).ack().bye(9000).w.play();
    REQUIRE(r.calls.size() == 1);
    const analysis::Call& c = r.calls[0];
    REQUIRE(c.ledgers.size() == 2);
    for (const auto& ledger : c.ledgers) {
        REQUIRE(ledger.exchanges.size() == 1);
        CHECK(ledger.exchanges[0].outcome == sdp::Outcome::answered);
    }
    CHECK(c.ledgers[0].exchanges[0].media[0].offer.rtp == ep("10.0.0.1:4000"));
    CHECK(c.ledgers[0].exchanges[0].media[0].answer->rtp == ep("10.0.0.9:6002"));
    CHECK(c.ledgers[1].exchanges[0].media[0].offer.rtp == ep("10.0.0.9:6000"));
    CHECK(c.ledgers[1].exchanges[0].media[0].answer->rtp == ep("10.0.0.2:5000"));
    for (const Finding& f : c.findings) CHECK_FALSE(f.rule.starts_with("sdp-"));
}

TEST_CASE("RFC 3264 5.1: media that a relay passes on goes where the SDP of its hop asks for it") {
    TwoHops h(relayed_offer, relayed_answer);
    h.ack();
    h.w.speech(1100, ep("10.0.0.1:4000"), ep("10.0.0.9:6002"), 50, 1, 0xa);
    h.w.speech(1101, ep("10.0.0.9:6000"), ep("10.0.0.2:5000"), 50, 1, 0xa);
    h.w.speech(1102, ep("10.0.0.2:5000"), ep("10.0.0.9:6000"), 50, 1, 0xb);
    h.w.speech(1103, ep("10.0.0.9:6002"), ep("10.0.0.1:4000"), 50, 1, 0xb);
    const Report r = h.bye(9000).w.play();
    REQUIRE(r.calls.size() == 1);
    REQUIRE(r.calls[0].streams.size() == 4);
    for (const auto& s : r.calls[0].streams)
        CHECK_FALSE(has_rule(s.findings, "rtp-other-destination"));
}

TEST_CASE(
    "trap 55: what rings behind the proxy after it has given up did not ring for the caller") {
    const std::string invite = request({.body = offer}),
                      onward = down({.body = offer}, "z9hG4bKd", offer);
    Wire w;
    w.udp(0, alice, pbx, invite).udp(1, pbx, alice, response(invite, "100 Trying"));
    for (double ms : {2.0, 502.0, 1502.0, 3502.0}) w.udp(ms, pbx, bob, onward);
    w.udp(5000, pbx, alice, response(invite, "408 Request Timeout", "p"));
    for (double ms : {7000.0, 7000.1, 7000.2, 7000.3})
        w.udp(ms, bob, pbx, response(onward, "180 Ringing", "t1"));
    const Report r = w.play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].state == CallState::failed);
    CHECK(r.calls[0].final_code == 408);
    CHECK_FALSE(r.calls[0].post_dial_delay);
    CHECK_FALSE(r.calls[0].ring);
    // Three INVITEs and three 180s: bob was away, and then answered each.
    CHECK(r.calls[0].retransmissions == 6);
}
