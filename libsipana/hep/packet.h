// HEP packet: a captured packet as a capture agent sends it to a collector: HEP3 (Homer
// Encapsulation Protocol, "HEP3 Network Protocol Specification" rev. 36), and the older versions 1
// and 2, which are read.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |      'H'      |      'E'      |      'P'      |      '3'      |
//   |          total length         |       vendor of a chunk       |
//   |         type of chunk         |  its length, these 6 included |
//   |  content ...                                                  |
//
// A Packet views the bytes that it was read from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/endpoint.h"
#include "libsipana/base/finding.h"
#include "libsipana/base/result.h"
#include "libsipana/base/time.h"

namespace sipana::hep {

inline constexpr std::size_t head_size = 6;        // of a packet, and of a chunk
inline constexpr std::size_t most_bytes = 65'535;  // that the total length can say

// Chunk 11: what the payload is. Others are logs, statistics and protocols that we do not read.
inline constexpr std::uint8_t type_sip = 1, type_rtp = 4, type_rtcp = 5, type_log = 100;
std::string_view name_of_type(std::uint8_t type);  // "SIP", "RTCP", "log"; empty: not assigned

// Chunk 2: an IP protocol number. Kamailio and OpenSIPS say 22 for TLS and 50 for WebSocket.
inline constexpr std::uint8_t protocol_tcp = 6, protocol_udp = 17, protocol_tls = 22,
                              protocol_ws = 50, protocol_wss = 51, protocol_sctp = 132;
std::uint8_t protocol_of(Transport transport);     // 6, 17 or 132: what every collector knows
Transport transport_of(std::uint8_t ip_protocol);  // UDP where it is none of these

struct Packet {
    std::uint8_t version = 3;
    std::uint8_t protocol = protocol_udp;
    std::uint8_t type = type_sip;
    Endpoint src, dst;    // of the captured packet; an address is empty where there is none
    Time time = no_time;  // when it was captured, to the microsecond
    std::uint32_t agent = 0;
    std::optional<std::uint16_t> keep_alive_s;
    std::string_view key;  // the agent's authentication key: a secret, never shown
    Bytes payload;
    bool compressed = false;  // the payload is, by zlib or gzip (RFC 1950, RFC 1952): see Inflater
    std::string_view correlation;  // usually the Call-ID
    std::optional<std::uint16_t> vlan;
    std::string_view node;
    std::optional<std::uint16_t> mos_hundredths;

    std::uint32_t skipped = 0;   // chunks of a vendor, or of a type that is not read
    std::uint32_t repeated = 0;  // chunks of a type that came before; the first of them holds

    // Of what was sent: skipped and repeated chunks are not compared.
    bool operator==(const Packet& other) const;
};

bool looks_like_hep(Bytes bytes);  // its first bytes, by any version

// Lenient: missing chunks leave their default. Errors name the byte. Bytes behind the total length
// are not looked at.
Result<Packet> parse(Bytes bytes);
// Appends HEP3. Errc::malformed: the addresses are of two families, or the time does not fit
// (before 1970 or past 2106). Errc::too_large: the whole would be longer than most_bytes.
// Errc::unsupported: another version.
Status write(const Packet& packet, Buffer& out);
// What the specification asks for beyond what parse() does.
std::vector<Finding> check(Bytes bytes);

}  // namespace sipana::hep
