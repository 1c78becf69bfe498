// Opening: everything that the sandbox forbids later.
#include "libsipana/live/web.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "libsipana/base/endpoint.h"
#include "libsipana/live/web_server.h"

namespace sipana::live {
namespace {

union SocketAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

socklen_t fill(SocketAddress& to, const Endpoint& from) {
    std::memset(&to, 0, sizeof to);
    const auto bytes = from.address.bytes();
    if (from.address.is_v4()) {
        to.v4.sin_family = AF_INET;
        to.v4.sin_port = htons(from.port);
        std::memcpy(&to.v4.sin_addr, bytes.data() + 12, 4);
        return sizeof to.v4;
    }
    to.v6.sin6_family = AF_INET6;
    to.v6.sin6_port = htons(from.port);
    std::memcpy(&to.v6.sin6_addr, bytes.data(), 16);
    return sizeof to.v6;
}

std::uint16_t port_of(int descriptor) {
    SocketAddress name;
    socklen_t size = sizeof name;
    if (::getsockname(descriptor, &name.any, &size) != 0) return 0;
    return ntohs(name.any.sa_family == AF_INET ? name.v4.sin_port : name.v6.sin6_port);
}

Error failure(const std::string& what) {
    const Errc code = errno == EACCES || errno == EPERM ? Errc::denied : Errc::io;
    return {code, 0, what + ": " + std::strerror(errno)};
}

// A listening socket, or why there is none. `bound` gets its port.
Result<int> listen_at(Endpoint& bound) {
    SocketAddress address;
    const socklen_t size = fill(address, bound);
    const int descriptor =
        ::socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return failure("the web page's socket");
    const int yes = 1, buffer = 256 * 1024;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    // Accepted ones inherit these: nothing but accept is needed later.
    ::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (::bind(descriptor, &address.any, size) != 0 || ::listen(descriptor, 64) != 0) {
        const Error error = failure(bound.to_string());
        ::close(descriptor);
        return error;
    }
    bound.port = port_of(descriptor);
    return descriptor;
}

// "localhost:8080" is spelled out here, so that no name is ever looked up.
std::optional<Endpoint> address_of(std::string_view text) {
    constexpr std::string_view localhost = "localhost:";
    if (text.starts_with(localhost))
        return Endpoint::parse("127.0.0.1:" + std::string(text.substr(localhost.size())));
    if (text.starts_with(':')) return Endpoint::parse("127.0.0.1" + std::string(text));
    return Endpoint::parse(text);
}

}  // namespace

Result<std::unique_ptr<Web>> Web::open(WebSettings settings) {
    auto bound = address_of(settings.address);
    if (!bound || bound->address.empty())
        return Error{Errc::malformed, 0,
                     settings.address + ": no ADDRESS:PORT (127.0.0.1:8080, [::1]:8080)"};
    // Asked before anything is opened, and again with the port that we got.
    if (const auto guard = Guard::make(*bound, settings.token, settings.names); !guard)
        return guard.error();
    const auto descriptor = listen_at(*bound);
    if (!descriptor) return descriptor.error();
    auto guard = Guard::make(*bound, settings.token, settings.names);
    if (!guard) {
        ::close(*descriptor);
        return guard.error();
    }
    auto server =
        std::make_unique<Server>(*descriptor, *bound, *std::move(guard), std::move(settings));
    return std::unique_ptr<Web>(new Web(std::move(server)));
}

Web::Web(std::unique_ptr<Server> server) : server_(std::move(server)) {}
Web::~Web() { stop(); }
void Web::start(Board& board) { server_->start(board); }
void Web::stop() { server_->stop(); }
std::string Web::url() const { return "http://" + server_->bound().to_string() + "/"; }

}  // namespace sipana::live
