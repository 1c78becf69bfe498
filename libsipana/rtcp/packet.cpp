#include "libsipana/rtcp/packet.h"

#include <fmt/format.h>

namespace sipana::rtcp {

namespace {

constexpr std::size_t header_size = 4;
constexpr std::size_t block_size = 24;
constexpr std::size_t max_count = 31;  // five bits
constexpr std::size_t srtcp_tail = 4;  // E and index

Error cut(std::size_t offset, std::string what) {
    return Error{Errc::truncated, offset, std::move(what)};
}

ReportBlock read_block(ByteReader& in) {
    ReportBlock b;
    b.ssrc = in.u32();
    b.fraction_lost = in.u8();
    const std::uint32_t lost = in.u24();
    // 24-bit two's complement (RFC 3550 6.4.1).
    b.cumulative_lost = static_cast<std::int32_t>(lost << 8) >> 8;
    b.extended_sequence = in.u32();
    b.jitter = in.u32();
    b.lsr = in.u32();
    b.dlsr = in.u32();
    return b;
}

bool write_blocks(const std::vector<ReportBlock>& blocks, ByteWriter& w) {
    if (blocks.size() > max_count) return false;
    for (const ReportBlock& b : blocks) {
        if (b.cumulative_lost < -0x800000 || b.cumulative_lost > 0x7fffff) return false;
        w.u32(b.ssrc)
            .u8(b.fraction_lost)
            .u24(static_cast<std::uint32_t>(b.cumulative_lost) & 0xffffff)
            .u32(b.extended_sequence)
            .u32(b.jitter)
            .u32(b.lsr)
            .u32(b.dlsr);
    }
    return true;
}

Result<Content> parse_sender_report(std::uint8_t count, Bytes body) {
    if (body.size() < 24 + block_size * count)
        return cut(body.size(), fmt::format("SR is too short for its {} report blocks "
                                            "(RFC 3550 6.4.1)",
                                            count));
    ByteReader in(body);
    SenderReport r;
    r.ssrc = in.u32();
    r.ntp = in.u64();
    r.rtp_timestamp = in.u32();
    r.packets = in.u32();
    r.octets = in.u32();
    for (int i = 0; i < count; ++i) r.blocks.push_back(read_block(in));
    r.extension = in.rest();
    return Content{std::move(r)};
}

Result<Content> parse_receiver_report(std::uint8_t count, Bytes body) {
    if (body.size() < 4 + block_size * count)
        return cut(body.size(), fmt::format("RR is too short for its {} report blocks "
                                            "(RFC 3550 6.4.2)",
                                            count));
    ByteReader in(body);
    ReceiverReport r;
    r.ssrc = in.u32();
    for (int i = 0; i < count; ++i) r.blocks.push_back(read_block(in));
    r.extension = in.rest();
    return Content{std::move(r)};
}

Result<Content> parse_source_description(std::uint8_t count, Bytes body) {
    SourceDescription d;
    ByteReader in(body);
    for (int i = 0; i < count; ++i) {
        SdesChunk chunk;
        chunk.ssrc = in.u32();
        if (!in.ok())
            return cut(body.size(),
                       fmt::format("SDES ends before chunk {} of {} (RFC 3550 6.5)", i + 1, count));
        while (true) {
            if (in.left() == 0) {
                chunk.terminated = false;
                break;
            }
            const std::size_t at = in.pos();
            const std::uint8_t type = in.u8();
            if (type == 0) {  // nulls up to the next word; the packet starts on one
                in.skip(in.pos() % 4 == 0 ? 0 : 4 - in.pos() % 4);
                break;
            }
            const std::uint8_t length = in.u8();
            const Bytes text = in.take(length);
            if (!in.ok()) return cut(at, "SDES item runs past the end (RFC 3550 6.5)");
            chunk.items.push_back({type, as_text(text)});
        }
        d.chunks.push_back(std::move(chunk));
    }
    return Content{std::move(d)};
}

Result<Content> parse_goodbye(std::uint8_t count, Bytes body) {
    ByteReader in(body);
    Goodbye bye;
    for (int i = 0; i < count; ++i) bye.ssrcs.push_back(in.u32());
    if (!in.ok())
        return cut(body.size(),
                   fmt::format("BYE is too short for its {} sources (RFC 3550 6.6)", count));
    if (in.left() > 0) {
        const std::size_t at = in.pos();
        const std::uint8_t length = in.u8();
        const Bytes reason = in.take(length);
        if (!in.ok()) return cut(at, "BYE reason runs past the end (RFC 3550 6.6)");
        bye.reason = as_text(reason);
    }
    return Content{std::move(bye)};
}

Result<Content> parse_application(std::uint8_t subtype, Bytes body) {
    ByteReader in(body);
    Application app;
    app.subtype = subtype;
    app.ssrc = in.u32();
    for (char& c : app.name) c = static_cast<char>(in.u8());
    if (!in.ok()) return cut(body.size(), "APP has no name (RFC 3550 6.7)");
    app.content = in.rest();
    return Content{app};
}

template <typename T>
Result<Content> as_content(Result<T> result) {
    if (!result) return result.error();
    return Content{std::move(*result)};
}

Result<Content> parse_content(std::uint8_t type, std::uint8_t count, Bytes body) {
    switch (type) {
        case type_sr:
            return parse_sender_report(count, body);
        case type_rr:
            return parse_receiver_report(count, body);
        case type_sdes:
            return parse_source_description(count, body);
        case type_bye:
            return parse_goodbye(count, body);
        case type_app:
            return parse_application(count, body);
        case type_rtpfb:
            return as_content(parse_transport_feedback(count, body));
        case type_psfb:
            return as_content(parse_payload_feedback(count, body));
        case type_xr:
            return as_content(parse_extended_report(body));
        default:
            return Content{Unknown{body}};
    }
}

// Header and length of the packet at `at`; its content, where readable.
std::optional<Error> parse_packet(Bytes datagram, std::size_t at, Compound& compound) {
    const Bytes rest = datagram.subspan(at);
    if (rest.size() < header_size)
        return cut(datagram.size(), "RTCP header is 4 bytes long (RFC 3550 6.4.1)");
    if (rest[0] >> 6 != 2)
        return Error{Errc::unsupported, at, "RTCP version is not 2 (RFC 3550 6.4.1)"};
    const std::size_t size = header_size + std::size_t{4} * load_be16(rest.data() + 2);
    if (size > rest.size())
        return cut(at + 2, fmt::format("RTCP packet of {} bytes, of which {} are there "
                                       "(RFC 3550 6.4.1)",
                                       size, rest.size()));
    Packet packet;
    packet.type = rest[1];
    packet.count = rest[0] & 0x1f;
    packet.offset = static_cast<std::uint32_t>(at);
    packet.size = static_cast<std::uint32_t>(size);
    Bytes body = rest.subspan(header_size, size - header_size);
    std::optional<Error> error;
    if ((rest[0] & 0x20) != 0) {
        if (body.empty() || body.back() == 0 || body.back() > body.size()) {
            error = Error{Errc::malformed, at + size - 1,
                          "RTCP padding count does not fit the packet (RFC 3550 6.4.1)"};
        } else {
            packet.padding = body.back();
            body = body.first(body.size() - packet.padding);
        }
    }
    auto content = error ? Result<Content>(*error) : parse_content(packet.type, packet.count, body);
    if (content) {
        packet.content = std::move(*content);
    } else {
        packet.content = Unknown{body};
        if (!error) {
            error = content.error();
            error->offset += at + header_size;
        }
    }
    compound.packets.push_back(std::move(packet));
    if (error && !compound.error) compound.error = std::move(error);
    return std::nullopt;
}

// ---------------------------------------------------------------- writing

struct BodyWriter {  // appends a body; gives type and count of the header
    Buffer& out;
    std::uint8_t type = 0, count = 0;

