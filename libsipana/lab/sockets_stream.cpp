#include "libsipana/lab/sockets_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

namespace sipana::lab::wire {

namespace {

// Lets a connection leave from the port that another socket listens on.
void share_port(const Descriptor& socket) {
    set(socket, SOL_SOCKET, SO_REUSEADDR, 1);
    set(socket, SOL_SOCKET, SO_REUSEPORT, 1);
}

}  // namespace

Result<std::unique_ptr<StreamPort>> StreamPort::open(const Endpoint& wish, Node& owner, Hub& hub,
                                                     const Tls* tls) {
    std::unique_ptr<StreamPort> port(new StreamPort(owner, hub, tls));
    if (wish.port != 0) {
        // A shared port is not refused where another program shares it too: ask without sharing.
        auto probe = make_socket(hub.hosts(), wish.address, SOCK_STREAM);
        if (!probe) return probe.error();
        set(*probe, SOL_SOCKET, SO_REUSEADDR, 1);
        if (auto bound = bind_to(*probe, wish); !bound) return bound.error();
    }
    auto made = make_socket(hub.hosts(), wish.address, SOCK_STREAM);
    if (!made) return made.error();
    port->socket_ = std::move(*made);
    share_port(port->socket_);
    if (auto bound = bind_to(port->socket_, wish); !bound) return bound.error();
    if (::listen(port->socket_.get(), SOMAXCONN) != 0) return failure(wish.to_string(), errno);
    port->local_ = local_of(port->socket_);
    port->spare_ = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    hub.watch(port->socket_, EPOLLIN, *port);
    return port;
}

StreamPort::~StreamPort() = default;

Connection& StreamPort::make(const Endpoint& peer, bool server) {
    auto session = tls_ == nullptr ? nullptr : tls_->session(server);
    auto made = std::make_unique<Connection>(*this, peer, std::move(session));
    Connection& connection = *made;
    connections_.emplace(&connection, std::move(made));
    const auto [place, is_new] = by_peer_.try_emplace(peer, &connection);
    // Two may cross: we went to a peer that was coming to us. But two with the same ends cannot be,
    // the older one has only not heard of its end yet.
    if (!is_new && place->second->own_wire() == local_) place->second = &connection;
    return connection;
}

Status StreamPort::send(const Packet& packet) {
    const auto found = by_peer_.find(packet.dst);
    Connection* connection = found == by_peer_.end() ? nullptr : found->second;
    if (connection == nullptr) {
        if (!hub_.wants_connection())
            return Error{Errc::too_large, 0,
                         fmt::format("{} connections are open already", Sockets::most_connections)};
        connection = &make(packet.dst, false);
        connection->connect();
    }
    if (connection->over()) {
        hub_.sent(packet, Fate::refused);
        return Done{};
    }
    connection->send(packet);
    if (!connection->over() && !connection->dirty) {
        connection->dirty = true;
        dirty_.push_back(connection);
    }
    return Done{};
}

void StreamPort::flush() {
    // Writing may end a connection, which takes it off the list.
    while (!dirty_.empty()) {
        Connection* connection = dirty_.back();
        dirty_.pop_back();
        connection->dirty = false;
        connection->flush();
    }
}

// No descriptor is left: gives up the spare one to take the next connection and close it.
bool StreamPort::make_room() {
    if (!spare_) return false;
    spare_.reset();
    Descriptor(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    spare_ = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    return true;
}

void StreamPort::on_ready(std::uint32_t) {
    constexpr int accepts_at_once = 64;
    for (int i = 0; i < accepts_at_once && socket_; ++i) {
        SocketAddress address{};
        socklen_t size = sizeof(address);
        Descriptor taken(
            ::accept4(socket_.get(), &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!taken) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            if ((errno == EMFILE || errno == ENFILE) && make_room()) {
                hub_.note(fmt::format("{}: no file descriptor is left for a connection",
                                      local_.to_string()));
                continue;
            }
            return;
        }
        const Endpoint peer = from_wire(address);
        if (!hub_.wants_connection()) {
            hub_.note(fmt::format("{}: more than {} connections", local_.to_string(),
                                  Sockets::most_connections));
            continue;
        }
        make(peer, true).accepted(std::move(taken));
    }
}

void StreamPort::ended(Connection& connection) {
    std::erase(dirty_, &connection);
    hub_.lost_connection();
    const auto current = by_peer_.find(connection.peer());
    if (current != by_peer_.end() && current->second == &connection) by_peer_.erase(current);
    const auto found = connections_.find(&connection);
    hub_.retire(std::move(found->second));
    connections_.erase(found);
}

void StreamPort::shut() {
    while (!connections_.empty()) connections_.begin()->second->shut();
    socket_.reset();
    spare_.reset();
}

}  // namespace sipana::lab::wire
