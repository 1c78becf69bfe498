// Who somebody claims to be: Authorization and challenges (RFC 3261 22, RFC 8760), Identity (RFC
// 8224).
//
// Views of the field's value. Response, nonce and signature are shown by nobody without thought:
// whoever prints them decides whether to mask.
#pragma once

#include <optional>
#include <string_view>

#include "libsipana/sip/params.h"

namespace sipana::sip {

// Authorization, Proxy-Authorization, WWW-Authenticate, Proxy-Authenticate: a scheme and
// parameters. Authentication-Info has parameters only, and an empty scheme.
struct Credentials {
    std::string_view scheme;
    Params params;
    std::optional<std::string_view> param(std::string_view name) const { return params.find(name); }
    bool is_digest() const;  // any case
};
std::optional<Credentials> parse_credentials(std::string_view value);
std::optional<Credentials> parse_authentication_info(std::string_view value);

// The parameters of Digest, in credentials and in challenges alike; empty where absent.
struct Digest {
    std::string_view username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc,
        domain;
    bool stale = false;
};
std::optional<Digest> digest_of(const Credentials& credentials);  // nullopt: not Digest

// Identity (RFC 8224 4): a PASSporT (RFC 8225), full "header.payload.signature" or compact
// "..signature", and parameters. The quoted signature of RFC 4474 has no parts: signature only.
struct Identity {
    std::string_view passport;                    // the three together
    std::string_view header, payload, signature;  // base64url, empty where left out
    bool compact = false;
    Params params;
    std::string_view info() const;  // without the angle brackets
    std::string_view alg() const { return params.find("alg").value_or(""); }
    std::string_view ppt() const { return params.find("ppt").value_or(""); }  // "shaken"
};
std::optional<Identity> parse_identity(std::string_view value);

}  // namespace sipana::sip
