#include "libsipana/lab/sockets.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "libsipana/lab/port_pair.h"
#include "tests/lab/echo.h"

using namespace sipana;
using namespace sipana::lab;
using namespace std::chrono_literals;

namespace {

Time clock_now() {
    return std::chrono::duration_cast<Time>(std::chrono::system_clock::now().time_since_epoch());
}

std::string message(int number, std::size_t body = 0) {
    return fmt::format(
               "MESSAGE sip:bob@b.example SIP/2.0\r\nCall-ID: c{}\r\nContent-Length: {}\r\n\r\n",
               number, body) +
           std::string(body, 'x');
}

const Endpoint any4 = at("127.0.0.1:0"), any6 = at("[::1]:0");

bool has_ipv6() {
    const int probe = ::socket(AF_INET6, SOCK_DGRAM, 0);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    const bool there =
        probe >= 0 && ::bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    ::close(probe);
    return there;
}

std::vector<Endpoint> families() {
    return has_ipv6() ? std::vector<Endpoint>{any4, any6} : std::vector<Endpoint>{any4};
}

struct Two {
    explicit Two(Transport t = Transport::udp, const Endpoint& wish = any4, TlsSettings tls = {})
        : transport(t) {
        SocketsSettings settings;
        settings.clock = &clock_now;
        settings.tls = std::move(tls);
        network = *Sockets::create(std::move(settings));
        network->tap(&tap);
        a = *network->open(transport, wish, alice);
        b = *network->open(transport, wish, bob);
    }
    void send(const Endpoint& src, const Endpoint& dst, std::string_view text) {
        REQUIRE(network->send(packet(src, dst, text, transport)));
        network->flush();
    }
    // Bounded: five seconds without success is a failure.
    template <typename Done>
    bool until(Done done) {
        const Time end = clock_now() + 5s;
        while (!done() && clock_now() < end) network->wait(clock_now() + 100ms);
        return done();
    }
    Transport transport;
    Watched tap;
    Listener alice{"alice"}, bob{"bob"};
    std::unique_ptr<Sockets> network;
    Endpoint a, b;
};

// A peer that nobody here wrote: blocking, with a time limit.
class Stranger {
public:
    Stranger() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        const timeval limit{5, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    }
    ~Stranger() { leave(); }
    Stranger(const Stranger&) = delete;
    Stranger& operator=(const Stranger&) = delete;

    bool connect(const Endpoint& to) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(to.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    }
    void say(std::string_view text) {
        CHECK(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(text.size()));
    }
    std::string hear() {
        char room[4096];
        const ssize_t n = ::recv(socket_, room, sizeof(room), 0);
        return n > 0 ? std::string(room, static_cast<std::size_t>(n)) : std::string();
    }
    int descriptor() const { return socket_; }
    void leave() {
        if (socket_ >= 0) ::close(socket_);
        socket_ = -1;
    }

private:
    int socket_;
};

std::uint16_t closed_port() {
    Two other;
    return other.a.port;
}

}  // namespace

TEST_CASE("Sockets: UDP goes there and back, in both families, and the tap sees each packet once") {
    for (const Endpoint& wish : families()) {
        Two t(Transport::udp, wish);
        t.send(t.a, t.b, "hello");
        REQUIRE(t.until([&] { return t.bob.packets == 1; }));
        CHECK(t.bob.got[0].text == "hello");
        CHECK(t.bob.got[0].src == t.a);
        CHECK(t.bob.got[0].dst == t.b);
        t.send(t.b, t.a, "there");
        REQUIRE(t.until([&] { return t.alice.packets == 1; }));
        REQUIRE(t.tap.seen.size() == 2);
        CHECK(t.tap.seen[0].text == "hello");
        CHECK(t.tap.seen[1].src == t.b);
        CHECK(t.tap.seen[0].at <= t.tap.seen[1].at);
    }
}

TEST_CASE("Sockets: what a datagram holds is seen by its first bytes (RFC 7983 7, RFC 5761 4)") {
    Two t;
    t.send(t.a, t.b, std::string("\x80\x00\x00\x01", 4));
    t.send(t.a, t.b, std::string("\x80\xc8\x00\x06", 4));
    t.send(t.a, t.b, "OPTIONS sip:b SIP/2.0\r\n\r\n");
    t.send(t.a, t.b, "");
    REQUIRE(t.until([&] { return t.bob.packets == 4; }));
    CHECK(t.bob.got[0].content == Content::rtp);
    CHECK(t.bob.got[1].content == Content::rtcp);
    CHECK(t.bob.got[2].content == Content::sip);
    CHECK(t.bob.got[3].content == Content::sip);
}

