#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "libsipana/lab/sockets_stream.h"

namespace sipana::lab::wire {

Connection::Connection(StreamPort& port, const Endpoint& peer, std::unique_ptr<TlsSession> tls)
    : port_(port), peer_(peer), tls_(std::move(tls)) {}

Connection::~Connection() = default;

// The system's error; 0 if it is on its way.
int Connection::try_connect(const Endpoint& from) {
    auto made = make_socket(port_.hub().hosts(), from.address, SOCK_STREAM);
    if (!made) return errno;
    set(*made, SOL_SOCKET, SO_REUSEADDR, 1);
    if (from.port != 0) set(*made, SOL_SOCKET, SO_REUSEPORT, 1);
    set(*made, IPPROTO_TCP, TCP_NODELAY, 1);
    if (!bind_to(*made, from)) return errno;
    SocketAddress address;
    const socklen_t size = to_wire(peer_, address);
    const int done = ::connect(made->get(), &address.any, size);
    if (done != 0 && errno != EINPROGRESS) return errno;
    socket_ = std::move(*made);
    return 0;
}

void Connection::connect() {
    // The own port cannot be left from twice to one peer within TIME_WAIT: then any port will do.
    int number = try_connect(port_.local());
    if (number != 0) number = try_connect({port_.local().address, std::uint16_t{0}});
    if (number != 0) return fail(number);
    own_wire_ = local_of(socket_);
    own_ = port_.hub().is_own(port_.transport(), peer_);
    port_.hub().own_wire(own_wire_, true);
    writing_ = true;
    port_.hub().watch(socket_, EPOLLOUT, *this);
}

void Connection::accepted(Descriptor socket) {
    socket_ = std::move(socket);
    set(socket_, IPPROTO_TCP, TCP_NODELAY, 1);
    own_ = port_.hub().is_own(port_.transport(), peer_);
    own_wire_ = port_.local();
    port_.hub().watch(socket_, EPOLLIN, *this);
    state_ = tls_ ? State::securing : State::open;
}

void Connection::connected() {
    int number = 0;
    socklen_t size = sizeof(number);
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &number, &size);
    if (number != 0) return fail(number);
    if (!tls_) return opened();
    state_ = State::securing;
    if (!tls_->start()) return fail(EPROTO, tls_->why());
    tls_->drain(out_);
    write_out();
}

void Connection::opened() {
    state_ = State::open;
    waiting_bytes_ = 0;
    for (Waiting& w : std::exchange(waiting_, {})) {
        w.packet.payload = as_bytes(w.payload);
        w.packet.note = w.note;
        put(w.packet);
        if (over()) return;
    }
    write_out();
}

void Connection::put(const Packet& packet) {
    Packet on_wire = packet;
    on_wire.src = own_wire_;
    port_.hub().sent(on_wire, Fate::delivered);
    if (!tls_) {
        out_.insert(out_.end(), packet.payload.begin(), packet.payload.end());
        return;
    }
    if (!packet.payload.empty() && !tls_->write(packet.payload)) return fail(EPROTO, tls_->why());
    tls_->drain(out_);
}

void Connection::send(const Packet& packet) {
    if (unsent() + waiting_bytes_ + packet.payload.size() > Sockets::most_queued) {
        port_.hub().sent(packet, Fate::refused);
        port_.hub().note(fmt::format("{} {}: does not take what is sent to it",
                                     to_string(port_.transport()), peer_.to_string()));
        port_.hub().unreachable(port_.transport(), port_.local(), peer_, ENOBUFS);
        return;
    }
    if (state_ == State::open) return put(packet);
    waiting_bytes_ += packet.payload.size();
    waiting_.push_back({packet, std::string(as_text(packet.payload)), std::string(packet.note)});
}

void Connection::flush() {
    if (state_ == State::open) write_out();
}

