#include "libsipana/live/early_frames.h"

#include <algorithm>

namespace sipana::live {

struct EarlyFrames::Record {
    std::uint64_t previous = 0;  // position plus 1 of the flow's record before it; 0: none
    std::uint64_t key = 0;
    Flow flow;
};

EarlyFrames::EarlyFrames(std::size_t bytes, Duration age)
    : size_(std::max<std::size_t>(bytes, 64u << 10) / 8 * 8),
      age_(age),
      ring_(std::make_unique_for_overwrite<std::uint8_t[]>(size_)),
      table_(slots),
      places_(numbers) {}

// Two places a key, so that two flows that collide do not lose each other's.
const EarlyFrames::Slot* EarlyFrames::find(std::uint64_t key) const {
    const std::size_t at = (key >> 8) % slots;
    for (const Slot* slot : {&table_[at], &table_[at ^ 1]})
        if (slot->key == key && slot->last != 0) return slot;
    return nullptr;
}

EarlyFrames::Slot& EarlyFrames::slot_for(std::uint64_t key) {
    const std::size_t at = (key >> 8) % slots;
    Slot &one = table_[at], &other = table_[at ^ 1];
    if (one.key == key) return one;
    if (other.key == key) return other;
    Slot& older = one.since <= other.since ? one : other;
    older = Slot{};
    older.key = key;
    older.since = Time::min();
    return older;
}

void EarlyFrames::put(const Flow& flow, const pcap::Frame& frame) {
    if (flow.kind == Flow::Kind::none) return;
    Slot& slot = slot_for(flow.key);
    const std::size_t size = sizeof(Record) + stored_size(frame.bytes.size());
    const bool tcp = flow.kind == Flow::Kind::tcp;
    if (slot.since == Time::min() || frame.time - slot.since > age_ || frame.time < slot.since) {
        slot.since = frame.time;
        slot.used = 0;
    }
    if (slot.used + size > (tcp ? most_of_tcp : most_of_udp) || size > size_ / 4) {
        ++passed_over_;
        return;
    }
    slot.used += static_cast<std::uint32_t>(size);
    const std::size_t place = head_ % size_;
    if (place + size > size_) head_ += size_ - place;  // a record lies in one piece
    Record record;
    record.previous = slot.last;
    record.key = flow.key;
    record.flow = flow;
    std::uint8_t* const at = ring_.get() + head_ % size_;
    std::memcpy(at, &record, sizeof(record));
    store(frame, at + sizeof(record));
    slot.last = head_ + 1;
    places_[frame.number % numbers] = {frame.number, head_};
    head_ += size;
}

void EarlyFrames::take(const Flow& flow, Time now) {
    taken_.clear();
    flows_.clear();
    if (flow.key == 0) return;
    const std::size_t at = (flow.key >> 8) % slots;
    for (Slot* slot : {&table_[at], &table_[at ^ 1]}) {
        if (slot->key != flow.key) continue;
        for (std::uint64_t next = slot->last; next != 0 && intact(next - 1);) {
            Record record;
            const std::uint8_t* const place = ring_.get() + (next - 1) % size_;
            std::memcpy(&record, place, sizeof(record));
            const StoredFrame stored = stored_at(place + sizeof(record));
            if (record.key != flow.key || now - stored.head.time > age_) break;
            taken_.push_back(stored);
            flows_.push_back(record.flow);
            next = record.previous;
        }
        *slot = Slot{};
        break;
    }
    std::reverse(taken_.begin(), taken_.end());
    std::reverse(flows_.begin(), flows_.end());
}

Flow EarlyFrames::flow_of_number(std::uint64_t number) const {
    const Place& place = places_[number % numbers];
    if (place.number != number || number == 0 || !intact(place.position)) return {};
    Record record;
    std::memcpy(&record, ring_.get() + place.position % size_, sizeof(record));
    return record.flow;
}

void EarlyFrames::drop_earlier_messages(const Flow& last) {
    const auto behind = [](std::uint32_t a,
                           std::uint32_t b) {  // RFC 9293 3.4: sequence space is a ring
        return static_cast<std::int32_t>(a - b) >= 0;
    };
    bool known = last.begins;
    std::uint32_t start = last.seq;
    if (!known)
        for (const Flow& flow : flows_)
            if (flow.begins && behind(last.seq, flow.seq) && (!known || behind(flow.seq, start))) {
                known = true;
                start = flow.seq;
            }
    if (!known) return;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < taken_.size(); ++i)
        if (flows_[i].payload == 0 || behind(flows_[i].seq, start)) taken_[kept++] = taken_[i];
    taken_.resize(kept);
}

}  // namespace sipana::live
