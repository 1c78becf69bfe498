#include "libsipana/lab/sockets_udp.h"

#include <fmt/format.h>
#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

namespace sipana::lab::wire {

namespace {

constexpr std::size_t queue_for = 4 * Batch::datagrams;  // datagrams, before they are sent unasked

// RFC 7983 7, RFC 5761 4: what the first two bytes say. SIP begins with a letter.
Content content_of(Bytes payload) {
    if (payload.size() < 2 || payload[0] < 128 || payload[0] > 191) return Content::sip;
    return payload[1] >= 192 && payload[1] <= 223 ? Content::rtcp : Content::rtp;
}

void widen(const Descriptor& socket, int forced, int plain) {
    const int wish = UdpPort::buffer;
    if (::setsockopt(socket.get(), SOL_SOCKET, forced, &wish, sizeof(wish)) != 0)
        set(socket, SOL_SOCKET, plain, wish);
}

}  // namespace

Batch::Batch() : room_(new std::uint8_t[datagrams * largest]) {
    for (std::size_t i = 0; i < datagrams; ++i) {
        msghdr& header = headers_[i].msg_hdr;
        header.msg_name = &addresses_[i];
        header.msg_iov = &slices_[i];
        header.msg_iovlen = 1;
        header.msg_namelen = sizeof(SocketAddress);
        slices_[i] = {room_.get() + i * largest, largest};
    }
}

int Batch::receive(const Descriptor& socket) {
    if (headers_[0].msg_hdr.msg_control == nullptr) {
        for (std::size_t i = 0; i < datagrams; ++i) {
            headers_[i].msg_hdr.msg_control = controls_[i].bytes.data();
            headers_[i].msg_hdr.msg_controllen = control_size;
        }
    }
    for (std::size_t i = 0; i < used_; ++i) {
        headers_[i].msg_hdr.msg_namelen = sizeof(SocketAddress);
        headers_[i].msg_hdr.msg_controllen = control_size;
    }
    const int got = ::recvmmsg(socket.get(), headers_.data(), datagrams, MSG_DONTWAIT, nullptr);
    used_ = static_cast<std::size_t>(std::max(got, 0));
    return got;
}

Time Batch::arrival(std::size_t i) const {
    const msghdr& header = headers_[i].msg_hdr;
    for (const cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr;
         c = CMSG_NXTHDR(const_cast<msghdr*>(&header), const_cast<cmsghdr*>(c))) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
        timespec at{};
        std::memcpy(&at, CMSG_DATA(c), sizeof at);
        return std::chrono::seconds{at.tv_sec} + std::chrono::nanoseconds{at.tv_nsec};
    }
    return no_time;
}

