#include "libsipana/sip/fields.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/exact.h"

using namespace sipana;
using namespace sipana::sip;

TEST_CASE("RFC 3261 20.42: Via taken apart, white space and all") {
    const Exact text(std::string_view(
        "SIP / 2.0 / UDP  first.example.com : 4000 ;ttl=16 ;maddr=224.2.0.1;branch=z9hG4bKa7c6;"
        "received=192.0.2.1 ; rport"));
    const auto via = parse_via(text.text());
    REQUIRE(via);
    CHECK(via->protocol == "SIP");
    CHECK(via->version == "2.0");
    CHECK(via->transport == "UDP");
    CHECK(via->host == "first.example.com");
    CHECK(via->port == 4000);
    CHECK(via->ttl() == 16);
    CHECK(via->maddr() == "224.2.0.1");
    CHECK(via->branch() == "z9hG4bKa7c6");
    CHECK(via->received() == "192.0.2.1");
    REQUIRE(via->rport());
    CHECK(via->rport()->empty());
    CHECK_FALSE(via->bad_port);
}

TEST_CASE("RFC 3261 20.42: Via with IPv6, without port, and what is no Via") {
    const auto six = parse_via("SIP/2.0/TLS [2001:db8::1]:5061;branch=x");
    REQUIRE(six);
    CHECK(six->host == "2001:db8::1");
    CHECK(six->is_ipv6);
    CHECK(six->port == 5061);
    const auto bare = parse_via("SIP/2.0/UDP fe80:0:0:0:21a:a0ff:fe07:32e0:5060");
    REQUIRE(bare);
    CHECK(bare->host == "fe80:0:0:0:21a:a0ff:fe07:32e0");
    CHECK(bare->port == 5060);
    CHECK(bare->bad_port);
    CHECK(parse_via("SIP/2.0/UDP h:99999")->bad_port);
    CHECK(parse_via("SIP/2.0/UDP [::1")->bad_port);
    CHECK_FALSE(parse_via("SIP/2.0/UDP h")->port);
    for (const char* bad : {"", ";", "SIP/2.0 UDP h", "h:5060"}) CHECK_FALSE(parse_via(bad));
}

TEST_CASE("RFC 3261 20.10: addresses with and without display name and brackets") {
    const auto quoted = parse_name_addr(
        "\"A. G. \\\"Bell\\\"\" <sip:agb@bell-telephone.com;user=phone> ;tag=a48s ; x=\"y;z\"");
    REQUIRE(quoted);
    CHECK(quoted->display_quoted);
    CHECK(quoted->display_name() == "A. G. \"Bell\"");
    CHECK(quoted->uri == "sip:agb@bell-telephone.com;user=phone");
    CHECK(quoted->tag() == "a48s");
    CHECK(quoted->param("X") == "y;z");
    CHECK_FALSE(quoted->param("user"));
    const auto plain = parse_name_addr("sip:+12125551212@phone2net.com;tag=887s");
    REQUIRE(plain);
    CHECK(plain->uri == "sip:+12125551212@phone2net.com");
    CHECK(plain->tag() == "887s");
    CHECK_FALSE(plain->bracketed);
    const auto tokens = parse_name_addr("Anonymous User<sip:c8oqz84zk7z@privacy.org>;tag=hyh8");
    REQUIRE(tokens);
    CHECK(tokens->display == "Anonymous User");
    CHECK(parse_name_addr("*")->is_star());
    CHECK(parse_name_addr("< sip:a@b >")->uri == "sip:a@b");
    CHECK(parse_name_addr("<sip:a@b")->uri == "sip:a@b");
    CHECK(parse_name_addr("\"open <sip:a@b>;tag=1")->uri == "sip:a@b");
    CHECK(parse_name_addr("\"open <sip:a@b>;tag=1")->display == "open");
    CHECK(parse_name_addr("\"Bob\" sip:bob@b")->uri == "sip:bob@b");
    CHECK_FALSE(parse_name_addr(""));
    CHECK_FALSE(parse_name_addr("  "));
}

TEST_CASE("RFC 7044 9: a History-Info element keeps its index, and the Reason inside the URI") {
    const auto entry = parse_name_addr("<sip:bob@b?Reason=SIP%3Bcause%3D302>;index=1.1;mp=1");
    REQUIRE(entry);
    CHECK(entry->param("index") == "1.1");
    CHECK(entry->uri == "sip:bob@b?Reason=SIP%3Bcause%3D302");
}

