// Observer: who is told what a live run sees: recordings, events, metrics, collectors elsewhere. All in the
// thread that reads packets, so nothing here may wait.
#pragma once

#include <span>
#include <string_view>

#include "libsipana/analysis/analyzer.h"

namespace sipana::live {

class Observer {
public:
    virtual ~Observer() = default;
    // Each frame, and the calls that it belongs to. The bytes are the callback's.
    virtual void on_frame(const pcap::Frame&, std::span<const analysis::Going>) {}
    virtual void on_message(const analysis::SipMessage&, std::string_view) {}  // and its Call-ID
    virtual void on_rtcp(const net::Datagram&, std::string_view) {}  // that is not encrypted, and its Call-ID
    // A call that goes on has changed: a summary of it, a few times a second at most.
    virtual void on_going(const analysis::Call&) {}
    virtual void on_call(const analysis::Call&) {}      // is over
    virtual void on_forgotten(std::uint64_t) {}         // a call, by number, for want of room: no on_call() follows
    virtual void on_stream(const analysis::Stream&) {}  // of no call, over
    virtual void on_finding(const Finding&) {}          // of no call or stream
    // Some twenty times a second; `now` is this machine's clock.
    virtual void on_tick(Time) {}
    // A failure that ends the run.
    virtual Status status() const { return Done{}; }
};

}  // namespace sipana::live
