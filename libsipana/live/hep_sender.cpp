#include "libsipana/live/hep_sender.h"

#include <fmt/format.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "libsipana/analysis/rtcp_json.h"
#include "libsipana/hep/packet.h"
#include "libsipana/live/hep_address.h"
#include "libsipana/live/hep_link.h"

namespace sipana::live {
namespace {

// RFC 768, less the headers: over IPv4.
constexpr std::size_t largest_datagram = 65'507;
constexpr std::size_t most_at_once = 32;  // packets that wait for the next turn

// Debian's and Red Hat's; loaded as a whole, since later no file can be opened.
constexpr const char* authorities[] = {"/etc/ssl/certs/ca-certificates.crt",
                                       "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

Time machine_time() {
    return std::chrono::duration_cast<Time>(std::chrono::system_clock::now().time_since_epoch());
}

Result<Endpoint> resolve(const HepAddress& address) {
    if (const auto literal = Address::parse(address.host)) return Endpoint{*literal, address.port};
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    if (const int error = ::getaddrinfo(address.host.c_str(), nullptr, &hints, &found); error != 0)
        return Error{Errc::not_found, 0,
                     fmt::format("{}: {}", address.to_string(), ::gai_strerror(error))};
    std::optional<Endpoint> first;
    for (const addrinfo* a = found; a != nullptr && !first; a = a->ai_next) {
        lab::wire::SocketAddress socket{};
        if (a->ai_addrlen > sizeof socket) continue;
        std::memcpy(&socket, a->ai_addr, a->ai_addrlen);
        const Endpoint endpoint = lab::wire::from_wire(socket);
        if (!endpoint.address.empty()) first = Endpoint{endpoint.address, address.port};
    }
    ::freeaddrinfo(found);
    if (!first)
        return Error{Errc::not_found, 0, fmt::format("{} has no address", address.to_string())};
    return *first;
}

Result<std::unique_ptr<lab::wire::Tls>> tls_of(const HepSendSettings& settings,
                                               const std::string& host) {
    lab::TlsSettings tls;
    tls.certificate_file = settings.certificate_file;
    tls.key_file = settings.key_file;
    tls.ca_file = settings.ca_file;
    tls.verify = settings.verify;
    tls.name = host;
    for (const char* file : authorities)
        if (tls.ca_file.empty() && ::access(file, R_OK) == 0) tls.ca_file = file;
    return lab::wire::Tls::make(tls, machine_time());
}

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "sipana";
}

}  // namespace

class HepSender::State {
public:
    State(HepSendSettings settings, Transport transport, const Endpoint& collector,
          std::unique_ptr<HepLink> link)
        : settings_(std::move(settings)),
          transport_(transport),
          collector_(collector),
          link_(std::move(link)) {}

    void send(const hep::Packet& packet) {
        Buffer bytes;
        bytes.reserve(packet.payload.size() + 256);
        if (!hep::write(packet, bytes) ||
            (transport_ == Transport::udp && bytes.size() > largest_datagram)) {
            ++counts_.too_large;
            return;
        }
        ++counts_.packets;
        const auto has_room = [&] {
            return queue_.bytes() + bytes.size() <= settings_.most_queued;
        };
        if (!has_room()) turn();
        if (!has_room()) {
            ++counts_.dropped;
            return;
        }
        queue_.push(std::move(bytes));
        if (queue_.size() % most_at_once == 0) turn();
    }
    hep::Packet packet(Endpoint src, Endpoint dst, Time time, Transport transport,
                       std::string_view call_id) const {
        hep::Packet p;
        p.src = src;
        p.dst = dst;
        p.time = time;
        p.protocol = hep::protocol_of(transport);
        p.agent = settings_.agent;
        p.node = settings_.node;
        p.key = settings_.key;
        p.correlation = call_id;
        return p;
    }
    void turn() { link_->send(queue_, settings_.clock()); }
    Counts counts() {
        const HepLink::Fates fates = link_->take_fates();
        counts_.sent += fates.sent;
        counts_.lost += fates.lost;
        counts_.dropped += fates.refused;
        counts_.waiting = queue_.size() + link_->under_way();
        counts_.connections = link_->connections();
        counts_.connected = link_->connected();
        counts_.trouble = link_->trouble();
        return counts_;
    }
    bool idle() const { return queue_.empty() && link_->under_way() == 0; }
    void repeated() { ++counts_.repeated; }
    const HepSendSettings& settings() const { return settings_; }
    const Endpoint& collector() const { return collector_; }
    Transport transport() const { return transport_; }

private:
    HepSendSettings settings_;
    Transport transport_;
    Endpoint collector_;
    std::unique_ptr<HepLink> link_;
    HepQueue queue_;
    Counts counts_;
};

HepSender::HepSender(std::unique_ptr<State> state) : state_(std::move(state)) {}
HepSender::~HepSender() = default;

Result<std::unique_ptr<HepSender>> HepSender::open(HepSendSettings settings) {
    const auto address = parse_hep_address(settings.to);
    if (!address) return address.error();
    const auto collector = resolve(*address);
    if (!collector) return collector.error();
    if (!settings.clock) settings.clock = machine_time;
    if (settings.node.empty()) settings.node = host_name();
    std::unique_ptr<HepLink> link;
    if (address->transport == Transport::udp) {
        auto made = make_udp_link(*collector);
        if (!made) return made.error();
        link = std::move(*made);
    } else {
        std::unique_ptr<lab::wire::Tls> tls;
        if (address->transport == Transport::tls) {
            auto made = tls_of(settings, address->host);
            if (!made) return made.error();
            tls = std::move(*made);
        }
        link = make_stream_link(*collector, std::move(tls));
    }
    return std::unique_ptr<HepSender>(new HepSender(std::make_unique<State>(
        std::move(settings), address->transport, *collector, std::move(link))));
}

void HepSender::on_message(const analysis::SipMessage& m, std::string_view call_id) {
    if (m.capture_duplicate) return state_->repeated();
    hep::Packet p = state_->packet(m.src, m.dst, m.time, m.transport, call_id);
    p.payload = as_bytes(m.text);
    state_->send(p);
}

void HepSender::on_rtcp(const net::Datagram& d, std::string_view call_id) {
    for (const std::string& text : analysis::to_rtcp_json(d.payload)) {
        hep::Packet p = state_->packet(d.src, d.dst, d.time, d.transport, call_id);
        p.type = hep::type_rtcp;
        p.payload = as_bytes(text);
        state_->send(p);
    }
}

void HepSender::on_tick(Time) { state_->turn(); }
void HepSender::turn() { state_->turn(); }

void HepSender::finish(Duration at_most) {
    constexpr Duration step = std::chrono::milliseconds{5};
    for (Duration waited{}; waited < at_most; waited += step) {
        state_->turn();
        if (state_->idle()) return;
        const timespec pause{0, step.count()};
        ::nanosleep(&pause, nullptr);
    }
}

HepSender::Counts HepSender::counts() const { return state_->counts(); }
analysis::HepAgent HepSender::agent() const {
    return {state_->settings().agent, state_->settings().node};
}
Endpoint HepSender::address() const { return state_->collector(); }
Transport HepSender::transport() const { return state_->transport(); }

}  // namespace sipana::live
