#include "libsipana/lab/simulated.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace sipana::lab {

namespace {

constexpr std::uint16_t first_free_port = 49'152;  // RFC 6335 6: dynamic ports

std::size_t hash_of(const Address& address) { return hash(address); }

}  // namespace

Simulated::Simulated(SimulatedSettings settings)
    : now_(settings.start),
      ways_(std::move(settings.rules), settings.seed),
      next_port_(16, &hash_of) {}

const Simulated::Port* Simulated::port_at(Transport transport, const Endpoint& local) const {
    const auto found = ports_.find(key_of(transport, local));
    return found == ports_.end() ? nullptr : &found->second;
}

// By the order in which nodes opened their first port. A new node where an old one was is seen by
// its name.
std::uint32_t Simulated::index_of(const Node& node) {
    const auto [at, is_new] = indices_.try_emplace(&node, 0);
    if (is_new || names_[at->second] != node.name()) {
        at->second = static_cast<std::uint32_t>(names_.size());
        names_.emplace_back(node.name());
    }
    return at->second;
}

Result<Endpoint> Simulated::open(Transport transport, const Endpoint& wish, Node& owner) {
    const std::uint32_t node = index_of(owner);
    Endpoint local = wish;
    if (wish.address.is_unspecified()) local.address = Address::v4(0xc0000200u | (node & 0xff));
    if (local.port == 0) {
        auto& next = next_port_.try_emplace(local.address, first_free_port).first->second;
        for (std::uint32_t tries = 0; tries <= 0xffffu - first_free_port; ++tries) {
            local.port = next;
            next = next == 0xffff ? first_free_port : static_cast<std::uint16_t>(next + 1);
            if (!port_at(transport, local)) break;
        }
    }
    if (!ports_.try_emplace(key_of(transport, local), Port{&owner, node}).second)
        return Error{
            Errc::denied, 0,
            fmt::format("{} {}: the port is in use", to_string(transport), local.to_string())};
    return local;
}

void Simulated::close(Transport transport, const Endpoint& local) {
    ports_.erase(key_of(transport, local));
}

Way& Simulated::way(std::uint32_t from, std::uint32_t to, bool media) {
    const std::uint64_t key = std::uint64_t{from} << 33 | std::uint64_t{to} << 1 | (media ? 1 : 0);
    Way*& known = known_ways_[key];
    if (known == nullptr) known = &ways_.between(names_[from], names_[to], media);
    return *known;
}

Passage Simulated::pass(const Packet& packet, const Port& from, std::uint32_t to) {
    const bool stream = packet.transport != Transport::udp;
    const std::size_t ip = packet.src.address.is_v4() ? 20 : 40;
    return way(from.node, to, packet.content != Content::sip)
        .pass(packet.payload.size() + ip + (stream ? 20 : 8), stream, now_);
}

Status Simulated::send(const Packet& packet) {
    const Port* from = port_at(packet.transport, packet.src);
    if (from == nullptr)
        return Error{Errc::not_found, 0,
                     fmt::format("no port is open at {} {}", to_string(packet.transport),
                                 packet.src.to_string())};
    if (packet.src.address.is_v4() != packet.dst.address.is_v4())
        return Error{Errc::malformed, 0,
                     fmt::format("{} and {} are of two address families", packet.src.to_string(),
                                 packet.dst.to_string())};
    if (packet.transport == Transport::udp && packet.payload.size() > largest_datagram)
        return Error{Errc::too_large, 0,
                     fmt::format("{} bytes are more than a datagram holds", packet.payload.size())};
    if (queue_.size() >= most_in_flight)
        return Error{Errc::too_large, 0,
                     fmt::format("{} packets are on their way already", queue_.size())};
    ++counts_.sent;
    const Port* to = port_at(packet.transport, packet.dst);
    const Passage passage = pass(packet, *from, to == nullptr ? 0 : to->node);
    if (passage.lost) {
        ++counts_.lost;
        if (tap_ != nullptr) tap_->on_packet(packet, now_, Fate::dropped, false);
        return Done{};
    }
    depart(packet, passage.arrival, false);
    if (passage.copy) {
        ++counts_.doubled;
        depart(packet, *passage.copy, true);
    }
    return Done{};
}

std::uint32_t Simulated::take_flight() {
    if (free_.empty()) {
        flights_.push_back(std::make_unique<Flight>());
        return static_cast<std::uint32_t>(flights_.size() - 1);
    }
    const std::uint32_t flight = free_.back();
    free_.pop_back();
    return flight;
}

void Simulated::depart(const Packet& packet, Time arrival, bool duplicate) {
    const std::uint32_t index = take_flight();
    Flight& flight = *flights_[index];
    flight.payload.assign(packet.payload.begin(), packet.payload.end());
    flight.note.assign(packet.note);
    flight.packet = packet;
    flight.packet.payload = flight.payload;
    flight.packet.note = flight.note;
    flight.duplicate = duplicate;
    flight.bounced = false;
    push(arrival, index);
}

void Simulated::push(Time at, std::uint32_t flight) {
    queue_.push_back({at, events_++, flight});
    std::push_heap(queue_.begin(), queue_.end(), std::greater<>{});
}

bool Simulated::wait(std::optional<Time> until) {
    if (queue_.empty() || (until && queue_.front().at > *until)) {
        if (until) now_ = std::max(now_, *until);
        return false;
    }
    now_ = std::max(now_, queue_.front().at);
    while (!queue_.empty() && queue_.front().at <= now_) {
        const std::uint32_t flight = queue_.front().flight;
        std::pop_heap(queue_.begin(), queue_.end(), std::greater<>{});
        queue_.pop_back();
        arrive(flight);
    }
    return true;
}

void Simulated::arrive(std::uint32_t index) {
    Flight& flight = *flights_[index];
    const Packet& packet = flight.packet;
    if (flight.bounced) {
        if (const Port* sender = port_at(packet.transport, packet.src))
            sender->owner->on_unreachable(packet.src, packet.dst, packet.transport, now_);
        free_.push_back(index);
        return;
    }
    const Port* receiver = port_at(packet.transport, packet.dst);
    if (receiver == nullptr) {
        ++counts_.refused;
        if (tap_ != nullptr) tap_->on_packet(packet, now_, Fate::refused, flight.duplicate);
        bounce(index);
        return;
    }
    ++counts_.delivered;
    if (tap_ != nullptr) tap_->on_packet(packet, now_, Fate::delivered, flight.duplicate);
    receiver->owner->on_packet(packet, now_);
    free_.push_back(index);
}

// An ICMP message or a TCP reset goes back; it may be lost as any packet.
void Simulated::bounce(std::uint32_t index) {
    Flight& flight = *flights_[index];
    const Port* sender = port_at(flight.packet.transport, flight.packet.src);
    constexpr std::size_t icmp = 56;  // its headers, and the 28 bytes that it quotes
    Passage back;
    back.lost = sender == nullptr;
    if (sender != nullptr)
        back = way(0, sender->node, flight.packet.content != Content::sip)
                   .pass(icmp, flight.packet.transport != Transport::udp, now_);
    if (back.lost) {
        free_.push_back(index);
        return;
    }
    flight.bounced = true;
    push(back.arrival, index);
}

}  // namespace sipana::lab
