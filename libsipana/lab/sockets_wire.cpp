#include "libsipana/lab/sockets_wire.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "libsipana/lab/namespaces.h"
#include "libsipana/lab/sockets.h"

namespace sipana::lab::wire {

void Descriptor::reset() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
}

socklen_t to_wire(const Endpoint& endpoint, SocketAddress& out) {
    const auto bytes = endpoint.address.bytes();
    if (endpoint.address.is_v4()) {
        out.v4 = {};
        out.v4.sin_family = AF_INET;
        out.v4.sin_port = htons(endpoint.port);
        std::memcpy(&out.v4.sin_addr, bytes.data() + 12, 4);
        return sizeof(out.v4);
    }
    out.v6 = {};
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(endpoint.port);
    std::memcpy(&out.v6.sin6_addr, bytes.data(), 16);
    return sizeof(out.v6);
}

Endpoint from_wire(const SocketAddress& address) {
    if (address.any.sa_family == AF_INET)
        return {Address::v4(reinterpret_cast<const std::uint8_t*>(&address.v4.sin_addr)),
                ntohs(address.v4.sin_port)};
    if (address.any.sa_family == AF_INET6)
        return {Address::v6(address.v6.sin6_addr.s6_addr), ntohs(address.v6.sin6_port)};
    return {};
}

Error failure(std::string_view what, int number) {
    const Errc code = number == EADDRINUSE || number == EACCES || number == EPERM ? Errc::denied
                      : number == EADDRNOTAVAIL                                   ? Errc::not_found
                                                                                  : Errc::io;
    return {code, 0, fmt::format("{}: {}", what, std::generic_category().message(number))};
}

Result<Descriptor> make_socket(const Namespaces& hosts, const Address& local, int type) {
    const auto there = hosts.enter(local);
    if (!there) return there.error();
    return make_socket(local, type);
}

Result<Descriptor> make_socket(const Address& local, int type) {
    const int domain = local.is_v4() ? AF_INET : AF_INET6;
    Descriptor made(::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made) return failure("socket", errno);
    if (domain == AF_INET6) set(made, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    return made;
}

Status bind_to(const Descriptor& socket, const Endpoint& local) {
    SocketAddress address;
    const socklen_t size = to_wire(local, address);
    if (::bind(socket.get(), &address.any, size) == 0) return Done{};
    return failure(local.to_string(), errno);
}

Endpoint local_of(const Descriptor& socket) {
    SocketAddress address{};
    socklen_t size = sizeof(address);
    if (::getsockname(socket.get(), &address.any, &size) != 0) return {};
    return from_wire(address);
}

// Options are wishes: what the system does not grant is done without.
void set(const Descriptor& socket, int level, int option, int value) {
    ::setsockopt(socket.get(), level, option, &value, sizeof(value));
}

}  // namespace sipana::lab::wire

namespace sipana::lab {

Result<Address> address_towards(const Endpoint& remote) {
    const int domain = remote.address.is_v4() ? AF_INET : AF_INET6;
    const wire::Descriptor probe(::socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!probe) return wire::failure("socket", errno);
    wire::SocketAddress address;
    const socklen_t size = wire::to_wire({remote.address, std::uint16_t{9}}, address);
    // Connecting a datagram socket sends nothing; it only chooses the way.
    if (::connect(probe.get(), &address.any, size) != 0)
        return wire::failure(remote.address.to_string(), errno);
    return wire::local_of(probe).address;
}

}  // namespace sipana::lab
