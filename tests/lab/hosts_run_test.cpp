// Runs whose phones live in network namespaces; the capture is taken at the bridge between them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>
#include <string>
#include <utility>

#include "libsipana/lab/reading.h"
#include "libsipana/lab/runner.h"
#include "libsipana/lab/sockets.h"
#include "libsipana/pcap/reader.h"
#include "tests/lab/echo.h"
#include "tests/made_hosts.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

Time clock_now() {
    return std::chrono::duration_cast<Time>(std::chrono::system_clock::now().time_since_epoch());
}

HostTable table_of(const MadeHosts& hosts) {
    auto table = parse_host_table(hosts.table());
    REQUIRE(table);
    return *table;
}

std::string said(const RunResult& r) {
    std::string out = r.error + "\n";
    for (const StepResult& s : r.steps)
        if (s.outcome != Outcome::done)
            out += fmt::format("{} {} | {} {}\n", s.line, s.text, to_string(s.outcome), s.detail);
    for (const CheckResult& c : r.checks)
        if (c.outcome != Outcome::done) out += fmt::format("{} | {}\n", c.text, c.detail);
    for (const std::string& n : r.notes) out += n + "\n";
    return out;
}

RunResult played(const std::string& text, const MadeHosts& hosts, const std::string& capture = "",
                 const std::function<void(const Packet&)>& watch = {}) {
    auto script = parse_script(text, "test");
    REQUIRE_MESSAGE(script, script.error().what);
    RunSettings settings;
    settings.ground = Ground::sockets;
    settings.hosts = table_of(hosts);
    settings.capture = capture;
    settings.longest = std::chrono::seconds{20};
    if (watch) settings.watch = [&watch](const Packet& packet, Time, Fate, bool) { watch(packet); };
    return run(*script, settings);
}

std::string call(std::string_view transport) {
    return fmt::format(
        "title over {0}\n"
        "phone alice 100 at {1} transport {0} audio pcmu\n"
        "phone bob 900 at {2} transport {0} audio pcmu\n"
        "alice -> bob INVITE\n"
        "bob -> alice 180\n"
        "bob -> alice 200\n"
        "alice -> bob ACK\n"
        "alice <> bob audio tone 440Hz 300ms\n"
        "alice -> bob BYE\n"
        "bob -> alice 200\n",
        transport, MadeHosts::text_address(0), MadeHosts::text_address(1));
}

const CheckResult& check_of(const RunResult& result, std::string_view text) {
    for (const CheckResult& one : result.checks)
        if (one.text == text) return one;
    FAIL("there is no check " << text);
    return result.checks.front();
}

struct TemporaryFile {
    TemporaryFile() {
        char name[] = "/tmp/sipana-hosts-XXXXXX";
        const int made = ::mkstemp(name);
        REQUIRE(made >= 0);
        ::close(made);
        path = name;
    }
    ~TemporaryFile() { ::unlink(path.c_str()); }
    std::string path;
};

}  // namespace

TEST_CASE("sockets: each port is opened at the host that has its address") {
    const auto hosts = MadeHosts::make(2);
    if (!hosts) return;
    SocketsSettings settings;
    settings.clock = &clock_now;
    settings.hosts = table_of(*hosts);
    auto made = Sockets::create(std::move(settings));
    REQUIRE(made);
    Sockets& network = **made;
    for (const Transport transport : {Transport::udp, Transport::tcp, Transport::tls}) {
        CAPTURE(to_string(transport));
        Listener alice{"alice"}, bob{"bob"};
        const auto a = network.open(transport, {MadeHosts::address(0), 5060}, alice);
        const auto b = network.open(transport, {MadeHosts::address(1), 5060}, bob);
        REQUIRE(a);
        REQUIRE(b);
        const std::string text =
            "OPTIONS sip:bob@b.example SIP/2.0\r\nCall-ID: c\r\nContent-Length: 0\r\n\r\n";
        REQUIRE(network.send(packet(*a, *b, text, transport)));
        network.flush();
        const Time end = clock_now() + std::chrono::seconds{5};
        while (bob.got.empty() && clock_now() < end)
            network.wait(clock_now() + std::chrono::milliseconds{100});
        CHECK(bob.got.size() == 1);
        network.close(transport, *a);
        network.close(transport, *b);
    }
    // An address that no host has is looked for here.
    Listener nobody{"nobody"};
    CHECK_FALSE(network.open(Transport::udp, {MadeHosts::address(7), 0}, nobody));
}

