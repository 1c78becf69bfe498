#include "libsipana/media/vp9.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/exact.h"
#include "tests/media/hex.h"

using namespace sipana;
using media::Size;

TEST_CASE("RFC 9628 4.2: descriptors in the non-flexible and in the flexible mode") {
    // I L B E V, picture id 0x1234, TID 5 U SID 2 D, TL0PICIDX, SS of two layers with sizes and a
    // group.
    const Exact wire(
        hex("ae"
            "9234"
            "b5"
            "07"
            "38"
            "014000b4"
            "02800168"
            "02"
            "04"
            "aa"
            "08"
            "bbcc"
            "824983"));
    const auto d = media::vp9::parse_descriptor(wire);
    REQUIRE(d);
    CHECK(!d->inter_predicted);
    CHECK(!d->flexible);
    CHECK(d->starts_frame);
    CHECK(d->ends_frame);
    CHECK(d->picture_id == 0x1234);
    CHECK(d->temporal_layer == 5);
    CHECK(d->spatial_layer == 2);
    CHECK(d->inter_layer);
    REQUIRE(d->layer_sizes.size() == 2);
    CHECK(d->layer_sizes[0] == Size{320, 180});
    CHECK(d->layer_sizes[1] == Size{640, 360});
    CHECK(d->frame.size() == 3);
    for (std::size_t n = 0; n + 3 < wire.bytes().size() + 1; ++n)
        CHECK(!media::vp9::parse_descriptor(Exact(wire.bytes().first(n))));
    // Flexible: references, each saying whether another follows; no TL0PICIDX.
    const Exact flexible(
        hex("f8"
            "05"
            "20"
            "03"
            "05"
            "06"
            "86"));
    const auto f = media::vp9::parse_descriptor(flexible);
    REQUIRE(f);
    CHECK(f->flexible);
    CHECK(f->inter_predicted);
    CHECK(f->picture_id == 5);
    CHECK(f->temporal_layer == 1);
    CHECK(f->frame.size() == 1);
    CHECK(
        !media::vp9::parse_descriptor(Exact(hex("d8"
                                                "05"
                                                "03"
                                                "05"
                                                "07"
                                                "08"
                                                "86"))));
}

TEST_CASE("VP9 6.2: key frames of each profile and their size") {
    // As libvpx wrote them for 322 x 242, behind a descriptor with B and E.
    for (const char* frame :
         {"824983420014100f160c38241c184a00", "a249834200028201e2c1c704838309400",
          "92498342000a08078b061c120e0c2c00", "b124c1a10200a08078b061c120e0c2c0",
          "a2498342e014100f160a38241c184a00"}) {
        CAPTURE(frame);
        const Buffer wire = hex(std::string("0c") + frame);
        const auto f = media::vp9::read(Exact(wire));
        REQUIRE(f);
        CHECK(f->key);
        CHECK(f->starts);
        CHECK(f->size == Size{322, 242});
        for (std::size_t n = 0; n < wire.size(); ++n)
            (void)media::vp9::read(Exact(Bytes(wire).first(n)));
    }
}

TEST_CASE(
    "the frame header says whether a frame is a key frame, also to a sender that never sets P") {
    const auto inter =
        media::vp9::read(Exact(hex("08"
                                   "8600409200")));
    REQUIRE(inter);
    CHECK(inter->starts);
    CHECK(!inter->key);
    // Encrypted: only the descriptor is left to say so.
    const auto hidden =
        media::vp9::read(Exact(hex("08"
                                   "1122334455")));
    REQUIRE(hidden);
    CHECK(hidden->key);
    const auto predicted =
        media::vp9::read(Exact(hex("48"
                                   "1122334455")));
    REQUIRE(predicted);
    CHECK(!predicted->key);
    const auto shown =
        media::vp9::read(Exact(hex("08"
                                   "88")));
    REQUIRE(shown);
    CHECK(!shown->key);
}

TEST_CASE("the size is that of the highest spatial layer") {
    const auto f =
        media::vp9::read(Exact(hex("0a"
                                   "30"
                                   "014000b4"
                                   "02800168"
                                   "82498342001400")));
    REQUIRE(f);
    CHECK(f->size == Size{640, 360});
    // Spatial layer 1 is no start of the picture.
    const auto upper =
        media::vp9::read(Exact(hex("28"
                                   "03"
                                   "00"
                                   "82498342")));
    REQUIRE(upper);
    CHECK(!upper->starts);
    CHECK(!upper->key);
}
