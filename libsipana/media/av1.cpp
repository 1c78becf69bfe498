#include "libsipana/media/av1.h"

#include "libsipana/media/bits.h"

namespace sipana::media::av1 {

namespace {

enum ObuType : std::uint8_t {  // AV1 6.2.2
    sequence_header = 1,
    temporal_delimiter = 2,
    frame_header = 3,
    tile_group = 4,
    frame = 6,
    redundant_frame_header = 7,
    tile_list = 8,
};

constexpr unsigned leb128_max = 8;  // bytes, AV1 4.10.5

std::optional<std::uint64_t> read_leb128(ByteReader& in) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < leb128_max; ++i) {
        const std::uint8_t byte = in.u8();
        value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) return in.ok() ? std::optional(value) : std::nullopt;
    }
    return std::nullopt;
}

// AV1 5.9.2: a frame header begins with show_existing_frame and frame_type; a key frame's are 0.
bool is_key_frame(Bytes frame_header) {
    return !frame_header.empty() && (frame_header[0] & 0xe0) == 0;
}

// What stands behind the header of an OBU, and behind its size if it has one.
std::optional<Bytes> payload_of(Bytes obu) {
    ByteReader in(obu);
    const std::uint8_t header = in.u8();
    if ((header & 0x04) != 0) in.u8();  // extension
    if ((header & 0x02) != 0 && !read_leb128(in)) return std::nullopt;
    if (!in.ok()) return std::nullopt;
    return in.rest();
}

// An OBU or the part of one that is in this packet.
void note_obu(Bytes obu, bool begins, Fragment& f) {
    if (!begins) {
        // The rest of an OBU that began in the packet before; tile data, in all but odd streams.
        f.picture = true;
        return;
    }
    if (obu.empty()) return;
    const std::uint8_t type = obu[0] >> 3 & 0x0f;
    if (type >= frame_header && type <= tile_list && type != 5) {
        f.picture = true;
        if (type != frame && type != frame_header) return;
        f.starts = true;
        // For senders that leave N out.
        if (const auto header = payload_of(obu)) f.key = f.key || is_key_frame(*header);
        return;
    }
    if (type != sequence_header) return;
    const auto header = payload_of(obu);
    if (!header) return;
    if (const auto sequence = parse_sequence_header(*header)) {
        f.size = sequence->size;
        f.fps = sequence->fps;
    }
}

// AV1 5.5.3 and 5.5.4; gives the decoder model's delay length, 0 without one.
unsigned read_timing(BitReader& in, SequenceHeader& s) {
    if (!in.flag()) return 0;
    const std::uint32_t units = in.bits(32), scale = in.bits(32);
    if (in.flag()) {  // equal picture interval
        unsigned zeros = 0;
        while (in.ok() && zeros < 32 && !in.flag()) ++zeros;
        const std::uint64_t ticks = zeros >= 32 ? 0 : (std::uint64_t{1} << zeros) + in.bits(zeros);
        if (units != 0 && ticks != 0)
            s.fps = static_cast<double>(scale) /
                    (static_cast<double>(units) * static_cast<double>(ticks));
    }
    if (!in.flag()) return 0;  // decoder model
    const unsigned length = in.bits(5) + 1;
    in.skip(32 + 5 + 5);
    return length;
}

void skip_operating_points(BitReader& in, unsigned delay_length) {
    const bool display_delay = in.flag();
    const std::uint32_t points = in.bits(5) + 1;
    for (std::uint32_t i = 0; i < points && in.ok(); ++i) {
        in.skip(12);
        if (in.bits(5) > 7) in.skip(1);  // level, tier
        if (delay_length != 0 && in.flag()) in.skip(2 * delay_length + 1);
        if (display_delay && in.flag()) in.skip(4);
    }
}

}  // namespace

Result<SequenceHeader> parse_sequence_header(Bytes payload) {
    BitReader in(payload);
    SequenceHeader s;
    s.profile = static_cast<std::uint8_t>(in.bits(3));
    s.still_picture = in.flag();
    if (in.flag()) {  // reduced still picture header
        in.skip(5);
    } else {
        const unsigned delay_length = read_timing(in, s);
        skip_operating_points(in, delay_length);
    }
    const unsigned width_bits = in.bits(4) + 1, height_bits = in.bits(4) + 1;
    const std::uint32_t width = in.bits(width_bits) + 1, height = in.bits(height_bits) + 1;
    if (!in.ok() || width > 0xffff || height > 0xffff)
        return Error{Errc::malformed, 0, "AV1 sequence header is not readable (AV1 5.5)"};
    s.size = {static_cast<std::uint16_t>(width), static_cast<std::uint16_t>(height)};
    return s;
}

Result<Fragment> read(Bytes payload) {
    if (payload.size() < 2)
        return Error{Errc::truncated, payload.size(), "AV1 payload is cut (AV1 RTP 4.4)"};
    ByteReader in(payload);
    const std::uint8_t header = in.u8();
    const bool continues = (header & 0x80) != 0;
    const unsigned elements = header >> 4 & 3;
    Fragment f;
    // A packet that begins a coded video sequence: its frame is a key frame (AV1 RTP 4.4).
    f.key = (header & 0x08) != 0;
    if (f.key && continues)
        return Error{Errc::malformed, 0, "AV1 N bit in a packet that continues (AV1 RTP 4.4)"};
    for (unsigned i = 0; in.left() > 0; ++i) {
        if (elements != 0 && i >= elements)
            return Error{Errc::malformed, in.pos(), "AV1 holds more than W elements (AV1 RTP 4.4)"};
        Bytes obu;
        if (elements != 0 && i + 1 == elements) {  // the last has no length
            obu = in.rest();
        } else {
            const auto size = read_leb128(in);
            f.damaged = f.damaged || !size || *size > in.left();
            obu = in.take(
                static_cast<std::size_t>(std::min<std::uint64_t>(size.value_or(0), in.left())));
        }
        note_obu(obu, i > 0 || !continues, f);
    }
    return f;
}

}  // namespace sipana::media::av1
