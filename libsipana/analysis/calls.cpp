#include "libsipana/analysis/calls.h"

#include <algorithm>
#include <span>

#include "libsipana/base/text.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/uri.h"

namespace sipana::analysis {
namespace {

using namespace std::chrono_literals;
using sip::Header;
using sip::Method;

constexpr Duration t1 = 500ms;                    // RFC 3261 17.1.1.1
constexpr Duration timer_b = 64 * t1;             // and timers F, H, J
constexpr Duration timer_c = 3min;                // RFC 3261 16.6
constexpr Duration seen_step = 4ms;
constexpr Duration duplicate_window = 20ms;       // far below T1: nobody retransmits so soon
constexpr Duration sweep_interval = 15s;
constexpr std::size_t most_transactions = 256;    // remembered of one call

// The half of a hash that a HashIndex does not keep, as a number in one.
std::uint32_t rest_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> 32) & (HashIndex::nil >> 1);
}

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

// The method that began what this message is the first of. Within a dialog INFO is of an INVITE
// (RFC 6086 3), so most likely are OPTIONS, MESSAGE and REFER, and NOTIFY is of a subscription.
Method initial_method(const sip::Message& m) {
    const Method method = m.method();
    if (kind_of(method) == CallKind::invite) return Method::invite;
    if (m.is_response()) return method == Method::info ? Method::invite : method;
    if (m.to_tag().empty()) return method;
    switch (method) {
        case Method::notify: return Method::subscribe;
        case Method::info:
        case Method::options:
        case Method::message:
        case Method::refer: return Method::invite;
        default: return method;
    }
}

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

