#include "libsipana/analysis/calls.h"

#include <algorithm>
#include <span>

#include "libsipana/base/text.h"

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
constexpr std::size_t fetch_stride = 3;           // calls between two fetches for one
constexpr std::size_t most_transactions = 256;    // remembered of one call
constexpr std::size_t most_graves = 1'000'000;    // calls handed on lately that are remembered
constexpr std::size_t bytes_a_grave = 512;        // of Options::max_bytes, so that they take a small part of it
// What is not seen in the parts of a call: words, places in indexes and queues, and blocks of memory.
constexpr std::uint64_t per_call = 700, per_text = 40, per_finding = 250;

// The half of a hash that a HashIndex does not keep, as a number in one.
std::uint32_t rest_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> 32) & (HashIndex::nil >> 1);
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

// Names a request of a call that is gone.
std::uint64_t request_of(std::uint64_t call, std::uint32_t cseq, Method method) {
    return mix(call, std::uint64_t{cseq} << 8 | static_cast<unsigned>(method));
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
    prefetch(c.call_id().data());
    prefetch(c.transactions.data(), 2 * sizeof(LiveTransaction));
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
    if (options_.live) {
        if (attempts_.size() > 2 * std::size_t{pool_.count()} + 1024) forget_answered();
        attempts_.emplace_back(i, c.number);
    }
    while (pool_.count() > options_.max_live_calls && !oldest_.empty()) {
        const auto [old, number] = oldest_.front();
        oldest_.pop_front();
        if (pool_.alive(old) && pool_[old].number == number && old != i) hand_on(old);
    }
    return i;
}

// RFC 3261 17.1.3, 17.2.3: branch and method; without the magic cookie RFC 2543's fields stand in.
// The ACK of a non-2xx response shares the INVITE's branch; that of a 2xx is found by its CSeq.
std::uint32_t Calls::transaction_of(LiveCall& c, const Facts& facts, bool from_caller) {
    const sip::CSeq& cseq = facts.cseq;
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
        // A server that was away for a while answers at once all that was sent meanwhile.
        const bool again = since >= duplicate_window / seen_step || (record.code != 0 && t.sent_again);
        (again ? record.retransmission : record.capture_duplicate) = true;
        t.sent_again |= again && record.is_request();
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
    r.method = m.method();
    r.method_name = m.method_name();
    r.cseq = facts.cseq.number;
    const std::string_view id = facts.call_id.substr(0, Words::longest);
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

    const std::uint32_t t = transaction_of(c, facts, from_caller);
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
    const auto buried = [&](std::uint64_t h) {
        const std::uint32_t rest = rest_of(h);
        return buried_.find(h, [&](std::uint32_t r) { return r == rest; }) != HashIndex::nil;
    };
    if (!buried(facts.call)) return false;
    if (m.is_request() && buried(request_of(facts.call, facts.cseq.number, m.method()))) return true;
    return m.is_response() || facts.to_tag != 0 || m.method() == Method::ack ||
           m.method() == Method::cancel;
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

// What hand_on() will need, in three steps.
void Calls::fetch_end(std::uint32_t call, unsigned step) const {
    if (step == 0) return pool_.fetch(call);
    if (!pool_.alive(call)) return;
    if (step == 1) {
        const LiveCall& c = pool_[call];
        c.first.fetch();
        c.final.fetch();
        by_id_.fetch(c.hash);
    }
    owner_.fetch_media(call, step - 1);
}

void Calls::drain(std::deque<Due>& queue) {
    const bool lingering = &queue == &lingering_;
    // Bounded: what is put back goes to the end with a later time.
    for (std::size_t n = queue.size(); n > 0 && !queue.empty() && queue.front().at <= now_; --n) {
        const Due due = queue.front();
        queue.pop_front();
        for (unsigned step = 0; step < 3; ++step)
            if (const std::size_t ahead = (2 - step) * fetch_stride; ahead < queue.size())
                fetch_end(queue[ahead].call, step);
        if (!pool_.alive(due.call) || pool_[due.call].number != due.number) continue;
        LiveCall& c = pool_[due.call];
        if (c.over && lingering && c.retransmissions > 0) {  // sent again since then: wait for more
            c.lingering = false;
            queue_if_over(due.call);
            continue;
        }
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
    hand_on_all(silent);
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
    hand_on_all(left);
}

void Calls::hand_on_all(const std::vector<std::pair<std::uint64_t, std::uint32_t>>& calls) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
        for (unsigned step = 0; step < 3; ++step)
            if (const std::size_t ahead = i + (3 - step) * fetch_stride; ahead < calls.size())
                fetch_end(calls[ahead].second, step);
        hand_on(calls[i].second);
    }
}