void Connection::write_out() {
    while (unsent() > 0 && !over()) {
        const ssize_t n = ::send(socket_.get(), out_.data() + out_at_, unsent(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) return fail(errno);
        out_at_ += static_cast<std::size_t>(n);
    }
    if (over()) return;
    if (unsent() == 0) {
        out_.clear();
        out_at_ = 0;
    }
    const bool wanted = unsent() > 0;
    if (wanted == writing_) return;
    writing_ = wanted;
    port_.hub().watch_for(socket_, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN, *this);
}

void Connection::on_ready(std::uint32_t events) {
    if (over()) return;
    if (state_ == State::connecting) return connected();
    if ((events & EPOLLOUT) != 0) write_out();
    if (!over() && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read();
}

void Connection::read() {
    std::array<std::uint8_t, 65'536> room;
    for (std::size_t i = 0; i < reads_at_once && !over(); ++i) {
        const ssize_t n = ::recv(socket_.get(), room.data(), room.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) return fail(errno);
        if (n == 0) return end_of_stream();
        const auto size = static_cast<std::size_t>(n);
        if (!received(Bytes(room.data(), size))) return;
        if (size < room.size()) break;
    }
}

// False: the connection is over.
bool Connection::received(Bytes wire) {
    if (!tls_) return split(wire);
    plain_.clear();
    const bool was_open = tls_->open();
    const bool good = tls_->feed(wire, plain_);
    tls_->drain(out_);
    if (!good) {
        write_out();  // the alert
        if (!over()) fail(EPROTO, tls_->why());
        return false;
    }
    if (!was_open && tls_->open())
        opened();
    else
        write_out();
    if (over()) return false;
    if (!plain_.empty() && !split(plain_)) return false;
    if (!tls_->ended()) return true;
    end_of_stream();
    return false;
}

bool Connection::split(Bytes plain) {
    const std::uint64_t skipped = splitter_.skipped();
    unfinished_ += plain.size();
    splitter_.feed(plain, true);
    Packet packet;
    packet.src = peer_;
    packet.dst = port_.local();
    packet.transport = port_.transport();
    while (const auto piece = splitter_.poll()) {
        unfinished_ = 0;
        packet.payload = as_bytes(piece->text);
        port_.hub().arrived(port_.owner(), packet, own_wire_, own_, no_time);
        if (over()) return false;
    }
    if (splitter_.skipped() != skipped) unfinished_ = 0;
    tell_skipped(skipped);
    if (unfinished_ > Sockets::largest_message) {
        fail(EMSGSIZE, fmt::format("a message of more than {} bytes", Sockets::largest_message));
        return false;
    }
    answer_pings();
    return !over();
}

// Counted, and said once: who does not see a response wants to know what came in its place.
void Connection::tell_skipped(std::uint64_t before) {
    if (splitter_.skipped() == before) return;
    port_.hub().cut_short(0, splitter_.skipped() - before);
    if (before == 0)
        port_.hub().note(fmt::format("{} {}: what came on the stream is no SIP",
                                     to_string(port_.transport()), peer_.to_string()));
}

// RFC 5626 3.5.1, 4.4.1: CRLF CRLF asks for one CRLF.
void Connection::answer_pings() {
    constexpr std::size_t ping = 4;
    bool any = false;
    for (; splitter_.keepalives() - pings_answered_ >= ping; pings_answered_ += ping) {
        constexpr std::string_view pong = "\r\n";
        unfinished_ = 0;
        if (unsent() > Sockets::most_queued) continue;
        any = true;
        if (!tls_) {
            out_.insert(out_.end(), pong.begin(), pong.end());
        } else if (tls_->write(as_bytes(pong))) {
            tls_->drain(out_);
        }
    }
    if (any) write_out();
}

void Connection::end_of_stream() {
    const std::uint64_t skipped = splitter_.skipped();
    splitter_.finish();
    tell_skipped(skipped);
    std::uint64_t incomplete = 0;
    while (const auto piece = splitter_.poll()) {
        if (piece->incomplete) {
            ++incomplete;
            continue;
        }
        Packet packet;
        packet.src = peer_;
        packet.dst = port_.local();
        packet.transport = port_.transport();
        packet.payload = as_bytes(piece->text);
        port_.hub().arrived(port_.owner(), packet, own_wire_, own_, no_time);
        if (over()) return;
    }
    if (incomplete > 0) {
        port_.hub().cut_short(incomplete, 0);
        port_.hub().note(fmt::format("{} {}: the stream ended inside a message",
                                     to_string(port_.transport()), peer_.to_string()));
    }
    if (state_ != State::open || unsent() > 0) return fail(ECONNRESET);
    end();
}

void Connection::fail(int number, const std::string& why) {
    if (over()) return;
    Hub& hub = port_.hub();
    hub.note(fmt::format("{} {}: {}", to_string(port_.transport()), peer_.to_string(),
                         why.empty() ? std::generic_category().message(number) : why));
    for (Waiting& w : waiting_) {
        w.packet.payload = as_bytes(w.payload);
        w.packet.note = w.note;
        hub.sent(w.packet, Fate::refused);
    }
    hub.unreachable(port_.transport(), port_.local(), peer_, number);
    end();
}

void Connection::shut() {
    if (over()) return;
    if (state_ == State::open) {
        if (tls_) {
            tls_->shut();
            tls_->drain(out_);
        }
        write_out();
    }
    if (!over()) end();
}

void Connection::end() {
    state_ = State::over;
    if (socket_ && own_wire_ != port_.local()) port_.hub().own_wire(own_wire_, false);
    waiting_.clear();
    socket_.reset();
    port_.ended(*this);
}

}  // namespace sipana::lab::wire
