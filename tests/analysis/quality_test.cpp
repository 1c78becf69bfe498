#include "libsipana/analysis/quality.h"

#include <doctest/doctest.h>

#include "libsipana/rtcp/packet.h"
#include "libsipana/rtcp/round_trip.h"
#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using namespace sipana::analysis;
using doctest::Approx;

namespace {

const Endpoint alice_rtp = ep("10.0.0.1:4000"), bob_rtp = ep("10.0.0.2:5000");
const Endpoint alice_rtcp = ep("10.0.0.1:4001"), bob_rtcp = ep("10.0.0.2:5001");

Quality of(std::string_view codec, double loss_percent, double delay_ms = 0,
           double burst_ratio = 1) {
    const Impairment* i = impairment_of(codec);
    REQUIRE(i != nullptr);
    const auto q = quality_of(*i, {loss_percent, burst_ratio, delay_ms});
    REQUIRE(q);
    return *q;
}

// `count` packets of the static payload type, without those whose number is in `lost`.
Wire spoken(int count, std::initializer_list<int> lost, std::uint8_t type = 0) {
    Wire w;
    for (int i = 0; i < count; ++i)
        if (std::find(lost.begin(), lost.end(), i) == lost.end())
            w.udp(
                20 * i, alice_rtp, bob_rtp,
                rtp(static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(160 * i), 0xa, type));
    return w;
}
Stream heard(Wire w, Detail detail = Detail::full) {
    Options options;
    options.detail = detail;
    Report r = w.play(options);
    REQUIRE(r.streams.size() == 1);
    return std::move(r.streams[0]);
}

std::string written(std::initializer_list<rtcp::Content> packets) {
    Buffer out;
    for (const rtcp::Content& content : packets) REQUIRE(rtcp::write(content, out));
    return std::string(as_text(out));
}

}  // namespace

TEST_CASE(
    "G.107 Annex B: R 93.2 is MOS 4.41, 50 is 2.58, at and below 0 it is 1, from 100 on 4.5") {
    CHECK(mos_of_r(93.2) == Approx(4.40929).epsilon(1e-5));
    CHECK(mos_of_r(80) == Approx(4.024).epsilon(1e-9));
    CHECK(mos_of_r(60) == Approx(3.1).epsilon(1e-9));
    CHECK(mos_of_r(50) == Approx(2.575).epsilon(1e-9));
    CHECK(mos_of_r(0) == 1.0);
    CHECK(mos_of_r(-20) == 1.0);
    CHECK(mos_of_r(3) == 1.0);
    CHECK(mos_of_r(100) == 4.5);
    CHECK(mos_of_r(120) == 4.5);
}

TEST_CASE("Id: 0.024 a millisecond, 0.11 more of each beyond 177.3 ms (trap 69)") {
    CHECK(delay_impairment(0) == 0.0);
    CHECK(delay_impairment(100) == Approx(2.4));
    CHECK(delay_impairment(177.3) == Approx(4.2552));
    CHECK(delay_impairment(300) == Approx(7.2 + 0.11 * 122.7));
}

TEST_CASE("G.107 7.5: G.711 under random loss of 1, 2 and 5 percent") {
    CHECK(of("PCMU", 0).r_factor == Approx(93.2));
    CHECK(of("PCMU", 1).r_factor == Approx(93.2 - 95.0 / 26.1));
    CHECK(of("PCMU", 2).r_factor == Approx(86.18893).epsilon(1e-6));
    CHECK(of("PCMA", 5).r_factor == Approx(77.41927).epsilon(1e-6));
    CHECK(of("PCMA", 5).mos == Approx(3.92284).epsilon(1e-5));
}

TEST_CASE("G.113 I: G.729, G.723 and GSM EFR with and without loss") {
    CHECK(of("G729", 0).r_factor == Approx(82.2));
    CHECK(of("G729", 1).r_factor == Approx(93.2 - 15.2));
    CHECK(of("G729", 5).r_factor == Approx(93.2 - 28.5));
    CHECK(of("G723", 2).r_factor == Approx(93.2 - 15 - 80 * 2 / 18.1));
    CHECK(of("GSM-EFR", 10).r_factor == Approx(93.2 - 50));
}

TEST_CASE("losses in bursts are worse than the same at random, and MOS never rises with loss") {
    // BurstR 2: 5 / (5 / 2 + 25.1)
    CHECK(of("PCMU", 5, 0, 2).r_factor == Approx(93.2 - 95 * 5 / 27.6));
    for (const std::string_view codec : {"PCMU", "G729", "G723", "GSM-EFR"})
        for (const double burst_ratio : {1.0, 3.0, 8.0}) {
            double before = 5;
            for (int tenths = 0; tenths <= 1000; ++tenths) {
                const double mos = of(codec, tenths / 10.0, 60, burst_ratio).mos;
                CHECK(mos <= before);
                CHECK(mos >= 1);
                before = mos;
            }
        }
}

