#include "libsipana/media/h263.h"

#include <doctest/doctest.h>

#include "tests/exact.h"
#include "tests/media/hex.h"

using namespace sipana;
using media::Size;

TEST_CASE("RFC 4629 5.1: pictures of a standard and of a custom format") {
    // As an encoder wrote them: P set, so the two zero bytes of the start code are left out.
    auto f =
        media::h263::read(Exact(hex("0400"
                                    "80021ca82100124011019880808087ff")));
    REQUIRE(f);
    CHECK(f->starts);
    CHECK(f->key);
    CHECK(f->size == Size{176, 144});
    const Buffer custom =
        hex("0400"
            "80021ce821001093e3c4802a00cc4040");
    f = media::h263::read(Exact(custom));
    REQUIRE(f);
    CHECK(f->key);
    CHECK(f->size == Size{320, 240});
    for (std::size_t n = 2; n < custom.size(); ++n)
        CHECK(media::h263::read(Exact(Bytes(custom).first(n))).has_value());
    f =
        media::h263::read(Exact(hex("0400"
                                    "80020c05262020")));  // plain PTYPE, CIF
    REQUIRE(f);
    CHECK(f->key);
    CHECK(f->size == Size{352, 288});
    f =
        media::h263::read(Exact(hex("0400"
                                    "80020e05262020")));  // the same, inter
    REQUIRE(f);
    CHECK(!f->key);
}

TEST_CASE("RFC 4629 5.1: what goes on, a GOB start, VRC and an extra picture header") {
    auto f =
        media::h263::read(Exact(hex("0000"
                                    "314d8301")));
    REQUIRE(f);
    CHECK(f->picture);
    CHECK(!f->starts);
    f =
        media::h263::read(Exact(hex("0400"
                                    "8802aabb")));  // group number 1
    REQUIRE(f);
    CHECK(!f->starts);
    f =
        media::h263::read(Exact(hex("0610"
                                    "55"
                                    "aabb"
                                    "80020c05262020")));  // V, PLEN 2
    REQUIRE(f);
    CHECK(f->starts);
    CHECK(f->size == Size{352, 288});
    CHECK(!media::h263::read(Exact(hex("04"))));
    CHECK(!media::h263::read(Exact(hex("01f8aabb"))));  // PLEN 63
}

TEST_CASE("RFC 2190 5: modes A, B and C") {
    auto f =
        media::h263::read_rfc2190(Exact(hex("00600000"
                                            "000080020c052620")));
    REQUIRE(f);
    CHECK(f->starts);
    CHECK(f->key);
    CHECK(f->size == Size{352, 288});
    f =
        media::h263::read_rfc2190(Exact(hex("00500000"
                                            "aabbccdd")));  // QCIF, inter, no start
    REQUIRE(f);
    CHECK(!f->starts);
    CHECK(!f->key);
    CHECK(f->size == Size{176, 144});
    f =
        media::h263::read_rfc2190(Exact(hex("8060000000000000"
                                            "aabb")));  // B
    REQUIRE(f);
    CHECK(f->key);
    f =
        media::h263::read_rfc2190(Exact(hex("c060000080000000"
                                            "00000000"
                                            "aabb")));  // C, inter
    REQUIRE(f);
    CHECK(!f->key);
    for (const char* cut : {"", "000000", "80000000000000", "c000000000000000000000"})
        CHECK(!media::h263::read_rfc2190(Exact(hex(cut))));
}
