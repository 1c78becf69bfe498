#include "libsipana/live/web_guard.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace sipana;
using namespace sipana::live;

namespace {

Guard guard_at(std::string_view address, std::string secret = {},
               std::vector<std::string> names = {}) {
    auto guard = Guard::make(*Endpoint::parse(address), std::move(secret), std::move(names));
    REQUIRE(guard);
    return *std::move(guard);
}

Knock knock(std::string_view host, std::string_view path = "/") {
    Knock k;
    k.method = "GET";
    k.host = host;
    k.path = path;
    return k;
}
bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("Guard: only loopback is served without a token, and a token is not short") {
    CHECK(Guard::make(*Endpoint::parse("127.0.0.1:1"), "", {}));
    CHECK(Guard::make(*Endpoint::parse("[::1]:1"), "", {}));
    for (const auto* address : {"0.0.0.0:1", "192.0.2.1:1", "[::]:1", "[2001:db8::1]:1"}) {
        CAPTURE(address);
        const auto refused = Guard::make(*Endpoint::parse(address), "", {});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Errc::denied);
        CHECK(Guard::make(*Endpoint::parse(address), "short", {}).has_value() == false);
        CHECK(Guard::make(*Endpoint::parse(address), "0123456789abcdef", {}));
    }
    CHECK_FALSE(Guard::make(*Endpoint::parse("127.0.0.1:1"), "0123456789abcdef\r\n", {}));
}

TEST_CASE("Guard: the Host must be ours (DNS rebinding)") {
    const Guard guard = guard_at("127.0.0.1:8080", "", {"pbx.example"});
    for (const auto* ours :
         {"127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080", "pbx.example:8080"}) {
        CAPTURE(ours);
        CHECK(guard.judge(knock(ours)).status == 200);
    }
    for (const auto* other :
         {"", "evil.example:8080", "evil.example", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8081",
          "localhost", "localhost:8080.evil.example", "127.0.0.1:8080@evil.example",
          "127.0.0.1.evil.example:8080", "::1:8080", "192.0.2.1:8080", "localhost:99999",
          "localhost:", "[::1]", "2130706433:8080", "localhost.:8080"}) {
        CAPTURE(other);
        CHECK(guard.judge(knock(other)).status == 421);
    }
    Knock two = knock("localhost:8080");
    two.hosts = 2;
    CHECK(guard.judge(two).status == 400);
    // HTTP's own port need not be said.
    CHECK(guard_at("127.0.0.1:80").is_ours("localhost"));
    // Bound to all addresses, any address is ours and no name.
    const Guard open = guard_at("0.0.0.0:8080", "0123456789abcdef");
    CHECK(open.is_ours("192.0.2.1:8080"));
    CHECK_FALSE(open.is_ours("localhost:8080"));
    CHECK_FALSE(open.is_ours("evil.example:8080"));
}

TEST_CASE("Guard: pages from elsewhere get nothing, methods that change get nothing") {
    const Guard guard = guard_at("127.0.0.1:8080");
    Knock k = knock("localhost:8080");
    for (const auto* site : {"cross-site", "same-site", "anything"}) {
        k.site = site;
        CHECK(guard.judge(k).status == 403);
    }
    for (const auto* site : {"same-origin", "none"}) {
        k.site = site;
        CHECK(guard.judge(k).status == 200);
    }
    for (const auto* origin :
         {"http://evil.example", "null", "https://localhost:8080", "http://localhost:3000"}) {
        k.origin = origin;
        CHECK(guard.judge(k).status == 403);
    }
    k.origin = "http://localhost:8080";
    CHECK(guard.judge(k).status == 200);
    for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS", "get", "TRACE", "CONNECT", ""}) {
        k.method = method;
        CHECK(guard.judge(k).status == 405);
    }
}

TEST_CASE("Guard: a token by Authorization, or once by the query, which a cookie then stands for") {
    const std::string secret = "0123456789abcdef0123";
    const Guard guard = guard_at("192.0.2.1:8080", secret);
    Knock k = knock("192.0.2.1:8080");
    CHECK(guard.judge(k).status == 401);
    k.authorization = "Bearer 0123456789abcdef0123";
    CHECK(guard.judge(k).status == 200);
    for (const auto* wrong :
         {"Bearer 0123456789abcdef012", "Bearer 0123456789abcdef01234", "Bearer ", "Bearer",
          "Basic 0123456789abcdef0123", "0123456789abcdef0123"}) {
        k.authorization = wrong;
        CHECK(guard.judge(k).status == 401);
    }
    k.authorization = {};
    k.token = "0123456789abcdef0124";
    CHECK(guard.judge(k).status == 401);
    k.token = secret;
    const Verdict verdict = guard.judge(k);
    CHECK(verdict.status == 303);
    CHECK(has(verdict.cookie, "HttpOnly; SameSite=Strict"));
    CHECK_FALSE(has(verdict.cookie, secret));
    k.token = {};
    const std::string cookie = "other=1; " + verdict.cookie.substr(0, verdict.cookie.find(';'));
    k.cookie = cookie;
    CHECK(guard.judge(k).status == 200);
    // Another run's cookie is worth nothing.
    CHECK(guard_at("192.0.2.1:8080", secret).judge(k).status == 401);
    // Who has the token is still no page from elsewhere.
    k.site = "cross-site";
    CHECK(guard.judge(k).status == 403);
}
