// Classify: what a UDP datagram or SCTP message holds. Content decides; SDP decides before heuristics
// (analysis/streams); first bytes as RFC 7983 and RFC 5764 5.1.2 divide them.
#pragma once

#include <cstdint>

#include "libsipana/base/bytes.h"

namespace sipana::analysis {

enum class Content : std::uint8_t {
    sip,
    media,         // version 2: RTP or RTCP
    keep_alive,    // CRLFs, a zero byte or nothing: RFC 5626 3.5.1, NAT bindings
    stun,
    dtls,
    zrtp,
    turn_channel,
    hep,           // an envelope (analysis/envelopes)
    other,
};

Content classify(Bytes payload);

}  // namespace sipana::analysis
