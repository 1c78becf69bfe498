// REGISTER, both ways: phones here (RFC 3261 10.3), and this exchange elsewhere (10.2).
#include <fmt/format.h>

#include "libsipana/base/text.h"
#include "libsipana/lab/exchange_core.h"
#include "libsipana/sip/fields.h"

namespace sipana::lab {

using sip::Header;

namespace {

constexpr auto try_again = std::chrono::seconds{20};  // chan_sip's registertimeout

std::string registrar_uri(const Registration& r) {
    return fmt::format("sip:{}{}", r.host, r.port == 0 ? "" : fmt::format(":{}", r.port));
}

}  // namespace

void ExchangeCore::on_register(const Incoming& in) {
    const auto to = sip::parse_name_addr(in.message.header(Header::to).value_or(""));
    const std::string user = to ? sip::unescaped(sip::user_of(to->uri)) : std::string();
    const SipPeer* peer = sip_.peer(user);
    if (peer == nullptr || !peer->dynamic) {
        // A name that is not there looks like a wrong password, unless sip.conf says otherwise.
        if (!sip_.always_auth_reject)
            return peer == nullptr ? answer(in, 404, "Not found") : answer(in, 403, "Forbidden");
        peer = nullptr;
    }
    if (authenticate(in, peer) == Admission::answered) return;
    const int status = registrar_.apply(peer->name, in.message, in.from, in.now);
    if (status == 423)
        return answer(in, 423, "Interval too small",
                      {{"Min-Expires", std::to_string(registrar_.policy().min_s)}});
    if (status != 200) return answer(in, status, {});
    sip::Builder b = response(in.message, in.from, 200, "OK", identifiers_.tag());
    registrar_.write(peer->name, b, in.now);
    respond(in.message, in.id, b, in.now);
}

// ---------------------------------------------------------------- register =>

bool ExchangeCore::registered() const {
    for (const Trunk& trunk : trunks_)
        if (!trunk.accepted) return false;
    return true;
}

// `challenged`: the 401 or 407 to answer.
void ExchangeCore::register_there(std::size_t index, Time now, const sip::Message* challenged) {
    const Registration& r = sip_.registrations[index];
    Trunk& trunk = trunks_[index];
    trunk.again = now + try_again;
    const std::string text = registrar_uri(r);
    const auto uri = sip::parse_uri(text);
    const auto hop = uri ? hosts_.hop_to(*uri, settings.listens) : std::nullopt;
    if (!hop) {
        note(fmt::format("sip.conf:{}: no host is called {}", r.line, printable(r.host)));
        trunk.again = no_time;
        return;
    }
    if (trunk.call_id.empty()) {
        trunk.call_id = identifiers_.call_id(hop->local.address.to_string());
        trunk.tag = identifiers_.tag();
    }
    // The host as an address: the other exchange knows no names either.
    const std::string domain = r.domain.empty() ? hop->remote.address.to_string() : r.domain;
    const std::string aor = fmt::format("<sip:{}@{}>", r.user, domain);
    const std::string target = fmt::format("sip:{}", hop->remote.to_string());
    sip::Builder b = sip::Builder::request("REGISTER", target);
    b.add(Header::from, fmt::format("{};tag={}", aor, trunk.tag))
        .add(Header::to, aor)
        .add(Header::call_id, trunk.call_id)
        .add(Header::cseq, fmt::format("{} REGISTER", ++trunk.cseq))
        .add(Header::contact, contact_of(*hop, r.extension))
        .add(Header::expires, std::to_string(r.expires_s));
    if (challenged != nullptr) {
        const auto [name, value] =
            credentials_for(*challenged, "REGISTER", target, r.auth_user, r.secret);
        if (name.empty()) return;
        b.add(name, value);
    }
    send_request(b, *hop, 70, now, {Sent::For::registration, 0, index});
}

void ExchangeCore::on_registered(std::size_t index, const sip::Message* m, Time now) {
    Trunk& trunk = trunks_[index];
    const Registration& r = sip_.registrations[index];
    if (m != nullptr && m->status() < 200) return;
    if (m != nullptr && (m->status() == 401 || m->status() == 407) && !trunk.challenged) {
        trunk.challenged = true;
        return register_there(index, now, m);
    }
    trunk.challenged = false;
    trunk.accepted = m != nullptr && m->status() < 300;
    trunk.again = now + try_again;
    if (!trunk.accepted) {
        note(fmt::format("sip.conf:{}: the registration was {}", r.line,
                         m == nullptr ? std::string("not answered")
                                      : fmt::format("refused with {}", m->status())));
        return;
    }
    std::uint32_t granted = r.expires_s;
    if (const auto e = m->header(Header::expires))
        granted = sip::parse_number(*e).value_or(granted);
    for (std::string_view value : m->values(Header::contact)) {
        const auto contact = sip::parse_name_addr(value);
        const auto expires = contact ? contact->param("expires") : std::nullopt;
        if (expires) granted = sip::parse_number(*expires).value_or(granted);
    }
    // chan_sip's margin: fifteen seconds, or a quarter of what is short.
    const std::uint32_t margin = granted > 60 ? 15 : granted / 4;
    trunk.again = now + std::chrono::seconds{std::max<std::uint32_t>(granted - margin, 1)};
}

}  // namespace sipana::lab
