#include "libsipana/sip/dialog.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <utility>

#include "libsipana/sip/response.h"
#include "tests/sip/watched.h"

using namespace sipana;
using namespace sipana::sip;
using State = Dialog::State;

namespace {

// Text kept beside what views it.
struct Parsed {
    explicit Parsed(std::string t) : text(std::move(t)), message(*Message::parse(text)) {}
    Parsed(const Parsed&) = delete;
    Parsed& operator=(const Parsed&) = delete;
    operator const Message&() const { return message; }
    const Message* operator->() const { return &message; }
    std::string text;
    Message message;
};

constexpr const char* two_routes =
    "Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr>\r\n";

std::string invite(std::string_view extra = {}, unsigned cseq = 1) {
    return request_text(
        {.extra = "Contact: <sip:alice@192.0.2.1:5060>\r\n" + std::string(extra), .cseq = cseq});
}
std::string respond(const Message& request, int status, std::string_view tag,
                    std::string_view contact = "<sip:bob@192.0.2.9>",
                    std::string_view routes = {}) {
    Builder b = response_to(request, status, {}, tag);
    if (!contact.empty()) b.add(Header::contact, contact);
    if (!routes.empty()) b.add(Header::record_route, routes);
    return *b.write();
}
Parsed built(const Builder& builder) { return Parsed(*builder.write()); }

Dialog called(const Message& request, int status = 200, std::string_view tag = "b") {
    const Parsed response(respond(request, status, tag));
    auto d = Dialog::as_caller(request, response);
    REQUIRE(d);
    return *d;
}
std::string from_peer(std::string_view method, unsigned cseq, std::string_view extra = {}) {
    return fmt::format(
        "{0} sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKz\r\n"
        "From: <sip:bob@example.com>;tag=b\r\nTo: <sip:alice@example.com>;tag=f\r\n"
        "Call-ID: c1\r\nCSeq: {1} {0}\r\n{2}\r\n",
        method, cseq, extra);
}

}  // namespace

TEST_CASE("RFC 3261 12.1.2: the caller's dialog, its route set in reverse") {
    const Parsed request(invite(two_routes));
    const Parsed response(respond(request, 180, "b"));
    auto d = Dialog::as_caller(request, response);
    REQUIRE(d);
    CHECK(d->state() == State::early);
    CHECK(d->id() == DialogId{"c1", "f", "b"});
    CHECK(d->remote_target() == "sip:bob@192.0.2.9");
    CHECK(d->routes() ==
          std::vector<std::string>{"<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"});
    CHECK(d->local_cseq() == 1u);
    CHECK_FALSE(d->remote_cseq());
    CHECK(d->matches(response));
    CHECK(d->matches(Parsed(from_peer("BYE", 1))));
    CHECK_FALSE(d->matches(Parsed(respond(request, 180, "c"))));
    CHECK_FALSE(d->matches(request));
}

TEST_CASE("RFC 3261 12.1: what makes no dialog") {
    const Parsed request(invite());
    CHECK_FALSE(Dialog::as_caller(request, Parsed(respond(request, 100, "b"))));
    CHECK_FALSE(Dialog::as_caller(request, Parsed(respond(request, 180, ""))));
    CHECK_FALSE(Dialog::as_caller(request, Parsed(respond(request, 486, "b"))));
    CHECK_FALSE(Dialog::as_callee(request, ""));
    CHECK_FALSE(Dialog::as_callee(Parsed("INVITE sip:a SIP/2.0\r\nTo: x\r\n\r\n"), "b"));
}

