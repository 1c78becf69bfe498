#include "libsipana/sip/host_port.h"

#include "libsipana/base/text.h"

namespace sipana::sip {

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
        if (port.empty()) return out;
        colon = port.front() == ':';
        if (colon) port.remove_prefix(1);
    } else {
        const std::size_t at = text.find(':');
        if (at == text.npos || text.find(':', at + 1) != text.npos) {
            out.host = text;
            out.bad_port = at != text.npos;
            return out;
        }
        colon = true;
        out.host = trim(text.substr(0, at));
        port = text.substr(at + 1);
    }
    if (colon) out.port = to_number<std::uint16_t>(trim(port));
    out.bad_port = !out.port;
    return out;
}

}  // namespace sipana::sip
