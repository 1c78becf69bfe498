// Who is calling: peers by From user and by address, and their credentials (RFC 3261 22).
#include <fmt/format.h>

#include "libsipana/base/text.h"
#include "libsipana/lab/exchange_core.h"
#include "libsipana/sip/credentials.h"
#include "libsipana/sip/fields.h"

namespace sipana::lab {

using sip::Header;
using Verdict = sip::Challenger::Verdict;

const PeerDefaults& ExchangeCore::how(const SipPeer* peer) const {
    return peer != nullptr ? static_cast<const PeerDefaults&>(*peer) : sip_;
}

// Users by the name in From, then peers by where the request came from.
const SipPeer* ExchangeCore::peer_of(const sip::Message& m, const sip::Hop& from, Time now) const {
    const auto address = sip::parse_name_addr(m.header(Header::from).value_or(""));
    const std::string user = address ? sip::unescaped(sip::user_of(address->uri)) : std::string();
    const SipPeer* named = user.empty() ? nullptr : sip_.peer(user);
    if (named != nullptr && named->is_user) return named;
    return peer_at(from, now);
}

const SipPeer* ExchangeCore::peer_at(const sip::Hop& from, Time now) const {
    for (const SipPeer& p : sip_.peers) {
        if (!p.is_peer) continue;
        for (const auto& [uri, hop] : ways_to(p, now))
            if (hop.remote == from.remote ||
                (p.insecure_port && hop.remote.address == from.remote.address))
                return &p;
    }
    return nullptr;
}

// Where a peer can be reached: its registered contacts, or its host.
std::vector<std::pair<std::string, sip::Hop>> ExchangeCore::ways_to(const SipPeer& peer,
                                                                    Time now) const {
    std::vector<std::pair<std::string, sip::Hop>> ways;
    if (!peer.dynamic) {
        const std::string text =
            fmt::format("sip:{}{}", peer.host, peer.port == 0 ? "" : fmt::format(":{}", peer.port));
        const auto uri = sip::parse_uri(text);
        const auto hop = uri ? hosts_.hop_to(*uri, settings.listens) : std::nullopt;
        if (hop) ways.emplace_back(text, *hop);
        return ways;
    }
    for (const Binding& b : registrar_.bindings(peer.name, now)) {
        const auto uri = sip::parse_uri(b.uri);
        const auto hop = uri ? hosts_.hop_to(*uri, settings.listens) : std::nullopt;
        ways.emplace_back(b.uri, hop.value_or(b.from));
    }
    return ways;
}

void ExchangeCore::challenge(const Incoming& in, bool stale) {
    Fields fields;
    for (std::string& value : challenger_.challenges(in.now, stale))
        fields.emplace_back("WWW-Authenticate", std::move(value));
    answer(in, 401, "Unauthorized", fields);
}

// `peer` may be missing: with alwaysauthreject strangers see what an unknown password would.
ExchangeCore::Admission ExchangeCore::authenticate(const Incoming& in, const SipPeer* peer) {
    if (peer != nullptr && peer->secret.empty() && peer->md5_secret.empty())
        return Admission::allowed;
    const sip::Message& m = in.message;
    std::string_view credentials;
    for (const sip::Message::Field& f : m.fields()) {
        if (f.id != Header::authorization) continue;
        const auto parsed = sip::parse_credentials(m.value(f));
        const auto digest = parsed ? sip::digest_of(*parsed) : std::nullopt;
        if (digest && digest->realm == sip_.realm) credentials = m.value(f);
    }
    if (credentials.empty()) {
        challenge(in, false);
        return Admission::answered;
    }
    const std::string user = sip::Challenger::username(credentials);
    if (peer == nullptr || !iequals(user, peer->name)) {
        answer(in, 403, "Forbidden");
        return Admission::answered;
    }
    const sip::Challenger::Attempt attempt{m.method_name(), m.body(), credentials, {}};
    const Verdict verdict = peer->md5_secret.empty()
                                ? challenger_.verify(attempt, peer->secret, in.now)
                                : challenger_.verify_ha1(attempt, peer->md5_secret, in.now);
    if (verdict == Verdict::ok) return Admission::allowed;
    if (verdict == Verdict::wrong)
        answer(in, 403, "Forbidden");
    else
        challenge(in, verdict != Verdict::malformed);
    return Admission::answered;
}

// Our answer to a 401 or 407; empty: it cannot be answered.
std::pair<std::string, std::string> ExchangeCore::credentials_for(const sip::Message& response,
                                                                  std::string_view method,
                                                                  std::string_view uri,
                                                                  std::string_view user,
                                                                  std::string_view secret) {
    const bool proxy = response.status() == 407;
    const Header wanted = proxy ? Header::proxy_authenticate : Header::www_authenticate;
    std::vector<std::string_view> challenges;
    for (const sip::Message::Field& f : response.fields())
        if (f.id == wanted) challenges.push_back(response.value(f));
    const auto best = sip::strongest(challenges);
    if (!best || secret.empty()) return {};
    sip::DigestInput input;
    input.method = method;
    input.uri = uri;
    input.username = user;
    input.password = secret;
    const std::string cnonce = identifiers_.cnonce();
    input.cnonce = cnonce;
    auto value = sip::answer(challenges[*best], input);
    if (!value) return {};
    return {proxy ? "Proxy-Authorization" : "Authorization", std::move(*value)};
}

}  // namespace sipana::lab
