// Decoder: link, network and transport layers, from a frame down to UDP, TCP and SCTP payloads.
//
// The common shapes (Ethernet, VLAN, cooked, raw, IPv4/IPv6, UDP) are decoded in place, without
// allocation. Tunnels (net/tunnels) are opened to a fixed depth, fragments (net/fragments) and TCP
// (net/stream) are put together within caps. Nothing is thrown and no frame is lost sight of:
// accounting() says what became of each.
#pragma once

#include <memory>

#include "libsipana/net/datagram.h"

namespace sipana::net {

class Decoder {
public:
    // `most_held`: bytes of fragments, segments ahead of their turn, and connections; 0: as their limits say.
    explicit Decoder(Sink& sink, std::uint64_t most_held = 0);
    ~Decoder();
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;

    void decode(const Link& link);
    // Gives up what is still held: TCP bytes behind a gap are delivered, with `missing` set.
    void finish();

    const Accounting& accounting() const { return accounting_; }

private:
    class State;  // fragments, connections, associations
    Sink& sink_;
    Accounting accounting_;
    std::unique_ptr<State> state_;
    Time wake_ = Time::max();  // when something held has waited long enough
    Datagram common_;  // of the fast path: clearing a new one for each frame doubles its time
};

}  // namespace sipana::net
