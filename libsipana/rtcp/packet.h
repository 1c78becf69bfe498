// RTCP packets (RFC 3550 section 6): the compound datagram and the packets within it.
//
// Everything parsed views the datagram: keep that buffer alive. Round-trip time: rtcp/round_trip.h.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |V=2|P|  count  |      type     |  length in words, minus one   |
//   |                          the type's own ...                   |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"
#include "libsipana/rtcp/feedback.h"
#include "libsipana/rtcp/xr.h"

namespace sipana::rtcp {

enum Type : std::uint8_t {  // RFC 3550 12.1, RFC 4585 6.1, RFC 3611 5.1
    type_sr = 200,
    type_rr = 201,
    type_sdes = 202,
    type_bye = 203,
    type_app = 204,
    type_rtpfb = 205,
    type_psfb = 206,
    type_xr = 207,
};

struct ReportBlock {                   // RFC 3550 6.4.1, 24 bytes
    std::uint32_t ssrc = 0;            // the stream it speaks of
    std::uint8_t fraction_lost = 0;    // of 256, since the last report
    std::int32_t cumulative_lost = 0;  // 24 bits, signed: negative with duplicates (trap 23)
    std::uint32_t extended_sequence = 0;
    std::uint32_t jitter = 0;  // timestamp units
    std::uint32_t lsr = 0;     // middle 32 bits of the last SR's NTP time; 0: none received
    std::uint32_t dlsr = 0;    // since then, in 1/65536 s
    bool operator==(const ReportBlock&) const = default;
};

struct SenderReport {  // RFC 3550 6.4.1
    std::uint32_t ssrc = 0;
    std::uint64_t ntp = 0;  // 32.32
    std::uint32_t rtp_timestamp = 0, packets = 0, octets = 0;
    std::vector<ReportBlock> blocks;
    Bytes extension;  // profile-specific, what stands after the blocks
};

struct ReceiverReport {  // RFC 3550 6.4.2
    std::uint32_t ssrc = 0;
    std::vector<ReportBlock> blocks;
    Bytes extension;
};

struct SdesItem {  // RFC 3550 6.5: 1 CNAME 2 NAME 3 EMAIL 4 PHONE 5 LOC 6 TOOL 7 NOTE 8 PRIV 15 MID
    std::uint8_t type = 0;
    std::string_view text;  // of PRIV: prefix length, prefix, value
};
std::string_view sdes_name(std::uint8_t type);  // "CNAME"; "" if unknown

struct SdesChunk {
    std::uint32_t ssrc = 0;
    std::vector<SdesItem> items;
    bool terminated = true;  // false: the packet ends where a null octet should (still readable)
};

struct SourceDescription {
    std::vector<SdesChunk> chunks;
};

struct Goodbye {  // RFC 3550 6.6
    std::vector<std::uint32_t> ssrcs;
    std::optional<std::string_view> reason;
};

struct Application {  // RFC 3550 6.7
    std::uint8_t subtype = 0;
    std::uint32_t ssrc = 0;
    std::array<char, 4> name{};
    Bytes content;
};

struct Unknown {  // a type that we do not read; its body
    Bytes body;
};

using Content = std::variant<SenderReport, ReceiverReport, SourceDescription, Goodbye, Application,
                             TransportFeedback, PayloadFeedback, ExtendedReport, Unknown>;

struct Packet {
    std::uint8_t type = 0;     // as on the wire
    std::uint8_t count = 0;    // the five bits after P: blocks, chunks, sources, subtype or format
    std::uint8_t padding = 0;  // bytes
    std::uint32_t offset = 0, size = 0;  // within the datagram, header and padding included
    Content content;
};

// The packets that could be read, and the first thing that could not (trap 29). A packet whose
// length is right but whose content is not is an Unknown, and reading goes on behind it; a broken
// header or a cut-off end stops.
struct Compound {
    std::vector<Packet> packets;
    std::optional<Error> error;  // offset is within the datagram
};

// RFC 2032 5.2.1, an Unknown here: FIR of the time before feedback, which names no stream but goes
// to its sender. Phones send it still where no feedback is agreed on.
inline constexpr std::uint8_t full_intra_request = 192;

Compound parse(Bytes datagram);
// Headers of version 2 and lengths that add up to the datagram: where nothing else says that it is
// RTCP. Of one that the snap length `cut` the first header only.
bool is_whole(Bytes datagram, bool cut = false);

// Append one packet, `padding` bytes (a multiple of four, below 256) at its end. False, and nothing
// is appended, where the content does not fit a packet. type, count, offset and size of a Packet
// are not used but of Unknown, whose type and count are written as they are.
bool write(const Packet& packet, Buffer& out);
bool write(const Content& content, Buffer& out);

// SRTCP (RFC 3711 3.4): header and first SSRC are clear, the rest may be encrypted. Whether a
// datagram is SRTCP, only its SDP or key exchange can tell: ask only then.
struct Secured {
    std::uint8_t type = 0;
    std::uint32_t ssrc = 0;
    bool encrypted = false;   // the E bit
    std::uint32_t index = 0;  // 31 bits
    Bytes plain;              // with E=0: the compound packet, readable by parse()
};
Result<Secured> parse_srtcp(Bytes datagram, std::size_t tag_bytes = 10, std::size_t mki_bytes = 0);

}  // namespace sipana::rtcp
