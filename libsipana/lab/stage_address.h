// Where the script's phones and servers are: addresses as its lines and the command line give them.
// Internal to lab/stage.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"
#include "libsipana/lab/script.h"

namespace sipana::lab {

struct HostPort {
    std::string host;
    std::uint16_t port = 0;  // 0: not said
};
// "host", "host:port", "[v6]:port", ":port"
std::optional<HostPort> split_host_port(std::string_view text);

// Asks the system's resolver, before the play begins: nothing waits for a name while time is
// measured.
Result<Address> resolve(const std::string& host);

Error at_line(const Position& where, std::string what, Errc code = Errc::malformed);

// What was given for that name in place of the script's own words.
std::string given_or(const std::map<std::string, std::string>& given, const std::string& name,
                     const std::string& otherwise);

}  // namespace sipana::lab
