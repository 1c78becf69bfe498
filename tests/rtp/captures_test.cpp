// Streams of third-party captures against what tshark 4.0.17 says of them, where it is right.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <tuple>

#include "libsipana/rtp/packet.h"
#include "libsipana/rtp/payload.h"
#include "libsipana/rtp/receiver.h"
#include "tests/rtp/walk.h"

using namespace sipana;

namespace {

struct Expected {
    const char* file;
    std::uint16_t src_port, dst_port;
    std::uint32_t ssrc;
    std::uint32_t clock;  // 0: by the static payload type
    std::uint64_t packets, lost;
    double max_delta, mean_jitter, max_jitter;  // below 0: tshark counts otherwise
    int event_type = -1;
};

// Where a mean is not compared: tshark leaves comfort noise and marked packets out of it.
const Expected table[] = {
    {"rtpproxy-alice_srtp.pcap", 2230, 43830, 0x2a1ad144, 0, 1556, 0, 20.445, 0.08, 0.144},
    {"rtpproxy-bob_srtp.pcap", 2232, 41602, 0xc2f6a014, 0, 1564, 0, 20.545, 0.084, 0.148},
    {"sipp-g711a.pcap", 5000, 2006, 0xdee0ee8f, 0, 236, 0, 34.829, 0.35, 0.829},
    {"sipnab-sip-rtp-g711.pcap", 28102, 6000, 0x343ffa34, 0, 414, 0, 20.115, 0.004, 0.019},
    {"sipnab-sip-rtp-g711.pcap", 27942, 6000, 0x343da99b, 0, 425, 0, 20.049, 0.006, 0.01},
    {"sipnab-sip-rtp-g722.pcap", 17472, 6000, 0x043daaba, 0, 425, 0, 24.998, 0.031, 0.612},
    {"sipnab-sip-rtp-g729a.pcap", 28120, 6000, 0x044559a1, 0, 425, 0, 20.471, 0.085, 0.143},
    {"sipnab-codec-negotiation.pcap", 5084, 5094, 0x2d374e76, 0, 151, 0, 20.752, 0.262, 0.346},
    {"sipnab-codec-negotiation.pcap", 5094, 5084, 0x0e330af3, 0, 151, 0, 20.677, 0.259, 0.35},
    {"sipnab-invite-opus-bye.pcap", 5084, 5094, 0x0eef0001, 48'000, 152, 0, 20.133, 0.144, 1.249},
    {"sipnab-Asterisk_ZFONE_XLITE.pcap", 64508, 49848, 0xbee0f2ed, 0, 205, 369, 4680.243, 0.402,
     1.265},
    {"sipnab-Asterisk_ZFONE_XLITE.pcap", 49848, 64508, 0xb72a7104, 0, 790, 1, 102.076, 0.484,
     6.824},
    {"sipnab-SIP_DTMF2.cap", 4374, 4376, 0x9a7b5382, 0, 665, 2, 60.002, 0.01, 0.019},
    {"sngrep-aaa.pcap", 30000, 40392, 0x3796cb71, 0, 9, 0, 69.947, 5.646, 7.799},
    {"sipnab-rtp-protocol.pcap", 6020, 6040, 0x44c61afb, 0, 47, 0, -1, -1, 0.556},
    {"sipnab-rtp-protocol.pcap", 6040, 6020, 0x06c156fd, 0, 201, 0, -1, -1, 3.293},
    {"sipnab-h263-over-rtp.pcap", 57128, 32976, 0x5482ece0, 0, 45, 0, 324.072, -1, 32.186},
    {"str0m-h264.pcap", 1234, 1235, 0x6a5cc848, 90'000, 298, 3, -1, -1, -1},
    {"str0m-vp9.pcap", 1234, 1235, 0x22d80f08, 90'000, 316, 279, -1, -1, -1},
    {"str0m-h265.pcap", 1000, 2000, 0x9906179b, 90'000, 407, 0, -1, -1, -1},
    {"trex-core-delay_10_sip_video_call_full.pcap", 10110, 10110, 0x80c6cf97, 0, 821, 0, -1, -1,
     -1},
    // tshark: 2 fewer than none, for the two duplicates of the end packet (trap 2).
    {"sipp-dtmf_2833_1.pcap", 49176, 10000, 0x0e05384e, 8000, 10, 0, 20.072, 0, 0, 101},
    {"testsuite-broken_dtmf.pcap", 10122, 15114, 0x34541d0b, 8000, 28, 40, -1, 0, 0, 101},
    // tshark: 1.522 and 15.767, for it takes the events for audio (trap 12).
    {"sipnab-SIP_DTMF2.cap", 4376, 4376, 0x5711bf84, 0, 666, 0, -1, 0.009, 0.015, 96},
};

rtp::Receiver receive(const Expected& e) {
    rtp::Receiver r;
    for (const Walked& d : walk(e.file)) {
        rtp::Packet p;
        if (d.src_port != e.src_port || d.dst_port != e.dst_port ||
            !rtp::looks_like_rtp(d.payload) || !rtp::read(d.payload, p) || p.ssrc != e.ssrc)
            continue;
        const auto bytes = static_cast<std::uint32_t>(p.payload.size());
        if (p.payload_type == e.event_type) {
            r.on_event_packet(p.sequence, p.marker, bytes, d.time);
        } else {
            r.set_clock(e.clock != 0 ? e.clock : rtp::static_format(p.payload_type).clock_hz);
            r.on_packet(p.sequence, p.timestamp, p.marker, bytes, d.time);
        }
    }
    return r;
}

}  // namespace

TEST_CASE("captures: packets, losses, delta and jitter as tshark has them, where it is right") {
    if (walk(table[0].file).empty()) {
        MESSAGE("skipped: ../shared/captures is not here");
        return;
    }
    for (const Expected& e : table) {
        const auto r = receive(e);
        CAPTURE(e.file);
        CAPTURE(e.ssrc);
        CHECK(r.packets() == e.packets);
        CHECK(r.lost() == e.lost);
        // tshark prints microseconds.
        if (e.max_delta >= 0)
            CHECK(to_milliseconds(r.max_delta()) == doctest::Approx(e.max_delta).epsilon(1e-4));
        if (e.mean_jitter >= 0) CHECK(std::abs(r.mean_jitter_ms() - e.mean_jitter) < 0.0021);
        if (e.max_jitter >= 0) CHECK(std::abs(r.max_jitter_ms() - e.max_jitter) < 0.0011);
    }
}

TEST_CASE("captures: two end packets sent again are two duplicates, not a negative loss") {
    const auto r = receive(table[21]);
    if (r.packets() == 0) return;
    CHECK(r.duplicated() == 2);
    CHECK(r.expected() == 8);
}
