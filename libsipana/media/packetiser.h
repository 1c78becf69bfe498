// Packetiser: the RTP payloads of one coded frame: H.264 as single NAL units, STAP-A and FU-A (RFC
// 6184 5.6, 5.7.1, 5.8), VP8 with its payload descriptor (RFC 7741 4.2).
#pragma once

#include <cstdint>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/media/clip.h"

namespace sipana::media {

inline constexpr std::size_t default_max_payload = 1200;  // bytes; below every usual path's MTU

class Packetiser {
public:
    // `mode`: packetization-mode of H.264. In mode 0 (RFC 6184 6.2) a NAL unit is a packet,
    // whatever its size, which may be more than `max_payload`.
    explicit Packetiser(VideoCodec codec, unsigned mode = 1,
                        std::size_t max_payload = default_max_payload)
        : codec_(codec), mode_(mode), max_payload_(max_payload) {}

    // The payloads in order, valid until the next call; the last one is to carry the marker.
    const std::vector<Bytes>& cut(const Clip& clip, const ClipFrame& frame);

private:
    void cut_h264(const Clip& clip, const ClipFrame& frame);
    void cut_vp8(Bytes frame);
    void aggregate(const Clip& clip, const ClipFrame& frame, std::size_t from, std::size_t to);
    void fragment(Bytes nal);
    void close_payload();

    VideoCodec codec_;
    unsigned mode_;
    std::size_t max_payload_;
    std::uint16_t picture_id_ = 0;  // 15 bits
    Buffer bytes_;
    std::vector<std::size_t> ends_;
    std::vector<Bytes> payloads_;
};

}  // namespace sipana::media
