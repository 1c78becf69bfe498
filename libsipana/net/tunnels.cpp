#include "libsipana/net/tunnels.h"

#include <algorithm>
#include <array>

namespace sipana::net {

namespace {

const Fault fault_tunnel_cut{Fate::cut_short, "tunnel-header",
                             "the frame ends within the header of a tunnel", ""};
const Fault fault_gre_version{Fate::bad_header, "gre-version",
                              "the GRE header has a version other than 0 and 1", "RFC 2784 2.3.1"};
const Fault fault_gre_routing{Fate::bad_header, "gre-routing",
                              "the source route of the GRE header does not end", "RFC 1701"};
const Fault fault_nsh{Fate::bad_header, "nsh-header",
                      "the network service header has another version or a length too small",
                      "RFC 8300 2.2"};

Layer stop(const Fault& fault, Bytes at) { return {ethertype::other, at, &fault}; }

bool plausible_ipv4(Bytes b, bool cut) {
    if (b.size() < 20 || b[0] >> 4 != 4) return false;
    const std::size_t header = (b[0] & 15u) * 4u, total = load_be16(b.data() + 2);
    if (header < 20 || header > b.size()) return false;
    return total == 0 || (total >= header && (cut || total <= b.size()));
}

bool plausible_ipv6(Bytes b, bool cut) {
    if (b.size() < 40 || b[0] >> 4 != 6) return false;
    return cut || load_be16(b.data() + 4) + std::size_t{40} <= b.size();
}

// An Ethernet frame or tag looked through, down to what is neither.
Layer behind_tags(std::uint16_t protocol, Bytes bytes) {
    while (protocol == ethertype::ethernet || protocol == ethertype::vlan ||
           protocol == ethertype::service_vlan) {
        const std::size_t type_at = protocol == ethertype::ethernet ? 12 : 2;
        if (bytes.size() < type_at + 2) return stop(fault_tunnel_cut, bytes);
        protocol = load_be16(bytes.data() + type_at);
        bytes = bytes.subspan(type_at + 2);
    }
    return {protocol, bytes};
}

bool is_ip_frame(Bytes bytes) {
    const Layer layer = behind_tags(ethertype::ethernet, bytes);
    return (layer.protocol == ethertype::ipv4 && plausible_ipv4(layer.bytes, true)) ||
           (layer.protocol == ethertype::ipv6 && plausible_ipv6(layer.bytes, true));
}

// GRE source route entries (RFC 1701): family, offset, length; ended by an empty one.
bool skip_source_route(ByteReader& in) {
    while (in.ok()) {
        const std::uint16_t family = in.u16();
        in.u8();
        const std::uint8_t length = in.u8();
        if (family == 0 && length == 0) return in.ok();
        in.skip(length);
    }
    return false;
}

// Version 1 (RFC 2637 4.1): PPP behind a key whose first half is the payload's length.
Layer pptp(Bytes bytes, std::uint16_t flags) {
    constexpr std::uint16_t sequence = 0x1000, acknowledgment = 0x0080;
    ByteReader in(bytes);
    in.skip(4);
    const std::size_t length = in.u16();
    in.skip(2);
    if (flags & sequence) in.skip(4);
    if (flags & acknowledgment) in.skip(4);
    if (!in.ok()) return stop(fault_tunnel_cut, bytes);
    if (!(flags & sequence) || length == 0) return stop(fault_not_ip, bytes);  // acknowledges only
    const Bytes rest = in.rest();
    return {ethertype::ppp, rest.first(std::min(length, rest.size()))};
}

std::optional<Layer> vxlan(Bytes b, bool cut) {
    // I must be set; the group policy extension sets G, and its group where zeros would be.
    constexpr std::uint8_t i = 0x08, g = 0x80;
    if (b.size() < 8 || (b[0] != i && b[0] != (i | g))) return std::nullopt;
    if (b[0] == i && load_be24(b.data() + 1) != 0) return std::nullopt;
    if (b[7] != 0) return std::nullopt;
    const Bytes inner = b.subspan(8);
    if (!plausible(ethertype::ethernet, inner, cut)) return std::nullopt;
    return Layer{ethertype::ethernet, inner};
}

std::optional<Layer> geneve(Bytes b, bool cut) {
    if (b.size() < 8 || b[0] >> 6 != 0 || (b[1] & 0x3f) != 0 || b[7] != 0) return std::nullopt;
    const std::size_t header = 8 + (b[0] & 0x3fu) * 4u;
    const std::uint16_t protocol = load_be16(b.data() + 2);
    if (header > b.size()) return std::nullopt;
    const Bytes inner = b.subspan(header);
    if (!plausible(protocol, inner, cut)) return std::nullopt;
    return Layer{protocol, inner};
}

// Generic protocol extension (draft-ietf-nvo3-vxlan-gpe 3.1): version 0, P and I, and in the fourth
// byte what follows.
std::optional<Layer> vxlan_gpe(Bytes b, bool cut) {
    constexpr std::uint8_t version_i_p = 0x3c, i_p = 0x0c;
    if (b.size() < 8 || (b[0] & version_i_p) != i_p || b[7] != 0) return std::nullopt;
    constexpr std::array<std::uint16_t, 6> next{ethertype::other, ethertype::ipv4,
                                                ethertype::ipv6,  ethertype::ethernet,
                                                ethertype::nsh,   ethertype::mpls};
    if (b[3] == 0 || b[3] >= next.size()) return std::nullopt;
    const Layer inner{next[b[3]], b.subspan(8)};
    if (!plausible(inner.protocol, inner.bytes, cut)) return std::nullopt;
    return inner;
}

// RFC 7510 3: a label stack as it is.
std::optional<Layer> mpls_in_udp(Bytes b) {
    const Layer inner = mpls_layer(b);
    if (inner.fault) return std::nullopt;
    return inner;
}

// GTP-U (3GPP TS 29.281 5.1): version 1, protocol type 1, message type 255; sequence number, N-PDU
// number and extension headers (5.2) where any of E, S and PN is set.
std::optional<Layer> gtp_u(Bytes b, bool cut) {
    constexpr std::uint8_t g_pdu = 255;
    if (b.size() < 8 || (b[0] & 0xf0) != 0x30 || b[1] != g_pdu) return std::nullopt;
    const std::size_t length = load_be16(b.data() + 2);
    if (length > b.size() - 8 && !cut) return std::nullopt;
    Bytes rest = b.subspan(8, std::min(length, b.size() - 8));
    if (b[0] & 0x07) {
        if (rest.size() < 4) return std::nullopt;
        std::uint8_t next = (b[0] & 0x04) ? rest[3] : std::uint8_t{0};
        rest = rest.subspan(4);
        while (next != 0) {  // each takes four bytes or more: this ends
            if (rest.empty() || rest[0] == 0 || rest[0] * 4u > rest.size()) return std::nullopt;
            const std::size_t extension = rest[0] * 4u;
            next = rest[extension - 1];
            rest = rest.subspan(extension);
        }
    }
    if (!plausible(ethertype::ip, rest, cut)) return std::nullopt;
    return Layer{ethertype::ip, rest};
}

}  // namespace

bool plausible(std::uint16_t protocol, Bytes bytes, bool cut) {
    const Layer layer = behind_tags(protocol, bytes);
    if (layer.fault) return false;
    switch (layer.protocol) {
        case ethertype::ip:
            return plausible_ipv4(layer.bytes, cut) || plausible_ipv6(layer.bytes, cut);
        case ethertype::ipv4:
            return plausible_ipv4(layer.bytes, cut);
        case ethertype::ipv6:
            return plausible_ipv6(layer.bytes, cut);
        default:
            break;
    }
    // A length, and LLC behind it (IEEE 802.3 3.2.6); or an EtherType.
    constexpr std::uint16_t min_length = 3, max_length = 1500, min_type = 0x0600;
    if (layer.protocol > max_length) return layer.protocol >= min_type;
    return layer.protocol >= min_length && (cut || layer.protocol <= layer.bytes.size());
}

Layer mpls_layer(Bytes bytes) {
    constexpr std::uint32_t bottom_of_stack = 0x100;
    std::size_t at = 0;
    do {
        if (bytes.size() < at + 4) return stop(fault_tunnel_cut, bytes);
        at += 4;
    } while (!(load_be32(bytes.data() + at - 4) & bottom_of_stack));
    const Bytes inner = bytes.subspan(at);
    if (inner.empty()) return stop(fault_tunnel_cut, bytes);
    // The label stack does not say what it carries (RFC 4385 1): the first four bits must do.
    const unsigned nibble = inner[0] >> 4;
    if (nibble == 4 && plausible_ipv4(inner, true)) return {ethertype::ipv4, inner};
    if (nibble == 6 && plausible_ipv6(inner, true)) return {ethertype::ipv6, inner};
    if (nibble == 1) return stop(fault_not_ip, bytes);  // associated channel (RFC 4385 5)
    // Zero: a control word (RFC 4448 4.6), or a hardware address that begins so.
    const bool may_be_word = nibble == 0 && inner.size() >= 4;
    if (may_be_word && is_ip_frame(inner.subspan(4)))
        return {ethertype::ethernet, inner.subspan(4)};
    if (is_ip_frame(inner)) return {ethertype::ethernet, inner};
    return stop(fault_not_ip, bytes);
}

Layer gre_layer(Bytes bytes) {
    constexpr std::uint16_t checksum = 0x8000, routing = 0x4000, key = 0x2000, sequence = 0x1000;
    ByteReader in(bytes);
    const std::uint16_t flags = in.u16(), protocol = in.u16();
    if (!in.ok()) return stop(fault_tunnel_cut, bytes);
    const unsigned version = flags & 7u;
    if (version == 1) return pptp(bytes, flags);
    if (version != 0) return stop(fault_gre_version, bytes);
    if (flags & (checksum | routing)) in.skip(4);
    if (flags & key) in.skip(4);
    if (flags & sequence) in.skip(4);
    if (!in.ok()) return stop(fault_tunnel_cut, bytes);
    if ((flags & routing) && !skip_source_route(in)) return stop(fault_gre_routing, bytes);
    if (protocol == ethertype::erspan) return erspan_layer(in.rest(), (flags & sequence) != 0);
    return {protocol, in.rest()};
}

Layer erspan_layer(Bytes bytes, bool sequenced) {
    if (!sequenced) return {ethertype::ethernet, bytes};
    if (bytes.size() < 8) return stop(fault_tunnel_cut, bytes);
    return {ethertype::ethernet, bytes.subspan(8)};
}

Layer erspan_3_layer(Bytes bytes) {
    if (bytes.size() < 12) return stop(fault_tunnel_cut, bytes);
    // O: a platform-specific sub-header of eight bytes follows. P and FT: what the frame is.
    const bool sub_header = (bytes[11] & 1) != 0;
    const unsigned frame_type = bytes[10] >> 2 & 31u;
    const std::size_t header = sub_header ? 20 : 12;
    if (bytes.size() < header) return stop(fault_tunnel_cut, bytes);
    constexpr unsigned ethernet = 0, ip = 2;
    if (frame_type == ethernet) return {ethertype::ethernet, bytes.subspan(header)};
    if (frame_type == ip) return {ethertype::ip, bytes.subspan(header)};
    return stop(fault_not_ip, bytes);
}

Layer nsh_layer(Bytes bytes) {
    if (bytes.size() < 8) return stop(fault_tunnel_cut, bytes);
    const std::size_t header = (bytes[1] & 0x3fu) * 4u;
    if (bytes[0] >> 6 != 0 || header < 8) return stop(fault_nsh, bytes);
    if (header > bytes.size()) return stop(fault_tunnel_cut, bytes);
    const Bytes inner = bytes.subspan(header);
    switch (bytes[3]) {
        case 1:
            return {ethertype::ipv4, inner};
        case 2:
            return {ethertype::ipv6, inner};
        case 3:
            return {ethertype::ethernet, inner};
        case 5:
            return {ethertype::mpls, inner};
        default:
            return stop(fault_not_ip, bytes);
    }
}

std::optional<Layer> udp_tunnel(std::uint16_t dst_port, Bytes payload, bool cut) {
    switch (dst_port) {
        case tunnel_port::vxlan:
        case tunnel_port::vxlan_linux:
            return vxlan(payload, cut);
        case tunnel_port::vxlan_gpe:
            return vxlan_gpe(payload, cut);
        case tunnel_port::mpls:
            return mpls_in_udp(payload);
        case tunnel_port::geneve:
            return geneve(payload, cut);
        case tunnel_port::gtp_u:
            return gtp_u(payload, cut);
        default:
            return std::nullopt;
    }
}

}  // namespace sipana::net
