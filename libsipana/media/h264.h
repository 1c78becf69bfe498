// H.264 in RTP (RFC 6184): packetization modes 0 to 2, and sequence parameter sets
// (H.264 7.3.2.1.1).
//
//   |F|NRI|  type   |   type 1-23 NAL unit; 24 STAP-A 25 STAP-B 26 MTAP16 27 MTAP24 28 FU-A 29 FU-B
#pragma once

#include "libsipana/media/fragment.h"

namespace sipana::media::h264 {

// Key: an IDR picture (NAL type 5).
Result<Fragment> read(Bytes payload);

struct SequenceParameters {
    std::uint8_t profile = 0, level = 0;
    Size size;                  // after cropping
    std::optional<double> fps;  // from the VUI's timing, two fields a frame
};
// `nal`: the whole NAL unit, its header byte included.
Result<SequenceParameters> parse_sps(Bytes nal);

}  // namespace sipana::media::h264
