#include <doctest/doctest.h>

#include <algorithm>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::CallKind;
using analysis::CallState;
using analysis::Report;

namespace {

// alice calls bob: INVITE, 180 after 100 ms, 200 after 2 s, ACK, BYE by `hanger` after 10 s.
Wire basic_call(std::string_view id = "c1") {
    const std::string invite = request({.call_id = id, .body = sdp_body("10.0.0.1", 4000)});
    const std::string bye = request({.method = "BYE", .call_id = id, .branch = "z9hG4bKb", .to_tag = "t1", .cseq = 2});
    return Wire()
        .udp(0, alice, bob, invite)
        .udp(5, bob, alice, response(invite, "100 Trying"))
        .udp(100, bob, alice, response(invite, "180 Ringing", "t1"))
        .udp(2000, bob, alice, response(invite, "200 OK", "t1", sdp_body("10.0.0.2", 5000)))
        .udp(2010, alice, bob, request({.method = "ACK", .call_id = id, .branch = "z9hG4bKack", .to_tag = "t1"}))
        .udp(10000, alice, bob, bye)
        .udp(10005, bob, alice, response(bye, "200 OK"));
}

// An INVITE that is answered by one final response.
Report refused(std::string_view status) {
    const std::string invite = request({});
    return Wire()
        .udp(0, alice, bob, invite)
        .udp(50, bob, alice, response(invite, status, "t1"))
        .udp(55, alice, bob, request({.method = "ACK", .to_tag = "t1"}))
        .play();
}

}  // namespace

TEST_CASE("RFC 3261 13, 15: an answered call has its times, its parties and who hung up") {
    const Report r = basic_call().play();
    REQUIRE(r.calls.size() == 1);
    const analysis::Call& c = r.calls[0];
    CHECK(c.kind == CallKind::invite);
    CHECK(c.state == CallState::completed);
    CHECK(c.final_code == 200);
    CHECK(c.from.user == "alice");
    CHECK(c.to.uri == "sip:bob@b.example");
    CHECK(*c.post_dial_delay == std::chrono::milliseconds{100});
    CHECK(*c.setup == std::chrono::milliseconds{2000});
    CHECK(*c.ring == std::chrono::milliseconds{1900});
    CHECK(*c.duration == std::chrono::milliseconds{8000});
    CHECK(c.ended == analysis::Ended::by_caller);
    CHECK(c.message_count == 7);
    REQUIRE(c.dialogs.size() == 1);
    CHECK(c.dialogs[0].callee_tag == "t1");
    CHECK(c.dialogs[0].state == analysis::DialogState::terminated);
    CHECK(c.transactions.size() == 2);
}

TEST_CASE("the summary of a call says the same with and without its messages") {
    analysis::Options summary;
    summary.detail = analysis::Detail::summary;
    const Report a = basic_call().play(), b = basic_call().play(summary);
    REQUIRE(b.calls.size() == 1);
    CHECK(b.calls[0].messages.empty());
    CHECK(a.calls[0].state == b.calls[0].state);
    CHECK(a.calls[0].from.uri == b.calls[0].from.uri);
    CHECK(a.calls[0].call_id == b.calls[0].call_id);
    CHECK(a.calls[0].duration == b.calls[0].duration);
    CHECK(a.calls[0].message_count == b.calls[0].message_count);
}

TEST_CASE("RFC 3261 21: final responses make the outcome") {
    const std::pair<const char*, CallState> outcomes[] = {
        {"486 Busy Here", CallState::busy},        {"600 Busy Everywhere", CallState::busy},
        {"603 Decline", CallState::declined},      {"302 Moved Temporarily", CallState::redirected},
        {"404 Not Found", CallState::failed},      {"480 Temporarily Unavailable", CallState::failed},
        {"503 Service Unavailable", CallState::failed}, {"401 Unauthorized", CallState::challenged}};
    for (const auto& outcome : outcomes) {
        CAPTURE(outcome.first);
        const Report r = refused(outcome.first);
        REQUIRE(r.calls.size() == 1);
        CHECK(r.calls[0].state == outcome.second);
        CHECK(r.calls[0].final_code == std::stoi(outcome.first));
    }
}

