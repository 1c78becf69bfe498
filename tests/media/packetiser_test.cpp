#include "libsipana/media/packetiser.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "libsipana/media/frames.h"
#include "libsipana/media/vp8.h"
#include "tests/exact.h"

using namespace sipana;
using media::Clip;
using media::ClipFrame;
using media::Packetiser;

namespace {

Buffer file(const char* name) {
    std::ifstream in(std::filesystem::path(SIPANA_ROOT) / "captures/lab" / name, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return {text.begin(), text.end()};
}

Clip clip_of(Buffer bytes) {
    auto clip = media::read_clip(std::move(bytes));
    REQUIRE(clip);
    return std::move(*clip);
}

// The NAL units that RFC 6184 payloads hold, put together by its rules alone.
std::vector<Buffer> units_of(const std::vector<Bytes>& payloads) {
    std::vector<Buffer> out;
    for (const Bytes p : payloads) {
        const unsigned type = p[0] & 31;
        if (type == 24) {
            for (std::size_t at = 1; at + 2 < p.size();) {
                const std::size_t size = load_be16(p.data() + at);
                const Bytes nal = p.subspan(at + 2, size);
                out.emplace_back(nal.begin(), nal.end());
                at += 2 + size;
            }
        } else if (type == 28) {
            if ((p[1] & 0x80) != 0)
                out.push_back({static_cast<std::uint8_t>((p[0] & 0xe0) | (p[1] & 31))});
            out.back().insert(out.back().end(), p.begin() + 2, p.end());
        } else {
            out.emplace_back(p.begin(), p.end());
        }
    }
    return out;
}

std::vector<Buffer> units_of(const Clip& clip, const ClipFrame& frame) {
    std::vector<Buffer> out;
    for (const auto& u : frame.units) out.emplace_back(clip.unit(u).begin(), clip.unit(u).end());
    return out;
}

// What the analyzer's meter makes of the packets of a clip.
media::VideoMeter metered(const Clip& clip, Packetiser& packetiser) {
    media::VideoMeter meter(clip.codec);
    std::uint16_t sequence = 65'500;
    std::uint32_t timestamp = 5;
    for (const ClipFrame& frame : clip.frames) {
        const auto& payloads = packetiser.cut(clip, frame);
        for (std::size_t i = 0; i < payloads.size(); ++i)
            meter.on_packet(Exact(payloads[i]), sequence++, timestamp, i + 1 == payloads.size(),
                            Time{timestamp});
        timestamp += 6000;
    }
    meter.finish();
    return meter;
}

}  // namespace

TEST_CASE(
    "H.264 annex B: a file is cut into its access units, key frames with their parameter sets") {
    const Clip clip = clip_of(file("picture.h264"));
    CHECK(clip.codec == media::VideoCodec::h264);
    CHECK(clip.frames.size() == 60);
    CHECK(clip.fps == doctest::Approx(15));
    CHECK(clip.size == media::Size{176, 144});
    for (std::size_t i = 0; i < clip.frames.size(); ++i) {
        CHECK(clip.frames[i].key == (i % 15 == 0));
        CHECK(clip.frames[i].units.size() == (i % 15 == 0 ? 3 : 1));
    }
    CHECK(clip.next_key(0) == 0);
    CHECK(clip.next_key(1) == 15);
    CHECK(clip.next_key(46) == 0);
}

TEST_CASE("RFC 6184 5.6, 5.7.1, 5.8: what is packetised reads back whole, in both modes") {
    const Clip clip = clip_of(file("picture.h264"));
    for (const unsigned mode : {0u, 1u})
        for (const std::size_t most : {3u, 50u, 500u, 1200u, 60000u}) {
            CAPTURE(mode);
            CAPTURE(most);
            Packetiser packetiser(clip.codec, mode, most);
            for (const ClipFrame& frame : clip.frames) {
                const auto& payloads = packetiser.cut(clip, frame);
                CHECK(units_of(payloads) == units_of(clip, frame));
                for (const Bytes p : payloads) {
                    CHECK(((p[0] & 31) < 24 || mode == 1));
                    CHECK((p.size() <= most || mode == 0));
                }
            }
        }
    Packetiser packetiser(clip.codec);
    CHECK((packetiser.cut(clip, clip.frames[0])[0][0] & 31) == 24);  // SPS and PPS in one
    CHECK((packetiser.cut(clip, clip.frames[0])[1][0] & 31) == 28);
    CHECK((packetiser.cut(clip, clip.frames[1])[0][0] & 31) == 1);
}

TEST_CASE("RFC 6184, RFC 7741: the analyzer's meter finds every frame that was packetised") {
    for (const char* name : {"picture.h264", "picture.ivf"}) {
        CAPTURE(name);
        const Clip clip = clip_of(file(name));
        for (const std::size_t most : {100u, 1200u}) {
            Packetiser packetiser(clip.codec, 1, most);
            const media::VideoMeter meter = metered(clip, packetiser);
            CHECK(meter.frames() == 60);
            CHECK(meter.key_frames() == 4);
            CHECK(meter.incomplete_frames() == 0);
            CHECK(meter.malformed_packets() == 0);
            CHECK(meter.width() == 176);
            CHECK(meter.height() == 144);
            CHECK(meter.fps() == doctest::Approx(15));
        }
    }
}

TEST_CASE("RFC 7741 4.2: the parts of a VP8 frame, and its picture ID") {
    const Clip clip = clip_of(file("picture.ivf"));
    CHECK(clip.fps == doctest::Approx(15));
    Packetiser packetiser(clip.codec, 1, 300);
    for (std::size_t i = 0; i < clip.frames.size(); ++i) {
        Buffer whole;
        bool first = true;
        for (const Bytes p : packetiser.cut(clip, clip.frames[i])) {
            CHECK(p.size() <= 300);
            const auto d = media::vp8::parse_descriptor(Exact(p));
            REQUIRE(d);
            CHECK(d->starts_partition == first);
            CHECK(d->picture_id == i);
            whole.insert(whole.end(), p.begin() + 4, p.end());
            first = false;
        }
        CHECK(whole == units_of(clip, clip.frames[i])[0]);
    }
}

TEST_CASE(
    "a video file that is damaged, cut off or something else is refused or read as far as it "
    "goes") {
    for (const char* name : {"picture.h264", "picture.ivf"}) {
        const Buffer whole = file(name);
        REQUIRE(whole.size() > 4000);
        for (std::size_t n = 0; n < 2500; n += n < 100 ? 1 : 97) {
            const Exact cut(Bytes(whole).first(n));
            auto clip = media::read_clip(Buffer(cut.bytes().begin(), cut.bytes().end()));
            if (!clip) continue;
            Packetiser packetiser(clip->codec);
            for (const ClipFrame& f : clip->frames) CHECK(!packetiser.cut(*clip, f).empty());
        }
    }
    Buffer other = file("picture.ivf");
    other[11] = '9';
    CHECK(!media::read_clip(other));
    CHECK(!media::read_clip({}));
    CHECK(!media::read_clip({0, 0, 1}));
    CHECK(!media::read_clip({0, 0, 1, 0x41, 0x9a}));  // no key frame
    const auto text = as_bytes("this is no video at all, whatever its name says");
    CHECK(!media::read_clip({text.begin(), text.end()}));
}

TEST_CASE("H.264: parameter sets that stand once at the file's begin go with every key frame") {
    const Buffer sps{0x67, 0x42, 0xc0, 0x0b, 0xda, 0x0c, 0x3f, 0x88, 0x88, 0xc0, 0x44};
    Buffer bytes{0, 0, 0, 1};
    bytes.insert(bytes.end(), sps.begin(), sps.end());
    for (const Buffer& nal : {Buffer{0x68, 0xce},
                              {0x65, 0x88, 1},
                              {0x41, 0x9a, 2},
                              {0x09, 0x10},
                              {0x65, 0x88, 3},
                              {0x65, 0x08, 4}}) {
        bytes.insert(bytes.end(), {0, 0, 1});
        bytes.insert(bytes.end(), nal.begin(), nal.end());
    }
    const Clip clip = clip_of(bytes);
    REQUIRE(clip.frames.size() == 3);
    CHECK(clip.frames[0].units.size() == 3);
    CHECK(clip.frames[1].units.size() == 1);
    REQUIRE(clip.frames[2].units.size() == 4);  // two slices of one picture
    CHECK(units_of(clip, clip.frames[2])[0] == sps);
    CHECK(units_of(clip, clip.frames[2])[3] == Buffer{0x65, 0x08, 4});
}
