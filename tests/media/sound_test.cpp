#include "libsipana/media/sound.h"

#include <doctest/doctest.h>

#include <cmath>

#include "libsipana/media/dtmf.h"
#include "libsipana/media/tone_meter.h"

using namespace sipana;
using namespace std::chrono_literals;
using media::Sound;

namespace {

// What comes out of the law's coder and decoder again.
Sound through(media::Law law, const media::CodedSound& coded, std::size_t samples) {
    Sound out;
    for (std::size_t at = 0; at < samples; at += 160)
        for (const std::uint8_t code : coded.cut(at, 160)) out.push_back(media::decode(law, code));
    return out;
}

Sound joined(std::initializer_list<Sound> parts) {
    Sound out;
    for (const Sound& p : parts) out.insert(out.end(), p.begin(), p.end());
    return out;
}
Sound silence(Duration d) { return Sound(media::samples_of(d)); }

std::string digits_in(const Sound& sound) {
    media::DtmfDetector detector;
    detector.on_samples(sound);
    return detector.digits();
}

}  // namespace

TEST_CASE("a tone is whole periods, so that it repeats without a step") {
    for (const double hertz : {440.0, 1004.0, 697.0, 3999.0, 1.0}) {
        const Sound one = media::tone(hertz, 0);
        CHECK(one.size() <= 8000);
        const double turns = hertz * static_cast<double>(one.size()) / 8000;
        CHECK(turns == doctest::Approx(std::round(turns)));
        CHECK(one[0] == 0);
    }
    CHECK(media::tone(440, 0).size() == 200);
    CHECK(media::tone(-5, 0).size() == 8000);    // 1 Hz
    CHECK(media::tone(9e9, 99).size() == 8000);  // 3999 Hz
}

TEST_CASE("coded sound is cut anywhere, round and round or with silence behind it") {
    const Sound sound{1000, 2000, 3000};
    const media::CodedSound endless(media::Law::mu, sound, true),
        once(media::Law::mu, sound, false);
    const Bytes round = endless.cut(7, 5);
    for (std::size_t i = 0; i < 5; ++i)
        CHECK(round[i] == media::encode(media::Law::mu, sound[(7 + i) % 3]));
    CHECK(endless.cut(UINT64_MAX, 5000).size() == media::CodedSound::max_cut);
    CHECK(once.cut(2, 3)[0] == media::encode(media::Law::mu, 3000));
    CHECK(once.cut(2, 3)[1] == 0xff);
    CHECK(once.cut(UINT64_MAX, 160)[159] == 0xff);
    CHECK(media::CodedSound(media::Law::a, {}, true).cut(0, 2)[1] == 0xd5);
}

TEST_CASE("the meter tells a tone's frequency within 2 Hz and its level within 0.2 dB") {
    for (const media::Law law : {media::Law::mu, media::Law::a})
        for (double hertz = 300; hertz <= 3400; hertz += 37) {
            const media::CodedSound coded(law, media::tone(hertz, -12), true);
            media::ToneMeter meter(10);
            meter.on_samples(through(law, coded, 8000));
            CHECK(std::fabs(meter.hertz() - hertz) < 2);
            CHECK(meter.level_dbm0() == doctest::Approx(-12).epsilon(0.02));
        }
}

