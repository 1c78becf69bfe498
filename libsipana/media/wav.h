// WAV files (RIFF, PCM of 16 bits), read as sounds of 8000 Hz and one channel, and written.
//
// 8000, 16000, 44100 and 48000 Hz are read, and several channels: channels are averaged, rates are
// converted by averaging over each new sample's time, which is good enough for tones and speech.
#pragma once

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"
#include "libsipana/media/sound.h"

namespace sipana::media {

inline constexpr std::size_t max_wav_samples = 8000u * 3600u;  // an hour; longer files are refused

Result<Sound> read_wav(Bytes file);

// The same sound for a reader that wants another form: `times` 8000 Hz, between the samples a
// straight line, and the same in each channel. read_wav reads it where it knows the rate.
Buffer write_wav(const Sound& sound, std::uint32_t times, std::uint16_t channels);

}  // namespace sipana::media
