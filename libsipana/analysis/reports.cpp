#include "libsipana/analysis/reports.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/rtcp/check.h"

namespace sipana::analysis {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_reports = 50'000;  // of one SSRC
constexpr std::size_t most_events = 20'000;
constexpr std::uint32_t most_ssrcs = 100'000;
constexpr Duration patience = 10min;
constexpr std::size_t most_listed = 16;       // sequence numbers, SSRCs in an event's text

std::uint64_t hash_of_ssrc(std::uint32_t ssrc) { return mix(ssrc, 11); }

// Is a report from `from` to `to` about the stream, or by its sender? NAT may hide one of the addresses.
bool concerns(const Stream& s, const Endpoint& from, const Endpoint& to, bool by_sender) {
    const Endpoint& sender = by_sender ? from : to;
    const Endpoint& receiver = by_sender ? to : from;
    return s.src.address == sender.address || s.dst.address == receiver.address;
}

std::string listed(const std::vector<std::uint16_t>& numbers) {
    const std::size_t n = std::min(numbers.size(), most_listed);
    std::string text = fmt::format("lost {}", fmt::join(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(n), ", "));
    if (n < numbers.size()) text += fmt::format(" and {} more", numbers.size() - n);
    return text;
}

std::string text_of(const rtcp::TransportFeedback& f) {
    if (const auto* nack = std::get_if<rtcp::Nack>(&f.content)) return listed(nack->lost());
    if (const auto* cc = std::get_if<rtcp::TransportCc>(&f.content))
        return fmt::format("{} of {} packets from {} on arrived", cc->arrivals.size(), cc->count, cc->base);
    if (const auto* t = std::get_if<rtcp::Tmmb>(&f.content); t && !t->entries.empty())
        return fmt::format("at most {:.0f} kbit/s", t->entries.front().bitrate() / 1000);
    if (const auto* cc = std::get_if<rtcp::CongestionControl>(&f.content))
        return fmt::format("{} streams", cc->blocks.size());
    return {};
}

std::string text_of(const rtcp::PayloadFeedback& f) {
    if (std::holds_alternative<rtcp::Pli>(f.content)) return "a key frame is asked for: a picture was lost";
    if (const auto* fir = std::get_if<rtcp::Fir>(&f.content); fir && !fir->entries.empty())
        return fmt::format("a key frame is demanded, request {}", fir->entries.front().sequence);
    if (const auto* remb = std::get_if<rtcp::Remb>(&f.content))
        return fmt::format("at most {:.0f} kbit/s", remb->bitrate() / 1000);
    return {};
}

}  // namespace

Reports::Ledger& Reports::ledger_of(std::uint32_t ssrc, Time now) {
    std::uint32_t i = by_ssrc_.find(hash_of_ssrc(ssrc),
                                    [&](std::uint32_t n) { return pool_[n].ssrc == ssrc; });
    if (i == HashIndex::nil) {
        i = pool_.make();
        pool_[i].ssrc = ssrc;
        by_ssrc_.insert(hash_of_ssrc(ssrc), i);
    }
    pool_[i].last = now;
    return pool_[i];
}

void Reports::on_compound(const net::Datagram& d, bool encrypted) {
    ++counts_.rtcp_packets;
    if (encrypted) {
        ++counts_.srtcp_packets;
        ++counts_.rtcp_by_type[d.payload[1]];
        return;
    }
    const rtcp::Compound compound = rtcp::parse(d.payload);
    for (const rtcp::Packet& p : compound.packets) {
        ++counts_.rtcp_by_type[p.type];
        if (options_.detail == Detail::full && pool_.count() < most_ssrcs) on_packet(p, d);
    }
    if (compound.error && !d.cut) {
        ++counts_.malformed_rtcp;
        sink_.on_finding({"rtcp-malformed", Severity::error, d.frame, compound.error->offset,
                          fmt::format("RTCP {} > {}: {}", d.src.to_string(), d.dst.to_string(),
                                      compound.error->what),
                          "RFC 3550 6.1"});
    } else if (options_.detail == Detail::full && options_.check) {
        for (Finding& f : rtcp::check(d.payload)) {
            f.frame = d.frame;
            sink_.on_finding(std::move(f));
        }
    }
}

