// G.711: mu-law and A-law (ITU-T G.711; payload types 0 and 8, RFC 3551 4.5.14), to and from 16-bit
// samples.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "libsipana/base/bytes.h"

namespace sipana::media {

enum class Law : std::uint8_t { mu, a };
std::optional<Law> law_of(std::string_view sdp_name);  // PCMU, PCMA; ASCII case ignored

// The peak of a sine of 0 dBm0 in 16-bit samples: what table 5 of G.711 codes decodes to.
inline constexpr double zero_dbm0_peak = 22650;

std::uint8_t encode(Law law, std::int16_t sample);
void encode(Law law, std::span<const std::int16_t> samples, Buffer& out);  // appends
const std::array<std::int16_t, 256>& decode_table(Law law);
inline std::int16_t decode(Law law, std::uint8_t code) { return decode_table(law)[code]; }

}  // namespace sipana::media
