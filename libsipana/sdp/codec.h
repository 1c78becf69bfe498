// Codecs: what a payload type stands for. a=rtpmap speaks first, the static table of RFC 3551
// second; a dynamic payload type without rtpmap is not known, whatever number others give it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sipana::sdp {

// A codec as one m-line names it: the static table of RFC 3551 fills in what has no rtpmap.
struct Codec {
    std::uint8_t payload_type =
        0;                       // 0 in m-lines that do not carry RTP; `name` is the format there
    std::string name;            // "PCMU", "telephone-event"; as written, compare without case
    std::uint32_t clock_hz = 0;  // RTP clock; 0 if unknown
    std::uint32_t channels = 1;
    std::string fmtp;  // empty if none
};

struct StaticPayload {
    std::uint8_t payload_type = 0;
    std::string_view name;
    std::uint32_t clock_hz = 0;
    std::uint32_t channels = 1;
};
// RFC 3551 6, tables 4 and 5, in order of payload type.
std::span<const StaticPayload> static_payloads();
const StaticPayload* static_payload(std::uint8_t payload_type);  // nullptr: not assigned

// The clock that timestamps run at, where the RFC leaves no choice: 8000 for G722 though it samples
// at 16 kHz (RFC 3551 4.5.2), 48000 for opus (RFC 7587 4.1). 0: as the rtpmap says.
std::uint32_t fixed_clock_hz(std::string_view encoding);

enum class Match : std::uint8_t {
    none,
    codec,  // same name, clock and channels, but parameters that cannot work together
    full
};
// Do both sides mean the same codec (RFC 3264 6.1)? Compares the parameters that choose between
// incompatible bit streams (H.264 packetization mode and profile, VP9 profile, AMR framing, ...),
// not those that each side declares for itself. `ours`, `theirs` are the codecs of both m-lines: an
// rtx is the same if what it repairs is (RFC 4588 8.6).
Match match(const Codec& a, const Codec& b);
Match match(const Codec& a, std::span<const Codec> codecs_of_a, const Codec& b,
            std::span<const Codec> codecs_of_b);

// Carries no media of its own: telephone-event, CN, rtx, red, ulpfec, flexfec.
bool is_auxiliary(std::string_view encoding);

}  // namespace sipana::sdp
