// Sender: the sending end of one RTP stream (RFC 3550 5.1): its SSRC, sequence numbers and
// timestamps, which begin at random, and what a sender report counts (6.4.1).
#pragma once

#include <cstdint>

#include "libsipana/base/bytes.h"
#include "libsipana/base/random.h"

namespace sipana::rtp {

class Sender {
public:
    explicit Sender(Random& random)
        : ssrc_(static_cast<std::uint32_t>(random.next())),
          base_(static_cast<std::uint32_t>(random.next())),
          sequence_(static_cast<std::uint16_t>(random.next())) {}

    // Appends the next packet. `ticks`: of the media's clock since the stream's origin.
    void write(std::uint8_t payload_type, bool marker, std::uint64_t ticks, Bytes payload,
               Buffer& out);

    std::uint32_t ssrc() const { return ssrc_; }
    std::uint16_t next_sequence() const { return sequence_; }
    std::uint32_t timestamp(std::uint64_t ticks) const {
        return base_ + static_cast<std::uint32_t>(ticks);
    }
    std::uint64_t packets() const { return packets_; }
    std::uint64_t octets() const { return octets_; }  // of payload

private:
    std::uint32_t ssrc_, base_;
    std::uint16_t sequence_;
    std::uint64_t packets_ = 0, octets_ = 0;
};

}  // namespace sipana::rtp
