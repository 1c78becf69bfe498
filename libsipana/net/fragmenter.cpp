#include "libsipana/net/fragmenter.h"

#include <algorithm>

namespace sipana::net {

namespace {

constexpr std::size_t ethernet_header = 14, ipv4_header = 20, ipv6_header = 40, fragment_header = 8;
constexpr std::uint16_t ethertype_ipv4 = 0x0800, ethertype_ipv6 = 0x86dd;
constexpr std::uint8_t next_is_fragment = 44;

void store_be16(std::uint8_t* at, std::size_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
}

// RFC 791 3.1, of a header whose checksum field is zero.
std::uint16_t checksum(Bytes header) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < header.size(); i += 2) sum += load_be16(&header[i]);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

struct Piece {
    Bytes bytes;
    std::size_t offset = 0;  // in bytes
    bool more = false;
};

Buffer ipv4_piece(Bytes head, std::uint32_t id, const Piece& piece) {
    Buffer out(head.begin(), head.end());
    std::uint8_t* ip = out.data() + ethernet_header;
    store_be16(ip + 2, ipv4_header + piece.bytes.size());
    store_be16(ip + 4, id);
    store_be16(ip + 6, (piece.more ? 0x2000u : 0u) | piece.offset / 8);
    store_be16(ip + 10, 0);
    store_be16(ip + 10, checksum(Bytes(ip, ipv4_header)));
    ByteWriter(out).put(piece.bytes);
    return out;
}

Buffer ipv6_piece(Bytes head, std::uint32_t id, const Piece& piece) {
    Buffer out(head.begin(), head.end());
    std::uint8_t* ip = out.data() + ethernet_header;
    const std::uint8_t next = ip[6];
    store_be16(ip + 4, fragment_header + piece.bytes.size());
    ip[6] = next_is_fragment;
    ByteWriter(out)
        .u8(next)
        .u8(0)
        .u16(piece.offset | (piece.more ? 1u : 0u))
        .u32(id)
        .put(piece.bytes);
    return out;
}

}  // namespace

Result<std::vector<Buffer>> fragment(Bytes frame, std::uint32_t id, std::size_t mtu) {
    const auto refuse = [] {
        return Error{Errc::malformed, 0, "not a frame that can be cut into fragments"};
    };
    if (mtu < smallest_mtu || frame.size() < ethernet_header + ipv4_header) return refuse();
    const std::uint16_t type = load_be16(&frame[12]);
    const bool v4 = type == ethertype_ipv4;
    const std::size_t head = ethernet_header + (v4 ? ipv4_header : ipv6_header);
    const std::uint8_t version = frame[ethernet_header];
    if (frame.size() < head || (v4 ? version != 0x45 : type != ethertype_ipv6 || version >> 4 != 6))
        return refuse();
    std::vector<Buffer> out;
    if (frame.size() - ethernet_header <= mtu) {
        out.emplace_back(frame.begin(), frame.end());
        return out;
    }
    const std::size_t room = mtu - (head - ethernet_header) - (v4 ? 0 : fragment_header);
    const std::size_t step = room / 8 * 8;
    const Bytes content = frame.subspan(head);
    for (std::size_t at = 0; at < content.size(); at += step) {
        const std::size_t size = std::min(step, content.size() - at);
        const Piece piece{content.subspan(at, size), at, at + size < content.size()};
        out.push_back(v4 ? ipv4_piece(frame.first(head), id, piece)
                         : ipv6_piece(frame.first(head), id, piece));
    }
    return out;
}

}  // namespace sipana::net
