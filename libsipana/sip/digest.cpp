#include "libsipana/sip/digest.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "libsipana/base/text.h"
#include "libsipana/sip/credentials.h"
#include "libsipana/sip/params.h"
#include "libsipana/sip/uri.h"

namespace sipana::sip {
namespace {

struct Name {
    std::string_view text;
    Algorithm algorithm;
};
constexpr std::array names{
    Name{"MD5", {Hash::md5, false}},
    Name{"MD5-sess", {Hash::md5, true}},
    Name{"SHA-256", {Hash::sha256, false}},
    Name{"SHA-256-sess", {Hash::sha256, true}},
    Name{"SHA-512-256", {Hash::sha512_256, false}},
    Name{"SHA-512-256-sess", {Hash::sha512_256, true}},
};

const EVP_MD* function_of(Hash hash) {
    switch (hash) {
        case Hash::md5:
            return EVP_md5();
        case Hash::sha256:
            return EVP_sha256();
        case Hash::sha512_256:
            return EVP_sha512_256();
    }
    return nullptr;
}

// What both sides know of one answer; texts as they stand between their quotes.
struct Terms {
    Algorithm algorithm;
    std::string_view nonce, cnonce, nc, qop, method, uri, body;
};

// RFC 7616 3.4.1 to 3.4.3; `user` is H(username:realm:password).
std::string response_of(const Terms& t, std::string_view user) {
    const Hash hash = t.algorithm.hash;
    std::string ha1(user);
    if (t.algorithm.session) ha1 = hash_hex(hash, fmt::format("{}:{}:{}", user, t.nonce, t.cnonce));
    std::string a2 = fmt::format("{}:{}", t.method, t.uri);
    if (iequals(t.qop, "auth-int")) a2 += ":" + hash_hex(hash, t.body);
    const std::string ha2 = hash_hex(hash, a2);
    if (t.qop.empty()) return hash_hex(hash, fmt::format("{}:{}:{}", ha1, t.nonce, ha2));
    return hash_hex(hash,
                    fmt::format("{}:{}:{}:{}:{}:{}", ha1, t.nonce, t.nc, t.cnonce, t.qop, ha2));
}

std::string user_hash(Hash hash, std::string_view username, std::string_view realm,
                      std::string_view password) {
    return hash_hex(hash, fmt::format("{}:{}:{}", username, realm, password));
}

// The first of the offered qop values that we can do, the plain one first; nullopt: none of them.
std::optional<std::string_view> chosen_qop(std::string_view offered) {
    if (trim(offered).empty()) return "";
    bool plain = false, whole = false;
    while (const auto one = next_element(offered)) {
        plain |= iequals(*one, "auth");
        whole |= iequals(*one, "auth-int");
    }
    if (plain) return "auth";
    if (whole) return "auth-int";
    return std::nullopt;
}

// A challenge that answer() has an answer to.
std::optional<Digest> answerable(std::string_view challenge) {
    const auto credentials = parse_credentials(challenge);
    const auto digest = credentials ? digest_of(*credentials) : std::nullopt;
    if (!digest || digest->nonce.empty() || !credentials->param("realm") ||
        !chosen_qop(digest->qop) || !parse_algorithm(digest->algorithm))
        return std::nullopt;
    return digest;
}

// A quoted-string's inside: what the hashes run over (RFC 7616 3.4, unq).
std::string escaped(std::string_view text) {
    std::string out = quoted(text);
    return out.substr(1, out.size() - 2);
}

std::optional<std::uint32_t> parse_nc(std::string_view text) {
    std::uint32_t out = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), out, 16);
    if (text.empty() || r.ec != std::errc{} || r.ptr != text.data() + text.size())
        return std::nullopt;
    return out;
}

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool same_uri(std::string_view a, std::string_view b) {
    if (a == b) return true;
    const auto x = parse_uri(a), y = parse_uri(b);
    return x && y && equal(*x, *y);
}

}  // namespace

std::string to_string(Algorithm algorithm) {
    for (const Name& n : names)
        if (n.algorithm == algorithm) return std::string(n.text);
    return {};
}

std::optional<Algorithm> parse_algorithm(std::string_view name) {
    if (name.empty()) return Algorithm{};
    for (const Name& n : names)
        if (iequals(n.text, name)) return n.algorithm;
    return std::nullopt;
}

std::string hash_hex(Hash hash, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), bytes.data(), &size, function_of(hash), nullptr) != 1)
        return {};
    return to_hex({reinterpret_cast<const char*>(bytes.data()), size});
}

