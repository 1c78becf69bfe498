// MediaStore: what sessions send, made or read once and shared by all of them: coded tones, sounds
// of WAV files, clips of video files.
//
// Belongs to one runner and outlives its sessions; not for several threads. Files are read at the
// first use. What it gives lives as long as somebody holds it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "libsipana/base/result.h"
#include "libsipana/base/time.h"
#include "libsipana/media/clip.h"
#include "libsipana/media/g711.h"
#include "libsipana/media/sound.h"

namespace sipana::lab {

inline constexpr std::size_t max_media_file = 64u << 20;  // bytes; larger files are refused
inline constexpr std::size_t max_kept_sounds = 256;       // then they are made again

class MediaStore {
public:
    std::shared_ptr<const media::CodedSound> tone(media::Law law, double hertz, double dbm0);
    std::shared_ptr<const media::CodedSound> silence(media::Law law);
    // A WAV file (media/wav.h).
    Result<std::shared_ptr<const media::CodedSound>> sound(media::Law law, const std::string& path);
    // The digits as tones, `length` each, `gap` of silence behind each.
    std::shared_ptr<const media::CodedSound> digits(media::Law law, const std::string& digits,
                                                    Duration length, Duration gap);
    // An H.264 byte stream or VP8 in IVF (media/clip.h).
    Result<std::shared_ptr<const media::Clip>> clip(const std::string& path);

private:
    using Coded = std::shared_ptr<const media::CodedSound>;
    template <typename Make>
    Coded kept(media::Law law, std::string name, bool endless, Make make);

    std::map<std::pair<media::Law, std::string>, Coded> coded_;
    std::map<std::string, std::shared_ptr<const media::Clip>> clips_;
};

}  // namespace sipana::lab
