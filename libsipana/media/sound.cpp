#include "libsipana/media/sound.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace sipana::media {

Sound tone(double hertz, double level_dbm0) {
    const auto whole = static_cast<unsigned>(
        std::lround(std::clamp(hertz, 1.0, static_cast<double>(audio_clock_hz) / 2 - 1)));
    const double peak =
        std::min(zero_dbm0_peak * std::pow(10, std::min(level_dbm0, 6.0) / 20), 32124.0);
    Sound samples(audio_clock_hz / std::gcd(whole, audio_clock_hz));
    for (std::size_t i = 0; i < samples.size(); ++i) {
        // The phase's whole turns are taken out while it is a whole number.
        const auto turn = static_cast<double>(i * whole % audio_clock_hz) / audio_clock_hz;
        samples[i] =
            static_cast<std::int16_t>(std::lround(peak * std::sin(2 * std::numbers::pi * turn)));
    }
    return samples;
}

CodedSound::CodedSound(Law law, const Sound& sound, bool endless)
    : samples_(sound.size()), endless_(endless && !sound.empty()) {
    bytes_.reserve(samples_ + max_cut);
    encode(law, sound, bytes_);
    while (bytes_.size() < samples_ + max_cut)
        bytes_.push_back(endless_ ? bytes_[bytes_.size() - samples_] : encode(law, 0));
}

Bytes CodedSound::cut(std::uint64_t position, std::size_t count) const {
    const std::uint64_t at =
        endless_ ? position % samples_ : std::min<std::uint64_t>(position, samples_);
    return Bytes(bytes_).subspan(static_cast<std::size_t>(at), std::min(count, max_cut));
}

}  // namespace sipana::media
