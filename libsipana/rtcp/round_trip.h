// Round-trip time from sender reports and report blocks (RFC 3550 6.4.1, figure 2), as seen at a
// capture point.
//
// The RFC's own formula, A - LSR - DLSR, needs A on the clock of the sender of the SR. A capture
// has neither that clock nor that place, but it sees the SR pass and the report block that answers
// it:
//
//      sender ------ SR at t1 ------> capture point ------> receiver
//             <----- RR at t2 -------               <------ (DLSR later)
//
// so t2 - t1 - DLSR is the round trip between the capture point and the receiver, on the capture's
// clock alone. The whole round trip is the sum of both sides' (docs/streams.md). Never negative.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "libsipana/base/time.h"

namespace sipana::rtcp {

// NTP 32.32 time of a Unix time, and back (RFC 3550 4: seconds since 1900, era 0 and 1).
std::uint64_t ntp_of(Time time);
Time time_of_ntp(std::uint64_t ntp);
constexpr std::uint32_t middle(std::uint64_t ntp) { return static_cast<std::uint32_t>(ntp >> 16); }

// RFC 3550's formula in 1/65536 s, where all three are known: A, LSR, DLSR. No value with LSR 0, or
// where the result is negative by more than a millisecond (a clock was set, or DLSR is wrong).
std::optional<Duration> round_trip(std::uint32_t a, std::uint32_t lsr, std::uint32_t dlsr);

// The sender reports of one SSRC as they passed the capture point, and the answers to them.
// Serves XR receiver reference times and DLRR (RFC 3611 4.4, 4.5) as well.
class RoundTrip {
public:
    void on_sender_report(std::uint64_t ntp, Time seen);
    // No value: no such SR was seen (of the last `remembered`), or the times contradict each other.
    std::optional<Duration> on_report_block(std::uint32_t lsr, std::uint32_t dlsr, Time seen) const;

    static constexpr std::size_t remembered = 8;

private:
    struct Seen {
        std::uint32_t middle = 0;
        Time at = no_time;
    };
    std::array<Seen, remembered> reports_{};
    std::size_t next_ = 0;
};

}  // namespace sipana::rtcp
