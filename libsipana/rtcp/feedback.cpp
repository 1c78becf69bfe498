#include "libsipana/rtcp/feedback.h"

#include <algorithm>
#include <cmath>

namespace sipana::rtcp {

namespace {

enum TransportFormat : std::uint8_t { nack = 1, tmmbr = 3, tmmbn = 4, ccfb = 11, twcc = 15 };
enum PayloadFormat : std::uint8_t { pli = 1, sli = 2, rpsi = 3, fir = 4, afb = 15 };

constexpr std::uint32_t remb_name = 0x52454d42;  // "REMB"

Error malformed(std::size_t offset, const char* what) {
    return Error{Errc::malformed, offset, what};
}
Error truncated(std::size_t offset, const char* what) {
    return Error{Errc::truncated, offset, what};
}

// ---------------------------------------------------------------- transport-wide congestion
// control

constexpr std::size_t run_max = 8191;  // 13 bits

// What the status chunks say of one packet.
enum Symbol : std::uint8_t { not_received = 0, small_delta = 1, large_delta = 2, reserved = 3 };

// Reads the chunks into `cc.arrivals`, without deltas yet.
bool read_chunks(ByteReader& in, std::size_t most, TransportCc& cc) {
    std::uint32_t at = 0;
    const auto note = [&](std::uint32_t symbol) {
        if (at >= cc.count) return true;  // the last chunk may say more than `count`
        const auto sequence = static_cast<std::uint16_t>(cc.base + at++);
        if (symbol == not_received) return true;
        if (symbol == reserved || cc.arrivals.size() >= most) return false;
        cc.arrivals.push_back({sequence, 0, symbol == large_delta});
        return true;
    };
    while (at < cc.count) {
        const std::uint16_t chunk = in.u16();
        if (!in.ok()) return false;
        if ((chunk & 0x8000) == 0) {
            const std::uint32_t symbol = chunk >> 13 & 3u;
            const std::uint32_t run = chunk & 0x1fffu;
            if (symbol == not_received) {
                at += run;
            } else {
                for (std::uint32_t i = 0; i < run; ++i)
                    if (!note(symbol)) return false;
            }
        } else if ((chunk & 0x4000) == 0) {
            for (int bit = 13; bit >= 0; --bit)
                if (!note(chunk >> bit & 1u)) return false;
        } else {
            for (int bit = 12; bit >= 0; bit -= 2)
                if (!note(chunk >> bit & 3u)) return false;
        }
    }
    return true;
}

Result<TransportCc> read_transport_cc(Bytes fci) {
    ByteReader in(fci);
    TransportCc cc;
    cc.base = in.u16();
    cc.count = in.u16();
    cc.reference_time = static_cast<std::int32_t>(in.u24() << 8) >> 8;
    cc.feedback_count = in.u8();
    if (!in.ok()) return truncated(fci.size(), "transport-cc header is 8 bytes long");
    // A packet that arrived takes a delta of at least one byte.
    if (!read_chunks(in, fci.size(), cc))
        return malformed(in.pos(), "transport-cc status chunks do not fit the packet");
    for (TransportCc::Arrival& arrival : cc.arrivals)
        arrival.delta = arrival.large ? static_cast<std::int16_t>(in.u16()) : in.u8();
    if (!in.ok()) return truncated(fci.size(), "transport-cc deltas run past the end");
    return cc;
}

void write_chunks(const std::vector<std::uint8_t>& symbols, ByteWriter& w) {
    for (std::size_t i = 0; i < symbols.size();) {
        const std::size_t left = symbols.size() - i;
        const auto begin = symbols.begin() + static_cast<std::ptrdiff_t>(i);
        const auto end_of = [&](std::size_t n) {
            return begin + static_cast<std::ptrdiff_t>(std::min(n, left));
        };
        const std::uint8_t symbol = *begin;
        const auto other =
            std::find_if(begin, end_of(run_max), [symbol](std::uint8_t s) { return s != symbol; });
        const auto run = static_cast<std::size_t>(other - begin);
        if (run == left || run >= 14 || (run >= 7 && symbol == large_delta)) {
            w.u16(static_cast<std::uint32_t>(symbol) << 13 | run);
            i += run;
            continue;
        }
        const bool one_bit =
            std::none_of(begin, end_of(14), [](std::uint8_t s) { return s == large_delta; });
        const std::size_t places = one_bit ? 14 : 7;
        std::uint32_t chunk = one_bit ? 2 : 3;
        for (std::size_t k = 0; k < places; ++k)
            chunk = chunk << (one_bit ? 1 : 2) | (k < left ? symbols[i + k] : 0u);
        w.u16(chunk);
        i += std::min(places, left);
    }
}

bool write_transport_cc(const TransportCc& cc, ByteWriter& w) {
    if (cc.reference_time < -0x800000 || cc.reference_time > 0x7fffff) return false;
    std::vector<std::uint8_t> symbols(cc.count, not_received);
    std::int32_t before = -1;
    for (const TransportCc::Arrival& arrival : cc.arrivals) {
        const auto at = static_cast<std::uint16_t>(arrival.sequence - cc.base);
        const std::int32_t least = arrival.large ? -0x8000 : 0;
        const std::int32_t most = arrival.large ? 0x7fff : 0xff;
        if (at >= cc.count || at <= before || arrival.delta < least || arrival.delta > most)
            return false;
        before = at;
        symbols[at] = arrival.large ? large_delta : small_delta;
    }
    w.u16(cc.base)
        .u16(cc.count)
        .u24(static_cast<std::uint32_t>(cc.reference_time) & 0xffffff)
        .u8(cc.feedback_count);
    write_chunks(symbols, w);
    for (const TransportCc::Arrival& arrival : cc.arrivals) {
        const auto delta = static_cast<std::uint16_t>(arrival.delta);
        if (arrival.large)
            w.u16(delta);
        else
            w.u8(delta);
    }
    return true;
}

// ---------------------------------------------------------------- the other transport feedback

// RFC 8888 3.1: blocks up to the report timestamp, each padded to whole words.
Result<CongestionControl> read_congestion_control(Bytes rest) {
    if (rest.size() < 4) return truncated(rest.size(), "CCFB has no timestamp (RFC 8888 3.1)");
    ByteReader in(rest.first(rest.size() - 4));
    CongestionControl cc;
    while (in.left() > 0) {
        CongestionControl::Block block;
        block.ssrc = in.u32();
        block.begin = in.u16();
        const std::uint16_t count = in.u16();
        if (!in.ok() || in.left() < std::size_t{2} * count)
            return truncated(rest.size(), "CCFB block runs past the end (RFC 8888 3.1)");
        for (int i = 0; i < count; ++i) {
            const std::uint16_t word = in.u16();
            block.metrics.push_back({(word & 0x8000) != 0,
                                     static_cast<std::uint8_t>(word >> 13 & 3),
                                     static_cast<std::uint16_t>(word & 0x1fff)});
        }
        if (count % 2 != 0) in.skip(2);
        if (!in.ok()) return truncated(rest.size(), "CCFB block is not padded (RFC 8888 3.1)");
        cc.blocks.push_back(std::move(block));
    }
    cc.timestamp = load_be32(rest.data() + rest.size() - 4);
    return cc;
}

bool write_congestion_control(const CongestionControl& cc, ByteWriter& w) {
    for (const auto& block : cc.blocks) {
        if (block.metrics.size() > 0xffff) return false;
        w.u32(block.ssrc).u16(block.begin).u16(block.metrics.size());
        for (const auto& m : block.metrics) {
            if (m.ecn > 3 || m.offset > 0x1fff) return false;
            w.u16((m.received ? 0x8000u : 0u) | static_cast<std::uint32_t>(m.ecn) << 13 | m.offset);
        }
        if (block.metrics.size() % 2 != 0) w.u16(0);
    }
    w.u32(cc.timestamp);
    return true;
}

Nack read_nack(ByteReader& in) {
    Nack n;
    while (in.left() >= 4) {
        const std::uint16_t pid = in.u16();
        n.pairs.push_back({pid, in.u16()});
    }
    return n;
}

Tmmb read_tmmb(ByteReader& in, bool notification) {
    Tmmb t;
    t.notification = notification;
    while (in.left() >= 8) {
        Tmmb::Entry e;
        e.ssrc = in.u32();
        const std::uint32_t word = in.u32();
        e.exponent = static_cast<std::uint8_t>(word >> 26);
        e.mantissa = word >> 9 & 0x1ffff;
        e.overhead = word & 0x1ff;
        t.entries.push_back(e);
    }
    return t;
}

// ---------------------------------------------------------------- payload-specific

Result<PayloadFeedback> with_remb(PayloadFeedback feedback, Bytes fci) {
    ByteReader in(fci);
    in.skip(4);
    Remb r;
    const std::uint8_t count = in.u8();
    const std::uint32_t rate = in.u24();
    r.exponent = static_cast<std::uint8_t>(rate >> 18);
    r.mantissa = rate & 0x3ffff;
    for (int i = 0; i < count; ++i) r.ssrcs.push_back(in.u32());
    if (!in.ok()) return truncated(8 + fci.size(), "REMB is too short for its SSRCs");
    feedback.content = std::move(r);
    return feedback;
}

void read_entries(std::uint8_t format, ByteReader& in, PayloadFeedback& feedback) {
    if (format == sli) {
        Sli s;
        while (in.left() >= 4) {
            const std::uint32_t word = in.u32();
            s.slices.push_back({static_cast<std::uint16_t>(word >> 19),
                                static_cast<std::uint16_t>(word >> 6 & 0x1fff),
                                static_cast<std::uint8_t>(word & 0x3f)});
        }
        feedback.content = std::move(s);
    } else {
        Fir f;
        while (in.left() >= 8) {
            Fir::Entry e;
            e.ssrc = in.u32();
            e.sequence = in.u8();
            in.u24();
            f.entries.push_back(e);
        }
        feedback.content = std::move(f);
    }
}

struct TransportWriter {
    ByteWriter& w;
    bool operator()(const UnknownFeedback& u) const {
        w.put(u.fci);
        return u.fci.size() % 4 == 0;
    }
    bool operator()(const Nack& n) const {
        for (const auto& pair : n.pairs) w.u16(pair.pid).u16(pair.blp);
        return true;
    }
    bool operator()(const Tmmb& t) const {
        for (const auto& e : t.entries) {
            if (e.exponent > 63 || e.mantissa > 0x1ffff || e.overhead > 0x1ff) return false;
            w.u32(e.ssrc).u32(static_cast<std::uint32_t>(e.exponent) << 26 | e.mantissa << 9 |
                              e.overhead);
        }
        return true;
    }
    bool operator()(const TransportCc& cc) const { return write_transport_cc(cc, w); }
    bool operator()(const CongestionControl& cc) const { return write_congestion_control(cc, w); }
};

struct PayloadWriter {
    ByteWriter& w;
    bool operator()(const UnknownFeedback& u) const {
        w.put(u.fci);
        return u.fci.size() % 4 == 0;
    }
    bool operator()(const Pli&) const { return true; }
    bool operator()(const Sli& s) const {
        for (const auto& slice : s.slices) {
            if (slice.first > 0x1fff || slice.number > 0x1fff || slice.picture > 63) return false;
            w.u32(static_cast<std::uint32_t>(slice.first) << 19 |
                  static_cast<std::uint32_t>(slice.number) << 6 | slice.picture);
        }
        return true;
    }
    bool operator()(const Rpsi& r) const {
        w.u8(r.padding_bits).u8(r.payload_type).put(r.bits);
        return r.payload_type < 128 && (2 + r.bits.size()) % 4 == 0 &&
               r.padding_bits <= r.bits.size() * 8;
    }
    bool operator()(const Fir& f) const {
        for (const auto& e : f.entries) w.u32(e.ssrc).u8(e.sequence).u24(0);
        return true;
    }
    bool operator()(const Remb& r) const {
        if (r.exponent > 63 || r.mantissa > 0x3ffff || r.ssrcs.size() > 255) return false;
        w.u32(remb_name)
            .u8(r.ssrcs.size())
            .u24(static_cast<std::uint32_t>(r.exponent) << 18 | r.mantissa);
        for (std::uint32_t ssrc : r.ssrcs) w.u32(ssrc);
        return true;
    }
};

}  // namespace

std::vector<std::uint16_t> Nack::lost() const {
    std::vector<std::uint16_t> sequences;
    for (const Pair& pair : pairs) {
        sequences.push_back(pair.pid);
        for (unsigned bit = 0; bit < 16; ++bit)
            if ((pair.blp >> bit & 1) != 0)
                sequences.push_back(static_cast<std::uint16_t>(pair.pid + bit + 1));
    }
    return sequences;
}

double Tmmb::Entry::bitrate() const { return std::ldexp(mantissa, exponent); }
double Remb::bitrate() const { return std::ldexp(mantissa, exponent); }

std::string_view name_of(const TransportFeedback& feedback) {
    constexpr std::string_view names[] = {"RTPFB", "NACK", "TMMBR", "TWCC", "CCFB"};
    if (const auto* t = std::get_if<Tmmb>(&feedback.content); t && t->notification) return "TMMBN";
    return names[feedback.content.index()];
}

std::string_view name_of(const PayloadFeedback& feedback) {
    constexpr std::string_view names[] = {"PSFB", "PLI", "SLI", "RPSI", "FIR", "REMB"};
    const bool unknown = std::holds_alternative<UnknownFeedback>(feedback.content);
    return unknown && feedback.format == afb ? "AFB" : names[feedback.content.index()];
}

Result<TransportFeedback> parse_transport_feedback(std::uint8_t format, Bytes body) {
    TransportFeedback feedback;
    feedback.format = format;
    ByteReader in(body);
    feedback.sender_ssrc = in.u32();
    if (format == ccfb && in.ok()) {
        auto cc = read_congestion_control(in.rest());
        if (!cc) return Error{cc.error().code, cc.error().offset + 4, cc.error().what};
        if (!cc->blocks.empty()) feedback.media_ssrc = cc->blocks.front().ssrc;
        feedback.content = std::move(*cc);
        return feedback;
    }
    feedback.media_ssrc = in.u32();
    if (!in.ok()) return truncated(body.size(), "feedback has no two SSRCs (RFC 4585 6.1)");
    if (format == nack) {
        feedback.content = read_nack(in);
    } else if (format == tmmbr || format == tmmbn) {
        feedback.content = read_tmmb(in, format == tmmbn);
    } else if (format == twcc) {
        auto cc = read_transport_cc(in.rest());
        if (!cc) return Error{cc.error().code, cc.error().offset + 8, cc.error().what};
        feedback.content = std::move(*cc);
        return feedback;
    } else {
        feedback.content = UnknownFeedback{in.rest()};
    }
    if (in.left() > 0) return malformed(in.pos(), "feedback ends within an entry (RFC 4585 6.1)");
    return feedback;
}

Result<PayloadFeedback> parse_payload_feedback(std::uint8_t format, Bytes body) {
    PayloadFeedback feedback;
    feedback.format = format;
    ByteReader in(body);
    feedback.sender_ssrc = in.u32();
    feedback.media_ssrc = in.u32();
    if (!in.ok()) return truncated(body.size(), "feedback has no two SSRCs (RFC 4585 6.1)");
    const Bytes fci = body.subspan(8);
    if (format == pli) {
        feedback.content = Pli{};
        in.rest();  // RFC 4585 6.3.1.2: there is none
    } else if (format == sli || format == fir) {
        read_entries(format, in, feedback);
    } else if (format == rpsi) {
        Rpsi r;
        r.padding_bits = in.u8();
        r.payload_type = in.u8() & 0x7f;
        r.bits = in.rest();
        if (!in.ok() || r.padding_bits > r.bits.size() * 8)
            return malformed(8, "RPSI padding is longer than its bits (RFC 4585 6.3.3.2)");
        feedback.content = r;
    } else if (format == afb && fci.size() >= 8 && load_be32(fci.data()) == remb_name) {
        return with_remb(std::move(feedback), fci);
    } else {
        feedback.content = UnknownFeedback{in.rest()};
    }
    if (in.left() > 0) return malformed(in.pos(), "feedback ends within an entry (RFC 4585 6.1)");
    return feedback;
}

bool write_body(const TransportFeedback& feedback, Buffer& out) {
    ByteWriter w(out);
    const std::size_t start = out.size();
    w.u32(feedback.sender_ssrc);
    if (!std::holds_alternative<CongestionControl>(feedback.content)) w.u32(feedback.media_ssrc);
    if (!std::visit(TransportWriter{w}, feedback.content)) return false;
    while ((out.size() - start) % 4 != 0) w.u8(0);
    return true;
}

bool write_body(const PayloadFeedback& feedback, Buffer& out) {
    ByteWriter w(out);
    w.u32(feedback.sender_ssrc).u32(feedback.media_ssrc);
    return std::visit(PayloadWriter{w}, feedback.content);
}

std::uint8_t format_of(const TransportFeedback& feedback) {
    constexpr std::uint8_t formats[] = {0, nack, tmmbr, twcc, ccfb};
    if (std::holds_alternative<UnknownFeedback>(feedback.content)) return feedback.format;
    if (const auto* t = std::get_if<Tmmb>(&feedback.content); t && t->notification) return tmmbn;
    return formats[feedback.content.index()];
}

std::uint8_t format_of(const PayloadFeedback& feedback) {
    constexpr std::uint8_t formats[] = {0, pli, sli, rpsi, fir, afb};
    if (std::holds_alternative<UnknownFeedback>(feedback.content)) return feedback.format;
    return formats[feedback.content.index()];
}

}  // namespace sipana::rtcp
