#include "libsipana/analysis/calls.h"

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/sip/fields.h"

namespace sipana::analysis {
namespace {

using namespace std::chrono_literals;
using sip::Header;
using sip::Method;

constexpr Duration t1 = 500ms;                    // RFC 3261 17.1.1.1
constexpr Duration timer_b = 64 * t1;             // and timers F, H, J
constexpr Duration timer_c = 3min;                // RFC 3261 16.6
constexpr Duration duplicate_window = 20ms;       // far below T1: nobody retransmits so soon
constexpr Duration sweep_interval = 15s;
constexpr std::size_t most_transactions = 256;    // remembered of one call

std::uint32_t short_hash(std::string_view text) {
    const auto h = static_cast<std::uint32_t>(hash_of(text));
    return text.empty() ? 0 : h == 0 ? 1 : h;
}

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

CallState state_of(std::uint16_t code, CallKind kind) {
    if (code >= 200 && code < 300) return kind == CallKind::invite ? CallState::answered : CallState::done;
    if (code == 401 || code == 407) return CallState::challenged;
    if (code >= 300 && code < 400) return CallState::redirected;
    if (code == 486 || code == 600) return CallState::busy;
    if (code == 487) return CallState::cancelled;
    if (code == 603 || code == 607 || code == 608) return CallState::declined;
    return CallState::failed;
}

// The seconds that a REGISTER or SUBSCRIBE response grants: the Contact's own parameter first (10.3).
std::uint32_t granted_expiry(const sip::Message& m) {
    std::uint32_t most = 0;
    bool said = false;
    for (std::string_view contact : m.values(Header::contact)) {
        const auto parsed = sip::parse_name_addr(contact);
        if (!parsed) continue;
        if (const auto expires = to_number(parsed->param("expires").value_or(""))) {
            most = std::max(most, *expires);
            said = true;
        }
    }
    if (said) return most;
    return to_number(trim(m.header(Header::expires).value_or(""))).value_or(0);
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
    c.first.keep({from ? from->display : "", from ? from->uri : "", to ? to->display : "", to ? to->uri : "",
                  m.request_uri(), m.is_request() ? agent(m) : "",
                  subscribes ? trim(m.header(Header::event).value_or("")) : "", contact});
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
                       [&](std::uint32_t i) { return pool_[i].call_id() == call_id; });
}

void Calls::fetch(std::uint64_t key, unsigned step) const {
    if (step == 0) return by_id_.fetch(key);
    const std::uint32_t i = by_id_.peek(key);
    if (i == HashIndex::nil) return;
    if (step == 1) return pool_.fetch(i);
    const LiveCall& c = pool_[i];
    __builtin_prefetch(c.id.get());
    const auto* t = reinterpret_cast<const unsigned char*>(c.transactions.data());
    for (std::size_t at = 0; at < 2 * sizeof(LiveTransaction); at += 64) __builtin_prefetch(t + at);
}

std::string_view Calls::keep(LiveCall& call, std::string_view text, bool stable) {
    if (stable) return text;
    return call.extra().texts.keep(text);
}

std::uint32_t Calls::open(std::string_view call_id, std::uint64_t hash, const sip::Message& m,
                          const Seen& seen) {
    const std::uint32_t i = pool_.make();
    LiveCall& c = pool_[i];
    c.number = next_number_++;
    c.hash = hash;
    c.id = std::make_unique<char[]>(call_id.size());
    call_id.copy(c.id.get(), call_id.size());
    c.id_size = static_cast<std::uint32_t>(call_id.size());
    c.start = seen.time;
    c.kind = kind_of(m.method());
    c.method = m.method();
    c.transport = seen.transport;
    c.caller_tag = short_hash(m.from_tag());
    if (options_.detail == Detail::full) c.extra();
    by_id_.insert(hash, i);
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
std::uint32_t Calls::transaction_of(LiveCall& c, const sip::Message& m, const sip::CSeq& cseq,
                                    bool from_caller) {
    const bool ack = cseq.method == Method::ack;
    const Method method = ack ? Method::invite : cseq.method;
    const std::string_view branch = m.branch();
    const std::uint64_t identity =
        istarts_with(branch, "z9hG4bK")
            ? hash_of(branch)
            : mix(hash_of(m.from_tag()), hash_of(m.header(Header::via).value_or("")));
    std::uint64_t key = mix(identity, std::uint64_t{cseq.number} << 8 | static_cast<unsigned>(method));
    if (method == Method::other) key = mix(key, hash_of(cseq.method_name));
    for (std::size_t i = c.transactions.size(); i-- > 0;)
        if (c.transactions[i].key == key) return static_cast<std::uint32_t>(i);
    if (ack)
        for (std::size_t i = 0; i < c.transactions.size(); ++i) {
            const LiveTransaction& t = c.transactions[i];
            if (t.method == Method::invite && t.cseq == cseq.number && t.from_caller == from_caller)
                return static_cast<std::uint32_t>(i);
        }
    if (c.transactions.size() == most_transactions) {
        constexpr auto half = most_transactions / 2;
        c.transactions.erase(c.transactions.begin(), c.transactions.begin() + half);
        c.dropped_transactions += half;
    }
    if (c.transactions.empty()) c.transactions.reserve(2);
    LiveTransaction& t = c.transactions.emplace_back();
    t.key = key;
    t.cseq = cseq.number;
    t.method = method;
    t.from_caller = from_caller;
    return static_cast<std::uint32_t>(c.transactions.size() - 1);
}

// Was this very message seen before in its transaction? Then it was sent again, or, so soon after that no
// timer can have fired, seen twice by the capture. Sets the record's flags.
bool Calls::repeated(LiveTransaction& t, const sip::Message& m, Time now, SipMessage& record) {
    bool again = false;
    if (m.is_response()) {
        const std::string_view rseq = m.header(Header::rseq).value_or("");
        std::uint64_t h = mix(static_cast<std::uint64_t>(m.status()), hash_of(m.to_tag()));
        h = mix(h, mix(hash_of(rseq), m.body().size()));
        const auto known = static_cast<std::uint32_t>(h | 1);
        again = std::find(std::begin(t.responses), std::end(t.responses), known) !=
                std::end(t.responses);
        if (!again) {
            std::rotate(std::begin(t.responses), std::end(t.responses) - 1, std::end(t.responses));
            t.responses[0] = known;
        }
    } else if (m.method() == Method::ack) {
        const auto known = static_cast<std::uint32_t>(
            mix(hash_of(m.branch()), hash_of(m.to_tag())) | 1);
        again = t.ack == known;
        t.ack = known;
    } else {
        again = t.request_seen;
        t.request_seen = true;
    }
    if (again) (now - t.last_at < duplicate_window ? record.capture_duplicate : record.retransmission) = true;
    t.last_at = now;
    return again;
}

Placed Calls::place(const sip::Message& m, const Seen& seen) {
    advance(seen.time);
    Placed p;
    SipMessage& r = p.record;
    r.frame = seen.frame;
    r.time = seen.time;
    r.src = seen.src;
    r.dst = seen.dst;
    r.transport = seen.transport;
    r.has_sdp = seen.has_sdp;
    r.text = m.text();
    r.code = static_cast<std::uint16_t>(m.status());
    const std::optional<sip::CSeq> cseq = m.cseq();
    r.method = m.method();
    r.method_name = m.method_name();
    if (cseq) r.cseq = cseq->number;
    const std::string_view id = m.call_id();
    if (id.empty()) return p;

    const std::uint64_t hash = hash_of(id);
    p.call = by_id_.find(hash, [&](std::uint32_t i) { return pool_[i].call_id() == id; });
    if (p.call == HashIndex::nil) {
        if (is_late(m, hash)) {
            p.call = none;
            p.late = true;
            return p;
        }
        p.call = open(id, hash, m, seen);
        p.is_new_call = true;
    }
    LiveCall& c = pool_[p.call];
    c.last = seen.time;
    ++c.message_count;
    const bool from_caller = short_hash(m.from_tag()) == c.caller_tag;
    p.sent_by_caller = from_caller == m.is_request();

    const sip::CSeq fallback{0, m.method(), m.method_name()};
    const std::uint32_t t = transaction_of(c, m, cseq.value_or(fallback), from_caller);
    const bool again = repeated(c.transactions[t], m, seen.time, r);
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
        on_request(c, m, seen, r, from_caller);
    else
        on_response(c, m, seen, r);
    p.ended_call = c.over && !c.waiting && !c.lingering;
    queue_if_over(p.call);
    return p;
}

// Retransmissions and responses that come after their call was handed on belong to nothing new.
bool Calls::is_late(const sip::Message& m, std::uint64_t hash) const {
    const std::uint32_t rest = rest_of(hash);
    if (buried_.find(hash, [&](std::uint32_t r) { return r == rest; }) == HashIndex::nil) return false;
    return m.is_response() || !m.to_tag().empty() || m.method() == Method::ack ||
           m.method() == Method::cancel;
}

void Calls::on_request(LiveCall& c, const sip::Message& m, const Seen& seen, const SipMessage& r,
                       bool from_caller) {
    const Method method = m.method();
    const bool initial = m.to_tag().empty();
    // An INVITE makes a call of whatever the Call-ID was used for before.
    if (method == Method::invite && initial && c.kind != CallKind::invite) {
        c.kind = CallKind::invite;
        c.method = method;
        c.attempt = none;
        c.first_is_request = false;
        c.state = CallState::trying;
        c.final_code = 0;
    }
    if (!c.first_is_request) {
        c.first_is_request = true;
        keep_first(c, m);
        c.caller = seen.src;
        c.callee = seen.dst;
        c.caller_tag = short_hash(m.from_tag());
        from_caller = true;
        if (!initial && c.kind == CallKind::invite && c.state == CallState::trying)
            c.state = CallState::answered;  // the capture began within the call
    }
    const bool restarts = method == c.method && from_caller && method != Method::ack &&
                          (initial || c.kind != CallKind::invite);
    if (restarts && (c.attempt == none || r.cseq > c.attempt_cseq)) {
        if (c.attempt != none && (c.final_code == 401 || c.final_code == 407)) ++c.challenges;
        c.attempt = r.transaction;
        c.attempt_cseq = r.cseq;
        c.final_code = 0;
        c.final_at = no_time;
        c.final_is_nearest = false;
        c.over = false;
        if (c.answered_at == no_time && !c.granted) c.state = CallState::trying;
    }
    if (method == Method::bye && c.kind == CallKind::invite && c.ended_at == no_time) {
        c.ended_at = seen.time;
        c.ended = from_caller ? Ended::by_caller : Ended::by_callee;
        keep_end(c, m);
        if (c.answered_at != no_time || c.final_code == 0) c.state = CallState::completed;
        c.over = true;
    } else if (method == Method::cancel && c.kind == CallKind::invite && c.answered_at == no_time) {
        c.cancelled = true;
        keep_end(c, m);
        c.ended = Ended::by_caller;
    } else if (method == Method::notify && c.kind == CallKind::subscribe) {
        const std::string_view state = trim(m.header(Header::subscription_state).value_or(""));
        if (istarts_with(state, "terminated")) {
            c.state = CallState::terminated;
            c.over = true;
        } else if (c.method == Method::subscribe) {
            c.state = CallState::active;
        }
    }
}

void Calls::on_response(LiveCall& c, const sip::Message& m, const Seen& seen, const SipMessage& r) {
    if (!c.first_is_request && c.first.empty()) {  // its request was not captured, or comes late
        keep_first(c, m);
        c.caller = seen.dst;
        c.callee = seen.src;
    }
    LiveTransaction& t = c.transactions[r.transaction - c.dropped_transactions];
    if (r.code >= 200 && t.final_code == 0) t.final_code = r.code;
    if (r.method != c.method) return;
    if (c.attempt == none && !c.first_is_request) {
        c.attempt = r.transaction;
        c.attempt_cseq = r.cseq;
    }
    if (r.cseq != c.attempt_cseq || c.attempt == none) return;  // a re-INVITE, or an earlier try
    if (r.code > 100 && r.code < 200) {
        if (c.ringing_at == no_time && c.kind == CallKind::invite) c.ringing_at = seen.time;
        if (c.state == CallState::trying) c.state = CallState::ringing;
    } else if (r.code >= 200) {
        // Two hops of a proxy may end differently (a fork): what the caller heard counts.
        const bool nearest = r.transaction == c.attempt;
        const bool success = r.code < 300;
        const bool had_success = c.final_code >= 200 && c.final_code < 300;
        if (c.final_code == 0 || (success && !had_success) ||
            (nearest && !c.final_is_nearest && success == had_success)) {
            c.final_code = r.code;
            c.final_is_nearest = nearest;
            on_final(c, m, seen);
        }
    }
}

void Calls::on_final(LiveCall& c, const sip::Message& m, const Seen& seen) {
    if (c.final_at == no_time || c.final_code < 300) c.final_at = seen.time;
    c.final.keep({m.reason(), agent(m), trim(m.header(Header::reason).value_or(""))});
    const bool success = c.final_code < 300;
    switch (c.kind) {
        case CallKind::invite:
            if (success && c.answered_at == no_time) {
                c.answered_at = seen.time;
                c.answered_tag = short_hash(m.to_tag());
                c.ended = Ended::unknown;  // a CANCEL that came too late
            }
            if (c.ended_at != no_time && c.answered_at != no_time)
                c.state = CallState::completed;
            else if (c.answered_at == no_time || success)
                c.state = state_of(c.final_code, c.kind);
            if (!success) {
                c.over = true;
                if (c.ended == Ended::unknown && c.state != CallState::challenged) c.ended = Ended::by_callee;
            }
            break;
        case CallKind::register_:
        case CallKind::subscribe:
            if (success) {
                c.expires_s = granted_expiry(m);
                c.granted = true;
                if (c.kind == CallKind::register_)
                    c.state = c.expires_s > 0 ? CallState::registered : CallState::unregistered;
                else if (c.method == Method::notify)
                    c.state = CallState::done;
                else if (c.state != CallState::terminated)
                    c.state = CallState::active;
                c.over = c.state == CallState::unregistered || c.state == CallState::done ||
                         c.state == CallState::terminated;
            } else {
                c.state = state_of(c.final_code, c.kind);
                c.over = true;
            }
            break;
        default:
            c.state = state_of(c.final_code, c.kind);
            c.over = true;
    }
}

// After a challenge or a redirection another try is likely; a final response without its ACK, and a BYE
// without its response, will be retransmitted for 64 T1 (RFC 3261 17.1.2.2, 17.2.1).
bool Calls::expects_more(const LiveCall& c) const {
    if (c.state == CallState::challenged || c.state == CallState::redirected) return true;
    if (c.kind != CallKind::invite) return false;
    for (const LiveTransaction& t : c.transactions) {
        if (t.method == Method::invite && t.request_seen && t.final_code >= 200 && t.ack == 0) return true;
        if (t.method == Method::bye && t.final_code == 0) return true;
    }
    return false;
}

void Calls::queue_if_over(std::uint32_t i) {
    LiveCall& c = pool_[i];
    if (!c.over || c.lingering) return;
    const bool wait = expects_more(c);
    if (wait && c.waiting) return;
    (wait ? c.waiting : c.lingering) = true;
    (wait ? waiting_ : lingering_)
        .push_back({c.last + (wait ? std::max(timer_b, options_.linger) : options_.linger), i, c.number});
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
            const Time end = last + (lingering ? options_.linger : std::max(timer_b, options_.linger));
            if (end <= now_) {
                hand_on(due.call);
                continue;
            }
            queue.push_back({end, due.call, due.number});
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
