// Digest authentication (RFC 7616, RFC 8760; RFC 2617 without qop): MD5, SHA-256 and SHA-512-256,
// each also as -sess, with qop none, auth and auth-int. The client's answer and the server's
// challenge. No clock: time is an argument.
//
// Passwords come in by view and are not kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/random.h"
#include "libsipana/base/result.h"
#include "libsipana/base/time.h"

namespace sipana::sip {

enum class Hash : std::uint8_t { md5, sha256, sha512_256 };  // the stronger ones stand later

struct Algorithm {
    Hash hash = Hash::md5;
    bool session = false;  // -sess
    bool operator==(const Algorithm&) const = default;
};
std::string to_string(Algorithm algorithm);                       // "SHA-256-sess"
std::optional<Algorithm> parse_algorithm(std::string_view name);  // any case; empty: MD5

std::string hash_hex(Hash hash, std::string_view text);

// What the request's sender knows; cnonce and count are of the nonce that is being answered.
struct DigestInput {
    std::string_view method{}, uri{}, body{};
    std::string_view username{}, password{};
    std::string_view cnonce{};
    std::uint32_t nc = 1;
};

// The value of Authorization or Proxy-Authorization that answers `challenge`, the value of one
// WWW-Authenticate or Proxy-Authenticate. qop auth is preferred to auth-int where both are offered.
Result<std::string> answer(std::string_view challenge, const DigestInput& input);
// Of several challenges for one realm the place of the first whose algorithm is the strongest that
// we know (RFC 8760 2.4 leaves the order to the server, whose preference stands first among
// equals); nullopt: none can be answered.
std::optional<std::size_t> strongest(std::span<const std::string_view> challenges);

// The same for each realm, in order of the realms' first challenge: a request that passes several
// proxies carries an answer to each (RFC 3261 22.3).
std::vector<std::size_t> strongest_of_each_realm(std::span<const std::string_view> challenges);

// A server's side: one realm. It knows its nonces by their signature, not by heart, and keeps only
// the counts of those that are in use.
class Challenger {
public:
    struct Settings {
        std::string realm{};
        std::vector<Algorithm> algorithms{{}};  // one challenge each, in this order
        std::vector<std::string> qop{"auth"};   // empty: as RFC 2069
        Duration nonce_lifetime = std::chrono::minutes{5};
        bool once = false;  // each nonce answers one request only
    };
    enum class Verdict : std::uint8_t {
        ok,
        stale,      // right, but the nonce is too old, used up, or not ours: challenge again
        wrong,      // user or password
        replayed,   // the count was there before (RFC 7616 3.4)
        malformed,  // not an answer to what was asked
    };
    struct Attempt {
        std::string_view method{}, body{};
        std::string_view credentials{};  // the value of Authorization
        std::string_view request_uri{};  // empty: whatever uri the credentials name is taken
    };
    static constexpr std::size_t max_nonces = 65536;  // whose counts are kept; the oldest goes

    Challenger(Settings settings, std::uint64_t seed);

    // Values of WWW-Authenticate or Proxy-Authenticate, one for each algorithm.
    std::vector<std::string> challenges(Time now, bool stale = false);
    Verdict verify(const Attempt& attempt, std::string_view password, Time now);
    // The same, knowing H(username:realm:password) in hexadecimal, of the algorithm in use.
    Verdict verify_ha1(const Attempt& attempt, std::string_view ha1, Time now);
    // The user whom the credentials name; empty where they cannot be read.
    static std::string username(std::string_view credentials);
    const std::string& realm() const { return settings_.realm; }

private:
    struct Use {
        std::uint32_t highest = 0;  // nc
        Time expires{};
    };
    Verdict judge(const Attempt& attempt, std::string_view secret, bool is_ha1, Time now);
    Verdict count(const std::string& nonce, std::optional<std::uint32_t> nc, Time now);
    std::string make_nonce(Time now);
    std::optional<Time> made_at(std::string_view nonce) const;  // nullopt: not ours

    Settings settings_;
    Random random_;
    std::string secret_;
    std::map<std::string, Use, std::less<>> uses_;
};

}  // namespace sipana::sip
