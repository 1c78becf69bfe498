#include "libsipana/rtcp/xr.h"

#include <doctest/doctest.h>

#include "tests/exact.h"

using namespace sipana;
using namespace sipana::rtcp;

namespace {

Buffer report(std::uint8_t type, std::uint8_t specific, std::uint8_t words, std::size_t bytes) {
    Buffer b{0, 0, 0, 1, type, specific, 0, words};
    b.resize(8 + bytes, 1);
    return b;
}

}  // namespace

TEST_CASE("trap 28: a MOS or R factor of 127 is unavailable, not 12.7") {
    VoipMetrics v;
    CHECK(!v.mos_lq());
    CHECK(!v.mos_cq());
    CHECK(!v.r());
    v.mos_lq_tenths = 43;
    v.mos_cq_tenths = 10;
    v.r_factor = 93;
    CHECK(*v.mos_lq() == doctest::Approx(4.3));
    CHECK(*v.mos_cq() == doctest::Approx(1.0));
    CHECK(*v.r() == 93);
    v.mos_lq_tenths = 51;
    v.mos_cq_tenths = 9;
    v.r_factor = 101;
    CHECK(!v.mos_lq());
    CHECK(!v.mos_cq());
    CHECK(!v.r());
}

TEST_CASE("trap 28: a block length that does not suit its type or the packet is an error") {
    struct Row {
        std::uint8_t type, words;
        bool good;
    };
    const Row rows[] = {{1, 1, false}, {1, 2, true},  {1, 3, true},  {2, 1, false}, {3, 1, false},
                        {3, 5, true},  {4, 1, false}, {4, 2, true},  {4, 3, false}, {5, 0, true},
                        {5, 2, false}, {5, 3, true},  {6, 8, false}, {6, 9, true},  {6, 10, false},
                        {7, 7, false}, {7, 8, true},  {7, 9, false}, {99, 0, true}, {99, 5, true},
                        {0, 1, true}};
    for (const Row& row : rows) {
        CAPTURE(int{row.type});
        CAPTURE(int{row.words});
        const Exact whole(report(row.type, 0, row.words, row.words * 4u));
        CHECK(parse_extended_report(whole).has_value() == row.good);
        for (std::size_t n = 0; n < whole.bytes().size(); ++n)
            CHECK(parse_extended_report(Exact(whole.bytes().first(n))).has_value() == (n == 4));
    }
    CHECK(!parse_extended_report(Exact(report(7, 0, 255, 32))));
}

TEST_CASE("RFC 3611 3: several blocks, and one of an unknown type between them") {
    Buffer b = report(4, 0, 2, 8);
    b.insert(b.end(), {77, 5, 0, 1, 9, 9, 9, 9, 5, 0, 0, 3, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8});
    const Exact exact(b);
    const auto r = parse_extended_report(exact);
    REQUIRE(r);
    REQUIRE(r->blocks.size() == 3);
    CHECK(name_of(r->blocks[0]) == "receiver reference time");
    CHECK(name_of(r->blocks[1]) == "unknown block");
    CHECK(name_of(r->blocks[2]) == "DLRR");
    CHECK(std::get<UnknownBlock>(r->blocks[1]).type == 77);
    const DelaySinceReference::Entry entry{6, 7, 8};
    CHECK(std::get<DelaySinceReference>(r->blocks[2]).entries.at(0) == entry);
}

TEST_CASE("RFC 3611 4.1: run length and bit vector chunks become one bit a packet") {
    RunLengths r;
    r.begin = 65530;
    r.end = 20;  // 26 packets, across the wrap
    r.chunks = {0x4003, 0xd000, 0x0002, 0x4010,
                0};  // 3 ones; 101 and 12 zeros; 2 zeros; ones to the end
    const auto bits = r.bits();
    REQUIRE(bits.size() == 26);
    for (std::size_t i = 0; i < 26; ++i) {
        CAPTURE(i);
        CHECK(bits[i] == (i < 4 || i == 5 || i >= 20));
    }
    r.chunks = {0, 0x4010};  // a null ends the list
    CHECK(r.bits().empty());
    r.chunks.assign(60'000, 0x7fff);
    CHECK(r.bits().size() == 26);
}

TEST_CASE("RFC 3611 4.6: which figures of a statistics summary count") {
    Buffer b = report(6, 0xb0, 9, 36);
    const Exact exact(b);
    const auto r = parse_extended_report(exact);
    REQUIRE(r);
    const auto& s = std::get<StatisticsSummary>(r->blocks.at(0));
    CHECK(s.has_loss);
    CHECK(!s.has_duplicates);
    CHECK(s.has_jitter);
    CHECK(s.ttl_kind == 2);
    CHECK(name_of(r->blocks[0]) == "statistics summary");
}

TEST_CASE("write refuses what its fields cannot hold") {
    Buffer out;
    CHECK(!write_body({1, {RunLengths{false, 0, 1, 0, 9, {1}}}}, out));
    CHECK(!write_body({1, {RunLengths{false, 16, 1, 0, 9, {}}}}, out));
    CHECK(!write_body({1, {ReceiptTimes{16, 1, 0, 9, {}}}}, out));
    const Buffer three(3);
    CHECK(!write_body({1, {UnknownBlock{99, 0, three}}}, out));
    CHECK(!write_body({1, {UnknownBlock{7, 0, {}}}}, out));
}
