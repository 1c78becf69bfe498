#include "libsipana/hep/packet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sipana::hep {
namespace {

enum Chunk : std::uint16_t {
    family = 1,
    protocol = 2,
    src_v4 = 3,
    dst_v4 = 4,
    src_v6 = 5,
    dst_v6 = 6,
    src_port = 7,
    dst_port = 8,
    seconds = 9,
    microseconds = 10,
    type = 11,
    agent = 12,
    keep_alive = 13,
    key = 14,
    payload = 15,
    compressed_payload = 16,
    correlation = 17,
    vlan = 18,
    node = 19,
    mos = 32,
};
constexpr std::size_t chunk_types = 33;

// AF_INET6 on Linux, the BSDs and macOS: agents send their own system's.
constexpr std::uint8_t family_v4 = 2, family_v6 = 10;
bool is_family_v6(std::uint8_t f) { return f == family_v6 || f == 24 || f == 28 || f == 30; }

// What a chunk's content must measure; 0: anything.
std::size_t size_of(std::uint16_t chunk) {
    switch (chunk) {
        case family:
        case protocol:
        case type:
            return 1;
        case src_port:
        case dst_port:
        case keep_alive:
        case vlan:
        case mos:
            return 2;
        case src_v4:
        case dst_v4:
        case seconds:
        case microseconds:
        case agent:
            return 4;
        case src_v6:
        case dst_v6:
            return 16;
        default:
            return 0;
    }
}

bool is_hep3(Bytes b) {
    return b.size() >= 4 && b[0] == 'H' && b[1] == 'E' && b[2] == 'P' && b[3] == '3';
}

// The chunks of a packet, each of those that are read once.
struct Chunks {
    std::array<std::optional<Bytes>, chunk_types> by_type;
    std::uint32_t skipped = 0, repeated = 0;

