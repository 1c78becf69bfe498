#include "libsipana/sip/transaction.h"

#include <doctest/doctest.h>

#include "libsipana/sip/response.h"
#include "tests/exact.h"
#include "tests/sip/watched.h"

using namespace sipana;
using namespace sipana::sip;
using Kind = Transactions::Kind;
using Lines = std::vector<std::string>;

namespace {

const Hop udp = between(5060, 5070, Transport::udp), tcp = between(5060, 5070, Transport::tcp);

Transactions::Id start(Watched& w, const Wanted& wanted, const Hop& hop = udp) {
    const auto id = w.machine.request(request_text(wanted), hop, w.now);
    REQUIRE(id != 0);
    return id;
}
Transactions::Id receive(Watched& w, const Wanted& wanted, const Hop& from = back(udp)) {
    const auto e = w.give(request_text(wanted), from);
    REQUIRE(e.kind == Kind::request);
    return e.id;
}

}  // namespace

// ---------------------------------------------------------------- table 4, client

TEST_CASE("RFC 3261 17.1.1.2: timer A doubles from T1, timer B ends it after 64*T1") {
    Watched w;
    start(w, {});
    w.run();
    CHECK(w.seen() == Lines{"0 INVITE", "500 INVITE", "1500 INVITE", "3500 INVITE", "7500 INVITE",
                            "15500 INVITE", "31500 INVITE", "32000 timed_out b"});
    CHECK(w.machine.size() == 0);
}

TEST_CASE("RFC 3261 17.1.1.2: over TCP there is no timer A, and B all the same") {
    Watched w;
    start(w, {}, tcp);
    w.run();
    CHECK(w.seen() == Lines{"0 INVITE", "32000 timed_out b"});
}

TEST_CASE("RFC 3261 17.1.2.2: timer E doubles up to T2, timer F ends it after 64*T1") {
    Watched w;
    start(w, {.method = "OPTIONS"});
    w.run();
    CHECK(w.seen() == Lines{"0 OPTIONS", "500 OPTIONS", "1500 OPTIONS", "3500 OPTIONS",
                            "7500 OPTIONS", "11500 OPTIONS", "15500 OPTIONS", "19500 OPTIONS",
                            "23500 OPTIONS", "27500 OPTIONS", "31500 OPTIONS",
                            "32000 timed_out f"});
    start(w, {.method = "OPTIONS"}, tcp);
    w.run(2000s);
    CHECK(w.seen() == Lines{"1000000 OPTIONS", "1032000 timed_out f"});
}

TEST_CASE("RFC 3261 17.1.2.2: after a provisional response timer E is T2") {
    Watched w;
    start(w, {.method = "OPTIONS"});
    w.run(100ms);
    CHECK(w.give(response_text({.method = "OPTIONS"}, 100), back(udp)).kind == Kind::response);
    w.run(10s);
    CHECK(w.seen() == Lines{"0 OPTIONS", "500 OPTIONS", "4500 OPTIONS", "8500 OPTIONS"});
}

TEST_CASE("RFC 3261 17.1.1.2: a provisional response stops A and B") {
    Watched w;
    start(w, {});
    w.run(100ms);
    CHECK(w.give(response_text({}, 100), back(udp)).kind == Kind::response);
    w.run();
    CHECK(w.seen() == Lines{"0 INVITE"});
    CHECK(w.machine.size() == 1);
    CHECK(w.machine.waiting() == 1);
    CHECK_FALSE(w.machine.deadline());
}

TEST_CASE("RFC 3261 16.8: timer C tells of an INVITE that rings for too long, 101 sets it anew") {
    Watched w({.c = 181s});
    start(w, {});
    w.give(response_text({}, 100), back(udp));
    w.run(100s);
    w.give(response_text({.to_tag = "b"}, 180), back(udp));
    w.run(200s);
    w.give(response_text({}, 100), back(udp));  // 16.7: not by a 100
    w.run(500s);
    CHECK(w.seen() == Lines{"0 INVITE", "281000 timer_c", "462000 timer_c"});
}

