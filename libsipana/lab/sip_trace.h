// SipTrace: the SIP messages that a program shows among the lines of its log, as baresip -s does:
//
//   ESC[36;1m#                                      (the escape sequences may be missing)
//   UDP 192.0.2.1:5060 -> 192.0.2.2:5060
//   INVITE sip:900@192.0.2.2 SIP/2.0
//   ...
//
// A message ends where its Content-Length says. Lines that are none of a message are passed over;
// the last of them are kept, for people.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "libsipana/base/endpoint.h"

namespace sipana::lab {

class SipTrace {
public:
    static constexpr std::size_t max_message = 64u << 10;  // what is longer is passed over
    static constexpr std::size_t max_lines = 8;

    struct Seen {
        Transport transport = Transport::udp;
        Endpoint src, dst;
        std::string text;
    };

    void feed(std::string_view bytes) { buffer_.append(bytes); }
    std::optional<Seen> next();
    // Those that were no part of a message, without escape sequences.
    const std::deque<std::string>& last_lines() const { return lines_; }

private:
    std::optional<std::string_view> line_at(std::size_t at) const;
    void pass(std::string_view line);

    std::string buffer_;
    std::deque<std::string> lines_;
    bool marked_ = false;  // the line before was "#"
};

}  // namespace sipana::lab
