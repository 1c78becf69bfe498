#include "libsipana/net/decoder.h"

#include <algorithm>

#include "libsipana/net/fragments.h"
#include "libsipana/net/sctp.h"
#include "libsipana/net/stream.h"
#include "libsipana/net/tunnels.h"

namespace sipana::net {

namespace {

// Headers opened in one frame: link, tags, label stacks, networks, tunnels, each counting one.
constexpr unsigned max_layers = 24;
// IPv6 extension headers in one packet; RFC 8200 4.1 has use for seven.
constexpr unsigned max_extensions = 32;

namespace protocol {  // IANA assigned internet protocol numbers
constexpr std::uint8_t hop_by_hop = 0, ipv4 = 4, tcp = 6, udp = 17, ipv6 = 41, routing = 43,
                       fragment = 44, gre = 47, ah = 51, destination = 60, sctp = 132,
                       mobility = 135, mpls = 137, hip = 139, shim6 = 140;
}

const Fault fault_too_deep{Fate::too_deep, "nesting",
                           "more headers within each other than are opened", ""};
const Fault fault_ip_cut{Fate::cut_short, "ip-header", "the frame ends within its IP header",
                         "RFC 791 3.1"};
const Fault fault_ip_version{Fate::bad_header, "ip-version",
                             "the IP version is not the one announced, or neither 4 nor 6",
                             "RFC 791 3.1"};
const Fault fault_ip_header_length{Fate::bad_header, "ip-header-length",
                                   "the IP header length is below 20 bytes or above the total "
                                   "length",
                                   "RFC 791 3.1"};
const Fault fault_ip_total_length{Fate::delivered, "ip-total-length",
                                  "the IP length is larger than what the frame holds",
                                  "RFC 791 3.1", Severity::warning};
const Fault fault_ipv6_extensions{Fate::bad_header, "ipv6-extension-header",
                                  "too many IPv6 extension headers", "RFC 8200 4.1"};
const Fault fault_ipv6_extension_cut{Fate::cut_short, "ipv6-extension-header",
                                     "the frame ends within an extension header", "RFC 8200 4"};
const Fault fault_ah{Fate::cut_short, "ah-header",
                     "the frame ends within its authentication header", "RFC 4302 2"};
const Fault fault_udp_cut{Fate::cut_short, "udp-header", "the datagram ends within its UDP header",
                          "RFC 768"};
const Fault fault_udp_length{Fate::bad_header, "udp-length", "the UDP length is below 8 bytes",
                             "RFC 768"};
const Fault fault_udp_short{Fate::delivered, "udp-length",
                            "the UDP length is larger than what the IP datagram holds", "RFC 768",
                            Severity::warning};
const Fault fault_tcp_cut{Fate::cut_short, "tcp-header", "the packet ends within its TCP header",
                          "RFC 9293 3.1"};
const Fault fault_tcp_offset{Fate::bad_header, "tcp-data-offset",
                             "the TCP data offset is below five words", "RFC 9293 3.1"};

// Whether the first bytes of an IP payload are UDP as the fast path takes it: whole, no tunnel.
inline bool fill_udp(const std::uint8_t* udp, std::size_t available, Datagram& d) {
    if (available < 8) return false;
    const std::size_t length = load_be16(udp + 4);
    const std::uint16_t dst_port = load_be16(udp + 2);
    if (length < 8 || length > available || may_be_tunnel(dst_port)) return false;
    d.src.port = load_be16(udp);
    d.dst.port = dst_port;
    d.payload = Bytes(udp + 8, length - 8);
    return true;
}

// The fast path: the shapes that nearly all media frames have (Ethernet with up to two tags,
// cooked, raw; IPv4 unfragmented, IPv6 without extension headers; UDP) straight through. Anything
// else, or anything wrong, is left to the thorough way, which comes to the same result. Sets each
// field but transport and cut, which are always udp and false here.
inline bool fill_common(const Link& link, Datagram& d) {
    const std::uint8_t* const b = link.bytes.data();
    const std::size_t size = link.bytes.size();
    std::size_t at = 0;
    std::uint16_t type = 0;
    if (size < 42) return false;
    switch (link.link_type) {
        case 1:  // Ethernet
            type = load_be16(b + 12);
            at = 14;
            for (int tags = 0;
                 tags < 2 && (type == ethertype::vlan || type == ethertype::service_vlan); ++tags) {
                type = load_be16(b + at + 2);
                at += 4;
            }
            break;
        case 113:  // LINUX_SLL
            type = load_be16(b + 14);
            at = 16;
            break;
        case 276:  // LINUX_SLL2
            type = load_be16(b);
            at = 20;
            break;
        case 101:  // RAW
            type = b[0] >> 4 == 4 ? ethertype::ipv4 : ethertype::ipv6;
            break;
        default:
            return false;
    }
    const std::uint8_t* const ip = b + at;
    const std::size_t left = size - at;
    if (type == ethertype::ipv4) {
        constexpr std::uint16_t fragment_bits = 0x3fff;  // MF and the offset
        if (left < 28 || ip[0] != 0x45 || ip[9] != protocol::udp ||
            (load_be16(ip + 6) & fragment_bits))
            return false;
        const std::size_t total = load_be16(ip + 2);
        if (total > left || total < 28 || !fill_udp(ip + 20, total - 20, d)) return false;
        d.src.address = Address::v4(ip + 12);
        d.dst.address = Address::v4(ip + 16);
        d.dscp = ip[1] >> 2;
    } else if (type == ethertype::ipv6) {
        if (left < 48 || ip[0] >> 4 != 6 || ip[6] != protocol::udp) return false;
        const std::size_t length = load_be16(ip + 4);
        if (length > left - 40 || !fill_udp(ip + 40, length, d)) return false;
        d.src.address = Address::v6(ip + 8);
        d.dst.address = Address::v6(ip + 24);
        d.dscp = static_cast<std::uint8_t>((load_be16(ip) >> 6) & 0x3f);
    } else {
        return false;
    }
    d.frame = link.frame;
    d.time = link.time;
    d.stable = link.stable;
    return true;
}

}  // namespace

std::string_view to_string(Fate fate) {
    switch (fate) {
        case Fate::delivered:
            return "delivered";
        case Fate::held:
            return "held";
        case Fate::not_ip:
            return "not-ip";
        case Fate::other_transport:
            return "other-transport";
        case Fate::unknown_link_type:
            return "unknown-link-type";
        case Fate::cut_short:
            return "cut-short";
        case Fate::bad_header:
            return "bad-header";
        case Fate::too_deep:
            return "too-deep";
        case Fate::over_cap:
            return "over-cap";
    }
    return "bad-header";
}

// The thorough way. What is being decoded travels as Packet: one frame, or what fragments made.
namespace {

FragmentLimits fragment_limits(std::uint64_t most_held) {
    FragmentLimits limits;
    if (most_held != 0) limits.bytes = std::min<std::size_t>(limits.bytes, most_held / 3);
    return limits;
}

StreamLimits stream_limits(std::uint64_t most_held) {
    constexpr std::size_t a_connection = 1000;  // about what one takes
    StreamLimits limits;
    if (most_held == 0) return limits;
    limits.held_bytes = std::min<std::size_t>(limits.held_bytes, most_held / 3);
    limits.connections = std::min<std::size_t>(limits.connections, most_held / 3 / a_connection);
    return limits;
}

}  // namespace

class Decoder::State {
public:
    State(Sink& sink, Accounting& accounting, std::uint64_t most_held)
        : sink_(sink),
          accounting_(accounting),
          findings_(sink, accounting),
          fragments_(findings_, accounting, fragment_limits(most_held)),
          streams_(sink, findings_, accounting, stream_limits(most_held)),
          sctp_(sink, findings_, accounting) {}

