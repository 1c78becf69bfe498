#include "libsipana/live/flow.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "libsipana/base/text.h"
#include "libsipana/net/keys.h"
#include "libsipana/net/tunnels.h"

namespace sipana::live {
namespace {

constexpr unsigned max_layers = 24, max_extensions = 8;

namespace protocol {  // IANA assigned internet protocol numbers
constexpr std::uint8_t hop_by_hop = 0, ipv4 = 4, tcp = 6, udp = 17, ipv6 = 41, routing = 43,
                       fragment = 44, gre = 47, destination = 60, sctp = 132, mpls = 137;
}

// A first line as RFC 3261 7.1 and 7.2 have it, an HTTP upgrade (RFC 6455 4.1), or the head of an
// unfragmented or first frame of text or binary (RFC 6455 5.2).
bool begins_message(Bytes payload) {
    constexpr std::size_t longest_line = 512;
    std::string_view text = as_text(payload.first(std::min(payload.size(), longest_line)));
    if (text.empty()) return false;
    const auto first = static_cast<std::uint8_t>(text.front());
    if (first == 0x81 || first == 0x82 || first == 0x01 || first == 0x02) return true;
    while (!text.empty() && (text.front() == '\r' || text.front() == '\n')) text.remove_prefix(1);
    if (text.empty() || !is_alpha(text.front())) return false;
    const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
    return line.starts_with("SIP/2.0 ") || line.ends_with(" SIP/2.0") ||
           line.ends_with(" HTTP/1.1") || line.starts_with("HTTP/1.1 ");
}

std::uint64_t key_of(std::uint64_t seed, const Address& src, const Address& dst, Flow::Kind kind,
                     std::uint32_t ports_or_id, std::uint8_t next) {
    const std::uint64_t rest =
        std::uint64_t{ports_or_id} << 16 | static_cast<std::uint64_t>(kind) << 8 | next;
    return net::seeded_hash(seed, src, dst, rest) | 1;
}

// What nearly all media frames are: Ethernet, IPv4 without options or fragments, UDP and no tunnel.
// Anything else is walked through, with the same result.
bool common(const pcap::Frame& frame, std::uint64_t seed, Flow& flow) {
    constexpr std::size_t ethernet = 14, ip = 20, udp = 8;
    if (frame.link != pcap::LinkType::ethernet || frame.bytes.size() <= ethernet + ip + udp)
        return false;
    const std::uint8_t* const at = frame.bytes.data() + ethernet;
    constexpr unsigned more_and_offset = 0x3fff;
    if (load_be16(at - 2) != net::ethertype::ipv4 || at[0] != 0x45 || at[9] != protocol::udp ||
        (load_be16(at + 6) & more_and_offset) != 0)
        return false;
    const std::size_t total = load_be16(at + 2);
    if (total <= ip + udp || total > frame.bytes.size() - ethernet ||
        net::may_be_tunnel(load_be16(at + ip + 2)))
        return false;
    flow.kind = Flow::Kind::udp;
    flow.key = key_of(seed, Address::v4(at + 12), Address::v4(at + 16), flow.kind,
                      load_be32(at + ip), protocol::udp);
    flow.media = at[ip + udp] >> 6 == 2;
    return true;
}

class Walk {
public:
    explicit Walk(std::uint64_t seed) : seed_(seed) {}

    Flow open(net::Layer layer) {
        namespace ethertype = net::ethertype;
        std::optional<net::Layer> next = layer;
        Flow flow;
        while (next && !next->fault && layers_++ < max_layers) {
            const Bytes bytes = next->bytes;
            switch (next->protocol) {
                case ethertype::ip:
                case ethertype::ipv4:
                case ethertype::ipv6:
                    next = network(bytes, flow);
                    break;
                case ethertype::vlan:
                case ethertype::service_vlan:
                case ethertype::old_vlan_1:
                case ethertype::old_vlan_2:
                    next = net::vlan_layer(bytes);
                    break;
                case ethertype::ethernet:
                    next = net::ethernet_layer(bytes);
                    break;
                case ethertype::llc:
                    next = net::llc_layer(bytes);
                    break;
                case ethertype::ppp:
                    next = net::ppp_layer(bytes);
                    break;
                case ethertype::pppoe_session:
                    next = net::pppoe_layer(bytes);
                    break;
                case ethertype::mpls:
                case ethertype::mpls_upstream:
                    next = net::mpls_layer(bytes);
                    break;
                case ethertype::erspan_3:
                    next = net::erspan_3_layer(bytes);
                    break;
                case ethertype::nsh:
                    next = net::nsh_layer(bytes);
                    break;
                default:
                    next.reset();
            }
        }
        return flow;
    }

private:
    using Next = std::optional<net::Layer>;