TEST_CASE("trap 68: codecs are known by the names that SDP gives them, without regard to case") {
    for (const std::string_view name : {"pcmu", "PCMA", "G729", "g722", "GSM", "g723", "G726-32"})
        CHECK(impairment_of(name) != nullptr);
    for (const std::string_view name : {"", "AMR", "AMR-WB", "opus", "speex", "iLBC",
                                        "telephone-event", "CN", "L16", "H264", "PCM"})
        CHECK(impairment_of(name) == nullptr);
}

TEST_CASE("what is not published is not guessed: no robustness, no MOS under loss") {
    for (const std::string_view codec : {"GSM", "G726-32", "G722"}) {
        CHECK(quality_of(*impairment_of(codec), {0, 1, 0}));
        CHECK_FALSE(quality_of(*impairment_of(codec), {0.5, 1, 0}));
    }
}

TEST_CASE("G.107.1: wideband is on a scale of its own, to 129") {
    const Quality q = of("G722", 0);
    CHECK(q.wideband);
    CHECK(q.r_factor == Approx(116));
    CHECK(q.mos == Approx(mos_of_r(116 / 1.29)));
    CHECK_FALSE(of("PCMU", 0).wideband);
}

TEST_CASE("a clean stream of G.711 is judged with a buffer of 60 ms, in either detail") {
    for (const Detail detail : {Detail::full, Detail::summary}) {
        const Stream s = heard(spoken(100, {}), detail);
        REQUIRE(s.mos);
        CHECK(*s.r_factor == Approx(93.2 - 1.44));
        CHECK(*s.mos == Approx(mos_of_r(91.76)));
        CHECK_FALSE(s.wideband);
    }
}

TEST_CASE("loss of a stream counts by its share and by the length of its gaps") {
    const Stream single = heard(spoken(200, {50, 100}));
    CHECK(single.lost == 2);
    CHECK(*single.r_factor == Approx(93.2 - 1.44 - 95.0 / 26.1));
    // 10 of 200 in two gaps of 5: BurstR 5 (1 - 0.05).
    const Stream burst = heard(spoken(200, {50, 51, 52, 53, 54, 100, 101, 102, 103, 104}));
    CHECK(hearing_of(burst).burst_ratio == Approx(4.75));
    CHECK(*burst.r_factor == Approx(93.2 - 1.44 - 95 * 5 / (5 / 4.75 + 25.1)));
    CHECK(*heard(spoken(200, {50, 60, 70, 80, 90, 100, 110, 120, 130, 140})).mos > *burst.mos);
}

TEST_CASE("a packet that comes too late for the buffer is as good as lost") {
    Stream s;
    s.expected = 100;
    s.late = 4;
    s.lost = 1;
    CHECK(hearing_of(s).loss_percent == Approx(5));
    s.late = 1000;  // duplicates of a hostile capture
    CHECK(hearing_of(s).loss_percent == 100);
}

TEST_CASE("no MOS of few packets, of an unknown codec, of pictures") {
    CHECK_FALSE(heard(spoken(49, {})).mos);
    CHECK_FALSE(heard(spoken(100, {}, 97)).mos);
    CHECK_FALSE(heard(spoken(100, {}, 5)).mos);     // DVI4
    CHECK_FALSE(heard(spoken(100, {}, 34)).mos);    // H263
    const Stream wide = heard(spoken(100, {}, 9));  // G722
    CHECK(wide.wideband);
    CHECK(wide.mos);
}

TEST_CASE(
    "RFC 3550 6.4.1: the round trip that RTCP tells makes the delay, the same in either detail") {
    Wire w = spoken(100, {});
    const std::uint64_t ntp = rtcp::ntp_of(at(200));
    w.udp(200, alice_rtcp, bob_rtcp, written({rtcp::SenderReport{0xa, ntp, 0, 10, 1600, {}, {}}}));
    rtcp::ReportBlock block;
    block.ssrc = 0xa;
    block.lsr = rtcp::middle(ntp);
    block.dlsr = 65536 / 10;
    w.udp(600, bob_rtcp, alice_rtcp, written({rtcp::ReceiverReport{0xb, {block}, {}}}));
    const Stream full = heard(w), summary = heard(w, Detail::summary);
    REQUIRE(full.round_trip_ms);
    CHECK(*full.round_trip_ms == Approx(300).epsilon(0.001));
    REQUIRE(summary.round_trip_ms);
    CHECK(*full.round_trip_ms == *summary.round_trip_ms);
    CHECK(*full.r_factor == *summary.r_factor);
    CHECK(*full.r_factor == Approx(93.2 - delay_impairment(210)).epsilon(1e-4));
    CHECK(full.reports.size() == 2);
    CHECK(summary.reports.empty());
}
