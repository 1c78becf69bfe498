#include "libsipana/live/hep_address.h"

#include <fmt/format.h>

#include "libsipana/base/text.h"

namespace sipana::live {

namespace {

constexpr std::pair<std::string_view, Transport> transports[] = {
    {"udp", Transport::udp}, {"tcp", Transport::tcp}, {"tls", Transport::tls}};

}  // namespace

std::string HepAddress::to_string() const {
    const bool v6 = host.find(':') != host.npos;
    return fmt::format("{}:{}{}{}:{}", lowered(sipana::to_string(transport)), v6 ? "[" : "", host,
                       v6 ? "]" : "", port);
}

Result<HepAddress> parse_hep_address(std::string_view text) {
    const Error wrong{
        Errc::malformed, 0,
        fmt::format("'{}' is no HEP address: udp:HOST:PORT, tcp:HOST:PORT or tls:HOST:PORT",
                    printable(text))};
    HepAddress address;
    for (const auto& [name, transport] : transports) {
        if (text.size() <= name.size() || text[name.size()] != ':' ||
            !iequals(text.substr(0, name.size()), name))
            continue;
        address.transport = transport;
        text.remove_prefix(name.size() + 1);
        break;
    }
    std::string_view port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == text.npos) return wrong;
        address.host = text.substr(1, end - 1);
        const std::string_view after = text.substr(end + 1);
        if (!after.empty() && !after.starts_with(':')) return wrong;
        port = after.empty() ? after : after.substr(1);
        if (!after.empty() && port.empty()) return wrong;
        if (!Address::parse(address.host)) return wrong;
    } else {
        const auto colon = text.find(':');
        if (colon != text.npos && text.find(':', colon + 1) != text.npos)
            return wrong;  // IPv6 without brackets
        address.host = text.substr(0, colon);
        if (colon != text.npos) {
            port = text.substr(colon + 1);
            if (port.empty()) return wrong;
        }
    }
    if (address.host.empty()) return wrong;
    if (!port.empty()) {
        const auto number = to_number<std::uint16_t>(port);
        if (!number) return wrong;
        address.port = *number;
    }
    return address;
}

}  // namespace sipana::live
