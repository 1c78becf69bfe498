// Packets and arrivals for the tests of rtp/.
#pragma once

#include "libsipana/base/bytes.h"
#include "libsipana/base/time.h"
#include "libsipana/rtp/receiver.h"

namespace sipana {

inline constexpr Time start_time{1'700'000'000'000'000'000};
constexpr Duration ms(double milliseconds) {
    return Duration{static_cast<std::int64_t>(milliseconds * 1e6)};
}

// An audio sender of 20 ms packets at 8000 Hz; what it sends arrives after `delay`.
struct Sender {
    rtp::Receiver receiver;
    std::uint16_t first_sequence = 0;
    std::uint32_t first_timestamp = 0;

    explicit Sender(std::uint16_t sequence = 0, std::uint32_t timestamp = 0)
        : first_sequence(sequence), first_timestamp(timestamp) {
        receiver.set_clock(8000);
    }
    // The n-th packet arrives `delay` after it was sent.
    rtp::Place packet(int n, Duration delay = {}, bool marker = false) {
        return receiver.on_packet(static_cast<std::uint16_t>(first_sequence + n),
                                  first_timestamp + 160u * static_cast<std::uint32_t>(n), marker,
                                  160, start_time + ms(20) * n + delay);
    }
    void packets(int from, int to) {  // both included
        for (int n = from; n <= to; ++n) packet(n);
    }
};

}  // namespace sipana
