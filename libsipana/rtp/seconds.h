// Seconds: what a Receiver counted, second by second from the first packet. Only when asked for.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "libsipana/rtp/receiver.h"

namespace sipana::rtp {

// Later packets are in the totals only, and so are those of a stream that sends less than a packet
// a minute: the series must not outgrow the stream.
inline constexpr std::size_t max_seconds = 86'400;
inline constexpr std::size_t seconds_at_once = 600, seconds_a_packet = 60;

struct Second {
    std::uint32_t packets = 0, lost = 0, late = 0, duplicated = 0, reordered = 0;
    std::uint32_t bytes = 0;  // RTP payload
    float jitter_ms = 0;  // the estimate after the second's last packet; carried over empty seconds
    float max_delta_ms = 0;  // between arrivals, of deltas that end in this second
};

class Seconds {
public:
    // Right after receiver.on_packet() or on_event_packet() with the same packet.
    void on_packet(const Receiver& receiver, std::uint32_t payload_bytes, Time arrival);
    // The sums of packets, lost, late, duplicated and reordered are those of the Receiver: a loss
    // that a late packet takes back is taken back in the second that it was counted in.
    const std::vector<Second>& series() const { return series_; }
    // The index of the second that `arrival` lies in, for counting other things beside these.
    std::size_t index(Time arrival) const;

private:
    enum Count : std::size_t { lost, late, duplicated, reordered, counts };
    void account(Count count, std::uint32_t Second::*field, std::uint64_t now);

    std::vector<Second> series_;
    Time first_ = no_time, last_ = no_time;
    std::array<std::uint64_t, counts> before_{};  // the Receiver's, after the packet before
    // Where each count stands: the seconds that hold some of it, in order.
    std::array<std::vector<std::uint32_t>, counts> holders_;
};

}  // namespace sipana::rtp
