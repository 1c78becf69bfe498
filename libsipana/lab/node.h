// Node: an element on the lab's network: a phone, the exchange, a proxy.
//
// A node does no I/O and reads no clock: packets and the time come in, packets and a deadline come
// out (law 4). The runner opens its ports, delivers what arrives, wakes it at its deadline, and
// after each of these drains poll().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libsipana/base/bytes.h"
#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"
#include "libsipana/base/time.h"

namespace sipana::lab {

enum class Content : std::uint8_t { sip, rtp, rtcp };

// One datagram, or one SIP message on a stream.
struct Packet {
    Endpoint src, dst;  // src is one of the sender's open ports; of a stream: see Network
    Transport transport = Transport::udp;
    Content content = Content::sip;
    Bytes payload;          // valid until the next call into whoever gave it
    std::string_view note;  // for the capture: the step and the phone; may be empty
};

class Node;

// What a node asks of the network while it works: ports for its signalling and media.
class Ports {
public:
    virtual ~Ports() = default;
    // Opens a local port that receives for `owner` (TCP, TLS: listens and connects from there).
    // Port 0 in `wish`: any free one. Gives the endpoint that was opened.
    virtual Result<Endpoint> open(Transport transport, const Endpoint& wish, Node& owner) = 0;
    virtual void close(Transport transport, const Endpoint& local) = 0;
};

class Node {
public:
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    virtual ~Node() = default;

    virtual std::string_view name() const = 0;
    virtual void on_packet(const Packet& packet, Time now) = 0;
    // What was sent from `local` to `remote` cannot get there: port closed, connection refused or
    // lost.
    virtual void on_unreachable(const Endpoint& local, const Endpoint& remote, Transport transport,
                                Time now) = 0;
    virtual void on_timer(Time now) = 0;
    virtual std::optional<Time> deadline() const = 0;
    // The next packet to send; empty when there is none.
    virtual std::optional<Packet> poll() = 0;
};

}  // namespace sipana::lab
