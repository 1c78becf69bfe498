#include "libsipana/sip/builder.h"

#include <doctest/doctest.h>

#include <string>

#include "libsipana/sip/check.h"
#include "tests/exact.h"

using namespace sipana;
using namespace sipana::sip;

TEST_CASE(
    "RFC 3261 7: what is built is read back as it was meant, and check() has nothing to say") {
    const auto text = Builder::request("INVITE", "sip:bob@example.com")
                          .add(Header::via, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1")
                          .add(Header::max_forwards, "70")
                          .add(Header::from, "\"A\" <sip:a@example.com>;tag=1")
                          .add(Header::to, "<sip:bob@example.com>")
                          .add(Header::call_id, "x@192.0.2.1")
                          .add(Header::cseq, "1 INVITE")
                          .add("Contact", " <sip:a@192.0.2.1> ")
                          .add(Header::content_length, "999")
                          .body("application/sdp", "v=0\r\n")
                          .write();
    REQUIRE(text);
    const auto m = Message::parse(*text);
    REQUIRE(m);
    CHECK(m->request_uri() == "sip:bob@example.com");
    CHECK(m->header(Header::contact) == "<sip:a@192.0.2.1>");
    CHECK(m->content_length() == 5u);
    CHECK(m->body() == "v=0\r\n");
    CHECK(m->fields().size() == 9);
    std::vector<Finding> findings;
    check(*m, findings);
    for (const Finding& f : findings) MESSAGE(std::string(f.rule) << ": " << f.text);
    CHECK(findings.empty());
}

TEST_CASE("RFC 3261 7.2: a response, also without a reason phrase") {
    const auto text = Builder::response(180, "").add(Header::cseq, "1 INVITE").write();
    REQUIRE(text);
    CHECK(text->starts_with("SIP/2.0 180 \r\n"));
    CHECK(Message::parse(*text)->status() == 180);
    CHECK_FALSE(Builder::response(99, "x").add(Header::cseq, "1 A").write());
    CHECK_FALSE(Builder::response(700, "x").add(Header::cseq, "1 A").write());
    CHECK_FALSE(Builder::response(0, "x").add(Header::cseq, "1 A").write());
}

TEST_CASE("no value brings a second header field in") {
    const auto refused = [](std::string_view method, std::string_view uri, std::string_view name,
                            std::string_view value) {
        return !Builder::request(method, uri).add(name, value).write();
    };
    CHECK_FALSE(refused("A", "sip:a", "X", "y"));
    CHECK(refused("A B", "sip:a", "X", "y"));
    CHECK(refused("", "sip:a", "X", "y"));
    CHECK(refused("A", "sip:a b", "X", "y"));
    CHECK(refused("A", "", "X", "y"));
    CHECK(refused("A", "sip:a\r\nEvil: 1", "X", "y"));
    CHECK(refused("A", "sip:a", "X", "y\r\nEvil: 1"));
    CHECK(refused("A", "sip:a", "X", "\r\nEvil: 1"));
    CHECK(refused("A", "sip:a", "X", "y\n"));
    CHECK(refused("A", "sip:a", "X", std::string_view("y\0", 2)));
    CHECK(refused("A", "sip:a", "X: y\r\nEvil", "1"));
    CHECK(refused("A", "sip:a", "", "y"));
    CHECK_FALSE(Builder::response(200, "OK\r\nEvil: 1").add("X", "y").write());
    CHECK(Builder::request("A", "sip:a").write());
}

TEST_CASE("a message written again is the same message, unfolded") {
    const Exact text(
        std::string_view("INVITE sip:bob@b SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\nSubject: "
                         "a\r\n  b\r\nl: 3\r\nCSeq : 1 INVITE\r\n\r\nabcdef"));
    const auto m = Message::parse(text.text());
    REQUIRE(m);
    const auto written = Builder::from(*m).write();
    REQUIRE(written);
    const auto again = Message::parse(*written);
    REQUIRE(again);
    CHECK(again->start_line() == m->start_line());
    CHECK(again->header(Header::subject) == "a b");
    CHECK(again->branch() == m->branch());
    CHECK(again->body() == "abc");
    CHECK(Builder::from(*again).write().has_value());
    CHECK(*Builder::from(*again).write() == *written);
}

TEST_CASE("RFC 3261 7.3.1: a field is set, stripped and put in front under either of its names") {
    auto b = Builder::request("INVITE", "sip:bob@example.com");
    b.add("v", "SIP/2.0/UDP a").add("Contact", "<sip:a>").add("m", "<sip:b>").add("X-One", "1");
    b.set("contact", "<sip:c>").set("X-Two", "2").strip("x-one").add_first("Route", "<sip:p;lr>");
    CHECK(b.has("Via"));
    CHECK(!b.has("X-One"));
    const auto text = b.write();
    REQUIRE(text);
    CHECK(*text ==
          "INVITE sip:bob@example.com SIP/2.0\r\nRoute: <sip:p;lr>\r\nv: SIP/2.0/UDP a\r\n"
          "Contact: <sip:c>\r\nX-Two: 2\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("a value of the message itself may be added and set, and there is always room") {
    auto b = Builder::request("INVITE", "sip:bob@example.com");
    b.add("X-One", std::string(700, 'a')).add("X-Two", b.value("X-One"));
    b.set("X-One", b.uri()).add("X-Three", b.value("X-Two"));
    b.body("text/plain", b.value("X-Three"));
    const auto text = b.write();
    REQUIRE(text);
    const auto m = Message::parse(*text);
    REQUIRE(m);
    CHECK(m->header("X-One") == "sip:bob@example.com");
    CHECK(m->header("X-Two") == std::string(700, 'a'));
    CHECK(m->header("X-Three") == std::string(700, 'a'));
    CHECK(m->body() == std::string(700, 'a'));
}
