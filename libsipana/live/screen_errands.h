// Errands: what takes a while (asking the packet thread, writing a file) is done in a thread beside
// the screen's, so that a key is never kept waiting.
//
// send() and collect() are the screen's thread's. An errand's work runs elsewhere and returns what
// is to be done with its outcome; collect() does that. Without a thread of its own, all of it is
// done in send().
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sipana::live {

class Errands {
public:
    using Then = std::function<void()>;
    using Work = std::function<Then()>;
    static constexpr std::size_t most_waiting = 16;

    explicit Errands(bool own_thread) : own_thread_(own_thread) {}
    ~Errands();
    Errands(const Errands&) = delete;
    Errands& operator=(const Errands&) = delete;

    bool send(Work work);  // false: too many wait
    bool collect();        // true: something came
    bool outstanding() const { return out_ > 0; }

private:
    void run();

    bool own_thread_, ending_ = false;
    std::size_t out_ = 0;  // sent and not collected
    std::mutex mutex_;
    std::condition_variable sent_;
    std::deque<Work> waiting_;
    std::vector<Then> done_;
    std::thread thread_;
};

}  // namespace sipana::live