void Reports::on_packet(const rtcp::Packet& p, const net::Datagram& d) {
    if (const auto* sr = std::get_if<rtcp::SenderReport>(&p.content)) {
        on_sender_report(*sr, d);
    } else if (const auto* rr = std::get_if<rtcp::ReceiverReport>(&p.content)) {
        for (const rtcp::ReportBlock& b : rr->blocks) on_block(b, rr->ssrc, d);
    } else if (const auto* sdes = std::get_if<rtcp::SourceDescription>(&p.content)) {
        for (const rtcp::SdesChunk& chunk : sdes->chunks)
            for (const rtcp::SdesItem& item : chunk.items) {
                Ledger& l = ledger_of(chunk.ssrc, d.time);
                if (rtcp::sdes_name(item.type) != "CNAME" || l.cname == item.text) continue;
                l.cname = item.text;
                event(chunk.ssrc, chunk.ssrc, "SDES", fmt::format("CNAME {}", item.text), d);
            }
    } else if (const auto* bye = std::get_if<rtcp::Goodbye>(&p.content)) {
        for (const std::uint32_t ssrc : bye->ssrcs)
            event(ssrc, ssrc, "BYE", std::string(bye->reason.value_or("")), d);
    } else if (const auto* app = std::get_if<rtcp::Application>(&p.content)) {
        event(app->ssrc, app->ssrc, "APP",
              fmt::format("{} subtype {}, {} bytes", std::string_view(app->name.data(), 4), app->subtype,
                          app->content.size()),
              d);
    } else if (const auto* rtpfb = std::get_if<rtcp::TransportFeedback>(&p.content)) {
        event(rtpfb->media_ssrc, rtpfb->sender_ssrc, rtcp::name_of(*rtpfb), text_of(*rtpfb), d);
    } else if (const auto* psfb = std::get_if<rtcp::PayloadFeedback>(&p.content)) {
        std::uint32_t about = psfb->media_ssrc;  // FIR and REMB name it within (RFC 5104 4.3.1.2)
        if (const auto* fir = std::get_if<rtcp::Fir>(&psfb->content); fir && !fir->entries.empty())
            about = fir->entries.front().ssrc;
        if (const auto* remb = std::get_if<rtcp::Remb>(&psfb->content); remb && !remb->ssrcs.empty())
            about = remb->ssrcs.front();
        event(about, psfb->sender_ssrc, rtcp::name_of(*psfb), text_of(*psfb), d);
    } else if (const auto* xr = std::get_if<rtcp::ExtendedReport>(&p.content)) {
        on_extended(*xr, d);
    }
}

void Reports::on_sender_report(const rtcp::SenderReport& sr, const net::Datagram& d) {
    Ledger& l = ledger_of(sr.ssrc, d.time);
    l.round_trip.on_sender_report(sr.ntp, d.time);
    if (l.reports.size() < most_reports) {
        RtcpReport& r = l.reports.emplace_back();
        r.frame = d.frame;
        r.time = d.time;
        r.src = d.src;
        r.dst = d.dst;
        r.sender_ssrc = sr.ssrc;
        r.is_sender_report = true;
        r.ntp = sr.ntp;
        r.rtp_timestamp = sr.rtp_timestamp;
        r.sent_packets = sr.packets;
        r.sent_bytes = sr.octets;
    }
    for (const rtcp::ReportBlock& b : sr.blocks) on_block(b, sr.ssrc, d);
}

void Reports::on_block(const rtcp::ReportBlock& b, std::uint32_t sender, const net::Datagram& d) {
    Ledger& l = ledger_of(b.ssrc, d.time);
    if (l.reports.size() >= most_reports) return;
    RtcpReport& r = l.reports.emplace_back();
    r.frame = d.frame;
    r.time = d.time;
    r.src = d.src;
    r.dst = d.dst;
    r.sender_ssrc = sender;
    r.has_block = true;
    r.reported_ssrc = b.ssrc;
    r.extended_sequence = b.extended_sequence;
    r.jitter_units = b.jitter;
    r.lsr = b.lsr;
    r.dlsr = b.dlsr;
    r.fraction_lost = b.fraction_lost;
    r.cumulative_lost = b.cumulative_lost;
    if (const auto rtt = l.round_trip.on_report_block(b.lsr, b.dlsr, d.time))
        r.rtt_ms = to_milliseconds(*rtt);
}