Result<std::unique_ptr<UdpPort>> UdpPort::open(const Endpoint& wish, Node& owner, Hub& hub,
                                               Batch& receive, Batch& send) {
    std::unique_ptr<UdpPort> port(new UdpPort(owner, hub, receive, send));
    auto made = make_socket(hub.hosts(), wish.address, SOCK_DGRAM);
    if (!made) return made.error();
    port->socket_ = std::move(*made);
    widen(port->socket_, SO_RCVBUFFORCE, SO_RCVBUF);
    widen(port->socket_, SO_SNDBUFFORCE, SO_SNDBUF);
    if (wish.address.is_v4()) {
        set(port->socket_, IPPROTO_IP, IP_RECVERR, 1);
        set(port->socket_, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    } else {
        set(port->socket_, IPPROTO_IPV6, IPV6_RECVERR, 1);
        set(port->socket_, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
    }
    set(port->socket_, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    if (auto bound = bind_to(port->socket_, wish); !bound) return bound.error();
    port->local_ = local_of(port->socket_);
    hub.watch(port->socket_, EPOLLIN, *port);
    return port;
}

Status UdpPort::send(const Packet& packet) {
    constexpr std::size_t largest_payload = 65'507;
    if (packet.payload.size() > largest_payload)
        return Error{Errc::too_large, 0,
                     fmt::format("{} bytes are more than a datagram holds", packet.payload.size())};
    if (queue_.size() >= queue_for) flush();
    hub_.sent(packet, Fate::delivered);
    queue_.push_back({packet.dst, arena_.size(), packet.payload.size()});
    arena_.insert(arena_.end(), packet.payload.begin(), packet.payload.end());
    return Done{};
}

// True: the datagram at the front can be tried once more.
bool UdpPort::may_try_again(int number, int tries) {
    constexpr int most_tries = 8;
    if (tries >= most_tries) return false;
    if (number == EINTR) return true;
    if (number == EAGAIN || number == ENOBUFS) {
        pollfd wanted{socket_.get(), POLLOUT, 0};
        return ::poll(&wanted, 1, longest_block_ms) > 0;
    }
    // Perhaps the news of an earlier datagram: it stands in the error queue, this one was not
    // sent.
    return number == ECONNREFUSED || number == EHOSTUNREACH || number == ENETUNREACH;
}

// Returns how many from `first` on are done with.
std::size_t UdpPort::send_batch(std::size_t first) {
    const std::size_t count = std::min(queue_.size() - first, Batch::datagrams);
    for (std::size_t i = 0; i < count; ++i) {
        const Outgoing& o = queue_[first + i];
        send_.slice(i) = {arena_.data() + o.begin, o.size};
        send_.headers()[i].msg_hdr.msg_namelen = to_wire(o.dst, send_.address(i));
    }
    for (int tries = 0;; ++tries) {
        // One alone, as of a stream of media, goes out with less ado.
        const int sent =
            count == 1
                ? (::sendmsg(socket_.get(), &send_.headers()->msg_hdr, 0) >= 0 ? 1 : -1)
                : ::sendmmsg(socket_.get(), send_.headers(), static_cast<unsigned>(count), 0);
        if (sent > 0) return static_cast<std::size_t>(sent);
        const int number = errno;
        if (may_try_again(number, tries)) continue;
        hub_.unreachable(Transport::udp, local_, queue_[first].dst, number);
        return 1;
    }
}

void UdpPort::flush() {
    for (std::size_t at = 0; at < queue_.size();) at += send_batch(at);
    queue_.clear();
    arena_.clear();
}

void UdpPort::shut() {
    flush();
    std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
    socklen_t size = sizeof(memory);
    if (::getsockopt(socket_.get(), SOL_SOCKET, SO_MEMINFO, memory.data(), &size) == 0)
        hub_.overflowed(local_, memory[SK_MEMINFO_DROPS]);
    socket_.reset();
}

void UdpPort::on_ready(std::uint32_t events) {
    if ((events & EPOLLERR) != 0) receive_errors();
    for (std::size_t i = 0; i < batches_at_once && socket_ && receive_batch(); ++i) continue;
}

// True: there may be more.
bool UdpPort::receive_batch() {
    const int got = receive_.receive(socket_);
    if (got <= 0) return false;
    Packet packet;
    packet.dst = local_;
    for (std::size_t i = 0; i < static_cast<std::size_t>(got) && socket_; ++i) {
        packet.payload = receive_.received(i);
        packet.src = from_wire(receive_.address(i));
        packet.content = content_of(packet.payload);
        hub_.arrived(owner_, packet, local_, false, receive_.arrival(i));
    }
    return static_cast<std::size_t>(got) == Batch::datagrams;
}

// RFC 1122 4.1.3.3: what came back as ICMP, with the destination that it was for.
void UdpPort::receive_errors() {
    for (std::size_t i = 0; i < Batch::datagrams; ++i) {
        SocketAddress remote{};
        std::uint8_t quoted[64];
        alignas(cmsghdr) std::uint8_t control[512];
        iovec slice{quoted, sizeof(quoted)};
        msghdr header{};
        header.msg_name = &remote;
        header.msg_namelen = sizeof(remote);
        header.msg_iov = &slice;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = sizeof(control);
        if (::recvmsg(socket_.get(), &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
        for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
            if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
                !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
                continue;
            sock_extended_err error;
            std::memcpy(&error, CMSG_DATA(c), sizeof(error));
            if (error.ee_errno == EMSGSIZE) continue;  // the path's MTU; it will be cut smaller
            hub_.unreachable(Transport::udp, local_, from_wire(remote),
                             static_cast<int>(error.ee_errno));
        }
    }
    int pending = 0;  // reading it clears it
    socklen_t size = sizeof(pending);
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &pending, &size);
}

}  // namespace sipana::lab::wire
