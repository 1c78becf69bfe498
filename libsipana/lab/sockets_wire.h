// Sockets' inner vocabulary: descriptors, socket addresses, and what a socket tells its network.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "libsipana/lab/network.h"

namespace sipana::lab {
class Namespaces;
}

namespace sipana::lab::wire {

// Owns a file descriptor.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() { reset(); }
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            reset();
            number_ = std::exchange(other.number_, -1);
        }
        return *this;
    }
    explicit operator bool() const { return number_ >= 0; }
    int get() const { return number_; }
    void reset();

private:
    int number_ = -1;
};

// Not more than the system needs: sockaddr_storage would be copied with each packet.
union SocketAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};
socklen_t to_wire(const Endpoint& endpoint, SocketAddress& out);
Endpoint from_wire(const SocketAddress& address);

// At the host that has the address `local`.
Result<Descriptor> make_socket(const Namespaces& hosts, const Address& local, int type);
// Where the thread is.
Result<Descriptor> make_socket(const Address& local, int type);
Status bind_to(const Descriptor& socket, const Endpoint& local);
Endpoint local_of(const Descriptor& socket);
void set(const Descriptor& socket, int level, int option, int value);
Error failure(std::string_view what, int number);  // "what: the system's words"

// Something that the network's loop watches.
class Pollable {
public:
    Pollable() = default;
    Pollable(const Pollable&) = delete;
    Pollable& operator=(const Pollable&) = delete;
    virtual ~Pollable() = default;
    virtual void on_ready(std::uint32_t events) = 0;
};

// The network, as its sockets see it.
class Hub {
public:
    virtual ~Hub() = default;
    virtual const Namespaces& hosts() const = 0;
    // From a peer. `own`: we sent it ourselves, and the tap has seen it; of UDP, the hub finds out.
    // `at`: when the system took it in, where it says; no_time: now.
    virtual void arrived(Node& owner, const Packet& packet, const Endpoint& on_wire, bool own,
                         Time at) = 0;
    virtual void sent(const Packet& packet, Fate fate) = 0;
    // Told to the owner of `local` in the next wait(), if the port is still open then.
    virtual void unreachable(Transport transport, const Endpoint& local, const Endpoint& remote,
                             int why) = 0;
    virtual void note(std::string text) = 0;
    virtual void cut_short(std::uint64_t messages, std::uint64_t skipped) = 0;
    // So many datagrams found no room in the system's buffer.
    virtual void overflowed(const Endpoint& local, std::uint64_t datagrams) = 0;
    virtual bool is_own(Transport transport, const Endpoint& remote) const = 0;
    virtual void own_wire(const Endpoint& local, bool there) = 0;  // a connection's own end
    virtual bool wants_connection() = 0;  // counted if so; given back by lost_connection()
    virtual void lost_connection() = 0;
    // Kept until no code of it can be running.
    virtual void retire(std::unique_ptr<Pollable> pollable) = 0;
    virtual void watch(const Descriptor& socket, std::uint32_t events, Pollable& pollable) = 0;
    virtual void watch_for(const Descriptor& socket, std::uint32_t events, Pollable& pollable) = 0;
};

// One of a node's open ports.
class Port : public Pollable {
public:
    virtual const Endpoint& local() const = 0;
    virtual Transport transport() const = 0;
    virtual Node& owner() const = 0;
    virtual Status send(const Packet& packet) = 0;  // queues
    virtual void flush() = 0;
    virtual void shut() = 0;  // what is queued goes out if it can; then nothing more happens

    bool dirty = false;  // something is queued; the network's list knows
};

}  // namespace sipana::lab::wire
