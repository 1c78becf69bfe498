#include "libsipana/media/vp8.h"

#include <doctest/doctest.h>

#include "tests/exact.h"
#include "tests/media/hex.h"

using namespace sipana;
using media::Size;

TEST_CASE("RFC 7741 4.2: each field of the payload descriptor") {
    const Exact wire(
        hex("f3f0"
            "8123"
            "45"
            "ea"
            "aabb"));
    const auto d = media::vp8::parse_descriptor(wire);
    REQUIRE(d);
    CHECK(d->non_reference);
    CHECK(d->starts_partition);
    CHECK(d->partition == 3);
    CHECK(d->picture_id == 0x123);
    CHECK(d->tl0_picture == 0x45);
    CHECK(d->temporal_layer == 3);
    CHECK(d->key_index == 10);
    CHECK(d->frame.size() == 2);
    const Exact small(
        hex("9080"
            "7f"
            "aa"));
    const auto s = media::vp8::parse_descriptor(small);
    REQUIRE(s);
    CHECK(s->picture_id == 0x7f);
    CHECK(!s->tl0_picture);
    CHECK(!s->temporal_layer);
    for (std::size_t n = 0; n < 7; ++n)
        CHECK(media::vp8::parse_descriptor(Exact(wire.bytes().first(n))).has_value() == false);
}

TEST_CASE("RFC 6386 9.1: a key frame and its size") {
    // As libvpx wrote it for 322 x 242, behind a descriptor of one byte.
    const Buffer wire =
        hex("10"
            "7067009d012a4201f200004708858588");
    const auto f = media::vp8::read(Exact(wire));
    REQUIRE(f);
    CHECK(f->key);
    CHECK(f->starts);
    CHECK(f->size == Size{322, 242});
    for (std::size_t n = 2; n < wire.size(); ++n) {
        const auto cut = media::vp8::read(Exact(Bytes(wire).first(n)));
        REQUIRE(cut);
        CHECK(cut->key);
        CHECK(cut->size.has_value() == (n >= 11));
    }
    Buffer scaled = wire;  // the two upper bits ask for scaling
    scaled[8] |= 0x40;
    scaled[10] |= 0x80;
    CHECK(media::vp8::read(Exact(scaled))->size == Size{322, 242});
    Buffer broken = wire;
    broken[5] = 0;
    CHECK(!media::vp8::read(Exact(broken)));
}

TEST_CASE("RFC 7741 4.3: only the start of partition 0 holds the frame's header") {
    auto f = media::vp8::read(Exact(hex("107167009d012a")));
    REQUIRE(f);
    CHECK(f->starts);
    CHECK(!f->key);
    f = media::vp8::read(Exact(hex("0070aabb")));
    REQUIRE(f);
    CHECK(!f->starts);
    CHECK(!f->key);
    f = media::vp8::read(Exact(hex("1170aabb")));
    REQUIRE(f);
    CHECK(!f->starts);
    CHECK(!media::vp8::read({}));
    CHECK(!media::vp8::read(Exact(hex("10"))));
}
