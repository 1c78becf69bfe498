// Hosts: where a URI leads in the lab (RFC 3263 4 without DNS: addresses, and names that the script
// declares).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/sip/hop.h"
#include "libsipana/sip/uri.h"

namespace sipana::lab {

// The URI parameter and the Via token of a transport: "tcp".
std::string_view uri_transport(Transport transport);
std::uint16_t default_port(Transport transport);  // 5061 for TLS and WSS, else 5060

class Hosts {
public:
    // Where an element listens, in order of preference.
    using Listens = std::vector<std::pair<Transport, Endpoint>>;

    void add(std::string_view name, const Endpoint& at);  // port 0: as the URI says
    std::optional<Endpoint> find(std::string_view host, std::uint16_t port,
                                 Transport transport) const;
    // From one of our ports to what `uri` names; nullopt: no such name, or none of ours fits.
    std::optional<sip::Hop> hop_to(const sip::Uri& uri, const Listens& ours) const;

private:
    std::map<std::string, Endpoint, std::less<>> names_;  // in lower case
};

// Ours for that transport and family; nullptr: none.
const Endpoint* local_for(const Hosts::Listens& ours, Transport transport, const Address& remote);

}  // namespace sipana::lab
