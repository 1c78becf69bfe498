#include "libsipana/live/interface_source.h"

#include <doctest/doctest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>

#include <set>
#include <string>
#include <vector>

#include "tests/made_hosts.h"

using namespace sipana;
using live::DeviceDrops;
using live::InterfaceSource;

namespace {

std::unique_ptr<InterfaceSource> open_at(const std::string& there, const std::string& interface,
                                         const std::string& filter) {
    pcap::LiveSettings settings;
    settings.filter = filter;
    settings.buffer = 4u << 20;
    auto opened = MadeHosts::at(there, [&] { return InterfaceSource::open(interface, settings); });
    REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().what));
    return std::move(*opened);
}

std::vector<Buffer> read_all(InterfaceSource& source) {
    std::vector<Buffer> out;
    pcap::Frame frame;
    pollfd readable{source.descriptor(), POLLIN, 0};
    constexpr int quiet_ms = 200;
    while (::poll(&readable, 1, quiet_ms) > 0 && !source.ended())
        while (source.next(frame)) out.emplace_back(frame.bytes.begin(), frame.bytes.end());
    return out;
}

constexpr std::size_t of_three_fragments = 4000;

//   Ethernet, 802.1Q with VLAN 7, IPv4 with `fragment` as flags and offset, 16 bytes, of which the
//   third and fourth are a UDP destination port where this is a first fragment.
Buffer tagged(std::uint16_t identification, std::uint16_t fragment, std::uint16_t port) {
    const auto high = [](std::uint16_t v) { return static_cast<std::uint8_t>(v >> 8); };
    const auto low = [](std::uint16_t v) { return static_cast<std::uint8_t>(v); };
    Buffer out(12, 2);
    for (const std::uint8_t b :
         {std::uint8_t{0x81}, std::uint8_t{0},  std::uint8_t{0},      std::uint8_t{7},
          std::uint8_t{8},    std::uint8_t{0},  std::uint8_t{0x45},   std::uint8_t{0},
          std::uint8_t{0},    std::uint8_t{36}, high(identification), low(identification),
          high(fragment),     low(fragment),    std::uint8_t{64},     std::uint8_t{17},
          std::uint8_t{0},    std::uint8_t{0},  std::uint8_t{10},     std::uint8_t{0},
          std::uint8_t{0},    std::uint8_t{1},  std::uint8_t{10},     std::uint8_t{0},
          std::uint8_t{0},    std::uint8_t{2},  std::uint8_t{3},      std::uint8_t{4},
          high(port),         low(port)})
        out.push_back(b);
    out.resize(out.size() + 12);
    return out;
}

void send_frame(const MadeHosts& hosts, const Buffer& frame) {
    const int socket = MadeHosts::at(hosts.path(0), [] {
        const int made = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
        sockaddr_ll there{};
        there.sll_family = AF_PACKET;
        there.sll_ifindex = static_cast<int>(if_nametoindex("eth0"));
        REQUIRE(::bind(made, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0);
        return made;
    });
    CHECK(::send(socket, frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size()));
    ::close(socket);
}

}  // namespace

TEST_CASE(
    "interface source: a port's filter lets pass the fragments of its datagrams, and no others") {
    const auto hosts = MadeHosts::make(2);
    if (!hosts) return;
    const auto source = open_at(hosts->bridge(), "br0", "udp port 5060");
    CHECK(source->keeps_our_time());
    for (int i = 0; i < 5; ++i) {
        hosts->send(0, 1, 5060, Buffer(of_three_fragments));
        hosts->send(0, 1, 9, Buffer(of_three_fragments));
        hosts->send(0, 1, 9, Buffer(100));
    }
    const auto frames = read_all(*source);
    CHECK(frames.size() == 15);
    const live::SourceCounts counts = source->counts();
    CHECK(counts.read == 15);
    CHECK(counts.received == 15);
    CHECK(counts.dropped() == 0);
}