TEST_CASE("RFC 3261 17.1.1.2: timer D keeps a failed INVITE for 32 s to acknowledge its copies") {
    Watched w;
    const auto id = start(w, {});
    const auto busy = response_text({.to_tag = "b"}, 486);
    CHECK(w.give(busy, back(udp)).kind == Kind::response);
    w.run(31s);
    CHECK(w.give(busy, back(udp)).kind == Kind::absorbed);
    CHECK(w.give(response_text({.to_tag = "b"}, 200), back(udp)).kind == Kind::absorbed);
    CHECK(w.machine.alive(id));
    w.run(32s);
    CHECK_FALSE(w.machine.alive(id));
    CHECK(w.give(busy, back(udp)).kind == Kind::stray);
    CHECK(w.seen() == Lines{"0 INVITE", "0 ACK", "31000 ACK"});
    start(w, {}, tcp);
    CHECK(w.give(busy, back(tcp)).kind == Kind::response);
    CHECK(w.machine.size() == 0);  // D is zero
}

TEST_CASE("RFC 3261 17.1.2.2: timer K keeps another request for T4, over TCP not at all") {
    Watched w;
    const Wanted options{.method = "OPTIONS"};
    start(w, options);
    CHECK(w.give(response_text(options, 200), back(udp)).kind == Kind::response);
    w.run(4999ms);
    CHECK(w.give(response_text(options, 200), back(udp)).kind == Kind::absorbed);
    w.run(5s);
    CHECK(w.give(response_text(options, 200), back(udp)).kind == Kind::stray);
    start(w, options, tcp);
    w.give(response_text(options, 200), back(tcp));
    CHECK(w.machine.size() == 0);
}

TEST_CASE("RFC 6026 7.2: timer M, 64*T1 in which every 2xx goes to the user, of each fork") {
    for (const Hop& hop : {udp, tcp}) {
        Watched w;
        const auto id = start(w, {}, hop);
        for (const char* tag : {"x", "x", "y"}) {
            const auto e = w.give(response_text({.to_tag = tag}, 200), back(hop));
            CHECK(e.kind == Kind::response);
            CHECK(e.id == id);
        }
        CHECK(w.give(response_text({.to_tag = "z"}, 486), back(hop)).kind == Kind::absorbed);
        CHECK(w.give(response_text({.to_tag = "z"}, 180), back(hop)).kind == Kind::absorbed);
        w.run(31999ms);
        CHECK(w.give(response_text({.to_tag = "x"}, 200), back(hop)).kind == Kind::response);
        w.run(32s);
        CHECK(w.give(response_text({.to_tag = "x"}, 200), back(hop)).kind == Kind::stray);
        CHECK(w.seen() == Lines{"0 INVITE"});
    }
}

// ---------------------------------------------------------------- table 4, server

TEST_CASE("RFC 3261 17.2.1: timer G doubles up to T2, timer H ends it after 64*T1 without ACK") {
    Watched w;
    const auto id = receive(w, {});
    CHECK(w.machine.respond(id, response_text({.to_tag = "b"}, 486), w.now));
    w.run();
    CHECK(w.seen() == Lines{"0 486", "500 486", "1500 486", "3500 486", "7500 486", "11500 486",
                            "15500 486", "19500 486", "23500 486", "27500 486", "31500 486",
                            "32000 timed_out h"});
    const auto again = receive(w, {}, back(tcp));
    w.machine.respond(again, response_text({.to_tag = "b"}, 486), w.now);
    w.run(2000s);
    CHECK(w.seen() == Lines{"1000000 486", "1032000 timed_out h"});
}

TEST_CASE("RFC 3261 17.2.1: ACK stops G and H, timer I absorbs its copies for T4") {
    Watched w;
    const auto id = receive(w, {});
    w.machine.respond(id, response_text({.to_tag = "b"}, 486), w.now);
    w.run(600ms);
    const std::string ack = request_text({.method = "ACK", .to_tag = "b"});
    const auto e = w.give(ack, back(udp));
    CHECK(e.kind == Kind::ack);
    CHECK(e.id == id);
    w.run(5s);
    CHECK(w.give(ack, back(udp)).kind == Kind::absorbed);
    CHECK(w.give(request_text({}), back(udp)).kind == Kind::absorbed);
    w.run(5600ms);
    CHECK(w.machine.size() == 0);
    CHECK(w.seen() == Lines{"0 486", "500 486"});
    const auto over_tcp = receive(w, {}, back(tcp));
    w.machine.respond(over_tcp, response_text({.to_tag = "b"}, 486), w.now);
    CHECK(w.give(ack, back(tcp)).kind == Kind::ack);
    CHECK(w.machine.size() == 0);  // I is zero
}

