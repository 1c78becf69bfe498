// Network: what carries packets between nodes, and owns the time: simulated (virtual clock) or
// sockets.
//
// A stream's packets are whole SIP messages (sip/splitter cuts them). A node always speaks of its
// own listening port as the local end and of the peer's address as it was seen: a connection is
// found again by that pair, and made at the first packet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libsipana/lab/node.h"

namespace sipana::lab {

// What happened to a packet between its sender and its receiver.
enum class Fate : std::uint8_t {
    delivered,  // at the receiver, at that time
    dropped,    // lost on the way (impairment), at the time of sending
    refused,    // nobody listens there
};

// Sees every packet once, in order of time: the capture is made of this. `duplicate`: the network
// itself doubled it.
class Tap {
public:
    virtual ~Tap() = default;
    virtual void on_packet(const Packet& packet, Time at, Fate fate, bool duplicate) = 0;
};

class Network : public Ports {
public:
    // Queues or sends; `packet.src` must be open. What the system refuses comes back to the owner
    // as on_unreachable.
    virtual Status send(const Packet& packet) = 0;
    virtual Time now() const = 0;  // moves in wait() alone
    // Delivers what arrives until `until` (at most a batch), then returns. False: `until` was
    // reached without any delivery. Simulated: the clock jumps to what comes next; without `until`
    // and without packets on their way it returns false at once.
    virtual bool wait(std::optional<Time> until) = 0;
    // Hands everything queued to the system; sent when it returns.
    virtual void flush() = 0;
    void tap(Tap* tap) { tap_ = tap; }

protected:
    Tap* tap_ = nullptr;
};

}  // namespace sipana::lab
