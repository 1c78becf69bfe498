// Trackers: everything that follows calls and streams, fed with batches. The Analyzer's second half:
//
//   Batch -> calls, legs, streams -> Sink
//
// Knows nothing of frames and network layers. One thread at a time.
#pragma once

#include "libsipana/analysis/batch.h"
#include "libsipana/analysis/calls.h"
#include "libsipana/analysis/legs.h"
#include "libsipana/analysis/streams.h"

namespace sipana::analysis {

class Trackers final : Calls::Owner {
public:
    Trackers(const Options& options, Sink& sink);

    void work_off(Batch& batch);
    void finish(Time last);  // `last`: of the capture
    Counts& counts() { return counts_; }

    // With Options::live: see Analyzer.
    void forget_touched() { touched_.clear(); }
    std::span<const Going> touched() const { return touched_; }
    std::optional<Call> look(Going call, Detail detail) const;
    void advance(Time now);
    std::uint64_t bytes() const { return calls_.bytes() + streams_.bytes(); }
    const Evictions& evictions() const { return evictions_; }
    std::size_t streams_going_on() const { return streams_.count(); }

private:
    static constexpr std::size_t most_findings = 10'000;  // of one call

    void fetch(Batch& batch, std::size_t at, unsigned step) const;
    void on_item(Batch& batch, const Item& item);
    void on_sip(const Batch& batch, const Item& item);
    void on_live_media(const net::Datagram& datagram);
    void on_new(const Batch& batch, const Batch::Read& read, const Placed& placed, LiveCall& call,
                const Seen& seen, Lacks lacks);
    void count(Content content);
    void find(std::string_view rule, Severity severity, std::uint64_t frame, std::string text,
              std::string_view clause);
    void find_cut(std::uint64_t frame);
    void check(const sip::Message& message, const Facts& facts, Lacks lacks, std::uint64_t frame,
               std::vector<Finding>& findings) const;
    void check_messages(const LiveCall& live, Call& call) const;
    void touch(std::uint32_t call);
    void make_room();
    void on_over(std::uint32_t call) override;
    void on_evicted(std::uint32_t call) override;
    Time last_media(std::uint32_t call) const override { return streams_.last_media(call); }
    void fetch_media(std::uint32_t call, unsigned step) const override { streams_.fetch_of(call, step); }

    const Options& options_;
    Sink& sink_;
    Counts counts_;
    Calls calls_;
    Legs legs_;
    Streams streams_;
    Time last_ = no_time;  // of what was worked off
    std::vector<Going> touched_;
    Evictions evictions_;
};

}  // namespace sipana::analysis
