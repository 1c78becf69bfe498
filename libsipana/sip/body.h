// Bodies of SIP messages: parts of multipart bodies (RFC 2046 5.1, RFC 5621), and where the SDP is.
//
// Parts view the message's text. A boundary counts only at the beginning of a line; a missing last
// boundary ends the body with its last part.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "libsipana/sip/message.h"

namespace sipana::sip {

struct Part {
    std::string_view content_type;  // as written; empty where the part has none
    std::string_view content_disposition, content_encoding, content_transfer_encoding, content_id;
    std::string_view headers;   // all of them, as written
    std::string_view body;      // without the line end before the next boundary
    unsigned depth = 0;         // 0: directly in the message's body
    bool is_multipart = false;  // its own parts follow, one deeper
    bool unfinished = false;    // ran to the end of the body without a boundary
};

inline constexpr unsigned max_part_depth = 8;
inline constexpr std::size_t max_parts = 256;

// The parts of a multipart body in the order of the text, each multipart before its own parts. A
// body that is no multipart gives one part: itself, with the message's own fields. No body: none.
std::vector<Part> parts_of(const Message& message);

// The session description of offer and answer (RFC 3264): a body of type application/sdp, or the
// first such part. Not SDP: a body without Content-Type (RFC 3261 20.15 knows no default), with a
// Content-Encoding or a transfer encoding that changes the bytes, or with a disposition other than
// "session" (RFC 3261 13.2.1; "early-session" of RFC 3959 is another negotiation).
std::optional<std::string_view> sdp_of(const Message& message);

}  // namespace sipana::sip
