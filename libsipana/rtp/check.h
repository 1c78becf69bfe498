// Check: what an RTP packet or stream shows to be wrong by itself, with the clause. Only what is
// certain without an SDP; whether the stream keeps to its SDP is analysis/check.
#pragma once

#include <vector>

#include "libsipana/base/finding.h"
#include "libsipana/rtp/packet.h"
#include "libsipana/rtp/receiver.h"

namespace sipana::rtp {

// Of a datagram taken for RTP: why it cannot be read, or what in it is not allowed. Payloads are
// looked at for static audio payload types only, and not where the stream is `encrypted`.
std::vector<Finding> check(Bytes datagram, bool encrypted = false);
// Of a telephone-event payload (RFC 4733 2.3).
std::vector<Finding> check_event(Bytes payload);
// Of a whole stream.
std::vector<Finding> check(const Receiver& receiver, bool audio);

}  // namespace sipana::rtp
