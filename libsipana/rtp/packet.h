// RTP data packets (RFC 3550 section 5.1), their header extensions (RFC 8285), and telling RTP from
// what else arrives at a media port (RFC 7983, RFC 5761 section 4).
//
// A Packet views the datagram that it was read from: keep that buffer alive.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//   |                           timestamp                           |
//   |           synchronization source (SSRC) identifier            |
//   |            contributing source (CSRC) identifiers ...         |
//   |  X=1:  defined by profile     |   length in 32-bit words      |
//   |                       header extension ...                    |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#pragma once

#include <cstdint>
#include <optional>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"

namespace sipana::rtp {

inline constexpr std::size_t header_size = 12;

struct Packet {
    Bytes payload;    // padding removed
    Bytes csrcs;      // CC x 4 bytes
    Bytes extension;  // from "defined by profile" on; empty when X=0
    std::uint32_t timestamp = 0;
    std::uint32_t ssrc = 0;
    std::uint16_t sequence = 0;
    std::uint8_t payload_type = 0;  // 7 bits
    std::uint8_t padding = 0;       // bytes, the count byte included; 0 when P=0
    bool marker = false;
};

Result<Packet> parse(Bytes datagram);
// Appends the packet: padding as zeros and the count. False, and nothing is appended, where a field
// does not fit the header (csrcs of no or more than 15 words, extension without its length).
bool write(const Packet& packet, Buffer& out);

// The packet of a datagram that the snap length cut: its padding count is gone, so what is left of
// payload and padding stays in `payload`.
bool read_cut(Bytes datagram, Packet& packet);
// read() of a packet with CSRCs, an extension or padding.
bool read_options(Bytes datagram, Packet& packet);

// parse() for the hot path: says no instead of why.
inline bool read(Bytes datagram, Packet& packet) {
    if (datagram.size() < header_size) return false;
    const std::uint8_t* p = datagram.data();
    packet.marker = (p[1] & 0x80) != 0;
    packet.payload_type = p[1] & 0x7f;
    packet.sequence = load_be16(p + 2);
    packet.timestamp = load_be32(p + 4);
    packet.ssrc = load_be32(p + 8);
    if (p[0] != 0x80) return read_options(datagram, packet);
    packet.csrcs = {};
    packet.extension = {};
    packet.padding = 0;
    packet.payload = datagram.subspan(header_size);
    return true;
}

// The elements of a header extension in the one-byte (0xBEDE) or two-byte (0x100x) form.
// Elements before a broken one are given (RFC 8285 4.2); then ok() is false.
class ExtensionElements {
public:
    struct Element {
        std::uint8_t id = 0;
        Bytes value;
    };
    explicit ExtensionElements(Bytes extension);
    std::optional<Element> next();
    bool known_form() const { return form_ != Form::other; }
    bool ok() const { return ok_; }

private:
    enum class Form : std::uint8_t { one_byte, two_byte, other };
    Bytes rest_;
    Form form_ = Form::other;
    bool ok_ = true;
};

// What a datagram at a media port is, by its first bytes (RFC 7983 section 7). The ranges alone
// would call text DTLS or TURN, so lengths, versions and magic cookies must agree as well.
enum class Content : std::uint8_t { rtp, rtcp, stun, dtls, zrtp, turn_channel, other };
Content classify(Bytes datagram);

// RFC 5761 section 4: with version 2, a second byte of 192 to 223 is an RTCP packet type, that is a
// payload type of 64 to 95 with the marker. Beyond the types in use (192-195, 200-213) the length
// must fit as well, since old senders use such payload types where RTCP has its own port.
bool is_rtcp(Bytes datagram);
// Could be RTP, by one packet alone: header readable, padding possible, neither RTCP nor one of the
// payload types 72 to 76 that RFC 3551 section 6 reserves. Random bytes often pass: several packets
// must agree before a stream is believed.
bool looks_like_rtp(Bytes datagram);

}  // namespace sipana::rtp
