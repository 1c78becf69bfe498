#include "libsipana/lab/proxy.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "tests/lab/wire.h"

using namespace sipana;
using namespace sipana::lab;
using std::chrono::seconds;

namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view p1 = "192.0.2.111:5060", p2 = "192.0.2.222:5060";

std::unique_ptr<Proxy> start_proxy(Wire& wire, std::string_view at,
                                   std::vector<std::pair<std::string, std::string>> settings) {
    const std::map<std::string, Endpoint> hosts{{"P1", endpoint(p1)}, {"P2", endpoint(p2)}};
    auto read = proxy_settings(settings, hosts);
    REQUIRE(read);
    read->name = at;
    read->listens = {{Transport::udp, endpoint(at)}};
    auto proxy = std::make_unique<Proxy>(std::move(*read));
    wire.add(*proxy);
    REQUIRE(proxy->start(wire));
    wire.judged = proxy.get();
    return proxy;
}

// atlanta's proxy with alice, biloxi's with bob (RFC 3665 3).
struct TwoProxies {
    explicit TwoProxies(const Settings& more = {}) {
        auto one = more, two = more;
        one.insert(one.end(), {{"domain", "atlanta.example.com"},
                               {"next", "biloxi.example.com=P2"},
                               {"user", "alice:secret"}});
        two.insert(two.end(), {{"domain", "biloxi.example.com"},
                               {"next", "atlanta.example.com=P1"},
                               {"user", "bob:zanzibar"},
                               {"user", "carol:x"}});
        atlanta = start_proxy(wire, p1, one);
        biloxi = start_proxy(wire, p2, two);
        wire.judged = nullptr;
    }
    ~TwoProxies() {
        for (const std::string& p : wire.problems) MESSAGE(p);
        CHECK(wire.problems.empty());
    }
    // An INVITE of alice's, From in her domain.
    int invite(std::string_view to = "sip:bob@biloxi.example.com",
               std::vector<std::pair<std::string, std::string>> more = {}) {
        alice.fresh_call();
        more.emplace_back("From", fmt::format("<sip:alice@atlanta.example.com>;tag={}", alice.tag));
        return alice.send(
            alice.make("INVITE", to, more, "application/sdp", sdp_of_phone(alice.rtp)));
    }

    Wire wire;
    std::unique_ptr<Proxy> atlanta, biloxi;
    Phone alice{wire, "alice", "192.0.2.101:5060", p1, "secret"};
    Phone bob{wire, "bob", "192.0.2.201:5060", p2, "zanzibar"};
};

}  // namespace

TEST_CASE("RFC 3665 2.1: a registration is challenged, made, listed and taken back") {
    TwoProxies t(Settings{{"auth", ""}});
    t.wire.judged = t.biloxi.get();
    t.bob.secret = "";
    CHECK(t.bob.register_at_server() == 401);
    t.bob.secret = "zanzibar";
    CHECK(t.bob.register_at_server() == 200);
    CHECK(t.bob.last("SIP/2.0 200").find("<sip:bob@192.0.2.201:5060>;expires=3600") !=
          std::string::npos);
    CHECK(t.bob.register_at_server(10) == 423);
    CHECK(t.bob.last("SIP/2.0 423").find("Min-Expires: 60") != std::string::npos);
    CHECK(t.bob.register_at_server(0) == 200);
    CHECK(t.bob.last("SIP/2.0 200").find("Contact") == std::string::npos);
}

TEST_CASE("RFC 3665 3.2: a call through two proxies, challenged, with Record-Route") {
    for (const bool second : {false, true}) {
        TwoProxies t(Settings{{"auth", ""}, {"record-route", ""}});
        CHECK(t.bob.register_at_server() == 200);
        t.wire.judged = second ? t.biloxi.get() : t.atlanta.get();
        t.alice.secret = "";
        CHECK(t.invite() == 407);
        t.alice.secret = "secret";
        CHECK(t.invite() == 0);
        REQUIRE(t.bob.request("INVITE") != nullptr);
        const std::string& there = t.bob.request("INVITE")->text;
        CHECK(there.find("Max-Forwards: 68") != std::string::npos);
        CHECK(there.find("Proxy-Authorization") == std::string::npos);
        CHECK(there.find("INVITE sip:bob@192.0.2.201:5060 ") == 0);
        t.bob.reply("INVITE", 180);
        t.bob.reply("INVITE", 200, true);
        CHECK(t.alice.codes == std::vector<int>{180, 200});
        CHECK(t.bob.count("ACK") == 1);
        CHECK(t.alice.dialog->routes().size() == 2);
        CHECK(t.bob.dialog->routes().size() == 2);
        CHECK(t.bob.in_dialog("BYE") == 200);
        REQUIRE(t.alice.count("BYE") == 1);
        CHECK(t.alice.last("BYE").find("Max-Forwards: 68") != std::string::npos);
        t.wire.run(seconds{100});
        CHECK(t.alice.count("BYE") == 1);
    }
}

TEST_CASE("RFC 3261 16.6: without Record-Route the ACK and BYE pass the proxies by") {
    TwoProxies t;
    CHECK(t.bob.register_at_server() == 200);
    CHECK(t.invite() == 0);
    t.bob.reply("INVITE", 200, true);
    CHECK(t.bob.count("ACK") == 1);
    CHECK(t.alice.dialog->routes().empty());
    const auto& log = t.wire.log;
    CHECK(std::count_if(log.begin(), log.end(), [](const std::string& line) {
              return line.find("192.0.2.101:5060 192.0.2.201:5060 ACK") == 0;
          }) == 1);
}

