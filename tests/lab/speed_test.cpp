// How fast the networks are: not run unless asked for, as its figures depend on the machine.
//
//     build/release/tests/lab_test -ns -tc='Speed:*'
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>

#include "libsipana/lab/recorder.h"
#include "libsipana/lab/simulated.h"
#include "libsipana/lab/sockets.h"
#include "tests/lab/echo.h"

using namespace sipana;
using namespace sipana::lab;
using namespace std::chrono_literals;

namespace {

Time clock_now() {
    return std::chrono::duration_cast<Time>(std::chrono::system_clock::now().time_since_epoch());
}

double cpu_seconds() {
    struct rusage used {};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void say(std::string_view what, double seconds, int packets) {
    MESSAGE(fmt::format("{}: {:.2f} us of CPU a packet", what, seconds / packets * 1e6));
}

const std::string text(450, 'x');

// `at_once` packets go to and fro.
void ping_pong(Network& network, const Endpoint& wish, Transport transport, std::string_view what,
               int at_once, int packets) {
    Listener alice("alice"), bob("bob");
    alice.keep = bob.keep = false;
    const Endpoint a = *network.open(transport, wish, alice);
    const Endpoint b = *network.open(transport, wish, bob);
    const std::string body = transport == Transport::udp
                                 ? text
                                 : fmt::format(
                                       "MESSAGE sip:b SIP/2.0\r\nCall-ID: 1\r\n"
                                       "Content-Length: 390\r\n\r\n{}",
                                       std::string(390, 'x'));
    alice.on_arrival = [&](const Packet&) { CHECK(network.send(packet(a, b, body, transport))); };
    bob.on_arrival = [&](const Packet&) { CHECK(network.send(packet(b, a, body, transport))); };
    const double before = cpu_seconds();
    for (int i = 0; i < at_once; ++i) REQUIRE(network.send(packet(a, b, body, transport)));
    network.flush();
    const auto wanted = static_cast<std::uint64_t>(packets);
    const Time end = clock_now() + 20s;
    while (alice.packets + bob.packets < wanted && clock_now() < end) {
        network.wait(network.now() + 1s);
        network.flush();
    }
    CHECK(alice.packets + bob.packets >= wanted);
    say(what, cpu_seconds() - before, packets);
    network.close(transport, a);
    network.close(transport, b);
}

}  // namespace

TEST_CASE("Speed: the networks" * doctest::skip()) {
    SocketsSettings settings;
    settings.clock = &clock_now;
    const auto sockets = *Sockets::create(settings);
    const Endpoint any = at("127.0.0.1:0");
    ping_pong(*sockets, any, Transport::udp, "UDP, one at a time", 1, 200'000);
    ping_pong(*sockets, any, Transport::udp, "UDP, 32 at a time", 32, 400'000);
    ping_pong(*sockets, any, Transport::tcp, "TCP, one at a time", 1, 200'000);
    ping_pong(*sockets, any, Transport::tcp, "TCP, 32 at a time", 32, 400'000);
    ping_pong(*sockets, any, Transport::tls, "TLS, one at a time", 1, 100'000);
    ping_pong(*sockets, any, Transport::tls, "TLS, 32 at a time", 32, 200'000);
    Simulated simulated;
    ping_pong(simulated, at("192.0.2.1:0"), Transport::udp, "simulated", 32, 1'000'000);
}

TEST_CASE("Speed: the recorder" * doctest::skip()) {
    for (const Transport transport : {Transport::udp, Transport::tcp}) {
        auto recorder = *Recorder::create("/dev/null");
        Packet p = packet(at("192.0.2.1:5060"), at("192.0.2.2:5060"), text, transport);
        constexpr int packets = 200'000;
        const double before = cpu_seconds();
        for (int i = 0; i < packets; ++i)
            recorder->on_packet(p, 1s + i * 1us, Fate::delivered, false);
        say(transport == Transport::udp ? "recorder, UDP" : "recorder, TCP", cpu_seconds() - before,
            packets);
    }
}
