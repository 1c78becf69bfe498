// Layers: what the link headers say about the bytes behind them, for every link type that we read.
//
// Each function opens one header: given its bytes, it returns the EtherType of what follows and
// where. EtherTypes are the one vocabulary: PPP and pseudo-headers are mapped to them. No state; no
// copies.
#pragma once

#include <cstdint>

#include "libsipana/base/bytes.h"
#include "libsipana/net/findings.h"

namespace sipana::net {

// IEEE 802 EtherTypes that we open.
namespace ethertype {
inline constexpr std::uint16_t ipv4 = 0x0800, ipv6 = 0x86dd, ethernet = 0x6558, ppp = 0x880b,
                               pppoe_session = 0x8864, mpls = 0x8847, mpls_upstream = 0x8848,
                               vlan = 0x8100, service_vlan = 0x88a8, old_vlan_1 = 0x9100,
                               old_vlan_2 = 0x9200, erspan = 0x88be, erspan_3 = 0x22eb,
                               nsh = 0x894f;
// Not in the registry, out of the way of what is: IP, the version being in the first four bits.
inline constexpr std::uint16_t ip = 0x0001;
// 802.2 LLC follows (Linux cooked captures write 0x0004 for it).
inline constexpr std::uint16_t llc = 0x0004;
// Known, and nothing that can hold SIP.
inline constexpr std::uint16_t other = 0x0000;
}  // namespace ethertype

// What is behind a header. With a fault there is nothing behind it.
struct Layer {
    std::uint16_t protocol = ethertype::other;
    Bytes bytes;
    const Fault* fault = nullptr;
};

extern const Fault fault_link_cut;      // a header runs past the end of the frame
extern const Fault fault_not_ip;        // no finding
extern const Fault fault_unknown_link;  // no finding

Layer link_layer(std::uint16_t link_type, Bytes frame);  // LINKTYPE_ value
Layer ethernet_layer(Bytes bytes);
Layer vlan_layer(Bytes bytes);   // behind the tag's EtherType: tag control, EtherType
Layer llc_layer(Bytes bytes);    // IEEE 802.2, SNAP (RFC 1042)
Layer ppp_layer(Bytes bytes);    // RFC 1661, RFC 1662: address and control may be there
Layer pppoe_layer(Bytes bytes);  // RFC 2516, session stage

}  // namespace sipana::net
