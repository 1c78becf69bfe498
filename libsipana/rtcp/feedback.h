// RTCP feedback: RTPFB and PSFB packets (RFC 4585 section 6, RFC 5104, RFC 8888, transport-wide
// congestion control, REMB).
//
//   |V=2|P|   FMT   |   PT 205/206  |          length               |
//   |                  SSRC of packet sender                        |
//   |                  SSRC of media source                         |
//   |                  feedback control information (FCI) ...       |
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"

namespace sipana::rtcp {

// Transport layer, PT 205.
struct Nack {  // FMT 1, RFC 4585 6.2.1
    struct Pair {
        std::uint16_t pid = 0;  // a lost packet
        std::uint16_t blp = 0;  // bit n: pid + n + 1 is lost as well
        bool operator==(const Pair&) const = default;
    };
    std::vector<Pair> pairs;
    std::vector<std::uint16_t> lost() const;  // at most 17 a pair
};

struct Tmmb {  // FMT 3 TMMBR and 4 TMMBN, RFC 5104 4.2
    struct Entry {
        std::uint32_t ssrc = 0;
        std::uint8_t exponent = 0;   // 6 bits
        std::uint32_t mantissa = 0;  // 17 bits
        std::uint16_t overhead = 0;  // 9 bits
        bool operator==(const Entry&) const = default;
        double bitrate() const;  // bit/s
    };
    bool notification = false;  // TMMBN
    std::vector<Entry> entries;
};

struct TransportCc {  // FMT 15, draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1
    struct Arrival {
        std::uint16_t sequence = 0;
        std::int32_t delta = 0;  // after the arrival before it, or the reference time; in 250 us
        bool large = false;      // sent in two bytes
        bool operator==(const Arrival&) const = default;
    };
    std::uint16_t base = 0;           // first sequence number spoken of
    std::uint16_t count = 0;          // how many are spoken of
    std::int32_t reference_time = 0;  // 24 bits, signed, in 64 ms
    std::uint8_t feedback_count = 0;
    std::vector<Arrival> arrivals;  // the others of `count` did not arrive
};

struct CongestionControl {  // FMT 11, RFC 8888 3.1
    struct Metric {
        bool received = false;
        std::uint8_t ecn = 0;      // 2 bits
        std::uint16_t offset = 0;  // 13 bits, 1/1024 s before the report
        bool operator==(const Metric&) const = default;
    };
    struct Block {
        std::uint32_t ssrc = 0;
        std::uint16_t begin = 0;
        std::vector<Metric> metrics;
        bool operator==(const Block&) const = default;
    };
    std::vector<Block> blocks;
    std::uint32_t timestamp = 0;  // middle 32 bits of NTP time
};

struct UnknownFeedback {
    Bytes fci;
};

struct TransportFeedback {
    std::uint8_t format = 0;
    // CCFB has no media source field: media_ssrc is that of its first block, and 0 without one.
    std::uint32_t sender_ssrc = 0, media_ssrc = 0;
    std::variant<UnknownFeedback, Nack, Tmmb, TransportCc, CongestionControl> content;
};

// Payload-specific, PT 206.
struct Pli {};  // FMT 1, RFC 4585 6.3.1

struct Sli {  // FMT 2, RFC 4585 6.3.2
    struct Slice {
        std::uint16_t first = 0, number = 0;  // macroblocks, 13 bits each
        std::uint8_t picture = 0;             // 6 bits
        bool operator==(const Slice&) const = default;
    };
    std::vector<Slice> slices;
};

struct Rpsi {  // FMT 3, RFC 4585 6.3.3
    std::uint8_t payload_type = 0;
    std::uint8_t padding_bits = 0;
    Bytes bits;  // the native reference, padding bits included
};

struct Fir {  // FMT 4, RFC 5104 4.3.1
    struct Entry {
        std::uint32_t ssrc = 0;
        std::uint8_t sequence = 0;
        bool operator==(const Entry&) const = default;
    };
    std::vector<Entry> entries;
};

struct Remb {                    // FMT 15 with "REMB", draft-alvestrand-rmcat-remb-03 2.2
    std::uint8_t exponent = 0;   // 6 bits
    std::uint32_t mantissa = 0;  // 18 bits
    std::vector<std::uint32_t> ssrcs;
    double bitrate() const;  // bit/s
};

struct PayloadFeedback {
    std::uint8_t format = 0;
    std::uint32_t sender_ssrc = 0, media_ssrc = 0;
    std::variant<UnknownFeedback, Pli, Sli, Rpsi, Fir, Remb> content;
};

// "NACK", "TMMBR", "TMMBN", "TWCC", "CCFB"; "PLI", "SLI", "RPSI", "FIR", "REMB", "AFB"; else
// "RTPFB", "PSFB".
std::string_view name_of(const TransportFeedback& feedback);
std::string_view name_of(const PayloadFeedback& feedback);

// `body` is what stands after the four header bytes, padding removed; Error::offset is within it.
Result<TransportFeedback> parse_transport_feedback(std::uint8_t format, Bytes body);
Result<PayloadFeedback> parse_payload_feedback(std::uint8_t format, Bytes body);
// Append the body, padded to whole words by zeros. False where a value does not fit its field.
bool write_body(const TransportFeedback& feedback, Buffer& out);
bool write_body(const PayloadFeedback& feedback, Buffer& out);
// The format to put into the header.
std::uint8_t format_of(const TransportFeedback& feedback);
std::uint8_t format_of(const PayloadFeedback& feedback);

}  // namespace sipana::rtcp
