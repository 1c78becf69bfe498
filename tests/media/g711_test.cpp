#include "libsipana/media/g711.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

using namespace sipana;
using media::Law;

TEST_CASE("G.711: every code decodes to a sample that is coded as it again") {
    for (const Law law : {Law::mu, Law::a})
        for (int code = 0; code < 256; ++code) {
            const auto c = static_cast<std::uint8_t>(code);
            const std::int16_t sample = media::decode(law, c);
            // Mu-law has two zeros; the positive one is taken.
            const std::uint8_t expected = law == Law::mu && c == 0x7f ? 0xff : c;
            CHECK(media::encode(law, sample) == expected);
        }
}

TEST_CASE("G.711 tables 1 and 2: codes of silence, the loudest samples, and the sign bit") {
    CHECK(media::encode(Law::mu, 0) == 0xff);
    CHECK(media::encode(Law::a, 0) == 0xd5);
    CHECK(media::encode(Law::mu, 32767) == 0x80);
    CHECK(media::encode(Law::mu, -32768) == 0x00);
    CHECK(media::encode(Law::a, 32767) == 0xaa);
    CHECK(media::encode(Law::a, -32768) == 0x2a);
    CHECK(media::decode(Law::mu, 0x80) == 32124);
    CHECK(media::decode(Law::a, 0xaa) == 32256);
}

TEST_CASE("G.711: no sample is decoded further away than half a step of its segment") {
    for (const Law law : {Law::mu, Law::a})
        for (int sample = -32768; sample <= 32767; ++sample) {
            const int back =
                media::decode(law, media::encode(law, static_cast<std::int16_t>(sample)));
            const int magnitude = std::min(std::abs(sample), 32124);
            if (std::abs(std::abs(back) - magnitude) > std::max(16, (magnitude + 132) / 30))
                FAIL("sample ", sample, " becomes ", back);
        }
}

TEST_CASE("G.711 table 5: the digital milliwatt has 0 dBm0") {
    const std::uint8_t mu[] = {0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e};
    const std::uint8_t a[] = {0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4};
    double energy_mu = 0, energy_a = 0;
    for (int i = 0; i < 8; ++i) {
        energy_mu += std::pow(media::decode(Law::mu, mu[i]), 2) / 8;
        energy_a += std::pow(media::decode(Law::a, a[i]), 2) / 8;
    }
    CHECK(std::sqrt(2 * energy_mu) == doctest::Approx(media::zero_dbm0_peak).epsilon(0.005));
    CHECK(std::sqrt(2 * energy_a) == doctest::Approx(media::zero_dbm0_peak).epsilon(0.015));
    CHECK(media::law_of("pcmu") == Law::mu);
    CHECK(media::law_of("PCMA") == Law::a);
    CHECK(!media::law_of("G722"));
}
