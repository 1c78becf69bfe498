// Datagram and Chunk: what the network layers hand upwards, and the account of every frame.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "libsipana/base/bytes.h"
#include "libsipana/base/endpoint.h"
#include "libsipana/base/finding.h"
#include "libsipana/base/time.h"

namespace sipana::net {

// A frame as the decoder takes it (pcap::Frame without the file's matters).
struct Link {
    std::uint64_t frame = 0;  // 1-based number
    Time time{};
    std::uint16_t link_type = 0;  // LINKTYPE_ value
    Bytes bytes;
    std::uint32_t wire_size = 0;
    bool stable = false;  // the bytes live as long as the input (mapped file)
};

// One UDP datagram, or one complete SCTP user message. Where later fragments never came, the part
// before the first gap is handed on, `cut`, when the wait is over: with the frame and time of its
// first fragment, and so out of order (up to 30 s back).
struct Datagram {
    std::uint64_t frame = 0;  // the frame that completed it
    Time time{};
    Endpoint src, dst;
    Transport transport = Transport::udp;
    std::uint8_t dscp = 0;
    bool stable = false;       // payload lives as long as the input; otherwise for one callback
    bool cut = false;          // the snap length cut the end off
    std::uint32_t absent = 0;  // bytes of the payload that it took, as far as is known
    Bytes payload;
};

// The next bytes of one direction of a TCP connection, in order and each once. Bytes behind a gap
// that was given up carry the frame and time of the segment that brought them (up to 2 s back).
struct Chunk {
    std::uint64_t connection = 0;  // unique for each direction of each connection
    std::uint64_t frame = 0;       // the frame whose arrival made these bytes readable
    Time time{};
    Endpoint src, dst;
    std::uint64_t missing = 0;  // bytes never captured that stood right before `bytes`
    bool first = false;         // the first bytes seen of this direction
    bool from_start = false;    // with `first`: the SYN was seen, so nothing came before
    bool last = false;          // FIN, RST or time-out: nothing follows
    Bytes bytes;                // for one callback; may be empty with `last` or `missing`
};

// What became of a frame. Every frame counts once, under the first of these that fits it:
// received = delivered + held + ignored + malformed.
enum class Fate : std::uint8_t {
    delivered,          // gave a datagram or a chunk, or had nothing new to give: a TCP segment or
                        // SCTP packet without payload, or one that repeats what was seen
    held,               // a fragment or segment waiting for its neighbours when it arrived
    not_ip,             // ARP, LLDP, ...: ignored
    other_transport,    // IP, but not UDP, TCP, SCTP or a tunnel we open: ignored
    unknown_link_type,  // ignored
    cut_short,          // malformed: a header runs past the end of the frame
    bad_header,         // malformed: a length, version, offset or sequence number contradicts
                        // itself or what came before
    too_deep,           // malformed: more nested tunnels than we open
    over_cap,           // dropped: a memory cap of ours was reached
};
inline constexpr std::size_t fates = 9;
std::string_view to_string(Fate fate);  // "not-ip", "cut-short", ...

// Findings of one rule that are handed on; the rest are counted.
inline constexpr std::uint32_t findings_per_rule = 100;

struct Accounting {
    std::uint64_t frames = 0;
    std::array<std::uint64_t, fates> by_fate{};
    std::uint64_t datagrams = 0, chunks = 0;
    std::uint64_t fragments = 0, fragments_expired = 0;           // IP fragments seen; given up
    std::uint64_t retransmitted_segments = 0, missing_bytes = 0;  // TCP
    std::uint64_t findings_withheld = 0;                          // beyond findings_per_rule
    std::uint64_t operator[](Fate fate) const { return by_fate[static_cast<std::size_t>(fate)]; }
};

// Receives what the decoder finds, in capture order, within decode() or finish().
class Sink {
public:
    virtual ~Sink() = default;
    virtual void on_datagram(const Datagram& datagram) = 0;
    virtual void on_chunk(const Chunk& chunk) = 0;
    virtual void on_finding(Finding finding) = 0;
};

}  // namespace sipana::net