TEST_CASE("interface source: tagged frames pass a filter that does not speak of VLANs") {
    const auto hosts = MadeHosts::make(1);
    if (!hosts) return;
    const auto tagged_at = [&](const char* filter) {
        const auto source = open_at(hosts->bridge(), "port0", filter);
        for (const std::uint16_t port : {std::uint16_t{5060}, std::uint16_t{9}}) {
            send_frame(*hosts, tagged(port, 0x2000, port));    // the first fragment of two
            send_frame(*hosts, tagged(port, 0x0002, 0x1234));  // no port
        }
        const auto frames = read_all(*source);
        for (const Buffer& frame : frames)
            CHECK(load_be32(frame.data() + 12) == 0x81000007);  // where it was on the wire
        CHECK(source->counts().received == frames.size());
        return frames.size();
    };
    CHECK(tagged_at("udp") == 4);
    CHECK(tagged_at("udp port 5060") == 2);
    CHECK(tagged_at("vlan 7 and udp port 5060") == 2);
    CHECK(tagged_at("vlan 8 and udp port 5060") == 0);
    CHECK(tagged_at("udp port 5061") == 0);
}

TEST_CASE("interface source: any shows by which interface a frame came") {
    const auto hosts = MadeHosts::make(2);
    if (!hosts) return;
    const auto source = open_at(hosts->bridge(), "any", "udp port 5060");
    CHECK(source->interface().link == pcap::LinkType::linux_sll2);
    hosts->send(0, 1, 5060, Buffer(of_three_fragments));
    std::set<std::uint32_t> interfaces;
    const auto frames = read_all(*source);
    for (const Buffer& frame : frames)
        if (frame.size() > 20) interfaces.insert(load_be32(frame.data() + 4));
    CHECK(interfaces.size() == 2);  // the port it comes in by, and the port it goes out by
    CHECK(frames.size() == 6);
}

TEST_CASE("interface source: one that goes down is waited for, one that is gone is the end") {
    const auto hosts = MadeHosts::make(2);
    if (!hosts) return;
    const auto source = open_at(hosts->bridge(), "port1", "udp port 5060");
    hosts->send(0, 1, 5060, Buffer(100));
    CHECK(read_all(*source).size() == 1);
    REQUIRE(hosts->on_bridge("ip link set port1 down"));
    pcap::Frame frame;
    CHECK_FALSE(source->next(frame));
    CHECK_FALSE(source->ended());
    REQUIRE(hosts->on_bridge("ip link set port1 up"));
    hosts->send(0, 1, 5060, Buffer(100));
    CHECK(read_all(*source).size() == 1);
    REQUIRE(hosts->on_bridge("ip link delete port1"));
    while (source->next(frame)) {
    }
    CHECK(source->ended());
    REQUIRE_FALSE(source->status());
    CHECK(source->status().error().what == "port1: the interface is gone");
    CHECK(source->counts().read == 2);
}

TEST_CASE("/proc/net/dev: what an interface dropped, and what overran") {
    const std::string_view text =
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
        "drop\n"
        "    lo: 4242  42    0    0    0     0          0         0  4242      42    0    9\n"
        "  eth0:8800     120    1    3    5     7          0         0 9900      99    0    9\n"
        "eth0:1: 1 1 0 18446744073709551615 0 0 0 0\n"
        "eth00: 1 1 0";
    CHECK(DeviceDrops::in(text, "eth0") == 8);
    CHECK(DeviceDrops::in(text, "lo") == 0);
    CHECK(DeviceDrops::in(text, "eth0:1") == UINT64_MAX);
    CHECK(DeviceDrops::in(text, "eth00") == 0);
    CHECK(DeviceDrops::in(text, "eth") == 0);
    CHECK(DeviceDrops::in(text.substr(0, 250), "any") == 0);
    for (std::size_t size = 0; size <= text.size(); ++size)
        (void)DeviceDrops::in(text.substr(0, size), "any");
}
