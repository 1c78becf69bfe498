// Clip: a video file cut into the frames that packets are made of: H.264 as a byte stream (H.264
// annex B) and VP8 in IVF, and written as IVF. Nothing is decoded.
#pragma once

#include <cstdint>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"
#include "libsipana/media/fragment.h"

namespace sipana::media {

inline constexpr std::size_t max_clip_frames = 200'000;
inline constexpr std::size_t max_frame_units = 1000;  // NAL units of one frame
inline constexpr double default_clip_fps = 25;        // where the file does not say

// A part of Clip::bytes.
struct ClipUnit {
    std::size_t offset = 0, size = 0;
};

struct ClipFrame {
    std::vector<ClipUnit> units;  // NAL units without start codes; of VP8 the one frame
    bool key = false;             // decoding can begin here
};

struct Clip {
    VideoCodec codec = VideoCodec::h264;
    Buffer bytes;                   // the file
    std::vector<ClipFrame> frames;  // at least one, the first is a key frame
    double fps = default_clip_fps;
    Size size;  // 0 where the file does not say

    Bytes unit(const ClipUnit& u) const { return Bytes(bytes).subspan(u.offset, u.size); }
    // The first key frame from `at` on, round the end where there is none.
    std::size_t next_key(std::size_t at) const;
};

// Told apart by the first bytes: "DKIF", or a start code. Frames before the first key frame are
// left out.
Result<Clip> read_clip(Buffer file);

// The clip over and over in IVF, for readers that want each frame's time beside it: of at least
// `frames` frames, in whole rounds. H.264 keeps its start codes.
Buffer write_ivf(const Clip& clip, std::size_t frames);

}  // namespace sipana::media
