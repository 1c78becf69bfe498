// Legs: which calls are parts of one, and by what evidence.
//
// A proxy keeps the Call-ID, so its hops are one call already. A back-to-back user agent makes a new one for
// each leg; two calls are joined only on evidence that is named: Replaces (RFC 3891), Join (RFC 3911), a
// Session-ID (RFC 7989) or a header that carries the other's Call-ID, a REFER that asked for the call
// (RFC 3515), the same RTP stream (SSRC) or the same sound coming in and going out of a host, the same media address in the
// SDPs of different hosts, or the same number sent on at once by the host that the first INVITE went to.
// Where two calls fit equally well, neither is taken.
#pragma once

#include <vector>

#include "libsipana/analysis/calls.h"

namespace sipana::analysis {

class Legs {
public:
    explicit Legs(Calls& calls);

    // An initial INVITE that opened call number `call`.
    void on_invite(std::uint32_t call, const sip::Message& invite, const Facts& facts, const Seen& seen);
    // A REFER within call number `call`, or outside of any: its Refer-To will be called by who got it.
    void on_refer(std::uint32_t call, const sip::Message& refer, const Seen& seen);
    // Joins two live calls, both ways, once for each evidence.
    void join(std::uint32_t a, std::uint32_t b, const std::string& evidence);

private:
    // The last INVITE seen with a fact, found by the fact's hash. Overwritten by collisions, so it
    // never grows: what is lost is a match within two seconds among thousands of calls a second.
    struct Entry {
        std::uint64_t fact = 0, number = 0;
        Time at{};
        std::uint32_t call = none;
        bool ambiguous = false;  // several live calls share the fact
    };
    void on_names(std::uint32_t call, const sip::Message& invite, const Seen& seen);
    Entry& entry(std::uint64_t fact) { return entries_[fact % entries_.size()]; }
    std::uint32_t recall(std::uint64_t fact, std::uint32_t call, Time now, Duration window);
    void remember(std::uint64_t fact, std::uint32_t call, Time now, Duration window);

    Calls& calls_;
    std::vector<Entry> entries_;
};

}  // namespace sipana::analysis
