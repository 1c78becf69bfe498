#include "libsipana/media/bits.h"

#include <doctest/doctest.h>

#include "tests/exact.h"
#include "tests/media/hex.h"

using namespace sipana;
using media::BitReader;

TEST_CASE("bits are read from the top, across bytes, up to 32 at once") {
    const Exact bytes(hex("a5c3ff00123456789a"));
    BitReader in(bytes);
    CHECK(in.bits(1) == 1);
    CHECK(in.bits(3) == 2);
    CHECK(in.bits(8) == 0x5c);
    CHECK(in.bits(0) == 0);
    CHECK(in.bits(32) == 0x3ff00123);
    in.skip(4);
    CHECK(in.bits(24) == 0x56789a);
    CHECK(in.left() == 0);
    CHECK(in.ok());
    CHECK(in.bits(1) == 0);
    CHECK(!in.ok());
}

TEST_CASE("H.264 9.1: Exp-Golomb codes, unsigned and signed") {
    // 1 010 011 00100 00101 0001000
    const Exact bytes(hex("a6428800"));
    BitReader in(bytes);
    CHECK(in.ue() == 0);
    CHECK(in.ue() == 1);
    CHECK(in.ue() == 2);
    CHECK(in.ue() == 3);
    CHECK(in.ue() == 4);
    BitReader again(bytes);
    CHECK(again.se() == 0);
    CHECK(again.se() == 1);
    CHECK(again.se() == -1);
    CHECK(again.se() == 2);
    CHECK(again.se() == -2);
    const Exact zeros(hex("00000000000000"));
    BitReader none(zeros);
    CHECK(none.ue() == 0);
    CHECK(!none.ok());
    const Exact widest(hex("00000001fffffffe"));
    BitReader wide(widest);
    CHECK(wide.ue() == 0xfffffffe);
    CHECK(wide.ok());
}

TEST_CASE("a read or skip past the end gives zeros and stays failed") {
    const Exact bytes(hex("ff"));
    BitReader in(bytes);
    CHECK(in.bits(9) == 0);
    CHECK(!in.ok());
    CHECK(in.bits(1) == 0);
    CHECK(in.ue() == 0);
    BitReader skipped(bytes);
    skipped.skip(9);
    CHECK(!skipped.ok());
    CHECK(skipped.left() == 0);
}

TEST_CASE("H.264 7.4.1.1: emulation prevention bytes are taken out") {
    CHECK(media::without_emulation_prevention(hex("0000030000030100000304")) ==
          hex("0000000001000004"));
    CHECK(media::without_emulation_prevention(hex("000003")) == hex("0000"));
    CHECK(media::without_emulation_prevention(hex("0003000103")) == hex("0003000103"));
    CHECK(media::without_emulation_prevention({}).empty());
}