TEST_CASE("Sockets: thousands of datagrams in one go, of every size, all arrive in order") {
    Two t;
    constexpr int count = 2000;
    for (int i = 0; i < count; ++i) {
        const std::string text =
            std::to_string(i) + ':' + std::string(i % 50 == 0 ? 60'000 : 100, 'x');
        REQUIRE(t.network->send(packet(t.a, t.b, text)));
        if (i % 100 == 99) {
            t.network->flush();
            const auto wanted = static_cast<std::uint64_t>(i + 1);
            REQUIRE(t.until([&] { return t.bob.packets == wanted; }));
        }
    }
    REQUIRE(t.bob.got.size() == count);
    for (std::size_t i = 0; i < count; ++i)
        CHECK(t.bob.got[i].text.compare(0, t.bob.got[i].text.find(':'), std::to_string(i)) == 0);
}

TEST_CASE("Sockets: datagrams that come faster than they are read are counted as lost") {
    Two t;
    const std::string text(60'000, 'x');
    for (int i = 0; i < 400; ++i) REQUIRE(t.network->send(packet(t.a, t.b, text)));
    t.network->flush();
    std::uint64_t before = 0;
    do {
        before = t.bob.packets;
        t.network->wait(clock_now() + 10ms);
    } while (t.bob.packets != before);
    t.network->close(Transport::udp, t.b);
    CHECK(t.network->counts().overflowed > 0);
    CHECK(t.network->counts().overflowed + t.bob.packets == 400);
    CHECK(t.network->take_notes().size() == 1);
}

TEST_CASE("RFC 1122 4.1.3.3: a closed UDP port is told of, and later datagrams still leave") {
    for (const Endpoint& wish : families()) {
        Two t(Transport::udp, wish);
        const Endpoint nobody{wish.address, closed_port()};
        for (int i = 0; i < 3; ++i) t.send(t.a, nobody, "anybody?");
        REQUIRE(t.until([&] { return !t.alice.lost.empty(); }));
        CHECK(t.alice.lost[0].local == t.a);
        CHECK(t.alice.lost[0].remote == nobody);
        CHECK(t.alice.lost[0].transport == Transport::udp);
        for (int i = 0; i < 20; ++i) {
            REQUIRE(t.network->send(packet(t.a, nobody, "anybody?")));
            REQUIRE(t.network->send(packet(t.a, t.b, "hello")));
            t.network->flush();
        }
        CHECK(t.until([&] { return t.bob.packets == 20; }));
        const auto notes = t.network->take_notes();
        REQUIRE(notes.size() == 1);
        CHECK(notes[0] == fmt::format("UDP {}: Connection refused", nobody.to_string()));
    }
}

TEST_CASE("Sockets: TCP and TLS carry messages both ways on one connection, in both families") {
    for (const Transport transport : {Transport::tcp, Transport::tls}) {
        for (const Endpoint& wish : families()) {
            Two t(transport, wish);
            t.send(t.a, t.b, message(1));
            t.send(t.a, t.b, message(2, 5000));
            REQUIRE(t.until([&] { return t.bob.packets == 2; }));
            CHECK(t.bob.got[0].text == message(1));
            CHECK(t.bob.got[1].text == message(2, 5000));
            CHECK(t.bob.got[0].src == t.a);
            CHECK(t.bob.got[0].dst == t.b);
            CHECK(t.bob.got[0].transport == transport);
            // The answer goes to where the request was seen to come from.
            t.send(t.b, t.bob.got[0].src, message(3));
            REQUIRE(t.until([&] { return t.alice.packets == 1; }));
            CHECK(t.alice.got[0].src == t.b);
            REQUIRE(t.tap.seen.size() == 3);
            CHECK(t.tap.seen[0].src == t.a);
            CHECK(t.tap.seen[2].dst == t.a);
            CHECK(t.network->counts().sent == 3);
            CHECK(t.network->counts().received == 3);
            CHECK(t.network->take_notes().empty());
        }
    }
}

TEST_CASE("Sockets: a thousand messages of 64 KB pass a stream whole and in order") {
    for (const Transport transport : {Transport::tcp, Transport::tls}) {
        Two t(transport);
        t.bob.keep = false;
        int wrong = 0, next = 0;
        t.bob.on_arrival = [&](const Packet& p) {
            wrong += as_text(p.payload) == message(next, 65'536) ? 0 : 1;
            ++next;
        };
        t.network->tap(nullptr);
        for (int i = 0; i < 1000; ++i) {
            t.send(t.a, t.b, message(i, 65'536));
            if (i % 100 == 99) REQUIRE(t.until([&] { return next == i + 1; }));
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("Sockets: a refused connection is told of once, and its packets were never sent") {
    for (const Transport transport : {Transport::tcp, Transport::tls}) {
        Two t(transport);
        const Endpoint nobody{any4.address, closed_port()};
        t.send(t.a, nobody, message(1));
        t.send(t.a, nobody, message(2));
        REQUIRE(t.until([&] { return !t.alice.lost.empty(); }));
        CHECK(t.alice.lost[0].remote == nobody);
        CHECK(t.alice.lost[0].local == t.a);
        for (const auto& seen : t.tap.seen) CHECK(seen.fate == Fate::refused);
        CHECK(t.tap.seen.size() == 2);
        CHECK(t.network->counts().sent == 0);
        const auto notes = t.network->take_notes();
        REQUIRE(notes.size() == 1);
        CHECK(notes[0].find("Connection refused") != std::string::npos);
    }
}

TEST_CASE("RFC 5626 4.4.1: CRLF CRLF is answered by CRLF, and a lone CRLF by nothing") {
    Two t(Transport::tcp);
    Stranger stranger;
    REQUIRE(stranger.connect(t.b));
    stranger.say("\r\n" + message(1) + "\r\n\r\n" + message(2));
    REQUIRE(t.until([&] { return t.bob.packets == 2; }));
    CHECK(stranger.hear() == "\r\n");
}

TEST_CASE("Sockets: a stranger's message in pieces, garbage, and an end inside a message") {
    Two t(Transport::tcp);
    Stranger stranger;
    REQUIRE(stranger.connect(t.b));
    const std::string text = message(1, 100);
    stranger.say("what is this?\r\n" + text.substr(0, 50));
    t.network->wait(clock_now() + 50ms);
    CHECK(t.bob.packets == 0);
    stranger.say(text.substr(50));
    REQUIRE(t.until([&] { return t.bob.packets == 1; }));
    CHECK(t.bob.got[0].text == text);
    CHECK(t.network->counts().skipped == 15);
    const auto notes = t.network->take_notes();
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].find("what came on the stream is no SIP") != std::string::npos);
    REQUIRE(t.tap.seen.size() == 1);
    CHECK(t.tap.seen[0].dst == t.b);

    const Endpoint peer = t.bob.got[0].src;
    t.send(t.b, peer, message(2));
    CHECK(stranger.hear() == message(2));
    stranger.say(text.substr(0, text.size() - 1));
    stranger.leave();
    REQUIRE(t.until([&] { return t.network->counts().cut_short == 1; }));
    CHECK(t.bob.packets == 1);
    const auto later = t.network->take_notes();
    REQUIRE(later.size() == 1);
    CHECK(later[0].find("ended inside a message") != std::string::npos);
    // Who is gone cannot be sent to.
    t.bob.lost.clear();
    t.send(t.b, peer, message(3));
    CHECK(t.until([&] { return !t.bob.lost.empty(); }));
}

TEST_CASE("Sockets: a message without an end is not kept for ever") {
    Two t(Transport::tcp);
    Stranger stranger;
    REQUIRE(stranger.connect(t.b));
    const std::string head = "MESSAGE sip:b SIP/2.0\r\nContent-Length: 9000000\r\n\r\n";
    const std::string piece(65'536, 'x');
    stranger.say(head);
    for (int i = 0; i < 100 && t.bob.lost.empty(); ++i) {
        stranger.say(piece);
        t.network->wait(clock_now() + 1ms);
        if (!t.network->take_notes().empty()) break;
    }
    CHECK(t.until([&] { return !t.bob.lost.empty(); }));
    CHECK(t.bob.packets == 0);
}

TEST_CASE("Sockets: garbage to a TLS port ends that connection alone") {
    Two t(Transport::tls);
    Stranger stranger;
    REQUIRE(stranger.connect(t.b));
    stranger.say(message(1));
    REQUIRE(t.until([&] { return t.network->counts().unreachable > 0; }));
    const auto notes = t.network->take_notes();
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].find("TLS 127.0.0.1:") == 0);
    t.send(t.a, t.b, message(2));
    CHECK(t.until([&] { return t.bob.packets == 1; }));
}

TEST_CASE("Sockets: a peer that is not known is refused where certificates are judged") {
    TlsSettings tls;
    tls.verify = true;
    tls.ca_file = "/nonexistent/ca.pem";
    {
        SocketsSettings settings;
        settings.clock = &clock_now;
        settings.tls = tls;
        auto network = *Sockets::create(settings);
        Listener alice("alice");
        const auto opened = network->open(Transport::tls, any4, alice);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().what.find("/nonexistent/ca.pem") != std::string::npos);
    }
    tls.ca_file.clear();
    Two t(Transport::tls, any4, tls);
    t.send(t.a, t.b, message(1));
    REQUIRE(t.until([&] { return !t.alice.lost.empty(); }));
    CHECK(t.bob.packets == 0);
    std::string all;
    for (const std::string& note : t.network->take_notes()) all += note + '\n';
    CHECK(all.find("self-signed certificate") != std::string::npos);
}

TEST_CASE(
    "Sockets: certificates from files are judged by their authority and their name, both ways") {
    const auto folder =
        std::filesystem::temp_directory_path() / fmt::format("sipana-tls-{}", ::getpid());
    std::filesystem::create_directory(folder);
    const std::string certificate = (folder / "certificate.pem").string(),
                      key = (folder / "key.pem").string();
    const std::string command = fmt::format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout {} "
        "-out {} -subj /CN=lab.example -addext subjectAltName=DNS:lab.example >/dev/null 2>&1",
        key, certificate);
    if (std::system(command.c_str()) != 0) {
        MESSAGE("skipped: there is no openssl program here");
        std::filesystem::remove_all(folder);
        return;
    }
    TlsSettings tls;
    tls.certificate_file = certificate;
    tls.key_file = key;
    tls.ca_file = certificate;
    tls.verify = true;
    tls.name = "lab.example";
    {
        Two t(Transport::tls, any4, tls);
        t.send(t.a, t.b, message(1));
        CHECK(t.until([&] { return t.bob.packets == 1; }));
        CHECK(t.network->take_notes().empty());
    }
    tls.name = "other.example";
    {
        Two t(Transport::tls, any4, tls);
        t.send(t.a, t.b, message(1));
        CHECK(t.until([&] { return !t.alice.lost.empty(); }));
        CHECK(t.bob.packets == 0);
        std::string all;
        for (const std::string& note : t.network->take_notes()) all += note + '\n';
        CHECK(all.find("ostname mismatch") != std::string::npos);
    }
    std::filesystem::remove_all(folder);
}

TEST_CASE("Sockets: where no descriptor is left, strangers are turned away and work goes on") {
    Two t(Transport::tcp);
    struct rlimit before {};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    std::vector<std::unique_ptr<Stranger>> crowd;
    for (int i = 0; i < 20; ++i) {
        crowd.push_back(std::make_unique<Stranger>());
        REQUIRE(crowd.back()->connect(t.b));
    }
    struct rlimit few = before;
    few.rlim_cur = static_cast<rlim_t>(crowd.back()->descriptor() + 5);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (int i = 0; i < 5; ++i) t.network->wait(clock_now() + 5ms);
    ::setrlimit(RLIMIT_NOFILE, &before);
    const auto notes = t.network->take_notes();
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].find("no file descriptor is left") != std::string::npos);
    crowd.front()->say(message(1));
    CHECK(t.until([&] { return t.bob.packets == 1; }));
    CHECK(crowd.back()->hear().empty());
    t.send(t.a, t.b, message(2));
    CHECK(t.until([&] { return t.bob.packets == 2; }));
}

TEST_CASE("Sockets: closing a port ends its connections, and another can be opened there") {
    Two t(Transport::tcp);
    t.send(t.a, t.b, message(1));
    REQUIRE(t.until([&] { return t.bob.packets == 1; }));
    t.network->close(Transport::tcp, t.b);
    CHECK_FALSE(t.network->send(packet(t.b, t.a, message(2), Transport::tcp)));
    CHECK_FALSE(t.network->wait(clock_now() + 20ms));
    const auto again = t.network->open(Transport::tcp, t.b, t.bob);
    REQUIRE(again);
    CHECK(*again == t.b);
    t.send(t.a, t.b, message(3));
    REQUIRE(t.until([&] { return t.bob.packets == 2; }));
    t.send(t.b, t.bob.got[1].src, message(4));
    CHECK(t.until([&] { return t.alice.packets == 1; }));
    CHECK(t.tap.seen.size() == 3);
}

TEST_CASE("Sockets: a node may close its port while it gets something") {
    for (const Transport transport : {Transport::udp, Transport::tcp, Transport::tls}) {
        Two t(transport);
        t.bob.on_arrival = [&](const Packet&) { t.network->close(transport, t.b); };
        for (int i = 0; i < 5; ++i)
            REQUIRE(t.network->send(packet(t.a, t.b, message(i), transport)));
        REQUIRE(t.until([&] { return t.bob.packets > 0; }));
        t.network->wait(clock_now() + 10ms);
        CHECK(t.bob.packets == 1);
    }
}

TEST_CASE("Sockets: ports in use, strange addresses and wild cards are refused with the reason") {
    Two udp, tcp(Transport::tcp);
    const auto taken = udp.network->open(Transport::udp, udp.a, udp.bob);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().code == Errc::denied);
    CHECK(taken.error().what == fmt::format("{}: Address already in use", udp.a.to_string()));
    // Also where both sockets would share the port.
    CHECK_FALSE(udp.network->open(Transport::tcp, tcp.a, udp.bob));
    const auto strange = udp.network->open(Transport::udp, at("192.0.2.77:0"), udp.bob);
    REQUIRE_FALSE(strange);
    CHECK(strange.error().code == Errc::not_found);
    CHECK_FALSE(udp.network->open(Transport::udp, at("0.0.0.0:0"), udp.bob));
    CHECK_FALSE(udp.network->open(Transport::sctp, any4, udp.bob));
    CHECK_FALSE(udp.network->send(packet(udp.a, any6, "x")));
    CHECK_FALSE(udp.network->send(packet(at("127.0.0.1:1"), udp.a, "x")));
    CHECK_FALSE(Sockets::create({}));
}

