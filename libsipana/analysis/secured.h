// Secured: pairs of endpoints that agreed on keys in the media path, so that what flows between
// them is SRTP and SRTCP from then on: ZRTP (RFC 6189), DTLS-SRTP (RFC 5764).
#pragma once

#include "libsipana/analysis/table.h"
#include "libsipana/base/time.h"
#include "libsipana/net/datagram.h"

namespace sipana::analysis {

class Secured {
public:
    // A datagram of ZRTP or DTLS. True: from here on its endpoints encrypt, and had not before.
    bool on_keys(const net::Datagram& datagram);
    // In either direction.
    bool contains(const Endpoint& a, const Endpoint& b) const { return find(a, b) != none; }
    bool empty() const { return pairs_.count() == 0; }
    // Forgets pairs whose key exchange is long past: streams that are open remember it themselves.
    void advance(Time now);

private:
    static constexpr std::uint32_t none = HashIndex::nil;
    struct Pair {
        Endpoint low, high;
        Time last{};
    };
    std::uint32_t find(const Endpoint& a, const Endpoint& b) const;

    Pool<Pair> pairs_;
    HashIndex by_endpoints_;
};

}  // namespace sipana::analysis
