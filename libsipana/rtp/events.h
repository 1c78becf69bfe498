// Telephone events: key presses within RTP (RFC 4733 section 2).
//
// A key press is many packets with one timestamp and a growing duration; the last is sent three
// times with E set. Any of them may be lost.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |     event     |E|R| volume    |          duration             |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#pragma once

#include <cstdint>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"
#include "libsipana/base/time.h"

namespace sipana::rtp {

inline constexpr std::size_t max_events = 1000;  // kept of one stream; later ones are counted

struct EventBlock {  // four bytes on the wire
    std::uint8_t event = 0;
    bool end = false;
    bool reserved = false;
    std::uint8_t volume = 0;     // 6 bits: minus dBm0
    std::uint16_t duration = 0;  // in ticks of the event's clock
    bool operator==(const EventBlock&) const = default;
};
Result<EventBlock> parse_event(Bytes payload);  // the first block
void write(const EventBlock& block, Buffer& out);

// RFC 4733 3.2: 0-9 * # A-D, and F for 16, the hook flash of RFC 2833. '?' for any other event.
char digit_of(std::uint8_t event);

struct Event {
    char digit = '?';
    std::uint8_t event = 0;
    std::uint32_t timestamp = 0;
    Time start{};         // arrival of its first packet
    Duration duration{};  // by its packets, over all segments; 0 while the clock is unknown
    std::uint32_t ticks = 0;
    int volume_dbm0 = 0;  // -63..0
    std::uint32_t packets = 0;
    bool ended = false;       // a packet with E was seen
    std::uint64_t frame = 0;  // of its first packet
};

class EventDecoder {
public:
    explicit EventDecoder(std::uint32_t clock_hz = 8000) : clock_hz_(clock_hz) {}
    void set_clock(std::uint32_t hz) { clock_hz_ = hz; }

    void on_packet(Bytes payload, std::uint32_t timestamp, bool marker, Time arrival,
                   std::uint64_t frame);
    const std::vector<Event>& events() const { return events_; }  // in order of their start
    std::uint64_t count() const { return count_; }                // also those beyond max_events
    std::uint64_t malformed() const { return malformed_; }        // packets that hold no block

private:
    void on_block(const EventBlock& block, std::uint32_t timestamp, bool marker, Time arrival,
                  std::uint64_t frame);
    bool goes_on(const EventBlock& block, std::uint32_t timestamp, bool marker) const;
    void extend(Event& event, const EventBlock& block, std::uint32_t ticks);

    std::uint32_t clock_hz_;
    std::uint64_t count_ = 0, malformed_ = 0;
    // Of the newest event: where its running segment starts (RFC 4733 2.5.1.3).
    std::uint32_t segment_timestamp_ = 0, segment_ticks_ = 0;
    std::uint16_t segment_duration_ = 0;
    // The newest event beyond max_events, so that its packets count once.
    std::uint64_t overflow_ = UINT64_MAX;
    std::vector<Event> events_;
};

}  // namespace sipana::rtp
