// StreamPort: a listening TCP or TLS port of a node, and its connections (RFC 3261 18, RFC 5626).
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "libsipana/lab/sockets_tls.h"
#include "libsipana/lab/sockets_wire.h"
#include "libsipana/sip/splitter.h"

namespace sipana::lab::wire {

class StreamPort;

class Connection final : public Pollable {
public:
    static constexpr std::size_t reads_at_once = 16;  // then others are served

    // `peer`: where it goes to, or comes from. `tls`: null for TCP.
    Connection(StreamPort& port, const Endpoint& peer, std::unique_ptr<TlsSession> tls);
    ~Connection() override;

    void connect();                    // to the peer
    void accepted(Descriptor socket);  // from the peer
    void send(const Packet& packet);   // queues
    void flush();
    void shut();
    void on_ready(std::uint32_t events) override;
    const Endpoint& peer() const { return peer_; }
    const Endpoint& own_wire() const { return own_wire_; }
    bool over() const { return state_ == State::over; }

    bool dirty = false;

private:
    enum class State : std::uint8_t { connecting, securing, open, over };
    struct Waiting {  // until the connection is up
        Packet packet;
        std::string payload, note;
    };

    int try_connect(const Endpoint& from);
    void connected();
    void opened();
    void put(const Packet& packet);
    void read();
    bool received(Bytes wire);
    bool split(Bytes plain);
    void tell_skipped(std::uint64_t before);
    void answer_pings();
    void write_out();
    void end_of_stream();
    void fail(int number, const std::string& why = {});
    void end();
    std::size_t unsent() const { return out_.size() - out_at_; }

    StreamPort& port_;
    Endpoint peer_;
    std::unique_ptr<TlsSession> tls_;
    Descriptor socket_;
    State state_ = State::connecting;
    bool own_ = false;      // the peer is of this network too
    Endpoint own_wire_;     // our end, as the peer sees it
    bool writing_ = false;  // watched for room to write
    std::deque<Waiting> waiting_;
    std::size_t waiting_bytes_ = 0;
    Buffer out_, plain_;
    std::size_t out_at_ = 0;
    sip::Splitter splitter_;
    std::size_t unfinished_ = 0;        // bytes since the last whole message
    std::uint64_t pings_answered_ = 0;  // bytes of them
};

class StreamPort final : public Port {
public:
    // `tls`: null for TCP; must outlive the port.
    static Result<std::unique_ptr<StreamPort>> open(const Endpoint& wish, Node& owner, Hub& hub,
                                                    const Tls* tls);
    ~StreamPort() override;

    const Endpoint& local() const override { return local_; }
    Transport transport() const override {
        return tls_ == nullptr ? Transport::tcp : Transport::tls;
    }
    Node& owner() const override { return owner_; }
    Status send(const Packet& packet) override;
    void flush() override;
    void shut() override;
    void on_ready(std::uint32_t events) override;

    Hub& hub() { return hub_; }
    void ended(Connection& connection);

private:
    StreamPort(Node& owner, Hub& hub, const Tls* tls) : owner_(owner), hub_(hub), tls_(tls) {}
    Connection& make(const Endpoint& peer, bool server);
    bool make_room();

    Node& owner_;
    Hub& hub_;
    const Tls* tls_;
    Descriptor socket_, spare_;
    Endpoint local_;
    std::unordered_map<const Connection*, std::unique_ptr<Connection>> connections_;
    std::unordered_map<Endpoint, Connection*, EndpointHash> by_peer_;  // the one to send on
    std::vector<Connection*> dirty_;
};

}  // namespace sipana::lab::wire
