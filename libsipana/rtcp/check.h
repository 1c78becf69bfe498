// Check: the rules of RTCP compound packets (RFC 3550 6.1, RFC 5506) and of the packets in them.
#pragma once

#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/finding.h"
#include "libsipana/rtcp/packet.h"

namespace sipana::rtcp {

// Findings of a datagram taken for plain RTCP, those of reading it included; Finding::byte is the
// offset within the datagram. `reduced_size`: the SDP agreed on a=rtcp-rsize (RFC 5506), so a
// datagram without SR or RR in front is right; without it that is a note, since one cannot tell.
std::vector<Finding> check(Bytes datagram, bool reduced_size = false);
std::vector<Finding> check(const Compound& compound, bool reduced_size = false);

}  // namespace sipana::rtcp
