#include "libsipana/base/endpoint.h"

#include <doctest/doctest.h>

using namespace sipana;

TEST_CASE("RFC 5952: endpoints are written shortest, IPv6 in brackets, and read back") {
    for (const char* text : {"192.0.2.1:5060", "[2001:db8::1]:5060", "[::1]:0", "0.0.0.0:65535"}) {
        const auto e = Endpoint::parse(text);
        REQUIRE(e);
        CHECK(e->to_string() == text);
    }
    CHECK(Endpoint::parse("[2001:DB8:0:0:0:0:0:1]:1")->to_string() == "[2001:db8::1]:1");
    for (const char* text : {"192.0.2.1", "192.0.2.1:65536", "2001:db8::1:5060", "a.example:5060", ":1", "1.2.3.4:"})
        CHECK_FALSE(Endpoint::parse(text));
}

TEST_CASE("addresses know their family and kind") {
    CHECK(Address::parse("10.0.0.1")->is_v4());
    CHECK(Address::parse("::1")->is_v6());
    CHECK(Address::parse("::1")->is_loopback());
    CHECK(Address::parse("127.9.9.9")->is_loopback());
    CHECK(Address::parse("0.0.0.0")->is_unspecified());
    CHECK_FALSE(Address::parse("0.0.0.0")->empty());
    CHECK(Address::parse("239.1.1.1")->is_multicast());
    CHECK(Address().empty());
    CHECK_FALSE(Address::parse(std::string_view("1.2.3.4\0x", 9)));
    CHECK(*Address::parse("10.0.0.1") < *Address::parse("10.0.0.2"));
    CHECK(*Address::parse("9.0.0.1") < *Address::parse("10.0.0.1"));
}
