// ToneMeter: the frequency of the loudest tone in samples of 8000 Hz, second by second and over
// all, and the level.
//
// Power spectra of 512 samples under a Hann window are added up, and the peak is placed between the
// lines by a parabola through its logarithms: within 2 Hz between 100 and 3800 Hz.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "libsipana/media/sound.h"

namespace sipana::media {

class ToneMeter {
public:
    // At most `max_seconds` are told apart; later ones count over all.
    explicit ToneMeter(std::size_t max_seconds) : max_seconds_(max_seconds) {}

    // Samples that follow those before.
    void on_samples(std::span<const std::int16_t> samples);
    // Nothing was heard for so many samples.
    void skip(std::uint64_t samples);
    // 0: no tone, that is silence, or nothing that stands out. The running second is among them.
    std::vector<double> hertz_by_second() const;
    double hertz() const;
    double level_dbm0() const;  // over all that was heard; -99: nothing

private:
    static constexpr std::size_t size = 512;
    using Spectrum = std::array<double, size / 2>;
    void on_block();
    void close_second();
    static double peak(const Spectrum& spectrum);

    std::size_t max_seconds_;
    std::array<std::int16_t, size> block_{};
    std::size_t filled_ = 0;
    std::uint64_t position_ = 0;  // samples since the start
    Spectrum second_{}, all_{};
    std::vector<double> seconds_;
    std::uint64_t energy_ = 0, counted_ = 0;
};

// How much of all power a tone of this frequency has, 0 to 1; of two tones that are equally loud
// each has a half. 0 for less than 64 ms.
double share_of_tone(std::span<const std::int16_t> samples, double hertz);

}  // namespace sipana::media