    Fate decode(const Link& link) {
        Packet p;
        p.origin = link.bytes;
        p.frame = link.frame;
        p.time = link.time;
        p.stable = link.stable;
        p.snapped = link.bytes.size() < link.wire_size;
        const Fate fate = open(link_layer(link.link_type, link.bytes), p);
        hand_on_abandoned();
        return fate;
    }

    Time expire(Time now) {
        fragments_.expire(now);
        streams_.expire(now);
        hand_on_abandoned();
        return deadline();
    }
    Time deadline() const { return std::min(fragments_.deadline(), streams_.deadline()); }

    void finish() {
        fragments_.finish();
        hand_on_abandoned();
        streams_.finish();
        sctp_.finish();
    }

private:
    struct Packet {
        Bytes origin;  // the frame, or the datagram put together: offsets count from here
        std::uint64_t frame = 0;
        Time time{};
        bool stable = false;
        bool snapped = false;    // the capture cut the frame: bytes missing at its end are no fault
        std::size_t absent = 0;  // bytes of the IP payload announced beyond what is there
        unsigned layers = 0;
        std::uint8_t dscp = 0;
        Address src, dst;
    };

    std::uint64_t offset(const Packet& p, Bytes at) const {
        const auto* begin = p.origin.data();
        const bool inside = at.data() >= begin && at.data() <= begin + p.origin.size();
        return inside ? static_cast<std::uint64_t>(at.data() - begin) : 0;
    }
    Fate fail(const Fault& fault, const Packet& p, Bytes at) {
        Fault as_seen = fault;
        // A frame that the capture cut is nobody's fault.
        if (p.snapped && fault.fate == Fate::cut_short) as_seen.severity = Severity::note;
        findings_.add(as_seen, p.frame, offset(p, at));
        return fault.fate;
    }

