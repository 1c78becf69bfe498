#include "libsipana/media/h264.h"

#include <doctest/doctest.h>

#include "tests/exact.h"
#include "tests/media/hex.h"
#include "tests/rtp/walk.h"

using namespace sipana;
using media::Size;

namespace {

// As x264 wrote them, for pictures of the size and rate beside them.
struct Sps {
    const char* what;
    const char* nal;
    Size size;
    double fps;
    int profile;
};
const Sps parameter_sets[] = {
    {"cropped", "6742c00bda0c3f8888c044000003000400000300c83c50aa80", {178, 98}, 25, 66},
    {"29.97 Hz",
     "6742c028da01e0089f97011000003e90000ea600f1832a",
     {1920, 1080},
     30000 / 1001.0,
     66},
    {"interlaced", "674d401ef405a126c044000003000400000300c87c50aa80", {720, 576}, 25, 77},
    {"4:4:4", "67f4000d91968150878f8fc044000003000400000300c83c50aa80", {322, 242}, 25, 244},
    {"4:2:2", "677a000bbcb41623c44f80880000030008000003019078a155", {162, 122}, 25, 122},
    {"scaling matrix", "6764001facb405017fcb80880000030008000003032078c195", {640, 360}, 50, 100},
};

Buffer stap(const std::vector<Buffer>& nals) {
    Buffer b{24};
    for (const Buffer& nal : nals) {
        b.push_back(static_cast<std::uint8_t>(nal.size() >> 8));
        b.push_back(static_cast<std::uint8_t>(nal.size()));
        b.insert(b.end(), nal.begin(), nal.end());
    }
    return b;
}

media::Fragment read(const Buffer& payload) {
    const auto f = media::h264::read(Exact(payload));
    REQUIRE(f);
    return *f;
}

}  // namespace

TEST_CASE(
    "H.264 7.3.2.1.1: size and rate of parameter sets, with cropping, fields and scaling lists") {
    for (const Sps& sps : parameter_sets) {
        CAPTURE(sps.what);
        const Buffer nal = hex(sps.nal);
        const auto p = media::h264::parse_sps(Exact(nal));
        REQUIRE(p);
        CHECK(p->size == sps.size);
        CHECK(p->profile == sps.profile);
        REQUIRE(p->fps);
        CHECK(*p->fps == doctest::Approx(sps.fps));
        for (std::size_t n = 0; n < nal.size(); ++n)
            (void)media::h264::parse_sps(Exact(Bytes(nal).first(n)));
    }
    CHECK(!media::h264::parse_sps(Exact(hex("6842c00bda0c3f88"))));
    CHECK(!media::h264::parse_sps(Exact(hex("6742c00b"))));
}

TEST_CASE("RFC 6184 5.6: single NAL unit packets") {
    auto f = read(hex("6588840a"));
    CHECK(f.picture);
    CHECK(f.starts);
    CHECK(f.key);
    f = read(hex("419a2400"));
    CHECK(f.picture);
    CHECK(f.starts);
    CHECK(!f.key);
    f = read(hex("41009a24"));  // first_mb_in_slice is not 0: another slice of the picture
    CHECK(f.picture);
    CHECK(!f.starts);
    f = read(hex("0605ffff"));  // SEI
    CHECK(!f.picture);
    f = read(hex(parameter_sets[0].nal));
    CHECK(!f.picture);
    CHECK(f.size == Size{178, 98});
}

TEST_CASE("RFC 6184 5.7: aggregation packets, and what is cut of them") {
    const Buffer payload = stap({hex(parameter_sets[5].nal), hex("68ce0fc8"), hex("6588840a")});
    auto f = read(payload);
    CHECK(f.key);
    CHECK(f.starts);
    CHECK(!f.damaged);
    CHECK(f.size == Size{640, 360});
    for (std::size_t n = 2; n < payload.size(); ++n) {
        const auto cut = media::h264::read(Exact(Bytes(payload).first(n)));
        REQUIRE(cut);
        CHECK(cut->damaged == (n != 28 && n != 34));
    }
    CHECK(!media::h264::read(Exact(hex("18"))));
    CHECK(read(hex("180000")).damaged);
    // STAP-B: DON; MTAP16: DON base, then DOND and offset of each unit; MTAP24: three bytes of
    // offset.
    CHECK(read(hex("1900070003658884")).key);
    CHECK(read(hex("1a0007000301aabb658884")).key);
    CHECK(read(hex("1b0007000301aabbcc658884")).key);
    CHECK(!media::h264::read(Exact(hex("1900"))));
}

TEST_CASE("RFC 6184 5.8: fragmentation units") {
    auto f = read(hex("7c8588843a"));
    CHECK(f.picture);
    CHECK(f.starts);
    CHECK(f.key);
    f = read(hex("7c0599aabb"));
    CHECK(f.picture);
    CHECK(!f.starts);
    CHECK(f.key);
    f = read(hex("7c419aabb0"));
    CHECK(!f.starts);
    CHECK(!f.key);
    f = read(hex("7d85000188843a"));  // FU-B
    CHECK(f.starts);
    CHECK(!media::h264::read(Exact(hex("7c"))));
    CHECK(!media::h264::read(Exact(hex("7d8500"))));
}

TEST_CASE("RFC 6184 5.2: types 0, 30 and 31 are undefined") {
    for (const char* payload : {"00aa", "1eaa", "1faa", ""})
        CHECK(!media::h264::read(Exact(hex(payload))));
}

TEST_CASE("raw H.264 payloads of ../shared/torture: a verdict for each") {
    const auto folder = shared_folder / "torture" / "rtp-rtcp";
    if (!std::filesystem::exists(folder)) {
        MESSAGE("skipped: ../shared/torture is not here");
        return;
    }
    const auto aggregate = read(contents(folder / "h264_0000.bin"));  // SPS and PPS
    CHECK(aggregate.size == Size{640, 480});
    CHECK(!aggregate.picture);
    const auto start = read(contents(folder / "h264_0001.bin"));
    CHECK(start.starts);
    CHECK(start.key);
    const auto end = read(contents(folder / "h264_0002.bin"));
    CHECK(end.key);
    CHECK(!end.starts);
    const auto slice = read(contents(folder / "h264_0003.bin"));
    CHECK(slice.picture);
    CHECK(slice.starts);
    CHECK(!slice.key);
}