    std::optional<Bytes> operator[](Chunk c) const { return by_type[c]; }
    std::uint64_t number(Chunk c, std::uint64_t otherwise) const {
        return by_type[c] ? number(*by_type[c]) : otherwise;
    }
    std::optional<std::uint16_t> u16(Chunk c) const {
        if (!by_type[c]) return std::nullopt;
        return static_cast<std::uint16_t>(number(*by_type[c]));
    }
    std::string_view text(Chunk c) const {
        return by_type[c] ? as_text(*by_type[c]) : std::string_view{};
    }

private:
    static std::uint64_t number(Bytes b) {
        std::uint64_t v = 0;
        for (const std::uint8_t byte : b) v = v << 8 | byte;
        return v;
    }
};

bool is_read(std::uint16_t vendor, std::uint16_t chunk) {
    return vendor == 0 && ((chunk >= family && chunk <= node) || chunk == mos);
}

Result<Chunks> chunks_of(Bytes bytes) {
    if (bytes.size() < head_size)
        return Error{Errc::truncated, bytes.size(), "HEP3: the header is cut off"};
    const std::size_t total = load_be16(&bytes[4]);
    if (total < head_size)
        return Error{Errc::malformed, 4, fmt::format("HEP3: a total length of {}", total)};
    if (total > bytes.size())
        return Error{
            Errc::truncated, bytes.size(),
            fmt::format("HEP3: {} bytes are announced, {} are there", total, bytes.size())};
    Chunks chunks;
    for (std::size_t at = head_size; at < total;) {
        if (total - at < head_size)
            return Error{Errc::malformed, at, "HEP3: what is left is too short for a chunk"};
        const std::uint16_t vendor = load_be16(&bytes[at]), chunk = load_be16(&bytes[at + 2]);
        const std::size_t size = load_be16(&bytes[at + 4]);
        if (size < head_size || size > total - at)
            return Error{Errc::malformed, at + 4,
                         fmt::format("HEP3: chunk {} has a length of {}, {} are left", chunk, size,
                                     total - at)};
        const Bytes content = bytes.subspan(at + head_size, size - head_size);
        if (!is_read(vendor, chunk)) {
            ++chunks.skipped;
        } else if (size_of(chunk) != 0 && content.size() != size_of(chunk)) {
            return Error{Errc::malformed, at + 4,
                         fmt::format("HEP3: chunk {} holds {} bytes, not {}", chunk, content.size(),
                                     size_of(chunk))};
        } else if (chunks.by_type[chunk]) {
            ++chunks.repeated;
        } else {
            chunks.by_type[chunk] = content;
        }
        at += size;
    }
    return chunks;
}

Address address_of(const Chunks& chunks, Chunk v4, Chunk v6) {
    const bool wants_v6 = is_family_v6(static_cast<std::uint8_t>(chunks.number(family, family_v4)));
    if (chunks[v6] && (wants_v6 || !chunks[v4])) return Address::v6(chunks[v6]->data());
    return chunks[v4] ? Address::v4(chunks[v4]->data()) : Address{};
}

Result<Packet> parse_3(Bytes bytes) {
    const auto read = chunks_of(bytes);
    if (!read) return read.error();
    const Chunks& chunks = *read;
    Packet p;
    p.protocol = static_cast<std::uint8_t>(chunks.number(protocol, protocol_udp));
    p.type = static_cast<std::uint8_t>(chunks.number(type, type_sip));
    p.src = {address_of(chunks, src_v4, src_v6), chunks.u16(src_port).value_or(0)};
    p.dst = {address_of(chunks, dst_v4, dst_v6), chunks.u16(dst_port).value_or(0)};
    if (chunks[seconds])
        p.time = std::chrono::seconds{chunks.number(seconds, 0)} +
                 std::chrono::microseconds{chunks.number(microseconds, 0)};
    p.agent = static_cast<std::uint32_t>(chunks.number(agent, 0));
    p.keep_alive_s = chunks.u16(keep_alive);
    p.key = chunks.text(key);
    p.compressed = chunks[compressed_payload].has_value() && !chunks[payload].has_value();
    p.payload = chunks[p.compressed ? compressed_payload : payload].value_or(Bytes{});
    p.correlation = chunks.text(correlation);
    p.vlan = chunks.u16(vlan);
    p.node = chunks.text(node);
    p.mos_hundredths = chunks.u16(mos);
    p.skipped = chunks.skipped;
    p.repeated = chunks.repeated;
    return p;
}

std::uint32_t load_le32(const std::uint8_t* p) { return __builtin_bswap32(load_be32(p)); }

// Versions 1 and 2: version, length of the header, family, protocol, ports, addresses; version 2
// then has the time and the agent's number, in the byte order of the agent (of all that are known:
// little endian).
Result<Packet> parse_1_2(Bytes bytes) {
    constexpr std::size_t fixed = 8, time_size = 12, least_time = 10;
    if (bytes.size() < fixed)
        return Error{Errc::truncated, bytes.size(), "HEP: the header is cut off"};
    Packet p;
    p.version = bytes[0];
    const std::size_t said = bytes[1];
    const bool v6 = is_family_v6(bytes[2]);
    if (!v6 && bytes[2] != family_v4)
        return Error{Errc::malformed, 2,
                     fmt::format("HEP{}: address family {}", p.version, bytes[2])};
    p.protocol = bytes[3];
    const std::size_t one = v6 ? 16 : 4, addresses = fixed + 2 * one;
    // Some agents' length leaves the time out, which is there all the same.
    std::size_t size = addresses;
    if (p.version == 2)
        size = said >= addresses + least_time ? std::max(said, addresses + least_time)
                                              : addresses + time_size;
    if (said < addresses || said > size)
        return Error{Errc::malformed, 1,
                     fmt::format("HEP{}: a header of {} bytes", p.version, said)};
    if (bytes.size() < size)
        return Error{Errc::truncated, bytes.size(), "HEP: the header is cut off"};
    const auto address = [&](std::size_t at) {
        return v6 ? Address::v6(&bytes[at]) : Address::v4(&bytes[at]);
    };
    p.src = {address(fixed), load_be16(&bytes[4])};
    p.dst = {address(fixed + one), load_be16(&bytes[6])};
    if (p.version == 2) {
        p.time = std::chrono::seconds{load_le32(&bytes[addresses])} +
                 std::chrono::microseconds{load_le32(&bytes[addresses + 4])};
        p.agent = static_cast<std::uint32_t>(bytes[addresses + 8] | bytes[addresses + 9] << 8);
    }
    p.payload = bytes.subspan(size);
    return p;
}

void put(ByteWriter& out, Chunk chunk, Bytes content) {
    out.u16(0).u16(chunk).u16(head_size + content.size()).put(content);
}
template <typename Number>
void put_number(ByteWriter& out, Chunk chunk, Number value) {
    out.u16(0).u16(chunk).u16(head_size + sizeof value);
    for (std::size_t i = sizeof value; i-- > 0;)
        out.u8(static_cast<std::uint64_t>(value) >> (8 * i));
}
void put_address(ByteWriter& out, Chunk v4, Chunk v6, const Address& address) {
    if (address.empty()) return;
    const auto bytes = address.bytes();
    if (address.is_v4())
        put(out, v4, Bytes(bytes).subspan(12));
    else
        put(out, v6, bytes);
}
void put_text(ByteWriter& out, Chunk chunk, std::string_view text) {
    if (!text.empty()) put(out, chunk, as_bytes(text));
}

}  // namespace

