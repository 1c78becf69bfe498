#include "libsipana/media/av1.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/exact.h"
#include "tests/media/hex.h"

using namespace sipana;
using media::Size;

namespace {

const std::string svt = "000000043d07c4fbf90040";        // 322 x 242
const std::string aom = "20000042abbfc3732be480868010";  // 1920 x 1080

media::Fragment read(const Buffer& payload) {
    const auto f = media::av1::read(Exact(payload));
    REQUIRE(f);
    return *f;
}

}  // namespace

TEST_CASE("AV1 5.5: the size in sequence headers of two encoders") {
    for (const auto& [header, size] :
         {std::pair{svt, Size{322, 242}}, std::pair{aom, Size{1920, 1080}}}) {
        const Buffer wire = hex(header);
        const auto s = media::av1::parse_sequence_header(Exact(wire));
        REQUIRE(s);
        CHECK(s->size == size);
        for (std::size_t n = 0; n < wire.size(); ++n)
            (void)media::av1::parse_sequence_header(Exact(Bytes(wire).first(n)));
        CHECK(!media::av1::parse_sequence_header(Exact(Bytes(wire).first(5))));
    }
}

TEST_CASE("AV1 5.5: timing, decoder model, operating points and the reduced still picture header") {
    // profile 0, still, reduced, level 4; sizes of 8 bits: 63 + 1, 47 + 1
    auto s =
        media::av1::parse_sequence_header(Exact(hex("19"
                                                    "1dfeef80")));
    REQUIRE(s);
    CHECK(s->still_picture);
    // 000 0 0 | timing 1: units 1, scale 60, equal interval 1: 010 (2 ticks) | model 0 | delay 0 |
    // points 00000: idc 12 zeros, level 00100 | 0101 0101: 6 bits each: 63, 47
    std::string bits =
        "000"
        "0"
        "0"
        "1";
    bits += std::string(31, '0') + "1";
    bits += "00000000000000000000000000111100";
    bits +=
        "1"
        "010"
        "0"
        "0"
        "00000"
        "000000000000"
        "00100"
        "0101"
        "0101"
        "111111"
        "101111";
    while (bits.size() % 8 != 0) bits += '0';
    Buffer wire;
    for (std::size_t i = 0; i < bits.size(); i += 8)
        wire.push_back(static_cast<std::uint8_t>(std::stoi(bits.substr(i, 8), nullptr, 2)));
    s = media::av1::parse_sequence_header(Exact(wire));
    REQUIRE(s);
    CHECK(s->size == Size{64, 48});
    REQUIRE(s->fps);
    CHECK(*s->fps == doctest::Approx(30));
}

TEST_CASE(
    "AV1 RTP 4.4: N begins a coded video sequence, W counts the elements, W 0 gives each a "
    "length") {
    // W 2: a sequence header with its length, then a frame OBU to the end.
    auto f =
        read(hex("280c"
                 "08" +
                 svt +
                 "30"
                 "1000900030"));
    CHECK(f.key);
    CHECK(f.starts);
    CHECK(f.picture);
    CHECK(f.size == Size{322, 242});
    CHECK(!f.damaged);
    // W 0: both have lengths; the sequence header carries its own size field as well.
    f =
        read(hex("080d"
                 "0a0b" +
                 svt +
                 "04"
                 "30100090"));
    CHECK(f.size == Size{322, 242});
    CHECK(f.starts);
    // W 1, no N: a frame of a running sequence, predicted.
    f =
        read(hex("10"
                 "3030"));
    CHECK(!f.key);
    CHECK(f.starts);
    // Z: goes on with an OBU of the packet before.
    f =
        read(hex("90"
                 "abcdef"));
    CHECK(f.picture);
    CHECK(!f.starts);
    // A temporal unit may hold no picture at all.
    f =
        read(hex("10"
                 "12"));
    CHECK(!f.picture);
}

TEST_CASE("AV1 5.9.2: a key frame is known by its header where the sender leaves N out") {
    CHECK(read(hex("1030100090")).key);        // frame OBU: show_existing_frame 0, frame_type 0
    CHECK(read(hex("103202100090")).key);      // the same with a size field
    CHECK(read(hex("1034081000")).key);        // the same with an extension
    CHECK_FALSE(read(hex("10303000")).key);    // frame_type 1: inter
    CHECK_FALSE(read(hex("1030a000")).key);    // shows a frame that is there already
    CHECK_FALSE(read(hex("10201000")).key);    // a tile group
    CHECK_FALSE(read(hex("9030100090")).key);  // Z: these bytes are the middle of an OBU
}

TEST_CASE("AV1 RTP 4.4: what contradicts itself") {
    CHECK(!media::av1::read({}));
    CHECK(!media::av1::read(Exact(hex("10"))));
    CHECK(!media::av1::read(Exact(hex("98abcd"))));  // N and Z
    CHECK(read(hex("00"
                   "7f"
                   "3010"))
              .damaged);  // an element beyond the end
    CHECK(read(hex("00"
                   "ffffffffffffffffff01"))
              .damaged);  // a length that never ends
    CHECK(read(hex("20"
                   "02"
                   "3010"
                   "30"))
              .damaged == false);
    const Buffer whole =
        hex("280c"
            "08" +
            svt +
            "30"
            "1000900030");
    for (std::size_t n = 0; n < whole.size(); ++n)
        (void)media::av1::read(Exact(Bytes(whole).first(n)));
}
