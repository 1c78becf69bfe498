// UdpPort: a UDP socket of a node, read and written in batches.
//
// ICMP errors come back through the socket's error queue (IP_RECVERR), with the address that could
// not be reached.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "libsipana/lab/sockets_wire.h"

namespace sipana::lab::wire {

// Room for datagrams on their way through the system; the ports of a network share it.
class Batch {
public:
    static constexpr std::size_t datagrams = 64;
    static constexpr std::size_t largest = 65'536;

    Batch();
    int receive(const Descriptor& socket);  // how many, or -1
    mmsghdr* headers() { return headers_.data(); }
    iovec& slice(std::size_t i) { return slices_[i]; }
    SocketAddress& address(std::size_t i) { return addresses_[i]; }
    Time arrival(std::size_t i) const;  // no_time: the system did not say
    Bytes received(std::size_t i) const {
        return {static_cast<const std::uint8_t*>(slices_[i].iov_base), headers_[i].msg_len};
    }

private:
    std::unique_ptr<std::uint8_t[]> room_;
    std::size_t used_ = 0;  // of the headers, by the last receive()
    std::array<mmsghdr, datagrams> headers_{};
    std::array<iovec, datagrams> slices_{};
    std::array<SocketAddress, datagrams> addresses_{};
    static constexpr std::size_t control_size = 64;
    struct alignas(8) Control {
        std::array<std::uint8_t, control_size> bytes;
    };
    std::array<Control, datagrams> controls_{};
};

class UdpPort final : public Port {
public:
    static constexpr std::size_t batches_at_once = 4;  // then others are served
    static constexpr int buffer = 4 << 20;             // of the system, in each direction
    static constexpr int longest_block_ms =
        10;  // for a full send buffer; then the datagram is lost

    static Result<std::unique_ptr<UdpPort>> open(const Endpoint& wish, Node& owner, Hub& hub,
                                                 Batch& receive, Batch& send);

    const Endpoint& local() const override { return local_; }
    Transport transport() const override { return Transport::udp; }
    Node& owner() const override { return owner_; }
    Status send(const Packet& packet) override;
    void flush() override;
    void shut() override;
    void on_ready(std::uint32_t events) override;

private:
    struct Outgoing {
        Endpoint dst;
        std::size_t begin = 0, size = 0;  // in arena_
    };

    UdpPort(Node& owner, Hub& hub, Batch& receive, Batch& send)
        : owner_(owner), hub_(hub), receive_(receive), send_(send) {}
    bool receive_batch();
    void receive_errors();
    std::size_t send_batch(std::size_t first);
    bool may_try_again(int number, int tries);

    Node& owner_;
    Hub& hub_;
    Batch& receive_;
    Batch& send_;
    Descriptor socket_;
    Endpoint local_;
    std::vector<Outgoing> queue_;
    Buffer arena_;
};

}  // namespace sipana::lab::wire
