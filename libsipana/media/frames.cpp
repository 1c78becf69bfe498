#include "libsipana/media/frames.h"

#include <algorithm>

namespace sipana::media {

namespace {

constexpr std::int64_t window = 512;  // sequence numbers in seen_
// A freeze is at least three usual intervals, and this longer than one (webrtc-stats, freezeCount).
constexpr std::int64_t freeze_floor_ns = 150'000'000;
// Sequence numbers that jump further than this begin anew, as RFC 3550 A.1 has it.
constexpr std::int64_t far = 3000;

}  // namespace

std::int64_t VideoMeter::extend(std::uint16_t sequence) const {
    return highest_ + static_cast<std::int16_t>(static_cast<std::uint16_t>(
                          sequence - static_cast<std::uint16_t>(highest_)));
}

bool VideoMeter::is_duplicate(std::int64_t sequence) {
    for (std::int64_t s = std::max(highest_ + 1, sequence - window + 1); s <= sequence; ++s)
        seen_[static_cast<std::size_t>(s & (window - 1)) / 64] &= ~(std::uint64_t{1} << (s & 63));
    highest_ = std::max(highest_, sequence);
    std::uint64_t& word = seen_[static_cast<std::size_t>(sequence & (window - 1)) / 64];
    const std::uint64_t bit = std::uint64_t{1} << (sequence & 63);
    const bool again = (word & bit) != 0;
    word |= bit;
    return again;
}

void VideoMeter::on_packet(Bytes payload, std::uint16_t sequence, std::uint32_t timestamp,
                           bool marker, Time arrival) {
    if (!begun_) {
        begun_ = true;
        highest_ = sequence;
        closed_to_ = highest_ - 1;
    }
    const std::int64_t at = extend(sequence);
    if (at > highest_ + far || at < highest_ - far) {
        finish();
        highest_ = at;
        closed_to_ = at - 1;
        seen_ = {};
    }
    // Too late to be put into a frame, or seen: it changes nothing.
    if (at <= closed_to_ || at <= highest_ - window || is_duplicate(at)) return;
    Open& frame = frame_of(timestamp, at);
    frame.first = std::min(frame.first, at);
    frame.last = std::max(frame.last, at);
    frame.time = std::max(frame.time, arrival);
    frame.bytes += static_cast<std::uint32_t>(payload.size());
    ++frame.packets;
    frame.ended = frame.ended || marker;
    if (!payload.empty()) {  // an empty one is padding (probing for bandwidth)
        if (const auto fragment = read_fragment(codec_, payload)) {
            frame.picture = frame.picture || fragment->picture;
            frame.key = frame.key || fragment->key;
            if (fragment->size) size_ = *fragment->size;
            if (fragment->fps) stated_fps_ = fragment->fps;
        } else {
            ++malformed_;
            frame.broken = true;
        }
    }
    close_ready();
}

VideoMeter::Open& VideoMeter::frame_of(std::uint32_t timestamp, std::int64_t sequence) {
    for (Open& frame : open_)
        if (frame.timestamp == timestamp) return frame;
    if (open_.size() >= max_open_frames) close_front();
    const auto at = std::find_if(open_.begin(), open_.end(),
                                 [sequence](const Open& f) { return f.first > sequence; });
    Open frame;
    frame.timestamp = timestamp;
    frame.first = frame.last = sequence;
    frame.time = no_time;
    return *open_.insert(at, frame);
}

// Frames leave in order: the first as soon as it is whole, or when what misses is overdue.
void VideoMeter::close_ready() {
    while (!open_.empty()) {
        const Open& front = open_.front();
        const bool gapless = front.packets == front.last - front.first + 1;
        const bool follows = front.first == closed_to_ + 1;
        const bool bounded = front.ended || (open_.size() > 1 && open_[1].first == front.last + 1);
        const bool overdue = highest_ - front.last > reorder_packets;
        if (!(gapless && follows && bounded) && !overdue) return;
        close_front();
    }
}

void VideoMeter::close_front() {
    const Open frame = open_.front();
    open_.erase(open_.begin());
    const bool gapless = frame.packets == frame.last - frame.first + 1;
    const bool follows = frame.first == closed_to_ + 1;
    // Without a marker the frame ends where the next one begins.
    const bool ended = frame.ended || (!open_.empty() && open_.front().first == frame.last + 1);
    closed_to_ = std::max(closed_to_, frame.last);
    if (!frame.picture && !frame.broken) return;  // parameter sets alone, or padding
    const bool complete = gapless && follows && ended && !frame.broken;
    if (frames_ > 0) media_ticks_ += static_cast<std::int32_t>(frame.timestamp - newest_timestamp_);
    newest_timestamp_ = frame.timestamp;
    ++frames_;
    key_frames_ += frame.key;
    incomplete_frames_ += !complete;
    note_interval(frame.time);
    if (keep_marks_ && marks_.size() < max_marks)
        marks_.push_back({frame.time, frame.timestamp, frame.bytes,
                          static_cast<std::uint16_t>(std::min(frame.packets, 0xffffu)), frame.key,
                          complete});
}

void VideoMeter::note_interval(Time time) {
    const Time before = last_frame_;
    last_frame_ = std::max(before, time);
    std::int64_t interval = 0;
    if (before == no_time || time < before ||
        __builtin_sub_overflow(time.count(), before.count(), &interval))
        return;
    const auto kept = std::min<std::uint32_t>(interval_count_, intervals_.size());
    if (kept > 0) {
        const std::int64_t usual = interval_sum_ / kept;
        if (interval / 3 >= usual && interval - usual >= freeze_floor_ns) {
            ++freezes_;
            longest_freeze_ = std::max(longest_freeze_, Duration{interval - usual});
            return;  // a freeze is not usual
        }
    }
    std::int64_t& slot = intervals_[interval_count_ % intervals_.size()];
    interval_sum_ += interval - slot;
    slot = interval;
    ++interval_count_;
}

void VideoMeter::finish() {
    while (!open_.empty()) close_front();
}

double VideoMeter::fps() const {
    if (frames_ < 2 || media_ticks_ <= 0) return 0;
    return (frames_ - 1) * static_cast<double>(video_clock_hz) / static_cast<double>(media_ticks_);
}

}  // namespace sipana::media
