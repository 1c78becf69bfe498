#include "libsipana/lab/simulated.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/lab/echo.h"

using namespace sipana;
using namespace sipana::lab;
using namespace std::chrono_literals;

namespace {

const Time start = *parse_rfc3339("2026-01-01T00:00:00Z");

SimulatedSettings with(const Impairment& impairment, std::uint64_t seed = 1) {
    SimulatedSettings settings;
    settings.seed = seed;
    settings.rules.resize(1);
    settings.rules[0].impairment = impairment;
    return settings;
}

struct Two {
    explicit Two(SimulatedSettings settings = {}, Transport transport = Transport::udp)
        : network(std::move(settings)) {
        network.tap(&tap);
        a = *network.open(transport, at("192.0.2.1:5060"), alice);
        b = *network.open(transport, at("192.0.2.2:5060"), bob);
    }
    Watched tap;
    Listener alice{"alice"}, bob{"bob"};
    Simulated network;
    Endpoint a, b;
};

}  // namespace

TEST_CASE("Simulated: time stands still until somebody waits, then jumps to what comes") {
    Two t;
    CHECK(t.network.now() == start);
    CHECK(to_rfc3339(t.network.now()) == "2026-01-01T00:00:00.000000000Z");
    Packet sent = packet(t.a, t.b, "hello");
    sent.note = "alice, line 3";
    REQUIRE(t.network.send(sent));
    CHECK(t.bob.got.empty());
    CHECK_FALSE(t.network.wait(start + 500us));
    CHECK(t.network.now() == start + 500us);
    REQUIRE(t.network.wait(start + 1h));
    CHECK(t.network.now() == start + 1ms);
    REQUIRE(t.bob.got.size() == 1);
    CHECK(t.bob.got[0].text == "hello");
    CHECK(t.bob.got[0].src == t.a);
    CHECK(t.bob.got[0].at == start + 1ms);
    CHECK_FALSE(t.network.wait(start + 1h));
    CHECK(t.network.now() == start + 1h);
    CHECK_FALSE(t.network.wait(std::nullopt));
    CHECK(t.network.now() == start + 1h);
    REQUIRE(t.tap.seen.size() == 1);
    CHECK(t.tap.seen[0].at == start + 1ms);
    CHECK(t.tap.seen[0].fate == Fate::delivered);
    CHECK(t.tap.seen[0].note == "alice, line 3");
}

TEST_CASE("Simulated: packets of one instant arrive in the order of sending") {
    Two t;
    std::string order;
    t.bob.on_arrival = [&](const Packet& p) { order += as_text(p.payload); };
    for (const char* text : {"a", "b", "c", "d", "e", "f", "g"})
        REQUIRE(t.network.send(packet(t.a, t.b, text)));
    REQUIRE(t.network.wait(std::nullopt));
    CHECK(order == "abcdefg");
}

TEST_CASE("Simulated: what nobody listens for comes back after the round trip") {
    Two t;
    const Endpoint nobody = at("192.0.2.9:5060");
    for (const Transport transport : {Transport::udp, Transport::tcp}) {
        Listener carol("carol");
        const Endpoint c = *t.network.open(transport, at("192.0.2.3:5060"), carol);
        const Time sent = t.network.now();
        REQUIRE(t.network.send(packet(c, nobody, "hello", transport)));
        while (t.network.wait(std::nullopt)) continue;
        REQUIRE(carol.lost.size() == 1);
        CHECK(carol.lost[0].local == c);
        CHECK(carol.lost[0].remote == nobody);
        CHECK(carol.lost[0].transport == transport);
        CHECK(carol.lost[0].at == sent + 2ms);
        CHECK(t.tap.seen.back().fate == Fate::refused);
        CHECK(t.tap.seen.back().at == sent + 1ms);
        // Who has closed his port meanwhile hears nothing.
        REQUIRE(t.network.send(packet(c, nobody, "hello", transport)));
        t.network.close(transport, c);
        while (t.network.wait(std::nullopt)) continue;
        CHECK(carol.lost.size() == 1);
    }
}

TEST_CASE("Simulated: a port closed while a packet is on its way refuses it") {
    Two t;
    REQUIRE(t.network.send(packet(t.a, t.b, "hello")));
    t.network.close(Transport::udp, t.b);
    while (t.network.wait(std::nullopt)) continue;
    CHECK(t.bob.got.empty());
    CHECK(t.alice.lost.size() == 1);
}

