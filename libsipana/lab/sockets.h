// Sockets: the network that there is: UDP, TCP and TLS over IPv4 and IPv6.
//
// Nothing here blocks but wait(), and nothing reads a clock but through the function that was
// given. Addresses are those of this host, or of the hosts in SocketsSettings::hosts, whose sockets
// are made in their network namespaces; names are resolved elsewhere. Nodes belong to the caller
// and must close their ports, or outlive this.
//
// A stream's connection is made at the first packet to a peer and found again by (own port, peer).
// It leaves from the own listening port where the system allows that, so that the peer sees the
// address that it would answer to. TLS does not ask who the peer is unless told to: most phones and
// exchanges in a lab have certificates of their own making, as this one's is where none is given.
//
// The tap sees each packet once: what we send when it goes out (a stream's: when the connection is
// up), what others send when it arrives. Its addresses are those on the wire.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "libsipana/lab/host_table.h"
#include "libsipana/lab/network.h"

namespace sipana::lab {

class Namespaces;

struct TlsSettings {
    std::string certificate_file, key_file;  // PEM; both empty: a self-signed one is made
    std::string ca_file;                     // PEM; whom to believe, with `verify`
    bool verify = false;                     // the peer's certificate, as client and as server
    std::string name;                        // that a server's certificate has to bear; and SNI
    bool keep_secrets = false;               // of connections, for whoever reads a capture of them
};

struct SocketsSettings {
    std::function<Time()> clock;  // since the epoch; must be there
    HostTable hosts;              // whose sockets live in namespaces of their own
    TlsSettings tls;
};

class Sockets final : public Network {
public:
    static constexpr std::size_t most_connections = 8192;     // more are closed at once
    static constexpr std::size_t most_queued = 16u << 20;     // bytes that a peer does not take
    static constexpr std::size_t largest_message = 4u << 20;  // on a stream; then it is closed
    static constexpr std::size_t most_notes = 100;

    // Raises the process's limit of open files as far as it may: calls with media need four each.
    static Result<std::unique_ptr<Sockets>> create(SocketsSettings settings);
    ~Sockets() override;
    Sockets(const Sockets&) = delete;
    Sockets& operator=(const Sockets&) = delete;

    // Errc::denied: the port is in use or not ours to open. Errc::not_found: the address is not of
    // this host, or not that host's.
    Result<Endpoint> open(Transport transport, const Endpoint& wish, Node& owner) override;
    // A stream's connections end with it, after one more try to send what is queued.
    void close(Transport transport, const Endpoint& local) override;
    Status send(const Packet& packet) override;
    // The clock's time when the last wait() returned, or when what it delivers arrived: what is
    // sent in between bears one time, as on the simulated network.
    Time now() const override { return now_; }
    // Without `until`: at most a second. A signal ends it as well.
    bool wait(std::optional<Time> until) override;
    void flush() override;
    // Calls `ready` in wait() whenever there is something to read at `descriptor`, which must
    // outlive this; what it reads is no delivery.
    Status watch(int descriptor, std::function<void()> ready);
    const Namespaces& hosts() const;

    // What went wrong on the way, for people: "TLS 192.0.2.1:5061: certificate verify failed".
    std::vector<std::string> take_notes();

    struct Counts {
        std::uint64_t sent = 0, received = 0;  // packets
        std::uint64_t unreachable = 0;         // reports of it
        std::uint64_t cut_short = 0;           // messages whose stream ended inside them
        std::uint64_t skipped = 0;             // bytes on streams that were no SIP
        std::uint64_t overflowed = 0;  // datagrams that the system dropped here, of closed ports
        std::uint64_t refused = 0;     // connections beyond most_connections
    };
    const Counts& counts() const;
    const std::string& tls_secrets() const;  // lines of a key log; see TlsSettings::keep_secrets
    // Where the system found no way to: what was sent there may never have left.
    const std::set<Address>& unreached() const;

private:
    class State;
    explicit Sockets(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
    const Time& now_;  // the state's
};

// The address that packets to `remote` leave from, at the host where the thread is.
Result<Address> address_towards(const Endpoint& remote);

}  // namespace sipana::lab
