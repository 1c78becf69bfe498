#include "libsipana/live/hep_link.h"

#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "libsipana/live/hep_sender.h"

namespace sipana::live {

using lab::wire::Descriptor;
using lab::wire::SocketAddress;

namespace {

std::string words(int error) { return std::generic_category().message(error); }
bool is_full(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS; }

Status connect_to(const Descriptor& socket, const Endpoint& collector) {
    SocketAddress address;
    const socklen_t size = lab::wire::to_wire(collector, address);
    if (::connect(socket.get(), &address.any, size) == 0 || errno == EINPROGRESS) return Done{};
    return lab::wire::failure(collector.to_string(), errno);
}

class UdpLink final : public HepLink {
public:
    explicit UdpLink(Descriptor socket) : socket_(std::move(socket)) {}

    void send(HepQueue& queue, Time) override {
        while (!queue.empty()) {
            const Buffer& packet = queue.front();
            int error = 0;
            bool said = false;
            // The collector's host may say of an earlier datagram that nobody listens: this one was
            // not sent.
            for (int tries = 0; tries < 2; ++tries) {
                error = ::send(socket_.get(), packet.data(), packet.size(),
                               MSG_DONTWAIT | MSG_NOSIGNAL) < 0
                            ? errno
                            : 0;
                if (error == ECONNREFUSED || error == EINTR) {
                    said = true;
                    trouble_ = words(error);
                }
                if (error != ECONNREFUSED && error != EINTR) break;
            }
            if (is_full(error)) return;
            if (error == 0) {
                ++fates_.sent;
                if (!said) trouble_.clear();
            } else {
                ++fates_.refused;
                trouble_ = words(error);
            }
            queue.pop();
        }
    }

private:
    Descriptor socket_;
};

class StreamLink final : public HepLink {
public:
    StreamLink(const Endpoint& collector, std::unique_ptr<lab::wire::Tls> tls)
        : collector_(collector), tls_(std::move(tls)) {}

    void send(HepQueue& queue, Time now) override {
        if (!socket_ && now >= next_try_) connect(now);
        if (!socket_) return;
        if (!ready_ && !shake_hands(now)) return;
        if (!hear()) return end(now);
        do {
            fill(queue);
            if (!flush()) return end(now);
        } while (out_.empty() && !queue.empty());
    }
    std::size_t under_way() const override { return ends_.size(); }
    bool connected() const override { return ready_; }
    std::uint64_t connections() const override { return connections_; }

private:
    // So many bytes are given to the connection at once: what is lost with it.
    static constexpr std::size_t most_out = 256 * 1024;

    void connect(Time now) {
        ++tries_;
        auto made = lab::wire::make_socket(collector_.address, SOCK_STREAM);
        if (!made) return fail(made.error().what, now);
        if (auto begun = connect_to(*made, collector_); !begun)
            return fail(begun.error().what, now);
        socket_ = std::move(*made);
        lab::wire::set(socket_, IPPROTO_TCP, TCP_NODELAY, 1);
        lab::wire::set(socket_, SOL_SOCKET, SO_KEEPALIVE, 1);
        begun_ = now;
        reached_ = ready_ = false;
        session_ = tls_ ? tls_->session(false) : nullptr;
    }

    // Until the connection is there, and with TLS agreed upon. False: not yet, or no more.
    bool shake_hands(Time now) {
        if (now - begun_ > HepSender::patience) {
            fail("the collector does not answer", now);
            return false;
        }
        if (!reached_) {
            pollfd wanted{socket_.get(), POLLOUT, 0};
            if (::poll(&wanted, 1, 0) <= 0) return false;
            int error = 0;
            socklen_t size = sizeof error;
            if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 ||
                error != 0) {
                fail(words(error), now);
                return false;
            }
            reached_ = true;
            if (session_ && !session_->start()) {
                fail(session_->why(), now);
                return false;
            }
        }
        if (session_) {
            const bool heard = hear();
            if (!heard || !flush()) {
                fail(session_->why().empty() ? "the collector closed the connection"
                                             : session_->why(),
                     now);
                return false;
            }
            if (!session_->open()) return false;
        }
        ready_ = true;
        ++connections_;
        pause_ = HepSender::first_pause;
        trouble_.clear();
        return true;
    }

