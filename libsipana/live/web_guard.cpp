#include "libsipana/live/web_guard.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "libsipana/base/text.h"

namespace sipana::live {
namespace {

using Digest = std::array<std::uint8_t, EVP_MAX_MD_SIZE>;

Digest digest_of(std::string_view text) {
    Digest digest{};
    EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    return digest;
}

// In a time that says nothing of where they differ, nor how long the secret is.
bool same(std::string_view secret, std::string_view tried) {
    const Digest a = digest_of(secret), b = digest_of(tried);
    return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// The value of a cookie (RFC 6265 4.2.1).
std::string_view cookie_value(std::string_view cookies, std::string_view name) {
    while (!cookies.empty()) {
        std::string_view value = trim(cut(cookies, ';'));
        if (cut(value, '=') == name) return value;
    }
    return {};
}

}  // namespace

Result<Guard> Guard::make(const Endpoint& bound, std::string token,
                          std::vector<std::string> names) {
    Guard guard;
    if (token.empty() && !bound.address.is_loopback())
        return Error{Errc::denied, 0,
                     "an address that is not loopback is served with a token only"};
    if (!token.empty() && token.size() < least_token)
        return Error{Errc::denied, 0,
                     fmt::format("the token is shorter than {} characters", least_token)};
    if (std::any_of(token.begin(), token.end(), [](char c) { return c <= ' ' || c > '~'; }))
        return Error{Errc::malformed, 0, "the token holds other than printable ASCII characters"};
    std::array<unsigned char, 32> chance{};
    if (RAND_bytes(chance.data(), chance.size()) != 1)
        return Error{Errc::io, 0, "there is no randomness"};
    same({}, {});  // what OpenSSL has to read before it can do this, it reads now
    guard.bound_ = bound;
    guard.token_ = std::move(token);
    // Cookies are shared by all ports of a host.
    guard.cookie_name_ = fmt::format("sipana-{}", bound.port);
    guard.session_ = to_hex({reinterpret_cast<const char*>(chance.data()), chance.size()});
    guard.names_ = std::move(names);
    return guard;
}

bool Guard::is_ours(std::string_view host) const {
    // The port may be left out where it is HTTP's (RFC 9110 7.2).
    std::string_view name = host;
    const auto colon = host.rfind(':');
    std::uint16_t port = 80;
    if (colon != host.npos && host.find(']', colon) == host.npos) {
        const auto said = to_number<std::uint16_t>(host.substr(colon + 1));
        if (!said) return false;
        port = *said;
        name = host.substr(0, colon);
    }
    if (port != bound_.port) return false;
    for (const std::string& ours : names_)
        if (iequals(name, ours)) return true;
    if (bound_.address.is_loopback() && iequals(name, "localhost")) return true;
    const bool bracketed = name.size() > 2 && name.front() == '[' && name.back() == ']';
    const auto address = Address::parse(bracketed ? name.substr(1, name.size() - 2) : name);
    if (!address || address->is_v6() != bracketed) return false;
    // An address written out is nobody's name: it cannot be made to mean another one. Bound to all,
    // we do not know which of them are ours.
    return *address == bound_.address || bound_.address.is_unspecified() ||
           (bound_.address.is_loopback() && address->is_loopback());
}

bool Guard::knows(const Knock& knock) const {
    constexpr std::string_view bearer = "Bearer ";
    if (istarts_with(knock.authorization, bearer) &&
        same(token_, trim(knock.authorization.substr(bearer.size()))))
        return true;
    return same(session_, cookie_value(knock.cookie, cookie_name_));
}

Verdict Guard::judge(const Knock& knock) const {
    if (knock.method != "GET" && knock.method != "HEAD")
        return {405, "Only GET and HEAD are answered here.\n", {}};
    if (knock.hosts != 1) return {400, "One Host field, please (RFC 9112 3.2).\n", {}};
    if (!is_ours(knock.host)) return {421, "Nobody of this name is here.\n", {}};
    // A page of somebody else's that is open in the same browser: same-site is not same-origin, for
    // ports are not told apart there.
    if (!knock.site.empty() && knock.site != "same-origin" && knock.site != "none")
        return {403, "Asked for by a page from elsewhere.\n", {}};
    if (!knock.origin.empty() && !iequals(knock.origin, fmt::format("http://{}", knock.host)))
        return {403, "Asked for by a page from elsewhere.\n", {}};
    if (token_.empty() || knock.path == "/health") return {};
    if (!knock.token.empty() && same(token_, knock.token))
        return {303, "",
                fmt::format("{}={}; HttpOnly; SameSite=Strict; Path=/", cookie_name_, session_)};
    if (knows(knock)) return {};
    return {401,
            "A token is needed: \"Authorization: Bearer TOKEN\", or open /?token=TOKEN once.\n",
            {}};
}

}  // namespace sipana::live
