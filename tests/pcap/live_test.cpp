#include "libsipana/pcap/live.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/made_hosts.h"

using namespace sipana;
using pcap::Live;
using pcap::LiveSettings;

namespace {

// Opened at the bridge, read from here.
Result<Live> open_at(const std::string& there, const std::string& interface,
                     const LiveSettings& settings) {
    return MadeHosts::at(there, [&] { return Live::open(interface, settings); });
}

// To a port where nobody listens.
void send(const MadeHosts& hosts, int count, std::size_t size) {
    constexpr std::uint16_t discard = 9;
    const Buffer payload(size);
    for (int i = 0; i < count; ++i) hosts.send(0, 1, discard, payload);
}

// Every frame until there was none for a while.
std::vector<Buffer> read_all(Live& live, std::vector<Time>* times = nullptr) {
    std::vector<Buffer> out;
    pcap::Frame frame;
    pollfd readable{live.descriptor(), POLLIN, 0};
    constexpr int quiet_ms = 200;
    while (::poll(&readable, 1, quiet_ms) > 0 && live.status()) {
        while (live.next(frame)) {
            CHECK(frame.number == out.size() + 1);
            CHECK(frame.wire_size >= frame.bytes.size());
            out.emplace_back(frame.bytes.begin(), frame.bytes.end());
            if (times != nullptr) times->push_back(frame.time);
        }
    }
    return out;
}

// Of IPv4; 0: not IPv4.
int protocol(const Buffer& frame) {
    return frame.size() > 34 && load_be16(frame.data() + 12) == 0x0800 ? frame[23] : 0;
}

}  // namespace

TEST_CASE("live: a promiscuous bridge shows what it forwards, each frame once, fragments too") {
    const auto hosts = MadeHosts::make(2);
    if (!hosts) return;
    LiveSettings settings;
    settings.filter = "ip or ip6";
    auto live = open_at(hosts->bridge(), "br0", settings);
    REQUIRE(live);
    CHECK(live->interface().link == pcap::LinkType::ethernet);
    CHECK(live->interface().name == "br0");
    pcap::Frame none;
    CHECK_FALSE(live->next(none));  // does not wait
    CHECK(live->status());
    send(*hosts, 3, 2000);  // each is two fragments, and is answered
    std::vector<Time> times;
    const auto frames = read_all(*live, &times);
    constexpr int icmp = 1, udp = 17;
    const auto count = [&](int wanted) {
        return std::count_if(frames.begin(), frames.end(),
                             [&](const Buffer& frame) { return protocol(frame) == wanted; });
    };
    CHECK(frames.size() == 9);
    CHECK(count(udp) == 6);
    CHECK(count(icmp) == 3);  // and no ARP
    bool nanoseconds = false;
    for (const Time& time : times) nanoseconds |= time.count() % 1000 != 0;
    CHECK(nanoseconds == (live->interface().resolution == 9));
    const auto counts = live->counts();
    CHECK(counts.read == 9);
    CHECK(counts.received == 9);
    CHECK(counts.dropped == 0);
}

TEST_CASE("live: a frame longer than the snap length says how long it was") {
    const auto hosts = MadeHosts::make(2);
    if (!hosts) return;
    LiveSettings settings;
    settings.filter = "udp";
    settings.snap = 60;
    settings.immediate = true;
    auto live = open_at(hosts->bridge(), "br0", settings);
    REQUIRE(live);
    send(*hosts, 1, 500);
    pcap::Frame frame;
    pollfd readable{live->descriptor(), POLLIN, 0};
    REQUIRE(::poll(&readable, 1, 2000) > 0);
    REQUIRE(live->next(frame));
    CHECK(frame.bytes.size() <= 60);  // libpcap rounds down to its alignment
    CHECK(frame.bytes.size() >= 54);
    CHECK(frame.wire_size == 14 + 20 + 8 + 500);
    CHECK(live->interface().snap == 60);
}

TEST_CASE("live: without room in the kernel's buffer drops are counted") {
    const auto hosts = MadeHosts::make(2);
    if (!hosts) return;
    LiveSettings settings;
    settings.filter = "udp";
    settings.buffer = 1;  // the least that libpcap takes
    settings.batch = std::chrono::seconds{10};
    auto live = open_at(hosts->bridge(), "br0", settings);
    REQUIRE(live);
    send(*hosts, 4000, 1400);
    const auto frames = read_all(*live);
    const auto counts = live->counts();
    CHECK(counts.received >= 4000);
    CHECK(counts.dropped > 0);
    CHECK(counts.read == frames.size());
}

TEST_CASE("live: what cannot be opened is refused in words") {
    const auto hosts = MadeHosts::make(0);
    if (!hosts) return;
    const auto refused = [&](const std::string& interface, const std::string& filter) {
        LiveSettings settings;
        settings.filter = filter;
        const auto live = open_at(hosts->bridge(), interface, settings);
        return live ? std::string("none") : live.error().what;
    };
    CHECK(refused("nosuch0", "") == "nosuch0: no such interface");
    CHECK(refused("br0", "ip or or").rfind("filter 'ip or or': ", 0) == 0);
    CHECK(refused("br0", "ip") == "none");
}

TEST_CASE("live: there is a list of what can be listened at") {
    const auto hosts = MadeHosts::make(1);
    if (!hosts) return;
    const auto all = MadeHosts::at(hosts->path(0), [] { return pcap::list_interfaces(); });
    REQUIRE(all);
    std::vector<std::string> names;
    for (const pcap::Listenable& one : *all) {
        names.push_back(one.name);
        if (one.name == "eth0") {
            CHECK(one.up);
            CHECK_FALSE(one.loopback);
            CHECK(one.addresses == std::vector<Address>{MadeHosts::address(0)});
        }
        CHECK(one.loopback == (one.name == "lo"));
        CHECK(one.any == (one.name == "any"));
    }
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<std::string>{"any", "eth0", "lo"});
}

TEST_CASE("live: without the right to capture it is said how to have it") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: needs root");
        return;
    }
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        constexpr uid_t nobody = 65534;
        const bool done = ::setuid(nobody) == 0;
        const auto live = Live::open("lo", {});
        const std::string what = done && !live ? live.error().what : "opened";
        (void)!::write(pipe[1], what.data(), what.size());
        ::_exit(0);
    }
    ::close(pipe[1]);
    char said[256] = {};
    CHECK(::read(pipe[0], said, sizeof said - 1) > 0);
    ::close(pipe[0]);
    CHECK(::waitpid(child, nullptr, 0) == child);
    CHECK(std::string(said) ==
          "lo: capturing needs CAP_NET_RAW: run this as root, or give it to the program, once: "
          "setcap cap_net_raw+ep PROGRAM");
}