    // Fills `flow`, or says what is within.
    Next network(Bytes ip, Flow& flow) {
        if (ip.size() >= 20 && ip[0] >> 4 == 4) return network_4(ip, flow);
        if (ip.size() >= 40 && ip[0] >> 4 == 6) return network_6(ip, flow);
        return {};
    }

    Next network_4(Bytes ip, Flow& flow) {
        const std::size_t header = (ip[0] & 15u) * 4u;
        std::size_t total = load_be16(ip.data() + 2);
        if (total == 0 || total > ip.size()) total = ip.size();
        if (header < 20 || header > total) return {};
        src_ = Address::v4(ip.data() + 12);
        dst_ = Address::v4(ip.data() + 16);
        constexpr unsigned more_and_offset = 0x3fff;
        if (load_be16(ip.data() + 6) & more_and_offset) {
            fill(flow, Flow::Kind::fragment, load_be16(ip.data() + 4), ip[9]);
            return {};
        }
        return transport(ip[9], ip.subspan(header, total - header), flow);
    }

    Next network_6(Bytes ip, Flow& flow) {
        std::size_t length = load_be16(ip.data() + 4);
        if (length == 0 || length > ip.size() - 40) length = ip.size() - 40;
        src_ = Address::v6(ip.data() + 8);
        dst_ = Address::v6(ip.data() + 24);
        std::uint8_t next = ip[6];
        Bytes rest = ip.subspan(40, length);
        for (unsigned i = 0; i < max_extensions && rest.size() >= 8; ++i) {
            constexpr unsigned offset_and_more = 0xfff9;
            const bool whole =
                next != protocol::fragment || (load_be16(rest.data() + 2) & offset_and_more) == 0;
            if (!whole) {
                fill(flow, Flow::Kind::fragment, load_be32(rest.data() + 4), 0);
                return {};
            }
            std::size_t header = 8;
            if (next == protocol::hop_by_hop || next == protocol::routing ||
                next == protocol::destination)
                header = 8 + 8u * rest[1];
            else if (next != protocol::fragment)
                break;
            if (header > rest.size()) return {};
            next = rest[0];
            rest = rest.subspan(header);
        }
        return transport(next, rest, flow);
    }

    Next transport(std::uint8_t next, Bytes bytes, Flow& flow) {
        switch (next) {
            case protocol::udp:
                return udp(bytes, flow);
            case protocol::tcp:
                tcp(bytes, flow);
                return {};
            case protocol::sctp:
                if (bytes.size() >= 12)
                    fill(flow, Flow::Kind::other, load_be32(bytes.data()), next);
                return {};
            case protocol::ipv4:
            case protocol::ipv6:
                return net::Layer{net::ethertype::ip, bytes};
            case protocol::gre:
                return net::gre_layer(bytes);
            case protocol::mpls:
                return net::Layer{net::ethertype::mpls, bytes};
            default:
                return {};
        }
    }

    Next udp(Bytes bytes, Flow& flow) {
        if (bytes.size() < 8) return {};
        const std::uint16_t dst_port = load_be16(bytes.data() + 2);
        if (net::may_be_tunnel(dst_port))
            if (auto inner = net::udp_tunnel(dst_port, bytes.subspan(8), true)) return inner;
        fill(flow, Flow::Kind::udp, load_be32(bytes.data()), protocol::udp);
        flow.media = bytes.size() > 8 && bytes[8] >> 6 == 2;
        return {};
    }

    void tcp(Bytes bytes, Flow& flow) {
        if (bytes.size() < 20) return;
        const std::size_t header = (bytes[12] >> 4) * 4u;
        if (header < 20 || header > bytes.size()) return;
        fill(flow, Flow::Kind::tcp, load_be32(bytes.data()), protocol::tcp);
        flow.seq = load_be32(bytes.data() + 4);
        flow.payload = static_cast<std::uint32_t>(bytes.size() - header);
        flow.begins = begins_message(bytes.subspan(header));
    }

    void fill(Flow& flow, Flow::Kind kind, std::uint32_t ports_or_id, std::uint8_t next) {
        flow.kind = kind;
        flow.key = key_of(seed_, src_, dst_, kind, ports_or_id, next);
    }

    std::uint64_t seed_;
    unsigned layers_ = 0;
    Address src_, dst_;
};

}  // namespace

Flow flow_of(const pcap::Frame& frame, std::uint64_t seed) {
    if (Flow flow; common(frame, seed, flow)) return flow;
    return Walk(seed).open(net::link_layer(static_cast<std::uint16_t>(frame.link), frame.bytes));
}

}  // namespace sipana::live
