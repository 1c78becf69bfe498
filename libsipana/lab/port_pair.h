// PortPair: an even UDP port for RTP and the next one for RTCP (RFC 3550 11).
#pragma once

#include "libsipana/lab/node.h"

namespace sipana::lab {

struct PortPair {
    Endpoint rtp, rtcp;
};

// Any free pair at `address`; both receive for `owner`.
Result<PortPair> open_pair(Ports& ports, const Address& address, Node& owner);
void close_pair(Ports& ports, const PortPair& pair);

}  // namespace sipana::lab
