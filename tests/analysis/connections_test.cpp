#include "libsipana/analysis/connections.h"

#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::Connections;

namespace {

net::Chunk chunk(std::uint64_t connection, std::string_view text, bool first = true) {
    net::Chunk c;
    c.connection = connection;
    c.first = c.from_start = first;
    c.src = alice;
    c.dst = bob;
    c.bytes = as_bytes(text);
    return c;
}

std::size_t poll_all(Connections& connections) {
    std::size_t n = 0;
    while (connections.poll()) ++n;
    return n;
}

}  // namespace

TEST_CASE("connections: unfinished messages of many directions are bounded together, and who is whole is read") {
    constexpr std::size_t most = 100'000;
    Connections connections(most);
    const std::string head = "INVITE sip:bob@b.example SIP/2.0\r\nCall-ID: x\r\nContent-Length: 9000\r\n\r\n";
    const std::string unfinished = head + std::string(4000, 'x');
    const std::string whole = request({});
    std::size_t read = 0;
    std::uint64_t given_up = 0;
    for (std::uint64_t i = 1; i <= 500; ++i) {
        connections.feed(chunk(2 * i, unfinished));
        CHECK(poll_all(connections) == 0);
        connections.feed(chunk(2 * i + 1, whole));
        read += poll_all(connections);
        given_up += connections.take_given_up();
        CHECK(connections.held() < most + most / 5);
    }
    CHECK(read == 500);
    CHECK(given_up > 300);
}

TEST_CASE("connections: a direction that was given up is read again from the next message on") {
    Connections connections(10'000);
    const std::string begin = "INVITE sip:bob@b.example SIP/2.0\r\nContent-Length: 90000\r\n\r\n" + std::string(20'000, 'x');
    connections.feed(chunk(2, begin));
    CHECK(poll_all(connections) == 0);
    connections.feed(chunk(4, "x"));
    connections.feed(chunk(6, "x"));
    CHECK(connections.take_given_up() == 1);
    connections.feed(chunk(2, request({}), false));
    CHECK(poll_all(connections) == 1);
}
