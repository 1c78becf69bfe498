// AV1 in RTP (RTP Payload Format For AV1, version 1.0): the aggregation header and OBU elements,
// and the sequence header OBU (AV1 bitstream specification 5.5).
//
//   |Z|Y|W W|N|-|-|-|   Z, Y: first, last element is a fragment; W: elements, 0: all with a length;
//   N: new coded video sequence
#pragma once

#include "libsipana/media/fragment.h"

namespace sipana::media::av1 {

Result<Fragment> read(Bytes payload);

struct SequenceHeader {
    std::uint8_t profile = 0;
    bool still_picture = false;
    Size size;  // max_frame_width and max_frame_height
    std::optional<double> fps;
};
// The payload of a sequence header OBU, its OBU header and size removed.
Result<SequenceHeader> parse_sequence_header(Bytes payload);

}  // namespace sipana::media::av1
