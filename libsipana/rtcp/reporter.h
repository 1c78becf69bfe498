// Reporter: when to send RTCP (RFC 3550 6.2, 6.3, A.7), and the compounds to send: SR or RR with
// true figures (6.4, A.3), SDES, feedback, BYE (6.6).
//
// Counts nothing itself: the caller, who knows the streams, hands their figures in. No clock;
// chance from the Random that it was given.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/random.h"
#include "libsipana/base/time.h"
#include "libsipana/rtcp/packet.h"

namespace sipana::rtcp {

inline constexpr std::size_t max_reported = 31;  // sources: the blocks that one report holds

// What the transmission interval depends on (RFC 3550 6.3).
struct Membership {
    unsigned members = 1, senders = 0;  // ourselves among them
    bool we_sent = false;
    bool initial = true;        // no RTCP packet has been sent yet
    double bandwidth = 400;     // octets a second for RTCP: 5 % of 64 kbit/s
    double average_size = 128;  // octets of a compound, UDP and IP included
    Duration minimum = std::chrono::seconds{5};
};
// RFC 3550 A.7, rtcp_interval(): drawn from 0.5 to 1.5 times the calculated one, over e - 3/2.
Duration interval(const Membership& m, Random& random);

// Of the stream that we send.
struct Sending {
    std::uint32_t rtp_timestamp = 0;  // that belongs to the report's time
    std::uint64_t packets = 0, octets = 0;
};
// Of a stream that we receive.
struct Reception {
    std::uint32_t ssrc = 0;
    std::uint64_t expected = 0, received = 0;  // received: duplicates and late ones too (6.4.1)
    std::uint32_t extended_sequence = 0, jitter = 0;
};

class Reporter {
public:
    Reporter(std::uint32_t ssrc, std::string cname, Duration minimum, std::uint64_t seed);

    void begin(Time now);  // the first report comes half the minimum later, by chance (6.2)
    std::optional<Time> due() const { return due_; }  // nullopt: not begun, or ended
    // At due(): is a report to go out now? The timer is considered anew (6.3.6), so the answer may
    // be no, and due() later. `members`, `senders`: ourselves among them.
    bool expire(Time now, unsigned members, unsigned senders, bool we_sent);

    void on_compound(std::size_t octets);  // one came: for the average size (6.3.3)
    void on_sender_report(std::uint32_t ssrc, std::uint64_t ntp, Time now);

    // Appends SR (we have sent since the report before last) or RR, and SDES with the CNAME; then
    // what else is to be in the compound is appended with rtcp::write().
    void write_report(const std::optional<Sending>& sending, std::span<const Reception> receptions,
                      Time now, Buffer& out);
    // The same with BYE; ends the reporting.
    void write_goodbye(const std::optional<Sending>& sending, std::span<const Reception> receptions,
                       Time now, Buffer& out);
    // Appends a PLI or a FIR, the latter with a number of its own (RFC 5104 4.3.1.1).
    void write_pli(std::uint32_t media_ssrc, Buffer& out) const;
    void write_fir(std::uint32_t media_ssrc, Buffer& out);
    bool sent_any() const { return !membership_.initial; }

private:
    struct Source {
        std::uint32_t ssrc = 0, last_report = 0;  // middle of the SR's NTP time; 0: none
        Time reported_at{};
        std::uint64_t expected = 0, received = 0;  // at our last report
    };
    Source* source(std::uint32_t ssrc);
    ReportBlock block(const Reception& reception, Time now);

    std::uint32_t ssrc_;
    std::string cname_;
    Random random_;
    Membership membership_;
    std::optional<Time> due_;
    Time last_{};  // tp of RFC 3550 6.3
    std::uint8_t fir_ = 0;
    std::vector<Source> sources_;
};

}  // namespace sipana::rtcp