TEST_CASE("RFC 3665 3.7, 3.8, 3.11: busy, cancelled, not registered, unknown") {
    TwoProxies t;
    CHECK(t.bob.register_at_server() == 200);
    CHECK(t.invite() == 0);
    t.bob.reply("INVITE", 486);
    CHECK(t.alice.codes == std::vector<int>{486});
    CHECK(t.invite() == 0);
    t.bob.reply("INVITE", 180);
    t.alice.cancel();
    CHECK(t.bob.count("CANCEL") == 1);
    CHECK(t.alice.codes.back() == 487);
    CHECK(t.invite("sip:carol@biloxi.example.com") == 480);
    CHECK(t.invite("sip:dave@biloxi.example.com") == 404);
    CHECK(t.invite("sip:x@nowhere.example.com") == 500);
}

TEST_CASE("RFC 3261 16.3: 483, 416, 420, 482") {
    TwoProxies t;
    CHECK(t.bob.register_at_server() == 200);
    t.wire.judged = t.atlanta.get();
    CHECK(t.invite("sip:bob@biloxi.example.com", {{"Max-Forwards", "0"}}) == 483);
    CHECK(t.invite("sip:bob@biloxi.example.com", {{"Max-Forwards", "1"}}) == 483);
    CHECK(t.invite("mailto:bob@biloxi.example.com") == 416);
    CHECK(t.invite("sip:bob@biloxi.example.com", {{"Proxy-Require", "foo"}}) == 420);
    CHECK(t.alice.last("SIP/2.0 420").find("Unsupported: foo") != std::string::npos);
    // a contact that leads back to the proxy
    CHECK(t.bob.send(t.bob.make("REGISTER", "sip:192.0.2.222",
                                {{"Contact", "<sip:bob@192.0.2.222>"}})) == 200);
    CHECK(t.bob.register_at_server(0) == 200);
    CHECK(t.invite() == 482);
}

TEST_CASE("RFC 3261 16.7: a fork rings everywhere, the first answer wins, the rest is cancelled") {
    TwoProxies t;
    Phone desk(t.wire, "bob", "192.0.2.202:5060", p2);
    CHECK(t.bob.register_at_server() == 200);
    CHECK(desk.register_at_server() == 200);
    CHECK(t.invite() == 0);
    t.bob.reply("INVITE", 180);
    desk.reply("INVITE", 180);
    CHECK(t.alice.codes == std::vector<int>{180, 180});
    desk.reply("INVITE", 200, true);
    CHECK(t.alice.codes == std::vector<int>{180, 180, 200});
    CHECK(t.bob.count("CANCEL") == 1);
    t.wire.run(seconds{70});
    CHECK(t.alice.codes == std::vector<int>{180, 180, 200});
}

TEST_CASE("RFC 3261 16.7: of several failures the best; 6xx ends the search") {
    const std::pair<std::pair<int, int>, int> cases[] = {
        {{404, 486}, 486}, {{486, 503}, 486}, {{503, 503}, 500}, {{486, 603}, 603},
        {{500, 484}, 484}, {{302, 486}, 302}, {{486, 401}, 401}};
    for (const auto& one : cases) {
        const std::pair<int, int> theirs = one.first;
        const int ours = one.second;
        CAPTURE(ours);
        TwoProxies t;
        Phone desk(t.wire, "bob", "192.0.2.202:5060", p2);
        CHECK(t.bob.register_at_server() == 200);
        CHECK(desk.register_at_server() == 200);
        t.alice.secret = "";
        CHECK(t.invite() == 0);
        t.bob.reply("INVITE", theirs.first);
        CHECK(t.alice.codes.empty());
        desk.reply("INVITE", theirs.second);
        CHECK(t.alice.codes == std::vector<int>{ours});
    }
}

TEST_CASE(
    "RFC 3261 16.8, 16.9: a phone that is gone, one that is silent, one that rings for ever") {
    TwoProxies t;
    const auto contact = [&](std::string_view at, std::string_view expires) {
        return t.bob.send(t.bob.make(
            "REGISTER", "sip:192.0.2.222",
            {{"Contact", fmt::format("<sip:bob@{}>", at)}, {"Expires", std::string(expires)}}));
    };
    CHECK(contact("192.0.2.99:5060", "100") == 200);
    CHECK(t.invite() == 500);  // its 503 is not passed on
    CHECK(contact("192.0.2.99:5060", "0") == 200);
    Deaf deaf(t.wire, "192.0.2.98:5060");
    CHECK(contact("192.0.2.98:5060", "100") == 200);
    CHECK(t.invite() == 0);
    t.wire.run(seconds{31});
    CHECK(t.alice.codes.empty());
    t.wire.run(seconds{2});
    CHECK(t.alice.codes == std::vector<int>{408});
    CHECK(deaf.heard == 7);
    CHECK(contact("192.0.2.98:5060", "0") == 200);
    CHECK(t.bob.register_at_server() == 200);
    CHECK(t.invite() == 0);
    t.bob.reply("INVITE", 180);
    t.wire.run(seconds{230});
    CHECK(t.bob.count("CANCEL") == 0);
    t.wire.run(seconds{20});
    CHECK(t.bob.count("CANCEL") == 1);
    CHECK(t.alice.codes.back() == 487);
}

TEST_CASE("a proxy's settings: what is wrong is named") {
    CHECK_FALSE(proxy_settings({{"next", "a.example=nobody"}}, {}));
    CHECK_FALSE(proxy_settings({{"algorithm", "rot13"}}, {}));
    CHECK_FALSE(proxy_settings({{"colour", "red"}}, {}));
    const auto s = proxy_settings({{"user", "a:b:c"}, {"algorithm", "SHA-256"}}, {});
    REQUIRE(s);
    CHECK(s->users.at("a") == "b:c");
    CHECK(s->algorithms.size() == 1);
}
