#include "libsipana/lab/stage_address.h"

#include <fmt/format.h>
#include <netdb.h>

#include "libsipana/base/text.h"

namespace sipana::lab {

std::optional<HostPort> split_host_port(std::string_view text) {
    HostPort out;
    if (Address::parse(text)) return HostPort{std::string(text), 0};
    if (const auto endpoint = Endpoint::parse(text))
        return HostPort{endpoint->address.to_string(), endpoint->port};
    const auto colon = text.rfind(':');
    out.host = text.substr(0, colon);
    if (colon != text.npos) {
        const auto port = to_number<std::uint16_t>(text.substr(colon + 1));
        if (!port) return std::nullopt;
        out.port = *port;
    }
    return out;
}

Result<Address> resolve(const std::string& host) {
    if (const auto address = Address::parse(host)) return *address;
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0)
        return Error{Errc::not_found, 0, fmt::format("{}: {}", host, gai_strerror(error))};
    Address out;
    for (const addrinfo* one = found; one != nullptr && out.empty(); one = one->ai_next) {
        if (one->ai_family == AF_INET) {
            const auto* in = reinterpret_cast<const sockaddr_in*>(one->ai_addr);
            out = Address::v4(reinterpret_cast<const std::uint8_t*>(&in->sin_addr));
        } else if (one->ai_family == AF_INET6) {
            const auto* in = reinterpret_cast<const sockaddr_in6*>(one->ai_addr);
            out = Address::v6(reinterpret_cast<const std::uint8_t*>(&in->sin6_addr));
        }
    }
    freeaddrinfo(found);
    if (out.empty()) return Error{Errc::not_found, 0, host + ": no address"};
    return out;
}

Error at_line(const Position& where, std::string what, Errc code) {
    return Error{code, 0, fmt::format("{}:{}: {}", where.line, where.column, what)};
}

std::string given_or(const std::map<std::string, std::string>& given, const std::string& name,
                     const std::string& otherwise) {
    const auto found = given.find(name);
    return found == given.end() ? otherwise : found->second;
}

}  // namespace sipana::lab
