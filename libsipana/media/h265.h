// H.265 in RTP (RFC 7798): single NAL units, aggregation (48), fragmentation (49) and PACI (50)
// packets without DONL fields, and sequence parameter sets (H.265 7.3.2.2).
//
//   |F|   type (6)  |  layer id (6) | TID |
#pragma once

#include "libsipana/media/fragment.h"

namespace sipana::media::h265 {

// Key: an intra random access point (NAL types 16 to 23).
Result<Fragment> read(Bytes payload);

struct SequenceParameters {
    std::uint8_t profile = 0, level = 0;
    Size size;  // within the conformance window
};
// `nal`: the whole NAL unit, its two header bytes included.
Result<SequenceParameters> parse_sps(Bytes nal);

}  // namespace sipana::media::h265
