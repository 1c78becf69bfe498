// The values of SDP lines and attributes (RFC 8866 and the RFCs named beside each), read on demand.
//
// Each parse_ function takes the value alone: what stands after "c=" or after "a=rtpmap:". All
// views look into that value. They are lenient where the meaning is plain (several blanks, any
// case); nullopt means that it cannot be told what was meant. What a sender must not do is
// sdp/check's matter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libsipana/base/endpoint.h"

namespace sipana::sdp {

enum class Direction : std::uint8_t { sendrecv, sendonly, recvonly, inactive };
std::string_view to_string(Direction direction);
std::optional<Direction> direction_of(std::string_view name);  // "sendonly", any case
constexpr bool sends(Direction d) { return d == Direction::sendrecv || d == Direction::sendonly; }
constexpr bool receives(Direction d) {
    return d == Direction::sendrecv || d == Direction::recvonly;
}
constexpr Direction direction_of(bool sends, bool receives) {
    return sends ? (receives ? Direction::sendrecv : Direction::sendonly)
                 : (receives ? Direction::recvonly : Direction::inactive);
}

// The next blank-separated word of `rest`; empty at its end.
std::string_view next_word(std::string_view& rest);

// ---------------------------------------------------------------- lines

struct Origin {  // o= (RFC 8866 5.2)
    std::string_view username, session_id, session_version, nettype, addrtype, host;
};
std::optional<Origin> parse_origin(std::string_view value);

struct Connection {  // c= (RFC 8866 5.7)
    std::string_view nettype, addrtype;
    std::string_view host;             // without "/ttl/count"
    Address address;                   // empty if `host` is a name
    bool unspecified = false;          // 0.0.0.0 or ::
    std::optional<std::uint32_t> ttl;  // IP4 multicast
    std::uint32_t count = 1;           // of consecutive multicast addresses
};
std::optional<Connection> parse_connection(std::string_view value);

struct MediaField {                // m= (RFC 8866 5.14)
    std::string_view media;        // "audio", "video", "image", ...
    std::string_view protocol;     // "RTP/AVP", "UDP/TLS/RTP/SAVPF", "udptl", ...
    std::string_view formats;      // blank-separated, as written
    std::uint16_t port = 0;        // 0: refused or withdrawn; or not readable
    std::uint32_t port_count = 1;  // "49170/2"
    bool port_readable = false;
};
MediaField parse_media(std::string_view value);  // takes anything: what is missing stays empty

struct Bandwidth {  // b= (RFC 8866 5.8); kbit/s for CT and AS, bit/s for TIAS, RS and RR
    std::string_view type;
    std::uint64_t value = 0;
};
std::optional<Bandwidth> parse_bandwidth(std::string_view value);

struct Timing {  // t= (RFC 8866 5.9), seconds since 1900; 0 0 is a session without end
    std::uint64_t start = 0, stop = 0;
};
std::optional<Timing> parse_timing(std::string_view value);

struct Repeat {  // r= (RFC 8866 5.10), seconds
    std::int64_t interval = 0, duration = 0;
    std::string_view offsets;  // as written; take words, each a parse_typed_time()
};
std::optional<Repeat> parse_repeat(std::string_view value);
std::optional<std::int64_t> parse_typed_time(std::string_view word);  // "7d", "-1h", "3600"

struct Key {  // k= (RFC 8866 5.12, obsolete)
    std::string_view method;
    std::string_view secret;  // do not show
};
Key parse_key(std::string_view value);

// ---------------------------------------------------------------- codecs and packets

struct Rtpmap {  // RFC 8866 6.6
    std::uint8_t payload_type = 0;
    std::string_view encoding;
    std::uint32_t clock_hz = 0;
    std::uint32_t channels = 1;
};
std::optional<Rtpmap> parse_rtpmap(std::string_view value);

struct Fmtp {                     // RFC 8866 6.15
    std::string_view format;      // of RTP, a payload type
    std::string_view parameters;  // "profile-level-id=42e01f;packetization-mode=1"
};
std::optional<Fmtp> parse_fmtp(std::string_view value);
// The value of one parameter of a list separated by semicolons; names in any case.
std::optional<std::string_view> parameter(std::string_view parameters, std::string_view name);

struct RtcpAttribute {  // RFC 3605 2.1
    std::uint16_t port = 0;
    std::optional<Connection> connection;
};
std::optional<RtcpAttribute> parse_rtcp(std::string_view value);
// Where RTCP goes: as a=rtcp says, else to the port above RTP's; port 0 with RTP's.
Endpoint rtcp_endpoint(const Endpoint& rtp, const std::optional<RtcpAttribute>& said);
// The same of a side that has rtcp-mux: a=rtcp names the fallback, or nothing (port 9, address
// 0.0.0.0).
Endpoint rtcp_endpoint_with_mux(const Endpoint& rtp, const std::optional<RtcpAttribute>& said);

struct RtcpFeedback {                          // RFC 4585 4.2
    std::optional<std::uint8_t> payload_type;  // nullopt: "*", all
    std::string_view what;                     // "nack pli"
};
std::optional<RtcpFeedback> parse_rtcp_fb(std::string_view value);

// a=ptime, a=maxptime (RFC 8866 6.4, 6.5): milliseconds, rounded; a fraction is allowed.
std::optional<std::uint32_t> parse_milliseconds(std::string_view value);
std::optional<double> parse_framerate(std::string_view value);  // RFC 8866 6.13

struct Extmap {  // RFC 8285 5
    std::uint16_t id = 0;
    std::optional<Direction> direction;
    std::string_view uri, attributes;
};
std::optional<Extmap> parse_extmap(std::string_view value);

struct Imageattr {                             // RFC 6236 3.1
    std::optional<std::uint8_t> payload_type;  // nullopt: "*"
    std::string_view send, recv;               // "[x=800,y=640]..." or "*"; empty if not given
};
std::optional<Imageattr> parse_imageattr(std::string_view value);

// ---------------------------------------------------------------- sources and streams

struct Ssrc {  // RFC 5576 4.1
    std::uint32_t ssrc = 0;
    std::string_view attribute, value;  // "cname", "user@host"
};
std::optional<Ssrc> parse_ssrc(std::string_view value);

struct Group {                   // a=group (RFC 5888 5) and a=ssrc-group (RFC 5576 4.2)
    std::string_view semantics;  // "BUNDLE", "LS", "FID"
    std::string_view members;    // mids or SSRCs; take words
};
std::optional<Group> parse_group(std::string_view value);

struct Msid {  // RFC 8830 2
    std::string_view id, appdata;
};
std::optional<Msid> parse_msid(std::string_view value);

struct Rid {  // RFC 8851 4
    std::string_view id;
    bool send = false;
    std::string_view restrictions;  // "pt=97;max-width=1280"
};
std::optional<Rid> parse_rid(std::string_view value);

struct Simulcast {  // RFC 8853 5.1; each is "1;~2,3"
    std::string_view send, recv;
};
std::optional<Simulcast> parse_simulcast(std::string_view value);

// ---------------------------------------------------------------- ICE, DTLS, SDES

struct Candidate {  // RFC 8839 5.1
    std::string_view foundation;
    std::uint32_t component = 0;
    std::string_view transport;
    std::uint32_t priority = 0;
    std::string_view host;  // an address or a name (mDNS)
    Endpoint endpoint;      // the address is empty if `host` is a name
    std::string_view type;  // "host", "srflx", "prflx", "relay"
    std::string_view related_host;
    std::uint16_t related_port = 0;
    std::string_view extensions;  // name and value in turn
};
std::optional<Candidate> parse_candidate(std::string_view value);
std::string to_string(const Candidate& candidate);  // "host udp 192.0.2.1:5000"

struct Fingerprint {               // RFC 8122 5
    std::string_view hash, value;  // "sha-256", "AB:CD:..."
};
std::optional<Fingerprint> parse_fingerprint(std::string_view value);
// Octets that this hash function yields; 0 if it is none of the registered ones.
std::size_t fingerprint_octets(std::string_view hash);

struct Crypto {  // RFC 4568 9.1
    std::uint32_t tag = 0;
    std::string_view suite;
    std::string_view secret;              // key parameters, "inline:...": do not show
    std::string_view session_parameters;  // "UNENCRYPTED_SRTCP"
};
std::optional<Crypto> parse_crypto(std::string_view value);

// The part of an attribute's value that must not be shown: the keys of a=crypto, the password of
// a=ice-pwd, the parameters of a=key-mgmt. Empty if there is none.
std::string_view secret_of(std::string_view attribute_name, std::string_view value);

}  // namespace sipana::sdp
