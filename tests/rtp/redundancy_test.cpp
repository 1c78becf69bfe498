#include "libsipana/rtp/redundancy.h"

#include <doctest/doctest.h>

#include "tests/exact.h"

using namespace sipana;

TEST_CASE("RFC 2198 3: the primary payload stands behind all redundant blocks") {
    const Buffer packet{
        0x80 | 97, 0x00, 0x28, 0x02, 0x80 | 98, 0, 0, 0x03,  // 2 bytes at offset 10, 3 bytes
        96,        1,    1,    2,    2,         2, 7, 8,    9};
    const Exact whole(packet);
    const auto primary = rtp::primary_of_redundant(whole);
    REQUIRE(primary);
    CHECK(primary->payload_type == 96);
    CHECK(primary->payload.size() == 3);
    CHECK(primary->payload[0] == 7);
}

TEST_CASE("RFC 2198 3: without redundancy one byte stands before the payload") {
    const Exact whole(Buffer{100, 5, 6});
    const auto primary = rtp::primary_of_redundant(whole);
    REQUIRE(primary);
    CHECK(primary->payload_type == 100);
    CHECK(primary->payload.size() == 2);
}

TEST_CASE("RFC 2198 3: blocks that run past the end are refused") {
    const Buffer packet{0x80 | 97, 0x00, 0x28, 0x02, 96, 1, 1};
    CHECK(rtp::primary_of_redundant(packet));
    for (std::size_t n = 0; n < packet.size(); ++n)
        CHECK_FALSE(rtp::primary_of_redundant(Exact(Bytes(packet).first(n))));
}