TEST_CASE("hosts: a call between two hosts, captured at the bridge and judged") {
    const auto hosts = MadeHosts::make(2);
    if (!hosts) return;
    for (const std::string_view transport : {"udp", "tcp"}) {
        CAPTURE(transport);
        TemporaryFile file;
        const RunResult result = played(call(transport), *hosts, file.path);
        REQUIRE_MESSAGE(result.outcome == Outcome::done, said(result));
        CHECK(result.sip_seen == 6);
        CHECK(result.rtp_seen >= 28);
        CHECK(result.rtp_seen == result.rtp_sent);
        CHECK(check_of(result, "the capture lost nothing").outcome == Outcome::done);
        pcap::FileSummary summary;
        pcap::Annotations annotations;
        summary.path = file.path;
        auto reader = pcap::Reader::open(summary, annotations);
        REQUIRE(reader);
        std::string comments;
        pcap::Frame frame;
        while ((*reader)->next(frame))
            if (!frame.comment.empty()) comments += fmt::format("{}\n", frame.comment);
        CHECK(comments ==
              "test:4 alice -> bob INVITE\ntest:5 bob -> alice 180\ntest:6 bob -> alice 200\n"
              "test:7 alice -> bob ACK\ntest:9 alice -> bob BYE\ntest:10 bob -> alice 200\n");
        CHECK(summary.interfaces.at(0).name == "br0");
        CHECK(annotations.names.size() == 2);
        REQUIRE(summary.comments.size() == 2);
        CHECK(summary.comments[1] == fmt::format("over {}", transport));
    }
}

TEST_CASE("hosts: without a file the capture is kept in memory and judged all the same") {
    const auto hosts = MadeHosts::make(2);
    if (!hosts) return;
    const RunResult result = played(call("udp"), *hosts);
    CHECK_MESSAGE(result.outcome == Outcome::done, said(result));
    CHECK(result.sip_seen == 6);
}

TEST_CASE("hosts: a port where nobody listens is answered by ICMP, which is in the capture") {
    const auto hosts = MadeHosts::make(2);
    if (!hosts) return;
    TemporaryFile file;
    const RunResult result =
        played(fmt::format("phone alice 100 at {}\nserver A {}\n"
                           "alice -> A OPTIONS\nA -> alice nothing for 200ms\n",
                           MadeHosts::text_address(0), MadeHosts::text_address(1)),
               *hosts, file.path);
    pcap::FileSummary summary;
    pcap::Annotations annotations;
    summary.path = file.path;
    auto reader = pcap::Reader::open(summary, annotations);
    REQUIRE(reader);
    int icmp = 0;
    pcap::Frame frame;
    while ((*reader)->next(frame)) icmp += frame.bytes.size() > 34 && frame.bytes[23] == 1;
    CHECK_MESSAGE(icmp == 1, said(result));
    CHECK(result.sip_seen == 1);
    CHECK(check_of(result, "every message that was sent is in the capture").outcome ==
          Outcome::done);
}

TEST_CASE("hosts: what somebody else sends from a phone's address fails the run") {
    const auto hosts = MadeHosts::make(2);
    if (!hosts) return;
    bool sent = false;
    const RunResult result = played(call("udp"), *hosts, "", [&](const Packet& packet) {
        if (packet.content != Content::sip || std::exchange(sent, true)) return;
        constexpr std::uint16_t discard = 9;
        hosts->send(0, 1, discard, packet.payload);
    });
    CHECK(result.outcome == Outcome::failed);
    const CheckResult& check = check_of(result, "every message in the capture was sent");
    CHECK(check.outcome == Outcome::failed);
    CHECK(check.detail.rfind("1: frame ", 0) == 0);
}

TEST_CASE("hosts: what cannot be set up is said") {
    const auto hosts = MadeHosts::make(1);
    if (!hosts) return;
    auto script = parse_script(
        fmt::format("phone alice 100 at {}\nalice pauses 1ms\n", MadeHosts::text_address(0)),
        "test");
    REQUIRE(script);
    RunSettings settings;
    settings.ground = Ground::sockets;
    settings.hosts = table_of(*hosts);
    settings.hosts.bridge_interface = "br7";
    RunResult result = run(*script, settings);
    CHECK(result.error == "br7: no such interface");
    CHECK(result.error_code == Errc::not_found);
    settings.hosts = table_of(*hosts);
    settings.hosts.namespaces[MadeHosts::address(0)] = "sipana-no-such";
    result = run(*script, settings);
    CHECK(result.error == "no network namespace 'sipana-no-such'");
}

TEST_CASE("hosts: network lines do nothing on sockets, and that is said") {
    const auto hosts = MadeHosts::make(2);
    if (!hosts) return;
    const RunResult result = played("network loss 50%\n" + call("udp"), *hosts);
    REQUIRE_MESSAGE(result.outcome == Outcome::done, said(result));
    REQUIRE(result.notes.size() == 1);
    CHECK(result.notes[0] == "network lines do nothing on sockets");
}