    Fate open(Layer layer, Packet p);
    Fate ipv4(Bytes bytes, Packet& p);
    Fate ipv6(Bytes bytes, Packet& p);
    Fate fragment(Fragment& fragment, Bytes bytes, Packet& p);
    Fate ipv6_fragment(Bytes header, Bytes bytes, Packet& p);
    Fate transport(std::uint8_t next, Bytes bytes, Packet& p);
    Fate udp(Bytes bytes, Packet& p);
    Fate tcp(Bytes bytes, Packet& p);
    void hand_on_abandoned();
    Datagram datagram_of(const Packet& p) const;

    Sink& sink_;
    Accounting& accounting_;
    Findings findings_;
    Fragments fragments_;
    Streams streams_;
    SctpMessages sctp_;
};

Decoder::Decoder(Sink& sink, std::uint64_t most_held)
    : sink_(sink), state_(std::make_unique<State>(sink, accounting_, most_held)) {}
Decoder::~Decoder() = default;

void Decoder::decode(const Link& link) {
    ++accounting_.frames;
    if (link.time >= wake_) [[unlikely]]
        wake_ = state_->expire(link.time);
    if (fill_common(link, common_)) {
        ++accounting_.by_fate[static_cast<std::size_t>(Fate::delivered)];
        ++accounting_.datagrams;
        sink_.on_datagram(common_);
        return;
    }
    const Fate fate = state_->decode(link);
    ++accounting_.by_fate[static_cast<std::size_t>(fate)];
    wake_ = state_->deadline();
}

void Decoder::finish() {
    state_->finish();
    wake_ = state_->deadline();
}

// Opens link layers, tags and shims until an IP header, or something that ends it.
Fate Decoder::State::open(Layer layer, Packet p) {
    for (;;) {
        if (layer.fault) return fail(*layer.fault, p, layer.bytes);
        if (++p.layers > max_layers) return fail(fault_too_deep, p, layer.bytes);
        const Bytes bytes = layer.bytes;
        switch (layer.protocol) {
            case ethertype::ipv4:
                return ipv4(bytes, p);
            case ethertype::ipv6:
                return ipv6(bytes, p);
            case ethertype::ip:
                if (bytes.empty()) return fail(fault_ip_cut, p, bytes);
                if (bytes[0] >> 4 == 4) return ipv4(bytes, p);
                return ipv6(bytes, p);
            case ethertype::vlan:
            case ethertype::service_vlan:
            case ethertype::old_vlan_1:
            case ethertype::old_vlan_2:
                layer = vlan_layer(bytes);
                break;
            case ethertype::ethernet:
                layer = ethernet_layer(bytes);
                break;
            case ethertype::llc:
                layer = llc_layer(bytes);
                break;
            case ethertype::ppp:
                layer = ppp_layer(bytes);
                break;
            case ethertype::pppoe_session:
                layer = pppoe_layer(bytes);
                break;
            case ethertype::mpls:
            case ethertype::mpls_upstream:
                layer = mpls_layer(bytes);
                break;
            case ethertype::erspan_3:
                layer = erspan_3_layer(bytes);
                break;
            case ethertype::nsh:
                layer = nsh_layer(bytes);
                break;
            default:
                return Fate::not_ip;
        }
    }
}

Fate Decoder::State::ipv4(Bytes bytes, Packet& p) {
    if (bytes.size() < 20) return fail(fault_ip_cut, p, bytes);
    if (bytes[0] >> 4 != 4) return fail(fault_ip_version, p, bytes);
    const std::size_t header = (bytes[0] & 15u) * 4u;
    std::size_t total = load_be16(bytes.data() + 2);
    // Segmentation offload leaves the length to the network card: all that is there counts.
    if (total == 0) total = bytes.size();
    if (header < 20 || header > total) return fail(fault_ip_header_length, p, bytes);
    if (header > bytes.size()) return fail(fault_ip_cut, p, bytes);
    p.absent = total - std::min(total, bytes.size());
    if (p.absent != 0 && !p.snapped) fail(fault_ip_total_length, p, bytes);
    p.src = Address::v4(bytes.data() + 12);
    p.dst = Address::v4(bytes.data() + 16);
    p.dscp = bytes[1] >> 2;
    const Bytes payload = bytes.subspan(header, std::min(total, bytes.size()) - header);

    const std::uint16_t flags_offset = load_be16(bytes.data() + 6);
    constexpr std::uint16_t more_fragments = 0x2000, offset_bits = 0x1fff;
    if (!(flags_offset & (more_fragments | offset_bits))) return transport(bytes[9], payload, p);
    Fragment f;
    f.id = load_be16(bytes.data() + 4);
    f.protocol = bytes[9];
    f.offset = (flags_offset & offset_bits) * 8u;
    f.more = flags_offset & more_fragments;
    return fragment(f, payload, p);
}

Fate Decoder::State::ipv6(Bytes bytes, Packet& p) {
    if (!bytes.empty() && bytes[0] >> 4 != 6) return fail(fault_ip_version, p, bytes);
    if (bytes.size() < 40) return fail(fault_ip_cut, p, bytes);
    std::size_t length = load_be16(bytes.data() + 4);
    // Zero: a jumbogram (RFC 2675) or segmentation offload. All that is there counts.
    if (length == 0) length = bytes.size() - 40;
    p.absent = length - std::min(length, bytes.size() - 40);
    if (p.absent != 0 && !p.snapped) fail(fault_ip_total_length, p, bytes);
    p.src = Address::v6(bytes.data() + 8);
    p.dst = Address::v6(bytes.data() + 24);
    p.dscp = static_cast<std::uint8_t>((load_be16(bytes.data()) >> 6) & 0x3f);
    return transport(bytes[6], bytes.subspan(40, std::min(length, bytes.size() - 40)), p);
}

// What an IP header, or the last extension header behind it, says is next.
Fate Decoder::State::transport(std::uint8_t next, Bytes bytes, Packet& p) {
    for (unsigned extensions = 0; extensions < max_extensions; ++extensions) {
        std::size_t header = 0;
        switch (next) {
            case protocol::udp:
                return udp(bytes, p);
            case protocol::tcp:
                return tcp(bytes, p);
            case protocol::sctp:
                return sctp_.add(bytes, p.absent, datagram_of(p), offset(p, bytes));
            case protocol::ipv4:
                return open({ethertype::ipv4, bytes}, p);
            case protocol::ipv6:
                return open({ethertype::ipv6, bytes}, p);
            case protocol::gre:
                return open(gre_layer(bytes), p);
            case protocol::mpls:
                return open({ethertype::mpls, bytes}, p);
            case protocol::hop_by_hop:
            case protocol::routing:
            case protocol::destination:
            case protocol::mobility:
            case protocol::hip:
            case protocol::shim6:
                // In IPv4 these numbers mean nothing that we read (RFC 7045 has them for IPv6).
                if (p.src.is_v4()) return Fate::other_transport;
                header = bytes.size() < 2 ? 2 : bytes[1] * 8u + 8u;
                break;
            case protocol::ah:
                header = bytes.size() < 2 ? 2 : bytes[1] * 4u + 8u;
                break;
            case protocol::fragment:
                if (p.src.is_v4()) return Fate::other_transport;
                header = 8;
                break;
            default:
                return Fate::other_transport;
        }
        if (bytes.size() < header || bytes.empty())
            return fail(next == protocol::ah ? fault_ah : fault_ipv6_extension_cut, p, bytes);
        if (next == protocol::fragment) {
            constexpr std::uint16_t offset_and_more = 0xfff9;
            if (load_be16(bytes.data() + 2) & offset_and_more)
                return ipv6_fragment(bytes.first(8), bytes.subspan(8), p);
            // An atomic fragment is whole (RFC 6946).
        }
        next = bytes[0];
        bytes = bytes.subspan(header);
    }
    return fail(fault_ipv6_extensions, p, bytes);
}

Fate Decoder::State::ipv6_fragment(Bytes header, Bytes bytes, Packet& p) {
    const std::uint16_t offset_and_flags = load_be16(header.data() + 2);
    Fragment f;
    f.v6 = true;
    f.id = load_be32(header.data() + 4);
    f.protocol = header[0];
    f.offset = offset_and_flags & 0xfff8u;
    f.more = offset_and_flags & 1;
    return fragment(f, bytes, p);
}

Fate Decoder::State::fragment(Fragment& f, Bytes bytes, Packet& p) {
    f.src = p.src;
    f.dst = p.dst;
    f.bytes = bytes;
    f.absent = p.absent;
    f.dscp = p.dscp;
    f.frame = p.frame;
    f.time = p.time;
    f.byte = offset(p, bytes);
    std::optional<Whole> whole;
    const Fate fate = fragments_.add(f, whole);
    if (!whole) return fate;
    p.origin = whole->payload;
    p.stable = false;
    p.snapped = whole->absent != 0;
    p.absent = whole->absent;
    p.dscp = whole->dscp;
    if (++p.layers > max_layers) return fail(fault_too_deep, p, p.origin);
    return transport(whole->protocol, whole->payload, p);
}

// The beginnings of datagrams whose later fragments never came. Their frames are accounted for, so
// the fate does not count; only UDP is worth it, and a TCP segment would come too late.
void Decoder::State::hand_on_abandoned() {
    while (const auto whole = fragments_.take_abandoned()) {
        if (whole->protocol != protocol::udp || whole->payload.size() < 8) continue;
        Packet p;
        p.origin = whole->payload;
        p.frame = whole->frame;
        p.time = whole->time;
        p.snapped = true;
        p.absent = whole->absent;
        p.dscp = whole->dscp;
        p.src = whole->src;
        p.dst = whole->dst;
        udp(whole->payload, p);
    }
}

Datagram Decoder::State::datagram_of(const Packet& p) const {
    Datagram d;
    d.frame = p.frame;
    d.time = p.time;
    d.src.address = p.src;
    d.dst.address = p.dst;
    d.dscp = p.dscp;
    d.stable = p.stable;
    return d;
}

Fate Decoder::State::udp(Bytes bytes, Packet& p) {
    if (bytes.size() < 8) return fail(fault_udp_cut, p, bytes);
    const std::size_t length = load_be16(bytes.data() + 4);
    // Zero: a jumbogram (RFC 2675 4), or left to the network card.
    if (length != 0 && length < 8) return fail(fault_udp_length, p, bytes);
    const std::size_t announced = length == 0 ? bytes.size() + p.absent : length;
    Datagram d = datagram_of(p);
    d.src.port = load_be16(bytes.data());
    d.dst.port = load_be16(bytes.data() + 2);
    d.cut = announced > bytes.size();
    if (d.cut) d.absent = static_cast<std::uint32_t>(std::min(announced - bytes.size(), p.absent));
    d.payload = bytes.subspan(8, std::min(announced, bytes.size()) - 8);
    if (announced > bytes.size() + p.absent) fail(fault_udp_short, p, bytes);
    if (may_be_tunnel(d.dst.port))
        if (const auto inner = udp_tunnel(d.dst.port, d.payload, d.cut)) return open(*inner, p);
    ++accounting_.datagrams;
    sink_.on_datagram(d);
    return Fate::delivered;
}

Fate Decoder::State::tcp(Bytes bytes, Packet& p) {
    if (bytes.size() < 20) return fail(fault_tcp_cut, p, bytes);
    const std::size_t header = (bytes[12] >> 4) * 4u;
    if (header < 20) return fail(fault_tcp_offset, p, bytes);
    if (header > bytes.size()) return fail(fault_tcp_cut, p, bytes);
    Segment s;
    s.src = {p.src, load_be16(bytes.data())};
    s.dst = {p.dst, load_be16(bytes.data() + 2)};
    s.seq = load_be32(bytes.data() + 4);
    s.ack = load_be32(bytes.data() + 8);
    s.flags = bytes[13];
    s.payload = bytes.subspan(header);
    s.absent = p.absent;
    s.frame = p.frame;
    s.time = p.time;
    return streams_.add(s);
}

}  // namespace sipana::net
