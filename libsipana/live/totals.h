// Totals: how a live run stands: what was captured and what became of it, what is kept, what was given up.
#pragma once

#include <string>
#include <vector>

#include "libsipana/analysis/analyzer.h"
#include "libsipana/live/source.h"

namespace sipana::live {

struct Totals {
    struct Captured {
        std::string name;  // "eth0", "hep udp 127.0.0.1:9060"
        SourceCounts counts;
        bool ended = false;
    };
    Time begun = no_time, now = no_time;  // of this machine's clock
    std::vector<Captured> sources;
    // counts.frames: received = delivered + held + ignored + malformed, frame for frame.
    analysis::Counts counts;
    analysis::Evictions evictions;  // of what goes on
    std::uint64_t calls_active = 0, calls_over = 0;  // INVITEs
    std::uint64_t registered = 0, subscribed = 0;    // at the moment
    std::uint64_t dialogs_active = 0, dialogs_over = 0;  // calls of every kind
    std::uint64_t streams_active = 0;
    std::uint64_t over_forgotten = 0;  // calls that were over, reported, and given up for want of room
    std::uint64_t findings = 0;
    std::uint64_t tracked_bytes = 0;   // estimate: what goes on
    std::uint64_t kept_bytes = 0;      // estimate: what is over and kept to be looked at
    std::uint64_t packet_bytes = 0;    // packets kept for saving
    std::uint64_t resident_bytes = 0;  // of the process
    std::uint64_t limit_bytes = 0;     // --max-memory
    double packets_per_s = 0, bits_per_s = 0;  // over the last second
    // What is recorded.
    std::uint64_t recorded_packets = 0, recorded_files = 0, removed_files = 0, saved_calls = 0;
    std::string recording_failure;     // empty: none
    // HEP packets for the collector: handed to the system; given up; in the queue.
    std::uint64_t hep_sent = 0, hep_lost = 0, hep_waiting = 0;
    std::string hep_trouble;           // what keeps them from being sent; empty: nothing

    SourceCounts captured() const {  // all sources together
        SourceCounts all;
        for (const Captured& s : sources) {
            all.received += s.counts.received;
            all.read += s.counts.read;
            all.dropped_by_kernel += s.counts.dropped_by_kernel;
            all.dropped_by_interface += s.counts.dropped_by_interface;
            all.dropped_by_queue += s.counts.dropped_by_queue;
            all.refused += s.counts.refused;
        }
        return all;
    }
};

}  // namespace sipana::live
