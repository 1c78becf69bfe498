// Nodes for tests of networks: one that keeps what it gets, and answers if told to.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "libsipana/lab/network.h"

namespace sipana::lab {

class Listener : public Node {
public:
    struct Got {
        Endpoint src, dst;
        Transport transport{};
        Content content{};
        std::string text;
        Time at{};
    };
    struct Lost {
        Endpoint local, remote;
        Transport transport{};
        Time at{};
    };
    explicit Listener(std::string name) : name_(std::move(name)) {}

    std::string_view name() const override { return name_; }
    void on_packet(const Packet& packet, Time now) override {
        if (keep)
            got.push_back({packet.src, packet.dst, packet.transport, packet.content,
                           std::string(as_text(packet.payload)), now});
        ++packets;
        if (on_arrival) on_arrival(packet);
    }
    void on_unreachable(const Endpoint& local, const Endpoint& remote, Transport transport,
                        Time now) override {
        lost.push_back({local, remote, transport, now});
    }
    void on_timer(Time) override {}
    std::optional<Time> deadline() const override { return std::nullopt; }
    std::optional<Packet> poll() override { return std::nullopt; }

    std::vector<Got> got;
    std::vector<Lost> lost;
    std::uint64_t packets = 0;
    bool keep = true;
    std::function<void(const Packet&)> on_arrival;

private:
    std::string name_;
};

class Watched : public Tap {
public:
    struct Seen {
        std::string text, note;
        Endpoint src, dst;
        Time at{};
        Fate fate{};
        bool duplicate = false;
    };
    void on_packet(const Packet& packet, Time at, Fate fate, bool duplicate) override {
        seen.push_back({std::string(as_text(packet.payload)), std::string(packet.note), packet.src,
                        packet.dst, at, fate, duplicate});
    }
    std::vector<Seen> seen;
};

inline Packet packet(const Endpoint& src, const Endpoint& dst, std::string_view text,
                     Transport transport = Transport::udp) {
    Packet p;
    p.src = src;
    p.dst = dst;
    p.transport = transport;
    p.payload = as_bytes(text);
    return p;
}

inline Endpoint at(std::string_view text) { return *Endpoint::parse(text); }

}  // namespace sipana::lab
