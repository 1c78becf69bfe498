#include "libsipana/sip/host_port.h"

#include "libsipana/base/endpoint.h"
#include "libsipana/base/text.h"

namespace sipana::sip {
namespace {

// An IPv6 address without its brackets: the port, if there is one, is what is one group too many.
HostPort bare_ipv6(std::string_view text) {
    HostPort out;
    out.host = text;
    out.bad_port = true;
    const std::size_t last = text.rfind(':');
    if (Address::parse(text) || !Address::parse(text.substr(0, last))) return out;
    out.host = text.substr(0, last);
    out.port = to_number<std::uint16_t>(text.substr(last + 1));
    return out;
}

}  // namespace

HostPort parse_host_port(std::string_view text) {
    HostPort out;
    text = trim(text);
    std::string_view port;
    bool colon = false;
    if (!text.empty() && text.front() == '[') {
        const std::size_t close = text.find(']');
        out.is_ipv6 = close != text.npos;
        out.host = text.substr(1, out.is_ipv6 ? close - 1 : text.npos);
        port = out.is_ipv6 ? trim(text.substr(close + 1)) : std::string_view{};
        out.bad_port = !out.is_ipv6;
        if (port.empty()) return out;
        colon = port.front() == ':';
        if (colon) port.remove_prefix(1);
    } else {
        const std::size_t at = text.find(':');
        if (at == text.npos) {
            out.host = text;
            return out;
        }
        if (text.find(':', at + 1) != text.npos) return bare_ipv6(text);
        colon = true;
        out.host = trim(text.substr(0, at));
        port = text.substr(at + 1);
    }
    if (colon) out.port = to_number<std::uint16_t>(trim(port));
    out.bad_port = !out.port;
    return out;
}

}  // namespace sipana::sip
