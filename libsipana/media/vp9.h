// VP9 in RTP (RFC 9628): the payload descriptor with its scalability structure, and the
// uncompressed header of a key frame (VP9 bitstream specification 6.2).
//
//   |I|P|L|F|B|E|V|Z|  I: |M| picture ID |  L: |TID|U|SID|D| (F=0: TL0PICIDX)  F,P: |P_DIFF|N|...
//   V: SS
#pragma once

#include <vector>

#include "libsipana/media/fragment.h"

namespace sipana::media::vp9 {

struct Descriptor {
    bool inter_predicted = false, flexible = false, starts_frame = false, ends_frame = false;
    bool not_reference = false;
    std::optional<std::uint16_t> picture_id;
    std::uint8_t temporal_layer = 0, spatial_layer = 0;
    bool inter_layer = false;       // D: predicted from the layer below
    std::vector<Size> layer_sizes;  // from the scalability structure, lowest first
    Bytes frame;
};
Result<Descriptor> parse_descriptor(Bytes payload);

// size: of the highest spatial layer, where the scalability structure or key frame tells it.
Result<Fragment> read(Bytes payload);

}  // namespace sipana::media::vp9
