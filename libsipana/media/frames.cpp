#include "libsipana/media/frames.h"

#include <algorithm>
#include <utility>

namespace sipana::media {

namespace {

constexpr std::int64_t window = 512;  // sequence numbers in seen_
// A freeze is at least three usual intervals, and this longer than one (webrtc-stats, freezeCount).
constexpr std::int64_t freeze_floor_ns = 150'000'000;
// Sequence numbers that jump further than this begin anew, as RFC 3550 A.1 has it.
constexpr std::int64_t far = 3000;
// A step of the timestamp beyond this is a pause or a new beginning, and no part of the frame rate.
constexpr std::int32_t pause_ticks = 10 * static_cast<std::int32_t>(video_clock_hz);

// Capture times may be anything.
Duration sum(Duration a, Duration b) {
    std::int64_t ns = 0;
    return __builtin_add_overflow(a.count(), b.count(), &ns) ? Duration::max() : Duration{ns};
}

}  // namespace

Duration Breakage::length() const {
    std::int64_t ns = 0;
    if (end <= start || __builtin_sub_overflow(end.count(), start.count(), &ns)) return {};
    return Duration{ns};
}

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

// The frame that the packet belongs to; null where it comes too late for one, or has been seen.
VideoMeter::Open* VideoMeter::open_frame(std::uint16_t sequence, std::uint32_t timestamp,
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
        jumped_ = true;
        seen_ = {};
    }
    if (at <= closed_to_ || at <= highest_ - window || is_duplicate(at)) return nullptr;
    Open& frame = frame_of(timestamp, at);
    frame.first = std::min(frame.first, at);
    frame.last = std::max(frame.last, at);
    frame.time = std::max(frame.time, arrival);
    ++frame.packets;
    frame.ended = frame.ended || marker;
    return &frame;
}

void VideoMeter::on_packet(Bytes payload, std::uint16_t sequence, std::uint32_t timestamp,
                           bool marker, Time arrival, std::uint32_t absent) {
    Open* frame = open_frame(sequence, timestamp, marker, arrival);
    if (frame == nullptr) return;
    frame->bytes += static_cast<std::uint32_t>(payload.size()) + absent;
    const bool whole = absent == 0;
    if (!payload.empty()) {  // an empty one is padding, sent to probe for bandwidth
        if (const auto fragment = read_fragment(codec_, payload)) {
            frame->picture = frame->picture || fragment->picture;
            frame->started = frame->started || fragment->starts;
            frame->key = frame->key || fragment->key;
            if (fragment->size) size_ = *fragment->size;
            if (fragment->fps) stated_fps_ = fragment->fps;
            frame->broken = frame->broken || (fragment->damaged && whole);
            malformed_ += fragment->damaged && whole;
        } else if (whole) {
            ++malformed_;
            frame->broken = true;
        }
    }
    close_ready();
}

void VideoMeter::on_other_packet(std::uint16_t sequence, std::uint32_t timestamp, bool marker,
                                 Time arrival) {
    if (open_frame(sequence, timestamp, marker, arrival) != nullptr) close_ready();
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
    // Either the picture's beginning was seen, or nothing is missing before the frame.
    const bool begun = frame.started || (frames_ > 0 && frame.first == closed_to_ + 1);
    // Without a marker the frame ends where the next one begins.
    const bool ended = frame.ended || (!open_.empty() && open_.front().first == frame.last + 1);
    const std::int64_t before =
        resumed_ ? 0 : std::max<std::int64_t>(frame.first - closed_to_ - 1, 0);
    resumed_ = false;
    missing_ += static_cast<std::uint32_t>(before + frame.last - frame.first + 1 - frame.packets);
    closed_to_ = std::max(closed_to_, frame.last);
    if (!frame.picture && !frame.broken) return;  // parameter sets alone, or padding
    count(frame, gapless && begun && ended && !frame.broken);
}

