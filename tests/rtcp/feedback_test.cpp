#include "libsipana/rtcp/feedback.h"

#include <doctest/doctest.h>

#include <set>

#include "libsipana/base/random.h"
#include "tests/exact.h"

using namespace sipana;
using namespace sipana::rtcp;

namespace {

Buffer body(const Buffer& fci) {
    Buffer b{0, 0, 0, 1, 0, 0, 0, 2};
    b.insert(b.end(), fci.begin(), fci.end());
    return b;
}

TransportCc twcc(const Buffer& fci) {
    const auto f = parse_transport_feedback(15, Exact(body(fci)));
    REQUIRE(f);
    return std::get<TransportCc>(f->content);
}

}  // namespace

TEST_CASE("RFC 4585 6.2.1: a NACK names its packet and those in the mask, across the wrap") {
    const auto f = parse_transport_feedback(1, Exact(body({0xff, 0xfe, 0x80, 0x05})));
    REQUIRE(f);
    CHECK(name_of(*f) == "NACK");
    CHECK(f->sender_ssrc == 1);
    CHECK(f->media_ssrc == 2);
    CHECK(std::get<Nack>(f->content).lost() == std::vector<std::uint16_t>{65534, 65535, 1, 14});
    CHECK(!parse_transport_feedback(1, Exact(body({0, 1, 2}))));
    CHECK(!parse_transport_feedback(1, Exact(Buffer(7))));
}

TEST_CASE("RFC 5104 4.2: TMMBR and TMMBN") {
    const auto f =
        parse_transport_feedback(3, Exact(body({0, 0, 0, 9, 0x0a, 0x00, 0x07, 0xd0 | 0})));
    REQUIRE(f);
    CHECK(name_of(*f) == "TMMBR");
    const auto& e = std::get<Tmmb>(f->content).entries.at(0);
    CHECK(e.ssrc == 9);
    CHECK(e.exponent == 2);
    CHECK(e.mantissa == (0x0a0007d0u >> 9 & 0x1ffff));
    CHECK(e.overhead == (0x7d0 & 0x1ff));
    CHECK(e.bitrate() == e.mantissa * 4.0);
    CHECK(name_of(*parse_transport_feedback(4, Exact(body({})))) == "TMMBN");
}

TEST_CASE("transport-cc: run length and status vector chunks, small and large deltas") {
    // base 5, 9 packets, reference time -2, count 3; a run of 2 small ones, then a vector of seven:
    // large, none, small, none, none, none, small.
    const auto cc =
        twcc({0, 5, 0, 9, 0xff, 0xff, 0xfe, 3, 0x20, 2, 0xe1, 0x01, 1, 2, 0xff, 0x38, 4, 5});
    CHECK(cc.base == 5);
    CHECK(cc.count == 9);
    CHECK(cc.reference_time == -2);
    CHECK(cc.feedback_count == 3);
    const std::vector<TransportCc::Arrival> expected{
        {5, 1, false}, {6, 2, false}, {7, -200, true}, {9, 4, false}, {13, 5, false}};
    CHECK(cc.arrivals == expected);
    // One-bit vector: the first and the last of 14.
    const auto ones = twcc({0xff, 0xff, 0, 14, 0, 0, 1, 0, 0xa0, 0x01, 7, 9});
    REQUIRE(ones.arrivals.size() == 2);
    CHECK(ones.arrivals[0].sequence == 65535);
    CHECK(ones.arrivals[1].sequence == 12);
}

TEST_CASE("transport-cc: chunks and deltas that the packet does not hold") {
    for (const Buffer& fci :
         {Buffer{0, 1, 0, 2, 0, 0, 0}, Buffer{0, 1, 0, 2, 0, 0, 0, 0},
          Buffer{0, 1, 0, 2, 0, 0, 0, 0, 0x20, 2, 1}, Buffer{0, 1, 0, 2, 0, 0, 0, 0, 0x60, 2, 1, 1},
          Buffer{0, 1, 0xff, 0xff, 0, 0, 0, 0, 0x3f, 0xff, 1, 1},
          Buffer{0, 1, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}}) {
        const auto f = parse_transport_feedback(15, Exact(body(fci)));
        CHECK(!f);
    }
    // A run of lost packets costs nothing, however long.
    Buffer lost{0, 1, 0xff, 0xff, 0, 0, 0, 0};
    for (int i = 0; i < 8; ++i) lost.insert(lost.end(), {0x1f, 0xff});
    lost.insert(lost.end(), {0, 7});
    CHECK(twcc(lost).arrivals.empty());
}