TEST_CASE("trap 50: a 401 or 407 that is followed by another try is a step, not the outcome") {
    const std::string first = request({}), second = request({.branch = "z9hG4bK2", .cseq = 2});
    const Report r = Wire()
                         .udp(0, alice, bob, first)
                         .udp(10, bob, alice, response(first, "407 Proxy Authentication Required", "x"))
                         .udp(11, alice, bob, request({.method = "ACK", .to_tag = "x"}))
                         .udp(12, alice, bob, second)
                         .udp(100, bob, alice, response(second, "180 Ringing", "t1"))
                         .udp(500, bob, alice, response(second, "486 Busy Here", "t1"))
                         .play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].state == CallState::busy);
    CHECK(r.calls[0].challenges == 1);
    CHECK(*r.calls[0].post_dial_delay == std::chrono::milliseconds{100});
}

TEST_CASE("trap 50: a challenged REGISTER that then succeeds is registered") {
    const Request base{.method = "REGISTER", .to = "<sip:alice@a.example>"};
    Request again = base;
    again.branch = "z9hG4bK2";
    again.cseq = 2;
    const std::string first = request(base), second = request(again);
    const Report r = Wire()
                         .udp(0, alice, pbx, first)
                         .udp(3, pbx, alice, response(first, "401 Unauthorized", "x"))
                         .udp(5, alice, pbx, second)
                         .udp(9, pbx, alice, response(second, "200 OK", "x", "", "Contact: <sip:alice@10.0.0.1>;expires=600\r\n"))
                         .play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].kind == CallKind::register_);
    CHECK(r.calls[0].state == CallState::registered);
    CHECK(r.calls[0].expires_s == 600);
    CHECK(r.calls[0].challenges == 1);
    CHECK(r.calls[0].final_code == 200);
}

TEST_CASE("trap 51: what other transactions end with does not change the call") {
    Wire w = basic_call();
    const std::string update = request({.method = "UPDATE", .branch = "z9hG4bKu", .to_tag = "t1", .cseq = 5});
    const std::string reinvite = request({.branch = "z9hG4bKr", .to_tag = "t1", .body = sdp_body("10.0.0.1", 4000), .cseq = 6});
    w.udp(3000, alice, bob, update).udp(3010, bob, alice, response(update, "501 Not Implemented"));
    w.udp(4000, alice, bob, reinvite).udp(4010, bob, alice, response(reinvite, "200 OK", "", sdp_body("10.0.0.2", 5000)));
    const Report r = w.play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].state == CallState::completed);
    CHECK(r.calls[0].final_code == 200);
    CHECK(*r.calls[0].setup == std::chrono::milliseconds{2000});  // not that of the re-INVITE
}

TEST_CASE("trap 51: a CANCEL that crosses the 200 does not make the call cancelled (RFC 3261 9.1)") {
    const std::string invite = request({.body = sdp_body("10.0.0.1", 4000)});
    const std::string cancel = request({.method = "CANCEL"});
    const std::string bye = request({.method = "BYE", .branch = "z9hG4bKb", .to_tag = "t1", .cseq = 2});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(100, bob, alice, response(invite, "180 Ringing", "t1"))
                         .udp(1000, alice, bob, cancel)
                         .udp(1001, bob, alice, response(invite, "200 OK", "t1", sdp_body("10.0.0.2", 5000)))
                         .udp(1003, bob, alice, response(cancel, "481 Call/Transaction Does Not Exist", "z"))
                         .udp(1010, alice, bob, request({.method = "ACK", .branch = "z9hG4bKack", .to_tag = "t1"}))
                         .udp(1020, alice, bob, bye)
                         .udp(1030, bob, alice, response(bye, "200 OK"))
                         .play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].state == CallState::completed);
    CHECK(r.calls[0].final_code == 200);
    CHECK(r.calls[0].ended == analysis::Ended::by_caller);
}

TEST_CASE("RFC 3261 9.2: CANCEL and 487 make a cancelled call") {
    const std::string invite = request({}), cancel = request({.method = "CANCEL"});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(100, bob, alice, response(invite, "180 Ringing", "t1"))
                         .udp(900, alice, bob, cancel)
                         .udp(903, bob, alice, response(cancel, "200 OK", "t1"))
                         .udp(905, bob, alice, response(invite, "487 Request Terminated", "t1"))
                         .udp(910, alice, bob, request({.method = "ACK", .to_tag = "t1"}))
                         .play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].state == CallState::cancelled);
    CHECK(r.calls[0].final_code == 487);
    CHECK(r.calls[0].ended == analysis::Ended::by_caller);
    CHECK(r.calls[0].transactions[0].cancelled);
}

