#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::Report;

namespace {

const Endpoint alice_rtp = ep("10.0.0.1:4000"), bob_rtp = ep("10.0.0.2:5000");

std::string in_dialog(std::string_view method, std::string_view branch, unsigned cseq,
                      std::string_view body = "") {
    return request(
        {.method = method, .branch = branch, .to_tag = "t1", .body = body, .cseq = cseq});
}

// alice calls bob, talks from 200 ms on, and hangs up after ten seconds.
Wire call() {
    const std::string invite = request({.body = sdp_body("10.0.0.1", 4000)});
    const std::string bye = in_dialog("BYE", "z9hG4bKb", 9);
    return Wire()
        .udp(0, alice, bob, invite)
        .udp(100, bob, alice, response(invite, "200 OK", "t1", sdp_body("10.0.0.2", 5000)))
        .udp(110, alice, bob, in_dialog("ACK", "z9hG4bKack", 1))
        .udp(10000, alice, bob, bye)
        .udp(10005, bob, alice, response(bye, "200 OK"));
}
bool stream_has(const Report& r, std::string_view rule) {
    REQUIRE(r.calls.size() == 1);
    for (const analysis::Stream& s : r.calls[0].streams)
        if (has_rule(s.findings, rule)) return true;
    return false;
}

}  // namespace

TEST_CASE("RFC 3261 15: media that goes on after the BYE is a finding, what was under way is not") {
    for (const int packets : {495, 700}) {  // 200 ms to 10.1 s, and to 14.2 s
        Wire w = call();
        w.speech(200, alice_rtp, bob_rtp, packets).speech(200, bob_rtp, alice_rtp, 490, 1, 0xb);
        CHECK(stream_has(w.play(), "rtp-after-bye") == (packets == 700));
    }
}

TEST_CASE("RFC 3264 6.1: media agreed both ways that flows one way only is a finding") {
    Wire one = call(), both = call(), none = call();
    one.speech(200, alice_rtp, bob_rtp, 400);
    both.speech(200, alice_rtp, bob_rtp, 400).speech(200, bob_rtp, alice_rtp, 400, 1, 0xb);
    const Report r = one.play();
    REQUIRE(r.calls.size() == 1);
    CHECK(has_rule(r.calls[0].findings, "one-way-media"));
    for (const Finding& f : r.calls[0].findings)
        if (f.rule == "one-way-media") CHECK(f.frame == 2);
    CHECK_FALSE(has_rule(both.play().calls.at(0).findings, "one-way-media"));
    CHECK_FALSE(has_rule(none.play().calls.at(0).findings, "one-way-media"));  // not captured
}

TEST_CASE("RFC 3264 8.3.1: what flows past a call whose media was moved elsewhere is not missing in it") {
    Wire w = call();
    w.speech(200, alice_rtp, bob_rtp, 400);
    const std::string again = request(
        {.branch = "z9hG4bKr", .to_tag = "t1", .body = sdp_body("10.0.0.3", 7000, "", 2), .cseq = 2});
    w.udp(300, alice, bob, again);
    w.udp(310, bob, alice, response(again, "200 OK", "", sdp_body("10.0.0.2", 5000)));
    CHECK_FALSE(has_rule(w.play().calls.at(0).findings, "one-way-media"));
}

TEST_CASE("RFC 3264 6.1: a payload type that the receiver never named is a finding") {
    const auto talk = [](std::uint8_t type) {
        Wire w = call();
        for (std::uint16_t n = 0; n < 20; ++n)
            w.udp(200 + 20 * n, alice_rtp, bob_rtp, rtp(n, 160u * n, 0xa, type));
        return w.play();
    };
    CHECK(stream_has(talk(8), "rtp-payload-not-agreed"));
    CHECK_FALSE(stream_has(talk(0), "rtp-payload-not-agreed"));
}

TEST_CASE("RFC 3264 8.3.2: a codec that a re-INVITE replaces was agreed in its time") {
    Wire w = call();
    std::string body = sdp_body("10.0.0.1", 4000, "", 2), reply = sdp_body("10.0.0.2", 5000, "", 2);
    for (std::string* text : {&body, &reply})
        text->replace(text->find("RTP/AVP 0 "), 10, "RTP/AVP 8 ");
    const std::string again = in_dialog("INVITE", "z9hG4bKr", 2, body);
    w.udp(3000, alice, bob, again).udp(3010, bob, alice, response(again, "200 OK", "", reply));
    for (std::uint16_t n = 0; n < 300; ++n)
        w.udp(200 + 20 * n, alice_rtp, bob_rtp, rtp(n, 160u * n, 0xa, n < 145 ? 0 : 8));
    CHECK_FALSE(stream_has(w.play(), "rtp-payload-not-agreed"));
}

TEST_CASE("RFC 3264 5.1: media to another place than the SDP asks for is told") {
    Wire w = call();
    w.speech(200, bob_rtp, ep("10.0.0.50:9999"), 20, 1, 0xb);
    CHECK(stream_has(w.play(), "rtp-other-destination"));
}

TEST_CASE("RFC 3550 A.3: one packet in a hundred lost is a finding") {
    for (const int lost : {0, 3}) {
        Wire w = call();
        w.speech(200, alice_rtp, bob_rtp, 100)
            .speech(2300, alice_rtp, bob_rtp, 100, static_cast<std::uint16_t>(101 + lost));
        CHECK(stream_has(w.play(), "rtp-loss") == (lost == 3));
    }
}