void keep_first(LiveCall& c, const sip::Message& m) {
    const auto from = sip::parse_name_addr(m.header(Header::from).value_or(""));
    const auto to = sip::parse_name_addr(m.header(Header::to).value_or(""));
    std::string_view contact;
    if (c.kind == CallKind::register_)
        if (const auto parsed = sip::parse_name_addr(m.header(Header::contact).value_or(""))) contact = parsed->uri;
    const bool subscribes = c.kind == CallKind::subscribe;
    c.first.keep({m.call_id(), from ? from->display : "", from ? from->uri : "", to ? to->display : "", to ? to->uri : "",
                  m.request_uri(), m.is_request() ? agent(m) : "",
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

void Words::keep(std::initializer_list<std::string_view> words) {
    std::size_t size = 0, n = 0;
    for (std::string_view w : words) ends_[n++] = static_cast<std::uint16_t>(size += std::min(w.size(), longest));
    while (n < count) ends_[n++] = static_cast<std::uint16_t>(size);
    if (size == 0) return;
    block_ = std::make_unique<char[]>(size);
    char* to = block_.get();
    for (std::string_view w : words) to += w.copy(to, longest);
}

Calls::Calls(const Options& options, Owner& owner) : options_(options), owner_(owner) {}

std::uint32_t Calls::find(std::string_view call_id) const {
    return by_id_.find(hash_of(call_id),
                       [&](std::uint32_t i) { return pool_[i].call_id() == call_id.substr(0, Words::longest); });
}

void Calls::fetch(std::uint64_t key, unsigned step) const {
    if (step == 0) return by_id_.fetch(key);
    const std::uint32_t i = by_id_.peek(key);
    if (i == HashIndex::nil) return;
    if (step == 1) return pool_.fetch(i);
    const LiveCall& c = pool_[i];
    __builtin_prefetch(c.call_id().data());
    const auto* t = reinterpret_cast<const unsigned char*>(c.transactions.data());
    for (std::size_t at = 0; at < 2 * sizeof(LiveTransaction); at += 64) __builtin_prefetch(t + at);
}

std::string_view Calls::keep(LiveCall& call, std::string_view text, bool stable) {
    if (stable) return text;
    return call.extra().texts.keep(text);
}

std::uint32_t Calls::open(std::string_view call_id, const sip::Message& m, const Facts& facts,
                          const Seen& seen) {
    const std::uint32_t i = pool_.make();
    LiveCall& c = pool_[i];
    c.number = next_number_++;
    c.hash = facts.call;
    c.first.keep({call_id});
    c.start = seen.time;
    c.method = initial_method(m);
    c.kind = kind_of(c.method);
    c.transport = seen.transport;
    c.caller_tag = facts.from_tag;
    if (options_.detail == Detail::full) c.extra();
    by_id_.insert(c.hash, i);
    forget_gone();
    oldest_.emplace_back(i, c.number);
    while (pool_.count() > options_.max_live_calls && !oldest_.empty()) {
        const auto [old, number] = oldest_.front();
        oldest_.pop_front();
        if (pool_.alive(old) && pool_[old].number == number && old != i) hand_on(old);
    }
    return i;
}

// RFC 3261 17.1.3, 17.2.3: branch and method; without the magic cookie RFC 2543's fields stand in.
// The ACK of a non-2xx response shares the INVITE's branch; that of a 2xx is found by its CSeq.
std::uint32_t Calls::transaction_of(LiveCall& c, const Facts& facts, const sip::CSeq& cseq,
                                    bool from_caller) {
    const bool ack = cseq.method == Method::ack;
    const Method method = ack ? Method::invite : cseq.method;
    std::uint64_t key = mix(facts.branch, std::uint64_t{cseq.number} << 8 | static_cast<unsigned>(method));
    if (method == Method::other) key = mix(key, hash_of(cseq.method_name));
    for (std::size_t i = c.transactions.size(); i-- > 0;)
        if (c.transactions[i].key == key) return static_cast<std::uint32_t>(i);
    if (ack) {  // end to end: it speaks for each hop that it passes, or passes by
        std::size_t found = c.transactions.size();
        for (std::size_t i = c.transactions.size(); i-- > 0;) {
            LiveTransaction& t = c.transactions[i];
            if (t.method != Method::invite || t.cseq != cseq.number || t.from_caller != from_caller) continue;
            t.acked = true;
            found = i;
        }
        if (found != c.transactions.size()) return static_cast<std::uint32_t>(found);
    }
    if (c.transactions.size() == most_transactions) {
        constexpr auto half = most_transactions / 2;
        c.transactions.erase(c.transactions.begin(), c.transactions.begin() + half);
        c.dropped_transactions += half;
    }
    if (c.transactions.empty()) c.transactions.reserve(2);
    LiveTransaction& t = c.transactions.emplace_back();
    t.key = key;
    t.branch = static_cast<std::uint32_t>(facts.branch);
    t.cseq = cseq.number;
    t.method = method;
    t.from_caller = from_caller;
    return static_cast<std::uint32_t>(c.transactions.size() - 1);
}

// Was this very message seen before in its transaction? Then it was sent again, or, so soon after that no
// timer can have fired, seen twice by the capture. Sets the record's flags. Between two others the same
// message is another hop's: some boxes pass it on without a Via of their own.
bool Calls::repeated(LiveTransaction& t, const Facts& facts, const Seen& seen, SipMessage& record) {
    const bool ack = record.is_request() && record.method == Method::ack;
    if (ack) t.acked = true;
    const std::size_t first = ack ? 6 : record.is_request() ? 0 : 2, end = ack ? 8 : record.is_request() ? 2 : 6;
    const auto id = static_cast<std::uint32_t>(mix(mix(hash(seen.src), hash(seen.dst)), facts.version) | 1);
    const auto at = static_cast<std::uint16_t>(seen.time / seen_step);
    for (std::size_t i = first; i < end; ++i) {
        if (t.hashes[i] != id) continue;
        const auto since = static_cast<std::uint16_t>(at - t.seen_at[i]);
        (since < duplicate_window / seen_step ? record.capture_duplicate : record.retransmission) = true;
        t.seen_at[i] = at;
        return true;
    }
    std::rotate(t.hashes + first, t.hashes + end - 1, t.hashes + end);
    std::rotate(t.seen_at + first, t.seen_at + end - 1, t.seen_at + end);
    t.hashes[first] = id;
    t.seen_at[first] = at;
    return false;
}

Placed Calls::place(const sip::Message& m, const Facts& facts, const Seen& seen) {
    advance(seen.time);
    Placed p;
    SipMessage& r = p.record;
    r.frame = seen.frame;
    r.time = seen.time;
    r.src = seen.src;
    r.dst = seen.dst;
    r.transport = seen.transport;
    r.has_sdp = facts.has_sdp;
    r.text = m.text();
    r.code = static_cast<std::uint16_t>(m.status());
    const std::optional<sip::CSeq> cseq = m.cseq();
    r.method = m.method();
    r.method_name = m.method_name();
    if (cseq) r.cseq = cseq->number;
    const std::string_view id = m.call_id().substr(0, Words::longest);
    if (id.empty()) return p;

    p.call = by_id_.find(facts.call, [&](std::uint32_t i) { return pool_[i].call_id() == id; });
    if (p.call == HashIndex::nil) {
        if (is_late(m, facts)) {
            p.call = none;
            p.late = true;
            return p;
        }
        p.call = open(id, m, facts, seen);
        p.is_new_call = true;
    }
    LiveCall& c = pool_[p.call];
    c.last = seen.time;
    ++c.message_count;
    bool from_caller = facts.from_tag == c.caller_tag;
    // Another try of the same caller, with another tag: 8.1.3.5 says only SHOULD of keeping it.
    if (!from_caller && m.is_request() && m.method() == c.method && seen.src == c.caller &&
        (c.final_code >= 300 || c.kind == CallKind::register_) && facts.to_tag == 0) {
        c.caller_tag = facts.from_tag;
        from_caller = true;
    }
    p.sent_by_caller = from_caller == m.is_request();

    const sip::CSeq fallback{0, m.method(), m.method_name()};
    const std::uint32_t t = transaction_of(c, facts, cseq.value_or(fallback), from_caller);
    const bool again = repeated(c.transactions[t], facts, seen, r);
    r.transaction = t + c.dropped_transactions;
    if (options_.detail == Detail::full && c.more->messages.size() < options_.max_messages_per_call) {
        const std::string_view kept = keep(c, r.text, seen.stable);
        if (!r.method_name.empty())
            r.method_name = kept.substr(m.offset_of(r.method_name), r.method_name.size());
        r.text = kept;
        c.more->messages.push_back(r);
    }
    if (again) {
        c.retransmissions += r.retransmission;
        return p;
    }
    if (m.is_request())
        on_request(c, m, facts, seen, r, from_caller);
    else
        on_response(c, m, seen, r, from_caller);
    p.ended_call = c.over && !c.waiting && !c.lingering;
    queue_if_over(p.call);
    return p;
}

// Retransmissions and responses that come after their call was handed on belong to nothing new.
bool Calls::is_late(const sip::Message& m, const Facts& facts) const {
    const std::uint32_t rest = rest_of(facts.call);
    if (buried_.find(facts.call, [&](std::uint32_t r) { return r == rest; }) == HashIndex::nil) return false;
    return m.is_response() || facts.to_tag != 0 || m.method() == Method::ack ||
           m.method() == Method::cancel;
}

// The first request of a call, or an initial one after messages that cannot be the first.
void Calls::begin(LiveCall& c, const sip::Message& m, const Seen& seen, bool initial,
                  bool& from_caller) {
    // Responses told already who calls whom, and which tag is whose.
    const bool known = !c.first_is_request && !c.first.has_only_first();
    c.first_is_request = true;
    if (known && !initial) return;
    keep_first(c, m);
    c.caller = seen.src;
    c.callee = seen.dst;
    c.caller_tag = hash_of_tag(m.from_tag());
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
        begin(c, m, seen, initial, from_caller);
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
        keep_first(c, m);
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
        if (c.ringing_at == no_time && c.kind == CallKind::invite) c.ringing_at = seen.time;
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

// After a challenge, a redirection or a request for correction another try is likely; a final response
// without its ACK, and a BYE without its response, will be retransmitted for 64 T1 (RFC 3261 17.1.2.2,
// 17.2.1); a REFER that was accepted is told of (RFC 3515 2.4.4).
bool Calls::expects_more(const LiveCall& c) const {
    if (c.referring || asks_again(c.final_code)) return true;
    if (c.kind != CallKind::invite) return false;
    for (const LiveTransaction& t : c.transactions) {
        const bool asked = t.asked();
        if (t.method == Method::invite && asked && t.final_code >= 200 && !t.acked) return true;
        if (t.method == Method::bye && t.final_code == 0) return true;
    }
    return false;
}

Duration Calls::wait_of(const LiveCall& c) const {
    return std::max<Duration>(c.referring ? timer_c : timer_b, options_.linger);
}

void Calls::queue_if_over(std::uint32_t i) {
    LiveCall& c = pool_[i];
    if (!c.over || c.lingering) return;
    const bool wait = expects_more(c);
    if (wait && c.waiting) return;
    (wait ? c.waiting : c.lingering) = true;
    (wait ? waiting_ : lingering_)
        .push_back({c.last + (wait ? timer_b : options_.linger), i, c.number});
}

void Calls::drain(std::deque<Due>& queue) {
    const bool lingering = &queue == &lingering_;
    // Bounded: what is put back goes to the end with a later time.
    for (std::size_t n = queue.size(); n > 0 && !queue.empty() && queue.front().at <= now_; --n) {
        const Due due = queue.front();
        queue.pop_front();
        if (!pool_.alive(due.call) || pool_[due.call].number != due.number) continue;
        LiveCall& c = pool_[due.call];
        if (c.over && (lingering || !c.lingering)) {
            const Time media = owner_.last_media(due.call);
            const Time last = std::max(c.last, std::min(media, c.last + timer_b));
            const Time end = last + (lingering ? options_.linger : wait_of(c));
            if (end <= now_) {
                hand_on(due.call);
                continue;
            }
            queue.push_back({std::min(end, now_ + timer_b), due.call, due.number});
        } else {  // another try began, or it waits in the other queue
            (lingering ? c.lingering : c.waiting) = false;
        }
    }
}

void Calls::advance(Time now) {
    if (now <= now_) return;
    now_ = now;
    drain(lingering_);
    drain(waiting_);
    while (!graves_.empty() && graves_.front().until <= now_) {
        buried_.erase(graves_.front().hash, rest_of(graves_.front().hash));
        graves_.pop_front();
    }
    if (now_ >= next_sweep_) sweep();
}

// How long a call without an end may be silent before it is taken for over.
Duration Calls::patience(const LiveCall& c) const {
    switch (c.state) {
        case CallState::trying: return timer_b + options_.linger;
        case CallState::ringing: return 3 * timer_c;
        case CallState::registered:
        case CallState::active:
            return std::min<Duration>(options_.idle, std::chrono::seconds{c.expires_s} + timer_b);
        case CallState::answered: return options_.idle;
        default: return timer_b + options_.linger;
    }
}

void Calls::sweep() {
    next_sweep_ = now_ + sweep_interval;
    // In order of number, so that the order of handing on does not depend on reuse in the pool.
    std::vector<std::pair<std::uint64_t, std::uint32_t>> silent;
    for (std::uint32_t i = 0; i < pool_.end(); ++i) {
        if (!pool_.alive(i)) continue;
        const LiveCall& c = pool_[i];
        if (c.waiting || c.lingering || c.last + patience(c) > now_) continue;
        const Time media = owner_.last_media(i);
        if (media == no_time || media + patience(c) <= now_) silent.emplace_back(c.number, i);
    }
    std::sort(silent.begin(), silent.end());
    for (const auto& [number, i] : silent) hand_on(i);
    forget_gone();
}

// Takes calls that were handed on off the front of `oldest_`.
void Calls::forget_gone() {
    while (!oldest_.empty()) {
        const auto [i, number] = oldest_.front();
        if (pool_.alive(i) && pool_[i].number == number) break;
        oldest_.pop_front();
    }
}

void Calls::finish() {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> left;
    for (std::uint32_t i = 0; i < pool_.end(); ++i)
        if (pool_.alive(i)) left.emplace_back(pool_[i].number, i);
    std::sort(left.begin(), left.end());
    for (const auto& [number, i] : left) hand_on(i);
}

void Calls::hand_on(std::uint32_t i) {
    LiveCall& c = pool_[i];
    if (c.kind == CallKind::invite && c.answered_at == no_time && c.final_code == 0 &&
        (c.state == CallState::trying || c.state == CallState::ringing))
        c.state = c.cancelled ? CallState::cancelled : CallState::unanswered;
    else if (c.kind != CallKind::invite && c.state == CallState::trying && c.final_code == 0)
        c.state = CallState::unanswered;
    owner_.on_over(i);
    by_id_.erase(c.hash, i);
    graves_.push_back({c.hash, now_ + timer_b});
    buried_.insert(c.hash, rest_of(c.hash));
    pool_.release(i);
}

}  // namespace sipana::analysis
