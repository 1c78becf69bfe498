// Timers: many deadlines of few distinct delays, in constant time each.
//
// Timers of one delay run out in the order in which they were set, so each delay has its own queue
// and nothing is ever sorted. A timer is cancelled by forgetting its ticket: whoever asks says
// which tickets still count. Time does not run backwards: a `now` before an earlier one is taken
// for that one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "libsipana/base/time.h"

namespace sipana::sip {

class Timers {
public:
    using Ticket = std::uint64_t;  // 0: none; later tickets are larger
    struct Timer {
        Time at{};
        Ticket ticket = 0;
        std::uint32_t owner = 0;
    };

    Ticket set(std::uint32_t owner, Time now, Duration delay) {
        Queue& queue = queue_of(delay);
        Time at = now + delay;
        if (!queue.timers.empty()) at = std::max(at, queue.timers.back().at);
        queue.timers.push_back({at, ++last_, owner});
        return last_;
    }

    // The next one that still counts; of two at the same time the one that was set first.
    template <typename Counts>
    std::optional<Timer> first(Counts counts) {
        const Queue* best = soonest(counts);
        if (best == nullptr) return std::nullopt;
        return best->timers.front();
    }
    // The same, taken away, if its time has come.
    template <typename Counts>
    std::optional<Timer> take_due(Time now, Counts counts) {
        Queue* best = soonest(counts);
        if (best == nullptr || best->timers.front().at > now) return std::nullopt;
        const Timer out = best->timers.front();
        best->timers.pop_front();
        return out;
    }

private:
    struct Queue {
        Duration delay{};
        std::deque<Timer> timers;
    };

    Queue& queue_of(Duration delay) {
        for (Queue& q : queues_)
            if (q.delay == delay) return q;
        queues_.push_back({delay, {}});
        return queues_.back();
    }
    template <typename Counts>
    Queue* soonest(Counts counts) {
        Queue* best = nullptr;
        for (Queue& q : queues_) {
            while (!q.timers.empty() && !counts(q.timers.front())) q.timers.pop_front();
            if (q.timers.empty()) continue;
            const Timer& t = q.timers.front();
            if (best == nullptr || t.at < best->timers.front().at ||
                (t.at == best->timers.front().at && t.ticket < best->timers.front().ticket))
                best = &q;
        }
        return best;
    }

    std::vector<Queue> queues_;
    Ticket last_ = 0;
};

}  // namespace sipana::sip
