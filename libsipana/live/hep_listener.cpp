#include "libsipana/live/hep_listener.h"

#include <fmt/format.h>
#include <linux/sock_diag.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <unordered_map>

#include "libsipana/hep/packet.h"
#include "libsipana/live/hep_address.h"
#include "libsipana/live/hep_connection.h"
#include "libsipana/net/encoder.h"

namespace sipana::live {

using lab::wire::Descriptor;
using lab::wire::SocketAddress;

namespace {

constexpr std::size_t largest_datagram = 65'535, datagrams_at_once = 16;
// Room for in_pktinfo or in6_pktinfo: the address that a datagram was sent to.
constexpr std::size_t control_size = 64;

Time machine_time() {
    return std::chrono::duration_cast<Time>(std::chrono::system_clock::now().time_since_epoch());
}

// Does not tell by its time how much of the key was right.
bool same_key(std::string_view a, std::string_view b) {
    unsigned difference = a.size() != b.size();
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
        difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
    return difference == 0;
}

void widen(const Descriptor& socket) {
    const int wish = HepListener::socket_buffer;
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &wish, sizeof wish) != 0)
        lab::wire::set(socket, SOL_SOCKET, SO_RCVBUF, wish);
}

// Datagrams that are read with one call of the system.
class Datagrams {
public:
    Datagrams() : room_(new std::uint8_t[datagrams_at_once * largest_datagram]) {
        for (std::size_t i = 0; i < datagrams_at_once; ++i) {
            slices_[i] = {room_.get() + i * largest_datagram, largest_datagram};
            msghdr& header = headers_[i].msg_hdr;
            header.msg_name = &from_[i];
            header.msg_iov = &slices_[i];
            header.msg_iovlen = 1;
            header.msg_control = controls_[i].data();
        }
    }
    struct One {
        Endpoint from, to;
        Bytes payload;
    };
    void receive(const Descriptor& socket, const Endpoint& local) {
        for (mmsghdr& header : headers_) {
            header.msg_hdr.msg_namelen = sizeof(SocketAddress);
            header.msg_hdr.msg_controllen = control_size;
        }
        const int got =
            ::recvmmsg(socket.get(), headers_.data(), datagrams_at_once, MSG_DONTWAIT, nullptr);
        count_ = static_cast<std::size_t>(std::max(got, 0));
        at_ = 0;
        local_ = local;
    }
    std::optional<One> next() {
        if (at_ == count_) return std::nullopt;
        const mmsghdr& header = headers_[at_];
        const Bytes payload(room_.get() + at_ * largest_datagram, header.msg_len);
        return One{
            lab::wire::from_wire(from_[at_++]), {address_of(header.msg_hdr), local_.port}, payload};
    }

private:
    // Where the socket has any address, the datagram says which one it came to.
    Address address_of(const msghdr& header) const {
        if (!local_.address.is_unspecified()) return local_.address;
        auto* message = const_cast<msghdr*>(&header);
        for (cmsghdr* c = CMSG_FIRSTHDR(message); c != nullptr; c = CMSG_NXTHDR(message, c)) {
            if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
                in_pktinfo info{};
                std::memcpy(&info, CMSG_DATA(c), sizeof info);
                return Address::v4(reinterpret_cast<const std::uint8_t*>(&info.ipi_addr));
            }
            if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
                in6_pktinfo info{};
                std::memcpy(&info, CMSG_DATA(c), sizeof info);
                return Address::v6(info.ipi6_addr.s6_addr);
            }
        }
        return local_.address;
    }

    std::unique_ptr<std::uint8_t[]> room_;
    std::array<mmsghdr, datagrams_at_once> headers_{};
    std::array<iovec, datagrams_at_once> slices_{};
    std::array<SocketAddress, datagrams_at_once> from_{};
    alignas(cmsghdr) std::array<std::array<char, control_size>, datagrams_at_once> controls_{};
    std::size_t count_ = 0, at_ = 0;
    Endpoint local_;
};

}  // namespace

class HepListener::State {
public:
    explicit State(HepListenSettings settings) : settings_(std::move(settings)) {
        if (!settings_.clock) settings_.clock = machine_time;
        interface_.link = pcap::LinkType::raw;
        interface_.resolution = 9;
    }

    Status open() {
        epoll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
        if (!epoll_) return lab::wire::failure("epoll", errno);
        for (const std::string& text : settings_.addresses)
            if (auto done = listen(text); !done) return done;
        if (sockets_.empty()) return Error{Errc::malformed, 0, "no address to listen for HEP at"};
        return Done{};
    }

    bool next(pcap::Frame& frame) {
        // So many events without a packet, and others have their turn.
        constexpr unsigned most_idle_events = 64;
        expire();
        for (unsigned events = 0; events < most_idle_events;) {
            while (const auto one = datagrams_.next())
                if (accept(one->payload, one->from, one->to)) return give(frame);
            if (active_ != 0) {
                if (from_connection()) return give(frame);
                continue;
            }
            if (!next_event()) return false;
            ++events;
        }
        return false;
    }

