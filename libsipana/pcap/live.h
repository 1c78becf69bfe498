// Live: an interface as a source of frames (libpcap).
//
// Opened in the network namespace of the calling thread; read in any. No clock is read: frames bear
// the kernel's time, in nanoseconds where it gives them. A frame's bytes live until the next call.
//
//   auto live = Live::open("br0", settings);
//   // epoll on live->descriptor(); when it is readable:
//   while (live->next(frame)) ...
//   if (!live->status()) ...   // the interface is gone, or the system failed
//
// An interface that goes down is waited for. A VLAN tag, which Linux keeps apart from the frame, is
// where it was on the wire; the kernel's filter does not see it but by the word `vlan`, so that
// `port 5060` lets pass tagged frames, too, which it would not let pass from a file.
//
// Without `immediate` the kernel hands frames over in blocks, at the latest after `batch`: then the
// buffer holds as many as it has room for, whatever their size, and wake-ups are few.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"
#include "libsipana/pcap/frame.h"
#include "libsipana/pcap/summary.h"

namespace sipana::pcap {

struct LiveSettings {
    std::uint32_t snap = 262'144;
    std::size_t buffer = 64u << 20;  // the kernel's, bytes; most_buffer at most
    bool promiscuous = true;         // also what is not for this host: all that a bridge forwards
    bool immediate = false;
    Duration batch = std::chrono::milliseconds{20};
    std::string filter;  // pcap-filter(7); empty: everything
    // Later fragments pass the filter, too, and all of IPv6: ports stand in the first one only.
    // Whoever wants to know whether they belong to what matched asks pcap/filter.
    bool fragments = false;
};

// What there is to listen at, in the system's order.
struct Listenable {
    std::string name, description;
    std::vector<Address> addresses;
    bool up = false, running = false, loopback = false, wireless = false;
    bool any = false;  // all of them at once
};
Result<std::vector<Listenable>> list_interfaces();

class Live {
public:
    static constexpr std::size_t most_buffer = std::size_t{1} << 30;

    // "any": all interfaces; then frames are Linux cooked v2, and say which one they came by.
    // Errc::not_found: no such interface. Errc::denied: capturing needs a right. Errc::malformed:
    // the filter.
    static Result<Live> open(const std::string& interface, const LiveSettings& settings);
    Live(Live&&) noexcept;
    Live& operator=(Live&&) noexcept;
    ~Live();

    int descriptor() const;  // readable when next() has something
    // False: there is nothing at the moment, or nothing more (status()). Never waits. Frames are
    // numbered from 1; a frame that was cut short at `snap` has a larger wire_size.
    bool next(Frame& frame);
    const Status& status() const;
    const Interface& interface() const;  // as a capture file describes it; resolution 9 or 6

    struct Counts {
        std::uint64_t received = 0;  // what passed the filter, dropped ones included
        std::uint64_t dropped = 0;   // there was no room in the kernel's buffer
        std::uint64_t read = 0;      // by next()
    };
    Counts counts();

private:
    class State;
    explicit Live(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sipana::pcap
