#include "libsipana/sip/hop.h"

#include "libsipana/sip/fields.h"
#include "libsipana/sip/params.h"

namespace sipana::sip {

Hop reply_hop(const Message& request, const Hop& from) {
    Hop out = from;
    std::string_view field = request.header(Header::via).value_or("");
    const auto via = parse_via(next_element(field).value_or(""));
    if (is_reliable(from.transport) || !via) return out;
    constexpr std::uint16_t default_port = 5060;
    const std::uint16_t port = via->port.value_or(default_port);
    if (const auto maddr = Address::parse(via->maddr())) {
        out.remote = {*maddr, port};
    } else if (!via->rport() && port != 0) {
        out.remote.port = port;
    }
    return out;
}

}  // namespace sipana::sip