void Calls::hand_on(std::uint32_t i) {
    LiveCall& c = pool_[i];
    if (c.kind == CallKind::invite && c.answered_at == no_time && c.final_code == 0 &&
        (c.state == CallState::trying || c.state == CallState::ringing))
        c.state = c.cancelled ? CallState::cancelled : CallState::unanswered;
    else if (c.kind != CallKind::invite && c.state == CallState::trying && c.final_code == 0)
        c.state = CallState::unanswered;
    owner_.on_over(i);
    forget(i);
}

void Calls::forget(std::uint32_t i) {
    LiveCall& c = pool_[i];
    by_id_.erase(c.hash, i);
    bytes_ -= c.bytes;
    bury(c);
    pool_.release(i);
}

void Calls::bury(const LiveCall& c) {
    bury(c.hash);
    // A request without a dialog may come again, where its response was lost further on.
    if (c.kind != CallKind::invite && c.attempt != none) bury(request_of(c.hash, c.attempt_cseq, c.method));
}

void Calls::bury(std::uint64_t h) {
    const std::size_t most =
        options_.max_bytes == 0 ? most_graves : std::min<std::size_t>(most_graves, options_.max_bytes / bytes_a_grave);
    while (!graves_.empty() && graves_.size() >= most) {
        buried_.erase(graves_.front().hash, rest_of(graves_.front().hash));
        graves_.pop_front();
    }
    graves_.push_back({h, now_ + timer_b});
    buried_.insert(h, rest_of(h));
}

// ---------------------------------------------------------------- Options::live

void Calls::weigh(std::uint32_t i) {
    LiveCall& c = pool_[i];
    std::uint64_t bytes = sizeof(LiveCall) + per_call + c.transactions.capacity() * sizeof(LiveTransaction);
    if (c.more)
        bytes += sizeof(LiveCall::More) + c.more->texts.bytes() + c.more->messages.capacity() * sizeof(SipMessage) +
                 c.more->messages.size() * per_text + c.more->findings.size() * per_finding;
    bytes = std::min<std::uint64_t>(bytes, UINT32_MAX);
    bytes_ += bytes - c.bytes;
    c.bytes = static_cast<std::uint32_t>(bytes);
}

namespace {

bool is_answered(const LiveCall& c) {
    return c.state != CallState::trying || c.final_code != 0 ||
           std::any_of(c.transactions.begin(), c.transactions.end(),
                       [](const LiveTransaction& t) { return t.answered(); });
}

}  // namespace

void Calls::forget_answered() {
    std::erase_if(attempts_, [&](const auto& a) {
        return !pool_.alive(a.first) || pool_[a.first].number != a.second || is_answered(pool_[a.first]);
    });
}

bool Calls::evict_attempt() {
    while (!attempts_.empty()) {
        const auto [i, number] = attempts_.front();
        attempts_.pop_front();
        if (!pool_.alive(i) || pool_[i].number != number || is_answered(pool_[i])) continue;
        owner_.on_evicted(i);
        forget(i);
        return true;
    }
    return false;
}

bool Calls::evict_oldest() {
    forget_gone();
    if (oldest_.empty()) return false;
    const std::uint32_t i = oldest_.front().first;
    oldest_.pop_front();
    hand_on(i);
    return true;
}

}  // namespace sipana::analysis
