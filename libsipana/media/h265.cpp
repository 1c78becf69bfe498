#include "libsipana/media/h265.h"

#include "libsipana/media/bits.h"

namespace sipana::media::h265 {

namespace {

enum NalType : std::uint8_t {  // H.265 table 7-1, RFC 7798 4.4
    first_irap = 16,
    last_irap = 23,
    last_slice = 31,
    sps = 33,
    aggregation = 48,
    fragmentation = 49,
    paci = 50,
};

constexpr std::size_t sps_cap = 512;
constexpr std::size_t nal_header = 2;

bool is_picture(std::uint8_t type) { return type <= last_slice; }
bool is_irap(std::uint8_t type) { return type >= first_irap && type <= last_irap; }

// A slice begins with first_slice_segment_in_pic_flag (H.265 7.3.6.1).
bool begins_picture(Bytes slice_header) {
    return !slice_header.empty() && (slice_header[0] & 0x80) != 0;
}

void note_nal(Bytes nal, Fragment& f) {
    const std::uint8_t type = nal[0] >> 1 & 0x3f;
    if (is_picture(type)) {
        f.picture = true;
        f.starts = f.starts || begins_picture(nal.subspan(nal_header));
        f.key = f.key || is_irap(type);
    } else if (type == sps) {
        if (const auto parameters = parse_sps(nal)) f.size = parameters->size;
    }
}

Result<Fragment> read_aggregate(Bytes payload) {  // RFC 7798 4.4.2
    ByteReader in(payload);
    in.skip(nal_header);
    Fragment f;
    while (in.left() > 0) {
        const std::size_t size = in.u16();
        const Bytes nal = in.take(std::min(size, in.left()));
        f.damaged = f.damaged || !in.ok() || nal.size() < nal_header || nal.size() < size;
        if (nal.size() >= nal_header) note_nal(nal, f);
    }
    return f;
}

Fragment read_fragmentation_unit(Bytes payload) {  // RFC 7798 4.4.3
    const std::uint8_t fu_header = payload[nal_header];
    const bool start = (fu_header & 0x80) != 0;
    const std::uint8_t type = fu_header & 0x3f;
    Fragment f;
    f.picture = is_picture(type);
    f.starts = f.picture && start && begins_picture(payload.subspan(nal_header + 1));
    f.key = is_irap(type);
    return f;
}

// RFC 7798 4.4.4: a header extension of PHSsize bytes before a payload of type cType.
Result<Fragment> read_paci(Bytes payload) {
    if (payload.size() < nal_header + 2)
        return Error{Errc::truncated, payload.size(), "H.265 PACI header is cut (RFC 7798 4.4.4)"};
    const std::uint16_t fields = load_be16(payload.data() + nal_header);
    const std::uint8_t type = fields >> 9 & 0x3f;
    const std::size_t at = nal_header + 2 + (fields >> 4 & 0x1fu);
    if (at >= payload.size())
        return Error{Errc::truncated, nal_header,
                     "H.265 PACI extension runs past the end (RFC 7798 4.4.4)"};
    if (type == paci)
        return Error{Errc::malformed, nal_header, "H.265 PACI within PACI (RFC 7798 4.4.4)"};
    // The inner payload follows without its own payload header, which PACI's stands for.
    Buffer inner{static_cast<std::uint8_t>((payload[0] & 0x81) | type << 1), payload[1]};
    inner.insert(inner.end(), payload.begin() + static_cast<std::ptrdiff_t>(at), payload.end());
    return read(inner);
}

// H.265 7.3.3; gives profile and level.
void read_profile_tier_level(BitReader& in, std::uint32_t sub_layers, SequenceParameters& p) {
    in.skip(3);  // profile space, tier
    p.profile = static_cast<std::uint8_t>(in.bits(5));
    in.skip(32 + 48);
    p.level = static_cast<std::uint8_t>(in.bits(8));
    bool profile_present[8] = {}, level_present[8] = {};
    for (std::uint32_t i = 0; i < sub_layers; ++i) {
        profile_present[i] = in.flag();
        level_present[i] = in.flag();
    }
    if (sub_layers > 0)
        for (std::uint32_t i = sub_layers; i < 8; ++i) in.skip(2);
    for (std::uint32_t i = 0; i < sub_layers; ++i) {
        if (profile_present[i]) in.skip(88);
        if (level_present[i]) in.skip(8);
    }
}

}  // namespace

Result<SequenceParameters> parse_sps(Bytes nal) {
    if (nal.size() < 4)
        return Error{Errc::truncated, nal.size(), "H.265 SPS is cut (H.265 7.3.2.2)"};
    if ((nal[0] >> 1 & 0x3f) != sps)
        return Error{Errc::unsupported, 0, "NAL unit is no SPS (H.265 table 7-1)"};
    const Buffer bytes = without_emulation_prevention(
        nal.subspan(nal_header, std::min(nal.size() - nal_header, sps_cap)));
    BitReader in(bytes);
    SequenceParameters p;
    in.skip(4);  // VPS id
    const std::uint32_t sub_layers = in.bits(3);
    in.skip(1);
    read_profile_tier_level(in, sub_layers, p);
    in.ue();  // id
    const std::uint32_t chroma = in.ue();
    const bool separate = chroma == 3 && in.flag();
    const std::uint64_t width = in.ue(), height = in.ue();
    std::uint64_t cut_x = 0, cut_y = 0;
    if (in.flag()) {  // conformance window, in chroma samples (H.265 table 6-1)
        const std::uint64_t left = in.ue(), right = in.ue(), top = in.ue(), bottom = in.ue();
        const bool halved_x = !separate && (chroma == 1 || chroma == 2);
        const bool halved_y = !separate && chroma == 1;
        cut_x = (left + right) * (halved_x ? 2 : 1);
        cut_y = (top + bottom) * (halved_y ? 2 : 1);
    }
    if (!in.ok() || sub_layers > 6 || chroma > 3 || cut_x >= width || cut_y >= height ||
        width - cut_x > 0xffff || height - cut_y > 0xffff)
        return Error{Errc::malformed, 0, "H.265 SPS is not readable (H.265 7.3.2.2)"};
    p.size = {static_cast<std::uint16_t>(width - cut_x),
              static_cast<std::uint16_t>(height - cut_y)};
    return p;
}

Result<Fragment> read(Bytes payload) {
    if (payload.size() <= nal_header)
        return Error{Errc::truncated, payload.size(), "H.265 payload is cut (RFC 7798 4.4)"};
    const std::uint8_t type = payload[0] >> 1 & 0x3f;
    if (type == aggregation) return read_aggregate(payload);
    if (type == fragmentation) return read_fragmentation_unit(payload);
    if (type == paci) return read_paci(payload);
    if (type > paci)
        return Error{Errc::malformed, 0, "H.265 payload type is undefined (RFC 7798 4.4)"};
    Fragment f;
    note_nal(payload, f);
    return f;
}

}  // namespace sipana::media::h265
