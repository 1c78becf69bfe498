#include "libsipana/media/vp8.h"

namespace sipana::media::vp8 {

namespace {

constexpr std::uint8_t start_code[] = {0x9d, 0x01, 0x2a};  // RFC 6386 9.1
constexpr std::size_t key_frame_header = 10;

}  // namespace

Result<Descriptor> parse_descriptor(Bytes payload) {
    ByteReader in(payload);
    Descriptor d;
    const std::uint8_t first = in.u8();
    d.non_reference = (first & 0x20) != 0;
    d.starts_partition = (first & 0x10) != 0;
    d.partition = first & 0x07;
    if ((first & 0x80) != 0) {
        const std::uint8_t extension = in.u8();
        if ((extension & 0x80) != 0) {
            std::uint16_t id = in.u8();
            if ((id & 0x80) != 0) id = static_cast<std::uint16_t>((id & 0x7f) << 8 | in.u8());
            d.picture_id = id;
        }
        if ((extension & 0x40) != 0) d.tl0_picture = in.u8();
        if ((extension & 0x30) != 0) {  // one byte for either
            const std::uint8_t layer = in.u8();
            if ((extension & 0x20) != 0) d.temporal_layer = layer >> 6;
            if ((extension & 0x10) != 0) d.key_index = layer & 0x1f;
        }
    }
    d.frame = in.rest();
    if (!in.ok() || d.frame.empty())
        return Error{Errc::truncated, payload.size(),
                     "VP8 payload ends within its descriptor (RFC 7741 4.2)"};
    return d;
}

Result<Fragment> read(Bytes payload) {
    const auto d = parse_descriptor(payload);
    if (!d) return d.error();
    Fragment f;
    f.picture = true;
    f.starts = d->starts_partition && d->partition == 0;
    // RFC 6386 9.1: the lowest bit of a frame is 0 in key frames.
    if (!f.starts || (d->frame[0] & 1) != 0) return f;
    f.key = true;
    const Bytes h = d->frame;
    if (h.size() < key_frame_header) return f;
    if (h[3] != start_code[0] || h[4] != start_code[1] || h[5] != start_code[2])
        return Error{Errc::malformed, payload.size() - h.size() + 3,
                     "VP8 key frame has no start code (RFC 6386 9.1)"};
    // 14 bits, little-endian; the two above scale the picture for display.
    f.size = Size{static_cast<std::uint16_t>((h[7] & 0x3f) << 8 | h[6]),
                  static_cast<std::uint16_t>((h[9] & 0x3f) << 8 | h[8])};
    return f;
}

}  // namespace sipana::media::vp8
