#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "libsipana/base/text.h"
#include "libsipana/sdp/check_media.h"

namespace sipana::sdp {
namespace {

// Key and salt of one SRTP suite, in octets (RFC 4568 6.2, RFC 6188 4, RFC 7714 14.2).
struct Suite {
    std::string_view name;
    std::size_t octets;
};
constexpr std::array suites{
    Suite{"AES_CM_128_HMAC_SHA1_80", 30}, Suite{"AES_CM_128_HMAC_SHA1_32", 30},
    Suite{"F8_128_HMAC_SHA1_80", 30},     Suite{"AES_192_CM_HMAC_SHA1_80", 38},
    Suite{"AES_192_CM_HMAC_SHA1_32", 38}, Suite{"AES_256_CM_HMAC_SHA1_80", 46},
    Suite{"AES_256_CM_HMAC_SHA1_32", 46}, Suite{"AEAD_AES_128_GCM", 28},
    Suite{"AEAD_AES_256_GCM", 44},
};

bool is_base64(char c) { return is_digit(c) || is_alpha(c) || c == '+' || c == '/'; }

// Octets that a base64 text stands for; 0 if it is none. Padding may be left out, as many do.
std::size_t base64_octets(std::string_view text) {
    while (!text.empty() && text.back() == '=') text.remove_suffix(1);
    if (!std::all_of(text.begin(), text.end(), is_base64)) return 0;
    return text.size() * 6 / 8;
}

class SecurityCheck {
public:
    SecurityCheck(const Media& media, Findings& findings) : media_(media), findings_(findings) {}

    void check() {
        ice();
        dtls();
        if (media_.is_rtp()) sdes();
    }

private:
    void add(std::string_view rule, std::string text) {
        findings_.add(rule, media_.lines.front().value.data(), std::move(text));
    }
    void add(std::string_view rule, const Line& line, std::string text) {
        findings_.add(rule, line.value.data(), std::move(text));
    }

    void ice() {
        bool any = false;
        media_.each("candidate", [&](std::string_view value, const Line& line) {
            any = true;
            const auto c = parse_candidate(value);
            const bool in_range = c && c->component >= 1 && c->component <= 256 &&
                                  c->priority >= 1 && c->priority <= 0x7fffffff &&
                                  c->foundation.size() <= 32;
            if (!in_range) add("sdp-candidate", line, fmt::format("a={}", line.value));
        });
        const auto ufrag = media_.inherited("ice-ufrag"), pwd = media_.inherited("ice-pwd");
        const auto sized = [](std::string_view value, std::size_t least) {
            const std::size_t n = trim(value).size();
            return n >= least && n <= 256;
        };
        if (any && (!ufrag || !pwd))
            add("sdp-ice-credentials", "candidates without ice-ufrag and ice-pwd");
        else if (ufrag && !sized(*ufrag, 4))
            add("sdp-ice-credentials",
                fmt::format("ice-ufrag of {} characters", trim(*ufrag).size()));
        else if (pwd && !sized(*pwd, 22))
            add("sdp-ice-credentials", fmt::format("ice-pwd of {} characters", trim(*pwd).size()));
    }

    void dtls() {
        media_.each("fingerprint",
                    [&](std::string_view value, const Line& line) { fingerprint(value, line); });
        media_.each("setup", [&](std::string_view value, const Line& line) {
            static constexpr std::array<std::string_view, 4> roles{"active", "passive", "actpass",
                                                                   "holdconn"};
            const std::string_view role = trim(value);
            if (std::none_of(roles.begin(), roles.end(),
                             [&](std::string_view r) { return iequals(r, role); }))
                add("sdp-setup", line, fmt::format("a={}", line.value));
        });
        const bool dtls_srtp =
            istarts_with(media_.protocol, "UDP/TLS/") || istarts_with(media_.protocol, "TCP/DTLS/");
        if (media_.port == 0) return;
        const bool has_fingerprint = media_.inherited("fingerprint").has_value();
        if (has_fingerprint && !media_.inherited("setup"))
            add("sdp-setup-missing", "a fingerprint without a=setup");
        if (dtls_srtp && !has_fingerprint)
            add("sdp-fingerprint-missing", fmt::format("{} without fingerprint", media_.protocol));
    }

    void fingerprint(std::string_view value, const Line& line) {
        const auto f = parse_fingerprint(value);
        const std::size_t octets = f ? fingerprint_octets(f->hash) : 0;
        bool good = octets != 0 && f->value.size() == octets * 3 - 1;
        for (std::size_t i = 0; good && i < f->value.size(); ++i)
            good = i % 3 == 2 ? f->value[i] == ':' : is_hex(f->value[i]);
        if (!good) add("sdp-fingerprint", line, fmt::format("a={}", line.value));
    }

    void sdes() {
        std::vector<std::uint32_t> tags;
        bool wrong_profile = false;
        media_.each("crypto", [&](std::string_view value, const Line& line) {
            const auto c = parse_crypto(value);
            if (!c || !keys_good(*c)) {
                // The line is not quoted: it may hold a key.
                add("sdp-crypto", line,
                    fmt::format("a=crypto cannot be read{}{}", c ? ", suite " : "",
                                c ? c->suite : ""));
            }
            if (c && std::find(tags.begin(), tags.end(), c->tag) != tags.end())
                add("sdp-crypto-tag-repeated", line, fmt::format("tag {} again", c->tag));
            if (c && tags.size() < max_findings) tags.push_back(c->tag);
            if (media_.is_secure() || wrong_profile) return;
            wrong_profile = true;
            add("sdp-crypto-profile", line, fmt::format("in an m-line of {}", media_.protocol));
        });
        const bool keyed = media_.has("crypto") || media_.inherited("fingerprint") ||
                           media_.inherited("key-mgmt") || media_.inherited("zrtp-hash") ||
                           media_.port == 0;
        const bool by_dtls = istarts_with(media_.protocol, "UDP/TLS/");
        if (media_.is_secure() && !by_dtls && !keyed)
            add("sdp-crypto-missing",
                fmt::format("{} without a=crypto or fingerprint", media_.protocol));
    }

    static bool keys_good(const Crypto& crypto) {
        const auto suite = std::find_if(suites.begin(), suites.end(), [&](const Suite& s) {
            return iequals(s.name, crypto.suite);
        });
        std::string_view keys = crypto.secret;
        while (!keys.empty()) {
            std::string_view key = cut(keys, ';');
            if (!istarts_with(key, "inline:")) return false;
            key.remove_prefix(7);
            const std::size_t octets = base64_octets(cut(key, '|'));
            if (octets == 0 || (suite != suites.end() && octets != suite->octets)) return false;
        }
        return true;
    }

    const Media& media_;
    Findings& findings_;
};

}  // namespace

void check_security(const Media& media, Findings& findings) {
    SecurityCheck(media, findings).check();
}

}  // namespace sipana::sdp
