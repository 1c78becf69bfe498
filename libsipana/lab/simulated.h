// Simulated: a network in memory with a clock of its own: thousands of times faster than real time,
// and the same seed gives the same run.
//
// Packets wait in a queue by their time of arrival, first come first served among equals. Between
// two of them the clock jumps. Nodes belong to the caller and must close their ports, or outlive
// this. A port of TCP and one of TLS with the same number are one, as on a host.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libsipana/lab/impairment.h"
#include "libsipana/lab/network.h"

namespace sipana::lab {

struct SimulatedSettings {
    Time start{std::chrono::seconds{1'767'225'600}};  // 2026-01-01T00:00:00Z
    std::uint64_t seed = 1;
    std::vector<NetworkLine> rules;  // from, to: names of nodes
};

class Simulated final : public Network {
public:
    static constexpr std::size_t most_in_flight = 1 << 20;  // send() refuses more
    static constexpr std::size_t largest_datagram = 65'507;

    explicit Simulated(SimulatedSettings settings = {});

    // No address in `wish`, or 0.0.0.0: one of 192.0.2.0/24 that is the node's own is given.
    Result<Endpoint> open(Transport transport, const Endpoint& wish, Node& owner) override;
    void close(Transport transport, const Endpoint& local) override;

    Status send(const Packet& packet) override;
    Time now() const override { return now_; }
    // Delivers what arrives at one instant.
    bool wait(std::optional<Time> until) override;
    void flush() override {}

    struct Counts {
        std::uint64_t sent = 0, delivered = 0, lost = 0, doubled = 0, refused = 0;
    };
    const Counts& counts() const { return counts_; }
    std::size_t in_flight() const { return queue_.size(); }

private:
    struct Port {
        Node* owner = nullptr;
        std::uint32_t node = 0;  // index in names_
    };
    struct Key {
        Endpoint local;
        bool stream = false;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const { return mix(hash(key.local), key.stream); }
    };
    struct Flight {  // a packet on its way, or the news that it could not be delivered
        Packet packet;
        Buffer payload;
        std::string note;
        bool duplicate = false, bounced = false;
    };
    struct Event {
        Time at{};
        std::uint64_t order = 0;
        std::uint32_t flight = 0;
        bool operator>(const Event& other) const {
            return at != other.at ? at > other.at : order > other.order;
        }
    };

    static Key key_of(Transport transport, const Endpoint& local) {
        return {local, transport != Transport::udp};
    }
    const Port* port_at(Transport transport, const Endpoint& local) const;
    std::uint32_t index_of(const Node& node);
    Way& way(std::uint32_t from, std::uint32_t to, bool media);
    Passage pass(const Packet& packet, const Port& from, std::uint32_t to);
    std::uint32_t take_flight();
    void depart(const Packet& packet, Time arrival, bool duplicate);
    void push(Time at, std::uint32_t flight);
    void arrive(std::uint32_t flight);
    void bounce(std::uint32_t flight);

    Time now_;
    Ways ways_;
    Counts counts_;
    std::unordered_map<Key, Port, KeyHash> ports_;
    std::vector<std::string> names_{""};  // of the nodes; 0: nobody
    std::unordered_map<const Node*, std::uint32_t> indices_;
    std::unordered_map<std::uint64_t, Way*> known_ways_;
    std::vector<Event> queue_;  // a heap
    std::uint64_t events_ = 0;
    std::vector<std::unique_ptr<Flight>> flights_;  // each used again once it has arrived
    std::vector<std::uint32_t> free_;
    std::unordered_map<Address, std::uint16_t, std::size_t (*)(const Address&)> next_port_;
};

}  // namespace sipana::lab