std::string_view name_of_type(std::uint8_t type) {
    switch (type) {
        case 1:
            return "SIP";
        case 2:
            return "XMPP";
        case 3:
            return "SDP";
        case 4:
            return "RTP";
        case 5:
            return "RTCP";
        case 6:
            return "MGCP";
        case 7:
            return "MEGACO";
        case 8:
            return "M2UA";
        case 9:
            return "M3UA";
        case 10:
            return "IAX";
        case 11:
            return "H.322";
        case 12:
            return "H.321";
        case 13:
            return "M2PA";
        case 34:
            return "MOS full report";
        case 35:
            return "MOS short report";
        case 50:
            return "SIP in JSON";
        case 53:
            return "DNS in JSON";
        case 54:
            return "M3UA in JSON";
        case 55:
            return "RTSP";
        case 56:
            return "DIAMETER in JSON";
        case 57:
            return "GSM MAP";
        case 58:
            return "RTCP PION";
        case 60:
            return "CDR";
        case 100:
            return "log";
        default:
            return {};
    }
}

std::uint8_t protocol_of(Transport transport) {
    switch (transport) {
        case Transport::udp:
            return protocol_udp;
        case Transport::sctp:
            return protocol_sctp;
        default:
            return protocol_tcp;
    }
}

Transport transport_of(std::uint8_t ip_protocol) {
    switch (ip_protocol) {
        case protocol_tcp:
            return Transport::tcp;
        case protocol_tls:
            return Transport::tls;
        case protocol_ws:
            return Transport::ws;
        case protocol_wss:
            return Transport::wss;
        case protocol_sctp:
            return Transport::sctp;
        default:
            return Transport::udp;
    }
}

bool Packet::operator==(const Packet& o) const {
    return version == o.version && protocol == o.protocol && type == o.type && src == o.src &&
           dst == o.dst && time == o.time && agent == o.agent && keep_alive_s == o.keep_alive_s &&
           key == o.key && as_text(payload) == as_text(o.payload) && compressed == o.compressed &&
           correlation == o.correlation && vlan == o.vlan && node == o.node &&
           mos_hundredths == o.mos_hundredths;
}

bool looks_like_hep(Bytes b) {
    if (is_hep3(b)) return b.size() >= head_size;
    if (b.size() < 16 || (b[0] != 1 && b[0] != 2)) return false;
    const std::size_t addresses = b[2] == family_v4 ? 16 : is_family_v6(b[2]) ? 40 : 0;
    if (addresses == 0 || b.size() <= b[1]) return false;
    return b[1] == addresses || (b[0] == 2 && (b[1] == addresses + 10 || b[1] == addresses + 12));
}

Result<Packet> parse(Bytes bytes) {
    if (is_hep3(bytes)) return parse_3(bytes);
    if (!bytes.empty() && (bytes[0] == 1 || bytes[0] == 2)) return parse_1_2(bytes);
    if (bytes.size() < 4) return Error{Errc::truncated, bytes.size(), "HEP: the header is cut off"};
    return Error{Errc::unsupported, 0, "not HEP of version 1, 2 or 3"};
}