TEST_CASE("RFC 3261 17.2.2: timer J repeats the final response for 64*T1, over TCP not at all") {
    Watched w;
    const Wanted options{.method = "OPTIONS"};
    const auto id = receive(w, options);
    CHECK(w.give(request_text(options), back(udp)).kind == Kind::absorbed);  // trying: silence
    w.machine.respond(id, response_text(options, 100), w.now);
    CHECK(w.give(request_text(options), back(udp)).kind == Kind::absorbed);
    w.machine.respond(id, response_text(options, 200), w.now);
    CHECK_FALSE(w.machine.respond(id, response_text(options, 500), w.now));
    w.run(31999ms);
    CHECK(w.give(request_text(options), back(udp)).kind == Kind::absorbed);
    w.run(32s);
    CHECK(w.seen() == Lines{"0 100", "0 100", "0 200", "31999 200"});
    CHECK(w.machine.size() == 0);
    w.machine.respond(receive(w, options, back(tcp)), response_text(options, 200), w.now);
    CHECK(w.machine.size() == 0);
}

TEST_CASE("RFC 4320 4.2: a request that is not answered within 64*T1 is answered no more") {
    Watched w;
    const Wanted options{.method = "OPTIONS"};
    const auto id = receive(w, options);
    w.machine.respond(id, response_text(options, 100), w.now);
    w.run(31999ms);
    CHECK(w.machine.waiting() == 1);
    w.run(32s);
    CHECK_FALSE(w.machine.respond(id, response_text(options, 200), w.now));
    CHECK(w.machine.size() + w.machine.waiting() == 0);
    const auto invite = receive(w, {});
    w.run();
    CHECK(w.machine.respond(invite, response_text({.to_tag = "b"}, 200), w.now));  // rang for long
}

TEST_CASE("RFC 6026 7.1: timer L absorbs copies of an accepted INVITE for 64*T1") {
    Watched w;
    const auto id = receive(w, {});
    w.machine.respond(id, response_text({.to_tag = "b"}, 200), w.now);
    w.machine.stop_repeating(id);
    w.run(31999ms);
    CHECK(w.give(request_text({}), back(udp)).kind == Kind::absorbed);
    w.run(32s);
    CHECK(w.seen() == Lines{"0 200"});
    CHECK(w.give(request_text({}), back(udp)).kind == Kind::request);
}

TEST_CASE("RFC 3261 17.2.1: an INVITE that waits for its user for 200 ms is answered with 100") {
    Watched w;
    receive(w, {});
    w.run(1s);
    CHECK(w.give(request_text({}), back(udp)).kind == Kind::absorbed);
    CHECK(w.seen() == Lines{"200 100", "1000 100"});
    w.machine.respond(receive(w, {.branch = "z9hG4bK2"}), response_text({}, 180), w.now);
    w.run(2s);
    CHECK(w.seen() == Lines{"1000 180"});
    w.machine.set(receive(w, {.branch = "z9hG4bK3"}), {.no_trying = true});
    w.run(3s);
    CHECK(w.seen() == Lines{});
}

TEST_CASE("RFC 3581 4: that 100 says where the INVITE came from") {
    Watched w;
    const std::string text = request_text({.via = "SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bK1"});
    const auto invite = Message::parse(text);
    w.machine.on_message(*invite, between(5070, 40000, Transport::udp), 0s);
    w.machine.on_timer(200ms);
    const auto out = w.machine.poll();
    REQUIRE(out);
    CHECK(out->hop.remote == at(40000));
    CHECK(Message::parse(*out->text)->header(Header::via) ==
          "SIP/2.0/UDP 10.0.0.1;rport=40000;branch=z9hG4bK1;received=192.0.2.1");
}

// ---------------------------------------------------------------- 2xx and reliable responses

TEST_CASE("RFC 3261 13.3.1.4: a 2xx is repeated from T1 to T2 over any transport, until its ACK") {
    for (const Hop& hop : {udp, tcp}) {
        Watched w;
        const auto id = receive(w, {}, back(hop));
        w.machine.respond(id, response_text({.to_tag = "b"}, 200), w.now);
        w.run(8s);
        CHECK(w.seen() == Lines{"0 200", "500 200", "1500 200", "3500 200", "7500 200"});
        CHECK(w.machine.waiting() == 1);
        const auto ack = request_text({.method = "ACK", .branch = "z9hG4bK9", .to_tag = "b"});
        auto e = w.give(ack, back(hop));
        CHECK(e.kind == Kind::ack);
        CHECK(e.id == id);
        CHECK_FALSE(e.retransmission);
        CHECK(w.machine.waiting() == 0);
        e = w.give(ack, back(hop));
        CHECK(e.id == id);
        CHECK(e.retransmission);
        w.run();
        CHECK(w.seen() == Lines{});
        CHECK(w.machine.size() == 0);
        e = w.give(ack, back(hop));
        CHECK(e.kind == Kind::ack);
        CHECK(e.id == 0);
    }
}

