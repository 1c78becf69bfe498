// Hop: the way of a message between two elements, seen from one of them (RFC 3261 18).
#pragma once

#include "libsipana/base/endpoint.h"
#include "libsipana/sip/message.h"

namespace sipana::sip {

// Where a message goes, or came from; `local` is ours. A connection of a stream transport is named
// by the pair.
struct Hop {
    Endpoint local, remote;
    Transport transport = Transport::udp;
    bool operator==(const Hop&) const = default;
};

// Does the transport itself see to it that a message arrives? Then nothing is retransmitted (17).
constexpr bool is_reliable(Transport transport) { return transport != Transport::udp; }

// Where the response to a request that came by `from` goes (18.2.2, RFC 3581 4): back on the
// connection; over UDP to maddr where that is an address, else to the sender, at the port of the
// topmost Via unless rport asks for the sender's own.
Hop reply_hop(const Message& request, const Hop& from);

// Where ";rport" ends in a Via that is written as most phones write it, and asks for its port
// (RFC 3581 3): "SIP/2.0/UDP host:port;rport;branch=...", without blanks, quotes, maddr or
// received. npos: it has to be read in full.
std::size_t usual_rport(std::string_view via);

}  // namespace sipana::sip
