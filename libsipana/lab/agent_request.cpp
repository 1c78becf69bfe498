// What a phone asks: requests in and out of dialogs, CANCEL, ACK and PRACK, credentials.
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/agent.h"
#include "libsipana/sip/digest.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/invite.h"
#include "libsipana/sip/uri.h"

namespace sipana::lab {
namespace {

bool opens_session(std::string_view method) { return method == "INVITE"; }

std::uint32_t cseq_of(const sip::Builder& b) {
    const auto cseq = sip::parse_cseq(b.value("CSeq"));
    return cseq ? cseq->number : 0;
}

}  // namespace

// Where a request for that URI goes: a name of the directory, an address, or where the conversation
// went before.
sip::Hop Agent::hop_to(std::string_view uri, const Conversation& c) const {
    sip::Hop hop{endpoint_, {}, line_.transport};
    if (uri == hop_uri_ && !uri.empty()) {
        hop.remote = hop_remote_;
        return hop;
    }
    if (const auto parsed = sip::parse_uri(uri)) {
        if (const auto address = Address::parse(parsed->host)) {
            hop.remote = {*address,
                          parsed->port.value_or(line_.transport == Transport::tls ? 5061 : 5060)};
            hop_uri_ = uri;
            hop_remote_ = hop.remote;
        } else if (const Party* peer = directory_.by_name(parsed->host))
            hop.remote = peer->at;
        else
            for (const Party& one : const_cast<Directory&>(directory_).peers())
                if (iequals(one.host, parsed->host)) hop.remote = one.at;
    }
    if (hop.remote.empty()) {
        const Party* peer = directory_.by_name(c.peer);
        hop.remote = peer != nullptr ? peer->at : c.hop.remote;
    }
    return hop;
}

// From, To and where to: once for a conversation.
Status Agent::address(Conversation& c, const Request& what, const Told& told) {
    const Party* peer = directory_.by_name(c.peer);
    if (peer == nullptr)
        return Error{Errc::not_found, 0, fmt::format("nobody is called {}", c.peer)};
    c.local = line_.display.empty() ? "<" + aor() + ">"
                                    : fmt::format("{} <{}>", sip::quoted(line_.display), aor());
    const std::string target =
        told.fill != nullptr && !what.target.empty() ? (*told.fill)(what.target) : what.target;
    const bool registers = what.method == "REGISTER";
    if (registers) c.registered_uri = target.empty() ? "sip:" + peer->host : target;
    const std::string to = registers ? aor() : target_uri(directory_, *peer, target);
    c.remote.reserve(to.size() + 2);
    c.remote.append("<").append(to).append(">");
    c.hop = {endpoint_, peer->at, line_.transport};
    return Done{};
}

std::string Agent::direct_uri(const Party& peer) const {
    std::string out = "sip:";
    out.append(peer.user).append("@").append(peer.at.to_string());
    if (peer.transport != Transport::udp)
        out.append(";transport=").append(lowered(to_string(peer.transport)));
    return out;
}

sip::Builder Agent::begun(Conversation& c, const Request& what, const Told& told) {
    sip::Dialog* dialog = told.send != nullptr && told.send->outside ? nullptr : c.live_dialog();
    if (dialog != nullptr && what.method != "REGISTER") {
        c.hop = hop_to(dialog->next_hop(), c);
        return dialog->request(what.method);
    }
    const Party* peer = directory_.by_name(c.peer);
    std::string uri = c.registered_uri;
    if (uri.empty()) {
        // Straight to another phone: its contact, whatever its address of record is.
        if (peer != nullptr && !peer->user.empty() && what.target.empty()) {
            uri = direct_uri(*peer);
        } else {
            const auto to = sip::parse_name_addr(c.remote);
            uri = to ? std::string(to->uri) : "sip:nobody";
        }
    }
    auto b = sip::Builder::request(what.method, uri);
    b.add(sip::Header::from, c.local, ";tag=" + c.local_tag);
    if (told.send != nullptr && !told.send->to_tag.empty())
        b.add(sip::Header::to, c.remote, ";tag=" + told.send->to_tag);
    else
        b.add(sip::Header::to, c.remote);
    b.add(sip::Header::call_id, c.call_id);
    b.add(sip::Header::cseq, std::to_string(++c.cseq) + " ", what.method);
    return b;
}

// What the method itself asks for, where the script does not say it.
void Agent::describe_request(Conversation& c, sip::Builder& b, std::string_view method,
                             const Told& told, Time) {
    const bool needs_contact = method == "INVITE" || method == "REGISTER" ||
                               method == "SUBSCRIBE" || method == "UPDATE" || method == "REFER" ||
                               method == "NOTIFY";
    if (needs_contact) b.add(sip::Header::contact, contact());
    if (method == "INVITE" || method == "UPDATE")
        b.add(sip::Header::allow, setting_named("allow", phone_allows));
    if (method == "INVITE" || method == "UPDATE" || method == "REGISTER") {
        const std::string_view supported = setting_named("supported", "replaces");
        if (supported != "none") b.add(sip::Header::supported, supported);
    }
    const bool timed =
        method == "INVITE" || (method == "UPDATE" && c.confirmed_dialog() != nullptr);
    if (timed && timer_)
        for (const auto& [id, value] : session_timer(c)->request_fields())
            if (id != sip::Header::supported) b.add(id, value);
    if (method == "REGISTER") b.add(sip::Header::expires, setting_named("expires", "3600"));
    if (method == "PUBLISH" || method == "SUBSCRIBE") {
        b.add(sip::Header::event, "presence");
        b.add(sip::Header::expires, setting_named("expires", "3600"));
    }
    if (method == "NOTIFY") {
        b.add(sip::Header::event, "presence");
        b.add(sip::Header::subscription_state, "active;expires=3600");
    }
    if (method == "OPTIONS") b.add(sip::Header::accept, "application/sdp");
    b.add(sip::Header::user_agent, setting_named("user-agent", "sipana-lab"));
    if (told.send == nullptr) return;
    const auto named = [&](std::string_view text) {
        const std::string filled = told.fill != nullptr ? (*told.fill)(text) : std::string(text);
        if (is_uri(filled)) return filled;
        if (const Party* peer = directory_.by_name(filled); peer != nullptr && !peer->aor.empty()) {
            const Party* here = directory_.by_name(c.peer);
            return here != nullptr && here->user.empty()
                       ? uri_of(peer->user, here->host)
                       : fmt::format("sip:{}@{}", peer->user, peer->at.to_string());
        }
        const Party* here = directory_.by_name(c.peer);
        return uri_of(filled, here != nullptr ? here->host : endpoint_.to_string());
    };
    std::string replaces;
    if (!told.send->replaces.empty()) {
        const std::string_view wish = told.send->replaces;
        const auto slash = wish.find('/');
        const std::string_view name = wish.substr(0, slash);
        const std::string_view label = slash == wish.npos ? "" : wish.substr(slash + 1);
        for (const Conversation* other : c.director->conversations) {
            if (other == &c || other->dialogs.empty()) continue;
            // That phone's call of this label; or, of our own, the one with that phone.
            const bool theirs = other->phone == name && other->label == label;
            const bool ours =
                other->phone == line_.name && other->peer == name && slash == wish.npos;
            if (!theirs && !ours) continue;
            const sip::Dialog& d = other->dialogs.back();
            // Who receives it must find its own tag in to-tag (RFC 3891 3).
            const bool receiver = other->phone == c.peer && told.send->refer_to.empty();
            replaces = receiver ? fmt::format("{};to-tag={};from-tag={}", d.id().call_id,
                                              d.id().local_tag, d.id().remote_tag)
                                : d.replaces();
            if (theirs) break;
        }
        if (replaces.empty())
            replaces = told.fill != nullptr ? (*told.fill)(wish) : std::string(wish);
        // What was found in a Refer-To is escaped as its URI's headers are (RFC 3261 19.1.4).
        if (replaces.find(';') == replaces.npos) replaces = sip::unescaped(replaces);
    }
    if (!told.send->refer_to.empty()) {
        std::string to = named(told.send->refer_to);
        if (!replaces.empty()) {
            std::string escaped;
            for (const char ch : replaces)
                if (is_alpha(ch) || is_digit(ch) || ch == '-' || ch == '.' || ch == '_')
                    escaped += ch;
                else
                    escaped += fmt::format("%{:02X}", static_cast<unsigned char>(ch));
            to += "?Replaces=" + escaped;
        }
        b.add(sip::Header::refer_to, fmt::format("<{}>", to));
        b.add(sip::Header::referred_by, fmt::format("<{}>", aor()));
    } else if (!replaces.empty()) {
        b.add(sip::Header::replaces, replaces);
    }
}

// The script's own words about header fields come last: they may replace anything.
void Agent::apply(sip::Builder& b, const Told& told) const {
    if (told.send == nullptr) return;
    const auto filled = [&](std::string_view text) {
        return told.fill != nullptr ? (*told.fill)(text) : std::string(text);
    };
    for (const HeaderChange& change : told.send->headers) {
        switch (change.how) {
            case HeaderChange::How::add: {
                const bool ours = change.name == "Event" || change.name == "Expires" ||
                                  change.name == "Subscription-State" || change.name == "Contact" ||
                                  change.name == "Accept" || change.name == "Supported" ||
                                  change.name == "Session-Expires" || change.name == "Min-SE" ||
                                  (change.name == "Require" && b.value("Require") == change.value);
                if (ours)
                    b.set(change.name, filled(change.value));
                else
                    b.add(change.name, filled(change.value));
                break;
            }
            case HeaderChange::How::set:
                b.set(change.name, filled(change.value));
                break;
            case HeaderChange::How::strip:
                b.strip(change.name);
                break;
        }
    }
    if (!told.send->body.empty() || !told.send->body_type.empty())
        b.strip("Content-Type").body(told.send->body_type, filled(told.send->body));
}

Status Agent::authorize(Conversation& c, sip::Builder& b, Asked& asked) {
    if (b.method() == "ACK" || b.method() == "CANCEL" || line_.password.empty()) return Done{};
    const std::string& user = line_.auth_user.empty() ? line_.user : line_.auth_user;
    const std::string password = line_.password + (asked.wrong_password ? "-wrong" : "");
    const bool stale = asked.stale_nonce;
    for (const bool proxy : {false, true}) {
        const char* name = proxy ? "Proxy-Authorization" : "Authorization";
        if (b.has(name)) continue;  // the script's own
        for (Challenge& one : proxy ? c.proxy_challenges : c.challenges) {
            std::string value = one.value;
            if (const auto at = value.find("nonce=\""); stale && at != value.npos)
                value.insert(at + 7, "0");
            asked.stale_nonce = false;  // the next try knows better
            const std::string cnonce = identifiers_.cnonce();
            const auto made = sip::answer(value, {.method = b.method(),
                                                  .uri = b.uri(),
                                                  .body = b.body_text(),
                                                  .username = user,
                                                  .password = password,
                                                  .cnonce = cnonce,
                                                  .nc = ++one.count});
            if (!made) return made.error();
            b.add(name, *made);
            if (!stale) asked.realms.push_back(one.realm);
        }
    }
    return Done{};
}

Status Agent::request(Conversation& c, const Request& what, const Told& told, Time now) {
    now_ = now;
    if (what.method == "CANCEL") {
        if (Asked* invite = c.pending_invite(); invite != nullptr)
            return cancel(c, *invite, told, now);
    }
    if (c.local.empty())
        if (Status s = address(c, what, told); !s) return s;
    if (what.method == "ACK") {
        for (auto asked = c.asked.rbegin(); asked != c.asked.rend(); ++asked)
            if (asked->method == "INVITE" && asked->status >= 200 && asked->status < 300)
                if (sip::Dialog* dialog = c.live_dialog(); dialog != nullptr) {
                    send_ack(c, *asked, *dialog, told, now);
                    return Done{};
                }
    }
    sip::Builder b = begun(c, what, told);
    if (what.method == "PRACK" && told.send != nullptr)
        for (auto asked = c.asked.rbegin(); asked != c.asked.rend(); ++asked)
            if (asked->method == "INVITE" && !asked->rack.empty()) {
                b.add(sip::Header::rack, asked->rack);
                break;
            }
    Asked asked;
    asked.method = what.method;
    asked.step = told.step;
    asked.acks_itself = told.acks_itself && !(told.send != nullptr && told.send->faults.no_ack);
    asked.pracks_itself = told.pracks_itself;
    asked.tries_again = told.tries_again;
    asked.refreshes = refreshing_;
    asked.begins = b.value("To") == c.remote && b.value("From").starts_with(c.local);
    asked.answers_challenges =
        told.answers_challenges && !(told.send != nullptr && told.send->faults.no_credentials);
    if (told.send != nullptr) {
        asked.wrong_password = told.send->faults.wrong_password;
        asked.stale_nonce = told.send->faults.stale_nonce;
    }
    describe_request(c, b, what.method, told, now);
    const SdpWish wish = told.send != nullptr ? told.send->sdp : SdpWish{};
    const bool told_body = told.send != nullptr && !told.send->body.empty();
    const bool by_itself = wish.kind == SdpKind::by_itself && opens_session(what.method) &&
                           !told_body && !line_.audio.empty();
    if (by_itself || wish.kind == SdpKind::offer || wish.kind == SdpKind::text ||
        (wish.kind == SdpKind::answer)) {
        SdpWish filled = wish;
        if (told.fill != nullptr && !wish.text.empty()) filled.text = (*told.fill)(wish.text);
        PhoneSession& session = this->session(c);
        const auto text =
            wish.kind == SdpKind::answer ? session.answer(filled, now) : session.offer(filled);
        if (!text) return text.error();
        asked.offered = wish.kind != SdpKind::answer;
        session_changed(c);
        b.body("application/sdp", *text);
    }
    return send_request(c, b, std::move(asked), told, now);
}

Status Agent::send_request(Conversation& c, sip::Builder& b, Asked asked, const Told& told,
                           Time now) {
    const std::string branch = identifiers_.branch();
    b.add_first(sip::Header::max_forwards, "70");
    b.add_first(sip::Header::via, via_, branch);
    apply(b, told);
    asked.as_built = told.send == nullptr || (told.send->headers.empty() && !told.send->cseq &&
                                              !told.send->cseq_add && told.send->to_tag.empty());
    if (told.send != nullptr && (told.send->cseq || told.send->cseq_add)) {
        const auto number = told.send->cseq
                                ? *told.send->cseq
                                : static_cast<std::int64_t>(cseq_of(b)) + *told.send->cseq_add;
        b.set("CSeq",
              fmt::format("{} {}", std::clamp<std::int64_t>(number, 0, UINT32_MAX), asked.method));
    }
    if (told.send == nullptr || !told.send->faults.no_credentials)
        if (Status s = authorize(c, b, asked); !s) return s;
    auto text = b.write();
    if (!text) return text.error();
    asked.cseq = cseq_of(b);
    asked.text = std::make_shared<const std::string>(std::move(*text));
    if (asked.method == "ACK") {
        outgoing_.push_back({c.hop, {}, std::string(told.note), asked.text});
        return Done{};
    }
    sip::Transactions::Options options;
    if (told.send != nullptr) {
        options.no_ack = told.send->faults.no_ack;
        options.no_retransmission = told.send->faults.no_retransmission;
    }
    options.no_ack = options.no_ack || told.no_ack;
    asked.id = asked.as_built
                   ? transactions_.request(asked.text, {asked.method, branch}, c.hop, now, options)
                   : transactions_.request(*asked.text, c.hop, now, options);
    begin_asked(c, std::move(asked), told);
    return Done{};
}

void Agent::begin_asked(Conversation& c, Asked asked, const Told& told) {
    if (!told.note.empty()) notes_[asked.id] = told.note;
    if (told.send != nullptr) {
        const Faults& f = told.send->faults;
        if (f != Faults{}) spoiled_[asked.id] = {f, 0};
    }
    own(asked.id, &c);
    c.asked.push_back(std::move(asked));
}

// RFC 3261 9.1: before a provisional response the CANCEL waits.
Status Agent::cancel(Conversation& c, Asked& invite, const Told& told, Time now) {
    const auto message = sip::Message::parse(*invite.text);
    if (!message) return message.error();
    auto text = sip::cancel_of(*message);
    if (!text) return text.error();
    if (told.send != nullptr && !told.send->headers.empty()) {
        const auto made = sip::Message::parse(*text);
        if (!made) return made.error();
        auto b = sip::Builder::from(*made);
        apply(b, told);
        text = b.write();
        if (!text) return text.error();
    }
    Asked asked;
    asked.method = "CANCEL";
    asked.cseq = invite.cseq;
    asked.step = told.step;
    asked.text = std::make_shared<const std::string>(*text);
    invite.cancelled = true;
    asked.id = transactions_.cancel(invite.id, now, std::move(*text));
    begin_asked(c, std::move(asked), told);
    return Done{};
}

// The ACK to a 2xx (13.2.2.4); its answer to an offer in that 2xx.
void Agent::send_ack(Conversation& c, Asked& invite, sip::Dialog& dialog, const Told& told,
                     Time now) {
    sip::Builder b = dialog.ack(invite.cseq);
    c.hop = hop_to(dialog.next_hop(), c);
    b.add_first(sip::Header::max_forwards, "70");
    b.add_first(sip::Header::via, via_, identifiers_.branch());
    const SdpWish wish = told.send != nullptr ? told.send->sdp : SdpWish{};
    if (wish.kind != SdpKind::none && c.session &&
        (c.session->owes_answer() || wish.kind == SdpKind::answer || wish.kind == SdpKind::text)) {
        if (const auto text = c.session->answer(wish, now); text) b.body("application/sdp", *text);
        session_changed(c);
    }
    apply(b, told);
    auto text = b.write();
    if (!text) return;
    invite.ack = std::make_shared<const std::string>(std::move(*text));
    invite.ack_hop = c.hop;
    outgoing_.push_back({c.hop, {}, std::string(told.note), invite.ack});
}

}  // namespace sipana::lab
