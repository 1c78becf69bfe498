#include "libsipana/media/dtmf.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sipana::media {
namespace {

constexpr std::array<double, 8> hertz{697, 770, 852, 941, 1209, 1336, 1477, 1633};
constexpr std::string_view keys = "123A456B789C*0#D";
constexpr double tone_dbm0 = -8;
// Windows stand half a window apart, and one hits where most of it is tone: n ms of tone give about
// (n - 5) / 6.4 hits, n ms of silence (n + 5) / 6.4 misses.
constexpr unsigned hits_wanted = 4;    // 40 ms give five or more, 23 ms three at most
constexpr unsigned misses_wanted = 6;  // 40 ms give seven, a lost packet of 20 ms four at most
constexpr double most_twist = 6.3;     // 8 dB between the tones of a pair
constexpr double least_lead = 6.3;     // of a tone over the others of its group
constexpr double least_share = 0.7;    // of the window's power that both tones have

std::size_t key_of(char digit) {
    if (digit >= 'a' && digit <= 'd') digit = static_cast<char>(digit - 'a' + 'A');
    return keys.find(digit);
}

// One lane a frequency.
using Lanes = float __attribute__((vector_size(8 * sizeof(float))));

struct Coefficients {
    Lanes lanes{};
    Coefficients() {
        for (std::size_t i = 0; i < hertz.size(); ++i)
            lanes[i] =
                static_cast<float>(2 * std::cos(2 * std::numbers::pi * hertz[i] / audio_clock_hz));
    }
};

// The squared amplitude of each tone in the window, times (window / 2)^2 (Goertzel's algorithm).
std::array<double, 8> powers_in(std::span<const std::int16_t> samples) {
    static const Coefficients coefficients;
    const Lanes c = coefficients.lanes;
    Lanes s1{}, s2{};
    for (const std::int16_t sample : samples) {
        const Lanes s0 = (static_cast<float>(sample) - s2) + c * s1;
        s2 = s1;
        s1 = s0;
    }
    const Lanes power = s1 * s1 + s2 * s2 - c * s1 * s2;
    std::array<double, 8> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(power[i]);
    return out;
}

struct Group {
    std::size_t best = 0;
    double power = 0;
    bool clear = false;
};
Group loudest(const double* powers) {
    Group g;
    for (std::size_t i = 0; i < 4; ++i)
        if (powers[i] > g.power) g = {i, powers[i], false};
    g.clear = g.power > 0;
    for (std::size_t i = 0; i < 4; ++i)
        if (i != g.best && powers[i] * least_lead > g.power) g.clear = false;
    return g;
}

char digit_in(std::span<const std::int16_t> samples) {
    std::uint64_t sum = 0;
    for (const std::int16_t s : samples) sum += static_cast<std::uint64_t>(std::int64_t{s} * s);
    const auto energy = static_cast<double>(sum);
    const auto count = static_cast<double>(samples.size());
    // -40 dBm0 of both together, as a mean square.
    constexpr double quietest = zero_dbm0_peak * zero_dbm0_peak / 2 * 1e-4;
    if (energy < quietest * count) return 0;
    const std::array<double, 8> powers = powers_in(samples);
    const Group low = loudest(powers.data()), high = loudest(powers.data() + 4);
    if (!low.clear || !high.clear) return 0;
    if (low.power > most_twist * high.power || high.power > most_twist * low.power) return 0;
    if ((low.power + high.power) * 2 / count < least_share * energy) return 0;
    return keys[low.best * 4 + high.best];
}

}  // namespace

bool is_dtmf(char digit) { return key_of(digit) != keys.npos; }

Sound dtmf(std::string_view digits, Duration length, Duration gap) {
    const double peak = zero_dbm0_peak * std::pow(10, tone_dbm0 / 20);
    Sound out;
    for (const char digit : digits) {
        const std::size_t key = key_of(digit);
        if (key == keys.npos) continue;
        const double low = 2 * std::numbers::pi * hertz[key / 4] / audio_clock_hz;
        const double high = 2 * std::numbers::pi * hertz[4 + key % 4] / audio_clock_hz;
        for (std::size_t i = 0; i < samples_of(length); ++i) {
            const auto t = static_cast<double>(i);
            out.push_back(static_cast<std::int16_t>(
                std::lround(peak * (std::sin(low * t) + std::sin(high * t)))));
        }
        out.resize(out.size() + samples_of(gap));
    }
    return out;
}

void DtmfDetector::on_samples(std::span<const std::int16_t> samples) {
    while (!samples.empty()) {
        const std::size_t step = std::min(samples.size(), window - filled_);
        std::copy_n(samples.begin(), step, samples_.begin() + static_cast<std::ptrdiff_t>(filled_));
        filled_ += step;
        samples = samples.subspan(step);
        if (filled_ < window) return;
        on_window();
        std::copy(samples_.begin() + hop, samples_.end(), samples_.begin());
        filled_ = window - hop;
    }
}

void DtmfDetector::on_pause(std::uint64_t samples) {
    static constexpr std::array<std::int16_t, window> silence{};
    // So much silence ends whatever there was.
    for (std::uint64_t left = std::min<std::uint64_t>(samples, 4 * window); left > 0;) {
        const auto step = std::min<std::uint64_t>(left, window);
        on_samples(std::span(silence).first(static_cast<std::size_t>(step)));
        left -= step;
    }
}

void DtmfDetector::on_window() {
    const char digit = digit_in(samples_);
    if (digit != 0 && digit == candidate_) {
        ++hits_;
        misses_ = 0;
    } else if (digit != 0) {
        candidate_ = digit;
        hits_ = 1;
        misses_ = 0;
        told_ = false;
    } else if (candidate_ != 0 && ++misses_ >= misses_wanted) {
        candidate_ = 0;
    }
    if (candidate_ == 0 || told_ || hits_ < hits_wanted) return;
    told_ = true;
    if (digits_.size() < max_digits) digits_.push_back(candidate_);
}

}  // namespace sipana::media