TEST_CASE("trap 52: a re-INVITE refused with 488 or 481 ends neither the call nor its media") {
    for (const char* status : {"488 Not Acceptable Here", "481 Call/Transaction Does Not Exist"}) {
        Wire w = basic_call();
        const std::string again = request({.branch = "z9hG4bKr", .to_tag = "t1", .body = sdp_body("10.0.0.1", 4444), .cseq = 2});
        const std::string bye2 = request({.method = "BYE", .branch = "z9hG4bKb2", .to_tag = "t1", .cseq = 9});
        w.udp(3000, alice, bob, again).udp(3010, bob, alice, response(again, status));
        w.speech(2100, ep("10.0.0.1:4000"), ep("10.0.0.2:5000"), 300);
        const Report r = w.play();
        REQUIRE(r.calls.size() == 1);
        CHECK(r.calls[0].state == CallState::completed);
        CHECK(*r.calls[0].duration == std::chrono::milliseconds{8000});
        REQUIRE(r.calls[0].streams.size() == 1);
        CHECK(r.calls[0].streams[0].packets == 300);
    }
}

TEST_CASE("trap 53: a fork's early dialogs are told apart, and the one that answers is the call") {
    const std::string invite = request({.body = sdp_body("10.0.0.1", 4000)});
    const Report r = Wire()
                         .udp(0, alice, pbx, invite)
                         .udp(100, pbx, alice, response(invite, "180 Ringing", "t1"))
                         .udp(120, pbx, alice, response(invite, "183 Session Progress", "t2", sdp_body("10.0.0.3", 6000)))
                         .udp(900, pbx, alice, response(invite, "200 OK", "t2", sdp_body("10.0.0.3", 6000)))
                         .udp(910, alice, pbx, request({.method = "ACK", .branch = "z9hG4bKack", .to_tag = "t2"}))
                         .play();
    REQUIRE(r.calls.size() == 1);
    const analysis::Call& c = r.calls[0];
    REQUIRE(c.dialogs.size() == 2);
    CHECK(c.dialogs[0].state == analysis::DialogState::early);
    CHECK(c.dialogs[1].callee_tag == "t2");
    CHECK(c.dialogs[1].state == analysis::DialogState::confirmed);
    CHECK(c.state == CallState::answered);
}

TEST_CASE("trap 53: responses that a mirrored capture shows before the INVITE belong to its call") {
    const std::string invite = request({});
    const Report r = Wire()
                         .udp(0, bob, alice, response(invite, "100 Trying"))
                         .udp(1, bob, alice, response(invite, "180 Ringing", "t1"))
                         .udp(2, alice, bob, invite)
                         .udp(300, bob, alice, response(invite, "486 Busy Here", "t1"))
                         .play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].state == CallState::busy);
    CHECK(r.calls[0].caller == alice);
    CHECK(r.calls[0].request_uri == "sip:bob@b.example");
}

TEST_CASE("trap 54: a response from another address than the INVITE went to is its response") {
    const std::string invite = request({});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(40, ep("10.0.0.77:5090"), alice, response(invite, "603 Decline", "t1"))
                         .play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].state == CallState::declined);
    CHECK(r.calls[0].transactions.size() == 1);
}

TEST_CASE("trap 55: 100 Trying does not stop the post-dial delay, and a re-INVITE does not restart it") {
    Wire w = basic_call();  // its 100 comes after 5 ms, its 180 after 100
    const std::string again = request({.branch = "z9hG4bKr", .to_tag = "t1", .body = sdp_body("10.0.0.1", 4000), .cseq = 2});
    w.udp(4000, alice, bob, again).udp(4005, bob, alice, response(again, "100 Trying"));
    w.udp(4500, bob, alice, response(again, "180 Ringing")).udp(5000, bob, alice, response(again, "200 OK"));
    const Report r = w.play();
    REQUIRE(r.calls.size() == 1);
    CHECK(*r.calls[0].post_dial_delay == std::chrono::milliseconds{100});
    CHECK(*r.calls[0].ring == std::chrono::milliseconds{1900});
    CHECK(*r.calls[0].setup == std::chrono::milliseconds{2000});
    CHECK(*r.calls[0].duration == std::chrono::milliseconds{8000});
}

