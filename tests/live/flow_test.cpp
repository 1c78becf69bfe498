#include "libsipana/live/flow.h"

#include <doctest/doctest.h>

#include <set>

#include "libsipana/net/encoder.h"
#include "tests/exact.h"

using namespace sipana;
using namespace sipana::live;

namespace {

const Endpoint alice = *Endpoint::parse("10.0.0.1:5060"), bob = *Endpoint::parse("10.0.0.2:5062"),
               alice_6 = *Endpoint::parse("[2001:db8::1]:5060"),
               bob_6 = *Endpoint::parse("[2001:db8::2]:5062");
const std::string rtp = "\x80\x55" + std::string(30, 'x');

Flow flow(const Result<Buffer>& bytes, pcap::LinkType link = pcap::LinkType::ethernet,
          std::uint64_t seed = 7) {
    REQUIRE(bytes);
    const Exact exact{Bytes(*bytes)};
    pcap::Frame frame;
    frame.bytes = exact;
    frame.link = link;
    return flow_of(frame, seed);
}

}  // namespace

TEST_CASE("flow: one direction of a datagram's way, whatever is around it") {
    const Flow plain = flow(net::udp_frame(alice, bob, as_bytes(rtp)));
    CHECK(plain.kind == Flow::Kind::udp);
    CHECK(plain.media);
    net::FrameShape tagged, bare;
    tagged.vlan = 12;
    bare.ethernet = false;
    const Flow in_vlan = flow(net::udp_frame(alice, bob, as_bytes(rtp), tagged));
    CHECK(in_vlan.key == plain.key);
    CHECK(in_vlan.media);
    CHECK(flow(net::udp_frame(alice, bob, as_bytes(rtp), bare), pcap::LinkType::raw).key ==
          plain.key);
    CHECK_FALSE(flow(net::udp_frame(alice, bob, as_bytes("SIP/2.0 200 OK"))).media);
    std::set<std::uint64_t> keys{plain.key};
    keys.insert(flow(net::udp_frame(bob, alice, as_bytes(rtp))).key);
    keys.insert(flow(net::udp_frame(alice_6, bob_6, as_bytes(rtp))).key);
    keys.insert(flow(net::tcp_frame(alice, bob, {}, as_bytes(rtp))).key);
    keys.insert(flow(net::udp_frame(alice, bob, as_bytes(rtp)), pcap::LinkType::ethernet, 8).key);
    CHECK(keys.size() == 5);
    CHECK(keys.count(0) == 0);
}

TEST_CASE("flow: what is in a tunnel goes by the innermost") {
    const Flow plain = flow(net::udp_frame(alice, bob, as_bytes(rtp)));
    const auto inner = net::udp_frame(alice, bob, as_bytes(rtp));
    REQUIRE(inner);
    const std::string vxlan = std::string("\x08\0\0\0\0\0\x07\0", 8) + std::string(as_text(*inner));
    const Endpoint outside = *Endpoint::parse("192.0.2.1:40000"),
                   there = *Endpoint::parse("192.0.2.2:4789");
    CHECK(flow(net::udp_frame(outside, there, as_bytes(vxlan))).key == plain.key);
}

TEST_CASE("flow: segments say where they stand, and whether a message begins") {
    const auto begins = [](std::string_view payload) {
        const Flow f =
            flow(net::tcp_frame(alice, bob, {77, 1, net::tcp_ack, 1000}, as_bytes(payload)));
        CHECK(f.kind == Flow::Kind::tcp);
        CHECK(f.seq == 77);
        CHECK(f.payload == payload.size());
        return f.begins;
    };
    CHECK(begins("INVITE sip:b SIP/2.0\r\nVia: x"));
    CHECK(begins("SIP/2.0 200 OK\r\n"));
    CHECK(begins("\r\n\r\nSIP/2.0 200 OK\r\n"));
    CHECK(begins("\x81\x7e\x01\x02SIP/2.0 200 OK\r\n"));
    CHECK(begins("GET / HTTP/1.1\r\n"));
    CHECK_FALSE(begins(""));
    CHECK_FALSE(begins("\r\n\r\n"));
    CHECK_FALSE(begins("Via: SIP/2.0/TCP a\r\n"));
    CHECK_FALSE(begins(" SIP/2.0\r\n"));
    CHECK_FALSE(begins("v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\n"));
}

TEST_CASE("flow: frames cut at every length, and what is no datagram") {
    for (const auto& whole :
         {net::udp_frame(alice, bob, as_bytes(rtp)), net::udp_frame(alice_6, bob_6, as_bytes(rtp)),
          net::tcp_frame(alice, bob, {}, as_bytes(rtp))}) {
        REQUIRE(whole);
        for (std::size_t size = 0; size < whole->size(); ++size) {
            const Exact cut{Bytes(*whole).first(size)};
            pcap::Frame frame;
            for (const pcap::LinkType link : {pcap::LinkType::ethernet, pcap::LinkType::raw,
                                              pcap::LinkType::linux_sll, pcap::LinkType::null}) {
                frame.bytes = cut;
                frame.link = link;
                const Flow f = flow_of(frame, 7);
                CHECK((f.key == 0) == (f.kind == Flow::Kind::none));
            }
        }
    }
}
