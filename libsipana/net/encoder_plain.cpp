// The encoder's quick way: headers written in place.
#include <algorithm>

#include "libsipana/net/encoder.h"

namespace sipana::net {

namespace {

constexpr std::size_t ethernet_header = 14, ipv4_header = 20, ipv6_header = 40, udp_header = 8,
                      tcp_header = 20, shortest_frame = 60, largest_datagram = 65'535;
constexpr std::uint8_t protocol_tcp = 6, protocol_udp = 17;

// Fields of a frame whose room is there already.
class Fields {
public:
    explicit Fields(std::uint8_t* at) : at_(at) {}
    Fields& u8(std::size_t v) {
        *at_++ = static_cast<std::uint8_t>(v);
        return *this;
    }
    Fields& u16(std::size_t v) { return u8(v >> 8).u8(v); }
    Fields& u32(std::size_t v) { return u16(v >> 16).u16(v); }
    Fields& put(Bytes bytes) {
        at_ = std::copy(bytes.begin(), bytes.end(), at_);
        return *this;
    }

private:
    std::uint8_t* at_;
};

void store_be16(std::uint8_t* at, std::uint16_t v) { Fields(at).u16(v); }

// RFC 1071: words of 32 bits add up to the same as their halves.
std::uint64_t add(std::uint64_t sum, Bytes bytes) {
    std::size_t i = 0;
    for (; i + 4 <= bytes.size(); i += 4) sum += load_be32(&bytes[i]);
    if (i + 2 <= bytes.size()) {
        sum += load_be16(&bytes[i]);
        i += 2;
    }
    if (i < bytes.size()) sum += static_cast<std::uint64_t>(bytes[i]) << 8;
    return sum;
}
std::uint16_t checksum(std::uint64_t sum) {
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

std::array<std::uint8_t, 6> made_mac(const std::array<std::uint8_t, 16>& address) {
    return {0x02, address[11], address[12], address[13], address[14], address[15]};
}

// A frame but for the transport's header, which begins at the offset returned, and whose fields
// are to be written yet; and the sum of its pseudo-header.
struct Begun {
    std::size_t transport = 0, size = 0;  // without padding
    std::uint64_t pseudo = 0;
};

Result<Begun> begin(const Endpoint& src, const Endpoint& dst, std::uint8_t protocol,
                    std::size_t header, Bytes payload, const FrameShape& shape, Buffer& out) {
    if (src.address.empty() || dst.address.empty() || src.address.is_v4() != dst.address.is_v4())
        return Error{Errc::malformed, 0, "the endpoints are not of one address family"};
    if (shape.vlan) return Error{Errc::unsupported, 0, "a frame with a tag"};
    if (shape.dscp > 63) return Error{Errc::malformed, 0, "DSCP out of range"};
    const bool v4 = src.address.is_v4();
    const std::size_t content = header + payload.size();
    if (content + (v4 ? ipv4_header : 0) > largest_datagram)
        return Error{Errc::too_large, 0, "the payload does not fit one IP datagram"};
    const auto from = src.address.bytes(), to = dst.address.bytes();
    const std::size_t ip_header = v4 ? ipv4_header : ipv6_header;
    const std::size_t link_header = shape.ethernet ? ethernet_header : 0;
    const std::size_t size = link_header + ip_header + content;
    out.resize(shape.ethernet ? std::max(size, shortest_frame) : size);
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(size), out.end(), std::uint8_t{0});
    std::uint8_t* ip = out.data() + link_header;
    if (shape.ethernet)
        Fields(out.data())
            .put(shape.dst_mac.value_or(made_mac(to)))
            .put(shape.src_mac.value_or(made_mac(from)))
            .u16(v4 ? 0x0800 : 0x86dd);
    const Bytes src_bytes = Bytes(from).subspan(v4 ? 12 : 0),
                dst_bytes = Bytes(to).subspan(v4 ? 12 : 0);
    const auto traffic = static_cast<std::size_t>(shape.dscp) << 2;
    if (v4) {
        Fields(ip).u8(0x45).u8(traffic).u16(ipv4_header + content).u16(shape.id).u16(0);
        Fields(ip + 8).u8(shape.hops).u8(protocol).u16(0).put(src_bytes).put(dst_bytes);
        store_be16(ip + 10, checksum(add(0, Bytes(ip, ipv4_header))));
    } else {
        Fields(ip)
            .u32(std::size_t{6} << 28 | traffic << 20)
            .u16(content)
            .u8(protocol)
            .u8(shape.hops);
        Fields(ip + 8).put(src_bytes).put(dst_bytes);
    }
    Fields(ip + ip_header + header).put(payload);
    return Begun{link_header + ip_header, content,
                 add(add(protocol + content, src_bytes), dst_bytes)};
}

}  // namespace

Status put_udp_frame(const Endpoint& src, const Endpoint& dst, Bytes payload,
                     const FrameShape& shape, Buffer& out) {
    const auto begun = begin(src, dst, protocol_udp, udp_header, payload, shape, out);
    if (!begun) return begun.error();
    std::uint8_t* udp = out.data() + begun->transport;
    Fields(udp).u16(src.port).u16(dst.port).u16(udp_header + payload.size()).u16(0);
    const std::uint16_t sum =
        checksum(add(begun->pseudo, Bytes(out).subspan(begun->transport, begun->size)));
    store_be16(udp + 6, sum == 0 ? 0xffff : sum);  // RFC 768: 0 says that there is none
    return Done{};
}

Status put_tcp_frame(const Endpoint& src, const Endpoint& dst, const TcpFields& tcp, Bytes payload,
                     const FrameShape& shape, Buffer& out) {
    const auto begun = begin(src, dst, protocol_tcp, tcp_header, payload, shape, out);
    if (!begun) return begun.error();
    std::uint8_t* header = out.data() + begun->transport;
    Fields(header).u16(src.port).u16(dst.port).u32(tcp.seq).u32(tcp.ack);
    Fields(header + 12).u8(tcp_header / 4 << 4).u8(tcp.flags).u16(tcp.window).u16(0).u16(0);
    store_be16(header + 16,
               checksum(add(begun->pseudo, Bytes(out).subspan(begun->transport, begun->size))));
    return Done{};
}

}  // namespace sipana::net
