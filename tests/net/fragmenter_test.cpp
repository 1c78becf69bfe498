#include "libsipana/net/fragmenter.h"

#include <doctest/doctest.h>

#include <string>

#include "libsipana/net/encoder.h"
#include "tests/net/frames.h"

using namespace sipana;
using namespace sipana::net;

namespace {

std::string text_of_size(std::size_t size) {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
    return text;
}

Buffer frame_of(std::string_view src, std::string_view dst, std::string_view text) {
    return *udp_frame(*Endpoint::parse(src), *Endpoint::parse(dst), as_bytes(text));
}

}  // namespace

TEST_CASE("RFC 791 2.3, RFC 8200 4.5: what is cut is put together again, of any size") {
    for (const bool v4 : {true, false}) {
        for (const std::size_t size : {0u, 1472u, 1473u, 1480u, 2960u, 2961u, 9000u, 65'507u}) {
            const std::string text = text_of_size(size);
            const Buffer whole = v4 ? frame_of("192.0.2.1:5060", "192.0.2.2:5060", text)
                                    : frame_of("[2001:db8::1]:5060", "[2001:db8::2]:5060", text);
            const auto pieces = fragment(Exact(Bytes(whole)), 77);
            REQUIRE(pieces);
            Bench bench;
            for (const Buffer& piece : *pieces) {
                CHECK(piece.size() <= 14 + ethernet_mtu);
                bench.decode(piece);
            }
            CAPTURE(size);
            CHECK((pieces->size() == 1) == (whole.size() <= 14 + ethernet_mtu));
            REQUIRE(bench.sink.datagrams.size() == 1);
            CHECK(bench.sink.datagrams[0].text == text);
            CHECK(bench.sink.findings.empty());
        }
    }
}

TEST_CASE("RFC 791 3.1: each fragment's header has a right checksum, and the id that was given") {
    const Buffer whole = frame_of("192.0.2.1:5060", "192.0.2.2:5060", text_of_size(4000));
    const auto pieces = fragment(whole, 0x1234);
    REQUIRE(pieces);
    REQUIRE(pieces->size() == 3);
    for (const Buffer& piece : *pieces) {
        std::uint32_t sum = 0;
        for (std::size_t i = 14; i < 34; i += 2) sum += load_be16(&piece[i]);
        CHECK((sum & 0xffff) + (sum >> 16) == 0xffff);
        CHECK(load_be16(&piece[18]) == 0x1234);
    }
}

TEST_CASE("Fragmenter: frames that it does not know are refused") {
    const Buffer whole = frame_of("192.0.2.1:5060", "192.0.2.2:5060", text_of_size(4000));
    for (std::size_t n = 0; n < 34; ++n) CHECK_FALSE(fragment(Exact(Bytes(whole).first(n)), 1));
    CHECK_FALSE(fragment(whole, 1, 67));
    CHECK(fragment(whole, 1, 68));
    Buffer with_options = whole;
    with_options[14] = 0x46;
    CHECK_FALSE(fragment(with_options, 1));
    Buffer arp = whole;
    arp[13] = 6;
    CHECK_FALSE(fragment(arp, 1));
}
