#include "libsipana/net/layers.h"

#include <algorithm>
#include <array>

namespace sipana::net {

const Fault fault_link_cut{Fate::cut_short, "link-header",
                           "the frame ends within its link header or a tag behind it", ""};
const Fault fault_not_ip{Fate::not_ip, "", "", ""};
const Fault fault_unknown_link{Fate::unknown_link_type, "", "", ""};

namespace {

const Fault fault_pppoe_length{Fate::bad_header, "pppoe-header",
                               "the PPPoE header has another version, type or code", "RFC 2516 4"};

Layer stop(const Fault& fault, Bytes at) { return {ethertype::other, at, &fault}; }

// An EtherType field, or where it is too small for one, a length: then LLC follows (IEEE 802.3).
Layer type_or_length(std::uint16_t field, Bytes rest) {
    constexpr std::uint16_t max_length = 1500;
    if (field > max_length) return {field, rest};
    return {ethertype::llc, rest.first(std::min<std::size_t>(field, rest.size()))};
}

// BSD loopback: an address family in the byte order of the machine that captured (null) or of the
// network (loop); files of either order are about, and IPv6 has another number on each system.
Layer loopback(Bytes frame) {
    if (frame.size() < 4) return stop(fault_link_cut, frame);
    const std::uint32_t big = load_be32(frame.data());
    const std::uint32_t family = big > 0xffff ? __builtin_bswap32(big) : big;
    constexpr std::uint32_t inet = 2;
    // Windows, Linux, NetBSD and OpenBSD, illumos, FreeBSD, Darwin.
    constexpr std::array<std::uint32_t, 6> inet6{23, 10, 24, 26, 28, 30};
    if (family == inet) return {ethertype::ipv4, frame.subspan(4)};
    if (std::find(inet6.begin(), inet6.end(), family) != inet6.end())
        return {ethertype::ipv6, frame.subspan(4)};
    return stop(fault_not_ip, frame);
}

// LINKTYPE_LINUX_SLL: packet type, ARPHRD type, address length, address, protocol.
// LINKTYPE_LINUX_SLL2: protocol, reserved, interface, ARPHRD type, packet type, address.
Layer cooked(Bytes frame, std::size_t header, std::size_t protocol_at, std::size_t arphrd_at) {
    if (frame.size() < header) return stop(fault_link_cut, frame);
    const std::uint16_t protocol = load_be16(frame.data() + protocol_at);
    const std::uint16_t arphrd = load_be16(frame.data() + arphrd_at);
    // For these two the protocol field is no EtherType: netlink, and frames with a radiotap header.
    constexpr std::uint16_t arphrd_netlink = 824, arphrd_radiotap = 803;
    if (arphrd == arphrd_netlink || arphrd == arphrd_radiotap) return stop(fault_not_ip, frame);
    const Bytes rest = frame.subspan(header);
    if (protocol == ethertype::llc) return {ethertype::llc, rest};
    return protocol > 1500 ? Layer{protocol, rest} : stop(fault_not_ip, frame);
}

// LINKTYPE_PPP_HDLC, LINKTYPE_C_HDLC: PPP, or Cisco's address, control and EtherType.
Layer hdlc(Bytes frame) {
    if (frame.size() < 4) return stop(fault_link_cut, frame);
    constexpr std::uint8_t unicast = 0x0f, multicast = 0x8f;
    if (frame[0] != unicast && frame[0] != multicast) return ppp_layer(frame);
    return {load_be16(frame.data() + 2), frame.subspan(4)};
}

}  // namespace

Layer ethernet_layer(Bytes bytes) {
    if (bytes.size() < 14) return stop(fault_link_cut, bytes);
    return type_or_length(load_be16(bytes.data() + 12), bytes.subspan(14));
}

Layer vlan_layer(Bytes bytes) {
    if (bytes.size() < 4) return stop(fault_link_cut, bytes);
    return type_or_length(load_be16(bytes.data() + 2), bytes.subspan(4));
}

Layer llc_layer(Bytes bytes) {
    if (bytes.size() < 3) return stop(fault_link_cut, bytes);
    constexpr std::uint8_t snap = 0xaa, ip = 0x06, unnumbered = 0x03;
    if (bytes[2] != unnumbered) return stop(fault_not_ip, bytes);
    if (bytes[0] == ip && bytes[1] == ip) return {ethertype::ipv4, bytes.subspan(3)};
    if (bytes[0] != snap || bytes[1] != snap) return stop(fault_not_ip, bytes);
    if (bytes.size() < 8) return stop(fault_link_cut, bytes);
    // The organisation codes behind which an EtherType stands: RFC 1042, IEEE 802.1H.
    const std::uint32_t organisation = load_be24(bytes.data() + 3);
    if (organisation != 0 && organisation != 0x0000f8) return stop(fault_not_ip, bytes);
    return {load_be16(bytes.data() + 6), bytes.subspan(8)};
}

Layer ppp_layer(Bytes bytes) {
    const Bytes begin = bytes;
    if (bytes.size() >= 2 && bytes[0] == 0xff && bytes[1] == 0x03) bytes = bytes.subspan(2);
    if (bytes.empty()) return stop(fault_link_cut, begin);
    // Protocol-Field-Compression (RFC 1661 6.5): one byte where the number is odd and small.
    std::uint16_t protocol = bytes[0];
    if (protocol & 1) {
        bytes = bytes.subspan(1);
    } else {
        if (bytes.size() < 2) return stop(fault_link_cut, begin);
        protocol = load_be16(bytes.data());
        bytes = bytes.subspan(2);
    }
    switch (protocol) {
        case 0x0021:
            return {ethertype::ipv4, bytes};
        case 0x0057:
            return {ethertype::ipv6, bytes};
        case 0x0281:
            return {ethertype::mpls, bytes};
        case 0x0283:
            return {ethertype::mpls_upstream, bytes};
        default:
            return stop(fault_not_ip, begin);  // LCP, IPCP, compressed or encrypted
    }
}

Layer pppoe_layer(Bytes bytes) {
    if (bytes.size() < 6) return stop(fault_link_cut, bytes);
    constexpr std::uint8_t version_1_type_1 = 0x11, session = 0;
    if (bytes[0] != version_1_type_1 || bytes[1] != session) return stop(fault_pppoe_length, bytes);
    const std::size_t length = load_be16(bytes.data() + 4);
    const Bytes rest = bytes.subspan(6);
    return {ethertype::ppp, rest.first(std::min(length, rest.size()))};
}

Layer link_layer(std::uint16_t link_type, Bytes frame) {
    switch (link_type) {
        case 0:    // NULL
        case 108:  // LOOP
            return loopback(frame);
        case 1:
            return ethernet_layer(frame);
        case 9:
            return ppp_layer(frame);
        case 50:   // PPP_HDLC
        case 104:  // C_HDLC
            return hdlc(frame);
        case 51:
            return pppoe_layer(frame);
        case 12:   // DLT_RAW of BSD
        case 14:   // DLT_RAW of OpenBSD
        case 101:  // RAW
            return {ethertype::ip, frame};
        case 113:
            return cooked(frame, 16, 14, 2);
        case 204:  // PPP_WITH_DIR
            return frame.empty() ? stop(fault_link_cut, frame) : ppp_layer(frame.subspan(1));
        case 219:
            return {ethertype::mpls, frame};
        case 228:
            return {ethertype::ipv4, frame};
        case 229:
            return {ethertype::ipv6, frame};
        case 276:
            return cooked(frame, 20, 0, 8);
        default:
            return stop(fault_unknown_link, frame);
    }
}

}  // namespace sipana::net