TEST_CASE("RFC 3261 20.16 and RFC 3262 7.2: CSeq and RAck") {
    const auto cseq = parse_cseq(" 4711\r\n INVITE ");
    REQUIRE(cseq);
    CHECK(cseq->number == 4711);
    CHECK(cseq->method == Method::invite);
    CHECK_FALSE(parse_cseq("4711"));
    CHECK_FALSE(parse_cseq("4711INVITE"));
    const auto rack = parse_rack("776656 1 INVITE");
    REQUIRE(rack);
    CHECK(rack->rseq == 776656);
    CHECK(rack->cseq.number == 1);
    CHECK_FALSE(parse_rack("776656 INVITE"));
    CHECK_FALSE(parse_rack("1"));
}

TEST_CASE("RFC 3891 6.1 and RFC 3911 7.1: the dialog that Replaces and Join name") {
    const auto r =
        parse_replaces("425928@bobster.example.org;to-tag=7743;from-tag=6472;early-only");
    REQUIRE(r);
    CHECK(r->call_id == "425928@bobster.example.org");
    CHECK(r->to_tag == "7743");
    CHECK(r->from_tag == "6472");
    CHECK(r->early_only);
    CHECK_FALSE(parse_join(";to-tag=1"));
    CHECK_FALSE(parse_join("x;to-tag=1")->early_only);
}

TEST_CASE("RFC 6665 8.2: Event and Subscription-State") {
    const auto event = parse_event("presence.winfo ;id=7");
    REQUIRE(event);
    CHECK(event->package == "presence.winfo");
    CHECK(event->id() == "7");
    const auto state =
        parse_subscription_state("terminated;reason=noresource;expires=30;retry-after=5");
    REQUIRE(state);
    CHECK(state->state == "terminated");
    CHECK(state->reason() == "noresource");
    CHECK(state->expires() == 30u);
    CHECK(state->retry_after() == 5u);
    CHECK_FALSE(parse_subscription_state("active")->expires());
    CHECK_FALSE(parse_event(";id=7"));
}

TEST_CASE("RFC 4028 4: Session-Expires") {
    const auto s = parse_session_expires("1800 ;refresher=uac");
    REQUIRE(s);
    CHECK(s->seconds == 1800);
    CHECK(s->refresher() == "uac");
    CHECK_FALSE(parse_session_expires("soon"));
    CHECK_FALSE(parse_session_expires("4294967296"));
}

TEST_CASE("RFC 3261 20.33: Retry-After with a comment that nests") {
    const auto r = parse_retry_after("18000 (in (a \\) very) long meeting) ;duration=3600");
    REQUIRE(r);
    CHECK(r->seconds == 18000);
    CHECK(r->comment == "in (a \\) very) long meeting");
    CHECK(r->duration() == 3600u);
    CHECK(parse_retry_after("120")->comment.empty());
    CHECK(parse_retry_after("120 (never closed")->comment == "never closed");
    CHECK(parse_retry_after("120 (")->comment.empty());
    CHECK_FALSE(parse_retry_after("949302838503028349304023988"));
    CHECK_FALSE(parse_retry_after("(x)"));
}

TEST_CASE("RFC 3326 2: Reason") {
    const auto r = parse_reason("Q.850 ;cause=16 ;text=\"Normal; clearing\"");
    REQUIRE(r);
    CHECK(r->protocol == "Q.850");
    CHECK(r->cause() == 16);
    CHECK(r->text() == "Normal; clearing");
    CHECK_FALSE(parse_reason("SIP;cause=x")->cause());
    CHECK_FALSE(parse_reason(""));
}

TEST_CASE("trap 76: a Warning without its code and agent is read as far as it goes") {
    const auto whole = parse_warning("370 isi.edu:5060 \"Choose a \\\"bigger\\\" pipe\"");
    REQUIRE(whole);
    CHECK(whole->code == 370);
    CHECK(whole->agent == "isi.edu:5060");
    CHECK(whole->text == "Choose a \\\"bigger\\\" pipe");
    const auto text = parse_warning("\"Not acceptable\"");
    REQUIRE(text);
    CHECK_FALSE(text->code);
    CHECK(text->agent.empty());
    CHECK(text->text == "Not acceptable");
    CHECK(parse_warning("399 agent")->agent == "agent");
    CHECK(parse_warning("399 agent some words")->text == "some words");
    CHECK(parse_warning("just words")->text == "just words");
    CHECK(parse_warning("399")->code == 399);
    CHECK_FALSE(parse_warning("99999 a \"x\"")->code);
    CHECK(parse_warning("399 a \"never closed")->text == "never closed");
    CHECK(parse_warning("399 a \"")->text.empty());
    CHECK_FALSE(parse_warning(""));
}

