#include "libsipana/lab/sockets_control.h"

#include <poll.h>

#include <array>
#include <cerrno>

namespace sipana::lab {
namespace {

constexpr std::size_t most_at_a_time = 1u << 20;  // bytes of one exchange

// Where the thread is.
Result<wire::Descriptor> make_socket(const Address& family, int type) {
    const int domain = family.is_v4() ? AF_INET : AF_INET6;
    wire::Descriptor made(::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made) return wire::failure("socket", errno);
    return made;
}

Result<std::uint16_t> free_port(const Address& address, int type) {
    auto socket = make_socket(address, type);
    if (!socket) return socket.error();
    if (const Status bound = wire::bind_to(*socket, {address, 0}); !bound) return bound.error();
    return wire::local_of(*socket).port;
}

}  // namespace

Result<ControlSocket> ControlSocket::connect(std::uint16_t port) {
    const Endpoint there{*Address::parse("127.0.0.1"), port};
    auto socket = make_socket(there.address, SOCK_STREAM);
    if (!socket) return socket.error();
    wire::SocketAddress address;
    const socklen_t size = wire::to_wire(there, address);
    if (::connect(socket->get(), &address.any, size) != 0 && errno != EINPROGRESS)
        return wire::failure("control port", errno);
    return ControlSocket(std::move(*socket));
}

ControlSocket::State ControlSocket::exchange(std::string& in, std::string& out) {
    if (state_ == State::closed) return state_;
    if (state_ == State::connecting) {
        pollfd one{socket_.get(), POLLOUT, 0};
        if (::poll(&one, 1, 0) <= 0) return state_;
        int error = 0;
        socklen_t size = sizeof error;
        const bool told = ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0;
        if (!told || error != 0 || (one.revents & POLLERR) != 0) return state_ = State::closed;
        state_ = State::open;
    }
    while (!out.empty()) {
        const auto sent = ::send(socket_.get(), out.data(), out.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            out.erase(0, static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) state_ = State::closed;
        break;
    }
    std::array<char, 16384> piece;
    for (std::size_t taken = 0; taken < most_at_a_time;) {
        const auto got = ::recv(socket_.get(), piece.data(), piece.size(), 0);
        if (got > 0) {
            in.append(piece.data(), static_cast<std::size_t>(got));
            taken += static_cast<std::size_t>(got);
            continue;
        }
        if (got < 0 && errno == EINTR) continue;
        if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) state_ = State::closed;
        break;
    }
    return state_;
}

Result<std::uint16_t> free_udp_port(const Address& address) {
    return free_port(address, SOCK_DGRAM);
}
Result<std::uint16_t> free_tcp_port(const Address& address) {
    return free_port(address, SOCK_STREAM);
}

}  // namespace sipana::lab