Status write(const Packet& p, Buffer& buffer) {
    if (p.version != 3) return Error{Errc::unsupported, 0, "HEP: only version 3 is written"};
    if (!p.src.address.empty() && !p.dst.address.empty() &&
        p.src.address.is_v4() != p.dst.address.is_v4())
        return Error{Errc::malformed, 0, "HEP3: the addresses are of two families"};
    constexpr Time latest = std::chrono::seconds{0xffff'ffff} + std::chrono::microseconds{999'999};
    if (p.time != no_time && (p.time < Time{0} || p.time > latest))
        return Error{Errc::malformed, 0, "HEP3: the time does not fit 32 bits"};
    // Fixed chunks are shorter than 256 bytes together.
    if (p.payload.size() + p.key.size() + p.correlation.size() + p.node.size() > most_bytes - 256)
        return Error{Errc::too_large, 0, "HEP3: longer than 65,535 bytes"};
    const std::size_t begin = buffer.size();
    ByteWriter out(buffer);
    out.put("HEP3").u16(0);
    const bool v4 = p.src.address.empty() ? !p.dst.address.is_v6() : p.src.address.is_v4();
    put_number(out, family, v4 ? family_v4 : family_v6);
    put_number(out, protocol, p.protocol);
    put_address(out, src_v4, src_v6, p.src.address);
    put_address(out, dst_v4, dst_v6, p.dst.address);
    put_number(out, src_port, p.src.port);
    put_number(out, dst_port, p.dst.port);
    if (p.time != no_time) {
        const auto us = std::chrono::duration_cast<std::chrono::microseconds>(p.time).count();
        put_number(out, seconds, static_cast<std::uint32_t>(us / 1'000'000));
        put_number(out, microseconds, static_cast<std::uint32_t>(us % 1'000'000));
    }
    put_number(out, type, p.type);
    put_number(out, agent, p.agent);
    if (p.keep_alive_s) put_number(out, keep_alive, *p.keep_alive_s);
    put_text(out, key, p.key);
    if (p.vlan) put_number(out, vlan, *p.vlan);
    put_text(out, node, p.node);
    put_text(out, correlation, p.correlation);
    if (p.mos_hundredths) put_number(out, mos, *p.mos_hundredths);
    put(out, p.compressed ? compressed_payload : payload, p.payload);
    const std::size_t size = buffer.size() - begin;
    buffer[begin + 4] = static_cast<std::uint8_t>(size >> 8);
    buffer[begin + 5] = static_cast<std::uint8_t>(size);
    return Done{};
}

std::vector<Finding> check(Bytes bytes) {
    std::vector<Finding> findings;
    const auto find = [&](std::string_view rule, Severity severity, std::size_t at,
                          std::string text) {
        findings.push_back({rule, severity, 0, at, std::move(text), "HEP3 specification"});
    };
    const auto packet = parse(bytes);
    if (!packet) {
        find("hep-unreadable", Severity::error, packet.error().offset, packet.error().what);
        return findings;
    }
    if (packet->version != 3) return findings;
    const Chunks chunks = *chunks_of(bytes);
    if (const std::size_t total = load_be16(&bytes[4]); total < bytes.size())
        find("hep-trailing", Severity::warning, total,
             fmt::format("{} bytes follow the packet's own length", bytes.size() - total));
    if (chunks.repeated > 0)
        find("hep-repeated-chunk", Severity::error, 0,
             fmt::format("{} chunks are of a type that came before", chunks.repeated));
    constexpr Chunk wanted[] = {family,  protocol,     src_port, dst_port,
                                seconds, microseconds, type,     agent};
    for (const Chunk c : wanted)
        if (!chunks[c])
            find("hep-missing-chunk", Severity::error, 0, fmt::format("chunk {} is missing", +c));
    if (!chunks[payload] && !chunks[compressed_payload])
        find("hep-missing-chunk", Severity::error, 0, "there is no payload");
    if (chunks[payload] && chunks[compressed_payload])
        find("hep-two-payloads", Severity::error, 0, "the payload is there plain and compressed");
    const bool v6 = is_family_v6(static_cast<std::uint8_t>(chunks.number(family, family_v4)));
    if (!chunks[v6 ? src_v6 : src_v4] || !chunks[v6 ? dst_v6 : dst_v4])
        find("hep-addresses", Severity::error, 0,
             "an address of the family that the packet names is missing");
    if (chunks.number(microseconds, 0) >= 1'000'000)
        find("hep-microseconds", Severity::error, 0,
             fmt::format("{} microseconds are more than a second", chunks.number(microseconds, 0)));
    return findings;
}

}  // namespace sipana::hep
