#include "libsipana/rtp/events.h"

#include <algorithm>

namespace sipana::rtp {

namespace {

constexpr std::size_t block_size = 4;
constexpr std::uint16_t full_segment = 0xffff;  // RFC 4733 2.5.1.3
// Packets of so many earlier events may still arrive, reordered.
constexpr std::ptrdiff_t remembered_events = 4;

EventBlock block_at(Bytes bytes) {
    EventBlock block;
    block.event = bytes[0];
    block.end = (bytes[1] & 0x80) != 0;
    block.reserved = (bytes[1] & 0x40) != 0;
    block.volume = bytes[1] & 0x3f;
    block.duration = load_be16(bytes.data() + 2);
    return block;
}

}  // namespace

Result<EventBlock> parse_event(Bytes payload) {
    if (payload.size() < block_size)
        return Error{Errc::truncated, payload.size(),
                     "telephone-event payload is 4 bytes long (RFC 4733 2.3)"};
    return block_at(payload);
}

void write(const EventBlock& block, Buffer& out) {
    ByteWriter(out)
        .u8(block.event)
        .u8((block.end ? 0x80u : 0u) | (block.reserved ? 0x40u : 0u) | (block.volume & 0x3fu))
        .u16(block.duration);
}

char digit_of(std::uint8_t event) {
    constexpr char digits[] = "0123456789*#ABCDF";
    return event < sizeof digits - 1 ? digits[event] : '?';
}

void EventDecoder::on_packet(Bytes payload, std::uint32_t timestamp, bool marker, Time arrival,
                             std::uint64_t frame) {
    if (payload.size() < block_size) {
        ++malformed_;
        return;
    }
    // RFC 4733 2.5.1.5: several events in one packet follow each other without a pause.
    for (; payload.size() >= block_size; payload = payload.subspan(block_size)) {
        const EventBlock block = block_at(payload);
        on_block(block, timestamp, marker, arrival, frame);
        timestamp += block.duration;
        marker = true;
    }
}

void EventDecoder::on_block(const EventBlock& block, std::uint32_t timestamp, bool marker,
                            Time arrival, std::uint64_t frame) {
    if (!events_.empty() && count_ == events_.size()) {
        Event& newest = events_.back();
        if (newest.event == block.event) {
            if (timestamp == segment_timestamp_) {
                segment_duration_ = std::max(segment_duration_, block.duration);
                extend(newest, block, segment_ticks_ + block.duration);
                return;
            }
            if (goes_on(block, timestamp, marker)) {
                const std::uint32_t step = timestamp - segment_timestamp_;
                if (step == full_segment || block.duration <= segment_duration_)
                    segment_ticks_ += step;
                segment_timestamp_ = timestamp;
                segment_duration_ = block.duration;
                extend(newest, block, segment_ticks_ + block.duration);
                return;
            }
        }
    }
    const auto oldest =
        events_.end() - std::min<std::ptrdiff_t>(std::ssize(events_), remembered_events);
    for (auto event = oldest; event != events_.end(); ++event)
        if (event->event == block.event && event->timestamp == timestamp) {
            extend(*event, block, block.duration);
            return;
        }
    const std::uint64_t key = std::uint64_t{timestamp} << 8 | block.event;
    if (events_.size() >= max_events) {
        if (key != overflow_) ++count_;
        overflow_ = key;
        return;
    }
    ++count_;
    Event event;
    event.digit = digit_of(block.event);
    event.event = block.event;
    event.timestamp = timestamp;
    event.start = arrival;
    event.volume_dbm0 = -static_cast<int>(block.volume);
    event.frame = frame;
    events_.push_back(event);
    segment_timestamp_ = timestamp;
    segment_ticks_ = 0;
    segment_duration_ = block.duration;
    extend(events_.back(), block, block.duration);
}

// The key is still down, under another timestamp: a further segment of a long event starts where
// the last one ended, without marker. Some senders move the timestamp with every packet instead,
// while the duration grows on.
bool EventDecoder::goes_on(const EventBlock& block, std::uint32_t timestamp, bool marker) const {
    if (marker || events_.back().ended) return false;
    const std::uint32_t step = timestamp - segment_timestamp_;
    if (step == full_segment || step == segment_duration_) return true;
    return step < full_segment && block.duration > segment_duration_;
}

void EventDecoder::extend(Event& event, const EventBlock& block, std::uint32_t ticks) {
    ++event.packets;
    event.ended = event.ended || block.end;
    event.ticks = std::max(event.ticks, ticks);
    if (clock_hz_ != 0)
        event.duration = Duration{static_cast<std::int64_t>(event.ticks * 1e9 / clock_hz_)};
}

}  // namespace sipana::rtp
