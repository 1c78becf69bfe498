// Performance: the figures of RFC 6076, "Basic Telephony SIP End-to-End Performance Metrics", from
// calls that are over and from REGISTER requests as they are answered. What is measured is what
// passed the capture.
//
// The RFC counts requests; here one call is one attempt, however often its INVITE was challenged
// (401, 402, 407) and tried again: the RFC leaves these out. What ends with such a challenge is
// counted apart, and in no ratio.
#pragma once

#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "libsipana/analysis/model.h"

namespace sipana::analysis {

// What one call adds (kind invite, whose INVITE was seen; nothing of any other).
struct CallPerformance {
    bool attempt = false;
    bool challenged = false;   // ended with 401, 402 or 407
    bool redirected = false;   // ended with a 3xx
    bool established = false;  // 2xx
    bool effective = false;    // 2xx, 480, 486, 600 or 603 (4.7)
    bool ineffective = false;  // 408, 500, 503 or 504 (4.8)
    bool completed = false;    // established, and its BYE not left without an answer (4.9)
    bool abandoned = false;    // its BYE was never answered
    std::optional<Duration>
        request_delay;  // 4.3.1 SRD: INVITE to the first 18x, or to the 2xx without one
    std::optional<Duration> failed_request_delay;  // 4.3.2: INVITE to a final 4xx, 5xx, 6xx
    std::optional<Duration> disconnect_delay;      // 4.4.1 SDD: BYE to its 2xx. Needs Detail::full
    std::optional<Duration> duration;              // 4.5 SDT: 2xx to BYE
};
CallPerformance performance_of(const Call& call);

struct Performance {
    std::uint64_t attempts = 0, challenged = 0, redirected = 0, established = 0, effective = 0,
                  ineffective = 0;
    std::uint64_t completed = 0, abandoned = 0;
    std::uint64_t registrations = 0, registered = 0, ineffective_registrations = 0;

    void add(const CallPerformance& call);
    // Shares, 0 to 1; none while there is nothing to divide by.
    std::optional<double> session_establishment() const;                // 4.6 SER
    std::optional<double> session_establishment_effectiveness() const;  // 4.7 SEER
    std::optional<double> ineffective_sessions() const;                 // 4.8 ISA
    std::optional<double> session_completion() const;                   // 4.9 SCR
    std::optional<double> ineffective_registration() const;             // 4.2 IRA
};

// REGISTER requests and what came of each. A registration may last for weeks, so it is not waited
// for its end.
class Registrations {
public:
    // Of the last 32 seconds; beyond, the oldest is no longer waited for, and taken for unanswered.
    static constexpr std::size_t most_open = 50'000;
    static constexpr Duration patience{32'000'000'000};  // timer F (RFC 3261 17.1.2.2)

    // Any message, in order of time. Counts into `into`; gives the delay of a successful one (4.1
    // RRD).
    std::optional<Duration> on_message(const SipMessage& message, std::string_view call_id,
                                       Performance& into);
    std::size_t open() const { return open_.size(); }

private:
    struct Open {
        Time at{};
        Address client;
    };
    struct Due {
        Time at{};
        std::uint64_t key = 0;
    };
    void expire(Time now, Performance& into);

    std::unordered_map<std::uint64_t, Open> open_;
    std::deque<Due> due_;  // answered ones too, until it is their turn
};

}  // namespace sipana::analysis
