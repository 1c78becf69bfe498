// Dial(): the legs that the exchange sends out, and what comes back on them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "libsipana/base/text.h"
#include "libsipana/lab/exchange_core.h"
#include "libsipana/lab/expression.h"
#include "libsipana/sip/body.h"
#include "libsipana/sip/fields.h"

namespace sipana::lab {

using sip::Header;
using Doing = Channel::Doing;

namespace {

constexpr std::size_t max_legs = 32;  // of one Dial(), with those that redirections add

// What of a Dial()'s options has a meaning here; the rest is noted.
constexpr std::string_view known_options = "rmtTgWwkKhHxX";

// The user part as RFC 3261 25.1 lets it stand in a URI.
std::string escaped_user(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (is_alpha(c) || is_digit(c) ||
            std::string_view("-_.!~*'()&=+$,;?/").find(c) != std::string_view::npos)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

}  // namespace

// Dial(SIP/alice&SIP/trunk/900,30,r). True: it is over already.
bool ExchangeCore::dial(Channel& c, std::string_view text, Time now) {
    const auto arguments = arguments_of(text);
    c.dial = {};
    c.doing = Doing::dialling;
    c.plan.variables["DIALSTATUS"] = "";
    if (c.max_forwards == 0) {  // RFC 3261 16.3; Asterisk calls it busy
        c.plan.variables["DIALSTATUS"] = "BUSY";
        hang_up(c, 0, now);
        return false;
    }
    const std::string options = arguments.size() > 2 ? arguments[2] : "";
    for (const char o : options)
        if (known_options.find(o) == known_options.npos)
            note(fmt::format("extensions.conf: the option {} of Dial has no effect here",
                             printable({&o, 1})));
    c.dial.go_on = options.find('g') != options.npos;
    if (options.find('r') != options.npos) provisional(c, 180, "Ringing", false, now);
    std::string_view targets = arguments.empty() ? std::string_view() : arguments[0];
    while (!targets.empty()) dial_target(c, trim(cut(targets, '&')), now);
    if (c.dial.legs.empty()) {
        end_dial(c, {});
        return true;
    }
    double seconds = 0;
    if (arguments.size() > 1)
        std::from_chars(arguments[1].data(), arguments[1].data() + arguments[1].size(), seconds);
    if (seconds > 0)
        wake_at(c, now + Duration(static_cast<std::int64_t>(std::min(seconds, 86400.0) * 1e9)));
    return false;
}

// SIP/peer, SIP/peer/extension, SIP/extension@peer
void ExchangeCore::dial_target(Channel& c, std::string_view target, Time now) {
    std::string_view rest = target;
    const std::string_view technology = cut(rest, '/');
    std::string_view extension = rest;
    std::string_view name = cut(extension, '/');
    if (const auto at = name.find('@'); at != name.npos) {
        extension = name.substr(0, at);
        name = name.substr(at + 1);
    }
    const SipPeer* peer = sip_.peer(name);
    if (!iequals(technology, "SIP") || peer == nullptr || !peer->is_peer) {
        note(fmt::format("{}: no way to {}", c.name, printable(target.substr(0, 80))));
        c.cause = 20;
        ++c.dial.unreachable;
        return;
    }
    if (peer->call_limit != 0 && calls_of_[peer->name] >= peer->call_limit) {
        c.cause = 17;
        ++c.dial.busy;
        return;
    }
    const auto ways = ways_to(*peer, now);
    if (ways.empty()) {  // not registered
        c.cause = 20;
        ++c.dial.unreachable;
    }
    for (const auto& [uri, hop] : ways) {
        const std::string to = extension.empty() ? uri
                                                 : fmt::format("sip:{}@{}", escaped_user(extension),
                                                               hop.remote.to_string());
        if (c.dial.tried++ >= max_legs || !call_out(c, *peer, to, hop, now)) ++c.dial.unreachable;
    }
}

// False: the two have no codec in common, or there are too many calls.
bool ExchangeCore::call_out(Channel& c, const SipPeer& peer, std::string_view uri,
                            const sip::Hop& hop, Time now) {
    if (channels_.size() >= Exchange::max_channels) return false;
    const auto wishes = wishes_for(c, peer);
    if (wishes.empty()) {
        c.cause = 58;
        return false;
    }
    Channel& leg = make_channel(&peer, false);
    leg.parent = c.id;
    leg.hop = hop;
    leg.target = uri;
    leg.own_user = peer.from_user.empty() ? c.caller_number : peer.from_user;
    leg.caller_number = c.caller_number;
    leg.caller_name = c.caller_name;
    leg.max_forwards = c.max_forwards - 1;
    leg.call_id = identifiers_.call_id(hop.local.address.to_string());
    by_call_id_[leg.call_id].push_back(leg.id);
    count(leg, true);
    open_media(leg, wishes, hop.local.address);
    leg.described = describe_offer(leg);
    c.dial.legs.push_back(leg.id);
    send_invite(leg, {}, {}, now);
    return true;
}

// The first time, and again with credentials.
void ExchangeCore::send_invite(Channel& leg, const std::string& field, const std::string& value,
                               Time now) {
    const std::string domain =
        leg.peer->from_domain.empty() ? leg.hop.local.address.to_string() : leg.peer->from_domain;
    const std::string user = leg.own_user.empty() ? "anonymous" : escaped_user(leg.own_user);
    const std::string host = leg.peer->from_domain.empty() && leg.hop.local.address.is_v6()
                                 ? fmt::format("[{}]", domain)
                                 : domain;
    std::string from = fmt::format("<sip:{}@{}>;tag={}", user, host, leg.local_tag);
    if (!leg.caller_name.empty()) from = sip::quoted(leg.caller_name) + " " + from;
    sip::Builder b = sip::Builder::request("INVITE", leg.target);
    b.add(Header::from, from)
        .add(Header::to, fmt::format("<{}>", leg.target))
        .add(Header::call_id, leg.call_id)
        .add(Header::cseq, fmt::format("{} INVITE", ++leg.cseq))
        .add(Header::contact, contact_of(leg.hop, user));
    add_abilities(b);
    if (!field.empty()) b.add(field, value);
    b.body("application/sdp", leg.described);
    if (leg.invite != 0) sent_.erase(leg.invite);
    leg.invite = send_request(b, leg.hop, leg.max_forwards, now, {Sent::For::invite, leg.id, 0});
    if (const auto text = transactions_.text(leg.invite)) leg.request = *text;
}

void ExchangeCore::on_invite_response(Channel& leg, const sip::Message& m, Time now) {
    if (m.status() == 100) return;
    if (m.status() < 200) return on_progress(leg, m, now);
    if (m.status() < 300) return on_answered(leg, m, now);
    if ((m.status() == 401 || m.status() == 407) && !leg.challenged && !leg.leaving) {
        leg.challenged = true;
        const std::string& user =
            leg.peer->auth_user.empty() ? leg.peer->name : leg.peer->auth_user;
        const auto [field, value] =
            credentials_for(m, "INVITE", leg.target, user, leg.peer->secret);
        if (!field.empty()) {
            leg.dialog.reset();
            return send_invite(leg, field, value, now);
        }
    }
    on_refused(leg, m.status(), &m, now);
}

void ExchangeCore::on_progress(Channel& leg, const sip::Message& m, Time now) {
    const auto request = sip::Message::parse(leg.request);
    if (!request || leg.leaving) return;
    if (!leg.dialog) leg.dialog = sip::Dialog::as_caller(*request, m);
    if (m.status() == 180) leg.state = Channel::State::ringing;
    Channel* c = find(leg.parent);
    if (c == nullptr) return;
    // Early media of one leg alone is passed on: whose should be heard otherwise?
    const auto sdp = sip::sdp_of(m);
    const bool alone = c->dial.legs.size() == 1;
    if (sdp && alone && settle_answer(leg, *sdp, now)) {
        restrict_to(*c, leg);
        c->dial.early_media = true;
    }
    const bool media = c->dial.early_media;
    if (m.status() == 180 && c->state == Channel::State::down)
        provisional(*c, 180, "Ringing", media, now);
    else if (m.status() == 183 || (sdp && m.status() == 180))
        provisional(*c, 183, "Session Progress", media, now);
    else if (m.status() == 181)
        provisional(*c, 181, "Call is being forwarded", false, now);
}

void ExchangeCore::on_answered(Channel& leg, const sip::Message& m, Time now) {
    const auto request = sip::Message::parse(leg.request);
    const auto cseq = m.cseq();
    if (!request || !cseq) return;
    const bool again = leg.is_up() && leg.dialog && leg.dialog->matches(m);
    auto dialog =
        leg.dialog && leg.dialog->matches(m) ? leg.dialog : sip::Dialog::as_caller(*request, m);
    if (!dialog) return;
    dialog->on_response(m);
    send_ack(*dialog, leg.hop, cseq->number, {});
    if (again) return;
    Channel* c = find(leg.parent);
    const auto sdp = sip::sdp_of(m);
    const bool wanted = !leg.is_up() && !leg.leaving && c != nullptr;
    // Another fork's answer, or one that crossed our CANCEL: it was acknowledged and ends.
    const bool usable = wanted && sdp && settle_answer(leg, *sdp, now);
    if (leg.is_up()) {
        sip::Builder bye = dialog->request("BYE");
        send_request(bye, leg.hop, 70, now, {Sent::For::bye, 0, 0});
        return;
    }
    leg.dialog = std::move(dialog);
    leg.state = Channel::State::up;
    if (!usable) {
        send_in_dialog(leg, "BYE", {}, {}, {}, now, Sent::For::bye);
        return wanted ? on_refused(leg, 488, nullptr, now) : end(leg, now);
    }
    leg.parent = 0;
    std::erase(c->dial.legs, leg.id);
    stop_dialling(*c, 0, now);
    wake_at(*c, c->session_ends);
    c->plan.variables["DIALSTATUS"] = "ANSWER";
    c->cause = 0;
    restrict_to(*c, leg);
    answer_call(*c, now);
    join(*c, leg, now);
}

void ExchangeCore::on_refused(Channel& leg, int status, const sip::Message* m, Time now) {
    Channel* c = find(leg.parent);
    const bool wanted = c != nullptr && !leg.leaving;
    if (wanted && status / 100 == 3 && m != nullptr) {
        redirect(*c, leg, *m, now);
    } else if (wanted) {
        c->cause = cause_of_status(status);
        if (status == 486 || status == 600 || status == 603)
            ++c->dial.busy;
        else
            ++c->dial.congested;
    }
    end(leg, now);
    if (wanted && c->dial.legs.empty() && c->doing == Doing::dialling) dial_over(*c, {}, now);
}

// A phone that sends the call elsewhere: the extension that it names is dialled as the dialplan
// dials it, and the caller is told (RFC 3261 21.3, 21.1.3).
void ExchangeCore::redirect(Channel& c, const Channel& leg, const sip::Message& m, Time now) {
    const auto contacts = m.values(Header::contact);
    const auto contact = contacts.empty() ? std::nullopt : sip::parse_name_addr(contacts.front());
    const std::string extension = contact ? sip::unescaped(sip::user_of(contact->uri)) : "";
    const Application* app = plan_.find(leg.context, extension, 1);
    if (app == nullptr || !iequals(app->name, "Dial") || c.dial.tried >= max_legs) {
        note(fmt::format("{}: redirected to {}, which the dialplan does not dial", c.name,
                         printable(extension)));
        ++c.dial.unreachable;
        return;
    }
    provisional(c, 181, "Call is being forwarded", false, now);
    const auto lookup = [&](std::string_view name) {
        return name == "EXTEN" ? std::optional<std::string>(extension) : variable(c, name);
    };
    const auto arguments = arguments_of(expand(app->arguments, lookup));
    std::string_view targets = arguments.empty() ? std::string_view() : arguments[0];
    while (!targets.empty()) dial_target(c, trim(cut(targets, '&')), now);
}

// Ends the legs that have not answered, all but one.
void ExchangeCore::stop_dialling(Channel& c, ChannelId but, Time now) {
    const std::vector<ChannelId> legs = std::exchange(c.dial.legs, {});
    for (const ChannelId id : legs) {
        Channel* leg = find(id);
        if (leg == nullptr || id == but) continue;
        leg->parent = 0;
        hang_up(*leg, 0, now);
    }
    if (but != 0) c.dial.legs.push_back(but);
}

// `status` empty: what became of the legs decides.
void ExchangeCore::end_dial(Channel& c, std::string_view status) {
    if (status.empty())
        status = c.dial.busy != 0 ? "BUSY" : c.dial.congested != 0 ? "CONGESTION" : "CHANUNAVAIL";
    c.plan.variables["DIALSTATUS"] = status;
    c.dial = {};
    c.doing = Doing::nothing;
}

void ExchangeCore::dial_over(Channel& c, std::string_view status, Time now) {
    end_dial(c, status);
    wake_at(c, c.session_ends);
    run(c, now);
}

}  // namespace sipana::lab