TEST_CASE("Simulated: lost packets are seen by the tap at the time of sending, copies are marked") {
    Impairment impairment;
    impairment.loss = 1;
    Two lossy(with(impairment));
    REQUIRE(lossy.network.send(packet(lossy.a, lossy.b, "hello")));
    REQUIRE(lossy.tap.seen.size() == 1);
    CHECK(lossy.tap.seen[0].fate == Fate::dropped);
    CHECK(lossy.tap.seen[0].at == start);
    CHECK_FALSE(lossy.network.wait(std::nullopt));

    impairment.loss = 0;
    impairment.duplicate = 1;
    Two doubled(with(impairment));
    REQUIRE(doubled.network.send(packet(doubled.a, doubled.b, "hello")));
    REQUIRE(doubled.network.wait(std::nullopt));
    CHECK(doubled.bob.packets == 2);
    REQUIRE(doubled.tap.seen.size() == 2);
    CHECK_FALSE(doubled.tap.seen[0].duplicate);
    CHECK(doubled.tap.seen[1].duplicate);
    CHECK(doubled.network.counts().doubled == 1);
}

TEST_CASE("Simulated: a stream loses nothing and keeps its order at 30 % loss") {
    Impairment impairment;
    impairment.loss = 0.3;
    impairment.jitter = 1ms;
    Two t(with(impairment), Transport::tcp);
    for (int i = 0; i < 500; ++i)
        REQUIRE(t.network.send(packet(t.a, t.b, std::to_string(i), Transport::tcp)));
    while (t.network.wait(std::nullopt)) continue;
    REQUIRE(t.bob.got.size() == 500);
    for (std::size_t i = 0; i < 500; ++i) CHECK(t.bob.got[i].text == std::to_string(i));
}

TEST_CASE("Simulated: ports are given out, refused and free again") {
    Two t;
    const auto taken = t.network.open(Transport::udp, t.a, t.bob);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().code == Errc::denied);
    CHECK(t.network.open(Transport::tcp, t.a, t.bob));
    CHECK_FALSE(t.network.open(Transport::tls, t.a, t.bob));
    t.network.close(Transport::udp, t.a);
    CHECK(t.network.open(Transport::udp, t.a, t.bob));

    const auto some = t.network.open(Transport::udp, at("192.0.2.7:0"), t.alice);
    const auto other = t.network.open(Transport::udp, at("192.0.2.7:0"), t.alice);
    REQUIRE(some);
    REQUIRE(other);
    CHECK(some->port != 0);
    CHECK(some->port != other->port);
    const auto own = t.network.open(Transport::udp, at("0.0.0.0:7"), t.bob);
    REQUIRE(own);
    CHECK(own->to_string() == "192.0.2.2:7");
}

TEST_CASE("Simulated: what cannot be sent is refused with the reason") {
    Two t;
    CHECK(t.network.send(packet(at("192.0.2.5:1"), t.b, "x")).error().code == Errc::not_found);
    CHECK(t.network.send(packet(t.a, at("[2001:db8::1]:1"), "x")).error().code == Errc::malformed);
    const std::string large(Simulated::largest_datagram + 1, 'x');
    CHECK(t.network.send(packet(t.a, t.b, large)).error().code == Errc::too_large);
    CHECK(t.network.in_flight() == 0);
}

TEST_CASE("Simulated: the same seed gives the same run, another one another") {
    Impairment impairment;
    impairment.loss = 0.3;
    impairment.jitter = 1ms;
    impairment.duplicate = impairment.reorder = 0.1;
    const auto run = [&](std::uint64_t seed) {
        Two t(with(impairment, seed));
        std::string said;
        t.bob.on_arrival = [&](const Packet& p) {
            said += std::string(as_text(p.payload)) + '@' +
                    std::to_string((t.network.now() - start).count()) + ' ';
        };
        for (int i = 0; i < 200; ++i) {
            REQUIRE(t.network.send(packet(t.a, t.b, std::to_string(i))));
            t.network.wait(start + i * 3ms);
        }
        while (t.network.wait(std::nullopt)) continue;
        return said;
    };
    CHECK(run(1) == run(1));
    CHECK(run(1) != run(2));
}

TEST_CASE("Simulated: rules speak of nodes by name, whatever their ports") {
    SimulatedSettings settings;
    settings.rules.resize(1);
    settings.rules[0].from = "alice";
    settings.rules[0].to = "bob";
    settings.rules[0].media_only = true;
    settings.rules[0].impairment.delay = 70ms;
    Two t(settings);
    const Endpoint media = *t.network.open(Transport::udp, at("192.0.2.1:4000"), t.alice);
    Packet rtp = packet(media, t.b, "rtp");
    rtp.content = Content::rtp;
    REQUIRE(t.network.send(rtp));
    REQUIRE(t.network.send(packet(t.a, t.b, "sip")));
    REQUIRE(t.network.send(packet(t.b, media, "back")));
    while (t.network.wait(std::nullopt)) continue;
    REQUIRE(t.bob.got.size() == 2);
    CHECK(t.bob.got[0].text == "sip");
    CHECK(t.bob.got[1].at == start + 70ms);
    CHECK(t.alice.got[0].at == start + 1ms);
}