    bool operator()(const SenderReport& r) {
        ByteWriter w(out);
        type = type_sr;
        count = static_cast<std::uint8_t>(r.blocks.size());
        w.u32(r.ssrc).u64(r.ntp).u32(r.rtp_timestamp).u32(r.packets).u32(r.octets);
        if (!write_blocks(r.blocks, w)) return false;
        w.put(r.extension);
        return true;
    }
    bool operator()(const ReceiverReport& r) {
        ByteWriter w(out);
        type = type_rr;
        count = static_cast<std::uint8_t>(r.blocks.size());
        w.u32(r.ssrc);
        if (!write_blocks(r.blocks, w)) return false;
        w.put(r.extension);
        return true;
    }
    bool operator()(const SourceDescription& d) {
        ByteWriter w(out);
        type = type_sdes;
        if (d.chunks.size() > max_count) return false;
        count = static_cast<std::uint8_t>(d.chunks.size());
        for (const SdesChunk& chunk : d.chunks) {
            const std::size_t start = out.size();
            w.u32(chunk.ssrc);
            for (const SdesItem& item : chunk.items) {
                if (item.type == 0 || item.text.size() > 255) return false;
                w.u8(item.type).u8(item.text.size()).put(item.text);
            }
            if (!chunk.terminated) {
                // Readable only as the last thing in a packet of whole words.
                if (&chunk != &d.chunks.back() || (out.size() - start) % 4 != 0) return false;
                continue;
            }
            do w.u8(0);
            while ((out.size() - start) % 4 != 0);
        }
        return true;
    }
    bool operator()(const Goodbye& bye) {
        ByteWriter w(out);
        type = type_bye;
        if (bye.ssrcs.size() > max_count) return false;
        count = static_cast<std::uint8_t>(bye.ssrcs.size());
        for (std::uint32_t ssrc : bye.ssrcs) w.u32(ssrc);
        if (!bye.reason) return true;
        if (bye.reason->size() > 255) return false;
        w.u8(bye.reason->size()).put(*bye.reason);
        for (std::size_t n = 1 + bye.reason->size(); n % 4 != 0; ++n) w.u8(0);
        return true;
    }
    bool operator()(const Application& app) {
        type = type_app;
        if (app.subtype > max_count) return false;
        count = app.subtype;
        ByteWriter w(out);
        w.u32(app.ssrc).put(std::string_view(app.name.data(), app.name.size())).put(app.content);
        return true;
    }
    bool operator()(const TransportFeedback& feedback) {
        type = type_rtpfb;
        count = format_of(feedback);
        return count <= max_count && write_body(feedback, out);
    }
    bool operator()(const PayloadFeedback& feedback) {
        type = type_psfb;
        count = format_of(feedback);
        return count <= max_count && write_body(feedback, out);
    }
    bool operator()(const ExtendedReport& report) {
        type = type_xr;
        return write_body(report, out);
    }
    bool operator()(const Unknown& unknown) {  // type and count come from the Packet
        ByteWriter(out).put(unknown.body);
        return count <= max_count;
    }
};

bool append(const Content& content, std::uint8_t type, std::uint8_t count, std::uint8_t padding,
            Buffer& out) {
    const std::size_t start = out.size();
    out.resize(start + header_size);
    BodyWriter writer{out, type, count};
    bool ok = std::visit(writer, content) && padding % 4 == 0;
    for (int i = 1; ok && i < padding; ++i) out.push_back(0);
    if (ok && padding != 0) out.push_back(padding);
    const std::size_t size = out.size() - start;
    if (!ok || size % 4 != 0 || size / 4 - 1 > 0xffff) {
        out.resize(start);
        return false;
    }
    const std::size_t words = size / 4 - 1;
    out[start] = static_cast<std::uint8_t>(0x80 | (padding != 0 ? 0x20 : 0) | writer.count);
    out[start + 1] = writer.type;
    out[start + 2] = static_cast<std::uint8_t>(words >> 8);
    out[start + 3] = static_cast<std::uint8_t>(words);
    return true;
}

}  // namespace

std::string_view sdes_name(std::uint8_t type) {
    switch (type) {
        case 1:
            return "CNAME";
        case 2:
            return "NAME";
        case 3:
            return "EMAIL";
        case 4:
            return "PHONE";
        case 5:
            return "LOC";
        case 6:
            return "TOOL";
        case 7:
            return "NOTE";
        case 8:
            return "PRIV";
        case 15:  // RFC 8843 15.1
            return "MID";
        default:
            return "";
    }
}

Compound parse(Bytes datagram) {
    Compound compound;
    std::size_t at = 0;
    do {
        if (auto error = parse_packet(datagram, at, compound)) {
            if (!compound.error) compound.error = std::move(error);
            return compound;
        }
        at += compound.packets.back().size;
    } while (at < datagram.size());
    return compound;
}

bool is_whole(Bytes datagram, bool cut_off) {
    std::size_t at = 0;
    while (datagram.size() - at >= header_size) {
        const std::uint8_t* p = datagram.data() + at;
        if (p[0] >> 6 != 2 || p[1] < 192 || p[1] > 223) return false;
        if (cut_off) return true;
        const std::size_t size = header_size + std::size_t{4} * load_be16(p + 2);
        if (size > datagram.size() - at) return false;
        at += size;
    }
    return at == datagram.size() && at > 0;
}

bool write(const Packet& packet, Buffer& out) {
    return append(packet.content, packet.type, packet.count, packet.padding, out);
}

bool write(const Content& content, Buffer& out) {
    // An Unknown does not say of what type it is.
    return !std::holds_alternative<Unknown>(content) && append(content, 0, 0, 0, out);
}

Result<Secured> parse_srtcp(Bytes datagram, std::size_t tag_bytes, std::size_t mki_bytes) {
    const std::size_t tail = srtcp_tail + tag_bytes + mki_bytes;
    if (datagram.size() < header_size + 4 + tail)
        return cut(datagram.size(), "SRTCP packet is too short for its tail (RFC 3711 3.4)");
    if (datagram[0] >> 6 != 2)
        return Error{Errc::unsupported, 0, "RTCP version is not 2 (RFC 3550 6.4.1)"};
    const std::uint8_t* p = datagram.data();
    const std::size_t at = datagram.size() - tail;
    const std::uint32_t word = load_be32(p + at);
    Secured secured;
    secured.type = p[1];
    secured.ssrc = load_be32(p + 4);
    secured.encrypted = (word & 0x80000000u) != 0;
    secured.index = word & 0x7fffffffu;
    if (!secured.encrypted) secured.plain = datagram.first(at);
    return secured;
}

}  // namespace sipana::rtcp
