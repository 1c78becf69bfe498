#include "libsipana/net/encoder.h"

#include <tins/dot1q.h>
#include <tins/ethernetII.h>
#include <tins/exceptions.h>
#include <tins/ip.h>
#include <tins/ipv6.h>
#include <tins/rawpdu.h>
#include <tins/tcp.h>
#include <tins/udp.h>

#include <algorithm>
#include <utility>

namespace sipana::net {

namespace {

// 02 (locally administered), then five bytes that tell the endpoints apart.
std::array<std::uint8_t, 6> made_mac(const Address& address) {
    const auto b = address.bytes();
    return {0x02, b[11], b[12], b[13], b[14], b[15]};
}

Tins::IPv4Address to_v4(const Address& address) { return Tins::IPv4Address(address.to_string()); }
Tins::IPv6Address to_v6(const Address& address) {
    return Tins::IPv6Address(address.bytes().data());
}

template <typename Ip>
Buffer framed(Ip ip, const Tins::PDU& content, const Endpoint& src, const Endpoint& dst,
              const FrameShape& shape) {
    ip.inner_pdu(content.clone());
    if (!shape.ethernet) return ip.serialize();
    const auto to = shape.dst_mac.value_or(made_mac(dst.address));
    const auto from = shape.src_mac.value_or(made_mac(src.address));
    Tins::EthernetII frame{Tins::HWAddress<6>(to.data()), Tins::HWAddress<6>(from.data())};
    if (shape.vlan) {
        // Padding to 60 bytes is left to the wire, as captures of sent frames show it.
        Tins::Dot1Q tag(*shape.vlan, false);
        tag.inner_pdu(ip.clone());
        frame.inner_pdu(tag.clone());
    } else {
        frame.inner_pdu(ip.clone());
    }
    return frame.serialize();
}

Result<Buffer> build(const Endpoint& src, const Endpoint& dst, const Tins::PDU& content,
                     const FrameShape& shape) {
    if (src.address.empty() || dst.address.empty() || src.address.is_v4() != dst.address.is_v4())
        return Error{Errc::malformed, 0, "the endpoints are not of one address family"};
    if (shape.dscp > 63 || shape.vlan.value_or(0) > 4095)
        return Error{Errc::malformed, 0, "DSCP or VLAN identifier out of range"};
    constexpr std::size_t max_datagram = 65535, ipv4_header = 20;
    const bool v4 = src.address.is_v4();
    if (content.size() + (v4 ? ipv4_header : 0) > max_datagram)
        return Error{Errc::too_large, 0, "the payload does not fit one IP datagram"};
    try {
        if (v4) {
            Tins::IP ip(to_v4(dst.address), to_v4(src.address));
            ip.ttl(shape.hops);
            ip.tos(static_cast<std::uint8_t>(shape.dscp << 2));
            ip.id(shape.id);
            return framed(std::move(ip), content, src, dst, shape);
        }
        Tins::IPv6 ip(to_v6(dst.address), to_v6(src.address));
        ip.hop_limit(shape.hops);
        ip.traffic_class(static_cast<std::uint8_t>(shape.dscp << 2));
        return framed(std::move(ip), content, src, dst, shape);
    } catch (const Tins::exception_base& e) {
        return Error{Errc::malformed, 0, e.what()};
    }
}

Tins::RawPDU raw(Bytes payload) {
    return Tins::RawPDU(Tins::RawPDU::payload_type(payload.begin(), payload.end()));
}

}  // namespace

Result<Buffer> udp_frame(const Endpoint& src, const Endpoint& dst, Bytes payload,
                         const FrameShape& shape) {
    Tins::UDP udp(dst.port, src.port);
    udp.inner_pdu(raw(payload));
    return build(src, dst, udp, shape);
}

Result<Buffer> tcp_frame(const Endpoint& src, const Endpoint& dst, const TcpFields& fields,
                         Bytes payload, const FrameShape& shape) {
    Tins::TCP tcp(dst.port, src.port);
    tcp.seq(fields.seq);
    tcp.ack_seq(fields.ack);
    tcp.flags(fields.flags);
    tcp.window(fields.window);
    if (!payload.empty()) tcp.inner_pdu(raw(payload));
    return build(src, dst, tcp, shape);
}

}  // namespace sipana::net
