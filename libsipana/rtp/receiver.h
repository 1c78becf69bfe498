// Receiver: the statistics of one RTP stream, one SSRC on one path (RFC 3550 A.1, A.3, A.8).
//
// docs/streams.md defines each figure. Fed in capture order; the caller tells SSRCs apart. No heap
// until the first gap. Arrival times may stand still or go back (merged captures): no figure
// breaks.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "libsipana/base/time.h"

namespace sipana::rtp {

inline constexpr std::uint32_t duplicate_window =
    256;                                            // packets behind the newest that are remembered
inline constexpr std::uint32_t max_dropout = 3000;  // RFC 3550 A.1: a larger step must prove itself
inline constexpr std::size_t max_gaps = 1000;       // kept in the list
inline constexpr Duration late_after{60'000'000};   // media time behind the newest packet
inline constexpr Duration silence_from{150'000'000};  // media time skipped without a sequence step
inline constexpr Duration pause_from{
    1'000'000'000};  // no arrival for so long: the clock may have stopped

// Where a packet fell.
enum class Place : std::uint8_t {
    first,
    next,       // right after the newest
    ahead,      // after a gap
    reordered,  // new, but behind the newest
    duplicate,  // seen before
    stray,      // too far away to be placed; a second one in sequence makes a restart
    restart,    // the sender has begun anew; the stray before it is now counted
};

struct Gap {                     // packets of a row that have not come
    Time after{};                // arrival of the packet before it
    Duration length{};           // to the packet that showed the gap
    std::uint32_t packets = 0;   // still missing
    std::uint64_t position = 0;  // of the first missing packet, in packets expected before it
    std::uint32_t span = 0;      // positions it covers
};

class Receiver {
public:
    // Clock of the packets that follow. 0: unknown, which stops jitter, late and silences.
    // Jitter is kept in time, so the estimate survives a change of codec.
    void set_clock(std::uint32_t hz);
    std::uint32_t clock_hz() const { return clock_hz_; }

    Place on_packet(std::uint16_t sequence, std::uint32_t timestamp, bool marker,
                    std::uint32_t payload_bytes, Time arrival);
    // A telephone-event packet (RFC 4733): shares sequence numbers with the audio, but its
    // timestamp stands still while the key is down, so it is no jitter sample and no silence (trap
    // 12).
    Place on_event_packet(std::uint16_t sequence, bool marker, std::uint32_t payload_bytes,
                          Time arrival);

    // The sender sent its packets elsewhere meanwhile (direct media, hold): the next packet goes on
    // from its own number, and what lies between was never expected here (trap 9).
    void resume() { fresh_ = true; }

    std::uint64_t packets() const { return distinct_ + duplicated_ + strays_; }  // all that came
    std::uint64_t expected() const { return expected_; }
    std::uint64_t lost() const { return expected_ > distinct_ ? expected_ - distinct_ : 0; }
    std::uint64_t duplicated() const { return duplicated_; }
    std::uint64_t reordered() const { return reordered_; }
    std::uint64_t late() const { return late_; }
    std::uint32_t strays() const { return strays_; }
    std::uint32_t restarts() const { return restarts_; }
    std::uint32_t silences() const { return silences_; }
    std::uint32_t markers() const { return markers_; }
    std::uint64_t bytes() const { return bytes_; }  // payload, duplicates too

    std::uint16_t first_sequence() const { return first_sequence_; }  // of the first to arrive
    std::uint16_t last_sequence() const { return highest_; }          // the newest
    // RFC 3550 6.4.1 "extended highest sequence number received", cycles counted from our first
    // packet.
    std::uint32_t extended_highest() const {
        return static_cast<std::uint32_t>(cycles_) << 16 | highest_;
    }
    Time first_arrival() const { return first_; }  // no_time before the first packet
    Time last_arrival() const { return last_; }
    Duration max_delta() const { return max_delta_; }
    Duration mean_delta() const;
    double jitter_ms() const { return jitter_ / 1e6; }  // the estimate now
    double max_jitter_ms() const { return jitter_max_ / 1e6; }
    double mean_jitter_ms() const {
        return jitter_samples_ == 0 ? 0 : jitter_sum_ / jitter_samples_ / 1e6;
    }
    // The estimate in timestamp units, as a report block carries it.
    std::uint32_t jitter_units() const;
    // Payload bits over the time from first to last packet; 0 with one packet.
    double bitrate_kbps() const;
    // The first max_gaps of them.
    const std::vector<Gap>& gaps() const;

private:
    // What a packet was counted as that may turn out to be the first of a restart.
    enum class Counted : std::uint8_t { stray, duplicate, reordered, late };

    Place place(std::uint16_t sequence, std::uint32_t timestamp, bool timed, Time arrival);
    Place place_elsewhere(std::uint16_t sequence, std::uint32_t timestamp, bool timed,
                          Time arrival);
    Place place_behind(std::uint16_t sequence, std::uint32_t behind, std::uint32_t timestamp,
                       bool timed, Time arrival);
    Place place_far(std::uint16_t sequence, std::uint32_t timestamp, bool timed);
    Place restart(std::uint16_t sequence, std::uint32_t timestamp, bool timed);
    void await(std::uint16_t sequence, Counted counted);
    void begin(std::uint16_t sequence);
    void advance_by_one();
    void advance(std::uint16_t steps);
    void shift(std::uint32_t steps);
    void note_newest(std::uint32_t timestamp, bool timed);
    void sample(std::uint32_t timestamp, bool marker, Time arrival);
    void arrive(bool marker, std::uint32_t payload_bytes, Time arrival);
    bool continuous(std::uint32_t timestamp, Time arrival) const;
    bool ran_on(std::uint32_t timestamp, Time arrival) const;
    bool is_late(std::uint32_t timestamp, bool timed) const;
    bool seen(std::uint32_t behind) const;
    void open_gap(std::uint32_t packets, Time arrival);
    void fill_gap(std::uint32_t behind);
    void move_base(std::uint32_t positions);

    // Touched by every packet.
    Time last_ = no_time, first_ = no_time;
    Time sampled_at_ = no_time;  // arrival of the last jitter sample
    std::uint32_t sampled_timestamp_ = 0, highest_timestamp_ = 0;
    double ns_per_tick_ = 0;
    double jitter_ = 0, jitter_sum_ = 0;  // ns
    Duration max_delta_{};
    std::uint64_t expected_ = 0, distinct_ = 0, bytes_ = 0;
    float jitter_max_ = 0;  // ns
    std::uint32_t jitter_samples_ = 0, markers_ = 0;
    std::uint16_t highest_ = 0, cycles_ = 0;
    // Bit n of word w: the packet that is 64 w + n behind the newest has come.
    std::array<std::uint64_t, duplicate_window / 64> window_{};
    // Touched when something is odd.
    std::uint32_t clock_hz_ = 0, span_ = 0;  // span_: positions from this run's base to the newest
    std::uint32_t duplicated_ = 0, reordered_ = 0, late_ = 0, strays_ = 0, silences_ = 0;
    std::uint16_t restarts_ = 0, first_sequence_ = 0;
    std::uint32_t awaited_ = nothing_awaited;  // sequence that would confirm a restart
    Counted awaited_after_ = Counted::stray;
    bool highest_timed_ = false;  // the newest packet's timestamp is on the audio or video clock
    bool fresh_ = true;           // the next packet begins a run of its own
    std::unique_ptr<std::vector<Gap>> gaps_;

    static constexpr std::uint32_t nothing_awaited = 0x10000;
};

}  // namespace sipana::rtp