TEST_CASE("RFC 3261 12.1.1: the callee's dialog, its route set in order") {
    const Parsed request(invite(two_routes));
    auto d = Dialog::as_callee(request, "b");
    REQUIRE(d);
    CHECK(d->id() == DialogId{"c1", "b", "f"});
    CHECK(d->remote_target() == "sip:alice@192.0.2.1:5060");
    CHECK(d->routes() ==
          std::vector<std::string>{"<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"});
    CHECK(d->remote_cseq() == 1u);
    CHECK_FALSE(d->local_cseq());
    CHECK(d->state() == State::early);
    const Parsed bye = built(d->request("BYE"));
    CHECK(bye->header(Header::from) == "<sip:bob@example.com>;tag=b");
    CHECK(bye->header(Header::to) == "<sip:alice@example.com>;tag=f");
    d->on_sent(Parsed(respond(request, 180, "b")));
    CHECK(d->state() == State::early);
    d->on_sent(Parsed(respond(request, 200, "b")));
    CHECK(d->state() == State::confirmed);
    auto refused = Dialog::as_callee(request, "b");
    refused->on_sent(Parsed(respond(request, 486, "b")));
    CHECK(refused->state() == State::terminated);
}

TEST_CASE("RFC 3261 13.2.2.4: the 2xx computes route set and target anew, and confirms") {
    const Parsed request(invite());
    auto d = called(request, 180);
    CHECK(d.routes().empty());
    d.on_response(
        Parsed(respond(request, 200, "b", "<sip:elsewhere@192.0.2.8>", "<sip:p.example.com;lr>")));
    CHECK(d.state() == State::confirmed);
    CHECK(d.remote_target() == "sip:elsewhere@192.0.2.8");
    CHECK(d.routes() == std::vector<std::string>{"<sip:p.example.com;lr>"});
    // A copy of it changes nothing (12.2: the route set is fixed).
    d.on_response(Parsed(respond(request, 200, "b", "", "<sip:q.example.com;lr>")));
    CHECK(d.routes() == std::vector<std::string>{"<sip:p.example.com;lr>"});
}

TEST_CASE("RFC 3261 12.3: a failure ends early dialogs, and leaves confirmed ones") {
    const Parsed request(invite());
    auto early = called(request, 180), up = called(request, 200, "c");
    const Parsed failure(respond(request, 486, "d"));
    early.on_response(failure);
    up.on_response(failure);
    CHECK(early.state() == State::terminated);
    CHECK(up.state() == State::confirmed);
}

TEST_CASE("RFC 3261 12.1: each fork has its dialog, early or answered") {
    const Parsed request(invite());
    const auto x = called(request, 180, "x"), y = called(request, 183, "y"),
               z = called(request, 200, "z");
    CHECK(x.id() != y.id());
    CHECK(x.matches(Parsed(respond(request, 200, "x"))));
    CHECK_FALSE(x.matches(Parsed(respond(request, 200, "y"))));
    CHECK(z.state() == State::confirmed);
    CHECK(DialogId::of_response(Parsed(respond(request, 200, "y"))) == y.id());
}

TEST_CASE("RFC 3261 12.2.1.1: loose routes stand in Route, and the target in the Request-URI") {
    const Parsed request(invite(two_routes));
    auto d = called(request);
    const Parsed bye = built(d.request("BYE"));
    CHECK(bye->start_line() == "BYE sip:bob@192.0.2.9 SIP/2.0");
    CHECK(bye->values(Header::route) ==
          std::vector<std::string_view>{"<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"});
    CHECK(bye->header(Header::cseq) == "2 BYE");
    CHECK(bye->from_tag() == "f");
    CHECK(bye->to_tag() == "b");
    CHECK(d.next_hop() == "sip:p1.example.com;lr");
    CHECK(built(d.request("INFO"))->header(Header::cseq) == "3 INFO");
}

TEST_CASE("RFC 3261 12.2.1.1: a strict router stands in the Request-URI, and the target last") {
    const Parsed request(invite(
        "Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;method=INVITE;x=1>\r\n"));
    auto d = called(request);
    const Parsed bye = built(d.request("BYE"));
    CHECK(bye->request_uri() == "sip:p1.example.com;x=1");
    CHECK(bye->values(Header::route) ==
          std::vector<std::string_view>{"<sip:p2.example.com;lr>", "<sip:bob@192.0.2.9>"});
    CHECK(d.next_hop() == "sip:p1.example.com;method=INVITE;x=1");
}

