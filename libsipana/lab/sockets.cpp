#include "libsipana/lab/sockets.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include "libsipana/lab/namespaces.h"
#include "libsipana/lab/sockets_stream.h"
#include "libsipana/lab/sockets_tls.h"
#include "libsipana/lab/sockets_udp.h"
#include "libsipana/lab/sockets_wire.h"

namespace sipana::lab {

namespace {

constexpr Duration longest_wait = std::chrono::seconds{1};  // without a deadline
// What a closed port has sent may still be on its way to another one of ours.
constexpr Duration memory = std::chrono::seconds{1};
constexpr std::size_t most_left = 65'536;
constexpr std::size_t most_unreachable = 4096;  // reports that wait for the next wait()

void raise_file_limit() {
    struct rlimit limit {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

// A descriptor that is not the network's own.
class Guest final : public wire::Pollable {
public:
    explicit Guest(std::function<void()> ready) : ready_(std::move(ready)) {}
    void on_ready(std::uint32_t) override { ready_(); }

private:
    std::function<void()> ready_;
};

bool is_stream(Transport transport) { return transport != Transport::udp; }

}  // namespace

class Sockets::State final : public wire::Hub {
public:
    State(SocketsSettings settings, Namespaces hosts)
        : settings_(std::move(settings)), hosts_(std::move(hosts)) {}
    ~State() override {
        for (auto& [key, port] : ports_) port->shut();
    }

    Status start();
    Result<Endpoint> open(Transport transport, const Endpoint& wish, Node& owner);
    void close(Transport transport, const Endpoint& local);
    Status send(const Packet& packet);
    bool wait(std::optional<Time> until);
    void flush();
    Status watch_guest(int descriptor, std::function<void()> ready);

    const Namespaces& hosts() const override { return hosts_; }
    const std::string& tls_secrets() const {
        static const std::string none;
        return tls_ ? tls_->secrets() : none;
    }
    void arrived(Node& owner, const Packet& packet, const Endpoint& on_wire, bool own,
                 Time at) override;
    void sent(const Packet& packet, Fate fate) override;
    void unreachable(Transport transport, const Endpoint& local, const Endpoint& remote,
                     int why) override;
    void note(std::string text) override;
    void cut_short(std::uint64_t messages, std::uint64_t skipped) override;
    void overflowed(const Endpoint& local, std::uint64_t datagrams) override;
    bool is_own(Transport transport, const Endpoint& remote) const override;
    void own_wire(const Endpoint& local, bool there) override;
    bool wants_connection() override;
    void lost_connection() override { --connections_; }
    void retire(std::unique_ptr<wire::Pollable> pollable) override {
        retired_.push_back(std::move(pollable));
    }
    void watch(const wire::Descriptor& socket, std::uint32_t events,
               wire::Pollable& pollable) override;
    void watch_for(const wire::Descriptor& socket, std::uint32_t events,
                   wire::Pollable& pollable) override;

    Tap* tap = nullptr;
    Time now{};
    Time looked_before_{};  // the look at the clock before the last
    Counts counts;
    std::vector<std::string> notes;
    std::set<Address> unreached;

private:
    struct Key {
        Endpoint local;
        bool stream = false;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const { return mix(hash(key.local), key.stream); }
    };
    struct Lost {
        Transport transport{};
        Endpoint local, remote;
    };

    void look_at_clock() { now = settings_.clock(); }
    wire::Port* port_at(Transport transport, const Endpoint& local) const;
    bool poll(Duration at_most);
    void tell_lost();

    SocketsSettings settings_;
    Namespaces hosts_;
    std::vector<std::unique_ptr<Guest>> guests_;
    wire::Descriptor epoll_;
    std::unique_ptr<wire::Tls> tls_;
    wire::Batch receive_, send_;
    std::unordered_map<Key, std::unique_ptr<wire::Port>, KeyHash> ports_;
    // Of each number the UDP port that was opened last: with hosts of their own there are more.
    std::vector<wire::Port*> by_number_ = std::vector<wire::Port*>(65536);
    std::vector<std::unique_ptr<wire::Pollable>> retired_;
    std::unordered_map<Key, Time, KeyHash> left_;  // ports of ours, closed not long ago
    std::vector<wire::Port*> dirty_;
    std::vector<Lost> lost_;
    std::unordered_set<Endpoint, EndpointHash> own_wires_;
    std::size_t connections_ = 0;
    std::uint64_t told_ = 0;  // nodes were called so many times
};

Status Sockets::State::start() {
    epoll_ = wire::Descriptor(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) return wire::failure("epoll", errno);
    look_at_clock();
    return Done{};
}

wire::Port* Sockets::State::port_at(Transport transport, const Endpoint& local) const {
    if (transport == Transport::udp) {
        wire::Port* const last = by_number_[local.port];
        if (last != nullptr && last->local() == local) return last;
    }
    const auto found = ports_.find({local, is_stream(transport)});
    return found == ports_.end() ? nullptr : found->second.get();
}

Result<Endpoint> Sockets::State::open(Transport transport, const Endpoint& wish, Node& owner) {
    if (wish.address.is_unspecified())
        return Error{Errc::malformed, 0,
                     fmt::format("{}: a port needs an address of this host", wish.to_string())};
    Endpoint local;
    std::unique_ptr<wire::Port> made;
    if (transport == Transport::udp) {
        auto port = wire::UdpPort::open(wish, owner, *this, receive_, send_);
        if (!port) return port.error();
        made = std::move(*port);
    } else if (transport == Transport::tcp || transport == Transport::tls) {
        if (transport == Transport::tls && !tls_) {
            auto tls = wire::Tls::make(settings_.tls, now);
            if (!tls) return tls.error();
            tls_ = std::move(*tls);
        }
        auto port = wire::StreamPort::open(wish, owner, *this,
                                           transport == Transport::tls ? tls_.get() : nullptr);
        if (!port) return port.error();
        made = std::move(*port);
    } else {
        return Error{Errc::unsupported, 0,
                     fmt::format("{} is not spoken here", to_string(transport))};
    }
    local = made->local();
    if (transport == Transport::udp) by_number_[local.port] = made.get();
    ports_[{local, is_stream(transport)}] = std::move(made);
    return local;
}

void Sockets::State::close(Transport transport, const Endpoint& local) {
    const auto found = ports_.find({local, is_stream(transport)});
    if (found == ports_.end()) return;
    found->second->shut();
    if (by_number_[local.port] == found->second.get()) by_number_[local.port] = nullptr;
    std::erase(dirty_, found->second.get());
    retire(std::move(found->second));
    ports_.erase(found);
    if (left_.size() >= most_left) left_.clear();
    left_[{local, is_stream(transport)}] = now;
}

Status Sockets::State::send(const Packet& packet) {
    wire::Port* port = port_at(packet.transport, packet.src);
    if (port == nullptr || port->transport() != packet.transport)
        return Error{Errc::not_found, 0,
                     fmt::format("no port is open at {} {}", to_string(packet.transport),
                                 packet.src.to_string())};
    if (packet.src.address.is_v4() != packet.dst.address.is_v4())
        return Error{Errc::malformed, 0,
                     fmt::format("{} and {} are of two address families", packet.src.to_string(),
                                 packet.dst.to_string())};
    auto queued = port->send(packet);
    if (queued && !port->dirty) {
        port->dirty = true;
        dirty_.push_back(port);
    }
    return queued;
}

void Sockets::State::flush() {
    for (wire::Port* port : dirty_) {
        port->dirty = false;
        port->flush();
    }
    dirty_.clear();
}

bool Sockets::State::wait(std::optional<Time> until) {
    retired_.clear();
    flush();
    told_ = 0;
    tell_lost();
    look_at_clock();
    const Time end = until ? *until : now + longest_wait;
    // At least one look, so that what has come is not kept waiting by who is late himself.
    while (told_ == 0) {
        const Duration left = std::max(end - now, Duration{});
        if (!poll(left)) return false;
        tell_lost();
        retired_.clear();
        if (told_ == 0 && left == Duration{}) return false;
    }
    return true;
}

// False: nothing happened in that time, or a signal came.
bool Sockets::State::poll(Duration at_most) {
    constexpr std::size_t events_at_once = 64;
    std::array<epoll_event, events_at_once> events;
    constexpr std::int64_t second = 1'000'000'000;
    const timespec timeout{static_cast<time_t>(at_most.count() / second),
                           static_cast<long>(at_most.count() % second)};
    looked_before_ = now;
    const int got = ::epoll_pwait2(epoll_.get(), events.data(), events_at_once, &timeout, nullptr);
    look_at_clock();
    if (got <= 0) return false;
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i)
        static_cast<wire::Pollable*>(events[i].data.ptr)->on_ready(events[i].events);
    return true;
}

void Sockets::State::tell_lost() {
    if (lost_.empty()) return;
    for (const Lost& lost : std::exchange(lost_, {})) {
        wire::Port* port = port_at(lost.transport, lost.local);
        if (port == nullptr || port->transport() != lost.transport) continue;
        ++told_;
        port->owner().on_unreachable(lost.local, lost.remote, lost.transport, now);
    }
}

void Sockets::State::arrived(Node& owner, const Packet& packet, const Endpoint& on_wire, bool own,
                             Time at) {
    // Not before the last look at the clock: what was sent then was sent before this came.
    at = at == no_time ? now : std::clamp(at, std::min(looked_before_, now), now);
    ++counts.received;
    ++told_;
    const bool udp = packet.transport == Transport::udp;
    if (tap != nullptr && !own && !(udp && is_own(Transport::udp, packet.src))) {
        Packet seen = packet;
        seen.dst = on_wire;
        tap->on_packet(seen, at, Fate::delivered, false);
    }
    owner.on_packet(packet, at);
}

void Sockets::State::sent(const Packet& packet, Fate fate) {
    if (fate == Fate::delivered) ++counts.sent;
    if (tap != nullptr) tap->on_packet(packet, now, fate, false);
}

void Sockets::State::unreachable(Transport transport, const Endpoint& local, const Endpoint& remote,
                                 int why) {
    ++counts.unreachable;
    if ((why == EHOSTUNREACH || why == ENETUNREACH) && unreached.size() < most_unreachable)
        unreached.insert(remote.address);
    if (transport == Transport::udp)
        note(fmt::format("UDP {}: {}", remote.to_string(), std::generic_category().message(why)));
    if (lost_.size() < most_unreachable) lost_.push_back({transport, local, remote});
}

void Sockets::State::note(std::string text) {
    if (notes.size() >= most_notes) return;
    if (std::find(notes.begin(), notes.end(), text) == notes.end())
        notes.push_back(std::move(text));
}

void Sockets::State::cut_short(std::uint64_t messages, std::uint64_t skipped) {
    counts.cut_short += messages;
    counts.skipped += skipped;
}

void Sockets::State::overflowed(const Endpoint& local, std::uint64_t datagrams) {
    if (datagrams == 0) return;
    counts.overflowed += datagrams;
    note(fmt::format("UDP {}: {} datagrams were dropped, the receive buffer was full",
                     local.to_string(), datagrams));
}

bool Sockets::State::is_own(Transport transport, const Endpoint& remote) const {
    if (port_at(transport, remote) != nullptr) return true;
    if (is_stream(transport) && own_wires_.count(remote) != 0) return true;
    const auto left = left_.find({remote, is_stream(transport)});
    return left != left_.end() && now - left->second < memory;
}

void Sockets::State::own_wire(const Endpoint& local, bool there) {
    if (port_at(Transport::tcp, local) != nullptr) return;  // its port stands for it
    if (there)
        own_wires_.insert(local);
    else
        own_wires_.erase(local);
}

bool Sockets::State::wants_connection() {
    if (connections_ >= most_connections) {
        ++counts.refused;
        return false;
    }
    ++connections_;
    return true;
}

void Sockets::State::watch(const wire::Descriptor& socket, std::uint32_t events,
                           wire::Pollable& pollable) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &pollable;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &event);
}

