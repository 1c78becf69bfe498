// Tunnels: the headers that carry one network inside another.
//
// As in net/layers: each function opens one header and returns the EtherType of what follows. Those
// over UDP have no mark of their own but a port, which RTP may use as well: they answer only where
// the bytes also make sense as a tunnel, down to the inner IP header.
#pragma once

#include <optional>

#include "libsipana/net/layers.h"

namespace sipana::net {

Layer mpls_layer(Bytes bytes);                    // RFC 3032; pseudowires RFC 4448
Layer gre_layer(Bytes bytes);                     // RFC 2784, RFC 2890, RFC 2637 (version 1)
Layer erspan_layer(Bytes bytes, bool sequenced);  // types I (no GRE sequence number) and II
Layer erspan_3_layer(Bytes bytes);                // type III
Layer nsh_layer(Bytes bytes);                     // RFC 8300

namespace tunnel_port {
inline constexpr std::uint16_t gtp_u = 2152, vxlan = 4789, vxlan_gpe = 4790, geneve = 6081,
                               mpls = 6635, vxlan_linux = 8472;
}
inline bool may_be_tunnel(std::uint16_t dst_port) {
    // Most ports of media lie above all of them.
    if (dst_port < tunnel_port::gtp_u || dst_port > tunnel_port::vxlan_linux) return false;
    return dst_port == tunnel_port::gtp_u || dst_port == tunnel_port::vxlan ||
           dst_port == tunnel_port::vxlan_gpe || dst_port == tunnel_port::geneve ||
           dst_port == tunnel_port::mpls || dst_port == tunnel_port::vxlan_linux;
}
// The payload of a UDP datagram to one of those ports. `cut`: the snap length may have taken its
// end. RFC 7348 (VXLAN), draft-ietf-nvo3-vxlan-gpe, RFC 8926 (Geneve), RFC 7510 (MPLS), 3GPP TS
// 29.281 5 (GTP-U).
std::optional<Layer> udp_tunnel(std::uint16_t dst_port, Bytes payload, bool cut);

// Whether the bytes can be what `protocol` says: versions, lengths, known EtherTypes.
bool plausible(std::uint16_t protocol, Bytes bytes, bool cut);

}  // namespace sipana::net
