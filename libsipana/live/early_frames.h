// EarlyFrames: the last frames that belong to no call yet, by flow: segments before the one that
// completes a message, fragments before the last, media before the answer that announces it.
//
// One ring of bytes, the oldest written over, and a table of fixed size: nothing here grows. A
// frame of a flow whose last frames nobody wanted costs a look into the table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "libsipana/live/flow.h"
#include "libsipana/live/stored_frame.h"

namespace sipana::live {

class EarlyFrames {
public:
    static constexpr std::size_t slots = 1u << 14;    // flows, at most
    static constexpr std::size_t numbers = 1u << 15;  // frames found by number, at most
    // Of one flow within `age`; what comes beyond is no prelude to a call.
    static constexpr std::uint32_t most_of_udp = 2u << 20, most_of_tcp = 256u << 10;

    explicit EarlyFrames(std::size_t bytes = std::size_t{8} << 20,
                         Duration age = std::chrono::seconds{10});

    void put(const Flow& flow, const pcap::Frame& frame);
    bool has(const Flow& flow) const { return flow.key != 0 && find(flow.key) != nullptr; }
    // Makes those of the flow that are young enough taken(), oldest first, valid until the next
    // put(), and forgets them.
    void take(const Flow& flow, Time now);
    const std::vector<StoredFrame>& taken() const { return taken_; }
    // The flow of a frame that is among these still; of kind none where it is not.
    Flow flow_of_number(std::uint64_t number) const;
    // Leaves of taken(), of a TCP flow, those that may be part of the messages that `last` has
    // completed. What lies before the beginning of the first of these is another message's.
    void drop_earlier_messages(const Flow& last);

    std::size_t bytes() const { return size_; }
    std::uint64_t passed_over() const { return passed_over_; }  // frames beyond most_of_...

private:
    struct Slot {
        std::uint64_t key = 0, last = 0;  // last: position of its youngest record, plus 1; 0: none
        Time since{};                     // of the budget
        std::uint32_t used = 0;           // bytes since then
    };
    struct Record;
    const Slot* find(std::uint64_t key) const;
    Slot& slot_for(std::uint64_t key);
    bool intact(std::uint64_t position) const { return head_ - position <= size_; }

    std::size_t size_;
    Duration age_;
    std::unique_ptr<std::uint8_t[]> ring_;
    std::vector<Slot> table_;
    struct Place {
        std::uint64_t number = 0, position = 0;
    };
    std::vector<Place> places_;  // by number modulo its size
    std::uint64_t head_ = 0;     // of the next record; its place is head_ % size_
    std::vector<StoredFrame> taken_;
    std::vector<Flow> flows_;  // of taken_
    std::uint64_t passed_over_ = 0;
};

}  // namespace sipana::live
