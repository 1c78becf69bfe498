#include "libsipana/sip/hop.h"

#include "libsipana/base/text.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/params.h"

namespace sipana::sip {

std::size_t usual_rport(std::string_view via) {
    constexpr std::string_view protocol = "SIP/2.0/", asks = ";rport";
    const std::size_t blank = via.find(' ');
    if (!via.starts_with(protocol) || blank == via.npos || blank == protocol.size())
        return via.npos;
    for (std::size_t i = protocol.size(); i < blank; ++i)
        if (!is_token_char(via[i])) return via.npos;
    for (std::size_t i = blank + 1; i < via.size(); ++i) {
        const char c = via[i];
        if (!is_token_char(c) && c != ';' && c != '=' && c != ':') return via.npos;
    }
    const std::size_t rport = via.find(asks), behind = rport + asks.size();
    if (rport == via.npos || via[blank + 1] == ';' || via.back() == ';') return via.npos;
    if (behind < via.size() && via[behind] != ';') return via.npos;
    for (std::size_t at = via.find(';'); at != via.npos; at = via.find(';', at + 1)) {
        const char c = to_lower(via[at + 1]);  // of a second rport, received, maddr, nothing at all
        if (at != rport && (c == 'r' || c == 'm' || c == ';' || c == '=')) return via.npos;
    }
    return behind;
}

Hop reply_hop(const Message& request, const Hop& from) {
    Hop out = from;
    if (is_reliable(from.transport)) return out;
    std::string_view field = request.header(Header::via).value_or("");
    if (usual_rport(field) != field.npos) return out;
    const auto via = parse_via(next_element(field).value_or(""));
    if (!via) return out;
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
