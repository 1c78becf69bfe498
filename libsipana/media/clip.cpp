#include "libsipana/media/clip.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libsipana/media/h264.h"

namespace sipana::media {
namespace {

// H.264 table 7-1.
enum Nal : std::uint8_t { slice = 1, idr = 5, sei = 6, sps = 7, pps = 8, filler = 12 };

constexpr double slowest_fps = 0.1, fastest_fps = 240;

std::uint32_t load_le32(const std::uint8_t* p) { return __builtin_bswap32(load_be32(p)); }
std::uint16_t load_le16(const std::uint8_t* p) {
    return static_cast<std::uint16_t>(p[0] | p[1] << 8);
}

// The place of the next 00 00 01 from `at` on; the size where there is none.
std::size_t start_code(Bytes bytes, std::size_t at) {
    while (at + 3 <= bytes.size()) {
        if (bytes[at + 2] > 1) {
            at += 3;
        } else if (bytes[at] == 0 && bytes[at + 1] == 0 && bytes[at + 2] == 1) {
            return at;
        } else {
            ++at;
        }
    }
    return bytes.size();
}

class H264Cutter {
public:
    explicit H264Cutter(Clip& clip) : clip_(clip) {}

    Status cut() {
        const Bytes all = clip_.bytes;
        for (std::size_t at = start_code(all, 0); at < all.size();) {
            const std::size_t from = at + 3;
            at = start_code(all, from);
            std::size_t to = at;
            while (to > from && all[to - 1] == 0) --to;  // trailing_zero_8bits
            if (to == from) continue;
            if (const Status s = on_unit({from, to - from}); !s) return s;
        }
        close();
        return Done{};
    }

private:
    // H.264 7.4.1.2.3: what begins a new access unit.
    bool begins_frame(Bytes nal) const {
        const unsigned type = nal[0] & 31;
        const bool first_slice = nal.size() > 1 && (nal[1] & 0x80) != 0;  // first_mb_in_slice is 0
        if (type == slice || type == idr) return first_slice;
        return (type >= sei && type <= 9) || (type >= 14 && type <= 18);
    }

    Status on_unit(const ClipUnit& unit) {
        const Bytes nal = clip_.unit(unit);
        const unsigned type = nal[0] & 31;
        if (has_picture_ && begins_frame(nal)) close();
        // Delimiters, ends and filler are of no use to a receiver (RFC 6184 has its marker).
        if (type == 0 || (type >= 9 && type <= filler) || type > 23) return Done{};
        if (frame_.units.size() >= max_frame_units)
            return Error{Errc::too_large, unit.offset, "H.264: a frame of too many NAL units"};
        if (clip_.frames.size() >= max_clip_frames)
            return Error{Errc::too_large, unit.offset, "H.264: too many frames"};
        if (type == sps) read_parameters(unit, nal);
        if (type == pps) pps_ = unit;
        has_sps_ |= type == sps;
        has_pps_ |= type == pps;
        has_picture_ |= type >= slice && type <= idr;
        frame_.key |= type == idr;
        frame_.units.push_back(unit);
        return Done{};
    }

    void read_parameters(const ClipUnit& unit, Bytes nal) {
        sps_ = unit;
        const auto p = h264::parse_sps(nal);
        if (!p) return;
        clip_.size = p->size;
        if (p->fps && *p->fps >= slowest_fps && *p->fps <= fastest_fps) clip_.fps = *p->fps;
    }

    // A key frame carries its parameter sets, so that somebody who came late can begin with it.
    void close() {
        if (frame_.key && !has_pps_ && pps_.size > 0)
            frame_.units.insert(frame_.units.begin(), pps_);
        if (frame_.key && !has_sps_ && sps_.size > 0)
            frame_.units.insert(frame_.units.begin(), sps_);
        if (has_picture_ && (frame_.key || !clip_.frames.empty()))
            clip_.frames.push_back(std::move(frame_));
        frame_ = {};
        has_sps_ = has_pps_ = has_picture_ = false;
    }

