// HepConnection: one agent's connection to a HepListener: bytes in, HEP packets out.
#pragma once

#include <memory>
#include <optional>

#include "libsipana/hep/framer.h"
#include "libsipana/lab/sockets_tls.h"
#include "libsipana/lab/sockets_wire.h"

namespace sipana::live {

class HepConnection {
public:
    static constexpr std::size_t piece = 64 * 1024;  // read at once

    HepConnection(lab::wire::Descriptor socket, const Endpoint& peer, const Endpoint& local,
                  std::unique_ptr<lab::wire::TlsSession> tls, Time now);

    // What there is, or a piece of it; then packet() until it is empty. False: the connection is
    // over.
    bool read(Time now);
    std::optional<Bytes> packet();  // lives until the next call of a member that is not const
    bool garbage() const { return framer_.skipped() > 0; }
    bool failed() const { return failed_; }  // not an end as it should be
    bool wants_to_write() const { return !out_.empty(); }
    bool is_slow(Time now, Duration handshake, Duration unfinished) const;

    const lab::wire::Descriptor& socket() const { return socket_; }
    const Endpoint& peer() const { return peer_; }
    const Endpoint& local() const { return local_; }
    Time last() const { return last_; }  // something came

private:
    bool flush();

    lab::wire::Descriptor socket_;
    Endpoint peer_, local_;
    std::unique_ptr<lab::wire::TlsSession> tls_;
    hep::Framer framer_;
    Buffer in_, out_;             // in_: what the framer views until it has given all out
    Time opened_, last_, begun_;  // begun_: when the packet at hand began
    bool failed_ = false;
};

}  // namespace sipana::live
