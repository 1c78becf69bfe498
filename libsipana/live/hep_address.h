// HEP addresses as users write them: "udp:127.0.0.1:9060", "tcp:[::1]:9060",
// "tls:collector.example:9061". Without a transport it is UDP, without a port 9060.
#pragma once

#include <string>
#include <string_view>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"

namespace sipana::live {

inline constexpr std::uint16_t usual_hep_port = 9060;

struct HepAddress {
    Transport transport = Transport::udp;  // or tcp, tls
    std::string host;                      // a name, or an address without brackets
    std::uint16_t port = usual_hep_port;
    std::string to_string() const;  // as above
};

Result<HepAddress> parse_hep_address(std::string_view text);

}  // namespace sipana::live
