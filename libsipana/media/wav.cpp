#include "libsipana/media/wav.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sipana::media {
namespace {

std::uint32_t load_le32(Bytes bytes, std::size_t at) {
    return __builtin_bswap32(load_be32(bytes.data() + at));
}
std::uint16_t load_le16(Bytes bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8);
}

struct Format {
    std::uint16_t kind = 0, channels = 0, bits = 0;
    std::uint32_t hertz = 0;
};

constexpr std::uint16_t kind_pcm = 1, kind_extensible = 0xfffe;
constexpr std::uint16_t max_channels = 8;

Status readable(const Format& f, std::size_t at) {
    if (f.kind != kind_pcm)
        return Error{Errc::unsupported, at, fmt::format("WAV: format {} is not PCM", f.kind)};
    if (f.bits != 16)
        return Error{Errc::unsupported, at, fmt::format("WAV: {} bits a sample, not 16", f.bits)};
    if (f.channels == 0 || f.channels > max_channels)
        return Error{Errc::unsupported, at, fmt::format("WAV: {} channels", f.channels)};
    constexpr std::array<std::uint32_t, 4> rates{8000, 16000, 44100, 48000};
    if (std::find(rates.begin(), rates.end(), f.hertz) == rates.end())
        return Error{Errc::unsupported, at,
                     fmt::format("WAV: {} Hz, not 8000, 16000, 44100 or 48000", f.hertz)};
    return Done{};
}

std::int16_t mixed(const Format& f, Bytes samples, std::size_t index) {
    int sum = 0;
    for (std::size_t c = 0; c < f.channels; ++c)
        sum += static_cast<std::int16_t>(load_le16(samples, 2 * (index * f.channels + c)));
    return static_cast<std::int16_t>(sum / f.channels);
}

// Each new sample is the mean of the old ones whose time begins within its own.
Result<Sound> converted(const Format& f, Bytes samples, std::size_t at) {
    const std::size_t count = samples.size() / (2u * f.channels);
    const std::uint64_t wanted = std::uint64_t{count} * audio_clock_hz / f.hertz;
    if (wanted == 0) return Error{Errc::malformed, at, "WAV: holds no samples"};
    if (wanted > max_wav_samples) return Error{Errc::too_large, at, "WAV: longer than an hour"};
    Sound out(static_cast<std::size_t>(wanted));
    const auto place = [&](std::uint64_t index) {
        return static_cast<std::size_t>((index * f.hertz + audio_clock_hz - 1) / audio_clock_hz);
    };
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::size_t from = place(i);
        const std::size_t to = std::min(place(i + 1), count);
        int sum = 0;
        for (std::size_t k = from; k < to; ++k) sum += mixed(f, samples, k);
        out[i] =
            static_cast<std::int16_t>(sum / static_cast<int>(std::max<std::size_t>(to - from, 1)));
    }
    return out;
}

}  // namespace

Result<Sound> read_wav(Bytes file) {
    if (file.size() < 12)
        return Error{Errc::truncated, file.size(), "WAV: shorter than its header"};
    if (as_text(file.first(4)) != "RIFF" || as_text(file.subspan(8, 4)) != "WAVE")
        return Error{Errc::malformed, 0, "WAV: does not begin with RIFF and WAVE"};
    Format format;
    for (std::size_t at = 12; file.size() - at >= 8;) {
        const std::string_view name = as_text(file.subspan(at, 4));
        const std::size_t size = load_le32(file, at + 4);
        at += 8;
        // Writers to a pipe do not know the length of what comes, so the last chunk may claim more.
        const Bytes chunk = file.subspan(at, std::min(size, file.size() - at));
        if (name == "fmt ") {
            if (chunk.size() < 16) return Error{Errc::truncated, at, "WAV: fmt chunk cut short"};
            format = {load_le16(chunk, 0), load_le16(chunk, 2), load_le16(chunk, 14),
                      load_le32(chunk, 4)};
            if (format.kind == kind_extensible && chunk.size() >= 26)
                format.kind = load_le16(chunk, 24);
            if (const Status s = readable(format, at); !s) return s.error();
        } else if (name == "data") {
            if (format.channels == 0)
                return Error{Errc::malformed, at, "WAV: samples before their format"};
            return converted(format, chunk, at);
        }
        if (size >= file.size() - at) break;
        at += size + size % 2;
        if (at > file.size()) break;
    }
    return Error{Errc::truncated, file.size(), "WAV: no data chunk"};
}

Buffer write_wav(const Sound& sound, std::uint32_t times, std::uint16_t channels) {
    const std::uint16_t width = static_cast<std::uint16_t>(2u * channels);
    const std::size_t data = sound.size() * times * width;
    Buffer out;
    out.reserve(44 + data);
    const auto text = [&](std::string_view four) {
        out.insert(out.end(), four.begin(), four.end());
    };
    const auto number = [&](std::uint32_t value, int bytes) {
        for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    };
    text("RIFF");
    number(static_cast<std::uint32_t>(36 + data), 4);
    text("WAVEfmt ");
    number(16, 4);
    number(kind_pcm, 2);
    number(channels, 2);
    number(audio_clock_hz * times, 4);
    number(audio_clock_hz * times * width, 4);
    number(width, 2);
    number(16, 2);
    text("data");
    number(static_cast<std::uint32_t>(data), 4);
    for (std::size_t i = 0; i < sound.size(); ++i) {
        const int here = sound[i], next = sound[std::min(i + 1, sound.size() - 1)];
        for (std::uint32_t t = 0; t < times; ++t) {
            const int part = static_cast<int>(t), whole = static_cast<int>(times);
            const int sample = here + (next - here) * part / whole;
            for (std::uint16_t c = 0; c < channels; ++c)
                number(static_cast<std::uint16_t>(sample), 2);
        }
    }
    return out;
}

}  // namespace sipana::media
