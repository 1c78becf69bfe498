// HEP in and out: what the sender writes the listener reads back the same, over UDP, TCP and TLS.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "libsipana/hep/packet.h"
#include "libsipana/lab/sockets_wire.h"
#include "libsipana/live/hep_address.h"
#include "libsipana/live/hep_listener.h"
#include "libsipana/live/hep_sender.h"
#include "libsipana/net/decoder.h"
#include "libsipana/rtcp/packet.h"
#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::live;
using namespace sipana::wire;

namespace {

using Listener = std::unique_ptr<HepListener>;
using Sender = std::unique_ptr<HepSender>;

struct Got {
    Endpoint from, to;
    std::string bytes;
    hep::Packet packet() const { return *hep::parse(as_bytes(bytes)); }
};

// A frame's datagram.
class Opened : public net::Sink {
public:
    explicit Opened(const pcap::Frame& f) {
        net::Decoder decoder(*this);
        decoder.decode(
            {1, f.time, static_cast<std::uint16_t>(f.link), f.bytes, f.wire_size, false});
        REQUIRE(datagrams == 1);
    }
    void on_datagram(const net::Datagram& d) override {
        ++datagrams;
        got = {d.src, d.dst, std::string(as_text(d.payload))};
    }
    void on_chunk(const net::Chunk&) override {}
    void on_finding(Finding) override {}
    Got got;
    int datagrams = 0;
};

// What comes until `enough`, while `work` goes on; five seconds at most.
std::vector<Got> receive(
    HepListener& listener, std::size_t enough, const std::function<void()>& work = [] {}) {
    std::vector<Got> all;
    for (int i = 0; i < 1000; ++i) {
        work();
        pcap::Frame frame;
        while (listener.next(frame)) all.push_back(Opened(frame).got);
        if (all.size() >= enough) break;
        pollfd wanted{listener.descriptor(), POLLIN, 0};
        ::poll(&wanted, 1, 5);
    }
    return all;
}
// Until `done`, likewise.
bool await(HepListener& listener, const std::function<bool()>& done) {
    for (int i = 0; i < 1000; ++i) {
        pcap::Frame frame;
        while (listener.next(frame)) {
        }
        if (done()) return true;
        pollfd wanted{listener.descriptor(), POLLIN, 0};
        ::poll(&wanted, 1, 5);
    }
    return false;
}

Listener listening(HepListenSettings settings) {
    auto made = HepListener::open(std::move(settings));
    if (!made) FAIL(made.error().what);
    return std::move(*made);
}
Listener listening(std::string address) {
    HepListenSettings settings;
    settings.addresses = {std::move(address)};
    return listening(std::move(settings));
}
Sender sending(HepSendSettings settings) {
    settings.node = "edge";
    auto made = HepSender::open(std::move(settings));
    if (!made) FAIL(made.error().what);
    return std::move(*made);
}
std::string at_port(std::string_view scheme, const HepListener& listener) {
    return fmt::format("{}:127.0.0.1:{}", scheme, listener.listening().at(0).port);
}

analysis::SipMessage message(std::string_view text, Transport transport = Transport::udp) {
    analysis::SipMessage m;
    m.src = alice;
    m.dst = bob;
    m.time = at(1.5);
    m.transport = transport;
    m.text = text;
    return m;
}

// A client that speaks no HEP, or slowly.
class Client {
public:
    Client(const Endpoint& server, int type)
        : socket_(*lab::wire::make_socket(server.address, type)) {
        lab::wire::SocketAddress address;
        const auto size = lab::wire::to_wire(server, address);
        ::fcntl(socket_.get(), F_SETFL, 0);
        REQUIRE(::connect(socket_.get(), &address.any, size) == 0);
    }
    void say(std::string_view text) {
        CHECK(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(text.size()));
    }

private:
    lab::wire::Descriptor socket_;
};

std::string hep3(std::string_view key = {}) {
    hep::Packet p;
    p.src = alice;
    p.dst = bob;
    p.key = key;
    p.payload = as_bytes("x");
    Buffer out;
    REQUIRE(hep::write(p, out));
    return std::string(as_text(out));
}

// A key and a certificate for "localhost" and 127.0.0.1, gone with the test.
class Certificate {
public:
    Certificate() {
        char name[] = "/tmp/sipana-hep-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        folder_ = name;
        const std::string command = fmt::format(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
            "/CN=collector "
            "-addext subjectAltName=IP:127.0.0.1 -keyout {} -out {} 2> /dev/null",
            key(), certificate());
        made_ = std::system(command.c_str()) == 0;
    }
    ~Certificate() { std::filesystem::remove_all(folder_); }
    explicit operator bool() const { return made_; }
    std::string key() const { return folder_ + "/key.pem"; }
    std::string certificate() const { return folder_ + "/certificate.pem"; }

private:
    std::string folder_;
    bool made_ = false;
};

}  // namespace