void Reports::on_extended(const rtcp::ExtendedReport& xr, const net::Datagram& d) {
    for (const rtcp::XrBlock& block : xr.blocks) {
        std::uint32_t about = xr.ssrc;
        std::string text(rtcp::name_of(block));
        if (const auto* voip = std::get_if<rtcp::VoipMetrics>(&block)) {
            about = voip->ssrc;
            text += fmt::format(": loss {:.1f} %, discarded {:.1f} %", voip->loss_rate / 2.56,
                                voip->discard_rate / 2.56);
            if (const auto mos = voip->mos_lq()) text += fmt::format(", MOS-LQ {:.1f}", *mos);
            if (const auto mos = voip->mos_cq()) text += fmt::format(", MOS-CQ {:.1f}", *mos);
            if (const auto factor = voip->r()) text += fmt::format(", R {}", *factor);
        } else if (const auto* s = std::get_if<rtcp::StatisticsSummary>(&block)) {
            about = s->ssrc;
            if (s->has_loss) text += fmt::format(": lost {}", s->lost);
            if (s->has_duplicates) text += fmt::format(", duplicates {}", s->duplicates);
        } else if (const auto* runs = std::get_if<rtcp::RunLengths>(&block)) {
            about = runs->ssrc;
        } else if (const auto* times = std::get_if<rtcp::ReceiptTimes>(&block)) {
            about = times->ssrc;
        }
        event(about, xr.ssrc, "XR", std::move(text), d);
    }
}

void Reports::event(std::uint32_t about, std::uint32_t sender, std::string_view kind, std::string text,
                    const net::Datagram& d) {
    Ledger& l = ledger_of(about, d.time);
    if (l.events.size() >= most_events) return;
    RtcpEvent& e = l.events.emplace_back();
    e.frame = d.frame;
    e.time = d.time;
    e.src = d.src;
    e.dst = d.dst;
    e.sender_ssrc = sender;
    e.media_ssrc = about;
    e.kind = kind;
    e.text = std::move(text);
}

void Reports::take(Stream& into) {
    const std::uint64_t h = hash_of_ssrc(into.ssrc);
    const std::uint32_t i = by_ssrc_.find(h, [&](std::uint32_t n) { return pool_[n].ssrc == into.ssrc; });
    if (i == HashIndex::nil) return;
    Ledger& l = pool_[i];
    into.cname = l.cname;
    // The same SSRC may have gone to several addresses: each stream takes its own.
    std::erase_if(l.reports, [&](const RtcpReport& r) {
        if (!concerns(into, r.src, r.dst, r.is_sender_report)) return false;
        RtcpReport& taken = into.reports.emplace_back(r);
        if (taken.has_block && into.clock_hz != 0)
            taken.jitter_ms = 1000.0 * taken.jitter_units / into.clock_hz;
        return true;
    });
    std::erase_if(l.events, [&](const RtcpEvent& e) {
        if (!concerns(into, e.src, e.dst, e.sender_ssrc == into.ssrc)) return false;
        into.rtcp_events.push_back(e);
        return true;
    });
    if (l.reports.empty() && l.events.empty()) {
        by_ssrc_.erase(h, i);
        pool_.release(i);
    }
}

void Reports::advance(Time now) {
    for (std::uint32_t i = 0; i < pool_.end(); ++i)
        if (pool_.alive(i) && pool_[i].last + patience < now) {
            by_ssrc_.erase(hash_of_ssrc(pool_[i].ssrc), i);
            pool_.release(i);
        }
}

void Reports::finish() {
    std::uint64_t ssrcs = 0;
    std::uint64_t frame = 0;
    for (std::uint32_t i = 0; i < pool_.end(); ++i)
        if (pool_.alive(i) && !pool_[i].reports.empty()) {
            ++ssrcs;
            const std::uint64_t first = pool_[i].reports.front().frame;
            frame = frame == 0 ? first : std::min(frame, first);
        }
    if (ssrcs > 0)
        sink_.on_finding({"rtcp-without-rtp", Severity::note, frame, 0,
                          fmt::format("RTCP reports speak of {} SSRCs whose RTP is not in the capture", ssrcs),
                          "RFC 3550 6.4"});
}

}  // namespace sipana::analysis
