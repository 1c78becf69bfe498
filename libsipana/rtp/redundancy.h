// Redundant payloads (RFC 2198): several payloads of other types in one packet, the primary one
// last.
//
//   |F|   block PT  |  timestamp offset (14)    | block length (10) |   F=1: another header follows
//   |0|   block PT  |                                                 the primary's
#pragma once

#include <cstdint>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"

namespace sipana::rtp {

struct RedundantBlock {
    std::uint8_t payload_type = 0;
    Bytes payload;
};
// The primary payload, which would be there without redundancy.
Result<RedundantBlock> primary_of_redundant(Bytes payload);

}  // namespace sipana::rtp
