// HepLink: the way of a HepSender's packets to its collector: a connected UDP socket, or a TCP or
// TLS connection that is made again when it ends. Nothing here waits.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "libsipana/base/result.h"
#include "libsipana/lab/sockets_tls.h"
#include "libsipana/lab/sockets_wire.h"

namespace sipana::live {

// Packets that wait to be sent, the oldest first.
class HepQueue {
public:
    bool empty() const { return packets_.empty(); }
    std::size_t size() const { return packets_.size(); }
    std::size_t bytes() const { return bytes_; }
    const Buffer& front() const { return packets_.front(); }
    void push(Buffer packet) {
        bytes_ += packet.size();
        packets_.push_back(std::move(packet));
    }
    void pop() {
        bytes_ -= packets_.front().size();
        packets_.pop_front();
    }

private:
    std::deque<Buffer> packets_;
    std::size_t bytes_ = 0;
};

class HepLink {
public:
    virtual ~HepLink() = default;
    // What became of packets since it was asked last.
    struct Fates {
        std::uint64_t sent = 0, lost = 0, refused = 0;
    };
    // Takes packets from the front of the queue as long as there is room for them.
    virtual void send(HepQueue& queue, Time now) = 0;
    virtual std::size_t under_way() const { return 0; }  // packets taken and not sent yet
    virtual bool connected() const { return true; }
    virtual std::uint64_t connections() const { return 0; }
    Fates take_fates() { return std::exchange(fates_, {}); }
    const std::string& trouble() const { return trouble_; }

protected:
    Fates fates_;
    std::string trouble_;  // the last one; empty: none since it worked
};

Result<std::unique_ptr<HepLink>> make_udp_link(const Endpoint& collector);
// `tls`: none for TCP.
std::unique_ptr<HepLink> make_stream_link(const Endpoint& collector,
                                          std::unique_ptr<lab::wire::Tls> tls);

}  // namespace sipana::live