void Sockets::State::watch_for(const wire::Descriptor& socket, std::uint32_t events,
                               wire::Pollable& pollable) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &pollable;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket.get(), &event);
}

Status Sockets::State::watch_guest(int descriptor, std::function<void()> ready) {
    guests_.push_back(std::make_unique<Guest>(std::move(ready)));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = static_cast<wire::Pollable*>(guests_.back().get());
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0) return Done{};
    return wire::failure("epoll", errno);
}

Sockets::Sockets(std::unique_ptr<State> state) : state_(std::move(state)), now_(state_->now) {}
Sockets::~Sockets() = default;

Result<std::unique_ptr<Sockets>> Sockets::create(SocketsSettings settings) {
    if (!settings.clock) return Error{Errc::malformed, 0, "sockets need a clock"};
    raise_file_limit();
    auto hosts = Namespaces::open(settings.hosts);
    if (!hosts) return hosts.error();
    auto state = std::make_unique<State>(std::move(settings), std::move(*hosts));
    if (auto started = state->start(); !started) return started.error();
    return std::unique_ptr<Sockets>(new Sockets(std::move(state)));
}

Result<Endpoint> Sockets::open(Transport transport, const Endpoint& wish, Node& owner) {
    return state_->open(transport, wish, owner);
}
void Sockets::close(Transport transport, const Endpoint& local) { state_->close(transport, local); }
Status Sockets::send(const Packet& packet) {
    state_->tap = tap_;
    return state_->send(packet);
}
bool Sockets::wait(std::optional<Time> until) {
    state_->tap = tap_;
    return state_->wait(until);
}
void Sockets::flush() {
    state_->tap = tap_;
    state_->flush();
}
Status Sockets::watch(int descriptor, std::function<void()> ready) {
    return state_->watch_guest(descriptor, std::move(ready));
}
const Namespaces& Sockets::hosts() const { return state_->hosts(); }
std::vector<std::string> Sockets::take_notes() { return std::exchange(state_->notes, {}); }
const Sockets::Counts& Sockets::counts() const { return state_->counts; }
const std::string& Sockets::tls_secrets() const { return state_->tls_secrets(); }
const std::set<Address>& Sockets::unreached() const { return state_->unreached; }

}  // namespace sipana::lab