TEST_CASE("trap 56: a retransmission is the same message in the same transaction, whatever lies between") {
    const std::string invite = request({});
    const std::string ringing = response(invite, "180 Ringing", "t1");
    const std::string final = response(invite, "486 Busy Here", "t1");
    const std::string info = request({.method = "INFO", .branch = "z9hG4bKi", .to_tag = "t1", .cseq = 2});
    const Report r = Wire()
                         .udp(0, alice, bob, invite)
                         .udp(500, alice, bob, invite)
                         .udp(600, bob, alice, ringing)
                         .udp(700, alice, bob, info)
                         .udp(1500, alice, bob, invite)
                         .udp(1600, bob, alice, ringing)
                         .udp(2000, bob, alice, final)
                         .udp(2500, bob, alice, final)
                         .play();
    REQUIRE(r.calls.size() == 1);
    std::vector<bool> again;
    for (const auto& m : r.calls[0].messages) again.push_back(m.retransmission);
    CHECK(again == std::vector<bool>{false, true, false, false, true, true, false, true});
    CHECK(r.calls[0].retransmissions == 4);
    CHECK(r.calls[0].transactions[0].request_retransmissions == 2);
    CHECK(r.calls[0].transactions[0].response_retransmissions == 2);
}

TEST_CASE("trap 56: the same request on a proxy's next hop is another transaction, not a retransmission") {
    const std::string up = request({});
    const std::string down = request({.branch = "z9hG4bKproxy", .via = "10.0.0.9:5060"});
    const Report r = Wire()
                         .udp(0, alice, pbx, up)
                         .udp(2, pbx, bob, down)
                         .udp(50, bob, pbx, response(down, "486 Busy Here", "t1"))
                         .udp(52, pbx, alice, response(up, "480 Temporarily Unavailable", "t1"))
                         .play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].retransmissions == 0);
    CHECK(r.calls[0].transactions.size() == 2);
    CHECK(r.calls[0].final_code == 480);  // what the caller heard
}

TEST_CASE("trap 71: a packet that the capture sees twice is no retransmission") {
    const std::string invite = request({});
    const Report r = Wire().udp(0, alice, bob, invite).udp(0.02, alice, bob, invite).play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].retransmissions == 0);
    REQUIRE(r.calls[0].messages.size() == 2);
    CHECK(r.calls[0].messages[1].capture_duplicate);
}

TEST_CASE("trap 37: messages with equal times all count, in order") {
    const std::string invite = request({});
    Wire w;
    w.udp(0, alice, bob, invite);
    w.udp(0, bob, alice, response(invite, "100 Trying"));
    w.udp(0, bob, alice, response(invite, "180 Ringing", "t1"));
    w.udp(0, bob, alice, response(invite, "486 Busy Here", "t1"));
    const Report r = w.play();
    REQUIRE(r.calls.size() == 1);
    REQUIRE(r.calls[0].messages.size() == 4);
    CHECK(r.calls[0].messages[3].code == 486);
    CHECK(r.calls[0].state == CallState::busy);
}

TEST_CASE("trap 72: a capture without SIP differs from one that could not be decoded") {
    const Report none = Wire().udp(0, alice, bob, "hello world, no SIP here").play();
    CHECK(none.counts.other_datagrams == 1);
    CHECK(none.counts.malformed_sip == 0);
    CHECK(none.counts.frames[net::Fate::delivered] == 1);
    const Report odd = Wire().frame(0, Buffer{0, 1, 2, 3}).play();
    CHECK(odd.counts.frames[net::Fate::cut_short] == 1);
    CHECK(odd.counts.other_datagrams == 0);
}

TEST_CASE("trap 80: calls are handed on when they are over, by capture time") {
    struct Counter : analysis::Sink {
        int calls = 0;
        void on_call(analysis::Call&&) override { ++calls; }
        void on_stream(analysis::Stream&&) override {}
        void on_finding(Finding&&) override {}
    } sink;
    analysis::Analyzer analyzer({}, sink);
    const auto feed = [&](double ms, const Endpoint& a, const Endpoint& b, const std::string& text) {
        const Buffer bytes = *net::udp_frame(a, b, as_bytes(text));
        pcap::Frame f;
        f.number = 1;
        f.time = at(ms);
        f.bytes = bytes;
        f.wire_size = static_cast<std::uint32_t>(bytes.size());
        f.link = pcap::LinkType::ethernet;
        analyzer.on_frame(f);
    };
    const std::string options = request({.method = "OPTIONS", .call_id = "o1"});
    feed(0, alice, bob, options);
    feed(5, bob, alice, response(options, "200 OK", "t"));
    CHECK(sink.calls == 0);
    feed(60000, alice, bob, request({.method = "OPTIONS", .call_id = "o2"}));
    CHECK(sink.calls == 1);
    analyzer.finish();
    CHECK(sink.calls == 2);
}

