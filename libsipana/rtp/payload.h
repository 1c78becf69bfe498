// Payload types and clocks: the static table of RFC 3551 section 6 and the clocks of named codecs.
#pragma once

#include <cstdint>
#include <string_view>

namespace sipana::rtp {

enum class Kind : std::uint8_t { unknown, audio, video, event, comfort_noise };

struct PayloadFormat {
    std::string_view name;       // as rtpmap spells it; "" where the number means nothing by itself
    std::uint32_t clock_hz = 0;  // 0: unknown
    Kind kind = Kind::unknown;
};

// RFC 3551 table 4 and 5, and the old numbers still met (2 G726-32, 19 CN). Dynamic and unassigned
// numbers, and those the tables reserve, have an empty name: only an SDP can tell (trap 15).
PayloadFormat static_format(std::uint8_t payload_type);
constexpr bool is_dynamic(std::uint8_t payload_type) {
    return payload_type >= 96 || (payload_type >= 35 && payload_type <= 63);
}
// RFC 3551 6: 72 to 76 are kept free, for they look like RTCP.
constexpr bool is_reserved(std::uint8_t payload_type) {
    return payload_type >= 72 && payload_type <= 76;
}

// The format of a codec by its rtpmap name, ASCII case ignored, for an SDP without a clock and to
// know what a name is. clock_hz is 0 where the format leaves the rate to the SDP (L16, red,
// telephone-event, CN: their kind is known, their clock is that of the audio beside them).
PayloadFormat named_format(std::string_view name);

}  // namespace sipana::rtp
