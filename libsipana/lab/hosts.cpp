#include "libsipana/lab/hosts.h"

#include "libsipana/base/text.h"

namespace sipana::lab {
namespace {

Transport transport_of(const sip::Uri& uri, const Hosts::Listens& ours) {
    const auto named = uri.param("transport");
    for (const auto& [transport, at] : ours)
        if (named && iequals(*named, uri_transport(transport))) return transport;
    if (uri.scheme == sip::Scheme::sips) return Transport::tls;
    return named && iequals(*named, "tcp") ? Transport::tcp : Transport::udp;
}

}  // namespace

std::string_view uri_transport(Transport transport) {
    switch (transport) {
        case Transport::udp:
            return "udp";
        case Transport::tcp:
            return "tcp";
        case Transport::tls:
            return "tls";
        case Transport::sctp:
            return "sctp";
        case Transport::ws:
            return "ws";
        case Transport::wss:
            return "wss";
    }
    return "udp";
}

std::uint16_t default_port(Transport transport) {
    return transport == Transport::tls || transport == Transport::wss ? 5061 : 5060;
}

const Endpoint* local_for(const Hosts::Listens& ours, Transport transport, const Address& remote) {
    for (const auto& [listens, at] : ours)
        if (listens == transport && at.address.is_v4() == remote.is_v4()) return &at;
    return nullptr;
}

void Hosts::add(std::string_view name, const Endpoint& at) { names_[lowered(name)] = at; }

std::optional<Endpoint> Hosts::find(std::string_view host, std::uint16_t port,
                                    Transport transport) const {
    Endpoint found;
    if (const auto address = Address::parse(host)) {
        found.address = *address;
    } else {
        const auto named = names_.find(lowered(host));
        if (named == names_.end()) return std::nullopt;
        found = named->second;
    }
    if (port != 0) found.port = port;
    if (found.port == 0) found.port = default_port(transport);
    return found;
}

std::optional<sip::Hop> Hosts::hop_to(const sip::Uri& uri, const Listens& ours) const {
    if (uri.host.empty() || uri.bad_port) return std::nullopt;
    const Transport transport = transport_of(uri, ours);
    const auto maddr = uri.param("maddr");
    const auto remote =
        find(maddr && !maddr->empty() ? *maddr : uri.host, uri.port.value_or(0), transport);
    if (!remote) return std::nullopt;
    const Endpoint* local = local_for(ours, transport, remote->address);
    if (local == nullptr) return std::nullopt;
    return sip::Hop{*local, *remote, transport};
}

}  // namespace sipana::lab
