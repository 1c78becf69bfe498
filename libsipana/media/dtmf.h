// DTMF: key presses as pairs of tones (ITU-T Q.23), sent and recognised (the receiver of Q.24).
//
//          1209  1336  1477  1633 Hz
//    697     1     2     3     A
//    770     4     5     6     B
//    852     7     8     9     C
//    941     *     0     #     D
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "libsipana/base/time.h"
#include "libsipana/media/sound.h"

namespace sipana::media {

bool is_dtmf(char digit);  // 0-9 * # A-D, also in small letters

// The digits at -8 dBm0 a tone, `length` each and `gap` of silence behind each. Others are skipped.
Sound dtmf(std::string_view digits, Duration length, Duration gap);

// Samples in, digits out: from 40 ms of both tones on, less than 8 dB apart, the next one after a
// pause or another digit. Tones of 20 ms and shorter are none (Q.24, table A-1).
class DtmfDetector {
public:
    void on_samples(std::span<const std::int16_t> samples);
    void on_pause(std::uint64_t samples);                  // nothing came for so long
    const std::string& digits() const { return digits_; }  // at most max_digits
    static constexpr std::size_t max_digits = 1000;

private:
    static constexpr std::size_t window = 102, hop = 51;
    void on_window();

    std::array<std::int16_t, window> samples_{};
    std::size_t filled_ = 0;
    char candidate_ = 0;
    unsigned hits_ = 0, misses_ = 0;
    bool told_ = false;
    std::string digits_;
};

}  // namespace sipana::media