TEST_CASE("RFC 3261 13.2.2.4: ACK has the number of its INVITE, whatever was sent since") {
    const Parsed request(invite());
    auto d = called(request);
    d.request("INFO");
    d.request("INVITE");
    CHECK(built(d.ack(1))->header(Header::cseq) == "1 ACK");
    CHECK(built(d.ack(3))->header(Header::cseq) == "3 ACK");
    CHECK(d.local_cseq() == 3u);
}

TEST_CASE("RFC 3261 12.2.2: a lower CSeq is answered with 500, ACK and CANCEL are not counted") {
    const Parsed request(invite());
    auto d = called(request);
    CHECK(d.on_request(Parsed(from_peer("INFO", 100))) == 0);
    CHECK(d.on_request(Parsed(from_peer("INFO", 99))) == 500);
    CHECK(d.on_request(Parsed(from_peer("INFO", 200))) == 0);
    CHECK(d.on_request(Parsed(from_peer("ACK", 1))) == 0);
    CHECK(d.remote_cseq() == 200u);
    CHECK(d.on_request(Parsed(from_peer("BYE", 201))) == 0);
    CHECK(d.state() == State::terminated);
}

TEST_CASE("RFC 3261 14.2: INVITEs that meet") {
    const Parsed request(invite());
    auto d = called(request);
    const Parsed theirs(from_peer("INVITE", 1)), next(from_peer("INVITE", 2)),
        third(from_peer("INVITE", 3));
    CHECK(d.on_request(theirs) == 0);
    CHECK(d.on_request(next) == 500);
    d.on_sent(Parsed(respond(next, 500, "")));
    CHECK(d.on_request(third) == 500);
    d.on_sent(Parsed(respond(theirs, 200, "")));
    const Parsed ours = built(d.request("INVITE"));
    CHECK(d.invite_pending());
    const Parsed fourth(from_peer("INVITE", 4));
    CHECK(d.on_request(fourth) == 491);
    d.on_response(Parsed(respond(ours, 491, "")));
    CHECK_FALSE(d.invite_pending());
    CHECK(d.state() == State::confirmed);
    CHECK(d.on_request(Parsed(from_peer("INVITE", 5))) == 0);
}

TEST_CASE(
    "RFC 3261 14.1: a re-INVITE that was challenged is settled by the answer to its second try") {
    const Parsed request(invite());
    auto d = called(request);
    d.request("INVITE");
    CHECK(d.invite_pending());
    d.set_local_cseq(3);
    const Parsed again = built(std::as_const(d).request("INVITE", 3));
    d.on_response(Parsed(respond(again, 180, "")));
    CHECK(d.invite_pending());
    d.on_response(Parsed(respond(again, 200, "")));
    CHECK_FALSE(d.invite_pending());
}

TEST_CASE("RFC 3261 12.2: the target follows INVITE, UPDATE and their 2xx, and nothing else") {
    const Parsed request(invite());
    auto d = called(request);
    const std::string contact = "Contact: <sip:new@192.0.2.7>\r\n";
    d.on_request(Parsed(from_peer("INFO", 1, contact)));
    CHECK(d.remote_target() == "sip:bob@192.0.2.9");
    d.on_request(Parsed(from_peer("UPDATE", 2, contact)));
    CHECK(d.remote_target() == "sip:new@192.0.2.7");
    const Parsed again = built(d.request("INVITE"));
    d.on_response(Parsed(respond(again, 180, "", "<sip:ringing@192.0.2.6>")));
    d.on_response(Parsed(respond(again, 488, "", "<sip:refused@192.0.2.6>")));
    CHECK(d.remote_target() == "sip:new@192.0.2.7");
    const Parsed once_more = built(d.request("INVITE"));
    d.on_response(Parsed(respond(once_more, 200, "", "<sip:moved@192.0.2.5>")));
    CHECK(d.remote_target() == "sip:moved@192.0.2.5");
}