TEST_CASE("RFC 3261 13.3.1.4: a 2xx without ACK is given up after 64*T1") {
    Watched w;
    const auto id = receive(w, {});
    w.machine.respond(id, response_text({.to_tag = "b"}, 200), w.now);
    w.run(31s);
    w.seen();
    // An ACK of another dialog, and of another request, is not its ACK.
    CHECK(w.give(request_text({.method = "ACK", .branch = "z9hG4bKa", .to_tag = "c"}), back(udp))
              .id == 0);
    CHECK(w.give(request_text({.method = "ACK", .branch = "z9hG4bKb", .to_tag = "b", .cseq = 2}),
                 back(udp))
              .id == 0);
    w.run();
    CHECK(w.seen() == Lines{"31500 200", "32000 timed_out ack"});
    CHECK(w.machine.size() == 0);
}

TEST_CASE("RFC 6026 7.1: a second 2xx, of another fork, is repeated until its own ACK") {
    Watched w;
    const auto id = receive(w, {});
    CHECK(w.machine.respond(id, response_text({.to_tag = "x"}, 200), w.now));
    w.run(100ms);
    CHECK(w.machine.respond(id, response_text({.to_tag = "y"}, 200), w.now));
    CHECK_FALSE(w.machine.respond(id, response_text({.to_tag = "y"}, 486), w.now));
    w.run(600ms);
    w.seen();
    CHECK(w.give(request_text({.method = "ACK", .branch = "z9hG4bK7", .to_tag = "x"}), back(udp))
              .id == id);
    w.run(1700ms);
    CHECK(w.seen() == Lines{"1600 200"});
    CHECK(w.give(request_text({.method = "ACK", .branch = "z9hG4bK8", .to_tag = "y"}), back(udp))
              .id == id);
    w.run();
    CHECK(w.seen() == Lines{});
    CHECK(w.machine.size() == 0);
}

TEST_CASE("RFC 3261 16.7: a proxy's transaction sends each 2xx once, whenever it is given") {
    Watched w;
    const auto id = receive(w, {});
    w.machine.set(id, {.no_repeat = true});
    for (const char* tag : {"x", "x", "y"})
        CHECK(w.machine.respond(id, response_text({.to_tag = tag}, 200), w.now));
    CHECK(w.machine.waiting() == 0);
    const auto e =
        w.give(request_text({.method = "ACK", .branch = "z9hG4bK9", .to_tag = "x"}), back(udp));
    CHECK(e.kind == Kind::ack);
    CHECK(e.id == 0);
    w.run();
    CHECK(w.seen() == Lines{"0 200", "0 200", "0 200"});
    CHECK(w.machine.size() == 0);
}

TEST_CASE("RFC 3262 3: a reliable response is repeated, doubling, until its PRACK or 64*T1") {
    for (const Hop& hop : {udp, tcp}) {
        Watched w;
        const auto id = receive(w, {}, back(hop));
        CHECK(w.machine.respond_reliably(id, response_text({.to_tag = "b"}, 183), w.now));
        w.run();
        CHECK(w.seen() == Lines{"0 183", "500 183", "1500 183", "3500 183", "7500 183", "15500 183",
                                "31500 183", "32000 timed_out prack"});
        CHECK(w.machine.alive(id));
        CHECK(w.machine.respond(id, response_text({.to_tag = "b"}, 504), w.now));
    }
    Watched w;
    const auto id = receive(w, {});
    w.machine.respond_reliably(id, response_text({.to_tag = "b"}, 183), w.now);
    w.run(600ms);
    w.machine.stop_repeating_provisional(id);
    w.run(10s);
    CHECK(w.seen() == Lines{"0 183", "500 183"});
    w.machine.respond_reliably(id, response_text({.to_tag = "b"}, 180), w.now);
    w.machine.respond(id, response_text({.to_tag = "b"}, 486), w.now);  // ends it too
    w.run(11s);
    CHECK(w.seen() == Lines{"10000 180", "10000 486", "10500 486"});
}