// ---------------------------------------------------------------- the client

Result<std::string> answer(std::string_view challenge, const DigestInput& input) {
    const auto credentials = parse_credentials(challenge);
    const auto digest = credentials ? digest_of(*credentials) : std::nullopt;
    if (!digest) return Error{Errc::unsupported, 0, "the challenge is not Digest (RFC 3261 22)"};
    if (digest->nonce.empty() || !credentials->param("realm"))
        return Error{Errc::malformed, 0, "the challenge lacks realm or nonce (RFC 7616 3.3)"};
    const auto algorithm = parse_algorithm(digest->algorithm);
    if (!algorithm)
        return Error{
            Errc::unsupported, 0,
            fmt::format("no known algorithm: {} (RFC 7616 3.3)", printable(digest->algorithm))};
    const auto qop = chosen_qop(digest->qop);
    if (!qop)
        return Error{Errc::unsupported, 0,
                     fmt::format("no known qop: {} (RFC 7616 3.3)", printable(digest->qop))};
    const std::string username = escaped(input.username), cnonce = escaped(input.cnonce);
    const std::string nc = fmt::format("{:08x}", input.nc), uri = escaped(input.uri);
    const Terms terms{.algorithm = *algorithm,
                      .nonce = digest->nonce,
                      .cnonce = cnonce,
                      .nc = nc,
                      .qop = *qop,
                      .method = input.method,
                      .uri = uri,
                      .body = input.body};
    const std::string response =
        response_of(terms, user_hash(algorithm->hash, username, digest->realm, input.password));
    if (response.empty())
        return Error{Errc::unsupported, 0, "the system refuses the challenge's hash function"};
    std::string out = fmt::format(
        "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{}\"", username,
        digest->realm, digest->nonce, uri, response);
    if (!digest->algorithm.empty()) out += fmt::format(", algorithm={}", to_string(*algorithm));
    if (!qop->empty() || algorithm->session) out += fmt::format(", cnonce=\"{}\"", cnonce);
    if (!qop->empty()) out += fmt::format(", qop={}, nc={}", *qop, nc);
    if (!digest->opaque.empty()) out += fmt::format(", opaque=\"{}\"", digest->opaque);
    return out;
}

std::vector<std::size_t> strongest_of_each_realm(std::span<const std::string_view> challenges) {
    constexpr std::size_t most_realms = 32;  // more than proxies on any way
    struct Best {
        std::string_view realm;
        std::size_t place;
        Hash hash;
    };
    std::vector<Best> found;
    for (std::size_t i = 0; i < challenges.size(); ++i) {
        const auto digest = answerable(challenges[i]);
        if (!digest) continue;
        const Hash hash = parse_algorithm(digest->algorithm)->hash;
        const auto same = std::find_if(found.begin(), found.end(),
                                       [&](const Best& b) { return b.realm == digest->realm; });
        if (same == found.end()) {
            if (found.size() < most_realms) found.push_back({digest->realm, i, hash});
        } else if (hash > same->hash) {
            *same = {digest->realm, i, hash};
        }
    }
    std::vector<std::size_t> out;
    for (const Best& b : found) out.push_back(b.place);
    return out;
}

std::optional<std::size_t> strongest(std::span<const std::string_view> challenges) {
    std::optional<std::size_t> best;
    Hash hash{};
    for (std::size_t i = 0; i < challenges.size(); ++i) {
        const auto digest = answerable(challenges[i]);
        if (!digest) continue;
        const Hash here = parse_algorithm(digest->algorithm)->hash;
        if (best && here <= hash) continue;
        best = i;
        hash = here;
    }
    return best;
}

// ---------------------------------------------------------------- the server

Challenger::Challenger(Settings settings, std::uint64_t seed)
    : settings_(std::move(settings)), random_(seed) {
    // One after the other: compilers differ in the order of arguments, captures must not.
    const std::uint64_t low = random_.next(), high = random_.next();
    secret_ = fmt::format("{:016x}{:016x}", high, low);
}

std::vector<std::string> Challenger::challenges(Time now, bool stale) {
    std::vector<std::string> out;
    const std::string nonce = make_nonce(now);
    for (const Algorithm& algorithm : settings_.algorithms) {
        std::string one =
            fmt::format("Digest realm={}, nonce=\"{}\"", quoted(settings_.realm), nonce);
        if (stale) one += ", stale=true";
        one += fmt::format(", algorithm={}", to_string(algorithm));
        if (!settings_.qop.empty())
            one += fmt::format(", qop=\"{}\"", fmt::join(settings_.qop, ","));
        out.push_back(std::move(one));
    }
    return out;
}

