// VideoMeter: frames, key frames, resolution, frame rate, freezes of one video stream, and how long
// its picture was broken.
//
// Packets of one timestamp are one frame (for every codec here); the marker ends it. Fed in capture
// order; a packet may be up to `reorder_packets` behind the newest. Memory is bounded; marks are
// kept only when asked for. docs/streams.md defines each figure.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "libsipana/base/time.h"
#include "libsipana/media/fragment.h"

namespace sipana::media {

inline constexpr std::uint32_t reorder_packets = 64;  // then a frame is closed as it is
inline constexpr std::size_t max_open_frames = 16;
inline constexpr std::size_t max_breakages = 10'000;     // 400 kB; later ones are counted only
inline constexpr std::size_t max_marks = 200'000;        // 6.4 MB; later frames are counted only
inline constexpr std::uint32_t video_clock_hz = 90'000;  // RFC 3551 5, of every codec here

struct FrameMark {
    Time time{};                             // arrival of its last packet
    std::uint32_t timestamp = 0, bytes = 0;  // RTP payload bytes
    std::uint16_t packets = 0;
    bool key = false, complete = true;
    bool intact = true;  // complete, and so are all that it may be predicted from
};

// From the frame in which something is missing to the next key frame that is complete: each picture
// in between is predicted from one that is not what was sent.
struct Breakage {
    Time start{}, end{};             // arrivals of these two; else of the last frame
    std::uint32_t frames = 0;        // that came in between, the first one too
    std::uint32_t lost_packets = 0;  // from the last good frame to the key frame
    bool joined = false;             // the stream begins without a key frame
    bool mended = false;
    Duration length() const;
};

class VideoMeter {
public:
    explicit VideoMeter(VideoCodec codec, bool keep_marks = false)
        : codec_(codec), keep_marks_(keep_marks) {}

    // Codec of the packets that follow: a sender may change it under way.
    void set_codec(VideoCodec codec) { codec_ = codec; }
    // `absent` bytes of the payload were not captured: that they are missing is no fault.
    void on_packet(Bytes payload, std::uint16_t sequence, std::uint32_t timestamp, bool marker,
                   Time arrival, std::uint32_t absent = 0);
    // A packet of the same SSRC that is no video (FEC, a retransmission format): it fills its place
    // in the sequence, so that its absence is not taken for a loss.
    void on_other_packet(std::uint16_t sequence, std::uint32_t timestamp, bool marker,
                         Time arrival);
    // What was sent since the packet before went elsewhere, and is not missing here.
    void resume() { resumed_ = true; }
    void finish();  // closes the frames still open; call once, at the stream's end

    std::uint32_t frames() const { return frames_; }
    std::uint32_t key_frames() const { return key_frames_; }
    std::uint32_t incomplete_frames() const { return incomplete_frames_; }
    std::uint32_t malformed_packets() const { return malformed_; }  // payload header not readable
    std::uint16_t width() const { return size_.width; }  // newest known; 0: not in the stream
    std::uint16_t height() const { return size_.height; }
    double fps() const;  // by timestamps; 0 with fewer than two frames
    std::optional<double> stated_fps() const { return stated_fps_; }  // what its parameter sets say
    Duration longest_freeze() const { return longest_freeze_; }
    std::uint32_t freezes() const { return freezes_; }
    std::vector<Breakage> breakages() const;  // the last one may be open
    std::uint32_t breakage_count() const { return breakage_count_; }
    std::uint32_t broken_frames() const { return broken_frames_; }
    Duration broken_for() const;
    const std::vector<FrameMark>& marks() const { return marks_; }

private:
    struct Open {
        std::int64_t first = 0, last = 0;  // extended sequence numbers
        Time time{};
        std::uint32_t timestamp = 0, bytes = 0, packets = 0;
        bool key = false, picture = false, started = false, ended = false,
             broken = false;  // broken: a payload was not readable
    };
    Open* open_frame(std::uint16_t sequence, std::uint32_t timestamp, bool marker, Time arrival);
    std::int64_t extend(std::uint16_t sequence) const;
    bool is_duplicate(std::int64_t sequence);
    Open& frame_of(std::uint32_t timestamp, std::int64_t sequence);
    void close_ready();
    void close_front();
    void count(const Open& frame, bool complete);
    void judge(Time time, bool key, bool complete);
    void note_media_time(std::uint32_t timestamp);
    void note_interval(Time time);

    VideoCodec codec_;
    bool keep_marks_;
    bool begun_ = false;
    std::int64_t highest_ = 0;             // extended sequence number
    std::int64_t closed_to_ = -1;          // last sequence of the frame closed last
    std::array<std::uint64_t, 8> seen_{};  // ring of the last 512 sequence numbers
    std::vector<Open> open_;               // in order of sequence
    std::uint32_t frames_ = 0, key_frames_ = 0, incomplete_frames_ = 0, malformed_ = 0;
    Size size_;
    std::optional<double> stated_fps_;
    std::int64_t media_ticks_ = 0;  // that the highest timestamp moved on
    std::uint32_t media_steps_ = 0;
    std::uint32_t newest_timestamp_ = 0;  // of the frame counted last
    std::uint32_t highest_timestamp_ = 0;
    bool newest_key_ = false, newest_complete_ = true;
    Time last_frame_ = no_time;
    Duration longest_freeze_{};
    std::uint32_t freezes_ = 0;
    std::uint32_t missing_ = 0;  // packets, since the frame judged last
    bool resumed_ = false, jumped_ = false;
    bool broken_ = false;
    Breakage now_;  // while broken_
    std::vector<Breakage> breakages_;
    std::uint32_t breakage_count_ = 0, broken_frames_ = 0;
    Duration broken_for_{};
    std::vector<FrameMark> marks_;
};

}  // namespace sipana::media
