#include "libsipana/media/packetiser.h"

#include <algorithm>

namespace sipana::media {
namespace {

constexpr std::uint8_t stap_a = 24, fu_a = 28;
constexpr std::uint8_t fu_start = 0x80, fu_end = 0x40;
constexpr std::size_t vp8_descriptor = 4;

// What stands beside the slices and is small: SEI and parameter sets.
bool is_aside(Bytes nal) {
    const unsigned type = nal[0] & 31;
    return type >= 6 && type <= 8;
}

}  // namespace

const std::vector<Bytes>& Packetiser::cut(const Clip& clip, const ClipFrame& frame) {
    bytes_.clear();
    ends_.clear();
    payloads_.clear();
    if (codec_ == VideoCodec::vp8) {
        for (const ClipUnit& unit : frame.units) cut_vp8(clip.unit(unit));
    } else {
        cut_h264(clip, frame);
    }
    std::size_t from = 0;
    for (const std::size_t end : ends_) {
        payloads_.push_back(Bytes(bytes_).subspan(from, end - from));
        from = end;
    }
    return payloads_;
}

void Packetiser::close_payload() { ends_.push_back(bytes_.size()); }

void Packetiser::cut_h264(const Clip& clip, const ClipFrame& frame) {
    for (std::size_t i = 0; i < frame.units.size();) {
        const Bytes nal = clip.unit(frame.units[i]);
        std::size_t to = i, size = 1;
        while (mode_ != 0 && to < frame.units.size() && is_aside(clip.unit(frame.units[to])) &&
               size + 2 + frame.units[to].size <= max_payload_)
            size += 2 + frame.units[to++].size;
        if (to - i >= 2) {
            aggregate(clip, frame, i, to);
            i = to;
            continue;
        }
        if (mode_ != 0 && nal.size() > max_payload_) {
            fragment(nal);
        } else {
            ByteWriter(bytes_).put(nal);
            close_payload();
        }
        ++i;
    }
}

// RFC 6184 5.7.1: F is set if any has it, NRI is the highest of all.
void Packetiser::aggregate(const Clip& clip, const ClipFrame& frame, std::size_t from,
                           std::size_t to) {
    std::uint8_t forbidden = 0, importance = 0;
    for (std::size_t i = from; i < to; ++i) {
        const std::uint8_t header = clip.unit(frame.units[i])[0];
        forbidden |= header & 0x80;
        importance = std::max<std::uint8_t>(importance, header & 0x60);
    }
    ByteWriter w(bytes_);
    w.u8(static_cast<std::uint8_t>(forbidden | importance | stap_a));
    for (std::size_t i = from; i < to; ++i) {
        const Bytes nal = clip.unit(frame.units[i]);
        w.u16(nal.size()).put(nal);
    }
    close_payload();
}

// RFC 6184 5.8: the NAL unit's header goes into the indicator and the FU header of each part.
void Packetiser::fragment(Bytes nal) {
    const std::uint8_t header = nal[0];
    Bytes rest = nal.subspan(1);
    const std::size_t room = std::max<std::size_t>(max_payload_, 3) - 2;
    const std::size_t parts = (rest.size() + room - 1) / room;
    const std::size_t even = (rest.size() + parts - 1) / parts;
    for (std::size_t i = 0; i < parts; ++i) {
        const Bytes part = rest.first(std::min(even, rest.size()));
        rest = rest.subspan(part.size());
        const int place = (i == 0 ? fu_start : 0) | (rest.empty() ? fu_end : 0);
        ByteWriter(bytes_)
            .u8(static_cast<std::uint8_t>((header & 0xe0) | fu_a))
            .u8(static_cast<std::uint8_t>(place | (header & 31)))
            .put(part);
        close_payload();
        if (rest.empty()) break;
    }
}

// RFC 7741 4.2: X with a picture ID of 15 bits; S at the frame's beginning, partition 0 throughout
// (4.4 lets a packetiser that does not look into frames do so).
void Packetiser::cut_vp8(Bytes frame) {
    const std::size_t room = std::max(max_payload_, vp8_descriptor + 1) - vp8_descriptor;
    const std::size_t parts = std::max<std::size_t>((frame.size() + room - 1) / room, 1);
    const std::size_t even = (frame.size() + parts - 1) / parts;
    for (bool first = true; !frame.empty(); first = false) {
        const Bytes part = frame.first(std::min(even, frame.size()));
        frame = frame.subspan(part.size());
        ByteWriter(bytes_).u8(first ? 0x90 : 0x80).u8(0x80).u16(0x8000u | picture_id_).put(part);
        close_payload();
    }
    picture_id_ = (picture_id_ + 1) & 0x7fff;
}

}  // namespace sipana::media