TEST_CASE("HEP addresses: transport, host and port, and what is none") {
    const auto read = [](std::string_view text) {
        const auto address = parse_hep_address(text);
        return address ? address->to_string() : "";
    };
    CHECK(read("udp:127.0.0.1:9060") == "udp:127.0.0.1:9060");
    CHECK(read("TLS:collector.example:9061") == "tls:collector.example:9061");
    CHECK(read("tcp:[::1]:1") == "tcp:[::1]:1");
    CHECK(read("collector.example") == "udp:collector.example:9060");
    CHECK(read("[::1]") == "udp:[::1]:9060");
    for (const char* wrong : {"", "udp:", "udp::9060", "udp:::1", "udp:a:b", "udp:a:65536",
                              "udp:a:", "[::1", "[x]:1", "[::1]:"})
        CHECK(read(wrong) == "");
}

TEST_CASE("HEP round trip: over UDP, TCP and TLS the listener reads what the sender was told") {
    const Certificate certificate;
    if (!certificate) MESSAGE("openssl is missing: without TLS");
    for (const std::string scheme : {"udp", "tcp", "tls"}) {
        if (scheme == "tls" && !certificate) continue;
        CAPTURE(scheme);
        HepListenSettings settings;
        settings.addresses = {scheme + ":127.0.0.1:0"};
        settings.certificate_file = certificate.certificate();
        settings.key_file = certificate.key();
        settings.key = "secret";
        auto listener = listening(std::move(settings));
        HepSendSettings to;
        to.to = at_port(scheme, *listener);
        to.key = "secret";
        to.agent = 4711;
        to.ca_file = certificate.certificate();
        auto sender = sending(to);
        const std::string large(40'000, 'l');
        const std::string invite = request({.body = large});
        sender->on_message(message(invite), "c1");
        sender->on_message(message("OPTIONS sip:b SIP/2.0\r\n\r\n", Transport::tls), "");
        Buffer compound;
        rtcp::Packet report;
        report.content = rtcp::ReceiverReport{7, {{8, 1, 2, 3, 4, 5, 6}}, {}};
        REQUIRE(rtcp::write(report, compound));
        net::Datagram rtcp;
        rtcp.src = ep("[2001:db8::1]:5001");
        rtcp.dst = ep("[2001:db8::2]:4001");
        rtcp.time = at(2);
        rtcp.payload = compound;
        sender->on_rtcp(rtcp, "c1");
        for (int i = 0; i < 500; ++i)
            sender->on_message(message("BYE sip:b SIP/2.0\r\n\r\n"), "c2");
        const auto got = receive(*listener, 503, [&] { sender->turn(); });
        REQUIRE(got.size() == 503);
        CHECK(got[0].to == listener->listening()[0]);
        CHECK(got[0].from.address == got[0].to.address);
        hep::Packet p = got[0].packet();
        CHECK(p.src == alice);
        CHECK(p.dst == bob);
        CHECK(p.time == at(1.5));
        CHECK(p.protocol == 17);
        CHECK(p.type == hep::type_sip);
        CHECK(p.agent == 4711);
        CHECK(p.node == "edge");
        CHECK(p.key == "secret");
        CHECK(p.correlation == "c1");
        CHECK(as_text(p.payload) == invite);
        CHECK(got[1].packet().protocol == 6);
        CHECK(got[2].packet().type == hep::type_rtcp);
        CHECK(got[2].packet().src == rtcp.src);
        CHECK(as_text(got[2].packet().payload).starts_with(R"({"ssrc":7,"type":201,)"));
        CHECK(got[502].packet().correlation == "c2");
        for (const Got& g : got) CHECK(hep::check(as_bytes(g.bytes)).empty());
        const auto sent = sender->counts();
        CHECK(sent.packets == 503);
        CHECK(sent.sent == 503);
        CHECK(sent.connected);
        CHECK(sent.trouble == "");
        const SourceCounts counts = listener->counts();
        CHECK(counts.received == 503);
        CHECK(counts.read == 503);
        CHECK(counts.refused == 0);
        CHECK(listener->interface().link == pcap::LinkType::raw);
    }
}

TEST_CASE("HEP listener: on any address the datagram says which one it came to") {
    for (const char* any : {"udp:0.0.0.0:0", "udp:[::]:0"}) {
        auto listener = listening(std::string(any));
        Endpoint to = listener->listening()[0];
        to.address = *Address::parse(to.address.is_v4() ? "127.0.0.5" : "::1");
        Client(to, SOCK_DGRAM).say(hep3());
        const auto got = receive(*listener, 1);
        REQUIRE(got.size() == 1);
        CHECK(got[0].to == to);
    }
}

TEST_CASE("HEP listener: what is no HEP or lacks the key is refused and counted") {
    HepListenSettings settings;
    settings.addresses = {"udp:127.0.0.1:0", "tcp:127.0.0.1:0"};
    settings.key = "secret";
    auto listener = listening(std::move(settings));
    Client datagrams(listener->listening()[0], SOCK_DGRAM);
    for (const std::string& text : {std::string("garbage"), std::string("HEP3\0\5", 6), hep3(),
                                    hep3("secreT"), hep3("secret")})
        datagrams.say(text);
    CHECK(receive(*listener, 1).size() == 1);
    CHECK(listener->counts().refused == 4);

    Client web(listener->listening()[1], SOCK_STREAM), agent(listener->listening()[1], SOCK_STREAM);
    agent.say(hep3("secret").substr(0, 20));
    REQUIRE(await(*listener, [&] { return listener->connections() == 2; }));
    web.say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    REQUIRE(await(*listener, [&] { return listener->connections() == 1; }));
    CHECK(listener->counts().refused == 5);
    agent.say(hep3("secret").substr(20) + hep3("wrong") + hep3("secret"));
    CHECK(receive(*listener, 2).size() == 2);
    CHECK(listener->counts().refused == 6);
}

TEST_CASE(
    "HEP listener: who is slow is closed, who is silent makes room, and more are not let in") {
    const Certificate certificate;
    Time now = at(0);
    HepListenSettings settings;
    settings.addresses = {"tcp:127.0.0.1:0"};
    if (certificate) settings.addresses.push_back("tls:127.0.0.1:0");
    settings.certificate_file = certificate.certificate();
    settings.key_file = certificate.key();
    settings.most_connections = 2;
    settings.clock = [&now] { return now; };
    auto listener = listening(std::move(settings));
    const Endpoint tcp = listener->listening()[0];

    Client half(tcp, SOCK_STREAM), whole(tcp, SOCK_STREAM);
    half.say(hep3().substr(0, 30));
    whole.say(hep3());
    CHECK(receive(*listener, 1).size() == 1);
    REQUIRE(await(*listener, [&] { return listener->connections() == 2; }));
    Client third(tcp, SOCK_STREAM);
    REQUIRE(await(*listener, [&] { return listener->counts().refused == 1; }));
    CHECK(listener->connections() == 2);
    now += HepListener::unfinished + std::chrono::seconds{2};
    REQUIRE(await(*listener, [&] { return listener->connections() == 1; }));  // the half one
    Client fourth(tcp, SOCK_STREAM);
    REQUIRE(await(*listener, [&] { return listener->connections() == 2; }));
    now += HepListener::silence;
    Client fifth(tcp, SOCK_STREAM);  // in the place of the one that has said nothing for longest
    fifth.say(hep3());
    CHECK(receive(*listener, 1).size() == 1);
    CHECK(listener->connections() == 2);
    CHECK(listener->counts().refused == 3);
    if (!certificate) return;
    now += HepListener::silence + std::chrono::seconds{2};
    Client mute(listener->listening()[1], SOCK_STREAM);  // TLS, and says nothing
    REQUIRE(await(*listener, [&] { return listener->counts().refused == 4; }));
    now += HepListener::handshake + std::chrono::seconds{2};
    REQUIRE(await(*listener, [&] { return listener->counts().refused == 5; }));
    Client plain(listener->listening()[1], SOCK_STREAM);
    plain.say(hep3());
    REQUIRE(await(*listener, [&] { return listener->counts().refused == 6; }));
}

TEST_CASE("HEP listener: what cannot be opened is said") {
    const auto error = [](std::vector<std::string> addresses) {
        HepListenSettings settings;
        settings.addresses = std::move(addresses);
        const auto made = HepListener::open(std::move(settings));
        return made ? std::string() : made.error().what;
    };
    CHECK(error({}) != "");
    CHECK(error({"udp:collector.example:9060"}).find("not a name") != std::string::npos);
    CHECK(error({"tls:127.0.0.1:0"}).find("certificate") != std::string::npos);
    CHECK(error({"sctp:127.0.0.1:0"}) != "");
    auto taken = listening("tcp:127.0.0.1:0");
    CHECK(error({at_port("tcp", *taken)}) != "");
}

TEST_CASE(
    "HEP sender: without a collector it waits longer and longer, and drops what finds no room") {
    Time now = at(0);
    std::string address;
    {
        const auto listener = listening("tcp:127.0.0.1:0");
        address = at_port("tcp", *listener);
    }
    HepSendSettings settings;
    settings.to = address;
    settings.most_queued = 10'000;
    settings.clock = [&now] { return now; };
    auto sender = sending(settings);
    const std::string text(900, 'x');
    for (int i = 0; i < 100; ++i) sender->on_message(message(text), "c1");
    for (int i = 0; i < 20; ++i) sender->turn();
    auto counts = sender->counts();
    CHECK(counts.packets == 100);
    CHECK(counts.waiting == 9);
    CHECK(counts.dropped == 91);
    CHECK(!counts.connected);
    CHECK(counts.trouble != "");

    auto listener = listening(address);
    for (int i = 0; i < 20; ++i) sender->turn();
    CHECK(receive(*listener, 1).empty());  // its time has not come
    now += HepSender::first_pause;
    CHECK(receive(*listener, 9, [&] { sender->turn(); }).size() == 9);
    counts = sender->counts();
    CHECK(counts.sent == 9);
    CHECK(counts.waiting == 0);
    CHECK(counts.connections == 1);
    CHECK(counts.trouble == "");

    // The collector goes and comes again.
    listener.reset();
    for (int i = 0; i < 200 && sender->counts().connected; ++i) {
        sender->turn();
        ::usleep(1000);
    }
    CHECK(!sender->counts().connected);
    listener = listening(address);
    sender->on_message(message("BYE"), "c1");
    now += std::chrono::seconds{1};
    CHECK(receive(*listener, 1, [&] { sender->turn(); }).size() == 1);
    CHECK(sender->counts().connections == 2);
}

TEST_CASE("HEP sender: a TLS collector that nobody vouches for gets nothing") {
    const Certificate certificate, other;
    if (!certificate || !other) {
        MESSAGE("openssl is missing");
        return;
    }
    HepListenSettings listen;
    listen.addresses = {"tls:127.0.0.1:0"};
    listen.certificate_file = certificate.certificate();
    listen.key_file = certificate.key();
    auto listener = listening(std::move(listen));
    HepSendSettings settings;
    settings.to = at_port("tls", *listener);
    settings.ca_file = other.certificate();
    auto sender = sending(settings);
    sender->on_message(message("BYE"), "c1");
    REQUIRE(await(*listener, [&] {
        sender->turn();
        return sender->counts().trouble != "";
    }));
    CHECK(sender->counts().sent == 0);
    CHECK(sender->counts().waiting == 1);
    settings.verify = false;
    auto trusting = sending(settings);
    trusting->on_message(message("BYE"), "c1");
    CHECK(receive(*listener, 1, [&] { trusting->turn(); }).size() == 1);
}

TEST_CASE("HEP sender: what the capture saw twice is sent once, and what is too large not at all") {
    auto listener = listening("udp:127.0.0.1:0");
    HepSendSettings settings;
    settings.to = at_port("udp", *listener);
    auto sender = sending(settings);
    analysis::SipMessage m = message("BYE");
    m.capture_duplicate = true;
    sender->on_message(m, "c1");
    const std::string large(65'400, 'x');
    sender->on_message(message(large), "c1");
    const std::string larger(70'000, 'x');
    sender->on_message(message(larger), "c1");
    sender->on_message(message("BYE"), "c1");
    CHECK(receive(*listener, 1, [&] { sender->turn(); }).size() == 1);
    CHECK(sender->counts().repeated == 1);
    CHECK(sender->counts().too_large == 2);
    CHECK(sender->counts().packets == 1);
    CHECK(sender->agent().agent == 2001);
    CHECK(sender->agent().node == "edge");
}
