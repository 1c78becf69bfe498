#include "libsipana/sip/uri.h"

#include <algorithm>
#include <array>
#include <vector>

#include "libsipana/base/text.h"
#include "libsipana/sip/host_port.h"

namespace sipana::sip {
namespace {

constexpr unsigned hex_value(char c) {
    return static_cast<unsigned>(is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10);
}

// In brackets, as some put it into the request line (RFC 4475 3.1.2.7).
std::string_view without_brackets(std::string_view text) {
    text = trim(text);
    if (text.size() >= 2 && text.front() == '<' && text.back() == '>')
        return trim(text.substr(1, text.size() - 2));
    return text;
}

// The scheme before the colon; empty where there is none (RFC 3986 3.1).
std::string_view scheme_of(std::string_view text) {
    std::size_t n = 0;
    while (n < text.size() &&
           (is_alpha(text[n]) ||
            (n > 0 && (is_digit(text[n]) || text[n] == '+' || text[n] == '-' || text[n] == '.'))))
        ++n;
    return n < text.size() && text[n] == ':' ? text.substr(0, n) : std::string_view{};
}

Scheme scheme_named(std::string_view name) {
    return iequals(name, "sip")    ? Scheme::sip
           : iequals(name, "sips") ? Scheme::sips
           : iequals(name, "tel")  ? Scheme::tel
                                   : Scheme::other;
}

// What stands behind "scheme:" of a sip URI. The userinfo ends at the first "@",
// for none stands in it unescaped; it may hold ";" and "?" (25.1, user-unreserved).
struct SipParts {
    std::string_view userinfo, host_port, params, headers;
    bool has_userinfo = false;
};

SipParts sip_parts(std::string_view rest) {
    SipParts out;
    const std::size_t at = rest.find('@');
    if (at != rest.npos) {
        out.has_userinfo = true;
        out.userinfo = rest.substr(0, at);
        rest.remove_prefix(at + 1);
    }
    const std::size_t question = rest.find('?');
    if (question != rest.npos) {
        out.headers = rest.substr(question + 1);
        rest = rest.substr(0, question);
    }
    const std::size_t semicolon = rest.find(';');
    out.host_port = rest.substr(0, semicolon);
    if (semicolon != rest.npos) out.params = rest.substr(semicolon);
    return out;
}

// Compares two texts that may hold escapes: "%61" equals "a" but "%3B" does not equal ";", because
// an escaped reserved character is not the reserved character (RFC 3261 19.1.4, RFC 3986 2.2).
bool same_escaped(std::string_view a, std::string_view b, bool any_case) {
    struct Sign {
        char c;
        bool reserved;
    };
    constexpr std::string_view reserved = ";/?:@&=+$,";
    const auto next = [&](std::string_view& s) {
        if (s.size() >= 3 && s[0] == '%' && is_hex(s[1]) && is_hex(s[2])) {
            const char c = static_cast<char>(hex_value(s[1]) << 4 | hex_value(s[2]));
            s.remove_prefix(3);
            return Sign{c, reserved.find(c) != reserved.npos};
        }
        const char c = s[0];
        s.remove_prefix(1);
        return Sign{c, false};
    };
    while (!a.empty() && !b.empty()) {
        const Sign x = next(a), y = next(b);
        if (x.reserved != y.reserved) return false;
        if (x.c != y.c && !(any_case && to_lower(x.c) == to_lower(y.c))) return false;
    }
    return a.empty() && b.empty();
}

bool same_host(const Uri& a, const Uri& b) { return iequals(a.host, b.host); }

// More parameters or headers than this are compared as they are written: looking each up in the
// other URI takes the square of their number.
constexpr std::size_t most_compared = 64;

bool too_many(const Params& params) {
    std::size_t n = 0;
    for (auto p = params.begin(); p != params.end() && n <= most_compared; ++p) ++n;
    return n > most_compared;
}

// Do all parameters of `x` have the same value in `y`? `may_lack`: those that `y` need not have. Of
// a name that is repeated, which no grammar allows, the first counts.
template <typename MayLack>
bool agree(const Params& x, const Params& y, MayLack may_lack) {
    for (const Param& p : x) {
        const auto here = x.find(p.name), there = y.find(p.name);
        if (there ? !same_escaped(*here, *there, true) : !may_lack(p.name)) return false;
    }
    return true;
}

// 19.1.4: a parameter in both must match; user, ttl, method and maddr must be in both or in
// neither, and so must transport, as the examples there show.
bool same_params(const Uri& a, const Uri& b) {
    constexpr std::array<std::string_view, 5> always{"user", "ttl", "method", "maddr", "transport"};
    const auto may_lack = [&](std::string_view name) {
        return std::none_of(always.begin(), always.end(),
                            [&](std::string_view n) { return iequals(n, name); });
    };
    if (too_many(a.params) || too_many(b.params)) return a.params.text() == b.params.text();
    return agree(a.params, b.params, may_lack) && agree(b.params, a.params, may_lack);
}

struct UriHeader {
    std::string_view name, value;
};

std::vector<UriHeader> headers_of(const Uri& uri) {
    std::vector<UriHeader> out;
    for (std::string_view rest = uri.headers; !rest.empty();) {
        std::string_view one = cut(rest, '&');
        if (one.empty()) continue;
        const std::string_view name = cut(one, '=');
        out.push_back({name, one});
    }
    return out;
}

// 19.1.4: headers are never ignored, whatever their order. Values are compared in any case except
// where that would join what is apart; the RFC leaves the rule to each header field.
bool same_headers(const Uri& a, const Uri& b) {
    const std::vector<UriHeader> x = headers_of(a);
    std::vector<UriHeader> y = headers_of(b);
    if (x.size() != y.size() || x.size() > most_compared) return a.headers == b.headers;
    for (const UriHeader& h : x) {
        const auto match = std::find_if(y.begin(), y.end(), [&](const UriHeader& other) {
            return same_escaped(h.name, other.name, true) &&
                   same_escaped(h.value, other.value, true);
        });
        if (match == y.end()) return false;
        y.erase(match);
    }
    return true;
}

// RFC 3966 4: visual separators do not count; "+" makes a number global.
bool same_number(std::string_view a, std::string_view b) {
    const auto digits = [](std::string_view s) {
        std::string out;
        for (char c : s)
            if (c != '-' && c != '.' && c != '(' && c != ')') out += to_lower(c);
        return out;
    };
    return digits(a) == digits(b);
}

bool same_tel_params(const Uri& a, const Uri& b) {
    const auto never = [](std::string_view) { return false; };
    if (too_many(a.params) || too_many(b.params)) return a.params.text() == b.params.text();
    return agree(a.params, b.params, never) && agree(b.params, a.params, never);
}

}  // namespace

std::optional<std::string_view> Uri::header(std::string_view name) const {
    for (std::string_view rest = headers; !rest.empty();) {
        std::string_view one = cut(rest, '&');
        if (same_escaped(cut(one, '='), name, true)) return one;
    }
    return std::nullopt;
}

std::optional<Uri> parse_uri(std::string_view text) {
    text = without_brackets(text);
    Uri out;
    out.scheme_name = scheme_of(text);
    if (out.scheme_name.empty()) return std::nullopt;
    out.scheme = scheme_named(out.scheme_name);
    const std::string_view rest = text.substr(out.scheme_name.size() + 1);
    if (out.scheme == Scheme::other) {
        out.opaque = rest;
        return out;
    }
    if (out.scheme == Scheme::tel) {
        const std::size_t semicolon = rest.find(';');
        out.user = trim(rest.substr(0, semicolon));
        out.has_user = true;
        if (semicolon != rest.npos) out.params = Params(rest.substr(semicolon));
        if (out.user.empty()) return std::nullopt;
        return out;
    }
    const SipParts parts = sip_parts(rest);
    if (parts.has_userinfo) {
        const std::size_t colon = parts.userinfo.find(':');
        out.has_user = true;
        out.user = parts.userinfo.substr(0, colon);
        out.has_password = colon != parts.userinfo.npos;
        if (out.has_password) out.password = parts.userinfo.substr(colon + 1);
    }
    const HostPort host_port = parse_host_port(parts.host_port);
    if (host_port.host.empty()) return std::nullopt;
    out.host = host_port.host;
    out.port = host_port.port;
    out.is_ipv6 = host_port.is_ipv6;
    out.bad_port = host_port.bad_port;
    out.params = Params(parts.params);
    out.headers = parts.headers;
    return out;
}

bool equal(const Uri& a, const Uri& b) {
    if (a.scheme != b.scheme || !iequals(a.scheme_name, b.scheme_name)) return false;
    if (a.scheme == Scheme::other) return a.opaque == b.opaque;
    if (a.scheme == Scheme::tel) return same_number(a.user, b.user) && same_tel_params(a, b);
    return a.has_user == b.has_user && a.has_password == b.has_password &&
           same_escaped(a.user, b.user, false) && same_escaped(a.password, b.password, false) &&
           same_host(a, b) && a.port == b.port && same_params(a, b) && same_headers(a, b);
}

std::string write(const Uri& uri) {
    std::string out(uri.scheme_name);
    out += ':';
    if (uri.scheme == Scheme::other) return out.append(uri.opaque);
    out += uri.user;
    if (uri.has_password) out.append(":").append(uri.password);
    if (uri.scheme != Scheme::tel) {
        if (uri.has_user) out += '@';
        if (uri.is_ipv6) out += '[';
        out += uri.host;
        if (uri.is_ipv6) out += ']';
        if (uri.port) out.append(":").append(std::to_string(*uri.port));
    }
    for (const Param& p : uri.params) {
        out.append(";").append(p.name);
        if (!p.has_value) continue;
        out.append("=");
        if (p.quoted)
            out.append("\"").append(p.value).append("\"");
        else
            out.append(p.value);
    }
    if (!uri.headers.empty()) out.append("?").append(uri.headers);
    return out;
}

std::string masked(std::string_view uri) {
    const auto parsed = parse_uri(uri);
    if (!parsed || !parsed->has_password) return std::string(uri);
    const auto begin = static_cast<std::size_t>(parsed->password.data() - uri.data());
    return std::string(uri.substr(0, begin))
        .append("***")
        .append(uri.substr(begin + parsed->password.size()));
}

bool may_hold_password(std::string_view text) {
    const std::size_t at = text.rfind('@');
    if (at == text.npos) return false;
    const std::size_t scheme = text.find(':');
    return scheme < at && text.find(':', scheme + 1) < at;
}

std::string masked_within(std::string_view text) {
    if (!may_hold_password(text)) return std::string(text);
    std::string out;
    while (!text.empty()) {
        std::size_t n = 0;
        while (n < text.size() && !istarts_with(text.substr(n), "sip:") &&
               !istarts_with(text.substr(n), "sips:"))
            ++n;
        n = std::min(text.find(':', n), text.size() - 1) + 1;
        out += text.substr(0, n);
        text.remove_prefix(n);
        const std::string_view userinfo = text.substr(0, text.find_first_of("@<>\" \t\r\n"));
        const std::size_t colon = userinfo.find(':');
        if (userinfo.size() == text.size() || text[userinfo.size()] != '@' || colon == text.npos)
            continue;
        out.append(userinfo.substr(0, colon + 1)).append("***");
        text.remove_prefix(userinfo.size());
    }
    return out;
}

std::string unescaped(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2])) {
            out += static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string_view user_of(std::string_view uri) {
    const auto parsed = parse_uri(uri);
    return parsed ? parsed->user : std::string_view{};
}

std::string_view host_of(std::string_view uri) {
    const auto parsed = parse_uri(uri);
    return parsed ? parsed->host : std::string_view{};
}

}  // namespace sipana::sip
