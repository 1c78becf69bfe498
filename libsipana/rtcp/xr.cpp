#include "libsipana/rtcp/xr.h"

#include <algorithm>

namespace sipana::rtcp {

namespace {

enum BlockType : std::uint8_t {
    bt_loss_rle = 1,
    bt_duplicate_rle = 2,
    bt_receipt_times = 3,
    bt_reference_time = 4,
    bt_dlrr = 5,
    bt_statistics = 6,
    bt_voip = 7,
};

constexpr std::uint8_t unavailable = 127;

RunLengths read_run_lengths(bool duplicates, std::uint8_t specific, ByteReader& in) {
    RunLengths r;
    r.duplicates = duplicates;
    r.thinning = specific & 0x0f;
    r.ssrc = in.u32();
    r.begin = in.u16();
    r.end = in.u16();
    while (in.left() >= 2) r.chunks.push_back(in.u16());
    return r;
}

ReceiptTimes read_receipt_times(std::uint8_t specific, ByteReader& in) {
    ReceiptTimes r;
    r.thinning = specific & 0x0f;
    r.ssrc = in.u32();
    r.begin = in.u16();
    r.end = in.u16();
    while (in.left() >= 4) r.times.push_back(in.u32());
    return r;
}

DelaySinceReference read_dlrr(ByteReader& in) {
    DelaySinceReference d;
    while (in.left() >= 12) {
        DelaySinceReference::Entry e;
        e.ssrc = in.u32();
        e.lrr = in.u32();
        e.dlrr = in.u32();
        d.entries.push_back(e);
    }
    return d;
}

StatisticsSummary read_statistics(std::uint8_t specific, ByteReader& in) {
    StatisticsSummary s;
    s.has_loss = (specific & 0x80) != 0;
    s.has_duplicates = (specific & 0x40) != 0;
    s.has_jitter = (specific & 0x20) != 0;
    s.ttl_kind = specific >> 3 & 3;
    s.ssrc = in.u32();
    s.begin = in.u16();
    s.end = in.u16();
    s.lost = in.u32();
    s.duplicates = in.u32();
    s.min_jitter = in.u32();
    s.max_jitter = in.u32();
    s.mean_jitter = in.u32();
    s.dev_jitter = in.u32();
    s.min_ttl = in.u8();
    s.max_ttl = in.u8();
    s.mean_ttl = in.u8();
    s.dev_ttl = in.u8();
    return s;
}

VoipMetrics read_voip(ByteReader& in) {
    VoipMetrics v;
    v.ssrc = in.u32();
    v.loss_rate = in.u8();
    v.discard_rate = in.u8();
    v.burst_density = in.u8();
    v.gap_density = in.u8();
    v.burst_duration_ms = in.u16();
    v.gap_duration_ms = in.u16();
    v.round_trip_ms = in.u16();
    v.end_system_delay_ms = in.u16();
    v.signal_level_dbm0 = static_cast<std::int8_t>(in.u8());
    v.noise_level_dbm0 = static_cast<std::int8_t>(in.u8());
    v.rerl_db = in.u8();
    v.gmin = in.u8();
    v.r_factor = in.u8();
    v.external_r_factor = in.u8();
    v.mos_lq_tenths = in.u8();
    v.mos_cq_tenths = in.u8();
    v.rx_config = in.u8();
    in.u8();
    v.jb_nominal_ms = in.u16();
    v.jb_maximum_ms = in.u16();
    v.jb_absolute_max_ms = in.u16();
    return v;
}

ReferenceTime read_reference_time(ByteReader& in) { return {in.u64()}; }

// A block whose length does not suit its type is not read past its end, nor short of it.
std::optional<XrBlock> read_block(std::uint8_t type, std::uint8_t specific, Bytes content) {
    ByteReader in(content);
    XrBlock block;
    switch (type) {
        case bt_loss_rle:
        case bt_duplicate_rle:
            block = read_run_lengths(type == bt_duplicate_rle, specific, in);
            break;
        case bt_receipt_times:
            block = read_receipt_times(specific, in);
            break;
        case bt_reference_time:
            block = read_reference_time(in);
            break;
        case bt_dlrr:
            block = read_dlrr(in);
            break;
        case bt_statistics:
            block = read_statistics(specific, in);
            break;
        case bt_voip:
            block = read_voip(in);
            break;
        default:
            block = UnknownBlock{type, specific, in.rest()};
    }
    if (!in.ok() || in.left() != 0) return std::nullopt;
    return block;
}

struct BlockWriter {  // content only; gives type and type-specific byte
    ByteWriter& w;
    std::uint8_t type = 0, specific = 0;

