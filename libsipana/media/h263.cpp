#include "libsipana/media/h263.h"

#include "libsipana/media/bits.h"

namespace sipana::media::h263 {

namespace {

constexpr std::uint32_t extended = 7;  // PLUSPTYPE follows
constexpr std::uint32_t custom = 6;    // CPFMT follows

// H.263 table 3: sub-QCIF, QCIF, CIF, 4CIF, 16CIF.
std::optional<Size> size_of_format(std::uint32_t format) {
    constexpr Size sizes[] = {{128, 96}, {176, 144}, {352, 288}, {704, 576}, {1408, 1152}};
    if (format < 1 || format > 5) return std::nullopt;
    return sizes[format - 1];
}

// H.263 5.1.4 and 5.1.5: the rest of a picture header whose PTYPE is extended.
void read_plus_type(BitReader& in, Fragment& f) {
    const std::uint32_t update = in.bits(3);
    std::uint32_t format = 0;
    if (update == 1) {  // OPPTYPE
        format = in.bits(3);
        in.skip(15);
    }
    const std::uint32_t coding = in.bits(3);  // MPPTYPE
    in.skip(6);
    if (!in.ok()) return;
    f.key = coding == 0;
    if (in.flag()) in.skip(2);  // CPM, PSBI
    if (update == 1 && format == custom) {
        in.skip(4);  // pixel aspect ratio
        const std::uint32_t width = (in.bits(9) + 1) * 4;
        in.skip(1);
        const std::uint32_t height = in.bits(9) * 4;
        if (in.ok() && height != 0)
            f.size = Size{static_cast<std::uint16_t>(width), static_cast<std::uint16_t>(height)};
    } else if (update == 1) {
        f.size = size_of_format(format);
    }
}

// H.263 5.1: from the temporal reference on, behind the picture start code.
void read_picture_header(BitReader& in, Fragment& f) {
    in.skip(8);                               // temporal reference
    if (in.bits(2) != 2 || !in.ok()) return;  // PTYPE begins with 10
    in.skip(3);
    const std::uint32_t format = in.bits(3);
    if (format == extended) {
        read_plus_type(in, f);
        return;
    }
    const bool inter = in.flag();
    if (!in.ok()) return;
    f.key = !inter;
    f.size = size_of_format(format);
}

}  // namespace

Result<Fragment> read(Bytes payload) {
    if (payload.size() < 2)
        return Error{Errc::truncated, payload.size(), "H.263 payload header is cut (RFC 4629 5.1)"};
    const std::uint16_t header = load_be16(payload.data());
    const bool picture_start = (header & 0x0400) != 0, has_vrc = (header & 0x0200) != 0;
    const std::size_t extra = header >> 3 & 0x3f;
    const std::size_t at = 2 + (has_vrc ? 1u : 0u) + extra;
    if (at > payload.size())
        return Error{Errc::truncated, 2, "H.263 extra picture header is cut (RFC 4629 5.1)"};
    Fragment f;
    f.picture = true;
    if (!picture_start) return f;
    // P: the two zero bytes of a start code are left out; a picture's goes on with 1 00000.
    BitReader in(payload.subspan(at));
    if (in.bits(6) != 0x20) return f;  // a GOB, slice or end-of-sequence start
    f.starts = true;
    read_picture_header(in, f);
    return f;
}

Result<Fragment> read_rfc2190(Bytes payload) {
    if (payload.empty()) return Error{Errc::truncated, 0, "H.263 payload is empty (RFC 2190 5)"};
    const bool f_bit = (payload[0] & 0x80) != 0, p_bit = (payload[0] & 0x40) != 0;
    const std::size_t header = !f_bit ? 4 : p_bit ? 12 : 8;
    if (payload.size() < header)
        return Error{Errc::truncated, payload.size(), "H.263 payload header is cut (RFC 2190 5)"};
    Fragment f;
    f.picture = true;
    // Mode A: SRC, I after SBIT and EBIT; modes B and C: SRC there too, I in the fifth byte.
    f.size = size_of_format(payload[1] >> 5);
    f.key = f_bit ? (payload[4] & 0x80) == 0 : (payload[1] & 0x10) == 0;
    BitReader in(payload.subspan(header));
    in.skip(payload[0] >> 3 & 7);  // SBIT
    f.starts = in.bits(22) == 0x20 && in.ok();
    return f;
}

}  // namespace sipana::media::h263