TEST_CASE("RFC 3261 20.15, 20.11: Content-Type and Content-Disposition") {
    const auto type = parse_content_type("Multipart / Mixed ; boundary=\"a;b\"");
    REQUIRE(type);
    CHECK(type->is("multipart", "mixed"));
    CHECK(type->params.find("Boundary") == "a;b");
    CHECK_FALSE(parse_content_type("sdp"));
    CHECK_FALSE(parse_content_type("application/"));
    const auto disposition = parse_content_disposition("session;handling=optional");
    REQUIRE(disposition);
    CHECK(disposition->type == "session");
    CHECK(disposition->handling() == "optional");
}

TEST_CASE("RFC 3261 20.38: Timestamp") {
    const auto t = parse_timestamp("54.25 0.5");
    REQUIRE(t);
    CHECK(t->sent == doctest::Approx(54.25));
    REQUIRE(t->delay);
    CHECK(*t->delay == doctest::Approx(0.5));
    CHECK_FALSE(parse_timestamp("54")->delay);
    CHECK_FALSE(parse_timestamp("nan"));
    CHECK_FALSE(parse_timestamp("1e9"));
    CHECK_FALSE(parse_timestamp(""));
}

TEST_CASE("RFC 3261 20.17: a Date is RFC 1123 in GMT") {
    const auto date = parse_date("Sat, 13 Nov 2010 23:29:00 GMT");
    REQUIRE(date);
    CHECK(to_rfc3339(*date) == "2010-11-13T23:29:00.000000000Z");
    CHECK(parse_date("Thu, 29 Feb 2024 00:00:00 GMT"));
    for (const char* bad : {"Fri, 01 Jan 2010 16:00:00 EST", "Sat, 13 Nov 2010 24:29:00 GMT",
                            "Thu, 29 Feb 2023 00:00:00 GMT", "Sat, 13 Xov 2010 23:29:00 GMT",
                            "Sat, 1 Nov 2010 23:29:00 GMT", "", "2010-11-13T23:29:00Z"})
        CHECK_FALSE(parse_date(bad));
}

TEST_CASE("RFC 3261 20.32: lists() finds a token in any of the fields") {
    const std::string text =
        "OPTIONS sip:a SIP/2.0\r\nSupported: timer, 100rel\r\nk: Replaces\r\n\r\n";
    const auto m = Message::parse(text);
    REQUIRE(m);
    CHECK(lists(*m, Header::supported, "100rel"));
    CHECK(lists(*m, Header::supported, "replaces"));
    CHECK_FALSE(lists(*m, Header::supported, "100"));
    CHECK_FALSE(lists(*m, Header::require, "timer"));
}

TEST_CASE("no parser of values reads outside any truncation of a value") {
    const std::string values[] = {
        "SIP / 2.0 / UDP [2001:db8::1]:5061 ;branch=\"z9;\\\"x\" , <a>",
        "\"A \\\"B\\\"\" <sip:a:b@[::1]:5060;x=%41?h=v>;tag=\"q\\\";",
        "370 isi.edu \"Choose a \\\"bigger\\\" pipe\"",
        "18000 (in (a \\) very) long) ;duration=3600",
        "Sat, 13 Nov 2010 23:29:00 GMT",
        "776656 1 INVITE",
    };
    for (const std::string& value : values)
        for (std::size_t n = 0; n <= value.size(); ++n) {
            const Exact text(std::string_view(value).substr(0, n));
            const std::string_view v = text.text();
            (void)parse_via(v);
            (void)parse_name_addr(v);
            (void)parse_rack(v);
            (void)parse_warning(v);
            (void)parse_retry_after(v);
            (void)parse_date(v);
            (void)parse_timestamp(v);
            (void)parse_content_type(v);
            (void)parse_reason(v);
            std::string_view rest = v;
            while (const auto element = next_element(rest)) CHECK(element->data() >= v.data());
        }
}