    bool operator()(const UnknownBlock& u) {
        type = u.type;
        specific = u.specific;
        w.put(u.content);
        return u.type < bt_loss_rle || u.type > bt_voip;
    }
    bool operator()(const RunLengths& r) {
        type = r.duplicates ? bt_duplicate_rle : bt_loss_rle;
        specific = r.thinning;
        w.u32(r.ssrc).u16(r.begin).u16(r.end);
        for (std::uint16_t chunk : r.chunks) w.u16(chunk);
        return r.thinning < 16 && r.chunks.size() % 2 == 0;
    }
    bool operator()(const ReceiptTimes& r) {
        type = bt_receipt_times;
        specific = r.thinning;
        w.u32(r.ssrc).u16(r.begin).u16(r.end);
        for (std::uint32_t time : r.times) w.u32(time);
        return r.thinning < 16;
    }
    bool operator()(const ReferenceTime& r) {
        type = bt_reference_time;
        w.u64(r.ntp);
        return true;
    }
    bool operator()(const DelaySinceReference& d) {
        type = bt_dlrr;
        for (const auto& e : d.entries) w.u32(e.ssrc).u32(e.lrr).u32(e.dlrr);
        return true;
    }
    bool operator()(const StatisticsSummary& s) {
        type = bt_statistics;
        specific =
            static_cast<std::uint8_t>((s.has_loss ? 0x80 : 0) | (s.has_duplicates ? 0x40 : 0) |
                                      (s.has_jitter ? 0x20 : 0) | s.ttl_kind << 3);
        w.u32(s.ssrc).u16(s.begin).u16(s.end).u32(s.lost).u32(s.duplicates);
        w.u32(s.min_jitter).u32(s.max_jitter).u32(s.mean_jitter).u32(s.dev_jitter);
        w.u8(s.min_ttl).u8(s.max_ttl).u8(s.mean_ttl).u8(s.dev_ttl);
        return s.ttl_kind < 4;
    }
    bool operator()(const VoipMetrics& v) {
        type = bt_voip;
        w.u32(v.ssrc).u8(v.loss_rate).u8(v.discard_rate).u8(v.burst_density).u8(v.gap_density);
        w.u16(v.burst_duration_ms).u16(v.gap_duration_ms);
        w.u16(v.round_trip_ms).u16(v.end_system_delay_ms);
        w.u8(static_cast<std::uint8_t>(v.signal_level_dbm0));
        w.u8(static_cast<std::uint8_t>(v.noise_level_dbm0));
        w.u8(v.rerl_db).u8(v.gmin).u8(v.r_factor).u8(v.external_r_factor);
        w.u8(v.mos_lq_tenths).u8(v.mos_cq_tenths).u8(v.rx_config).u8(0);
        w.u16(v.jb_nominal_ms).u16(v.jb_maximum_ms).u16(v.jb_absolute_max_ms);
        return true;
    }
};

std::optional<double> mos(std::uint8_t tenths) {
    if (tenths < 10 || tenths > 50) return std::nullopt;
    return tenths / 10.0;
}

}  // namespace

std::vector<bool> RunLengths::bits() const {
    const auto span = static_cast<std::uint16_t>(end - begin);
    std::vector<bool> out;
    for (std::uint16_t chunk : chunks) {
        if (chunk == 0) break;  // RFC 3611 4.1.3: terminating null
        if ((chunk & 0x8000) == 0) {
            const std::size_t run = chunk & 0x3fffu;
            out.insert(out.end(), std::min<std::size_t>(run, span - out.size()),
                       (chunk & 0x4000) != 0);
        } else {
            for (int bit = 14; bit >= 0 && out.size() < span; --bit)
                out.push_back((chunk >> bit & 1) != 0);
        }
        if (out.size() >= span) break;
    }
    return out;
}

std::optional<double> VoipMetrics::mos_lq() const { return mos(mos_lq_tenths); }
std::optional<double> VoipMetrics::mos_cq() const { return mos(mos_cq_tenths); }
std::optional<int> VoipMetrics::r() const {
    if (r_factor == unavailable || r_factor > 100) return std::nullopt;
    return r_factor;
}

std::string_view name_of(const XrBlock& block) {
    if (const auto* r = std::get_if<RunLengths>(&block))
        return r->duplicates ? "duplicate RLE" : "loss RLE";
    constexpr std::string_view names[] = {
        "unknown block", "loss RLE",           "packet receipt times", "receiver reference time",
        "DLRR",          "statistics summary", "VoIP metrics"};
    return names[block.index()];
}

Result<ExtendedReport> parse_extended_report(Bytes body) {
    ByteReader in(body);
    ExtendedReport report;
    report.ssrc = in.u32();
    if (!in.ok()) return Error{Errc::truncated, body.size(), "XR has no SSRC (RFC 3611 2)"};
    while (in.left() > 0) {
        const std::size_t at = in.pos();
        const std::uint8_t type = in.u8();
        const std::uint8_t specific = in.u8();
        const std::size_t size = std::size_t{4} * in.u16();
        const Bytes content = in.take(size);
        if (!in.ok()) return Error{Errc::truncated, at, "XR block runs past the end (RFC 3611 3)"};
        auto block = read_block(type, specific, content);
        if (!block)
            return Error{Errc::malformed, at + 2,
                         "XR block length does not suit its type (RFC 3611 4)"};
        report.blocks.push_back(std::move(*block));
    }
    return report;
}

bool write_body(const ExtendedReport& report, Buffer& out) {
    ByteWriter w(out);
    w.u32(report.ssrc);
    for (const XrBlock& block : report.blocks) {
        const std::size_t start = out.size();
        w.u32(0);
        BlockWriter writer{w};
        if (!std::visit(writer, block)) return false;
        const std::size_t size = out.size() - start - 4;
        if (size % 4 != 0 || size / 4 > 0xffff) return false;
        out[start] = writer.type;
        out[start + 1] = writer.specific;
        out[start + 2] = static_cast<std::uint8_t>(size >> 10);
        out[start + 3] = static_cast<std::uint8_t>(size >> 2);
    }
    return true;
}

}  // namespace sipana::rtcp
