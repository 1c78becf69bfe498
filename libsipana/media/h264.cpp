#include "libsipana/media/h264.h"

#include "libsipana/media/bits.h"

namespace sipana::media::h264 {

namespace {

enum NalType : std::uint8_t {
    slice = 1,
    idr = 5,
    sps = 7,
    last_single = 23,
    stap_a = 24,
    stap_b = 25,
    mtap16 = 26,
    mtap24 = 27,
    fu_a = 28,
    fu_b = 29,
};

// Parameter sets are short; more bytes than these are not looked at.
constexpr std::size_t sps_cap = 512;

// Slices 1 to 5 begin with first_mb_in_slice, where a single 1 bit is 0 (H.264 7.3.3): the first.
bool begins_picture(Bytes slice_header) {
    return !slice_header.empty() && (slice_header[0] & 0x80) != 0;
}

void note_nal(Bytes nal, Fragment& f) {
    const std::uint8_t type = nal[0] & 0x1f;
    if (type >= slice && type <= idr) {
        f.picture = true;
        f.starts = f.starts || begins_picture(nal.subspan(1));
        f.key = f.key || type == idr;
    } else if (type == sps) {
        if (const auto parameters = parse_sps(nal)) {
            f.size = parameters->size;
            f.fps = parameters->fps;
        }
    }
}

// RFC 6184 5.7: NAL units behind their sizes, each under `skip` more bytes (MTAP: DOND, TS offset).
Result<Fragment> read_aggregate(ByteReader in, std::size_t skip) {
    if (!in.ok() || in.left() == 0)
        return Error{Errc::truncated, in.pos(), "H.264 aggregation packet is empty (RFC 6184 5.7)"};
    Fragment f;
    while (in.left() > 0) {
        const std::size_t size = in.u16();
        in.skip(skip);
        const Bytes nal = in.take(std::min(size, in.left()));
        f.damaged = f.damaged || !in.ok() || nal.empty() || nal.size() < size;
        if (!nal.empty()) note_nal(nal, f);
    }
    return f;
}

// RFC 6184 5.8.
Result<Fragment> read_fragmentation_unit(Bytes payload, std::size_t header) {
    if (payload.size() < header)
        return Error{Errc::truncated, payload.size(), "H.264 FU header is cut (RFC 6184 5.8)"};
    const bool start = (payload[1] & 0x80) != 0;
    const std::uint8_t type = payload[1] & 0x1f;
    Fragment f;
    f.picture = type >= slice && type <= idr;
    f.starts = f.picture && start && begins_picture(payload.subspan(header));
    f.key = type == idr;
    return f;
}

// H.264 7.3.2.1.1.1: only its length matters here.
void skip_scaling_list(BitReader& in, int size) {
    std::int32_t last = 8, next = 8;
    for (int i = 0; i < size && in.ok(); ++i) {
        // A sum of 64 bits: what the stream says may be any number of 32.
        if (next != 0) next = static_cast<std::int32_t>((std::int64_t{last} + in.se() + 256) & 0xff);
        if (next != 0) last = next;
    }
}

// Profiles whose parameter sets say more of chroma and scaling (H.264 7.3.2.1.1).
bool is_high(std::uint32_t profile) {
    switch (profile) {
        case 44:
        case 83:
        case 86:
        case 100:
        case 110:
        case 118:
        case 122:
        case 128:
        case 134:
        case 135:
        case 138:
        case 139:
        case 244:
            return true;
        default:
            return false;
    }
}

// H.264 E.1.1, as far as the timing.
std::optional<double> read_vui_fps(BitReader& in) {
    if (in.flag() && in.bits(8) == 255) in.skip(32);  // aspect ratio, extended SAR
    if (in.flag()) in.skip(1);                        // overscan
    if (in.flag()) {                                  // video signal type
        in.skip(4);
        if (in.flag()) in.skip(24);
    }
    if (in.flag()) {  // chroma sample location
        in.ue();
        in.ue();
    }
    if (!in.flag()) return std::nullopt;
    const std::uint32_t units = in.bits(32), scale = in.bits(32);
    if (!in.ok() || units == 0 || scale == 0) return std::nullopt;
    return scale / (2.0 * units);
}

// The chroma part; gives ChromaArrayType, or nothing where it is out of range.
std::optional<std::uint32_t> read_chroma(BitReader& in) {
    const std::uint32_t chroma = in.ue();
    if (chroma > 3) return std::nullopt;
    const bool separate = chroma == 3 && in.flag();
    in.ue();     // bit depth luma
    in.ue();     // bit depth chroma
    in.skip(1);  // lossless bypass
    if (in.flag())
        for (int i = 0; i < (chroma == 3 ? 12 : 8); ++i)
            if (in.flag()) skip_scaling_list(in, i < 6 ? 16 : 64);
    return separate ? 0 : chroma;
}

void skip_picture_order(BitReader& in) {
    const std::uint32_t type = in.ue();
    if (type == 0) {
        in.ue();
    } else if (type == 1) {
        in.skip(1);
        in.se();
        in.se();
        const std::uint32_t cycle = in.ue();
        for (std::uint32_t i = 0; i < cycle && i < 255 && in.ok(); ++i) in.se();
    }
}

}  // namespace

Result<SequenceParameters> parse_sps(Bytes nal) {
    if (nal.size() < 4)
        return Error{Errc::truncated, nal.size(), "H.264 SPS is cut (H.264 7.3.2.1.1)"};
    if ((nal[0] & 0x1f) != sps)
        return Error{Errc::unsupported, 0, "NAL unit is no SPS (H.264 table 7-1)"};
    const Buffer bytes =
        without_emulation_prevention(nal.subspan(1, std::min(nal.size() - 1, sps_cap)));
    BitReader in(bytes);
    SequenceParameters p;
    p.profile = static_cast<std::uint8_t>(in.bits(8));
    in.skip(8);  // constraint flags
    p.level = static_cast<std::uint8_t>(in.bits(8));
    in.ue();  // id
    std::optional<std::uint32_t> chroma = 1;
    if (is_high(p.profile)) chroma = read_chroma(in);
    in.ue();  // frame number
    skip_picture_order(in);
    in.ue();     // reference frames
    in.skip(1);  // gaps allowed
    const std::uint64_t columns = std::uint64_t{in.ue()} + 1, rows = std::uint64_t{in.ue()} + 1;
    const bool frames_only = in.flag();
    if (!frames_only) in.skip(1);
    in.skip(1);  // direct 8x8
    std::uint64_t crop_x = 0, crop_y = 0;
    const std::uint64_t field = frames_only ? 1 : 2;
    if (in.flag()) {
        const std::uint64_t left = in.ue(), right = in.ue(), top = in.ue(), bottom = in.ue();
        const std::uint64_t unit_x = chroma == 1u || chroma == 2u ? 2 : 1;
        const std::uint64_t unit_y = (chroma == 1u ? 2 : 1) * field;
        crop_x = (left + right) * unit_x;
        crop_y = (top + bottom) * unit_y;
    }
    const std::uint64_t width = columns * 16, height = rows * 16 * field;
    if (!in.ok() || !chroma || crop_x >= width || crop_y >= height || width - crop_x > 0xffff ||
        height - crop_y > 0xffff)
        return Error{Errc::malformed, 0, "H.264 SPS is not readable (H.264 7.3.2.1.1)"};
    p.size = {static_cast<std::uint16_t>(width - crop_x),
              static_cast<std::uint16_t>(height - crop_y)};
    if (in.flag()) p.fps = read_vui_fps(in);
    return p;
}

Result<Fragment> read(Bytes payload) {
    if (payload.empty()) return Error{Errc::truncated, 0, "H.264 payload is empty (RFC 6184 5.3)"};
    const std::uint8_t type = payload[0] & 0x1f;
    ByteReader in(payload);
    in.u8();
    if (type >= slice && type <= last_single) {
        Fragment f;
        note_nal(payload, f);
        return f;
    }
    switch (type) {
        case stap_a:
            return read_aggregate(in, 0);
        case stap_b:
            in.u16();  // DON
            return read_aggregate(in, 0);
        case mtap16:
            in.u16();  // DON base
            return read_aggregate(in, 3);
        case mtap24:
            in.u16();
            return read_aggregate(in, 4);
        case fu_a:
            return read_fragmentation_unit(payload, 2);
        case fu_b:
            return read_fragmentation_unit(payload, 4);
        default:
            return Error{Errc::malformed, 0, "H.264 payload type is undefined (RFC 6184 5.2)"};
    }
}

}  // namespace sipana::media::h264
