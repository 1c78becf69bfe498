// Endpoint: an IPv4 or IPv6 address and a port, and the transport that SIP names beside it.
//
// IPv4 is kept as an IPv4-mapped IPv6 address (RFC 4291 2.5.5.2), so one size and one hash serve
// both families. Text is RFC 5952: "192.0.2.1:5060", "[2001:db8::1]:5060".
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace sipana {

class Address {
public:
    constexpr Address() = default;  // unspecified: neither family
    static Address v4(const std::uint8_t* four_bytes) {
        std::uint32_t word;
        std::memcpy(&word, four_bytes, 4);
        Address a;
        a.low_ = mapped_prefix | static_cast<std::uint64_t>(word) << 32;
        return a;
    }
    static Address v6(const std::uint8_t* sixteen_bytes) {
        Address a;
        std::memcpy(&a.high_, sixteen_bytes, 8);
        std::memcpy(&a.low_, sixteen_bytes + 8, 8);
        return a;
    }
    static Address v4(std::uint32_t host_order);
    // "192.0.2.1", "2001:db8::1", also in brackets. Names are not resolved.
    static std::optional<Address> parse(std::string_view text);

    bool is_v4() const { return high_ == 0 && (low_ & 0xffffffffu) == mapped_prefix; }
    bool is_v6() const { return !is_v4() && !empty(); }
    bool empty() const { return high_ == 0 && low_ == 0; }
    bool is_unspecified() const;  // 0.0.0.0 or ::
    bool is_multicast() const;
    bool is_loopback() const;
    std::array<std::uint8_t, 16> bytes() const;  // in network order, IPv4 mapped
    std::string to_string() const;

    bool operator==(const Address&) const = default;
    std::strong_ordering operator<=>(const Address& other) const;
    std::uint64_t high() const { return high_; }
    std::uint64_t low() const { return low_; }

private:
    // The sixteen bytes as they lie in memory, in two words.
    static constexpr std::uint64_t mapped_prefix = 0xffff0000u;  // bytes 8..11 = 00 00 ff ff
    std::uint64_t high_ = 0, low_ = 0;
};

struct Endpoint {
    Address address;
    std::uint16_t port = 0;

    bool operator==(const Endpoint&) const = default;
    std::strong_ordering operator<=>(const Endpoint&) const = default;
    bool empty() const { return address.empty() && port == 0; }
    std::string to_string() const;
    // "192.0.2.1:5060", "[2001:db8::1]:5060"; the port is required.
    static std::optional<Endpoint> parse(std::string_view text);
};

enum class Transport : std::uint8_t { udp, tcp, tls, sctp, ws, wss };
std::string_view to_string(Transport transport);  // "UDP", "TCP", "TLS", "SCTP", "WS", "WSS"

// 64-bit mixing for hash tables keyed by addresses and identifiers. Not for strangers' keys alone:
// seed it where an attacker could choose collisions (base/random).
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide p = static_cast<Wide>(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xe7037ed1a0b428dbu);
    return static_cast<std::uint64_t>(p) ^ static_cast<std::uint64_t>(p >> 64);
}
inline std::uint64_t hash(const Address& a) { return mix(a.high(), a.low()); }
inline std::uint64_t hash(const Endpoint& e) { return mix(hash(e.address), e.port); }

struct EndpointHash {
    std::size_t operator()(const Endpoint& e) const { return hash(e); }
};

}  // namespace sipana
