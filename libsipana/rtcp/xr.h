// RTCP extended reports (RFC 3611): packet type 207 and its blocks.
//
//   |V=2|P|reserved |   PT=XR=207   |             length            |
//   |                              SSRC                             |
//   |      BT       | type-specific |         block length          |  repeated
//   |                     type-specific contents                    |
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"

namespace sipana::rtcp {

struct RunLengths {  // BT 1 loss RLE and 2 duplicate RLE, RFC 3611 4.1, 4.2
    bool duplicates = false;
    std::uint8_t thinning = 0;  // 4 bits: every 2^thinning-th packet is spoken of
    std::uint32_t ssrc = 0;
    std::uint16_t begin = 0, end = 0;   // end is one beyond the last
    std::vector<std::uint16_t> chunks;  // as sent, terminating nulls too
    // Of packets begin .. end-1: received (loss RLE), or not a duplicate (duplicate RLE), as the
    // bits say. At most 65535 entries; shorter where the chunks are.
    std::vector<bool> bits() const;
};

struct ReceiptTimes {  // BT 3, RFC 3611 4.3
    std::uint8_t thinning = 0;
    std::uint32_t ssrc = 0;
    std::uint16_t begin = 0, end = 0;
    std::vector<std::uint32_t> times;  // RTP timestamp units
};

struct ReferenceTime {  // BT 4, RFC 3611 4.4
    std::uint64_t ntp = 0;
};

struct DelaySinceReference {  // BT 5 DLRR, RFC 3611 4.5
    struct Entry {
        std::uint32_t ssrc = 0, lrr = 0, dlrr = 0;
        bool operator==(const Entry&) const = default;
    };
    std::vector<Entry> entries;
};

struct StatisticsSummary {  // BT 6, RFC 3611 4.6; a value counts only where its flag is set
    bool has_loss = false, has_duplicates = false, has_jitter = false;
    std::uint8_t ttl_kind = 0;  // 0 none, 1 IPv4 TTL, 2 IPv6 hop limit
    std::uint32_t ssrc = 0;
    std::uint16_t begin = 0, end = 0;
    std::uint32_t lost = 0, duplicates = 0;
    std::uint32_t min_jitter = 0, max_jitter = 0, mean_jitter = 0, dev_jitter = 0;
    std::uint8_t min_ttl = 0, max_ttl = 0, mean_ttl = 0, dev_ttl = 0;
    bool operator==(const StatisticsSummary&) const = default;
};

struct VoipMetrics {  // BT 7, RFC 3611 4.7; 127 in a level or score: unavailable (trap 28)
    std::uint32_t ssrc = 0;
    std::uint8_t loss_rate = 0, discard_rate = 0;     // of 256
    std::uint8_t burst_density = 0, gap_density = 0;  // of 256
    std::uint16_t burst_duration_ms = 0, gap_duration_ms = 0;
    std::uint16_t round_trip_ms = 0, end_system_delay_ms = 0;
    std::int8_t signal_level_dbm0 = 127, noise_level_dbm0 = 127;
    std::uint8_t rerl_db = 127;  // residual echo return loss
    std::uint8_t gmin = 16;
    std::uint8_t r_factor = 127, external_r_factor = 127;   // 0..100
    std::uint8_t mos_lq_tenths = 127, mos_cq_tenths = 127;  // 10..50
    std::uint8_t rx_config = 0;
    std::uint16_t jb_nominal_ms = 0, jb_maximum_ms = 0, jb_absolute_max_ms = 0;
    bool operator==(const VoipMetrics&) const = default;
    std::optional<double> mos_lq() const;  // no value: unavailable or out of range
    std::optional<double> mos_cq() const;
    std::optional<int> r() const;
};

struct UnknownBlock {
    std::uint8_t type = 0, specific = 0;
    Bytes content;  // whole words
};

using XrBlock = std::variant<UnknownBlock, RunLengths, ReceiptTimes, ReferenceTime,
                             DelaySinceReference, StatisticsSummary, VoipMetrics>;
// "loss RLE", "duplicate RLE", "packet receipt times", "receiver reference time", "DLRR",
// "statistics summary", "VoIP metrics", "unknown block".
std::string_view name_of(const XrBlock& block);

struct ExtendedReport {
    std::uint32_t ssrc = 0;
    std::vector<XrBlock> blocks;
};

// `body` is what stands after the four header bytes, padding removed; Error::offset is within it.
Result<ExtendedReport> parse_extended_report(Bytes body);
bool write_body(const ExtendedReport& report, Buffer& out);

}  // namespace sipana::rtcp
