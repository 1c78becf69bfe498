// The lab's exchanges (captures/exchange) on a Wire, with their phones.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "libsipana/lab/exchange.h"
#include "tests/lab/wire.h"

namespace sipana::lab {

inline std::unique_ptr<Exchange> start_exchange(Wire& wire, std::string name, std::string_view at,
                                                ExchangeSettings s) {
    s.name = std::move(name);
    s.listens = {{Transport::udp, endpoint(at)}};
    s.hosts = {{"A", endpoint("192.168.1.153:5060")}, {"B", endpoint("192.168.1.154:5060")}};
    s.seed = 7;
    auto x = Exchange::load(std::move(s));
    REQUIRE(x);
    wire.add(**x);
    REQUIRE((*x)->start(wire, wire.now));
    wire.judged = x->get();
    return std::move(*x);
}

inline ExchangeSettings settings_in(const std::string& folder) {
    ExchangeSettings s;
    REQUIRE(read_folder(std::string(SIPANA_ROOT) + "/captures/exchange/" + folder, s));
    return s;
}

// Exchange A, and phones 100 and 200.
struct OfA {
    // `sip` and `extensions` stand behind what the files say.
    explicit OfA(std::string_view sip = {}, std::string_view extensions = {}) {
        ExchangeSettings s = settings_in("a");
        s.sip_conf += sip;
        s.extensions_conf += extensions;
        a = start_exchange(wire, "A", "192.168.1.153:5060", std::move(s));
    }

    Wire wire;
    std::unique_ptr<Exchange> a;
    Phone alice{wire, "100", "192.168.1.11:5060", "192.168.1.153:5060", "test"};
    Phone carol{wire, "200", "192.168.1.13:5060", "192.168.1.153:5060", "test"};

    void arrive() {
        CHECK(alice.register_at_server() == 200);
        CHECK(carol.register_at_server() == 200);
    }
    // alice and carol talk.
    void talk() {
        arrive();
        alice.invite("200");
        carol.reply("INVITE", 180);
        carol.reply("INVITE", 200, true);
        REQUIRE(alice.codes.back() == 200);
    }
    ~OfA() {
        for (const std::string& p : wire.problems) MESSAGE(p);
        CHECK(wire.problems.empty());
    }
};

}  // namespace sipana::lab
