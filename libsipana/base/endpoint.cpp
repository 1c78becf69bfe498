#include "libsipana/base/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

namespace sipana {
namespace {

// inet_ntop goes through printf, and every SIP message that is written names an address or two.
char* write_v4(const std::uint8_t* four, char* out) {
    for (int i = 0; i < 4; ++i) {
        if (i > 0) *out++ = '.';
        out = std::to_chars(out, out + 3, four[i]).ptr;
    }
    return out;
}

}  // namespace

Address Address::v4(std::uint32_t host_order) {
    const std::uint8_t b[4] = {
        static_cast<std::uint8_t>(host_order >> 24), static_cast<std::uint8_t>(host_order >> 16),
        static_cast<std::uint8_t>(host_order >> 8), static_cast<std::uint8_t>(host_order)};
    return v4(b);
}

std::optional<Address> Address::parse(std::string_view text) {
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']')
        text = text.substr(1, text.size() - 2);
    char z[INET6_ADDRSTRLEN + 1];
    if (text.empty() || text.size() >= sizeof z || text.find('\0') != text.npos)
        return std::nullopt;
    std::memcpy(z, text.data(), text.size());
    z[text.size()] = 0;
    std::uint8_t b[16];
    if (inet_pton(AF_INET, z, b) == 1) return v4(b);
    if (inet_pton(AF_INET6, z, b) == 1) return v6(b);
    return std::nullopt;
}

std::array<std::uint8_t, 16> Address::bytes() const {
    std::array<std::uint8_t, 16> b;
    std::memcpy(b.data(), &high_, 8);
    std::memcpy(b.data() + 8, &low_, 8);
    return b;
}

std::strong_ordering Address::operator<=>(const Address& other) const {
    const auto a = bytes(), b = other.bytes();
    return std::memcmp(a.data(), b.data(), 16) <=> 0;
}

bool Address::is_unspecified() const { return empty() || (is_v4() && low_ >> 32 == 0); }

bool Address::is_multicast() const {
    const auto b = bytes();
    return is_v4() ? (b[12] & 0xf0) == 0xe0 : b[0] == 0xff;
}

bool Address::is_loopback() const {
    const auto b = bytes();
    if (is_v4()) return b[12] == 127;
    return *this == *Address::parse("::1");
}

std::string Address::to_string() const {
    const auto b = bytes();
    if (is_v4()) {
        char z[16];
        return {z, static_cast<std::size_t>(write_v4(b.data() + 12, z) - z)};
    }
    char z[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, b.data(), z, sizeof z);
    return z;
}

std::string Endpoint::to_string() const {
    if (!address.is_v4()) return fmt::format("[{}]:{}", address.to_string(), port);
    const auto b = address.bytes();
    char z[22];
    char* end = write_v4(b.data() + 12, z);
    *end++ = ':';
    end = std::to_chars(end, z + sizeof z, port).ptr;
    return {z, static_cast<std::size_t>(end - z)};
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == text.npos) return std::nullopt;
    const auto host = text.substr(0, colon), digits = text.substr(colon + 1);
    // An IPv6 address must stand in brackets, or its last group would be taken for the port.
    if (host.find(':') != host.npos && (host.front() != '[' || host.back() != ']'))
        return std::nullopt;
    Endpoint e;
    const auto address = Address::parse(host);
    const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), e.port);
    if (!address || r.ec != std::errc{} || r.ptr != digits.data() + digits.size())
        return std::nullopt;
    e.address = *address;
    return e;
}

std::string_view to_string(Transport transport) {
    switch (transport) {
        case Transport::udp:
            return "UDP";
        case Transport::tcp:
            return "TCP";
        case Transport::tls:
            return "TLS";
        case Transport::sctp:
            return "SCTP";
        case Transport::ws:
            return "WS";
        case Transport::wss:
            return "WSS";
    }
    return "UDP";
}

}  // namespace sipana
