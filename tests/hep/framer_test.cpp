#include "libsipana/hep/framer.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "libsipana/hep/packet.h"
#include "tests/exact.h"

using namespace sipana;

namespace {

std::string packet(std::string_view payload) {
    hep::Packet p;
    p.payload = as_bytes(payload);
    Buffer out;
    REQUIRE(hep::write(p, out));
    return std::string(as_text(out));
}

// What comes out when `stream` is fed in pieces of `size` bytes.
std::vector<std::string> cut(hep::Framer& framer, std::string_view stream, std::size_t size) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < stream.size(); at += size) {
        const Exact piece(stream.substr(at, size));
        framer.feed(piece);
        while (const auto p = framer.poll()) out.emplace_back(as_text(*p));
        CHECK(framer.kept() <= hep::most_bytes);
    }
    return out;
}

}  // namespace

TEST_CASE("HEP3 in a stream: packets are cut by their length, wherever a segment ends") {
    const std::vector<std::string> packets{packet("one"),
                                           packet(""),
                                           packet("HEP3"),
                                           packet(std::string(9000, 'x')),
                                           std::string("HEP3\0\6", 6),
                                           packet("last")};
    std::string stream;
    for (const std::string& p : packets) stream += p;
    for (const std::size_t size : {1u, 2u, 5u, 6u, 7u, 11u, 12u, 13u, 100u, 20'000u}) {
        hep::Framer framer;
        CHECK(cut(framer, stream, size) == packets);
        CHECK(framer.skipped() == 0);
        CHECK(framer.kept() == 0);
    }
}

TEST_CASE(
    "HEP3 in a stream: out of step, the next packet is found and what was passed over is counted") {
    const std::string p = packet("one");
    const std::string garbage("HEHEP3xxHEP3\0\1 garbage HEP HEP", 30);
    for (const std::size_t size : {1u, 3u, 7u, 64u, 1000u}) {
        hep::Framer framer;
        const auto got = cut(framer, garbage + p + "H" + p, size);
        CHECK(got == std::vector<std::string>{p, p});
        CHECK(framer.skipped() == garbage.size() + 1);
    }
}

TEST_CASE("HEP3 in a stream: a packet that lost bytes is given up") {
    const std::string p = packet("one");
    hep::Framer framer;
    CHECK(cut(framer, p.substr(0, 50), 10).empty());
    framer.lost();
    CHECK(cut(framer, p.substr(60) + p, 10) == std::vector<std::string>{p});
    CHECK(framer.skipped() == p.size() - 10);
}
