#include "libsipana/rtp/packet.h"

namespace sipana::rtp {

namespace {

constexpr std::uint32_t stun_cookie = 0x2112a442;   // RFC 8489 5
constexpr std::uint32_t zrtp_cookie = 0x5a525450;   // RFC 6189 5: "ZRTP"
constexpr std::uint16_t one_byte_profile = 0xbede;  // RFC 8285 4.2

// Past the CSRC list and the extension; leaves everything behind them in `payload`.
bool read_lists(Bytes datagram, Packet& packet) {
    const std::uint8_t first = datagram[0];
    if (first >> 6 != 2) return false;
    std::size_t at = header_size + std::size_t{4} * (first & 0x0f);
    if (at > datagram.size()) return false;
    packet.csrcs = datagram.subspan(header_size, at - header_size);
    packet.extension = {};
    if ((first & 0x10) != 0) {
        if (datagram.size() - at < 4) return false;
        const std::size_t size = 4 + std::size_t{4} * load_be16(datagram.data() + at + 2);
        if (size > datagram.size() - at) return false;
        packet.extension = datagram.subspan(at, size);
        at += size;
    }
    packet.padding = 0;
    packet.payload = datagram.subspan(at);
    return true;
}

bool is_stun(Bytes d) {
    if (d.size() < 20 || d[0] > 3) return false;
    const std::size_t length = load_be16(d.data() + 2);
    if (length % 4 != 0 || length + 20 > d.size()) return false;
    // RFC 3489 had no cookie: then the length must be exact.
    return load_be32(d.data() + 4) == stun_cookie || length + 20 == d.size();
}

bool is_dtls(Bytes d) {
    if (d[0] < 20 || d[0] > 63 || d.size() < 2) return false;
    // RFC 6347 4.1: type, version fe xx, epoch, sequence number, length.
    if (d[0] < 32) {
        return d.size() >= 13 && d[1] == 0xfe && load_be16(d.data() + 11) + 13u <= d.size();
    }
    // RFC 9147 4: 001CSLEE, with a length that can be held against the datagram only where C is 0.
    if ((d[0] & 0x14) != 0x04) return false;
    const std::size_t at = (d[0] & 0x08) != 0 ? 3 : 2;
    return d.size() >= at + 2 && load_be16(d.data() + at) + at + 2 <= d.size() &&
           load_be16(d.data() + at) >= 16;
}

bool is_turn_channel(Bytes d) {  // RFC 8656 12.4; over UDP the padding is optional
    if (d[0] < 64 || d[0] > 79 || d.size() < 4) return false;
    const std::size_t length = load_be16(d.data() + 2);
    return length + 4 <= d.size() && d.size() - length - 4 < 4;
}

}  // namespace

bool read_options(Bytes datagram, Packet& packet) {
    if (!read_lists(datagram, packet)) return false;
    if ((datagram[0] & 0x20) != 0) {
        const std::size_t size = packet.payload.size();
        if (size == 0 || packet.payload.back() == 0 || packet.payload.back() > size) return false;
        packet.padding = packet.payload.back();
        packet.payload = packet.payload.first(size - packet.padding);
    }
    return true;
}

bool read_cut(Bytes datagram, Packet& packet) {
    if (datagram.size() < header_size) return false;
    const std::uint8_t* p = datagram.data();
    packet.marker = (p[1] & 0x80) != 0;
    packet.payload_type = p[1] & 0x7f;
    packet.sequence = load_be16(p + 2);
    packet.timestamp = load_be32(p + 4);
    packet.ssrc = load_be32(p + 8);
    return read_lists(datagram, packet);
}

Result<Packet> parse(Bytes datagram) {
    Packet packet;
    if (read(datagram, packet)) return packet;
    // Only a packet that is refused pays for finding out why.
    if (datagram.size() < header_size)
        return Error{Errc::truncated, datagram.size(),
                     "RTP header is 12 bytes long (RFC 3550 5.1)"};
    if (datagram[0] >> 6 != 2)
        return Error{Errc::unsupported, 0, "RTP version is not 2 (RFC 3550 5.1)"};
    const std::size_t list = header_size + std::size_t{4} * (datagram[0] & 0x0f);
    if (list > datagram.size())
        return Error{Errc::truncated, header_size,
                     "RTP CSRC list runs past the end (RFC 3550 5.1)"};
    if (!read_lists(datagram, packet))
        return Error{Errc::truncated, list,
                     "RTP header extension runs past the end (RFC 3550 5.3.1)"};
    return Error{Errc::malformed, datagram.size() - 1,
                 "RTP padding count does not fit the payload (RFC 3550 5.1)"};
}

bool write(const Packet& p, Buffer& out) {
    if (p.payload_type > 127 || p.csrcs.size() % 4 != 0 || p.csrcs.size() > 60) return false;
    if (!p.extension.empty() && (p.extension.size() < 4 ||
                                 p.extension.size() != 4u + 4u * load_be16(p.extension.data() + 2)))
        return false;
    ByteWriter w(out);
    w.u8(0x80u | (p.padding != 0 ? 0x20u : 0u) | (p.extension.empty() ? 0u : 0x10u) |
         p.csrcs.size() / 4)
        .u8((p.marker ? 0x80u : 0u) | p.payload_type)
        .u16(p.sequence)
        .u32(p.timestamp)
        .u32(p.ssrc)
        .put(p.csrcs)
        .put(p.extension)
        .put(p.payload);
    for (int i = 1; i < p.padding; ++i) w.u8(0);
    if (p.padding != 0) w.u8(p.padding);
    return true;
}

ExtensionElements::ExtensionElements(Bytes extension) {
    if (extension.size() < 4) return;
    const std::uint16_t profile = load_be16(extension.data());
    if (profile == one_byte_profile) form_ = Form::one_byte;
    // RFC 8285 4.3: the low four bits are "appbits", anything.
    if ((profile & 0xfff0) == 0x1000) form_ = Form::two_byte;
    if (form_ != Form::other) rest_ = extension.subspan(4);
}

std::optional<ExtensionElements::Element> ExtensionElements::next() {
    while (!rest_.empty() && rest_[0] == 0) rest_ = rest_.subspan(1);  // padding
    if (rest_.empty()) return std::nullopt;
    std::size_t header = 1, size = 0;
    Element element;
    if (form_ == Form::one_byte) {
        element.id = rest_[0] >> 4;
        size = (rest_[0] & 0x0fu) + 1u;
    } else {
        header = 2;
        element.id = rest_[0];
        size = rest_.size() < 2 ? rest_.size() : rest_[1];
    }
    // RFC 8285 4.2: one-byte id 15, and id 0 with a length, end the list.
    const bool stops = form_ == Form::one_byte && (element.id == 15 || element.id == 0);
    if (stops || header + size > rest_.size()) {
        ok_ = stops && element.id == 15;
        rest_ = {};
        return std::nullopt;
    }
    element.value = rest_.subspan(header, size);
    rest_ = rest_.subspan(header + size);
    return element;
}

bool is_rtcp(Bytes d) {
    if (d.size() < 4 || d[0] >> 6 != 2 || d[1] < 192 || d[1] > 223) return false;
    const bool in_use = d[1] <= 195 || (d[1] >= 200 && d[1] <= 213);
    return in_use || load_be16(d.data() + 2) * 4u + 4u <= d.size();
}

bool looks_like_rtp(Bytes datagram) {
    Packet packet;
    return read(datagram, packet) && datagram[0] >> 6 == 2 && !is_rtcp(datagram) &&
           !(packet.payload_type >= 72 && packet.payload_type <= 76);
}

Content classify(Bytes d) {
    if (d.empty()) return Content::other;
    if (d[0] >> 6 == 2) {
        if (is_rtcp(d)) return Content::rtcp;
        Packet packet;
        return read(d, packet) ? Content::rtp : Content::other;
    }
    if (is_stun(d)) return Content::stun;
    if (d[0] >= 16 && d[0] <= 19 && d.size() >= 12 && load_be32(d.data() + 4) == zrtp_cookie)
        return Content::zrtp;
    if (is_dtls(d)) return Content::dtls;
    if (is_turn_channel(d)) return Content::turn_channel;
    return Content::other;
}

}  // namespace sipana::rtp