TEST_CASE("RFC 3261 12.2.1.2: 481 and 408 within a dialog end it") {
    for (const int status : {481, 408, 500}) {
        const Parsed request(invite());
        auto d = called(request);
        const Parsed info = built(d.request("INFO"));
        d.on_response(Parsed(respond(info, status, "")));
        CHECK((d.state() == State::terminated) == (status != 500));
    }
}

TEST_CASE("RFC 6665 4.4.1: the NOTIFY makes the subscriber's dialog") {
    const Parsed subscribe(request_text({.method = "SUBSCRIBE"}));
    const Parsed notify(from_peer("NOTIFY", 9,
                                  "Contact: <sip:n@192.0.2.4>\r\nRecord-Route: "
                                  "<sip:a;lr>\r\nRecord-Route: <sip:b;lr>\r\n"));
    auto d = Dialog::as_subscriber(subscribe, notify);
    REQUIRE(d);
    CHECK(d->id() == DialogId{"c1", "f", "b"});
    CHECK(d->state() == State::confirmed);
    CHECK(d->remote_target() == "sip:n@192.0.2.4");
    CHECK(d->routes() == std::vector<std::string>{"<sip:a;lr>", "<sip:b;lr>"});
    CHECK(d->on_request(Parsed(from_peer("NOTIFY", 8))) == 500);
    CHECK(built(d->request("SUBSCRIBE"))->header(Header::cseq) == "2 SUBSCRIBE");
    const Parsed other(request_text({.method = "SUBSCRIBE", .call_id = "c2"}));
    CHECK_FALSE(Dialog::as_subscriber(other, notify));
}

TEST_CASE("RFC 3891 3: Replaces names the dialog from its receiver's side") {
    const Parsed request(invite());
    auto ours = called(request);
    auto theirs = Dialog::as_callee(request, "b");
    const std::string value = ours.replaces();
    CHECK(value == "c1;to-tag=b;from-tag=f");
    CHECK(theirs->named_by(*parse_replaces(value)));
    CHECK_FALSE(ours.named_by(*parse_replaces(value)));
    CHECK_FALSE(theirs->named_by(*parse_replaces("c2;to-tag=b;from-tag=f")));
}

TEST_CASE("RFC 3261 8.2.6: a response takes what it must of its request, folded or in lists") {
    const Parsed request(
        "INVITE sip:b SIP/2.0\r\nv: SIP/2.0/UDP 10.0.0.1:5062;rport;branch=z9hG4bK1,\r\n "
        "SIP/2.0/TCP p;branch=z9hG4bK0\r\nVia: SIP/2.0/UDP q\r\nf: <sip:a>;tag=1\r\nt: <sip:b>\r\n"
        "i: x\r\nCSeq: 1 INVITE\r\nTimestamp: 5\r\nRecord-Route: <sip:r;lr>\r\nSubject: "
        "no\r\n\r\n");
    const Hop from = between(5060, 40000, Transport::udp);
    const Parsed r(*response_to(request, from, 180, {}, "2").write());
    CHECK(r->start_line() == "SIP/2.0 180 Ringing");
    const auto vias = r->values(Header::via);
    REQUIRE(vias.size() == 3);
    CHECK(vias[0] == "SIP/2.0/UDP 10.0.0.1:5062;rport=40000;branch=z9hG4bK1;received=192.0.2.1");
    CHECK(vias[2] == "SIP/2.0/UDP q");
    CHECK(r->to_tag() == "2");
    CHECK(r->header(Header::record_route) == "<sip:r;lr>");
    CHECK(r->header(Header::timestamp) == "5");
    CHECK_FALSE(r->header(Header::subject));
    const Parsed trying(*response_to(request, 100, {}, "2").write());
    CHECK(trying->to_tag().empty());
    CHECK_FALSE(trying->header(Header::record_route));
    CHECK(Parsed(*response_to(request, 499).write())->reason() == "Bad Request");  // 8.1.3.2
    CHECK(Parsed(*response_to(request, 486, "No").write())->reason() == "No");
}
