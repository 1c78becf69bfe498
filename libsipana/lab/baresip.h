// baresip (1.0): its configuration, its accounts, and the control protocol of its module ctrl_tcp:
// netstrings of JSON. No I/O.
//
// What it says is hostile until it is parsed. What goes into its files and commands has no quoting
// there: usable() tells what may stand in them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"
#include "libsipana/lab/script.h"

namespace sipana::lab::baresip {

// Of a command and its parameters: baresip reads them into a buffer of 1024.
inline constexpr std::size_t max_command = 1000;

// What it says to a command; `token` is the command's.
struct Reply {
    bool ok = false;
    std::string data, token;
};
// What happens to it. `id` is a call's Call-ID; `param` depends on the type: "486 Busy Here".
struct Event {
    std::string type, id, param;
};
using Said = std::variant<Reply, Event>;

Result<Said> parse(std::string_view json);
// A netstring, ready to be sent.
Result<std::string> write(std::string_view command, std::string_view params,
                          std::string_view token);

// May it stand in an account or a command? No control characters, blanks, quotes, brackets, commas
// and semicolons.
bool usable(std::string_view value);

// Where a phone's program is and what it plays.
struct Place {
    Endpoint at;
    std::uint16_t control_port = 0;    // of ctrl_tcp, on 127.0.0.1
    std::uint16_t first_rtp_port = 0;  // and the 98 behind it
    std::string folder;                // its own, where it may write
    std::string modules;               // where its modules are
    std::string sound, picture;        // sources: "ausine,440"; empty picture: a test picture
};
std::string config(const PhoneLine& phone, const Place& place);

// "Alice" <sip:100@192.0.2.1>;...; registered for `expires` seconds, 0: not at all. `through`:
// where its requests go, whatever the URI's host; empty: to that.
std::string account(const PhoneLine& phone, std::string_view aor, std::uint32_t expires,
                    std::string_view through);

// The parameter of the command "ausrc". Its tone generator knows whole Hz and no silence: what
// stands for that is a tone which no telephone line carries.
std::string tone_source(double hertz);
std::string silence_source();
std::string file_source(std::string_view file);

// Sounds that it reads are of this form, whatever goes over the wire: its sources are changed
// within a call, and its tone generator knows no other.
inline constexpr std::uint32_t sound_rate_hz = 48000, sound_channels = 2;

}  // namespace sipana::lab::baresip
