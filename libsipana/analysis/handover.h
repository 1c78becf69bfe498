// Handover: batches of work from one thread to the next, in order.
//
// A few batches are under way at a time, so that neither side waits for the other's hiccups, and memory
// stays bounded. Who never passes on, but works off, needs no second thread and gets none.
#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace sipana::analysis {

// Batch: default-constructed, filled, worked off, then clear()ed and filled again.
template <typename Batch>
class Handover {
public:
    explicit Handover(std::function<void(Batch&)> work) : work_(std::move(work)) {}
    // What was passed on is worked off, what was not is dropped.
    ~Handover() {
        if (!thread_.joinable()) return;
        {
            const std::lock_guard lock(mutex_);
            closing_ = true;
        }
        came_.notify_one();
        thread_.join();
    }
    Handover(const Handover&) = delete;
    Handover& operator=(const Handover&) = delete;

    // The batch that is being filled.
    Batch& filling() { return batches_[filled_ % batches_.size()]; }
    // To the second thread, which is started with the first batch. May wait for a free one.
    void pass_on() {
        if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
        std::unique_lock lock(mutex_);
        ++filled_;
        came_.notify_one();
        went_.wait(lock, [this] { return filled_ - worked_ < batches_.size(); });
    }
    // Here and now, after everything that was passed on: then the second thread rests.
    void work_off() {
        if (thread_.joinable()) {
            std::unique_lock lock(mutex_);
            went_.wait(lock, [this] { return filled_ == worked_; });
        }
        work_(filling());
        filling().clear();
    }

private:
    void run() {
        std::unique_lock lock(mutex_);
        while (true) {
            came_.wait(lock, [this] { return closing_ || filled_ != worked_; });
            if (filled_ == worked_) return;
            Batch& batch = batches_[worked_ % batches_.size()];
            lock.unlock();
            work_(batch);
            batch.clear();
            lock.lock();
            ++worked_;
            went_.notify_one();
        }
    }

    std::function<void(Batch&)> work_;
    std::array<Batch, 4> batches_;
    std::mutex mutex_;  // of the counts below
    std::condition_variable came_, went_;
    std::size_t filled_ = 0;  // batches passed on; written by the filling thread only
    std::size_t worked_ = 0;  // batches worked off
    bool closing_ = false;
    std::thread thread_;
};

}  // namespace sipana::analysis
