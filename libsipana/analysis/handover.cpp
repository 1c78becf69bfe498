#include "libsipana/analysis/handover.h"

namespace sipana::analysis {

Handover::~Handover() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    came_.notify_one();
    thread_.join();
}

void Handover::pass_on() {
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    std::unique_lock lock(mutex_);
    ++filled_;
    came_.notify_one();
    went_.wait(lock, [this] { return filled_ - worked_ < batches_.size(); });
}

void Handover::settle() {
    if (!thread_.joinable()) return;
    std::unique_lock lock(mutex_);
    went_.wait(lock, [this] { return filled_ == worked_; });
}

void Handover::work_off() {
    settle();
    work_(filling());
    filling().clear();
}

void Handover::run() {
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

}  // namespace sipana::analysis
