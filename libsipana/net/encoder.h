// Encoder: whole frames around a payload, for captures that the lab writes and for tests.
//
// Built through libtins; lengths and checksums are right. The frame is Ethernet II, or bare IP with
// FrameShape::ethernet off (LINKTYPE_RAW). Both endpoints must be of one family.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "libsipana/base/bytes.h"
#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"

namespace sipana::net {

// What stands around a payload.
struct FrameShape {
    bool ethernet = true;
    std::optional<std::uint16_t> vlan;  // 802.1Q identifier, 0..4095
    // Hardware addresses; locally administered ones are made from the endpoints where none is
    // given.
    std::optional<std::array<std::uint8_t, 6>> src_mac, dst_mac;
    std::uint8_t dscp = 0;   // 0..63
    std::uint8_t hops = 64;  // time to live, hop limit
    std::uint16_t id = 0;    // IPv4 identification
};

// TCP flags as they lie in the header (RFC 9293 3.1).
inline constexpr std::uint8_t tcp_fin = 0x01, tcp_syn = 0x02, tcp_rst = 0x04, tcp_psh = 0x08,
                              tcp_ack = 0x10;

struct TcpFields {
    std::uint32_t seq = 0, ack = 0;
    std::uint8_t flags = tcp_ack;
    std::uint16_t window = 65535;
};

// Errc::too_large: the payload does not fit one IP datagram. Errc::malformed: the addresses are of
// different families or empty, or a field of the shape is out of range.
Result<Buffer> udp_frame(const Endpoint& src, const Endpoint& dst, Bytes payload,
                         const FrameShape& shape = {});
Result<Buffer> tcp_frame(const Endpoint& src, const Endpoint& dst, const TcpFields& tcp,
                         Bytes payload, const FrameShape& shape = {});

// The same bytes into `out`, whose room is used again: for who writes many. Without a tag alone
// (Errc::unsupported).
Status put_udp_frame(const Endpoint& src, const Endpoint& dst, Bytes payload,
                     const FrameShape& shape, Buffer& out);
Status put_tcp_frame(const Endpoint& src, const Endpoint& dst, const TcpFields& tcp, Bytes payload,
                     const FrameShape& shape, Buffer& out);

}  // namespace sipana::net
