#include "libsipana/analysis/reports.h"

#include <doctest/doctest.h>

#include "libsipana/analysis/report_words.h"
#include "libsipana/rtcp/packet.h"
#include "libsipana/rtcp/round_trip.h"
#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using namespace sipana::rtcp;
using analysis::Report;
using analysis::Stream;
using analysis::words_of;

namespace {

const Endpoint alice_rtp = ep("10.0.0.1:4000"), bob_rtp = ep("10.0.0.2:5000");
const Endpoint alice_rtcp = ep("10.0.0.1:4001"), bob_rtcp = ep("10.0.0.2:5001");

std::string written(std::initializer_list<Content> packets) {
    Buffer out;
    for (const Content& content : packets) REQUIRE(rtcp::write(content, out));
    return std::string(as_text(out));
}

ReceiverReport empty_report(std::uint32_t ssrc) { return {ssrc, {}, {}}; }

const Stream& stream_of(const Report& r, std::uint32_t ssrc) {
    for (const Stream& s : r.streams)
        if (s.ssrc == ssrc) return s;
    FAIL("no such stream");
    return r.streams.front();
}

std::vector<std::string> events_of(const Report& r, std::uint32_t ssrc) {
    std::vector<std::string> all;
    for (const auto& e : stream_of(r, ssrc).rtcp_events)
        all.push_back(std::string(e.kind) + ": " + e.text);
    return all;
}
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("RFC 5104 4.2, 4.3: feedback is told of each stream that it names within") {
    Wire w;
    w.speech(0, alice_rtp, bob_rtp, 5, 1, 0xa).speech(1, alice_rtp, bob_rtp, 5, 1, 0xb);
    w.udp(200, bob_rtcp, alice_rtcp,
          written({empty_report(0xc), PayloadFeedback{4, 0xc, 0, Fir{{{0xa, 7}, {0xb, 9}}}}}));
    w.udp(210, bob_rtcp, alice_rtcp,
          written({empty_report(0xc),
                   TransportFeedback{3, 0xc, 0,
                                     Tmmb{false, {{0xa, 2, 64'000, 40}, {0xb, 0, 8'000, 40}}}}}));
    w.udp(220, bob_rtcp, alice_rtcp,
          written({empty_report(0xc), PayloadFeedback{15, 0xc, 0, Remb{3, 50'000, {0xb}}}}));
    // The notification comes from the sender of the stream that it limits.
    w.udp(230, alice_rtcp, bob_rtcp,
          written({empty_report(0xa),
                   TransportFeedback{4, 0xa, 0, Tmmb{true, {{0xc, 1, 64'000, 40}}}}}));
    const Report r = w.play();
    CHECK(events_of(r, 0xa) == Lines{"FIR: a key frame is demanded, request 7",
                                     "TMMBR: at most 256 kbit/s", "TMMBN: at most 128 kbit/s"});
    CHECK(events_of(r, 0xb) == Lines{"FIR: a key frame is demanded, request 9",
                                     "TMMBR: at most 8 kbit/s", "REMB: at most 400 kbit/s"});
}

TEST_CASE("RFC 8888 3.1: congestion control feedback is told of each stream") {
    Wire w;
    w.speech(0, alice_rtp, bob_rtp, 5, 1, 0xa).speech(1, alice_rtp, bob_rtp, 5, 1, 0xb);
    CongestionControl cc;
    cc.blocks.push_back({0xa, 1, {{true, 0, 1}, {false, 0, 0}, {true, 0, 2}}});
    cc.blocks.push_back({0xb, 9, {{true, 0, 1}}});
    w.udp(200, bob_rtcp, alice_rtcp,
          written({empty_report(0xc), TransportFeedback{11, 0xc, 0xa, cc}}));
    const Report r = w.play();
    CHECK(events_of(r, 0xa) == Lines{"CCFB: 2 of 3 packets from 1 on arrived"});
    CHECK(events_of(r, 0xb) == Lines{"CCFB: 1 of 1 packets from 9 on arrived"});
}

TEST_CASE(
    "RFC 3611 4.5: DLRR gives the round trip to a receiver that sends no SR, never negative") {
    Wire w;
    w.speech(0, alice_rtp, bob_rtp, 5, 1, 0xa).speech(0, bob_rtp, alice_rtp, 5, 1, 0xb);
    const std::uint64_t clock = ntp_of(at(0));
    const auto answer = [&](std::uint32_t dlrr) {
        return written({empty_report(0xa),
                        ExtendedReport{0xa, {DelaySinceReference{{{0xb, middle(clock), dlrr}}}}}});
    };
    w.udp(200, bob_rtcp, alice_rtcp,
          written({empty_report(0xb), ExtendedReport{0xb, {ReferenceTime{clock}}}}));
    w.udp(240, alice_rtcp, bob_rtcp, answer(65536 / 100));  // 40 ms later, 10 ms of them at alice
    w.udp(250, alice_rtcp, bob_rtcp, answer(65536));        // a second: longer than it was away
    CHECK(events_of(w.play(), 0xb) ==
          Lines{"XR: receiver reference time", "XR: DLRR: round trip 30.0 ms", "XR: DLRR"});
}

TEST_CASE("trap 28: words leave out what is unavailable") {
    VoipMetrics v;
    v.loss_rate = 128;
    CHECK(words_of(v) == "VoIP metrics: loss 50.0 %, discarded 0.0 %");
    v.mos_lq_tenths = 41;
    v.r_factor = 92;
    v.round_trip_ms = 40;
    v.signal_level_dbm0 = -20;
    CHECK(words_of(v) ==
          "VoIP metrics: loss 50.0 %, discarded 0.0 %, round trip 40 ms, MOS-LQ 4.1, R 92, signal "
          "-20 dBm0");
    RunLengths runs;
    runs.begin = 65'530;
    runs.end = 4;
    runs.chunks = {0x8000 | 0x7f3f, 0};  // 1111111 00 1 and more than there are packets
    CHECK(words_of(runs) == "loss RLE: 2 of 10 packets from 65530 on lost");
}

TEST_CASE("RFC 3550 6.4.1: where both sides are one host, ports tell whose report it is") {
    const Endpoint a = ep("127.0.0.1:4000"), b = ep("127.0.0.1:5000");
    const Endpoint a_rtcp = ep("127.0.0.1:4001"), b_rtcp = ep("127.0.0.1:5001");
    Wire w;
    // Both send with one SSRC, as players of one recording do.
    w.speech(0, a, b, 5, 1, 7).speech(1, b, a, 5, 1, 7);
    ReportBlock block;
    block.ssrc = 7;
    block.cumulative_lost = 3;
    w.udp(200, b_rtcp, a_rtcp,
          written({ReceiverReport{8, {block}, {}}}));  // b has missed packets of a
    const Report r = w.play();
    REQUIRE(r.streams.size() == 2);
    CHECK(r.streams[0].src == a);
    CHECK(r.streams[0].reports.size() == 1);
    CHECK(r.streams[1].reports.empty());
}

TEST_CASE("RFC 3550 6.4: reports are without RTP only where no stream of their SSRC was seen") {
    ReportBlock block;
    Wire w;
    w.speech(0, alice_rtp, bob_rtp, 5, 1, 0xa);
    block.ssrc = 0xa;  // from a monitor that stands elsewhere
    w.udp(200, ep("10.0.0.7:4001"), ep("10.0.0.8:4001"), written({ReceiverReport{8, {block}, {}}}));
    CHECK_FALSE(has_rule(w.play().findings, "rtcp-without-rtp"));
    block.ssrc = 0xb;
    w.udp(300, ep("10.0.0.7:4001"), ep("10.0.0.8:4001"), written({ReceiverReport{8, {block}, {}}}));
    CHECK(has_rule(w.play().findings, "rtcp-without-rtp"));
}

TEST_CASE("RFC 3550 6.1: a broken compound beside RTP is a fault, without an SDP too") {
    Wire w;
    w.speech(0, alice_rtp, bob_rtp, 5, 1, 0xa);
    std::string broken = written({ReceiverReport{8, {ReportBlock{}}, {}}});
    broken.resize(broken.size() - 4);
    w.udp(200, bob_rtcp, alice_rtcp, broken);
    const Report r = w.play();
    CHECK(r.counts.rtcp_packets == 1);
    CHECK(r.counts.malformed_rtcp == 1);
    CHECK(has_rule(r.findings, "rtcp-malformed"));
}
