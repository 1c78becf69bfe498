// AskedCalls: whole calls for a view to show, asked for beside the screen's thread, and again as
// they change; what was told last stays valid.
#pragma once

#include <vector>

#include "libsipana/live/screen_view.h"

namespace sipana::live {

class AskedCalls {
public:
    // Between two questions; or four times what the last one took, if that is more.
    static constexpr Duration least_pause = std::chrono::milliseconds{200};

    AskedCalls(Sight& sight, std::vector<std::uint64_t> numbers, bool legs);

    bool refresh();  // true: there are new ones
    void with_legs(bool legs);
    const std::vector<CallPtr>& calls() const { return calls_; }  // in order of start
    bool waiting() const { return inbox_->waiting; }
    bool going_on() const;
    const std::vector<std::uint64_t>& numbers() const { return numbers_; }

private:
    struct Inbox {
        std::vector<CallPtr> calls;
        Duration took{};
        bool arrived = false, waiting = false;
    };
    void ask();

    Sight& sight_;
    std::vector<std::uint64_t> numbers_;
    bool legs_, stale_ = true;
    std::uint64_t version_;
    Time asked_at_ = no_time;
    std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
    std::vector<CallPtr> calls_;
};

}  // namespace sipana::live