// ---------------------------------------------------------------- CANCEL

TEST_CASE("RFC 3261 9.1: CANCEL waits for a provisional response") {
    Watched w;
    const auto invite = start(w, {});
    const auto cancel = w.machine.cancel(invite, w.now);
    CHECK(cancel != 0);
    CHECK(w.machine.cancel(invite, w.now) == cancel);
    w.run(1s);
    CHECK(w.seen() == Lines{"0 INVITE", "500 INVITE"});
    w.give(response_text({}, 100), back(udp));
    CHECK(w.seen() == Lines{"1000 CANCEL"});
    const auto e = w.give(response_text({.method = "CANCEL"}, 200), back(udp));
    CHECK(e.kind == Kind::response);
    CHECK(e.id == cancel);
    CHECK(e.invite == invite);
    CHECK(w.give(response_text({.to_tag = "b"}, 487), back(udp)).id == invite);
    CHECK(w.seen() == Lines{"1000 ACK"});
    CHECK(w.machine.cancel(invite, w.now) == 0);
}

TEST_CASE("RFC 3261 9.1: CANCEL has the INVITE's Via, CSeq number and route, and nothing more") {
    Watched w;
    const auto invite = start(w, {.extra = "Route: <sip:p;lr>\r\nProxy-Require: x\r\n", .cseq = 7});
    w.give(response_text({.cseq = 7}, 180), back(udp));
    while (w.machine.poll()) continue;
    REQUIRE(w.machine.cancel(invite, w.now) != 0);
    const auto out = w.machine.poll();
    REQUIRE(out);
    const auto m = Message::parse(*out->text);
    REQUIRE(m);
    CHECK(m->method() == Method::cancel);
    CHECK(m->request_uri() == "sip:bob@192.0.2.1:5070");
    CHECK(m->branch() == "z9hG4bK1");
    CHECK(m->header(Header::cseq) == "7 CANCEL");
    CHECK(m->header(Header::route) == "<sip:p;lr>");
    CHECK_FALSE(m->header(Header::proxy_require));
    CHECK(m->to_tag().empty());
    CHECK(out->hop == udp);
}

TEST_CASE("RFC 3261 9.1: a cancelled INVITE without a final response ends 64*T1 after its CANCEL") {
    Watched w;
    const auto invite = start(w, {});
    w.give(response_text({.to_tag = "b"}, 180), back(udp));
    w.run(10s);
    w.machine.cancel(invite, w.now);
    w.give(response_text({.method = "CANCEL"}, 200), back(udp));
    w.give(response_text({.to_tag = "b"}, 180), back(udp));
    w.run();
    CHECK(w.seen() == Lines{"0 INVITE", "10000 CANCEL", "42000 timed_out cancelled"});
}

TEST_CASE("RFC 3261 9.1: a CANCEL that waits is not sent once the INVITE has its answer") {
    Watched w;
    const auto invite = start(w, {});
    const auto cancel = w.machine.cancel(invite, w.now);
    w.give(response_text({.to_tag = "b"}, 200), back(udp));
    CHECK_FALSE(w.machine.alive(cancel));
    CHECK(w.machine.cancel(invite, w.now) == 0);
    w.run();
    CHECK(w.seen() == Lines{"0 INVITE"});
}

TEST_CASE("RFC 3261 9.2: CANCEL finds its INVITE, and has a transaction of its own") {
    Watched w;
    const auto invite = receive(w, {});
    auto e = w.give(request_text({.method = "CANCEL"}), back(udp));
    CHECK(e.kind == Kind::cancel);
    CHECK(e.invite == invite);
    CHECK(e.id != invite);
    CHECK(w.machine.respond(e.id, response_text({.method = "CANCEL"}, 200), w.now));
    CHECK(w.machine.respond(invite, response_text({.to_tag = "b"}, 487), w.now));
    w.drain();
    w.seen();
    CHECK(w.give(request_text({.method = "CANCEL"}), back(udp)).kind == Kind::absorbed);
    CHECK(w.seen() == Lines{"0 200"});
    e = w.give(request_text({.method = "CANCEL", .branch = "z9hG4bKother"}), back(udp));
    CHECK(e.kind == Kind::cancel);
    CHECK(e.invite == 0);
}

