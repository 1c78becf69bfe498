#include "libsipana/hep/inflater.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <string>

#include "tests/exact.h"

using namespace sipana;

namespace {

Buffer deflated(std::string_view text, bool gzip = false) {
    z_stream z{};
    REQUIRE(deflateInit2(&z, 9, Z_DEFLATED, gzip ? 15 + 16 : 15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    Buffer out(deflateBound(&z, static_cast<uLong>(text.size())) + 64);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = out.data();
    z.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

}  // namespace

TEST_CASE("RFC 1950 and 1952: a payload inflates, again and again") {
    hep::Inflater inflater;
    for (const std::size_t size : {0u, 1u, 4095u, 4096u, 4097u, 100'000u})
        for (const bool gzip : {false, true}) {
            const std::string text(size, 'a');
            const auto plain = inflater.inflate(Exact(deflated(text, gzip)));
            REQUIRE(plain);
            CHECK(as_text(*plain) == text);
        }
}

TEST_CASE("A compressed payload that is cut, garbage or a bomb is an error value") {
    hep::Inflater inflater;
    const Buffer whole = deflated("INVITE sip:b@example.com SIP/2.0");
    for (std::size_t n = 0; n < whole.size(); ++n) {
        const auto plain = inflater.inflate(Exact(Bytes(whole).first(n)));
        REQUIRE(!plain);
        CHECK(plain.error().code == Errc::truncated);
    }
    CHECK(inflater.inflate(Exact("no zlib at all")).error().code == Errc::malformed);
    CHECK(inflater.inflate(deflated(std::string(hep::Inflater::most_inflated, 'a'))));
    const auto bomb =
        inflater.inflate(deflated(std::string(40 * hep::Inflater::most_inflated, 'a')));
    CHECK(bomb.error().code == Errc::too_large);
    CHECK(inflater.inflate(whole));  // and goes on
}
