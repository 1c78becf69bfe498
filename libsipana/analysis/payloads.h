// Payloads: what the payload types of a stream stand for. Its SDP speaks first, then what the user
// said (Options::payload_map), then the static table of RFC 3551.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/analysis/analyzer.h"
#include "libsipana/rtp/payload.h"
#include "libsipana/sdp/session.h"

namespace sipana::analysis {

// What SDPs said of a stream.
struct Announced {
    std::string_view sdp;    // of the side that receives it; empty if there is none
    std::uint16_t line = 0;  // its m-line there
    bool video = false, encrypted = false;
};

// What a payload type stands for on one stream.
struct Payload {
    std::uint8_t type = 0;
    rtp::Kind kind = rtp::Kind::unknown;
    bool redundant = false;      // RFC 2198: the payloads of other types are within
    std::uint16_t codec = 0;     // number in Payloads
    std::uint32_t clock_hz = 0;  // 0: unknown
};

class Payloads {
public:
    explicit Payloads(const Options& options) : options_(options) {}

    Payload resolve(const Announced& by, std::uint8_t type);
    // The same type under newer words. What they leave out stays what it was.
    Payload again(const Payload& payload, const Announced& by);
    // The name of a Payload's codec; empty if unknown.
    std::string_view name(const Payload& payload) const { return names_[payload.codec]; }

private:
    Payload named(std::uint8_t type, std::string_view name, std::uint32_t clock_hz, rtp::Kind kind);
    std::uint16_t number_of(std::string_view name);

    const Options& options_;
    std::vector<std::string> names_{{}};  // met so far, by number
    sdp::Session session_;                // used again for each look-up
};

}  // namespace sipana::analysis
