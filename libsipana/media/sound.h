// Sound: 16-bit samples at 8000 Hz, tones and silence among them, and the coded form that packets
// are cut from.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/time.h"
#include "libsipana/media/g711.h"

namespace sipana::media {

inline constexpr std::uint32_t audio_clock_hz = 8000;
using Sound = std::vector<std::int16_t>;

inline constexpr std::size_t samples_of(Duration d) {
    return d.count() <= 0 ? 0 : static_cast<std::size_t>(d.count() / (1'000'000'000 / 8000));
}

// A sine that may be repeated without a step: its frequency is rounded to whole Hz, 1 to 3999, and
// its samples are whole periods of it, at most one second.
Sound tone(double hertz, double level_dbm0);

// G.711 of a Sound, to be played round and round or once; shared by whoever sends it.
class CodedSound {
public:
    CodedSound(Law law, const Sound& sound, bool endless);

    // The `count` bytes (at most max_cut) that stand at sample `position`; silence beyond the end
    // of one that is not endless, and round and round within one that is. Valid while this lives.
    static constexpr std::size_t max_cut = 1600;  // 200 ms
    Bytes cut(std::uint64_t position, std::size_t count) const;
    std::size_t samples() const { return samples_; }
    bool endless() const { return endless_; }

private:
    Buffer bytes_;  // with max_cut bytes more, so that a cut is never in two pieces
    std::size_t samples_;
    bool endless_;
};

}  // namespace sipana::media
