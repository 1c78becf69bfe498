// Frames made by hand, a Sink that collects, and a walker for classic pcap files: for tests/net.
//
// Each function puts one header before a payload, so that a frame reads outside in:
//     ethernet(0x0800, ipv4(17, udp(5060, 5060, text)))
#pragma once

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/net/decoder.h"
#include "tests/exact.h"

namespace sipana::net {

inline Buffer bytes_of(std::string_view text) { return Buffer(text.begin(), text.end()); }
inline std::string text_of(Bytes bytes) { return std::string(as_text(bytes)); }

inline Buffer operator+(Buffer a, const Buffer& b) {
    // Not insert(): g++ 12 sees an overflow there that is none.
    for (const std::uint8_t byte : b) a.push_back(byte);
    return a;
}
// "0800 45" -> 08 00 45
inline Buffer hex(std::string_view digits) {
    Buffer out;
    int high = -1;
    for (const char c : digits) {
        if (c == ' ') continue;
        const int v = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
        if (high >= 0) out.push_back(static_cast<std::uint8_t>(high * 16 + v));
        high = high >= 0 ? -1 : v;
    }
    return out;
}

inline Buffer udp(std::uint16_t src, std::uint16_t dst, const Buffer& payload) {
    Buffer out;
    ByteWriter(out).u16(src).u16(dst).u16(8 + payload.size()).u16(0).put(Bytes(payload));
    return out;
}
inline Buffer udp(std::uint16_t src, std::uint16_t dst, std::string_view payload) {
    return udp(src, dst, bytes_of(payload));
}
inline Buffer tcp(std::uint16_t src, std::uint16_t dst, std::uint32_t seq, std::uint32_t ack,
                  std::uint8_t flags, std::string_view payload) {
    Buffer out;
    ByteWriter(out).u16(src).u16(dst).u32(seq).u32(ack).u8(0x50).u8(flags).u16(1000).u32(0).put(
        payload);
    return out;
}

struct Ipv4 {
    std::uint8_t tos = 0;
    std::uint16_t id = 0;
    bool more = false;
    std::uint16_t offset = 0;  // in bytes
    Buffer options;
    std::string_view src = "192.0.2.1", dst = "192.0.2.2";
};
inline Buffer ipv4(std::uint8_t protocol, const Buffer& payload, const Ipv4& ip = {}) {
    Buffer out;
    const std::size_t header = 20 + ip.options.size();
    const auto src = Address::parse(ip.src)->bytes(), dst = Address::parse(ip.dst)->bytes();
    ByteWriter(out)
        .u8(0x40 | header / 4)
        .u8(ip.tos)
        .u16(header + payload.size())
        .u16(ip.id)
        .u16((ip.more ? 0x2000u : 0u) | ip.offset / 8u)
        .u8(64)
        .u8(protocol)
        .u16(0)
        .put(Bytes(src).subspan(12))
        .put(Bytes(dst).subspan(12))
        .put(Bytes(ip.options))
        .put(Bytes(payload));
    return out;
}
inline Buffer ipv6(std::uint8_t next, const Buffer& payload, std::uint8_t traffic_class = 0) {
    Buffer out;
    const auto src = Address::parse("2001:db8::1")->bytes();
    const auto dst = Address::parse("2001:db8::2")->bytes();
    ByteWriter(out)
        .u32(0x60000000u | static_cast<std::uint32_t>(traffic_class) << 20)
        .u16(payload.size())
        .u8(next)
        .u8(64)
        .put(Bytes(src))
        .put(Bytes(dst))
        .put(Bytes(payload));
    return out;
}
inline Buffer ipv6_fragment(std::uint8_t next, std::uint32_t id, std::uint16_t offset, bool more,
                            const Buffer& payload) {
    Buffer out;
    ByteWriter(out).u8(next).u8(0).u16(offset | (more ? 1u : 0u)).u32(id).put(Bytes(payload));
    return ipv6(44, out);
}
inline Buffer ethernet(std::uint16_t type, const Buffer& payload) {
    Buffer out = hex("020000000002 020000000001");
    ByteWriter(out).u16(type).put(Bytes(payload));
    return out;
}

// One message, in UDP, in IPv4: what most cases wrap.
inline constexpr std::string_view options_text = "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\n\r\n";
inline Buffer sip_v4() { return ipv4(17, udp(5060, 5061, options_text)); }
inline Buffer sip_v6() { return ipv6(17, udp(5060, 5061, options_text)); }

class Collected : public Sink {
public:
    struct Got : Datagram {
        std::string text;
    };
    struct GotChunk : Chunk {
        std::string text;
    };
    void on_datagram(const Datagram& datagram) override {
        Got got;
        static_cast<Datagram&>(got) = datagram;
        got.text = text_of(datagram.payload);
        datagrams.push_back(got);
    }
    void on_chunk(const Chunk& chunk) override {
        GotChunk got;
        static_cast<Chunk&>(got) = chunk;
        got.text = text_of(chunk.bytes);
        chunks.push_back(got);
    }
    void on_finding(Finding finding) override { findings.push_back(std::move(finding)); }