    void fill(HepQueue& queue) {
        while (!queue.empty() && out_.size() < most_out) {
            const Buffer& packet = queue.front();
            if (session_) {
                if (!session_->write(packet)) return;
                session_->drain(out_);
            } else {
                out_.insert(out_.end(), packet.begin(), packet.end());
            }
            ends_.push_back(gone_ + out_.size());
            queue.pop();
        }
    }

    // False: the connection is over.
    bool flush() {
        if (session_) session_->drain(out_);
        std::size_t at = 0;
        bool alive = true;
        while (at < out_.size()) {
            const ssize_t sent = ::send(socket_.get(), out_.data() + at, out_.size() - at,
                                        MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            if (sent < 0) {
                alive = is_full(errno);
                if (!alive) trouble_ = words(errno);
                break;
            }
            at += static_cast<std::size_t>(sent);
        }
        out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(at));
        gone_ += at;
        for (; !ends_.empty() && ends_.front() <= gone_; ends_.pop_front()) ++fates_.sent;
        return alive;
    }

    // Collectors say nothing; TLS does, and the end of a connection is heard.
    bool hear() {
        constexpr int most_pieces = 8;
        std::uint8_t piece[4096];
        for (int i = 0; i < most_pieces; ++i) {
            const ssize_t got = ::recv(socket_.get(), piece, sizeof piece, MSG_DONTWAIT);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0 && is_full(errno)) return true;
            if (got <= 0) {
                trouble_ = got == 0 ? "the collector closed the connection" : words(errno);
                return false;
            }
            Buffer ignored;
            if (session_ && !session_->feed(Bytes(piece, static_cast<std::size_t>(got)), ignored)) {
                trouble_ = session_->why();
                return false;
            }
        }
        return true;
    }

    void end(Time now) { fail(std::move(trouble_), now); }
    // Tries again, each time after twice the pause.
    void fail(std::string why, Time now) {
        trouble_ = std::move(why);
        fates_.lost += ends_.size();
        ends_.clear();
        out_.clear();
        gone_ = 0;
        session_.reset();
        socket_.reset();
        ready_ = reached_ = false;
        next_try_ = now + pause_;
        pause_ = std::min<Duration>(2 * pause_, HepSender::longest_pause);
    }

    Endpoint collector_;
    std::unique_ptr<lab::wire::Tls> tls_;
    Descriptor socket_;
    std::unique_ptr<lab::wire::TlsSession> session_;
    bool reached_ = false, ready_ = false;  // connected; and TLS agreed upon
    Buffer out_;                            // bytes for the wire
    std::deque<std::uint64_t> ends_;        // of the packets in it, counted like gone_
    std::uint64_t gone_ = 0;                // bytes on this connection
    std::uint64_t tries_ = 0, connections_ = 0;
    Time begun_ = no_time, next_try_ = no_time;
    Duration pause_ = HepSender::first_pause;
};

}  // namespace

Result<std::unique_ptr<HepLink>> make_udp_link(const Endpoint& collector) {
    auto made = lab::wire::make_socket(collector.address, SOCK_DGRAM);
    if (!made) return made.error();
    constexpr int buffer = 4 << 20;
    lab::wire::set(*made, SOL_SOCKET, SO_SNDBUF, buffer);
    if (collector.address.is_v4())
        lab::wire::set(*made, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    else
        lab::wire::set(*made, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
    if (auto done = connect_to(*made, collector); !done) return done.error();
    return std::unique_ptr<HepLink>(std::make_unique<UdpLink>(std::move(*made)));
}

std::unique_ptr<HepLink> make_stream_link(const Endpoint& collector,
                                          std::unique_ptr<lab::wire::Tls> tls) {
    return std::make_unique<StreamLink>(collector, std::move(tls));
}

}  // namespace sipana::live
