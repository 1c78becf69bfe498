#include "libsipana/media/g711.h"

#include <algorithm>

#include "libsipana/base/text.h"

namespace sipana::media {
namespace {

constexpr int mu_bias = 132, mu_clip = 32635;

// The segment of a magnitude: 0 for below 256, then one for each doubling.
constexpr int segment_of(int magnitude) {
    return magnitude < 256 ? 0 : 24 - __builtin_clz(static_cast<unsigned>(magnitude));
}

constexpr std::uint8_t encode_mu(int sample) {
    const int sign = sample < 0 ? 0x80 : 0;
    const int magnitude = std::min(sample < 0 ? -sample : sample, mu_clip) + mu_bias;
    const int segment = segment_of(magnitude);
    const int step = (magnitude >> (segment + 3)) & 15;
    return static_cast<std::uint8_t>(~(sign | segment << 4 | step));
}

constexpr std::uint8_t encode_a(int sample) {
    const int magnitude = sample < 0 ? -sample - 1 : sample;
    const int segment = segment_of(magnitude);
    const int step = (magnitude >> (segment < 2 ? 4 : segment + 3)) & 15;
    return static_cast<std::uint8_t>((segment << 4 | step) ^ (sample < 0 ? 0x55 : 0xd5));
}

constexpr std::int16_t decode_mu(int code) {
    code = ~code & 0xff;
    const int magnitude = (((code & 15) << 3) + mu_bias) << (code >> 4 & 7);
    return static_cast<std::int16_t>((code & 0x80) != 0 ? mu_bias - magnitude
                                                        : magnitude - mu_bias);
}

constexpr std::int16_t decode_a(int code) {
    code ^= 0x55;
    const int segment = code >> 4 & 7;
    int magnitude = ((code & 15) << 4) + 8;
    if (segment > 0) magnitude = (magnitude + 256) << (segment - 1);
    return static_cast<std::int16_t>((code & 0x80) != 0 ? magnitude : -magnitude);
}

template <typename Decode>
constexpr std::array<std::int16_t, 256> table_of(Decode decode) {
    std::array<std::int16_t, 256> table{};
    for (int code = 0; code < 256; ++code) table[static_cast<std::size_t>(code)] = decode(code);
    return table;
}
constexpr auto mu_table = table_of(decode_mu);
constexpr auto a_table = table_of(decode_a);

}  // namespace

std::optional<Law> law_of(std::string_view sdp_name) {
    if (iequals(sdp_name, "PCMU")) return Law::mu;
    if (iequals(sdp_name, "PCMA")) return Law::a;
    return std::nullopt;
}

std::uint8_t encode(Law law, std::int16_t sample) {
    return law == Law::mu ? encode_mu(sample) : encode_a(sample);
}

void encode(Law law, std::span<const std::int16_t> samples, Buffer& out) {
    out.reserve(out.size() + samples.size());
    for (const std::int16_t sample : samples) out.push_back(encode(law, sample));
}

const std::array<std::int16_t, 256>& decode_table(Law law) {
    return law == Law::mu ? mu_table : a_table;
}

}  // namespace sipana::media
