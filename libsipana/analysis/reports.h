// Reports: what RTCP says of each stream, kept by SSRC until the stream is handed on (RFC 3550 6.4,
// RFC 4585, RFC 3611). With Detail::summary the packets are counted, and of SR and RR the round trips kept.
#pragma once

#include <span>

#include "libsipana/analysis/analyzer.h"
#include "libsipana/analysis/table.h"
#include "libsipana/rtcp/packet.h"
#include "libsipana/rtcp/round_trip.h"

namespace sipana::analysis {

struct Way {
    Endpoint src, dst;
};

struct RoundTripTold {  // the way of a report block, and the round trip by it
    Endpoint src, dst;
    double ms = 0;
};

class Reports {
public:
    Reports(const Options& options, Counts& counts, Sink& sink)
        : options_(options), counts_(counts), sink_(sink) {}

    // One RTCP datagram. Of an encrypted one (SRTCP) only the first packet's type can be told.
    void on_compound(const net::Datagram& datagram, bool encrypted);
    // Tells the stream what was said of it; needs its ssrc, addresses and clock.
    // `siblings`: where else its SSRC goes.
    void tell(Stream& into, std::span<const Way> siblings = {}) const;
    // Its round trip alone.
    void tell_round_trip(Stream& into, std::span<const Way> siblings = {}) const;
    // All of it, and forgets it.
    void take(Stream& into, std::span<const Way> siblings = {});
    // Forgets SSRCs that have been silent for long.
    void advance(Time now);
    // Tells of what was reported about streams that the capture does not hold.
    void finish();

private:
    static constexpr std::size_t most_round_trips = 100;
    struct Ledger {  // of one SSRC
        std::uint32_t ssrc = 0;
        Time last{};
        bool met = false;  // a stream of it has been handed on
        std::string cname;
        std::vector<RtcpReport> reports;
        std::vector<RtcpEvent> events;
        std::vector<RoundTripTold> round_trips;  // the first ones
        rtcp::RoundTrip round_trip;
        rtcp::RoundTrip references;  // of receivers without SR (RFC 3611 4.4, 4.5)
    };
    Ledger& ledger_of(std::uint32_t ssrc, Time now);
    bool full() const { return options_.detail == Detail::full; }
    void on_packet(const rtcp::Packet& packet, const net::Datagram& datagram);
    void on_block(const rtcp::ReportBlock& block, std::uint32_t sender,
                  const net::Datagram& datagram);
    void on_sender_report(const rtcp::SenderReport& report, const net::Datagram& datagram);
    void on_feedback(const rtcp::TransportFeedback& feedback, const net::Datagram& datagram);
    void on_feedback(const rtcp::PayloadFeedback& feedback, const net::Datagram& datagram);
    void on_extended(const rtcp::ExtendedReport& report, const net::Datagram& datagram);
    void event(std::uint32_t about, std::uint32_t sender, std::string_view kind, std::string text,
               const net::Datagram& datagram);

    void tell_intra_requests(Stream& into) const;

    const Options& options_;
    Counts& counts_;
    Sink& sink_;
    Pool<Ledger> pool_;
    HashIndex by_ssrc_;
    std::vector<RtcpEvent> intra_requests_;  // RFC 2032: of the stream that goes the other way
};

}  // namespace sipana::analysis
