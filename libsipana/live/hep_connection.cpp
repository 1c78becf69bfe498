#include "libsipana/live/hep_connection.h"

#include <cerrno>

#include "libsipana/live/hep_listener.h"

namespace sipana::live {

HepConnection::HepConnection(lab::wire::Descriptor socket, const Endpoint& peer,
                             const Endpoint& local, std::unique_ptr<lab::wire::TlsSession> tls,
                             Time now)
    : socket_(std::move(socket)),
      peer_(peer),
      local_(local),
      tls_(std::move(tls)),
      opened_(now),
      last_(now),
      begun_(now) {}

bool HepConnection::flush() {
    if (tls_) tls_->drain(out_);
    while (!out_.empty()) {
        const ssize_t sent =
            ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0)
            return (errno == EAGAIN || errno == EWOULDBLOCK) &&
                   out_.size() <= HepListener::most_outgoing;
        out_.erase(out_.begin(), out_.begin() + sent);
    }
    return true;
}

bool HepConnection::read(Time now) {
    thread_local Buffer raw(piece);  // one connection is read at a time
    const ssize_t got = ::recv(socket_.get(), raw.data(), raw.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        failed_ = !flush();
        return !failed_;
    }
    if (got <= 0) {
        failed_ = got < 0 || framer_.kept() > 0;
        return false;
    }
    last_ = now;
    const Bytes bytes(raw.data(), static_cast<std::size_t>(got));
    in_.clear();
    if (tls_) {
        const bool good = tls_->feed(bytes, in_);
        failed_ = !flush() || !good;
        if (failed_) return false;
    } else {
        in_.assign(bytes.begin(), bytes.end());
    }
    if (framer_.kept() == 0) begun_ = now;
    framer_.feed(in_);
    return true;
}

std::optional<Bytes> HepConnection::packet() {
    auto packet = framer_.poll();
    if (packet) begun_ = last_;
    if (!packet) Buffer().swap(in_);  // most connections are silent most of the time
    return packet;
}

bool HepConnection::is_slow(Time now, Duration handshake, Duration unfinished) const {
    if (tls_ && !tls_->open()) return now - opened_ > handshake;
    return framer_.kept() > 0 && now - begun_ > unfinished;
}

}  // namespace sipana::live
