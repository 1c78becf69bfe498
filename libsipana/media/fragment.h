// Fragment: what one RTP payload says of the coded frame that it belongs to. Each codec's header
// has a read() that gives it; nothing is decoded.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"

namespace sipana::media {

struct Size {
    std::uint16_t width = 0, height = 0;
    bool operator==(const Size&) const = default;
};

struct Fragment {
    bool picture = false;  // carries coded picture data; parameter sets and SEI alone do not
    bool starts = false;   // holds the first bytes of the picture
    bool key = false;      // of a frame from which decoding can begin
    bool damaged = false;  // a unit in it runs past the end; what stands before it is told
    std::optional<Size>
        size;  // where it carries a sequence header, parameter set or picture header
    std::optional<double> fps;  // where the sequence header states one
};

enum class VideoCodec : std::uint8_t { h264, h265, vp8, vp9, av1, h263, h263_rfc2190 };

// By rtpmap name, ASCII case ignored: H264, H265, VP8, VP9, AV1, H263-1998, H263-2000 (RFC 4629),
// H263 (RFC 2190).
std::optional<VideoCodec> video_codec_of(std::string_view sdp_name);
std::string_view to_string(VideoCodec codec);  // as rtpmap spells it

// Dispatches to the codec's read().
Result<Fragment> read_fragment(VideoCodec codec, Bytes payload);

}  // namespace sipana::media
