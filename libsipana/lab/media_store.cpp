#include "libsipana/lab/media_store.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "libsipana/media/dtmf.h"
#include "libsipana/media/wav.h"

namespace sipana::lab {
namespace {

Result<Buffer> contents(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error{Errc::not_found, 0, path + ": cannot be opened"};
    Buffer bytes;
    constexpr std::size_t step = 1u << 16;
    while (in && bytes.size() <= max_media_file) {
        const std::size_t before = bytes.size();
        bytes.resize(before + step);
        in.read(reinterpret_cast<char*>(bytes.data() + before), step);
        bytes.resize(before + static_cast<std::size_t>(in.gcount()));
    }
    if (bytes.size() > max_media_file)
        return Error{Errc::too_large, max_media_file,
                     fmt::format("{}: larger than {} MB", path, max_media_file >> 20)};
    if (in.bad()) return Error{Errc::io, bytes.size(), path + ": cannot be read"};
    return bytes;
}

Error named(const std::string& path, Error error) {
    error.what = path + ": " + error.what;
    return error;
}

}  // namespace

template <typename Make>
MediaStore::Coded MediaStore::kept(media::Law law, std::string name, bool endless, Make make) {
    // Whoever sends a sound holds it; under load each call may have digits of its own.
    if (coded_.size() >= max_kept_sounds && !coded_.contains({law, name})) coded_.clear();
    Coded& coded = coded_[{law, std::move(name)}];
    if (!coded) coded = std::make_shared<const media::CodedSound>(law, make(), endless);
    return coded;
}

std::shared_ptr<const media::CodedSound> MediaStore::tone(media::Law law, double hertz,
                                                          double dbm0) {
    return kept(law, fmt::format("tone {} {}", hertz, dbm0), true,
                [&] { return media::tone(hertz, dbm0); });
}

std::shared_ptr<const media::CodedSound> MediaStore::silence(media::Law law) {
    return kept(law, "silence", true, [] { return media::Sound(media::CodedSound::max_cut); });
}

std::shared_ptr<const media::CodedSound> MediaStore::digits(media::Law law,
                                                            const std::string& digits,
                                                            Duration length, Duration gap) {
    return kept(law, fmt::format("digits {} {} {}", digits, length.count(), gap.count()), false,
                [&] { return media::dtmf(digits, length, gap); });
}

Result<std::shared_ptr<const media::CodedSound>> MediaStore::sound(media::Law law,
                                                                   const std::string& path) {
    const auto known = coded_.find({law, "file " + path});
    if (known != coded_.end()) return known->second;
    const auto file = contents(path);
    if (!file) return file.error();
    auto samples = media::read_wav(*file);
    if (!samples) return named(path, samples.error());
    return kept(law, "file " + path, true, [&] { return std::move(*samples); });
}

Result<std::shared_ptr<const media::Clip>> MediaStore::clip(const std::string& path) {
    const auto known = clips_.find(path);
    if (known != clips_.end()) return known->second;
    auto file = contents(path);
    if (!file) return file.error();
    auto clip = media::read_clip(std::move(*file));
    if (!clip) return named(path, clip.error());
    const auto made = std::make_shared<const media::Clip>(std::move(*clip));
    clips_[path] = made;
    return made;
}

}  // namespace sipana::lab