    bool found(std::string_view rule) const {
        for (const Finding& f : findings)
            if (f.rule == rule) return true;
        return false;
    }
    // All bytes of the chunks from `src`, with "<n>" where n bytes are missing.
    std::string stream(std::string_view src) const {
        std::string all;
        for (const GotChunk& c : chunks) {
            if (c.src.to_string() != src) continue;
            if (c.missing != 0) all.append("<").append(std::to_string(c.missing)).append(">");
            all += c.text;
        }
        return all;
    }

    std::vector<Got> datagrams;
    std::vector<GotChunk> chunks;
    std::vector<Finding> findings;
};

// A decoder whose frames lie in exact-size memory and are numbered and timed by themselves.
class Bench {
public:
    Bench() : decoder(sink) {}
    // Returns the fate of the frame.
    Fate decode(const Buffer& frame, std::uint16_t link_type = 1, std::size_t cut_off = 0) {
        const Exact exact(Bytes(frame).first(frame.size() - cut_off));
        const auto before = decoder.accounting().by_fate;
        Link link;
        link.frame = ++frame_number;
        link.time = now += std::chrono::milliseconds{now.count() < INT64_MAX / 2 ? 1 : 0};
        link.link_type = link_type;
        link.bytes = exact;
        link.wire_size = static_cast<std::uint32_t>(frame.size());
        decoder.decode(link);
        for (std::size_t i = 0; i < fates; ++i)
            if (decoder.accounting().by_fate[i] != before[i]) return static_cast<Fate>(i);
        return static_cast<Fate>(fates);  // none: a broken decoder
    }
    // As decode(), but the frame was that short on the wire.
    Fate decode_short(const Buffer& frame, std::size_t size, std::uint16_t link_type = 1) {
        return decode(Buffer(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)),
                      link_type);
    }
    bool adds_up() const {
        std::uint64_t sum = 0;
        for (const auto n : decoder.accounting().by_fate) sum += n;
        return sum == decoder.accounting().frames && sum == frame_number;
    }

    Collected sink;
    Decoder decoder;
    std::uint64_t frame_number = 0;
    Time now = std::chrono::seconds{1'700'000'000};
};

// The frames of a classic pcap file, decoded. False where the file is not there.
inline bool decode_pcap(const std::string& path, Decoder& decoder) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return false;
    const std::string file{std::istreambuf_iterator<char>(in), {}};
    if (file.size() < 24) return false;
    std::uint32_t magic = 0;
    std::memcpy(&magic, file.data(), 4);
    const bool swapped = magic == 0xd4c3b2a1u || magic == 0x4d3cb2a1u;
    const bool nano = magic == 0xa1b23c4du || magic == 0x4d3cb2a1u;
    const auto word = [&](std::size_t at) {
        std::uint32_t v = 0;
        std::memcpy(&v, file.data() + at, 4);
        return swapped ? __builtin_bswap32(v) : v;
    };
    std::uint64_t number = 0;
    for (std::size_t at = 24; at + 16 <= file.size();) {
        const std::size_t size = word(at + 8);
        if (size > file.size() - at - 16) break;
        const Exact exact(std::string_view(file).substr(at + 16, size));
        Link link;
        link.frame = ++number;
        link.time = Time{std::int64_t{word(at)} * 1'000'000'000 +
                         std::int64_t{word(at + 4)} * (nano ? 1 : 1000)};
        link.link_type = static_cast<std::uint16_t>(word(20));
        link.bytes = exact;
        link.wire_size = word(at + 12);
        decoder.decode(link);
        at += 16 + size;
    }
    decoder.finish();
    return true;
}

}  // namespace sipana::net
