// Calls: how a call stands after each message that is new (RFC 3261 9, 10, 13 to 16; RFC 3515, RFC 6665).
#include <algorithm>

#include "libsipana/analysis/calls.h"
#include "libsipana/base/text.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/uri.h"

namespace sipana::analysis {
namespace {

using sip::Header;
using sip::Method;

CallState state_of(std::uint16_t code, const LiveCall& c) {
    if (code >= 200 && code < 300) return c.kind == CallKind::invite ? CallState::answered : CallState::done;
    // Credentials that are challenged again were wrong, or their nonce was too old.
    if (code == 401 || code == 407) return c.credentials ? CallState::failed : CallState::challenged;
    if (code >= 300 && code < 400) return CallState::redirected;
    if (code == 486 || code == 600) return CallState::busy;
    if (code == 487) return CallState::cancelled;
    if (code == 603 || code == 607 || code == 608) return CallState::declined;
    return CallState::failed;
}

std::optional<std::uint32_t> expires_of(const sip::Message& m, const sip::NameAddr& contact) {
    if (const auto own = to_number(contact.param("expires").value_or(""))) return own;
    return to_number(trim(m.header(Header::expires).value_or("")));
}

// The seconds that a REGISTER asks for: the Contact's own parameter first (RFC 3261 10.2.1.1).
std::uint32_t asked_expiry(const sip::Message& m) {
    const auto contact = sip::parse_name_addr(m.header(Header::contact).value_or(""));
    return (contact ? expires_of(m, *contact) : std::nullopt).value_or(LiveCall::unsaid);
}

struct Granted {
    std::uint32_t seconds = 0;
    bool bound = false;  // a binding is left
};

// What the 2xx to a REGISTER grants to `contact`. It lists all bindings of the address-of-record
// (10.3), those of other devices too. Some registrars rewrite the Contact, some list none.
Granted granted_binding(const sip::Message& m, std::string_view contact, std::uint32_t asked) {
    const auto own = sip::parse_uri(contact);
    std::uint32_t most = 0;
    bool any = false;
    for (std::string_view value : m.values(Header::contact)) {
        const auto listed = sip::parse_name_addr(value);
        if (!listed) continue;
        const std::optional<std::uint32_t> expires = expires_of(m, *listed);
        const auto uri = sip::parse_uri(listed->uri);
        if (own && uri && sip::equal(*own, *uri)) {
            if (expires) return {*expires, *expires > 0};
            return {asked == LiveCall::unsaid ? 0 : asked, asked != 0};
        }
        any = true;
        most = std::max(most, expires.value_or(0));
    }
    if (asked == 0) return {};
    if (any) return {most, true};
    const std::uint32_t said =
        to_number(trim(m.header(Header::expires).value_or(""))).value_or(asked);
    return {said == LiveCall::unsaid ? 0 : said, said != LiveCall::unsaid && said > 0};
}

std::string_view agent(const sip::Message& m) {
    const auto server = m.header(Header::server);
    return trim(server ? *server : m.header(Header::user_agent).value_or(""));
}

void keep_first(LiveCall& c, const sip::Message& m, const Named& from, const Named& to) {
    std::string_view contact;
    if (c.kind == CallKind::register_)
        if (const auto parsed = sip::parse_name_addr(m.header(Header::contact).value_or(""))) contact = parsed->uri;
    const bool subscribes = c.kind == CallKind::subscribe;
    c.first.keep({m.call_id(), from.display, from.uri, to.display, to.uri, m.request_uri(),
                  m.is_request() ? agent(m) : "",
                  subscribes ? trim(m.header(Header::event).value_or("")) : "", contact});
}

// Is that final response a request to try again, corrected (RFC 3261 8.1.3.4, 8.1.3.5, 10.2.8; RFC 3329,
// RFC 3578, RFC 4028)?
bool asks_again(std::uint16_t code) {
    if (code >= 300 && code < 400) return true;
    switch (code) {
        case 401:
        case 407:
        case 413:
        case 415:
        case 416:
        case 420:
        case 421:
        case 422:
        case 423:
        case 428:
        case 484:
        case 494: return true;
        default: return false;
    }
}

// Has the caller's own hop been answered with anything?
bool heard(const LiveCall& c) {
    return c.attempt != none && c.attempt >= c.dropped_transactions &&
           c.transactions[c.attempt - c.dropped_transactions].answered();
}

// The Reason of what ended the call, beside what its final response said.
void keep_end(LiveCall& c, const sip::Message& m) {
    if (const auto reason = m.header(Header::reason)) {
        const std::string phrase(c.final[Words::reason]), server(c.final[Words::callee_agent]);
        c.final.keep({phrase, server, trim(*reason)});
    }
}

}  // namespace

CallKind kind_of(Method method) {
    switch (method) {
        case Method::register_: return CallKind::register_;
        case Method::subscribe:
        case Method::notify: return CallKind::subscribe;
        case Method::message: return CallKind::message;
        case Method::options: return CallKind::options;
        case Method::invite:
        case Method::ack:
        case Method::bye:
        case Method::cancel:
        case Method::prack:
        case Method::update: return CallKind::invite;
        default: return CallKind::other;
    }
}

// The first request of a call, or an initial one after messages that cannot be the first.
void Calls::begin(LiveCall& c, const sip::Message& m, const Facts& facts, const Seen& seen,
                  bool& from_caller) {
    const bool initial = facts.to_tag == 0;
    // Responses told already who calls whom, and which tag is whose.
    const bool known = !c.first_is_request && !c.first.has_only_first();
    c.first_is_request = true;
    if (known && !initial) return;
    keep_first(c, m, initial ? facts.from : named(m.header(Header::from)),
               initial ? facts.to : named(m.header(Header::to)));
    c.caller = seen.src;
    c.callee = seen.dst;
    c.caller_tag = facts.from_tag;
    from_caller = true;
}

void Calls::on_request(LiveCall& c, const sip::Message& m, const Facts& facts, const Seen& seen,
                       const SipMessage& r, bool from_caller) {
    const Method method = m.method();
    const bool initial = facts.to_tag == 0;
    // An INVITE makes a call of whatever the Call-ID was used for before, and so does what only
    // a call has, where nothing was seen that began something else.
    const bool makes_call = method == Method::invite ? initial || !c.asked
                                                     : !c.asked && kind_of(method) == CallKind::invite;
    if (makes_call && c.kind != CallKind::invite) {
        c.kind = CallKind::invite;
        c.method = Method::invite;
        c.attempt = none;
        c.first_is_request = c.asked = c.over = c.granted = false;
        c.state = CallState::trying;
        c.final_code = 0;
        c.answered_at = no_time;
        c.first.keep({m.call_id()});
    }
    if (!c.first_is_request || (initial && method == c.method && !c.asked)) {
        begin(c, m, facts, seen, from_caller);
        if (!initial && c.kind == CallKind::invite && c.state == CallState::trying)
            c.state = CallState::answered;  // the capture began within the call
    }
    const bool restarts = method == c.method && from_caller && method != Method::ack &&
                          (initial || c.kind != CallKind::invite);
    if (restarts && (c.attempt == none || r.cseq > c.attempt_cseq)) on_try(c, m, r);
    if (restarts) c.asked = true;
    if (method == Method::bye && c.kind == CallKind::invite && c.ended_at == no_time) {
        on_bye(c, m, seen.time, from_caller);
    } else if (method == Method::cancel && c.kind == CallKind::invite && c.answered_at == no_time) {
        // Of the caller's own INVITE, not of one branch that a proxy gives up (16.7, 16.8).
        const auto is = [&](std::uint32_t t) { return c.transactions[t - c.dropped_transactions].branch; };
        if (c.attempt != none && c.attempt >= c.dropped_transactions && is(c.attempt) != is(r.transaction)) return;
        c.cancelled = true;
        keep_end(c, m);
        c.ended = Ended::by_caller;
    } else if (method == Method::notify) {
        on_notify(c, m);
    }
}

// The initial request, or a try again after a challenge, a redirection or a correction.
void Calls::on_try(LiveCall& c, const sip::Message& m, const SipMessage& r) {
    if (c.attempt != none && (c.final_code == 401 || c.final_code == 407)) ++c.challenges;
    c.attempt = r.transaction;
    c.attempt_cseq = r.cseq;
    c.final_code = 0;
    c.final_at = no_time;
    c.final_is_nearest = false;
    c.over = false;
    c.credentials = m.header(Header::authorization) || m.header(Header::proxy_authorization);
    if (c.kind == CallKind::register_) c.asked_expires = asked_expiry(m);
    if (!c.granted && (c.kind != CallKind::invite || c.answered_at == no_time)) c.state = CallState::trying;
}

void Calls::on_bye(LiveCall& c, const sip::Message& m, Time now, bool from_caller) {
    const std::uint32_t tag = hash_of_tag(from_caller ? m.to_tag() : m.from_tag());
    if (c.other_tag != 0 && (tag == c.answered_tag || tag == c.other_tag)) {
        // Two branches answered: the other one goes on (13.2.2.4).
        if (tag == c.answered_tag) c.answered_tag = c.other_tag;
        c.other_tag = 0;
        return;
    }
    if (c.answered_tag != 0 && tag != c.answered_tag) return;  // an early dialog given up (15)
    c.ended_at = now;
    c.ended = from_caller ? Ended::by_caller : Ended::by_callee;
    keep_end(c, m);
    // Where one way alone was captured, an ACK tells of the answer.
    const auto acked = [&] {
        return c.attempt < c.dropped_transactions || c.transactions[c.attempt - c.dropped_transactions].acked;
    };
    if (c.answered_at != no_time || c.attempt == none || (c.final_code == 0 && acked()))
        c.state = CallState::completed;
    else if (c.final_code == 0)
        c.state = CallState::cancelled;
    c.over = true;
}

void Calls::on_notify(LiveCall& c, const sip::Message& m) {
    const auto state = sip::parse_subscription_state(m.header(Header::subscription_state).value_or(""));
    const bool ends = state && iequals(state->state, "terminated");
    if (ends && istarts_with(trim(m.header(Header::event).value_or("")), "refer")) c.referring = false;
    if (c.kind != CallKind::subscribe || c.method != Method::subscribe) return;
    if (ends) {
        c.state = CallState::terminated;
        c.over = true;
    } else if (c.state != CallState::terminated) {
        c.state = CallState::active;
        if (c.expires_s == 0 && state) c.expires_s = state->expires().value_or(0);
    }
}

// A response to something else than the initial request.
void Calls::on_other_response(LiveCall& c, const SipMessage& r, bool to_caller) {
    if (r.code < 200) return;
    const bool asked = c.transactions[r.transaction - c.dropped_transactions].asked();
    if (r.method == Method::bye && c.kind == CallKind::invite && c.ended_at == no_time && !asked) {
        c.ended_at = r.time;  // the BYE itself was not captured
        c.ended = to_caller ? Ended::by_caller : Ended::by_callee;
        c.state = CallState::completed;
        c.over = true;
    } else if (r.method == Method::notify && r.code == 481 && c.state == CallState::active) {
        c.state = CallState::terminated;  // RFC 6665 4.2.2
        c.over = true;
    }
}

void Calls::on_response(LiveCall& c, const sip::Message& m, const Seen& seen, const SipMessage& r,
                        bool to_caller) {
    if (!c.first_is_request && c.first.has_only_first()) {  // its request was not captured, or comes late
        keep_first(c, m, named(m.header(Header::from)), named(m.header(Header::to)));
        c.caller = seen.dst;
        c.callee = seen.src;
    }
    LiveTransaction& t = c.transactions[r.transaction - c.dropped_transactions];
    if (r.code >= 200 && t.final_code == 0) t.final_code = r.code;
    if (r.method == Method::refer && r.code >= 200 && r.code < 300 &&
        !iequals(trim(m.header(Header::refer_sub).value_or("")), "false"))
        c.referring = true;
    if (r.method != c.method) return on_other_response(c, r, to_caller);
    if (c.attempt == none && !c.first_is_request) {
        c.attempt = r.transaction;
        c.attempt_cseq = r.cseq;
    }
    if (r.cseq != c.attempt_cseq || c.attempt == none) return;  // a re-INVITE, or an earlier try
    const bool nearest = r.transaction == c.attempt;
    if (!nearest && !to_caller) return;  // another leg that shares the Call-ID
    if (r.code > 100 && r.code < 200) {
        // What rings further on after the caller was refused, rings for nobody.
        const bool rings = c.final_code == 0 && (nearest || !heard(c));
        if (c.ringing_at == no_time && c.kind == CallKind::invite && rings) c.ringing_at = seen.time;
        if (c.state == CallState::trying) c.state = CallState::ringing;
    } else if (r.code >= 200) {
        // Two hops of a proxy may end differently (a fork): what the caller heard counts.
        const bool success = r.code < 300;
        const bool had_success = c.final_code >= 200 && c.final_code < 300;
        if (!nearest && !success && heard(c)) return;
        if (c.final_code == 0 || (success && !had_success) || (nearest && !c.final_is_nearest)) {
            if (nearest && c.final_code != 0) c.answered_at = no_time;  // heard elsewhere until now
            c.final_code = r.code;
            c.final_is_nearest = nearest;
            on_final(c, m, seen);
        } else if (success && had_success && c.kind == CallKind::invite && nearest) {
            const std::uint32_t tag = hash_of_tag(m.to_tag());
            if (tag != c.answered_tag && c.ended_at == no_time) c.other_tag = tag;
        }
    }
}

void Calls::on_final(LiveCall& c, const sip::Message& m, const Seen& seen) {
    c.final_at = seen.time;
    const bool success = c.final_code < 300;
    const auto reason = m.header(Header::reason);
    // Of a call that was given up, the CANCEL or BYE has said why.
    const std::string kept(reason || success ? std::string_view{} : c.final[Words::reason_header]);
    c.final.keep({m.reason(), agent(m), reason ? trim(*reason) : std::string_view(kept)});
    if (success && c.answered_at == no_time) c.answered_at = seen.time;
    switch (c.kind) {
        case CallKind::invite:
            if (success) {
                c.answered_tag = hash_of_tag(m.to_tag());
                if (c.ended_at == no_time) c.ended = Ended::unknown;  // a CANCEL that came too late
            }
            if (c.ended_at != no_time && c.answered_at != no_time)
                c.state = CallState::completed;
            else if (c.answered_at == no_time || success)
                c.state = state_of(c.final_code, c);
            c.over = success ? c.ended_at != no_time : c.final_is_nearest;
            if (!success && c.ended == Ended::unknown && c.state != CallState::challenged)
                c.ended = Ended::by_callee;
            break;
        case CallKind::register_:
        case CallKind::subscribe:
            if (success) {
                on_granted(c, m);
            } else {
                c.state = state_of(c.final_code, c);
                c.over = true;
            }
            break;
        default:
            c.state = state_of(c.final_code, c);
            c.over = true;
    }
}

void Calls::on_granted(LiveCall& c, const sip::Message& m) {
    c.granted = true;
    if (c.kind == CallKind::register_) {
        const Granted g = granted_binding(m, c.first[Words::contact], c.asked_expires);
        c.expires_s = g.seconds;
        c.state = g.bound ? CallState::registered : CallState::unregistered;
    } else if (c.method == Method::notify) {
        c.state = CallState::done;
    } else {
        c.expires_s = to_number(trim(m.header(Header::expires).value_or(""))).value_or(c.expires_s);
        if (c.state != CallState::terminated) c.state = CallState::active;
    }
    c.over = c.state == CallState::unregistered || c.state == CallState::done ||
             c.state == CallState::terminated;
}

// After a challenge, a redirection or a request for correction another try is likely; what was sent again once
// may be so once more; a final response without its ACK, and a BYE without its response, will be retransmitted for 64 T1 (RFC 3261 17.1.2.2,
// 17.2.1); a REFER that was accepted is told of (RFC 3515 2.4.4).
bool Calls::expects_more(const LiveCall& c) const {
    if (c.referring || asks_again(c.final_code) || c.retransmissions > 0) return true;
    if (c.kind != CallKind::invite) return false;
    for (const LiveTransaction& t : c.transactions) {
        const bool asked = t.asked();
        if (t.method == Method::invite && asked && t.final_code >= 200 && !t.acked) return true;
        if (t.method == Method::bye && t.final_code == 0) return true;
    }
    return false;
}

}  // namespace sipana::analysis
