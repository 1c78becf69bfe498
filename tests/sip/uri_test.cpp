#include "libsipana/sip/uri.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/exact.h"

using namespace sipana;
using namespace sipana::sip;

namespace {

bool same(std::string_view a, std::string_view b) {
    const auto x = parse_uri(a), y = parse_uri(b);
    REQUIRE(x);
    REQUIRE(y);
    CHECK(equal(*x, *y) == equal(*y, *x));
    return equal(*x, *y);
}

}  // namespace

TEST_CASE("RFC 3261 19.1.1: every part of a sip URI") {
    const Exact text(
        std::string_view("sip:alice%40x:secret@[2001:db8::9]:5070;transport=tcp;lr?subject=project%"
                         "20x&Priority=urgent"));
    const auto uri = parse_uri(text.text());
    REQUIRE(uri);
    CHECK(uri->scheme == Scheme::sip);
    CHECK(unescaped(uri->user) == "alice@x");
    CHECK(uri->password == "secret");
    CHECK(uri->host == "2001:db8::9");
    CHECK(uri->is_ipv6);
    CHECK(uri->port == 5070);
    CHECK(uri->param("transport") == "tcp");
    CHECK(uri->params.has("lr"));
    CHECK(uri->header("SUBJECT") == "project%20x");
    CHECK(uri->header("priority") == "urgent");
    CHECK_FALSE(uri->header("to"));
    CHECK(write(*uri) == text.text());
    CHECK(masked(text.text()).find("secret") == std::string::npos);
    CHECK(masked(text.text()).find("alice%40x:***@") != std::string::npos);
}

TEST_CASE("RFC 4475 3.1.1: users with semicolons, question marks and escapes") {
    CHECK(user_of("sip:user;par=u%40example.net@example.com") == "user;par=u%40example.net");
    CHECK(host_of("sip:user;par=u%40example.net@example.com") == "example.com");
    const auto odd =
        parse_uri("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1@example.com");
    REQUIRE(odd);
    CHECK(odd->user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    CHECK(odd->has_password);
    CHECK(odd->host == "example.com");
    CHECK(unescaped("null-%00-null").size() == 11);
    CHECK(unescaped("%4") == "%4");
    CHECK(unescaped("%zz%41") == "%zzA");
}

TEST_CASE("RFC 3966: tel URIs; other schemes keep what follows") {
    const auto tel = parse_uri("tel:+358-555-1234567;postd=pp22");
    REQUIRE(tel);
    CHECK(tel->scheme == Scheme::tel);
    CHECK(tel->user == "+358-555-1234567");
    CHECK(tel->param("postd") == "pp22");
    CHECK(write(*tel) == "tel:+358-555-1234567;postd=pp22");
    CHECK(user_of("tel:7042;phone-context=example.com") == "7042");
    CHECK(host_of("tel:7042") == "");
    const auto beep = parse_uri("soap.beep://192.0.2.103:3002");
    REQUIRE(beep);
    CHECK(beep->scheme == Scheme::other);
    CHECK(beep->opaque == "//192.0.2.103:3002");
    CHECK(write(*beep) == "soap.beep://192.0.2.103:3002");
}

TEST_CASE("trap 46: an empty user has a host; no scheme or no host is no URI") {
    const auto uri = parse_uri("sip:@host");
    REQUIRE(uri);
    CHECK(uri->has_user);
    CHECK(uri->user.empty());
    CHECK(uri->host == "host");
    for (const char* bad : {"", "sip", "sip:", "sip:@", "sip:a@", "sip:;lr", "tel:", "tel:;x", ":a",
                            "1sip:a", "alice@h"})
        CHECK_FALSE(parse_uri(bad));
    CHECK(parse_uri(" <sip:a@b> ")->host == "b");
    CHECK(parse_uri("sip:a@b:port")->bad_port);
    CHECK(parse_uri("sip:a@b:")->bad_port);
    CHECK(parse_uri("sip:a@[::1")->bad_port);
}

TEST_CASE("RFC 3261 19.1.4: the RFC's equal pairs") {
    CHECK(same("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"));
    CHECK(same("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
    CHECK(same("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"));
    CHECK(same("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
               "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"));
    CHECK(same("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
               "sip:alice@atlanta.com?priority=urgent&subject=project%20x"));
}

TEST_CASE("RFC 3261 19.1.4: the RFC's unequal pairs") {
    CHECK_FALSE(same("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"));
    CHECK_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
    CHECK_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"));
    CHECK_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"));
    CHECK_FALSE(same("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"));
    CHECK_FALSE(same("sip:carol@chicago.com;security=off", "sip:carol@chicago.com;security=on"));
    CHECK_FALSE(same("sip:a@b", "sips:a@b"));
    CHECK_FALSE(same("sip:a%3Bb@h", "sip:a;b@h"));
    CHECK_FALSE(same("sip:a@h", "sip:h"));
    CHECK_FALSE(same("sip:a@h", "sip:a:@h"));
    CHECK_FALSE(same("sip:a@h;maddr=x", "sip:a@h"));
}

TEST_CASE("RFC 3966 4: visual separators do not tell numbers apart, + does") {
    CHECK(same("tel:+1-201-555-0123", "TEL:+1(201)5550123"));
    CHECK_FALSE(same("tel:+12015550123", "tel:12015550123"));
    CHECK_FALSE(same("tel:7042;phone-context=a.example", "tel:7042;phone-context=b.example"));
    CHECK(same("mailto:a@b", "MAILTO:a@b"));
    CHECK_FALSE(same("mailto:a@b", "mailto:A@b"));
}

TEST_CASE(
    "every truncation of a URI is read inside its bytes, and what is written is read the same") {
    const std::string text = "sips:a%4:p%41@[2001:db8::9]:5070;transport=\"t;\\\"\";lr?s=%2&x=y";
    for (std::size_t n = 0; n <= text.size(); ++n) {
        const Exact part(std::string_view(text).substr(0, n));
        const auto uri = parse_uri(part.text());
        (void)masked(part.text());
        if (!uri || uri->bad_port) continue;
        const std::string written = write(*uri);
        const auto again = parse_uri(written);
        REQUIRE(again);
        CHECK(equal(*uri, *again));
        CHECK(write(*again) == written);
    }
}

TEST_CASE("RFC 3261 19.1.1: passwords of sip URIs are masked, alone and within a text") {
    CHECK(masked("sip:a:secret@b") == "sip:a:***@b");
    CHECK(masked_within("\"x:y\" <sip:a:secret@b>;z=1, SIPS:c:more@d") ==
          "\"x:y\" <sip:a:***@b>;z=1, SIPS:c:***@d");
    for (const char* text : {"sip:a@b:5060", "sip:b:5060", "tel:+1:2@3", "sip:", "sip:a:b",
                             "@:", "", "sip:a:5060;x=<@"})
        CHECK(masked_within(text) == text);
    CHECK(masked_within("sip:sip:x@y") == "sip:sip:***@y");
}