void VideoMeter::count(const Open& frame, bool complete) {
    if (frames_ > 0 && frame.timestamp == newest_timestamp_) {
        // More of the frame that was closed: the sender marks every slice.
        key_frames_ += frame.key && !newest_key_;
        newest_key_ = newest_key_ || frame.key;
        // Its parts start and end where they like; only what is missing counts.
        const bool whole =
            complete || (!frame.broken && frame.packets == frame.last - frame.first + 1);
        incomplete_frames_ += !whole && newest_complete_;
        newest_complete_ = newest_complete_ && whole;
        judge(frame.time, newest_key_, newest_complete_);
        if (keep_marks_ && !marks_.empty()) marks_.back().intact &= !broken_;
        return;
    }
    note_media_time(frame.timestamp);
    newest_timestamp_ = frame.timestamp;
    newest_key_ = frame.key;
    newest_complete_ = complete;
    ++frames_;
    key_frames_ += frame.key;
    incomplete_frames_ += !complete;
    note_interval(frame.time);
    judge(frame.time, frame.key, complete);
    if (keep_marks_ && marks_.size() < max_marks)
        marks_.push_back({frame.time, frame.timestamp, frame.bytes,
                          static_cast<std::uint16_t>(std::min(frame.packets, 0xffffu)), frame.key,
                          complete, !broken_});
}

// Frames that nothing is predicted from may be lost without harm; which these are is not read, so
// this is the most that can have been broken.
void VideoMeter::judge(Time time, bool key, bool complete) {
    const std::uint32_t lost = std::exchange(missing_, 0);
    const bool jumped = std::exchange(jumped_, false);
    const bool first = frames_ == 1;
    if (broken_) {
        now_.end = std::max(now_.end, time);
        now_.lost_packets += lost;
        if (!key || !complete) {
            ++now_.frames;
            ++broken_frames_;
            return;
        }
        now_.mended = true;
        broken_for_ = sum(broken_for_, now_.length());
        if (breakages_.size() < max_breakages) breakages_.push_back(now_);
        now_ = {};
        broken_ = false;
        return;
    }
    if (complete && (key || (lost == 0 && !jumped && !first))) return;
    broken_ = true;
    now_ = {time, time, 1, lost, first && !key, false};
    ++breakage_count_;
    ++broken_frames_;
}

Duration VideoMeter::broken_for() const { return sum(broken_for_, now_.length()); }

std::vector<Breakage> VideoMeter::breakages() const {
    std::vector<Breakage> all = breakages_;
    if (broken_) all.push_back(now_);
    return all;
}

// Frames predicted from both sides are sent out of the order of their timestamps, so the media time
// that has passed is that of the highest one.
void VideoMeter::note_media_time(std::uint32_t timestamp) {
    const auto step = static_cast<std::int32_t>(timestamp - highest_timestamp_);
    const bool pause = frames_ == 0 || step > pause_ticks || step < -pause_ticks;
    if (!pause) {
        media_ticks_ += std::max(step, 0);
        ++media_steps_;
    }
    if (pause || step > 0) highest_timestamp_ = timestamp;
}

void VideoMeter::note_interval(Time time) {
    const Time before = last_frame_;
    last_frame_ = std::max(before, time);
    std::int64_t interval = 0;
    if (before == no_time || time <= before || media_steps_ == 0 ||
        __builtin_sub_overflow(time.count(), before.count(), &interval))
        return;
    const std::int64_t usual =
        media_ticks_ / media_steps_ * (1'000'000'000 / 10'000) / (video_clock_hz / 10'000);
    if (interval / 3 < usual || interval - usual < freeze_floor_ns) return;
    ++freezes_;
    longest_freeze_ = std::max(longest_freeze_, Duration{interval - usual});
}

void VideoMeter::finish() {
    while (!open_.empty()) close_front();
}

double VideoMeter::fps() const {
    if (media_ticks_ <= 0) return 0;
    return media_steps_ * static_cast<double>(video_clock_hz) / static_cast<double>(media_ticks_);
}

}  // namespace sipana::media