    SourceCounts counts() {
        expire();
        SourceCounts all = counts_;
        for (const Listening& socket : sockets_)
            if (socket.transport == Transport::udp)
                all.dropped_by_kernel += drops_of(socket.socket);
        all.received = all.read + all.dropped();
        return all;
    }

    int descriptor() const { return epoll_.get(); }
    const pcap::Interface& interface() const { return interface_; }
    std::vector<Endpoint> listening() const {
        std::vector<Endpoint> all;
        for (const Listening& socket : sockets_) all.push_back(socket.local);
        return all;
    }
    std::size_t connections() const { return connections_.size(); }

private:
    struct Listening {
        Descriptor socket;
        Transport transport = Transport::udp;
        Endpoint local;
    };
    // Of an epoll event: below it an index into sockets_, else a connection.
    static constexpr std::uint64_t first_connection = 1 << 16;

    Status listen(const std::string& text) {
        const auto address = parse_hep_address(text);
        if (!address) return address.error();
        const auto host = Address::parse(address->host);
        if (!host)
            return Error{Errc::malformed, 0,
                         fmt::format("{}: an address is needed, not a name", text)};
        if (address->transport == Transport::tls && !tls_)
            if (auto done = make_tls(); !done) return done;
        const bool udp = address->transport == Transport::udp;
        auto made = lab::wire::make_socket(*host, udp ? SOCK_DGRAM : SOCK_STREAM);
        if (!made) return made.error();
        if (udp) {
            widen(*made);
            if (host->is_v4())
                lab::wire::set(*made, IPPROTO_IP, IP_PKTINFO, 1);
            else
                lab::wire::set(*made, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        } else {
            lab::wire::set(*made, SOL_SOCKET, SO_REUSEADDR, 1);
        }
        if (auto bound = lab::wire::bind_to(*made, {*host, address->port}); !bound)
            return Error{bound.error().code, 0,
                         fmt::format("{}: {}", address->to_string(), bound.error().what)};
        if (!udp && ::listen(made->get(), SOMAXCONN) != 0) return lab::wire::failure(text, errno);
        sockets_.push_back({std::move(*made), address->transport, {}});
        Listening& socket = sockets_.back();
        socket.local = lab::wire::local_of(socket.socket);
        watch(EPOLL_CTL_ADD, socket.socket, EPOLLIN, sockets_.size() - 1);
        interface_.name += fmt::format("{}hep {} {}", interface_.name.empty() ? "" : ", ",
                                       udp                                    ? "udp"
                                       : address->transport == Transport::tcp ? "tcp"
                                                                              : "tls",
                                       socket.local.to_string());
        return Done{};
    }

    Status make_tls() {
        if (settings_.certificate_file.empty())
            return Error{Errc::malformed, 0, "HEP over TLS needs a certificate"};
        lab::TlsSettings tls;
        tls.certificate_file = settings_.certificate_file;
        tls.key_file = settings_.key_file;
        tls.ca_file = settings_.ca_file;
        tls.verify = !settings_.ca_file.empty();
        auto made = lab::wire::Tls::make(tls, machine_time());
        if (!made) return made.error();
        tls_ = std::move(*made);
        return Done{};
    }

    void watch(int operation, const Descriptor& socket, std::uint32_t events, std::uint64_t id) {
        epoll_event event{};
        event.events = events;
        event.data.u64 = id;
        ::epoll_ctl(epoll_.get(), operation, socket.get(), &event);
    }

    // Works off one event. False: there is none.
    bool next_event() {
        if (event_ == events_ready_) {
            const int got =
                ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), 0);
            events_ready_ = static_cast<std::size_t>(std::max(got, 0));
            event_ = 0;
            if (events_ready_ == 0) return false;
        }
        const epoll_event event = events_[event_++];
        now_ = settings_.clock();
        if (event.data.u64 >= first_connection) {
            on_connection(event.data.u64);
            return true;
        }
        Listening& socket = sockets_[event.data.u64];
        if (socket.transport == Transport::udp)
            datagrams_.receive(socket.socket, socket.local);
        else
            on_client(event.data.u64);
        return true;
    }

    void on_client(std::size_t index) {
        Listening& socket = sockets_[index];
        SocketAddress from;
        socklen_t size = sizeof from;
        Descriptor client(
            ::accept4(socket.socket.get(), &from.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!client) {
            // Without a descriptor left the client would wake us again and again.
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                watch(EPOLL_CTL_MOD, socket.socket, 0, index);
                paused_ = true;
            }
            return;
        }
        if (connections_.size() >= settings_.most_connections && !make_room()) {
            ++counts_.refused;
            return;
        }
        const std::uint64_t id = next_id_++;
        const Endpoint local = lab::wire::local_of(client), peer = lab::wire::from_wire(from);
        std::unique_ptr<lab::wire::TlsSession> tls;
        if (socket.transport == Transport::tls) tls = tls_->session(true);
        watch(EPOLL_CTL_ADD, client, EPOLLIN, id);
        connections_.emplace(id,
                             HepConnection(std::move(client), peer, local, std::move(tls), now_));
    }

    // The connection that has been silent for longest goes, if it has been for long.
    bool make_room() {
        const auto oldest = std::min_element(
            connections_.begin(), connections_.end(),
            [](const auto& a, const auto& b) { return a.second.last() < b.second.last(); });
        if (oldest == connections_.end() || now_ - oldest->second.last() < silence) return false;
        ++counts_.refused;
        close(oldest->first);
        return true;
    }

    void on_connection(std::uint64_t id) {
        const auto at = connections_.find(id);
        if (at == connections_.end()) return;
        HepConnection& connection = at->second;
        const bool waited = connection.wants_to_write();
        if (!connection.read(now_)) {
            if (connection.failed()) ++counts_.refused;
            return close(id);
        }
        if (connection.wants_to_write() != waited)
            watch(EPOLL_CTL_MOD, connection.socket(), EPOLLIN | (waited ? 0u : +EPOLLOUT), id);
        active_ = id;
    }

    // The next packet of the connection that was read from last.
    bool from_connection() {
        const auto at = connections_.find(active_);
        if (at == connections_.end()) {
            active_ = 0;
            return false;
        }
        HepConnection& connection = at->second;
        while (const auto packet = connection.packet())
            if (accept(*packet, connection.peer(), connection.local())) return true;
        if (connection.garbage()) {
            ++counts_.refused;
            close(active_);
        }
        active_ = 0;
        return false;
    }

    void close(std::uint64_t id) {
        connections_.erase(id);
        resume();
    }
    void resume() {
        if (!paused_) return;
        paused_ = false;
        for (std::size_t i = 0; i < sockets_.size(); ++i)
            watch(EPOLL_CTL_MOD, sockets_[i].socket, EPOLLIN, i);
    }

    // Once a second: who is slow is closed.
    void expire() {
        const Time now = settings_.clock();
        if (now < next_look_) return;
        next_look_ = now + std::chrono::seconds{1};
        for (auto it = connections_.begin(); it != connections_.end();) {
            const bool slow =
                it->second.is_slow(now, handshake, unfinished) && it->first != active_;
            counts_.refused += slow;
            it = slow ? connections_.erase(it) : std::next(it);
        }
        resume();
    }

    // Makes the frame around a packet.
    bool accept(Bytes packet, const Endpoint& from, const Endpoint& to) {
        const auto read = hep::looks_like_hep(packet) ? hep::parse(packet) : Error{};
        const bool welcome = read && (settings_.key.empty() || same_key(read->key, settings_.key));
        net::FrameShape shape;
        shape.ethernet = false;
        if (welcome && net::put_udp_frame(from, to, packet, shape, frame_)) return true;
        ++counts_.refused;
        return false;
    }
    bool give(pcap::Frame& frame) {
        ++counts_.read;
        frame = {};
        frame.time = now_;
        frame.bytes = frame_;
        frame.wire_size = static_cast<std::uint32_t>(frame_.size());
        frame.link = pcap::LinkType::raw;
        return true;
    }

    static std::uint64_t drops_of(const Descriptor& socket) {
        std::uint32_t memory[SK_MEMINFO_VARS] = {};
        socklen_t size = sizeof memory;
        if (::getsockopt(socket.get(), SOL_SOCKET, SO_MEMINFO, memory, &size) != 0) return 0;
        return memory[SK_MEMINFO_DROPS];
    }

    HepListenSettings settings_;
    pcap::Interface interface_;
    Descriptor epoll_;
    std::vector<Listening> sockets_;
    std::unique_ptr<lab::wire::Tls> tls_;
    std::unordered_map<std::uint64_t, HepConnection> connections_;
    std::uint64_t next_id_ = first_connection;
    std::uint64_t active_ = 0;  // the connection whose packets are given out; 0: none
    bool paused_ = false;       // no descriptors are left: nobody is accepted
    Datagrams datagrams_;
    std::array<epoll_event, 64> events_{};
    std::size_t events_ready_ = 0, event_ = 0;
    Time now_{}, next_look_{};
    Buffer frame_;
    SourceCounts counts_;
};

HepListener::HepListener(std::unique_ptr<State> state) : state_(std::move(state)) {}
HepListener::~HepListener() = default;

Result<std::unique_ptr<HepListener>> HepListener::open(HepListenSettings settings) {
    auto state = std::make_unique<State>(std::move(settings));
    if (auto done = state->open(); !done) return done.error();
    return std::unique_ptr<HepListener>(new HepListener(std::move(state)));
}

int HepListener::descriptor() const { return state_->descriptor(); }
bool HepListener::next(pcap::Frame& frame) { return state_->next(frame); }
const pcap::Interface& HepListener::interface() const { return state_->interface(); }
SourceCounts HepListener::counts() { return state_->counts(); }
std::vector<Endpoint> HepListener::listening() const { return state_->listening(); }
std::size_t HepListener::connections() const { return state_->connections(); }

}  // namespace sipana::live
