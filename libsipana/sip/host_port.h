// HostPort: "host:port" as it stands in URIs and Via (RFC 3261 25.1, hostport), IPv6 in brackets.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sipana::sip {

struct HostPort {
    std::string_view host;  // without the brackets of an IPv6 reference
    std::optional<std::uint16_t> port;
    bool is_ipv6 = false;  // it was in brackets
    bool bad_port =
        false;  // what stands behind the colon is no port, or something follows the host
};

// White space around host, colon and port is passed over. An IPv6 address without brackets, which
// no grammar allows, is taken whole as the host.
HostPort parse_host_port(std::string_view text);

}  // namespace sipana::sip
