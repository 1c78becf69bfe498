// SIPp's [keywords] as the {names} of a script.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "libsipana/lab/sipp.h"

namespace sipana::lab {

struct SippWords {
    std::string service;
    std::string prefix;  // of this file's variables, where several files share the names
    std::function<void(std::string)> note;
    std::map<std::string, std::string, std::less<>> aliases;  // of variables that a twin sent

    // A variable's name: "1" is v1.
    std::string variable(std::string_view name) const;
    // The text with every keyword replaced; braces of its own are doubled.
    std::string convert(std::string_view text) const;

private:
    std::string keyword(std::string_view word) const;
    std::string unknown(std::string_view word) const;
};

// POSIX extended, as SIPp reads it, to ECMAScript. `whole`: of a message, where "." is any byte.
// `group` 0: all that is found; else that group, alone.
std::string to_ecmascript(std::string_view posix, bool whole, unsigned group);
// "sipp <sip:sipp@[local_ip]:[local_port]>;tag=..." taken apart; keywords stay.
struct SippAddress {
    std::string display, user, host;
    bool good = false;
};
SippAddress address_of(std::string_view value);
// "[local_ip]:[local_port]", "[remote_ip]", with or without parameters: no host of its own.
bool is_keyword_host(std::string_view host);

}  // namespace sipana::lab
