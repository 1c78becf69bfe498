#include "libsipana/media/vp9.h"

#include "libsipana/media/bits.h"

namespace sipana::media::vp9 {

namespace {

constexpr std::uint32_t sync_code = 0x498342;
constexpr std::uint32_t color_space_rgb = 7;

// RFC 9628 4.2.1: sizes of the spatial layers, and the structure of a group of frames.
void read_scalability(ByteReader& in, Descriptor& d) {
    const std::uint8_t first = in.u8();
    const int layers = (first >> 5) + 1;
    if ((first & 0x10) != 0) {
        for (int i = 0; i < layers; ++i) {
            Size size;
            size.width = in.u16();
            size.height = in.u16();
            d.layer_sizes.push_back(size);
        }
    }
    if ((first & 0x08) != 0) {
        const std::uint8_t pictures = in.u8();
        for (int i = 0; i < pictures && in.ok(); ++i) in.skip(in.u8() >> 2 & 3u);
    }
}

struct FrameHeader {  // VP9 6.2: the uncompressed header, as far as the size of a key frame
    bool key = false;
    std::optional<Size> size;
};

// Nothing where it is no VP9 header (an encrypted frame).
std::optional<FrameHeader> read_frame_header(Bytes frame) {
    BitReader in(frame);
    if (in.bits(2) != 2) return std::nullopt;  // frame marker
    const bool low = in.flag(), high = in.flag();
    const std::uint32_t profile = (high ? 2u : 0u) + (low ? 1u : 0u);
    if (profile == 3) in.skip(1);
    FrameHeader header;
    if (in.flag()) return header;  // shows an existing frame
    header.key = !in.flag();
    in.skip(2);  // shown, error resilient
    if (!header.key) return header;
    if (in.bits(24) != sync_code) return std::nullopt;
    if (profile >= 2) in.skip(1);  // bit depth
    if (in.bits(3) != color_space_rgb) {
        in.skip(1);                                    // range
        if (profile == 1 || profile == 3) in.skip(3);  // subsampling
    } else if (profile == 1 || profile == 3) {
        in.skip(1);
    }
    const std::uint32_t width = in.bits(16) + 1, height = in.bits(16) + 1;
    if (in.ok() && width <= 0xffff && height <= 0xffff)
        header.size = Size{static_cast<std::uint16_t>(width), static_cast<std::uint16_t>(height)};
    return header;
}

}  // namespace

Result<Descriptor> parse_descriptor(Bytes payload) {
    ByteReader in(payload);
    Descriptor d;
    const std::uint8_t first = in.u8();
    d.inter_predicted = (first & 0x40) != 0;
    d.flexible = (first & 0x10) != 0;
    d.starts_frame = (first & 0x08) != 0;
    d.ends_frame = (first & 0x04) != 0;
    d.not_reference = (first & 0x01) != 0;
    if ((first & 0x80) != 0) {
        std::uint16_t id = in.u8();
        if ((id & 0x80) != 0) id = static_cast<std::uint16_t>((id & 0x7f) << 8 | in.u8());
        d.picture_id = id;
    }
    if ((first & 0x20) != 0) {
        const std::uint8_t layer = in.u8();
        d.temporal_layer = layer >> 5;
        d.spatial_layer = layer >> 1 & 7;
        d.inter_layer = (layer & 1) != 0;
        if (!d.flexible) in.u8();  // TL0PICIDX
    }
    if (d.flexible && d.inter_predicted) {
        int references = 0;  // at most three (RFC 9628 4.2)
        while ((in.u8() & 1) != 0)
            if (++references == 3)
                return Error{Errc::malformed, in.pos(),
                             "VP9 names more than three reference frames (RFC 9628 4.2)"};
    }
    if ((first & 0x02) != 0) read_scalability(in, d);
    d.frame = in.rest();
    if (!in.ok() || d.frame.empty())
        return Error{Errc::truncated, payload.size(),
                     "VP9 payload ends within its descriptor (RFC 9628 4.2)"};
    return d;
}

Result<Fragment> read(Bytes payload) {
    const auto d = parse_descriptor(payload);
    if (!d) return d.error();
    Fragment f;
    f.picture = true;
    f.starts = d->starts_frame && d->spatial_layer == 0;
    if (f.starts) {
        // The header is the truth, where it can be read: some senders never set P.
        const auto header = read_frame_header(d->frame);
        f.key = header ? header->key : !d->inter_predicted;
        if (header) f.size = header->size;
    }
    if (!d->layer_sizes.empty()) f.size = d->layer_sizes.back();
    return f;
}

}  // namespace sipana::media::vp9
