// ControlSocket: a connection to a program's control port on this host. It never blocks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libsipana/lab/sockets_wire.h"

namespace sipana::lab {

class ControlSocket {
public:
    // Begins to connect to 127.0.0.1; made in the network namespace that the thread is in.
    static Result<ControlSocket> connect(std::uint16_t port);

    enum class State : std::uint8_t { connecting, open, closed };
    // Reads what has come into `in`, sends what it can of `out` and takes it off.
    State exchange(std::string& in, std::string& out);

private:
    explicit ControlSocket(wire::Descriptor socket) : socket_(std::move(socket)) {}
    wire::Descriptor socket_;
    State state_ = State::connecting;
};

// Ports that nobody has now, on `address`, in the network namespace that the thread is in: for a
// program that has to be told which to open.
Result<std::uint16_t> free_udp_port(const Address& address);
Result<std::uint16_t> free_tcp_port(const Address& address);

}  // namespace sipana::lab
