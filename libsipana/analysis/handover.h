// Handover: batches from the thread that reads to the one that works them off, in order.
//
// Without a second thread a batch is worked off where it is passed on. With one, a few batches are under
// way at a time, so that neither side waits for the other's hiccups, and memory stays bounded.
#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "libsipana/analysis/batch.h"

namespace sipana::analysis {

class Handover {
public:
    explicit Handover(std::function<void(Batch&)> work) : work_(std::move(work)) {}
    ~Handover();  // what was not passed on is dropped
    Handover(const Handover&) = delete;
    Handover& operator=(const Handover&) = delete;

    // The batch that is being filled.
    Batch& filling() { return batches_[filled_ % batches_.size()]; }
    // To the second thread, which is started with the first batch. May wait for a free one.
    void pass_on();
    // Here and now, after everything that was passed on.
    void work_off();
    // Waits until everything that was passed on is worked off: then the second thread rests.
    void settle();

private:
    void run();

    std::function<void(Batch&)> work_;
    std::array<Batch, 4> batches_;
    std::mutex mutex_;  // of all below
    std::condition_variable came_, went_;
    std::size_t filled_ = 0;   // batches passed on; written by the reading thread only
    std::size_t worked_ = 0;   // batches worked off
    bool closing_ = false;
    std::thread thread_;
};

}  // namespace sipana::analysis