TEST_CASE("Sockets: waiting without traffic ends at the time given") {
    Two t;
    const Time end = clock_now() + 3ms;
    CHECK_FALSE(t.network->wait(end));
    CHECK(clock_now() >= end);
    CHECK_FALSE(t.network->wait(clock_now() - 1s));
}

TEST_CASE("Sockets: the address towards a host of this machine is of this machine") {
    const auto own = address_towards(at("127.0.0.5:5060"));
    REQUIRE(own);
    CHECK(own->is_loopback());
}

TEST_CASE("RFC 3550 11: a pair of ports is an even one and the next") {
    Two t;
    for (int i = 0; i < 20; ++i) {
        const auto pair = open_pair(*t.network, any4.address, t.alice);
        REQUIRE(pair);
        CHECK(pair->rtp.port % 2 == 0);
        CHECK(pair->rtcp.port == pair->rtp.port + 1);
    }
}

TEST_CASE("Sockets: what a peer does not take is kept up to a cap, then refused and told of") {
    Two t(Transport::tcp);
    Stranger stranger;
    REQUIRE(stranger.connect(t.b));
    stranger.say(message(1));
    REQUIRE(t.until([&] { return t.bob.packets == 1; }));
    const Endpoint peer = t.bob.got[0].src;
    const std::string large = message(2, 1 << 20);
    for (int i = 0; i < 40; ++i) t.send(t.b, peer, large);
    REQUIRE(t.until([&] { return !t.bob.lost.empty(); }));
    CHECK(t.bob.lost[0].remote == peer);
    std::uint64_t refused = 0;
    for (const auto& seen : t.tap.seen) refused += seen.fate == Fate::refused ? 1 : 0;
    CHECK(refused > 10);
    CHECK(t.network->counts().sent == 40 - refused);
    const auto notes = t.network->take_notes();
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].find("does not take") != std::string::npos);
    // The others are not held up.
    t.send(t.a, t.b, message(3));
    CHECK(t.until([&] { return t.bob.packets == 2; }));
}

TEST_CASE("Sockets: two that go to each other at the same time both get there") {
    for (const Transport transport : {Transport::tcp, Transport::tls}) {
        for (int round = 0; round < 10; ++round) {
            Two t(transport);
            REQUIRE(t.network->send(packet(t.a, t.b, message(1), transport)));
            REQUIRE(t.network->send(packet(t.b, t.a, message(2), transport)));
            REQUIRE(t.until([&] { return t.alice.packets == 1 && t.bob.packets == 1; }));
            // And answers find their way back.
            t.send(t.b, t.bob.got[0].src, message(3));
            t.send(t.a, t.alice.got[0].src, message(4));
            REQUIRE(t.until([&] { return t.alice.packets == 2 && t.bob.packets == 2; }));
            CHECK(t.tap.seen.size() == 4);
            CHECK(t.alice.lost.empty());
            CHECK(t.bob.lost.empty());
        }
    }
}
