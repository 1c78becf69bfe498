// Handover: batches of work from one thread to the next, in order.
//
// A few batches are under way at a time, so that neither side waits for the other's hiccups, and memory
// stays bounded. Who never passes on, but works off, needs no second thread and gets none.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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
        count(filled_, came_);
        wait(went_, [this] { return filled_ - worked_ < batches_.size(); });
    }
    // Here and now, after everything that was passed on: then the second thread rests.
    void work_off() {
        if (thread_.joinable()) wait(went_, [this] { return filled_ == worked_; });
        work_(filling());
        filling().clear();
    }

private:
    // To be woken takes longer than most waits last: so each wait begins with some looking.
    static constexpr int looks = 5000;

    template <typename Done>
    void wait(std::condition_variable& change, Done done) {
        for (int i = 0; i < looks; ++i) {
            if (done()) return;
            pause();
        }
        std::unique_lock lock(mutex_);
        change.wait(lock, done);
    }
    void count(std::atomic<std::size_t>& counter, std::condition_variable& change) {
        {
            const std::lock_guard lock(mutex_);
            ++counter;
        }
        change.notify_one();
    }
    static void pause() {
#ifdef __SSE2__
        _mm_pause();
#endif
    }
    void run() {
        while (true) {
            wait(came_, [this] { return closing_ || filled_ != worked_; });
            if (filled_ == worked_) return;
            Batch& batch = batches_[worked_ % batches_.size()];
            work_(batch);
            batch.clear();
            count(worked_, went_);
        }
    }

    std::function<void(Batch&)> work_;
    std::array<Batch, 8> batches_;
    std::mutex mutex_;  // held where one of these changes
    std::condition_variable came_, went_;
    std::atomic<std::size_t> filled_ = 0;  // batches passed on
    std::atomic<std::size_t> worked_ = 0;  // batches worked off
    std::atomic<bool> closing_ = false;
    std::thread thread_;
};

}  // namespace sipana::analysis
