// Budget: how the memory that a live run may take is shared out, and whether that holds.
//
// What is kept is bounded by estimates; what the process really takes (resident pages) is looked at as well,
// and where it comes near the limit all shares shrink until it does not.
#pragma once

#include <cstdint>

#include "libsipana/base/time.h"

namespace sipana::live {

class Budget {
public:
    static constexpr std::uint64_t least = std::uint64_t{96} << 20;

    // `buffers`: bytes that the kernel's buffers take of it.
    Budget(std::uint64_t limit, std::uint64_t buffers);
    ~Budget();
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;

    struct Shares {
        std::uint64_t tracked = 0;  // calls and streams that go on
        std::uint64_t kept = 0;     // calls that are over
        std::uint64_t packets = 0;
        std::uint64_t unfinished = 0;  // in the network layers; as at the beginning, for it does not change
    };
    Shares shares() const;
    // Looks at the process. True: the shares have changed.
    bool measure(Time now);
    std::uint64_t resident() const { return resident_; }
    std::uint64_t limit() const { return limit_; }

private:
    std::uint64_t limit_, free_;  // free_: to share out
    int pages_ = -1;              // /proc/self/statm, opened while that may be done
    std::uint64_t resident_ = 0;
    double factor_ = 1;
    Time looked_ = no_time, trimmed_ = no_time;
};

}  // namespace sipana::live
