#include "libsipana/analysis/performance.h"

#include <algorithm>

#include "libsipana/analysis/table.h"

namespace sipana::analysis {
namespace {

// RFC 6076 4.2, 4.3.2: these ask for another try.
bool is_challenge(std::uint16_t code) { return code == 401 || code == 402 || code == 407; }

bool is_success(std::uint16_t code) { return code >= 200 && code < 300; }

std::optional<double> share(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) return std::nullopt;
    return static_cast<double>(part) / static_cast<double>(whole);
}

// From the first INVITE to the one that was not challenged: the RFC's clock starts with "the
// necessary information".
Duration spent_on_challenges(const Call& c) {
    if (c.challenges == 0) return {};
    for (const Transaction& t : c.transactions)
        if (t.method == sip::Method::invite && t.client == c.caller && !t.challenged &&
            t.request_at >= c.start)
            return t.request_at - c.start;
    return {};
}

std::optional<Duration> less(const std::optional<Duration>& delay, Duration part) {
    if (!delay) return std::nullopt;
    return std::max(Duration{}, *delay - part);
}

// The final response to the caller's own INVITE, after challenges.
Time refused_at(const Call& c) {
    for (const Transaction& t : c.transactions)
        if (t.method == sip::Method::invite && t.client == c.caller &&
            t.final_code == c.final_code && t.final_at != no_time)
            return t.final_at;
    return no_time;
}

void judge_end(const Call& c, CallPerformance& p) {
    bool asked = false, answered = false;
    for (const Transaction& t : c.transactions) {
        if (t.method != sip::Method::bye || t.request_at == no_time) continue;
        asked = true;
        if (t.final_at == no_time) continue;
        answered = true;
        if (is_success(t.final_code) && !p.disconnect_delay)
            p.disconnect_delay = t.final_at - t.request_at;
    }
    p.abandoned = asked && !answered;
    p.completed = c.state == CallState::completed && !p.abandoned;
}

}  // namespace

CallPerformance performance_of(const Call& c) {
    CallPerformance p;
    if (c.kind != CallKind::invite) return p;
    // A call met half-way has no INVITE, and nothing to be measured.
    const bool begun =
        c.final_code != 0 || c.state == CallState::unanswered || c.state == CallState::cancelled;
    if (!begun || (is_success(c.final_code) && !c.setup)) return p;
    p.attempt = true;
    const std::uint16_t code = c.final_code;
    p.challenged = is_challenge(code);
    p.redirected = code >= 300 && code < 400;
    p.established = is_success(code);
    p.effective = p.established || code == 480 || code == 486 || code == 600 || code == 603;
    p.ineffective = code == 408 || code == 500 || code == 503 || code == 504;
    const Duration challenges = spent_on_challenges(c);
    if (p.established) {
        p.request_delay =
            less(c.post_dial_delay && *c.post_dial_delay < *c.setup ? c.post_dial_delay : c.setup,
                 challenges);
        p.duration = c.duration;
        judge_end(c, p);
    } else {
        p.request_delay = less(c.post_dial_delay, challenges);
        const Time at = refused_at(c);
        if (code >= 400 && !p.challenged && at != no_time && at >= c.start)
            p.failed_request_delay = less(at - c.start, challenges);
    }
    return p;
}

void Performance::add(const CallPerformance& c) {
    attempts += c.attempt;
    challenged += c.challenged;
    redirected += c.redirected;
    established += c.established;
    effective += c.effective;
    ineffective += c.ineffective;
    completed += c.completed;
    abandoned += c.abandoned;
}

std::optional<double> Performance::session_establishment() const {
    return share(established, attempts - redirected - challenged);
}
std::optional<double> Performance::session_establishment_effectiveness() const {
    return share(effective, attempts - redirected - challenged);
}
std::optional<double> Performance::ineffective_sessions() const {
    return share(ineffective, attempts - challenged);
}
std::optional<double> Performance::session_completion() const {
    return share(completed, attempts - challenged);
}
std::optional<double> Performance::ineffective_registration() const {
    return share(ineffective_registrations, registrations);
}

// ---------------------------------------------------------------- REGISTER

std::optional<Duration> Registrations::on_message(const SipMessage& m, std::string_view call_id,
                                                  Performance& into) {
    expire(m.time, into);
    if (m.method != sip::Method::register_ || call_id.empty() || m.capture_duplicate)
        return std::nullopt;
    const std::uint64_t key = mix(std::hash<std::string_view>{}(call_id), m.cseq);
    if (m.is_request()) {
        // The same request on its next hop is no other attempt.
        if (m.retransmission || !open_.try_emplace(key, Open{m.time, m.src.address}).second)
            return std::nullopt;
        due_.push_back({m.time, key});
        return std::nullopt;
    }
    const auto found = open_.find(key);
    if (m.code < 200 || found == open_.end() || found->second.client != m.dst.address)
        return std::nullopt;
    const Duration delay = std::max(Duration{}, m.time - found->second.at);
    open_.erase(found);
    if (is_challenge(m.code)) return std::nullopt;
    ++into.registrations;
    if (is_success(m.code)) {
        ++into.registered;
        return delay;
    }
    if (m.code >= 400) ++into.ineffective_registrations;
    return std::nullopt;
}

void Registrations::expire(Time now, Performance& into) {
    while (!due_.empty()) {
        const Due due = due_.front();
        const auto found = open_.find(due.key);
        const bool open = found != open_.end() && found->second.at == due.at;
        if (open && now - due.at < patience && due_.size() <= most_open) return;
        if (open) {
            open_.erase(found);
            ++into.registrations;
            ++into.ineffective_registrations;
        }
        due_.pop_front();
    }
}

}  // namespace sipana::analysis
