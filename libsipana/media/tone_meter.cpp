#include "libsipana/media/tone_meter.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

namespace sipana::media {
namespace {

using Complex = std::complex<double>;

// A sine gives its height over count^2 / 16 (Hann); -50 dBm0 is no tone any more.
constexpr double quietest_dbm0 = -50;
constexpr double least_share = 0.3;  // of all power, in the peak and the two lines beside it

std::vector<double> hann(std::size_t size) {
    std::vector<double> w(size);
    for (std::size_t i = 0; i < size; ++i)
        w[i] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) /
                                    static_cast<double>(size));
    return w;
}

std::vector<Complex> roots(std::size_t size) {
    std::vector<Complex> w(size / 2);
    for (std::size_t i = 0; i < w.size(); ++i)
        w[i] = std::polar(
            1.0, -2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(size));
    return w;
}

// In place, radix 2, size a power of two.
void transform(std::vector<Complex>& x, const std::vector<Complex>& w) {
    const std::size_t n = x.size();
    for (std::size_t i = 1, j = 0; i < n; ++i) {
        std::size_t bit = n >> 1;
        for (; (j & bit) != 0; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) std::swap(x[i], x[j]);
    }
    for (std::size_t half = 1; half < n; half *= 2) {
        const std::size_t stride = n / (2 * half);
        for (std::size_t from = 0; from < n; from += 2 * half)
            for (std::size_t k = 0; k < half; ++k) {
                const Complex a = x[from + k], c = x[from + k + half], t = w[k * stride];
                const Complex b{c.real() * t.real() - c.imag() * t.imag(),
                                c.real() * t.imag() + c.imag() * t.real()};
                x[from + k] = a + b;
                x[from + k + half] = a - b;
            }
    }
}

}  // namespace

void ToneMeter::on_samples(std::span<const std::int16_t> samples) {
    for (const std::int16_t sample : samples) {
        block_[filled_++] = sample;
        energy_ += static_cast<double>(sample) * sample;
        ++counted_;
        ++position_;
        if (filled_ == size) on_block();
        if (position_ % audio_clock_hz == 0) close_second();
    }
}

void ToneMeter::skip(std::uint64_t samples) {
    filled_ = 0;  // what lies on both sides of the gap does not go together
    while (samples > 0) {
        const std::uint64_t step = std::min(samples, audio_clock_hz - position_ % audio_clock_hz);
        position_ += step;
        samples -= step;
        if (position_ % audio_clock_hz != 0) continue;
        close_second();
        if (seconds_.size() < max_seconds_) continue;
        position_ += samples;
        return;
    }
}

void ToneMeter::on_block() {
    static const auto window = hann(size);
    static const auto w = roots(size);
    std::vector<Complex> x(size);
    for (std::size_t i = 0; i < size; ++i) x[i] = window[i] * block_[i];
    transform(x, w);
    for (std::size_t i = 0; i < size / 2; ++i) {
        const double power = std::norm(x[i]);
        second_[i] += power;
        all_[i] += power;
    }
    filled_ = 0;
}

void ToneMeter::close_second() {
    if (seconds_.size() < max_seconds_) seconds_.push_back(peak(second_));
    second_ = {};
    filled_ = 0;  // a block belongs to one second
}

double ToneMeter::peak(const Spectrum& spectrum) {
    std::size_t best = 2;  // below it is the mean, spread by the window
    double total = 0;
    for (std::size_t i = 2; i < spectrum.size(); ++i) {
        total += spectrum[i];
        if (spectrum[i] > spectrum[best]) best = i;
    }
    constexpr double line = zero_dbm0_peak * size / 4;
    static const double quietest = line * line * std::pow(10, quietest_dbm0 / 10);
    if (spectrum[best] < quietest || best + 1 >= spectrum.size()) return 0;
    const double left = spectrum[best - 1], middle = spectrum[best], right = spectrum[best + 1];
    if (left + middle + right < least_share * total) return 0;
    constexpr double tiny = 1e-9;
    const double a = std::log(left + tiny), b = std::log(middle + tiny), c = std::log(right + tiny);
    const double curve = a - 2 * b + c;
    const double offset = curve < 0 ? (a - c) / (2 * curve) : 0;
    return (static_cast<double>(best) + offset) * audio_clock_hz / size;
}

std::vector<double> ToneMeter::hertz_by_second() const {
    std::vector<double> all = seconds_;
    if (position_ % audio_clock_hz != 0 && all.size() < max_seconds_) all.push_back(peak(second_));
    return all;
}

double ToneMeter::hertz() const { return peak(all_); }

double ToneMeter::level_dbm0() const {
    if (counted_ == 0 || energy_ <= 0) return -99;
    const double mean = energy_ / static_cast<double>(counted_);
    return std::max(-99.0, 10 * std::log10(mean / (zero_dbm0_peak * zero_dbm0_peak / 2)));
}

}  // namespace sipana::media
