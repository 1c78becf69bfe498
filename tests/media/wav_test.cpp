#include "libsipana/media/wav.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include "libsipana/media/tone_meter.h"
#include "tests/exact.h"

using namespace sipana;
using media::Sound;

namespace {

void le(Buffer& out, std::uint32_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

struct Wav {
    std::uint16_t kind = 1, channels = 1, bits = 16;
    std::uint32_t hertz = 8000;
    std::vector<std::int16_t> samples{100, -200, 300};
    std::optional<std::uint32_t> claimed;  // size of the data chunk
    bool odd_chunk = false;

    Buffer bytes() const {
        Buffer out;
        ByteWriter(out).put("RIFF");
        le(out, 0, 4);
        ByteWriter(out).put("WAVEfmt ");
        le(out, 16, 4);
        le(out, kind, 2);
        le(out, channels, 2);
        le(out, hertz, 4);
        le(out, hertz * channels * bits / 8, 4);
        le(out, channels * bits / 8u, 2);
        le(out, bits, 2);
        if (odd_chunk) {
            ByteWriter(out).put("LIST");
            le(out, 3, 4);
            ByteWriter(out).put("abc").u8(0);
        }
        ByteWriter(out).put("data");
        le(out, claimed.value_or(static_cast<std::uint32_t>(samples.size() * 2)), 4);
        for (const std::int16_t s : samples) le(out, static_cast<std::uint16_t>(s), 2);
        return out;
    }
};

std::string refusal(const Wav& wav) {
    const auto r = media::read_wav(Exact(wav.bytes()));
    REQUIRE(!r);
    return r.error().what;
}

}  // namespace

TEST_CASE("WAV: 8000 Hz of one channel come as they are, whatever chunks stand before them") {
    Wav wav;
    for (const bool odd : {false, true}) {
        wav.odd_chunk = odd;
        const Exact bytes(wav.bytes());
        const auto sound = media::read_wav(bytes);
        REQUIRE(sound);
        CHECK(*sound == Sound{100, -200, 300});
        // Cut anywhere: the samples that are there, or an error.
        for (std::size_t n = 0; n < bytes.bytes().size(); ++n) {
            const auto r = media::read_wav(Exact(bytes.bytes().first(n)));
            if (r) CHECK(r->size() < 3);
        }
    }
}

TEST_CASE("WAV: a length that the writer did not know is taken as what there is") {
    Wav wav;
    wav.claimed = 0xffffffff;
    const auto sound = media::read_wav(Exact(wav.bytes()));
    REQUIRE(sound);
    CHECK(sound->size() == 3);
}

TEST_CASE(
    "WAV: other rates and two channels become 8000 Hz of one, with the tone that was in them") {
    for (const std::uint32_t hertz : {16'000u, 44'100u, 48'000u})
        for (const std::uint16_t channels : {std::uint16_t{1}, std::uint16_t{2}}) {
            Wav wav;
            wav.hertz = hertz;
            wav.channels = channels;
            wav.samples.clear();
            for (std::uint32_t i = 0; i < 2 * hertz; ++i) {
                const double phase = 2 * std::numbers::pi * 700 * i / hertz;
                for (int c = 0; c < channels; ++c)
                    wav.samples.push_back(static_cast<std::int16_t>(8000 * std::sin(phase)));
            }
            const auto sound = media::read_wav(Exact(wav.bytes()));
            REQUIRE(sound);
            CHECK(sound->size() == 16'000);
            media::ToneMeter meter(5);
            meter.on_samples(*sound);
            CHECK(meter.hertz() == doctest::Approx(700).epsilon(0.002));
            CHECK(meter.level_dbm0() == doctest::Approx(-9.04).epsilon(0.05));
        }
}

TEST_CASE("WAV: what cannot be read is said in one line") {
    Wav wav;
    wav.kind = 7;
    CHECK(refusal(wav) == "WAV: format 7 is not PCM");
    wav.kind = 1;
    wav.bits = 8;
    CHECK(refusal(wav) == "WAV: 8 bits a sample, not 16");
    wav.bits = 16;
    wav.hertz = 11025;
    CHECK(refusal(wav) == "WAV: 11025 Hz, not 8000, 16000, 44100 or 48000");
    wav.hertz = 8000;
    wav.channels = 0;
    CHECK(refusal(wav) == "WAV: 0 channels");
    wav.channels = 1;
    wav.samples.clear();
    CHECK(refusal(wav) == "WAV: holds no samples");
    CHECK(!media::read_wav(Exact("RIFFabcdWAVX")));
    CHECK(!media::read_wav({}));
}

TEST_CASE("WAV: what is written is read again, in whatever form") {
    media::Sound sound;
    for (int i = 0; i < 400; ++i) sound.push_back(static_cast<std::int16_t>(i * 150 - 30000));
    const auto plain = media::read_wav(media::write_wav(sound, 1, 1));
    REQUIRE(plain);
    CHECK(*plain == sound);
    const Buffer wide = media::write_wav(sound, 6, 2);
    CHECK(wide.size() == 44 + 400u * 6 * 4);
    const auto again = media::read_wav(wide);
    REQUIRE(again);
    REQUIRE(again->size() == sound.size());
    // Between the samples stands a straight line: the mean of six is a little further on.
    for (std::size_t i = 0; i + 1 < sound.size(); ++i)
        CHECK(std::abs((*again)[i] - sound[i]) <= 75);
    CHECK(media::write_wav({}, 6, 2).size() == 44);
}
