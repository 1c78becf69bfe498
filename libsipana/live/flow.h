// Flow: which way a frame goes: addresses and ports of the innermost datagram or segment, one
// direction. Of an IP fragment (RFC 791 3.2, RFC 8200 4.5) what its datagram's fragments have in
// common.
//
// Enough to find what belongs together before the analyzer can know it; nothing is put together
// here.
#pragma once

#include <cstdint>

#include "libsipana/pcap/frame.h"

namespace sipana::live {

struct Flow {
    enum class Kind : std::uint8_t { none, udp, tcp, fragment, other };

    std::uint64_t key = 0;  // seeded hash; never 0 but with Kind::none
    Kind kind = Kind::none;
    // TCP
    std::uint32_t seq = 0, payload = 0;  // of the first byte; how many there are
    bool begins =
        false;  // the payload's first line is that of a SIP message, or a WebSocket frame's head
    // UDP: the payload has the version bits of RTP and RTCP (RFC 7983 7)
    bool media = false;
};

Flow flow_of(const pcap::Frame& frame, std::uint64_t seed);

}  // namespace sipana::live
