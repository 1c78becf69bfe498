#include "libsipana/media/clip.h"

#include <doctest/doctest.h>

using namespace sipana;

TEST_CASE("IVF: a clip is written over and over, in whole rounds") {
    const Buffer vp8{'D',  'K', 'I', 'F', 0, 0, 32, 0, 'V', 'P', '8', '0', 16,   0, 16, 0,    15,
                     0,    0,   0,   1,   0, 0, 0,  1, 0,   0,   0,   0,   0,    0, 0,  // one frame
                     10,   0,   0,   0,   0, 0, 0,  0, 0,   0,   0,   0,   0x10, 0, 0,  0x9d, 1,
                     0x2a, 16,  0,   16,  0};
    const auto clip = media::read_clip(vp8);
    REQUIRE(clip);
    const auto again = media::read_clip(media::write_ivf(*clip, 3));
    REQUIRE(again);
    CHECK(again->frames.size() == 3);
    CHECK(again->fps == clip->fps);
    for (const media::ClipFrame& frame : again->frames) {
        const Bytes mine = again->unit(frame.units.front());
        const Bytes first = clip->unit(clip->frames.front().units.front());
        CHECK(as_text(mine) == as_text(first));
    }
}

TEST_CASE("IVF: H.264 keeps its start codes") {
    // A sequence and a picture parameter set, and a key frame, in three NAL units.
    const Buffer stream{0,    0,    0,    1,    0x67, 0x42, 0xc0, 0x1e, 0,    0,    0,   1,
                        0x68, 0xce, 0x3c, 0x80, 0,    0,    0,    1,    0x65, 0x88, 0x84};
    const auto clip = media::read_clip(stream);
    REQUIRE(clip);
    REQUIRE(clip->frames.size() == 1);
    const Buffer ivf = media::write_ivf(*clip, 2);
    CHECK(as_text(ivf).substr(8, 4) == "H264");
    REQUIRE(ivf.size() == 32 + 2 * (12 + stream.size()));
    CHECK(as_text(ivf).substr(44, stream.size()) == as_text(stream));
}