// ---------------------------------------------------------------- matching

TEST_CASE("RFC 3261 17.1.3: a response belongs by branch and method, whoever sent it") {
    Watched w;
    start(w, {});
    CHECK(w.give(response_text({.branch = "z9hG4bK2"}, 180), back(udp)).kind == Kind::stray);
    CHECK(w.give(response_text({.method = "BYE"}, 200), back(udp)).kind == Kind::stray);
    CHECK(w.give(response_text({}, 180), between(9, 9, Transport::udp)).kind == Kind::response);
}

TEST_CASE("RFC 3261 17.2.3: a request belongs by branch, sent-by and method") {
    Watched w;
    receive(w, {.method = "INFO", .call_id = "1"});
    receive(w, {.method = "OPTIONS", .call_id = "2"});
    receive(
        w, {.method = "INFO", .call_id = "3", .via = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1"});
    receive(
        w, {.method = "INFO", .call_id = "4", .via = "SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK1"});
    CHECK(w.give(request_text({.method = "INFO"}), back(udp)).kind == Kind::absorbed);
    CHECK(w.machine.size() == 4);
}

TEST_CASE("RFC 3261 17.2.3: without the cookie a request belongs by URI, tags, Call-ID and Via") {
    Watched w;
    const Wanted old{.branch = "1"};
    const auto id = receive(w, old);
    CHECK(w.give(request_text(old), back(udp)).kind == Kind::absorbed);
    receive(w, {.branch = "1", .call_id = "c2"});
    receive(w, {.branch = "1", .cseq = 2});
    receive(w, {.branch = "1", .from_tag = "g"});
    w.machine.respond(id, response_text({.branch = "1", .to_tag = "b"}, 404), w.now);
    const auto e = w.give(request_text({.method = "ACK", .branch = "1", .to_tag = "b"}), back(udp));
    CHECK(e.kind == Kind::ack);
    CHECK(e.id == id);
    const auto cancelled = w.give(request_text({.method = "CANCEL", .branch = "1"}), back(udp));
    CHECK(cancelled.invite == id);
    // As a client without the cookie, or without any branch.
    for (const std::string via : {"SIP/2.0/UDP 192.0.2.1;branch=7", "SIP/2.0/UDP 192.0.2.1"}) {
        const auto ours = start(w, {.method = "INFO", .via = via});
        std::string response = response_text({.method = "INFO"}, 200);
        const auto from = response.find("SIP/2.0/UDP");
        response.replace(from, response.find("\r\n", from) - from, via);
        CHECK(w.give(response, back(udp)).id == ours);
    }
}

TEST_CASE("RFC 3261 8.2.2.2: the same request by another way is told to be merged") {
    Watched w;
    const auto first = receive(w, {});
    auto e = w.give(request_text({.branch = "z9hG4bK2"}), back(udp));
    CHECK(e.kind == Kind::request);
    CHECK(e.merged == first);
    CHECK(w.give(request_text({.branch = "z9hG4bK3", .cseq = 2}), back(udp)).merged == 0);
    CHECK(w.give(request_text({.branch = "z9hG4bK4", .to_tag = "b"}), back(udp)).merged == 0);
    CHECK(w.give(request_text({.method = "INFO", .branch = "z9hG4bK5"}), back(udp)).merged == 0);
}

TEST_CASE("RFC 3261 17.1.1.3: the ACK to a failure is made of the INVITE and the response's To") {
    Watched w;
    start(w, {.extra = "Route: <sip:a;lr>, <sip:b;lr>\r\nContact: <sip:x>\r\n",
              .cseq = 5,
              .via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.9"});
    while (w.machine.poll()) continue;
    const auto m = Message::parse(response_text({.to_tag = "bob", .cseq = 5}, 404));
    const std::string text = response_text({.to_tag = "bob", .cseq = 5}, 404);
    w.machine.on_message(*Message::parse(text), back(udp), w.now);
    const auto out = w.machine.poll();
    REQUIRE(out);
    const auto ack = Message::parse(*out->text);
    REQUIRE(ack);
    CHECK(ack->start_line() == "ACK sip:bob@192.0.2.1:5070 SIP/2.0");
    CHECK(ack->header(Header::via) == "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1");
    CHECK(ack->values(Header::via).size() == 1);
    CHECK(ack->to_tag() == "bob");
    CHECK(ack->from_tag() == "f");
    CHECK(ack->header(Header::cseq) == "5 ACK");
    CHECK(ack->values(Header::route).size() == 2);
    CHECK_FALSE(ack->header(Header::contact));
}

TEST_CASE("RFC 3261 18.2.2, RFC 3581 4: where responses go") {
    const auto reply = [](std::string_view via, Transport transport) {
        const std::string text = request_text({.via = std::string(via)});
        return reply_hop(*Message::parse(text), between(5070, 40000, transport)).remote;
    };
    CHECK(reply("SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1", Transport::udp) == at(5062));
    CHECK(reply("SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1", Transport::udp) == at(5060));
    CHECK(reply("SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bK1", Transport::udp) == at(40000));
    CHECK(reply("SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK1", Transport::tcp) == at(40000));
    CHECK(
        reply("SIP/2.0/UDP 10.0.0.1;maddr=192.0.2.9;branch=z9hG4bK1", Transport::udp).to_string() ==
        "192.0.2.9:5060");
}

// ---------------------------------------------------------------- what is left undone, and trouble

TEST_CASE("a transaction leaves undone what it is told to") {
    Watched w;
    w.machine.request(request_text({}), udp, w.now, {.no_retransmission = true});
    w.run(40s);
    CHECK(w.seen() == Lines{"0 INVITE", "32000 timed_out b"});
    const auto id = w.machine.request(request_text({}), udp, w.now, {.no_ack = true});
    CHECK(w.give(response_text({.to_tag = "b"}, 486), back(udp)).id == id);
    CHECK(w.give(response_text({.to_tag = "b"}, 486), back(udp)).kind == Kind::absorbed);
    CHECK(w.seen() == Lines{"40000 INVITE"});
    w.machine.forget(id);
    CHECK(w.machine.size() == 0);
    CHECK_FALSE(w.machine.deadline());
}

TEST_CASE("RFC 3261 17.1.4, 17.2.4: who needs a broken way is told, and others are not") {
    Watched w;
    const auto calling = start(w, {});
    const auto elsewhere = start(w, {.branch = "z9hG4bK2"}, between(5060, 5099, Transport::udp));
    const auto ringing = start(w, {.branch = "z9hG4bK3"});
    w.give(response_text({.branch = "z9hG4bK3"}, 180), back(udp));
    const auto refused = receive(w, {.branch = "z9hG4bK4"}, {at(5060), at(5070), Transport::udp});
    w.seen();
    w.machine.on_unreachable(udp, w.now);
    w.drain();
    CHECK(w.seen() == Lines{"0 unreachable"});
    CHECK_FALSE(w.machine.alive(calling));
    CHECK(w.machine.alive(elsewhere));
    CHECK(w.machine.alive(ringing));
    CHECK(w.machine.alive(refused));
}

TEST_CASE("what cannot be read goes out all the same, and starts no transaction") {
    Watched w;
    CHECK(w.machine.request("garbage", udp, w.now) == 0);
    CHECK(w.machine.request("OPTIONS sip:a SIP/2.0\r\nTo: <sip:a>\r\n\r\n", udp, w.now) == 0);
    CHECK(w.machine.request(request_text({.method = "ACK"}), udp, w.now) == 0);
    w.drain();
    CHECK(w.seen().size() == 3);
    CHECK(w.machine.size() == 0);
    const auto id = receive(w, {});
    CHECK(w.machine.respond(id, "garbage", w.now));
    CHECK(w.machine.respond(id, response_text({.to_tag = "b"}, 404), w.now));
    CHECK_FALSE(w.machine.respond(77, "x", w.now));
}

TEST_CASE("a request without Via is unusable, one without the rest can be answered with 400") {
    Watched w;
    CHECK(w.give("OPTIONS sip:a SIP/2.0\r\nTo: <sip:a>\r\n\r\n", udp).kind == Kind::unusable);
    const auto e =
        w.give("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx\r\n\r\n", udp);
    CHECK(e.kind == Kind::request);
    CHECK(w.machine.respond(e.id, "SIP/2.0 400 Bad Request\r\n\r\n", w.now));
    CHECK(w.give("SIP/2.0 200 OK\r\nTo: <sip:a>\r\n\r\n", udp).kind == Kind::stray);
    CHECK(w.give("ACK sip:a SIP/2.0\r\nTo: <sip:a>\r\n\r\n", udp).kind == Kind::ack);
}

TEST_CASE("a request and a response cut off anywhere do no harm") {
    const std::string texts[] = {request_text({}), request_text({.method = "ACK"}),
                                 request_text({.method = "CANCEL"}),
                                 response_text({.to_tag = "b"}, 404)};
    Watched w;
    for (const std::string& text : texts)
        for (std::size_t n = 0; n <= text.size(); ++n) {
            const Exact cut(std::string_view(text).substr(0, n));
            w.machine.request(std::string(cut.text()), udp, w.now);
            if (const auto m = Message::parse(cut.text())) w.machine.on_message(*m, udp, w.now);
        }
    w.run();
    CHECK(w.machine.size() <= w.machine.waiting());
}

// ---------------------------------------------------------------- texts that need no reading

TEST_CASE("a text that its writer names makes the same transactions as one that is read") {
    Watched read, named;
    const Wanted invite{.to_tag = "t"};
    const auto text = std::make_shared<const std::string>(request_text({}));
    start(read, {});
    named.machine.request(text, {"INVITE", "z9hG4bK1"}, udp, named.now);
    for (Watched* w : {&read, &named}) {
        w->run(600ms);
        w->give(response_text(invite, 180), back(udp));
        CHECK(w->give(response_text(invite, 200), back(udp)).kind == Kind::response);
        CHECK(w->give(response_text(invite, 200), back(udp)).kind == Kind::response);
        w->run();
    }
    CHECK(read.seen() == named.seen());
}

TEST_CASE(
    "RFC 3261 13.3.1.4: a 2xx whose To tag is given is repeated until the ACK that names it") {
    for (const bool acknowledged : {true, false}) {
        Watched w;
        const auto id = receive(w, {});
        const Wanted answer{.to_tag = "t"};
        const auto text = std::make_shared<const std::string>(response_text(answer, 200));
        CHECK(w.machine.respond(id, text, {200, "t"}, w.now));
        w.run(700ms);
        const Wanted ack{
            .method = "ACK", .branch = "z9hG4bK2", .to_tag = acknowledged ? "t" : "another"};
        const auto e = w.give(request_text(ack), back(udp));
        CHECK(e.kind == Kind::ack);
        CHECK(e.id == (acknowledged ? id : 0));
        CHECK((w.machine.waiting() == 0) == acknowledged);
    }
}

TEST_CASE("RFC 3581 4: a Via is answered alike however it is written") {
    const Hop from = between(5070, 40000, Transport::udp);
    struct {
        const char *plain, *spaced;
    } const vias[] = {
        {"SIP/2.0/UDP 192.0.2.9:5060;rport;branch=z9hG4bK1",
         "SIP/2.0/UDP 192.0.2.9:5060 ; rport ;branch=z9hG4bK1"},
        {"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport",
         "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1; rport"},
        {"SIP/2.0/UDP h.example.com;x=1=2;rport;y;branch=z9hG4bK1",
         "SIP/2.0/UDP h.example.com;x=1=2 ;rport;y;branch=z9hG4bK1"},
        {"SIP/2.0/UDP 192.0.2.9:5060;rport=7;branch=z9hG4bK1",
         "SIP/2.0/UDP 192.0.2.9:5060; rport=7;branch=z9hG4bK1"},
        {"SIP/2.0/UDP 192.0.2.9:5062;rport;maddr=192.0.2.7;branch=z9hG4bK1",
         "SIP/2.0/UDP 192.0.2.9:5062; rport;maddr=192.0.2.7;branch=z9hG4bK1"},
        {"SIP/2.0/UDP 192.0.2.9:5062;received=1.2.3.4;rport;branch=z9hG4bK1",
         "SIP/2.0/UDP 192.0.2.9:5062; received=1.2.3.4;rport;branch=z9hG4bK1"},
        {"SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bK1",
         "SIP/2.0/UDP 192.0.2.9:5062; branch=z9hG4bK1"},
        {"SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bK1;rportal",
         "SIP/2.0/UDP 192.0.2.9:5062; branch=z9hG4bK1;rportal"},
    };
    for (const auto& via : vias) {
        CAPTURE(via.plain);
        CHECK(marked_via(via.plain, from) == marked_via(via.spaced, from));
        const std::string plain = request_text({.via = via.plain});
        const std::string spaced = request_text({.via = via.spaced});
        CHECK(reply_hop(*Message::parse(plain), from) == reply_hop(*Message::parse(spaced), from));
    }
}