// The time, chance, and a signature over both, each of 16 digits.
std::string Challenger::make_nonce(Time now) {
    const std::string head =
        fmt::format("{:016x}{:016x}", static_cast<std::uint64_t>(now.count()), random_.next());
    return head + hash_hex(Hash::sha256, secret_ + head).substr(0, 16);
}

std::optional<Time> Challenger::made_at(std::string_view nonce) const {
    if (nonce.size() != 48) return std::nullopt;
    const std::string head(nonce.substr(0, 32));
    const std::string signature = hash_hex(Hash::sha256, secret_ + head).substr(0, 16);
    if (!same(signature, nonce.substr(32))) return std::nullopt;
    std::uint64_t time = 0;
    std::from_chars(head.data(), head.data() + 16, time, 16);
    return Time{static_cast<std::int64_t>(time)};
}

std::string Challenger::username(std::string_view value) {
    const auto credentials = parse_credentials(value);
    const auto digest = credentials ? digest_of(*credentials) : std::nullopt;
    return digest ? unquoted(digest->username) : std::string{};
}

Challenger::Verdict Challenger::verify(const Attempt& attempt, std::string_view password,
                                       Time now) {
    return judge(attempt, password, false, now);
}

Challenger::Verdict Challenger::verify_ha1(const Attempt& attempt, std::string_view ha1, Time now) {
    return judge(attempt, ha1, true, now);
}

Challenger::Verdict Challenger::judge(const Attempt& attempt, std::string_view secret, bool is_ha1,
                                      Time now) {
    const auto credentials = parse_credentials(attempt.credentials);
    const auto digest = credentials ? digest_of(*credentials) : std::nullopt;
    if (!digest || digest->username.empty() || digest->nonce.empty() || digest->uri.empty() ||
        digest->response.empty() || digest->realm != escaped(settings_.realm))
        return Verdict::malformed;
    const auto algorithm = parse_algorithm(digest->algorithm);
    if (!algorithm || std::find(settings_.algorithms.begin(), settings_.algorithms.end(),
                                *algorithm) == settings_.algorithms.end())
        return Verdict::malformed;
    std::optional<std::uint32_t> nc;
    if (!digest->qop.empty()) {
        nc = parse_nc(digest->nc);
        const bool offered =
            std::any_of(settings_.qop.begin(), settings_.qop.end(),
                        [&](const std::string& q) { return iequals(q, digest->qop); });
        if (!offered || !nc || digest->cnonce.empty()) return Verdict::malformed;
    }
    if (!attempt.request_uri.empty() && !same_uri(unquoted(digest->uri), attempt.request_uri))
        return Verdict::malformed;
    const Terms terms{.algorithm = *algorithm,
                      .nonce = digest->nonce,
                      .cnonce = digest->cnonce,
                      .nc = digest->nc,
                      .qop = digest->qop,
                      .method = attempt.method,
                      .uri = digest->uri,
                      .body = attempt.body};
    const std::string user =
        is_ha1 ? std::string(secret)
               : user_hash(algorithm->hash, digest->username, digest->realm, secret);
    const std::string wanted = response_of(terms, user);
    if (wanted.empty() || !same(wanted, lowered(digest->response))) return Verdict::wrong;
    return count(std::string(digest->nonce), nc, now);
}

Challenger::Verdict Challenger::count(const std::string& nonce, std::optional<std::uint32_t> nc,
                                      Time now) {
    const auto made = made_at(nonce);
    if (!made || now < *made || now - *made > settings_.nonce_lifetime) return Verdict::stale;
    if (!nc && !settings_.once) return Verdict::ok;  // without qop nothing counts
    const auto at = uses_.find(nonce);
    if (at != uses_.end()) {
        if (settings_.once) return Verdict::stale;
        if (*nc <= at->second.highest) return Verdict::replayed;
        at->second.highest = *nc;
        return Verdict::ok;
    }
    // They are in order of their time, which they begin with.
    while (!uses_.empty() && (uses_.size() >= max_nonces || uses_.begin()->second.expires < now))
        uses_.erase(uses_.begin());
    uses_.emplace(nonce, Use{nc.value_or(1), *made + settings_.nonce_lifetime});
    return Verdict::ok;
}

}  // namespace sipana::sip
