// Source: where the frames of live mode come from: an interface, a pipe, HEP agents.
//
// Used by one thread. A frame's bytes live until the next call of next().
#pragma once

#include <cstdint>

#include "libsipana/base/result.h"
#include "libsipana/pcap/frame.h"
#include "libsipana/pcap/summary.h"

namespace sipana::live {

// received = read + dropped + waiting, where `waiting` is what lies in a buffer at the moment.
struct SourceCounts {
    std::uint64_t received = 0;              // that were for us, dropped ones included
    std::uint64_t read = 0;                  // given out by next()
    std::uint64_t dropped_by_kernel = 0;     // no room in the kernel's buffer
    std::uint64_t dropped_by_interface = 0;  // by the device or its driver, since the start
    std::uint64_t dropped_by_queue = 0;      // no room in a queue of our own
    std::uint64_t refused = 0;               // not what the source is for: an unreadable HEP packet

    std::uint64_t dropped() const {
        return dropped_by_kernel + dropped_by_interface + dropped_by_queue;
    }
};

class Source {
public:
    virtual ~Source() = default;
    // Once, after the process has given up its rights: threads may start from here on.
    virtual void start() {}
    // Readable when next() may have something; may be an epoll descriptor for several. -1: always ask.
    virtual int descriptor() const = 0;
    // False: there is nothing at the moment, or nothing more (ended()). Never waits. `number`, `file` and
    // `interface` are the caller's to set; the bytes are not stable.
    virtual bool next(pcap::Frame& frame) = 0;
    virtual bool ended() const = 0;
    virtual const Status& status() const = 0;  // why it ended, where that is a failure
    virtual const pcap::Interface& interface() const = 0;
    virtual SourceCounts counts() = 0;
    // Its times are those of this machine's clock, so that silence can be told from a gap in the input.
    virtual bool keeps_our_time() const { return true; }
};

}  // namespace sipana::live
