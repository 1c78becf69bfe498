#include "libsipana/sip/credentials.h"

#include "libsipana/base/text.h"

namespace sipana::sip {

bool Credentials::is_digest() const { return iequals(scheme, "Digest"); }

std::optional<Credentials> parse_credentials(std::string_view value) {
    value = trim(value);
    std::size_t n = 0;
    while (n < value.size() && is_token_char(value[n])) ++n;
    if (n == 0) return std::nullopt;
    Credentials out;
    out.scheme = value.substr(0, n);
    out.params = Params(value.substr(n), ',');
    return out;
}

std::optional<Credentials> parse_authentication_info(std::string_view value) {
    Credentials out;
    out.params = Params(trim(value), ',');
    if (out.params.empty()) return std::nullopt;
    return out;
}

std::optional<Digest> digest_of(const Credentials& credentials) {
    if (!credentials.is_digest()) return std::nullopt;
    const auto text = [&](std::string_view name) { return credentials.param(name).value_or(""); };
    Digest out;
    out.username = text("username");
    out.realm = text("realm");
    out.nonce = text("nonce");
    out.uri = text("uri");
    out.response = text("response");
    out.algorithm = text("algorithm");
    out.cnonce = text("cnonce");
    out.opaque = text("opaque");
    out.qop = text("qop");
    out.nc = text("nc");
    out.domain = text("domain");
    out.stale = iequals(text("stale"), "true");
    return out;
}

std::string_view Identity::info() const {
    std::string_view uri = params.find("info").value_or("");
    if (uri.size() >= 2 && uri.front() == '<' && uri.back() == '>')
        uri = uri.substr(1, uri.size() - 2);
    return uri;
}

std::optional<Identity> parse_identity(std::string_view value) {
    value = trim(value);
    Identity out;
    if (!value.empty() && value.front() == '"') {  // RFC 4474 9
        const std::size_t close = closing_quote(value, 0);
        if (close == value.npos) return std::nullopt;
        out.passport = out.signature = value.substr(1, close - 1);
        out.params = Params(value.substr(close + 1));
        return out;
    }
    const std::size_t semicolon = value.find(';');
    out.passport = trim(value.substr(0, semicolon));
    if (out.passport.empty()) return std::nullopt;
    if (semicolon != value.npos) out.params = Params(value.substr(semicolon));
    const std::size_t first = out.passport.find('.');
    const std::size_t second = first == value.npos ? first : out.passport.find('.', first + 1);
    if (second == value.npos) {
        out.signature = out.passport;
        return out;
    }
    out.header = out.passport.substr(0, first);
    out.payload = out.passport.substr(first + 1, second - first - 1);
    out.signature = out.passport.substr(second + 1);
    out.compact = out.header.empty() && out.payload.empty();
    return out;
}

}  // namespace sipana::sip
