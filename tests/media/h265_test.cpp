#include "libsipana/media/h265.h"

#include <doctest/doctest.h>

#include "tests/exact.h"
#include "tests/media/hex.h"

using namespace sipana;
using media::Size;

namespace {

// As x265 wrote them.
struct Sps {
    const char* what;
    const char* nal;
    Size size;
    int profile;
};
const Sps parameter_sets[] = {
    {"window",
     "42010101600000030090000003000003001ea0182071c4446595952930bc05a02000000300200000030321",
     {178, 98},
     1},
    {"1080 lines",
     "420101016000000300900000030000030078a003c0801107cb965654a4c2f0168080000003008000000c84",
     {1920, 1080},
     1},
    {"4:4:4",
     "4201010408000003009e0800000300003c9001510080e3e3f2caca94985e02d0100000030010000003019080",
     {322, 242},
     4},
    {"4:2:2",
     "4201010408000003009d0800000300003cb01620207113e595952930bc05a02000000300200000030321",
     {162, 122},
     4},
    {"plain",
     "42010101600000030090000003000003003fa005020171f2e595952930bc05a02000000300200000030321",
     {640, 360},
     1},
};

media::Fragment read(const Buffer& payload) {
    const auto f = media::h265::read(Exact(payload));
    REQUIRE(f);
    return *f;
}

}  // namespace

TEST_CASE("H.265 7.3.2.2: size within the conformance window, for each chroma format") {
    for (const Sps& sps : parameter_sets) {
        CAPTURE(sps.what);
        const Buffer nal = hex(sps.nal);
        const auto p = media::h265::parse_sps(Exact(nal));
        REQUIRE(p);
        CHECK(p->size == sps.size);
        CHECK(p->profile == sps.profile);
        for (std::size_t n = 0; n < nal.size(); ++n)
            (void)media::h265::parse_sps(Exact(Bytes(nal).first(n)));
    }
    CHECK(!media::h265::parse_sps(Exact(hex("44010101600000"))));
    CHECK(!media::h265::parse_sps(Exact(hex("4201010160"))));
}

TEST_CASE("H.265 7.3.3: profiles and levels of sub-layers stand before the size") {
    // Two sub-layers: the first with a profile (88 bits) and a level (8 bits).
    Buffer nal = hex("420103");  // 1 sub-layer below the highest, temporal id nesting
    const Buffer general(11, 0x11), sub(11, 0x22);
    nal.insert(nal.end(), general.begin(), general.end());
    nal.push_back(0x3f);                  // level
    nal.insert(nal.end(), {0xc0, 0x00});  // present: profile and level; 7 x 2 bits of padding
    nal.insert(nal.end(), sub.begin(), sub.end());
    nal.push_back(0x3c);
    // id 0 (1), chroma 1 (010), width 64 (0000001000001), height 48 (00000110001), no window (0)
    nal.insert(nal.end(), {0xa0, 0x20, 0x83, 0x10});
    const auto p = media::h265::parse_sps(Exact(nal));
    REQUIRE(p);
    CHECK(p->level == 0x3f);
    CHECK(p->size == Size{64, 48});
}

TEST_CASE("RFC 7798 4.4: single, aggregated, fragmented and PACI payloads") {
    auto f = read(hex("2601af0588"));  // IDR_W_RADL
    CHECK(f.key);
    CHECK(f.starts);
    f = read(hex("020100d0"));  // TRAIL_R, not the first slice
    CHECK(f.picture);
    CHECK(!f.starts);
    CHECK(!f.key);
    f = read(hex("4e0105ff"));  // SEI
    CHECK(!f.picture);
    f = read(hex(parameter_sets[4].nal));
    CHECK(f.size == Size{640, 360});
    const Buffer aggregate = hex("6001000440010c0100042601af05");
    f = read(aggregate);
    CHECK(f.key);
    CHECK(!f.damaged);
    for (std::size_t n = 4; n < aggregate.size(); ++n)
        CHECK(read(Buffer(aggregate.begin(), aggregate.begin() + static_cast<std::ptrdiff_t>(n)))
                  .damaged == (n != 8));
    f = read(hex("620193af0588"));  // FU, start, IDR_W_RADL
    CHECK(f.key);
    CHECK(f.starts);
    f = read(hex("620113af0588"));
    CHECK(f.key);
    CHECK(!f.starts);
}

TEST_CASE("RFC 7798 4.4.4: a PACI extension is skipped, and may not hold another") {
    // cType 19 (IDR_W_RADL), PHSsize 3.
    const auto f = read(hex("64012630aabbccaf0588"));
    CHECK(f.key);
    CHECK(f.starts);
    CHECK(!media::h265::read(Exact(hex("64012630aabbcc"))));    // nothing behind it
    CHECK(!media::h265::read(Exact(hex("64016430aabbccaf"))));  // cType 50
    CHECK(!media::h265::read(Exact(hex("640126"))));
}

TEST_CASE("RFC 7798: undefined types and payloads too short to be one") {
    for (const char* payload : {"", "26", "2601", "6601aa", "7e01aa"})
        CHECK(!media::h265::read(Exact(hex(payload))));
}
