// Payload map: what the user says a payload type stands for, where no SDP says it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libsipana/base/result.h"

namespace sipana::analysis {

struct PayloadMapping {
    std::uint8_t payload_type = 0;
    std::string name;
    std::uint32_t clock_hz = 0;
};
// "96=H264/90000", "111=opus/48000/2": payload type, and encoding as in an rtpmap (RFC 8866 6.6).
Result<PayloadMapping> parse_payload_mapping(std::string_view text);

}  // namespace sipana::analysis
