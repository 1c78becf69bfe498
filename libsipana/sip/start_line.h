// StartLine: the first line of a SIP message (RFC 3261 7.1, 7.2), read leniently.
//
// Blanks may stand anywhere between the parts and behind them (RFC 4475 3.1.2.6, 3.1.2.8, 3.1.2.9:
// an element may take such a line); check() reports them. Views the line.
#pragma once

#include <optional>
#include <string_view>

namespace sipana::sip {

struct StartLine {
    std::string_view method, uri;  // of a request
    std::string_view version;      // "SIP/2.0" as written
    std::string_view reason;       // of a response, may be empty
    int status = 0;                // 0: a request
};

// `line` without its line end. A request line begins with a token and ends with a version; a status
// line begins with a version, and its code has three digits and is not 000.
std::optional<StartLine> parse_start_line(std::string_view line);

// Stricter, for finding the next message in a stream: could no header field or body line look so by
// chance? The version has digits, and a request's URI begins with its scheme.
bool starts_message(std::string_view line);

}  // namespace sipana::sip