TEST_CASE("trap 82: two different final responses to one request are a finding, not a failure") {
    const std::string r1 = request({.method = "REGISTER"});
    const Report r = Wire()
                         .udp(0, alice, bob, r1)
                         .udp(3, bob, alice, response(r1, "400 Bad Contact", "a"))
                         .udp(4, bob, alice, response(r1, "500 Server Error", "b"))
                         .play();
    REQUIRE(r.calls.size() == 1);
    CHECK(has_rule(r.calls[0].findings, "sip-two-finals"));
    CHECK(r.calls[0].final_code == 400);
}

TEST_CASE("RFC 3261 17.1.1.2: an INVITE that nobody answers is unanswered, with its retransmissions") {
    const std::string invite = request({});
    Wire w;
    for (double ms : {0.0, 500.0, 1500.0, 3500.0, 7500.0, 15500.0, 31500.0}) w.udp(ms, alice, bob, invite);
    const Report r = w.play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].state == CallState::unanswered);
    CHECK(r.calls[0].retransmissions == 6);
    CHECK(r.calls[0].final_code == 0);
}

TEST_CASE("RFC 6665: a subscription lives until its NOTIFY says terminated") {
    const std::string sub = request({.method = "SUBSCRIBE", .extra = "Event: message-summary\r\nExpires: 60\r\n"});
    const std::string ok = response(sub, "200 OK", "t1", "", "Expires: 60\r\n");
    const std::string notify = request({.method = "NOTIFY", .branch = "z9hG4bKn", .to_tag = "f1", .cseq = 7, .from_tag = "t1",
                                        .extra = "Event: message-summary\r\nSubscription-State: terminated;reason=timeout\r\n"});
    const Report r = Wire()
                         .udp(0, alice, pbx, sub)
                         .udp(5, pbx, alice, ok)
                         .udp(60000, pbx, alice, notify)
                         .udp(60005, alice, pbx, response(notify, "200 OK"))
                         .play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].kind == CallKind::subscribe);
    CHECK(r.calls[0].state == CallState::terminated);
    CHECK(r.calls[0].event == "message-summary");
    CHECK(r.calls[0].message_count == 4);
}

TEST_CASE("a capture that begins within a call shows the call as answered, without times it cannot know") {
    const std::string bye = request({.method = "BYE", .branch = "z9hG4bKb", .to_tag = "t1", .cseq = 2});
    const Report r = Wire().udp(0, alice, bob, bye).udp(5, bob, alice, response(bye, "200 OK")).play();
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].kind == CallKind::invite);
    CHECK(r.calls[0].state == CallState::completed);
    CHECK_FALSE(r.calls[0].duration);
    CHECK_FALSE(r.calls[0].setup);
}

TEST_CASE("SIP without a Call-ID is kept as a stray message and is a finding") {
    const Report r = Wire().udp(0, alice, bob, "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n\r\n").play();
    CHECK(r.calls.empty());
    REQUIRE(r.stray_messages.size() == 1);
    CHECK(has_rule(r.findings, "sip-no-call-id"));
}

TEST_CASE("RFC 3261 19.1.1: a password in a URI shows in no field of the call and in no finding") {
    std::string invite = request({.from = "\"A\" <sip:alice:sesame@a.example>", .to = "<sip:bob:sesame@b.example>;;x"});
    invite.replace(invite.find("sip:bob@"), 8, "sip:bob:sesame@");
    invite.replace(invite.find("<sip:alice@10"), 11, "<sip:alice:sesame");
    const Report r = Wire().udp(0, alice, bob, invite).udp(9, bob, alice, response(invite, "180 Ringing", "t1")).play();
    REQUIRE(r.calls.size() == 1);
    const analysis::Call& c = r.calls[0];
    CHECK(c.from.uri == "sip:alice:***@a.example");
    CHECK(c.from.user == "alice");
    for (std::string_view text : {c.to.uri, c.request_uri, c.dialogs.at(0).caller_contact}) CHECK(text.find("sesame") == text.npos);
    CHECK(has_rule(c.findings, "sip-uri-password"));
    CHECK(has_rule(c.findings, "sip-empty-parameter"));
    for (const Finding& f : c.findings) CHECK(f.text.find("sesame") == f.text.npos);
}
