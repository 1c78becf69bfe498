#include "libsipana/media/fragment.h"

#include "libsipana/base/text.h"
#include "libsipana/media/av1.h"
#include "libsipana/media/h263.h"
#include "libsipana/media/h264.h"
#include "libsipana/media/h265.h"
#include "libsipana/media/vp8.h"
#include "libsipana/media/vp9.h"

namespace sipana::media {

std::optional<VideoCodec> video_codec_of(std::string_view sdp_name) {
    if (iequals(sdp_name, "H264")) return VideoCodec::h264;
    if (iequals(sdp_name, "H265")) return VideoCodec::h265;
    if (iequals(sdp_name, "VP8")) return VideoCodec::vp8;
    if (iequals(sdp_name, "VP9")) return VideoCodec::vp9;
    if (iequals(sdp_name, "AV1")) return VideoCodec::av1;
    if (iequals(sdp_name, "H263-1998") || iequals(sdp_name, "H263-2000")) return VideoCodec::h263;
    if (iequals(sdp_name, "H263")) return VideoCodec::h263_rfc2190;
    return std::nullopt;
}

std::string_view to_string(VideoCodec codec) {
    switch (codec) {
        case VideoCodec::h264:
            return "H264";
        case VideoCodec::h265:
            return "H265";
        case VideoCodec::vp8:
            return "VP8";
        case VideoCodec::vp9:
            return "VP9";
        case VideoCodec::av1:
            return "AV1";
        case VideoCodec::h263:
            return "H263-1998";
        case VideoCodec::h263_rfc2190:
            return "H263";
    }
    return "";
}

Result<Fragment> read_fragment(VideoCodec codec, Bytes payload) {
    switch (codec) {
        case VideoCodec::h264:
            return h264::read(payload);
        case VideoCodec::h265:
            return h265::read(payload);
        case VideoCodec::vp8:
            return vp8::read(payload);
        case VideoCodec::vp9:
            return vp9::read(payload);
        case VideoCodec::av1:
            return av1::read(payload);
        case VideoCodec::h263:
            return h263::read(payload);
        case VideoCodec::h263_rfc2190:
            return h263::read_rfc2190(payload);
    }
    return Error{Errc::unsupported, 0, "no such video codec"};
}

}  // namespace sipana::media