TEST_CASE("transport-cc: any pattern of arrivals survives write and parse") {
    Random random(99);
    for (int run = 0; run < 400; ++run) {
        TransportCc cc;
        cc.base = static_cast<std::uint16_t>(random.next());
        cc.count = static_cast<std::uint16_t>(1 + random.below(run % 10 == 0 ? 20'000 : 100));
        cc.reference_time = static_cast<std::int32_t>(random.below(1 << 24)) - (1 << 23);
        const double density = random.unit();
        for (std::uint32_t i = 0; i < cc.count; ++i) {
            if (!random.chance(density)) continue;
            const bool large = random.chance(0.2);
            const auto delta = large ? static_cast<std::int32_t>(random.below(65536)) - 32768
                                     : static_cast<std::int32_t>(random.below(256));
            cc.arrivals.push_back({static_cast<std::uint16_t>(cc.base + i), delta, large});
        }
        Buffer bytes;
        REQUIRE(write_body(TransportFeedback{15, 1, 2, cc}, bytes));
        const auto again = parse_transport_feedback(15, Exact(bytes));
        REQUIRE(again);
        const auto& read = std::get<TransportCc>(again->content);
        CHECK(read.base == cc.base);
        CHECK(read.count == cc.count);
        CHECK(read.reference_time == cc.reference_time);
        CHECK(read.arrivals == cc.arrivals);
    }
}

TEST_CASE("transport-cc: write refuses arrivals out of order, range or number") {
    const auto refused = [](TransportCc::Arrival a, TransportCc::Arrival b) {
        TransportCc cc;
        cc.count = 10;
        cc.arrivals = {a, b};
        Buffer out;
        return !write_body(TransportFeedback{15, 1, 2, cc}, out);
    };
    CHECK(!refused({1, 0, false}, {2, 0, false}));
    CHECK(refused({2, 0, false}, {1, 0, false}));
    CHECK(refused({1, 0, false}, {1, 0, false}));
    CHECK(refused({1, 0, false}, {10, 0, false}));
    CHECK(refused({1, 256, false}, {2, 0, false}));
    CHECK(refused({1, -1, false}, {2, 0, false}));
    CHECK(refused({1, 0, false}, {2, 32768, true}));
}

TEST_CASE("RFC 8888 3.1: congestion control feedback has one SSRC before its blocks") {
    const Buffer wire{0,    0, 0,    1, 0,    0,    0, 7, 0xff, 0xff, 0, 3,
                      0x80, 5, 0x00, 0, 0xff, 0xff, 0, 0, 1,    2,    3, 4};
    const auto f = parse_transport_feedback(11, Exact(wire));
    REQUIRE(f);
    CHECK(name_of(*f) == "CCFB");
    CHECK(f->media_ssrc == 7);
    const auto& cc = std::get<CongestionControl>(f->content);
    CHECK(cc.timestamp == 0x01020304);
    REQUIRE(cc.blocks.size() == 1);
    CHECK(cc.blocks[0].begin == 65535);
    const std::vector<CongestionControl::Metric> metrics{
        {true, 0, 5}, {false, 0, 0}, {true, 3, 0x1fff}};
    CHECK(cc.blocks[0].metrics == metrics);
    for (std::size_t n = 0; n < wire.size(); ++n) {
        if (n == 8) continue;  // no block, and the SSRC reads as the timestamp
        CHECK(!parse_transport_feedback(11, Exact(Bytes(wire).first(n))));
    }
}

TEST_CASE("RFC 4585 6.3 and RFC 5104 4.3: PLI, SLI, RPSI, FIR") {
    const auto pli = parse_payload_feedback(1, Exact(body({})));
    REQUIRE(pli);
    CHECK(name_of(*pli) == "PLI");
    const auto sli = parse_payload_feedback(2, Exact(body({0x00, 0x08, 0x00, 0x83})));
    REQUIRE(sli);
    CHECK(name_of(*sli) == "SLI");
    const Sli::Slice slice{1, 2, 3};
    CHECK(std::get<Sli>(sli->content).slices.at(0) == slice);
    const Exact rpsi_wire(body({12, 96, 0xab, 0xc0}));
    const auto rpsi = parse_payload_feedback(3, rpsi_wire);
    REQUIRE(rpsi);
    CHECK(name_of(*rpsi) == "RPSI");
    CHECK(std::get<Rpsi>(rpsi->content).payload_type == 96);
    CHECK(std::get<Rpsi>(rpsi->content).padding_bits == 12);
    CHECK(!parse_payload_feedback(3, Exact(body({17, 96, 0xab, 0xc0}))));
    CHECK(!parse_payload_feedback(3, Exact(body({1}))));
    const auto fir = parse_payload_feedback(4, Exact(body({0, 0, 0, 5, 6, 0, 0, 0})));
    REQUIRE(fir);
    CHECK(name_of(*fir) == "FIR");
    const Fir::Entry entry{5, 6};
    CHECK(std::get<Fir>(fir->content).entries.at(0) == entry);
    CHECK(!parse_payload_feedback(4, Exact(body({0, 0, 0, 5, 6, 0, 0}))));
    CHECK(!parse_payload_feedback(1, Exact(Buffer(7))));
}

TEST_CASE("REMB: bit rate and SSRCs; another application layer feedback stays as it is") {
    const auto f = parse_payload_feedback(
        15, Exact(body({'R', 'E', 'M', 'B', 1, 0x0b, 0x40, 0x00, 0, 0, 0, 7})));
    REQUIRE(f);
    CHECK(name_of(*f) == "REMB");
    const auto& r = std::get<Remb>(f->content);
    CHECK(r.exponent == 2);
    CHECK(r.mantissa == 0x34000);
    CHECK(r.bitrate() == 0x34000 * 4.0);
    CHECK(r.ssrcs == std::vector<std::uint32_t>{7});
    CHECK(!parse_payload_feedback(15, Exact(body({'R', 'E', 'M', 'B', 2, 0, 0, 0, 0, 0, 0, 7}))));
    const Exact other(body({'X', 'Y', 'Z', 'W'}));
    const auto afb = parse_payload_feedback(15, other);
    REQUIRE(afb);
    CHECK(name_of(*afb) == "AFB");
    CHECK(std::get<UnknownFeedback>(afb->content).fci.size() == 4);
    CHECK(name_of(*parse_payload_feedback(9, other)) == "PSFB");
    CHECK(name_of(*parse_transport_feedback(9, other)) == "RTPFB");
}

TEST_CASE("write refuses values that do not fit their fields") {
    Buffer out;
    CHECK(!write_body(TransportFeedback{3, 1, 2, Tmmb{false, {{1, 64, 0, 0}}}}, out));
    CHECK(!write_body(TransportFeedback{3, 1, 2, Tmmb{false, {{1, 0, 0x20000, 0}}}}, out));
    CHECK(!write_body(TransportFeedback{3, 1, 2, Tmmb{false, {{1, 0, 0, 0x200}}}}, out));
    CHECK(!write_body(PayloadFeedback{2, 1, 2, Sli{{{0x2000, 0, 0}}}}, out));
    CHECK(!write_body(PayloadFeedback{15, 1, 2, Remb{64, 0, {}}}, out));
    CHECK(!write_body(PayloadFeedback{15, 1, 2, Remb{0, 0x40000, {}}}, out));
    const Buffer three(3);
    CHECK(!write_body(PayloadFeedback{3, 1, 2, Rpsi{96, 0, three}}, out));
    CHECK(!write_body(TransportFeedback{7, 1, 2, UnknownFeedback{three}}, out));
    CongestionControl cc;
    cc.blocks.push_back({1, 1, {{true, 4, 0}}});
    CHECK(!write_body(TransportFeedback{11, 1, 2, cc}, out));
}
