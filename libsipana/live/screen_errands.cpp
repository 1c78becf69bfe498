#include "libsipana/live/screen_errands.h"

#include <utility>

namespace sipana::live {

Errands::~Errands() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    sent_.notify_all();
    if (thread_.joinable()) thread_.join();
}

bool Errands::send(Work work) {
    if (!own_thread_) {
        ++out_;
        Then then = work();
        const std::lock_guard lock(mutex_);
        done_.push_back(std::move(then));
        return true;
    }
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() >= most_waiting) return false;
        waiting_.push_back(std::move(work));
    }
    ++out_;
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    sent_.notify_one();
    return true;
}

bool Errands::collect() {
    std::vector<Then> done;
    {
        const std::lock_guard lock(mutex_);
        done.swap(done_);
    }
    out_ -= done.size();
    for (const Then& then : done)
        if (then) then();
    return !done.empty();
}

void Errands::run() {
    for (;;) {
        Work work;
        {
            std::unique_lock lock(mutex_);
            sent_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
            if (ending_) return;
            work = std::move(waiting_.front());
            waiting_.pop_front();
        }
        Then then = work();
        const std::lock_guard lock(mutex_);
        done_.push_back(std::move(then));
    }
}

}  // namespace sipana::live
