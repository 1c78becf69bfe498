#include "libsipana/pcap/summary.h"

#include <fmt/format.h>

namespace sipana::pcap {

std::string to_string(LinkType link) {
    switch (link) {
        case LinkType::null:
        case LinkType::loop:
            return "loopback";
        case LinkType::ethernet:
            return "Ethernet";
        case LinkType::raw_bsd:
        case LinkType::raw_openbsd:
        case LinkType::raw:
            return "raw IP";
        case LinkType::ipv4:
            return "raw IPv4";
        case LinkType::ipv6:
            return "raw IPv6";
        case LinkType::ppp:
        case LinkType::ppp_hdlc:
            return "PPP";
        case LinkType::linux_sll:
            return "Linux cooked";
        case LinkType::linux_sll2:
            return "Linux cooked v2";
    }
    return fmt::format("link type {}", static_cast<unsigned>(link));
}

void Annotations::add_name(const Address& address, std::string name) {
    if (names.size() >= max_names || !known_.emplace(address, name).second) return;
    names.emplace_back(address, std::move(name));
}

void Annotations::add_secret(Secret secret) {
    if (secret.bytes.size() > max_secret_bytes - secret_bytes_) return;
    secret_bytes_ += secret.bytes.size();
    secrets.push_back(std::move(secret));
}

}  // namespace sipana::pcap
