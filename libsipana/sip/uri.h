// URIs in SIP messages: sip, sips (RFC 3261 19.1), tel (RFC 3966), and any other by scheme.
//
// Parts are views, still escaped: compare and show them through unescaped().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libsipana/sip/params.h"

namespace sipana::sip {

enum class Scheme : std::uint8_t { sip, sips, tel, other };

struct Uri {
    Scheme scheme = Scheme::other;
    std::string_view scheme_name;  // as written, without the colon
    std::string_view user;         // tel: the number as written
    std::string_view password;     // never show it: masked()
    std::string_view host;         // without the brackets of an IPv6 reference
    std::optional<std::uint16_t> port;
    Params params;
    std::string_view headers;  // "a=b&c=d", without the question mark
    std::string_view opaque;   // other schemes: all that follows the colon
    bool has_user = false;     // "sip:@host" has one, and it is empty
    bool has_password = false;
    bool is_ipv6 = false;
    bool bad_port = false;  // something that is no port number stands where a port should

    std::optional<std::string_view> param(std::string_view name) const { return params.find(name); }
    // The value of a header of that name, any case, still escaped.
    std::optional<std::string_view> header(std::string_view name) const;
};

// Lenient: nullopt only where there is no scheme, or a sip or sips URI names no host.
std::optional<Uri> parse_uri(std::string_view text);

// RFC 3261 19.1.4; tel per RFC 3966 4; other schemes byte by byte, the scheme in any case.
bool equal(const Uri& a, const Uri& b);

std::string write(const Uri& uri);
// The URI as text with the password, if there is one, replaced by "***".
std::string masked(std::string_view uri);
// Any text with the passwords of the sip URIs in it replaced.
std::string masked_within(std::string_view text);
bool may_hold_password(std::string_view text);  // a quick look; false: it holds none

// %HH taken back; a percent sign that begins no escape stays.
std::string unescaped(std::string_view text);

// A part of a URI given as text; empty where it has none. The user of a tel URI is its number.
// Still escaped.
std::string_view user_of(std::string_view uri);
std::string_view host_of(std::string_view uri);

}  // namespace sipana::sip
