#include "libsipana/rtcp/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace sipana::rtcp {

namespace {

class Checker {
public:
    explicit Checker(const Compound& compound) : compound_(compound) {}

    std::vector<Finding> run(bool reduced_size) {
        if (compound_.error)
            add("rtcp-unreadable", Severity::error, compound_.error->offset, compound_.error->what,
                "RFC 3550 6.4.1");
        if (compound_.packets.empty()) return std::move(found_);
        check_order(reduced_size);
        for (const Packet& packet : compound_.packets) {
            check_padding(packet);
            std::visit([&](const auto& content) { check(packet, content); }, packet.content);
        }
        return std::move(found_);
    }

private:
    void add(std::string_view rule, Severity severity, std::size_t byte, std::string text,
             std::string_view clause) {
        Finding f;
        f.rule = rule;
        f.severity = severity;
        f.byte = byte;
        f.text = std::move(text);
        f.clause = clause;
        found_.push_back(std::move(f));
    }

    void check_order(bool reduced_size) {
        const auto& packets = compound_.packets;
        const bool full = packets.front().type == type_sr || packets.front().type == type_rr;
        if (!full && !reduced_size)
            add("rtcp-compound-first", Severity::note, 0,
                fmt::format("starts with packet type {} instead of SR or RR, which is right only "
                            "where both sides agreed on reduced-size RTCP",
                            packets.front().type),
                "RFC 5506");
        if (full && !compound_.error && !has_cname())
            add("rtcp-cname-missing", Severity::error, 0, "a compound packet without SDES CNAME",
                "RFC 3550 6.1");
        for (std::size_t i = 0; i + 1 < packets.size(); ++i)
            if (packets[i].type == type_bye && packets[i + 1].type != type_bye)
                add("rtcp-bye-not-last", Severity::warning, packets[i + 1].offset,
                    "a packet follows the BYE in the same datagram", "RFC 3550 6.1");
    }

    bool has_cname() const {
        for (const Packet& packet : compound_.packets)
            if (const auto* d = std::get_if<SourceDescription>(&packet.content))
                for (const SdesChunk& chunk : d->chunks)
                    for (const SdesItem& item : chunk.items)
                        if (item.type == 1) return true;
        return false;
    }

    void check_padding(const Packet& packet) {
        if (packet.padding == 0) return;
        if (&packet != &compound_.packets.back())
            add("rtcp-padding-not-last", Severity::error, packet.offset,
                "padding in a packet that is not the last of its compound", "RFC 3550 6.4.1");
        if (packet.padding % 4 != 0)
            add("rtcp-padding-size", Severity::error, packet.offset + packet.size - 1,
                fmt::format("{} bytes of padding are no whole words", packet.padding),
                "RFC 3550 6.4.1");
    }

    void check_blocks(const Packet& packet, std::size_t at,
                      const std::vector<ReportBlock>& blocks) {
        for (const ReportBlock& b : blocks) {
            if (b.lsr == 0 && b.dlsr != 0)
                add("rtcp-dlsr-without-lsr", Severity::warning, packet.offset + at + 20,
                    fmt::format("block of SSRC 0x{:08x} has a DLSR of {} without an LSR", b.ssrc,
                                b.dlsr),
                    "RFC 3550 6.4.1");
            at += 24;
        }
    }

    void check(const Packet& packet, const SenderReport& r) { check_blocks(packet, 28, r.blocks); }
    void check(const Packet& packet, const ReceiverReport& r) { check_blocks(packet, 8, r.blocks); }
    void check(const Packet& packet, const SourceDescription& d) {
        for (const SdesChunk& chunk : d.chunks) {
            if (!chunk.terminated)
                add("rtcp-sdes-unterminated", Severity::error, packet.offset + packet.size - 1,
                    "the items of an SDES chunk are not ended by a null octet", "RFC 3550 6.5");
            for (const SdesItem& item : chunk.items)
                if (item.type == 1 && item.text.empty())
                    add("rtcp-cname-empty", Severity::warning, packet.offset,
                        "CNAME is empty, so it identifies nobody", "RFC 3550 6.5.1");
        }
    }
    void check(const Packet&, const Goodbye&) {}
    void check(const Packet&, const Application&) {}
    void check(const Packet& packet, const TransportFeedback& f) {
        const auto* n = std::get_if<Nack>(&f.content);
        if (n != nullptr && n->pairs.empty())
            add("rtcp-feedback-empty", Severity::error, packet.offset,
                "a NACK that names no packet", "RFC 4585 6.2.1");
    }
    void check(const Packet& packet, const PayloadFeedback& f) {
        const auto* fir = std::get_if<Fir>(&f.content);
        if (fir != nullptr && fir->entries.empty())
            add("rtcp-feedback-empty", Severity::error, packet.offset, "a FIR that names no source",
                "RFC 5104 4.3.1");
        if (fir != nullptr && f.media_ssrc != 0)
            add("rtcp-fir-media-source", Severity::warning, packet.offset + 8,
                "the media source of a FIR is not 0", "RFC 5104 4.3.1.2");
        const auto* remb = std::get_if<Remb>(&f.content);
        if (remb != nullptr && f.media_ssrc != 0)
            add("rtcp-remb-media-source", Severity::warning, packet.offset + 8,
                "the media source of a REMB is not 0", "draft-alvestrand-rmcat-remb-03 2.2");
    }
    void check(const Packet& packet, const ExtendedReport& r) {
        const auto out_of_range = [](unsigned v, unsigned low, unsigned high) {
            return v != 127 && (v < low || v > high);
        };
        for (const XrBlock& block : r.blocks) {
            const auto* v = std::get_if<VoipMetrics>(&block);
            if (v == nullptr) continue;
            if (out_of_range(v->mos_lq_tenths, 10, 50) || out_of_range(v->mos_cq_tenths, 10, 50) ||
                out_of_range(v->r_factor, 0, 100) || out_of_range(v->external_r_factor, 0, 100))
                add("rtcp-xr-score-range", Severity::error, packet.offset,
                    "an R factor beyond 100 or a MOS outside 1.0 to 5.0", "RFC 3611 4.7.5");
        }
    }
    void check(const Packet&, const Unknown&) {}

    const Compound& compound_;
    std::vector<Finding> found_;
};

}  // namespace

std::vector<Finding> check(const Compound& compound, bool reduced_size) {
    return Checker(compound).run(reduced_size);
}

std::vector<Finding> check(Bytes datagram, bool reduced_size) {
    return check(parse(datagram), reduced_size);
}

}  // namespace sipana::rtcp