    Clip& clip_;
    ClipFrame frame_;
    ClipUnit sps_, pps_;
    bool has_sps_ = false, has_pps_ = false, has_picture_ = false;
};

// IVF: 32 bytes, then 12 bytes (size, time) before each frame.
Status cut_ivf(Clip& clip) {
    const Bytes all = clip.bytes;
    if (all.size() < 32) return Error{Errc::truncated, all.size(), "IVF: shorter than its header"};
    if (as_text(all.subspan(8, 4)) != "VP80")
        return Error{Errc::unsupported, 8, "IVF: holds another codec than VP8"};
    clip.size = {load_le16(all.data() + 12), load_le16(all.data() + 14)};
    const double rate = load_le32(all.data() + 16), scale = load_le32(all.data() + 20);
    if (scale > 0 && rate / scale >= slowest_fps && rate / scale <= fastest_fps)
        clip.fps = rate / scale;
    std::size_t at = load_le16(all.data() + 6);
    if (at < 32) return Error{Errc::malformed, 6, "IVF: the header's length is below 32"};
    while (at + 12 <= all.size()) {
        const std::size_t size = load_le32(all.data() + at);
        at += 12;
        if (size > all.size() - at) return Error{Errc::truncated, at, "IVF: ends within a frame"};
        if (clip.frames.size() >= max_clip_frames)
            return Error{Errc::too_large, at, "IVF: too many frames"};
        const bool key = size > 0 && (all[at] & 1) == 0;  // RFC 6386 9.1
        if (size > 0 && (key || !clip.frames.empty())) {
            ClipFrame& frame = clip.frames.emplace_back();
            frame.units.push_back({at, size});
            frame.key = key;
        }
        at += size;
    }
    return Done{};
}

}  // namespace

std::size_t Clip::next_key(std::size_t at) const {
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const std::size_t place = (at + i) % frames.size();
        if (frames[place].key) return place;
    }
    return 0;
}

Result<Clip> read_clip(Buffer file) {
    Clip clip;
    clip.bytes = std::move(file);
    const Bytes all = clip.bytes;
    const bool ivf = all.size() >= 4 && as_text(all.first(4)) == "DKIF";
    const std::size_t first =
        ivf ? 0 : start_code(all.first(std::min<std::size_t>(all.size(), 64)), 0);
    if (!ivf && first + 3 >= all.size())
        return Error{Errc::malformed, 0,
                     "video: neither an H.264 byte stream (H.264 annex B) nor IVF"};
    clip.codec = ivf ? VideoCodec::vp8 : VideoCodec::h264;
    if (const Status s = ivf ? cut_ivf(clip) : H264Cutter(clip).cut(); !s) return s.error();
    if (clip.frames.empty())
        return Error{Errc::malformed, clip.bytes.size(), "video: the file holds no key frame"};
    return clip;
}

Buffer write_ivf(const Clip& clip, std::size_t frames) {
    const std::size_t rounds = (frames + clip.frames.size() - 1) / clip.frames.size();
    const std::uint32_t count = static_cast<std::uint32_t>(rounds * clip.frames.size());
    Buffer out;
    const auto number = [&out](std::uint64_t value, int bytes) {
        for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    };
    const auto text = [&out](std::string_view four) {
        out.insert(out.end(), four.begin(), four.end());
    };
    constexpr std::uint32_t scale = 1000;
    const bool h264 = clip.codec == VideoCodec::h264;
    text("DKIF");
    number(0, 2);
    number(32, 2);
    text(h264 ? "H264" : "VP80");
    number(clip.size.width, 2);
    number(clip.size.height, 2);
    number(static_cast<std::uint32_t>(clip.fps * scale + 0.5), 4);
    number(scale, 4);
    number(count, 4);
    number(0, 4);
    for (std::uint32_t i = 0; i < count; ++i) {
        const ClipFrame& frame = clip.frames[i % clip.frames.size()];
        std::size_t size = 0;
        for (const ClipUnit& unit : frame.units) size += unit.size + (h264 ? 4 : 0);
        number(size, 4);
        number(i, 8);
        for (const ClipUnit& unit : frame.units) {
            if (h264) out.insert(out.end(), {0, 0, 0, 1});
            const Bytes bytes = clip.unit(unit);
            out.insert(out.end(), bytes.begin(), bytes.end());
        }
    }
    return out;
}

}  // namespace sipana::media
