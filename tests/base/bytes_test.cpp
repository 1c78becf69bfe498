#include "libsipana/base/bytes.h"

#include <doctest/doctest.h>

#include "libsipana/base/random.h"
#include "tests/exact.h"

using namespace sipana;

TEST_CASE("a read past the end gives zeros and is remembered") {
    const Exact two(std::string_view("\x01\x02", 2));
    ByteReader in(two);
    CHECK(in.u8() == 1);
    CHECK(in.u32() == 0);
    CHECK_FALSE(in.ok());
    CHECK(in.left() == 0);
    CHECK(in.u8() == 0);
}

TEST_CASE("what is written big-endian is read back") {
    Buffer b;
    ByteWriter(b).u8(1).u16(0x0203).u24(0x040506).u32(0x0708090a).u64(0x0b0c0d0e0f101112).put("xy");
    ByteReader in(b);
    CHECK(in.u8() == 1);
    CHECK(in.u16() == 0x0203);
    CHECK(in.u24() == 0x040506);
    CHECK(in.u32() == 0x0708090a);
    CHECK(in.u64() == 0x0b0c0d0e0f101112);
    CHECK(as_text(in.rest()) == "xy");
    CHECK(in.ok());
    CHECK(load_be24(b.data() + 3) == 0x040506);
}

TEST_CASE("the same seed gives the same chances, within bounds") {
    Random a(7), b(7);
    for (int i = 0; i < 1000; ++i) {
        CHECK(a.below(10) < 10);
        const double u = b.unit();
        CHECK((u >= 0 && u < 1));
    }
    Random c(7), d(7);
    CHECK(c.next() == d.next());
}
