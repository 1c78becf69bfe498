// VP8 in RTP (RFC 7741): the payload descriptor, and the frame header behind it (RFC 6386 9.1).
//
//   |X|R|N|S|R| PID |   X: |I|L|T|K|RSV|  I: |M| PictureID |  L: TL0PICIDX  T/K: |TID|Y| KEYIDX |
#pragma once

#include "libsipana/media/fragment.h"

namespace sipana::media::vp8 {

struct Descriptor {
    bool non_reference = false, starts_partition = false;
    std::uint8_t partition = 0;
    std::optional<std::uint16_t> picture_id;  // 7 or 15 bits
    std::optional<std::uint8_t> tl0_picture, temporal_layer, key_index;
    Bytes frame;  // what follows
};
Result<Descriptor> parse_descriptor(Bytes payload);

Result<Fragment> read(Bytes payload);

}  // namespace sipana::media::vp8