TEST_CASE("the meter tells seconds apart, and silence and noise from tones") {
    media::ToneMeter meter(5);
    const auto play = [&](double hertz, std::size_t samples) {
        const media::CodedSound coded(media::Law::mu, media::tone(hertz, -10), true);
        meter.on_samples(through(media::Law::mu, coded, samples));
    };
    play(440, 8000);
    meter.on_samples(silence(1s));
    play(1700, 8000);
    meter.skip(8000);
    play(600, 4000);
    const auto seconds = meter.hertz_by_second();
    REQUIRE(seconds.size() == 5);
    CHECK(seconds[0] == doctest::Approx(440).epsilon(0.005));
    CHECK(seconds[1] == 0);
    CHECK(seconds[2] == doctest::Approx(1700).epsilon(0.005));
    CHECK(seconds[3] == 0);
    CHECK(seconds[4] == doctest::Approx(600).epsilon(0.005));
    meter.skip(UINT64_MAX / 2);
    CHECK(meter.hertz_by_second().size() == 5);

    media::ToneMeter noise(5);
    std::uint32_t state = 1;
    Sound samples(16'000);
    for (auto& s : samples) {
        state = state * 1664525 + 1013904223;
        s = static_cast<std::int16_t>(static_cast<std::int16_t>(state >> 16) / 4);
    }
    noise.on_samples(samples);
    CHECK(noise.hertz() == 0);
    CHECK(noise.level_dbm0() > -20);
    CHECK(media::ToneMeter(5).hertz() == 0);
    CHECK(media::ToneMeter(5).level_dbm0() == -99);
}

TEST_CASE("a tone's share of the power, among others and a little beside its place") {
    const Sound a = media::tone(440, -10), b = media::tone(580, -10);
    Sound both(8000);
    for (std::size_t i = 0; i < both.size(); ++i)
        both[i] = static_cast<std::int16_t>(a[i % a.size()] + b[i % b.size()]);
    CHECK(media::share_of_tone(both, 440) == doctest::Approx(0.5).epsilon(0.02));
    CHECK(media::share_of_tone(both, 580) == doctest::Approx(0.5).epsilon(0.02));
    CHECK(media::share_of_tone(both, 446) > 0.4);
    CHECK(media::share_of_tone(both, 510) < 0.01);
    CHECK(media::share_of_tone(both, 700) < 0.01);
    CHECK(media::share_of_tone(std::span(both).first(511), 440) == 0);
    CHECK(media::share_of_tone(silence(1s), 440) == 0);
}

TEST_CASE("ITU-T Q.23: all sixteen digits, also twice the same") {
    const std::string all = "1234567890*#ABCD";
    CHECK(digits_in(media::dtmf(all, 100ms, 100ms)) == all);
    CHECK(digits_in(media::dtmf("5555", 60ms, 60ms)) == "5555");
    CHECK(digits_in(media::dtmf("x1 2y", 60ms, 60ms)) == "12");
}

TEST_CASE(
    "ITU-T Q.24: 40 ms of tone and 40 ms of pause are enough wherever they begin; 20 ms are none") {
    for (int shift = 0; shift < 102; shift += 7) {
        CAPTURE(shift);
        const Sound lead(static_cast<std::size_t>(shift) + 400);
        CHECK(digits_in(joined({lead, media::dtmf("1597D", 40ms, 40ms), silence(100ms)})) ==
              "1597D");
        CHECK(digits_in(joined({lead, media::dtmf("33", 40ms, 40ms), silence(100ms)})) == "33");
        CHECK(digits_in(joined({lead, media::dtmf("1597D", 20ms, 60ms), silence(100ms)})).empty());
    }
}

TEST_CASE("a packet lost within a digit does not make two of it") {
    for (std::size_t at = 400; at < 1200; at += 40) {
        Sound sound = media::dtmf("8", 200ms, 100ms);
        std::fill_n(sound.begin() + static_cast<std::ptrdiff_t>(at), 160, std::int16_t{0});
        CHECK(digits_in(sound) == "8");
    }
}

TEST_CASE("single tones, and tones that are no pair of DTMF, are no digits") {
    Sound speechlike;
    for (const double hertz : {697.0, 1209.0, 440.0, 1000.0, 2600.0, 350.0})
        for (int n = 0; n < 40; ++n) {
            const Sound t = media::tone(hertz, -10);
            speechlike.insert(speechlike.end(), t.begin(), t.end());
        }
    CHECK(digits_in(speechlike).empty());
    Sound pair = media::tone(440, -10);  // and 480 Hz: the ringing tone of North America
    const Sound other = media::tone(480, -10);
    Sound ringing(16'000);
    for (std::size_t i = 0; i < ringing.size(); ++i)
        ringing[i] = static_cast<std::int16_t>(pair[i % pair.size()] + other[i % other.size()]);
    CHECK(digits_in(ringing).empty());
}
