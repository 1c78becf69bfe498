#include "libsipana/media/tone_meter.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

namespace sipana::media {
namespace {

using Complex = std::complex<float>;

constexpr double quietest_dbm0 = -50;  // no tone any more
constexpr double least_share = 0.3;    // of all power, in the peak and the two lines beside it

// What the transform of `size` real samples needs: they are transformed as size / 2 complex ones.
template <std::size_t size>
struct Tables {
    static constexpr std::size_t half = size / 2;
    std::array<float, size> window{};            // Hann
    std::array<Complex, half> root{};            // exp(-2 pi i k / size)
    std::array<std::uint16_t, half> reversed{};  // the order that the transform takes its input in

    Tables() {
        for (std::size_t i = 0; i < size; ++i) {
            const double turn = static_cast<double>(i) / size;
            window[i] = static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * turn));
        }
        for (std::size_t i = 0; i < half; ++i) {
            const double turn = static_cast<double>(i) / size;
            root[i] = Complex(std::polar(1.0, -2 * std::numbers::pi * turn));
            std::size_t r = 0;
            for (std::size_t bit = 1; bit < half; bit *= 2)
                if ((i & bit) != 0) r |= half / 2 / bit;
            reversed[i] = static_cast<std::uint16_t>(r);
        }
    }
};

inline Complex product(Complex a, Complex b) {  // without the standard's care for infinities
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

// Radix 2, in place, input in reversed order.
template <std::size_t size>
void transform(std::array<Complex, size / 2>& x, const Tables<size>& t) {
    constexpr std::size_t n = size / 2;
    for (std::size_t half = 1; half < n; half *= 2) {
        const std::size_t stride = n / half;  // of roots of `size`
        for (std::size_t from = 0; from < n; from += 2 * half)
            for (std::size_t k = 0; k < half; ++k) {
                const Complex a = x[from + k], b = product(x[from + k + half], t.root[k * stride]);
                x[from + k] = a + b;
                x[from + k + half] = a - b;
            }
    }
}

}  // namespace

void ToneMeter::on_samples(std::span<const std::int16_t> samples) {
    counted_ += samples.size();
    for (const std::int16_t sample : samples)
        energy_ += static_cast<std::uint64_t>(std::int64_t{sample} * sample);
    while (!samples.empty()) {
        const auto left = static_cast<std::size_t>(audio_clock_hz - position_ % audio_clock_hz);
        const std::size_t step = std::min({samples.size(), size - filled_, left});
        std::copy_n(samples.begin(), step, block_.begin() + static_cast<std::ptrdiff_t>(filled_));
        filled_ += step;
        position_ += step;
        samples = samples.subspan(step);
        if (filled_ == size) on_block();
        if (step == left) close_second();
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
    static const Tables<size> t;
    constexpr std::size_t half = size / 2;
    std::array<Complex, half> x;
    for (std::size_t i = 0; i < half; ++i) {
        const std::size_t from = 2 * std::size_t{t.reversed[i]};
        x[i] = {t.window[from] * block_[from], t.window[from + 1] * block_[from + 1]};
    }
    transform(x, t);
    // Even and odd samples are told apart by the symmetry of their spectra.
    for (std::size_t k = 0; k < half; ++k) {
        const Complex a = x[k], b = std::conj(x[(half - k) % half]);
        const Complex odd = product(a - b, {0, -1});
        const float power = std::norm(a + b + product(odd, t.root[k])) / 4;
        second_[k] += power;
        all_[k] += power;
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
    if (counted_ == 0 || energy_ == 0) return -99;
    const double mean = static_cast<double>(energy_) / static_cast<double>(counted_);
    return std::max(-99.0, 10 * std::log10(mean / (zero_dbm0_peak * zero_dbm0_peak / 2)));
}

// Goertzel's recurrence, under the window that the meter has: its line is wide enough for a phone
// whose clock is a little off.
double share_of_tone(std::span<const std::int16_t> samples, double hertz) {
    constexpr std::size_t size = 512;
    static const Tables<size> t;
    const double turn = 2 * std::numbers::pi * hertz / audio_clock_hz;
    const double factor = 2 * std::cos(turn);
    double all = 0, tone = 0;
    for (; samples.size() >= size; samples = samples.subspan(size)) {
        double one = 0, two = 0;
        for (std::size_t i = 0; i < size; ++i) {
            const double x = samples[i];
            all += x * x / size;
            const double zero = t.window[i] * x + factor * one - two;
            two = one;
            one = zero;
        }
        // A sine of amplitude a gives a / 2 times the window's sum, which is size / 2.
        constexpr double scale = size / 2.0;
        tone += 2 * (one * one + two * two - factor * one * two) / (scale * scale);
    }
    return all > 0 ? std::min(tone / all, 1.0) : 0;
}

}  // namespace sipana::media
