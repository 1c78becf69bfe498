// INVITE to the exchange, and what follows in its dialog (RFC 3261 13, 14, 15; RFC 4028).
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/exchange_core.h"
#include "libsipana/sip/body.h"
#include "libsipana/sip/fields.h"

namespace sipana::lab {

using sip::Header;

namespace {

constexpr std::string_view pickup_extension = "*8";

std::uint32_t forwards_left(const sip::Message& m) {
    const auto value = m.header(Header::max_forwards);
    const std::uint32_t left = value ? sip::parse_number(*value).value_or(70) : 70;
    return std::min<std::uint32_t>(left, 70);
}

}  // namespace

void ExchangeCore::on_invite(const Incoming& in) {
    const sip::Message& m = in.message;
    if (refuse_requirements(in)) return;
    const SipPeer* peer = peer_of(m, in.from, in.now);
    const bool trusted = peer != nullptr ? peer->insecure_invite : sip_.allow_guest;
    if (!trusted && authenticate(in, peer) == Admission::answered) return;
    const PeerDefaults& ways = how(peer);
    std::uint32_t session_s = 0;
    std::string offer, extension;
    if (!accept_timer(in, ways, session_s) || !accept_offer(in, ways, offer)) return;
    if (channels_.size() >= Exchange::max_channels) return answer(in, 503, "Service Unavailable");
    if (peer != nullptr && peer->call_limit != 0 && calls_of_[peer->name] >= peer->call_limit)
        return answer(in, 480, "Temporarily Unavailable (Call limit)");
    const auto replaces = m.header(Header::replaces);
    const bool pickup = sip::unescaped(sip::user_of(m.request_uri())) == pickup_extension;
    if (pickup)
        extension = pickup_extension;
    else if (!replaces && !find_extension(in, ways.context, ways.allow_overlap, extension))
        return;
    Channel& c = begin_incoming(in, peer, std::move(offer), extension);
    c.session_expires_s = session_s;
    if (replaces) {
        take_over(c, *replaces, in.now);
        return;
    }
    provisional(c, 100, "Trying", false, in.now);
    if (pickup) return pick_up(c, in.now);
    enter(c, ways.context, extension, 1);
    run(c, in.now);
}

Channel& ExchangeCore::begin_incoming(const Incoming& in, const SipPeer* peer, std::string offer,
                                      std::string_view extension) {
    const sip::Message& m = in.message;
    Channel& c = make_channel(peer, true);
    c.hop = in.from;
    c.invite = c.served = in.id;
    served_[in.id] = c.id;
    c.request = m.text();
    c.call_id = m.call_id();
    by_call_id_[c.call_id].push_back(c.id);
    c.dialog = sip::Dialog::as_callee(m, c.local_tag);
    c.own_user = extension;
    c.max_forwards = forwards_left(m);
    c.offered = std::move(offer);
    const auto from = sip::parse_name_addr(m.header(Header::from).value_or(""));
    if (from) {
        c.caller_number = sip::unescaped(sip::user_of(from->uri));
        c.caller_name = from->display_name();
    }
    if (peer != nullptr && !peer->caller_number.empty()) c.caller_number = peer->caller_number;
    if (peer != nullptr && !peer->caller_name.empty()) c.caller_name = peer->caller_name;
    if (peer != nullptr)
        for (const auto& [name, value] : peer->variables) c.plan.variables[name] = value;
    count(c, true);
    open_media(c, wishes_of(how(peer)), in.from.local.address);
    return c;
}

void ExchangeCore::count(Channel& c, bool begins) {
    if (c.peer == nullptr || c.counted == begins) return;
    c.counted = begins;
    std::uint32_t& calls = calls_of_[c.peer->name];
    calls = begins ? calls + 1 : calls - std::min(calls, 1u);
}

// RFC 4028 9: too short an interval is refused with the least that is accepted.
bool ExchangeCore::accept_timer(const Incoming& in, const PeerDefaults& ways,
                                std::uint32_t& seconds) {
    const sip::Message& m = in.message;
    const bool refused = ways.session_timers == SessionTimers::refuse;
    if (refused && sip::lists(m, Header::require, "timer")) {
        answer(in, 420, "Option Disabled", {{"Unsupported", "timer"}});
        return false;
    }
    const auto value = m.header(Header::session_expires);
    if (!value || refused) return true;
    const auto wanted = sip::parse_session_expires(*value);
    const auto least = m.header(Header::min_se);
    if (!wanted || (least && !sip::parse_session_expires(*least))) {
        answer(in, 400, "Session-Expires Invalid Syntax");
        return false;
    }
    if (wanted->seconds < ways.min_se_s) {
        answer(in, 422, "Session Interval Too Small", {{"Min-SE", std::to_string(ways.min_se_s)}});
        return false;
    }
    if (sip::lists(m, Header::supported, "timer") || sip::lists(m, Header::require, "timer"))
        seconds = std::min(wanted->seconds, std::max(ways.session_expires_s, ways.min_se_s));
    return true;
}

// The offer of an INVITE, which may have none. False: answered with 415 or 488.
bool ExchangeCore::accept_offer(const Incoming& in, const PeerDefaults& ways, std::string& offer) {
    const sip::Message& m = in.message;
    if (m.body().empty()) return true;
    const auto sdp = sip::sdp_of(m);
    const auto type = sip::parse_content_type(m.header(Header::content_type).value_or(""));
    const bool encoded = m.header(Header::content_encoding).has_value();
    const bool described = type && type->is("application", "sdp");
    if (!sdp && (encoded || (!described && type && !iequals(type->type, "multipart")))) {
        // RFC 3261 8.2.3
        if (encoded)
            answer(in, 415, "Unsupported Media type",
                   {{"Accept-Encoding", "identity"}, {"Accept", "application/sdp"}});
        else
            answer(in, 415, "Unsupported Media type", {{"Accept", "application/sdp"}});
        return false;
    }
    if (!sdp || !has_common(*sdp, ways)) {
        answer(in, 488, "Not acceptable here");
        return false;
    }
    offer = *sdp;
    return true;
}

// ---------------------------------------------------------------- our responses to it

// `request`: the INVITE of `c` that is being answered.
void ExchangeCore::respond_call(Channel& c, int status, std::string_view reason, const Fields& more,
                                std::string_view sdp, Time now) {
    const auto request = sip::Message::parse(c.request);
    if (!request || c.invite == 0) return;
    sip::Builder b = response(*request, c.hop, status, reason, c.local_tag);
    if (status < 300) b.add(Header::contact, contact_of(c.hop, c.own_user));
    for (const auto& [name, value] : more) b.add(name, value);
    if (!sdp.empty()) b.body("application/sdp", sdp);
    auto text = b.write();
    if (!text) return note("could not write a response: " + text.error().what);
    if (const auto sent = sip::Message::parse(*text); sent && c.dialog) c.dialog->on_sent(*sent);
    transactions_.respond(c.invite, std::move(*text), now);
    if (status >= 200) c.invite = 0;
}

void ExchangeCore::provisional(Channel& c, int status, std::string_view reason, bool with_media,
                               Time now) {
    if (!c.incoming || c.is_up() || c.dead() || c.invite == 0) return;
    std::string sdp;
    if (with_media && (!c.described.empty() || (!c.offered.empty() && describe_answer(c, now))))
        sdp = c.described;
    if (status == 180) c.state = Channel::State::ringing;
    respond_call(c, status, reason, {}, sdp, now);
}

void ExchangeCore::answer_call(Channel& c, Time now) {
    if (!c.incoming || c.is_up() || c.dead() || c.invite == 0) return;
    if (c.described.empty()) {
        if (c.offered.empty())
            c.described = describe_offer(c);
        else
            describe_answer(c, now);
    }
    c.state = Channel::State::up;
    c.acknowledged = false;
    respond_call(c, 200, "OK", session_fields(c, now), c.described, now);
}

ExchangeCore::Fields ExchangeCore::session_fields(Channel& c, Time now) {
    c.session_ends = no_time;
    if (c.session_expires_s == 0) return {};
    c.session_ends = now + std::chrono::seconds{c.session_expires_s};
    if (c.wake == no_time || c.wake > c.session_ends) wake_at(c, c.session_ends);
    return {{"Require", "timer"},
            {"Session-Expires", fmt::format("{};refresher=uac", c.session_expires_s)}};
}

void ExchangeCore::refuse_call(Channel& c, int status, std::string_view reason, const Fields& more,
                               Time now) {
    if (!c.incoming || c.is_up() || c.invite == 0) return;
    respond_call(c, status, reason, more, {}, now);
}

// ---------------------------------------------------------------- the end

// `cause` is Q.850's; 0: none, which is 603 where nothing was answered.
void ExchangeCore::hang_up(Channel& c, int cause, Time now) {
    if (c.dead() || c.leaving) return;
    if (c.cause == 0) c.cause = cause;
    if (c.incoming && !c.is_up()) {
        const Refusal refusal = status_of_cause(c.cause);
        refuse_call(c, refusal.code, refusal.phrase, {}, now);
        return end(c, now);
    }
    if (!c.incoming && !c.is_up()) {  // gone when its INVITE has its final response
        c.leaving = true;
        transactions_.cancel(c.invite, now);
        return leave(c, now);
    }
    if (c.incoming && !c.acknowledged) {  // RFC 3261 15: no BYE before the ACK
        c.leaving = true;
        return leave(c, now);
    }
    send_in_dialog(c, "BYE", {}, {}, {}, now, Sent::For::bye);
    end(c, now);
}

// Takes leave of all others, while the signalling has yet to end.
void ExchangeCore::leave(Channel& c, Time now) {
    stop_dialling(c, 0, now);
    c.doing = Channel::Doing::nothing;
    c.plan.active = false;
    if (Channel* parent = find(c.parent); parent != nullptr) std::erase(parent->dial.legs, c.id);
    c.parent = 0;
    const ChannelId other = c.bridge;
    part(c);
    if (Channel* o = find(other)) other_gone(*o, now);
}

void ExchangeCore::end(Channel& c, Time now) {
    if (c.dead()) return;
    leave(c, now);
    close_media(c, now);
    count(c, false);
    wake_at(c, no_time);
    c.state = Channel::State::ended;
    dead_.push_back(c.id);
}

void ExchangeCore::on_bye(const Incoming& in, Channel& c) {
    if (refuse_requirements(in)) return;
    answer(in, 200, "OK");
    refuse_call(c, 487, "Request Terminated", {}, in.now);
    transactions_.stop_repeating(c.served);
    if (c.transfer.pending) notify_transfer(c, 503, "Service Unavailable", in.now);
    end(c, in.now);
}

// ---------------------------------------------------------------- INVITE again

void ExchangeCore::on_reinvite(const Incoming& in, Channel& c) {
    const PeerDefaults& ways = how(c.peer);
    std::uint32_t session_s = 0;
    std::string offer;
    if (refuse_requirements(in) || !accept_timer(in, ways, session_s) ||
        !accept_offer(in, ways, offer))
        return;
    c.invite = in.id;
    c.request = in.message.text();
    c.hop = in.from;
    c.session_expires_s = session_s;
    served_.erase(c.served);
    served_[in.id] = c.id;
    c.served = in.id;
    c.offered = std::move(offer);
    c.negotiated = false;
    if (c.offered.empty())
        c.described = describe_offer(c);
    else
        describe_answer(c, in.now);
    c.acknowledged = false;
    respond_call(c, 200, "OK", session_fields(c, in.now), c.described, in.now);
    Channel* other = find(c.bridge);
    if (c.direct && c.negotiated && other != nullptr && other->reinvite == 0)
        point_at(*other, &c, in.now);
}

// Ours are those of directmedia. Where a phone refuses, both come back to the exchange.
void ExchangeCore::on_reinvite_response(Channel& c, const sip::Message& m, Time now) {
    if (m.status() < 200) return;
    c.reinvite = 0;
    Channel* other = find(c.bridge);
    if (m.status() >= 300 && c.direct) {
        c.direct = false;
        if (other != nullptr && other->direct) point_at(*other, nullptr, now);
    }
    if (m.status() >= 300) return;
    const auto cseq = m.cseq();
    if (c.dialog && cseq) send_ack(*c.dialog, c.hop, cseq->number, {});
    if (const auto sdp = sip::sdp_of(m)) settle_answer(c, *sdp, now);
}

}  // namespace sipana::lab
