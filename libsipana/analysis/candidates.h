// Candidates: datagrams that may be RTP where no SDP says so. Three packets of one flow with one
// SSRC and rising sequence numbers make a stream.
//
// A table of sets by hash, so that floods do not grow it; a set that is full forgets its oldest.
#pragma once

#include <array>
#include <vector>

#include "libsipana/analysis/stream_meter.h"
#include "libsipana/net/datagram.h"
#include "libsipana/rtp/packet.h"

namespace sipana::analysis {

class Candidates {
public:
    // The two packets before the third.
    struct Found {
        Early packets[2];
        Bytes payloads[2];  // empty where not kept; valid until the next packet
    };
    // Nothing: it has to wait for others. `keep`: its payload will be looked into.
    std::optional<Found> on_packet(const net::Datagram& datagram, const Early& packet,
                                   std::uint32_t ssrc, std::uint64_t flow_hash, Bytes payload,
                                   bool keep);

private:
    struct Candidate {
        Endpoint src, dst;
        std::uint32_t ssrc = 0, count = 0;
        Early packets[2];
    };
    // The newest few payloads, so that a stream begins with its parameter sets.
    struct Kept {
        std::uint64_t frame = 0;
        std::uint32_t ssrc = 0;
        Buffer payload;
    };
    Candidate& candidate_of(const net::Datagram& datagram, std::uint32_t ssrc,
                            std::uint64_t flow_hash);
    Bytes kept(const Early& packet, std::uint32_t ssrc) const;

    std::vector<Candidate> candidates_;  // none before the first packet
    std::array<Kept, 64> kept_;
    std::size_t next_kept_ = 0;
};

}  // namespace sipana::analysis
