#include "libsipana/analysis/reports.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/analysis/report_words.h"
#include "libsipana/rtcp/check.h"

namespace sipana::analysis {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_reports = 50'000;  // of one SSRC
constexpr std::size_t most_events = 20'000;
constexpr std::uint32_t most_ssrcs = 100'000;
constexpr Duration patience = 10min;

std::uint64_t hash_of_ssrc(std::uint32_t ssrc) { return mix(ssrc, 11); }

// Is a report from `from` to `to` about the stream, or by its sender? NAT may hide one of the
// addresses. Where both sides are one host the ports tell: those of RTP, or one above.
bool concerns(const Stream& s, const Endpoint& from, const Endpoint& to, bool by_sender) {
    const Endpoint& sender = by_sender ? from : to;
    const Endpoint& receiver = by_sender ? to : from;
    if (s.src.address == s.dst.address) {
        const auto fits = [](const Endpoint& rtcp, const Endpoint& rtp) {
            return rtcp.port == rtp.port || rtcp.port == rtp.port + 1;
        };
        return fits(sender, s.src) || fits(receiver, s.dst);
    }
    return s.src.address == sender.address || s.dst.address == receiver.address;
}

bool between(const Way& way, const Endpoint& from, const Endpoint& to, bool by_sender) {
    return way.src.address == (by_sender ? from : to).address &&
           way.dst.address == (by_sender ? to : from).address;
}

// A request of RFC 2032 names no SSRC: it goes against the way of its stream.
bool demands_of(const Stream& s, const RtcpEvent& e) {
    return e.src.address == s.dst.address && e.dst.address == s.src.address &&
           (e.dst.port == s.src.port || e.dst.port == s.src.port + 1);
}

// The same SSRC may have gone to several addresses (directmedia, forks): each stream takes its own.
struct Ours {
    const Stream& stream;
    std::span<const Way> siblings;
    bool operator()(const RtcpReport& r) const { return is(r.src, r.dst, r.is_sender_report); }
    bool operator()(const RoundTripTold& t) const { return is(t.src, t.dst, false); }
    bool operator()(const RtcpEvent& e) const { return is(e.src, e.dst, e.sender_ssrc == stream.ssrc); }

private:
    bool is(const Endpoint& from, const Endpoint& to, bool by_sender) const {
        if (!concerns(stream, from, to, by_sender)) return false;
        return between({stream.src, stream.dst}, from, to, by_sender) ||
               std::none_of(siblings.begin(), siblings.end(),
                            [&](const Way& other) { return between(other, from, to, by_sender); });
    }
};

}  // namespace

Reports::Ledger& Reports::ledger_of(std::uint32_t ssrc, Time now) {
    std::uint32_t i =
        by_ssrc_.find(hash_of_ssrc(ssrc), [&](std::uint32_t n) { return pool_[n].ssrc == ssrc; });
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
        if (pool_.count() < most_ssrcs) on_packet(p, d);
    }
    if (compound.error && !d.cut) {
        ++counts_.malformed_rtcp;
        sink_.on_finding({"rtcp-malformed", Severity::error, d.frame, compound.error->offset,
                          fmt::format("RTCP {} > {}: {}", d.src.to_string(), d.dst.to_string(),
                                      compound.error->what),
                          "RFC 3550 6.1"});
    } else if (full() && options_.check) {
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
    } else if (!full()) {
        return;
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
              fmt::format("{} subtype {}, {} bytes", std::string_view(app->name.data(), 4),
                          app->subtype, app->content.size()),
              d);
    } else if (const auto* rtpfb = std::get_if<rtcp::TransportFeedback>(&p.content)) {
        on_feedback(*rtpfb, d);
    } else if (const auto* psfb = std::get_if<rtcp::PayloadFeedback>(&p.content)) {
        on_feedback(*psfb, d);
    } else if (const auto* xr = std::get_if<rtcp::ExtendedReport>(&p.content)) {
        on_extended(*xr, d);
    } else if (p.type == rtcp::full_intra_request && intra_requests_.size() < most_events) {
        RtcpEvent& e = intra_requests_.emplace_back();
        e.frame = d.frame;
        e.time = d.time;
        e.src = d.src;
        e.dst = d.dst;
        ByteReader in(d.payload.subspan(p.offset));
        in.skip(4);
        e.sender_ssrc = in.u32();
        e.kind = "FIR";
        e.text = "a key frame is demanded (RFC 2032 5.2.1)";
    }
}

void Reports::on_sender_report(const rtcp::SenderReport& sr, const net::Datagram& d) {
    Ledger& l = ledger_of(sr.ssrc, d.time);
    l.round_trip.on_sender_report(sr.ntp, d.time);
    if (full() && l.reports.size() < most_reports) {
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
    const auto rtt = l.round_trip.on_report_block(b.lsr, b.dlsr, d.time);
    if (rtt && l.round_trips.size() < most_round_trips)
        l.round_trips.push_back({d.src, d.dst, to_milliseconds(*rtt)});
    if (!full() || l.reports.size() >= most_reports) return;
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
    if (rtt) r.rtt_ms = to_milliseconds(*rtt);
}

void Reports::on_feedback(const rtcp::TransportFeedback& f, const net::Datagram& d) {
    const auto say = [&](std::uint32_t about, std::string text) {
        event(about, f.sender_ssrc, rtcp::name_of(f), std::move(text), d);
    };
    if (const auto* nack = std::get_if<rtcp::Nack>(&f.content)) {
        say(f.media_ssrc, words_of(*nack));
    } else if (const auto* cc = std::get_if<rtcp::TransportCc>(&f.content)) {
        say(f.media_ssrc, words_of(*cc));
    } else if (const auto* blocks = std::get_if<rtcp::CongestionControl>(&f.content)) {
        for (const auto& block : blocks->blocks) say(block.ssrc, words_of(block));
    } else if (const auto* t = std::get_if<rtcp::Tmmb>(&f.content)) {
        // RFC 5104 4.2.1, 4.2.2: a request names the sender that it asks, a notification who asked.
        for (const auto& entry : t->entries)
            say(t->notification ? f.sender_ssrc : entry.ssrc, words_of(entry));
    } else {
        say(f.media_ssrc, fmt::format("format {}", f.format));
    }
}

void Reports::on_feedback(const rtcp::PayloadFeedback& f, const net::Datagram& d) {
    const auto say = [&](std::uint32_t about, std::string text) {
        event(about, f.sender_ssrc, rtcp::name_of(f), std::move(text), d);
    };
    if (std::holds_alternative<rtcp::Pli>(f.content)) {
        say(f.media_ssrc, "a key frame is asked for: a picture was lost");
    } else if (const auto* fir = std::get_if<rtcp::Fir>(&f.content)) {
        // FIR and REMB name their streams within (RFC 5104 4.3.1.2).
        for (const auto& entry : fir->entries)
            say(entry.ssrc, fmt::format("a key frame is demanded, request {}", entry.sequence));
    } else if (const auto* remb = std::get_if<rtcp::Remb>(&f.content)) {
        for (const std::uint32_t ssrc : remb->ssrcs) say(ssrc, words_of(*remb));
    } else if (const auto* sli = std::get_if<rtcp::Sli>(&f.content)) {
        say(f.media_ssrc, words_of(*sli));
    } else if (std::holds_alternative<rtcp::Rpsi>(f.content)) {
        say(f.media_ssrc, "a picture to predict from is chosen");
    } else {
        say(f.media_ssrc, fmt::format("format {}", f.format));
    }
}

void Reports::on_extended(const rtcp::ExtendedReport& xr, const net::Datagram& d) {
    const auto say = [&](std::uint32_t about, std::string text) {
        event(about, xr.ssrc, "XR", std::move(text), d);
    };
    for (const rtcp::XrBlock& block : xr.blocks) {
        if (const auto* voip = std::get_if<rtcp::VoipMetrics>(&block)) {
            say(voip->ssrc, words_of(*voip));
        } else if (const auto* summary = std::get_if<rtcp::StatisticsSummary>(&block)) {
            say(summary->ssrc, words_of(*summary));
        } else if (const auto* runs = std::get_if<rtcp::RunLengths>(&block)) {
            say(runs->ssrc, words_of(*runs));
        } else if (const auto* times = std::get_if<rtcp::ReceiptTimes>(&block)) {
            say(times->ssrc, fmt::format("{} of {} packets from {} on", rtcp::name_of(block),
                                         times->times.size(), times->begin));
        } else if (const auto* clock = std::get_if<rtcp::ReferenceTime>(&block)) {
            ledger_of(xr.ssrc, d.time).references.on_sender_report(clock->ntp, d.time);
            say(xr.ssrc, std::string(rtcp::name_of(block)));
        } else if (const auto* delays = std::get_if<rtcp::DelaySinceReference>(&block)) {
            for (const auto& e : delays->entries) {
                std::string text(rtcp::name_of(block));
                const rtcp::RoundTrip& sent = ledger_of(e.ssrc, d.time).references;
                if (const auto rtt = sent.on_report_block(e.lrr, e.dlrr, d.time))
                    text += fmt::format(": round trip {:.1f} ms", to_milliseconds(*rtt));
                say(e.ssrc, std::move(text));
            }
        } else {
            say(xr.ssrc, std::string(rtcp::name_of(block)));
        }
    }
}

void Reports::event(std::uint32_t about, std::uint32_t sender, std::string_view kind,
                    std::string text, const net::Datagram& d) {
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

void Reports::tell_intra_requests(Stream& into) const {
    if (into.media != MediaKind::video) return;
    for (const RtcpEvent& e : intra_requests_) {
        if (!demands_of(into, e)) continue;
        into.rtcp_events.push_back(e);
        into.rtcp_events.back().media_ssrc = into.ssrc;
    }
    std::stable_sort(into.rtcp_events.begin(), into.rtcp_events.end(),
                     [](const RtcpEvent& a, const RtcpEvent& b) { return a.time < b.time; });
}

void Reports::tell_round_trip(Stream& into, std::span<const Way> siblings) const {
    const std::uint32_t i = by_ssrc_.find(
        hash_of_ssrc(into.ssrc), [&](std::uint32_t n) { return pool_[n].ssrc == into.ssrc; });
    if (i == HashIndex::nil) return;
    double sum_ms = 0;
    std::size_t count = 0;
    for (const RoundTripTold& t : pool_[i].round_trips) {
        if (!Ours{into, siblings}(t)) continue;
        sum_ms += t.ms;
        ++count;
    }
    if (count > 0) into.round_trip_ms = sum_ms / static_cast<double>(count);
}

void Reports::tell(Stream& into, std::span<const Way> siblings) const {
    const std::uint32_t i = by_ssrc_.find(
        hash_of_ssrc(into.ssrc), [&](std::uint32_t n) { return pool_[n].ssrc == into.ssrc; });
    if (i == HashIndex::nil) return tell_intra_requests(into);
    const Ledger& l = pool_[i];
    const Ours ours{into, siblings};
    into.cname = l.cname;
    for (const RtcpReport& r : l.reports) {
        if (!ours(r)) continue;
        RtcpReport& told = into.reports.emplace_back(r);
        if (told.has_block && into.clock_hz != 0)
            told.jitter_ms = 1000.0 * told.jitter_units / into.clock_hz;
    }
    for (const RtcpEvent& e : l.events)
        if (ours(e)) into.rtcp_events.push_back(e);
    tell_intra_requests(into);
    tell_round_trip(into, siblings);
}

void Reports::take(Stream& into, std::span<const Way> siblings) {
    tell(into, siblings);
    if (into.media == MediaKind::video)
        std::erase_if(intra_requests_, [&](const RtcpEvent& e) { return demands_of(into, e); });
    const std::uint64_t h = hash_of_ssrc(into.ssrc);
    const std::uint32_t i =
        by_ssrc_.find(h, [&](std::uint32_t n) { return pool_[n].ssrc == into.ssrc; });
    if (i == HashIndex::nil) return;
    Ledger& l = pool_[i];
    l.met = true;
    std::erase_if(l.reports, Ours{into, siblings});
    std::erase_if(l.events, Ours{into, siblings});
    std::erase_if(l.round_trips, Ours{into, siblings});
    // What a report block answers may be the SR that went another way.
    if (siblings.empty() && l.reports.empty() && l.events.empty() && l.round_trips.empty()) {
        by_ssrc_.erase(h, i);
        pool_.release(i);
    }
}

void Reports::advance(Time now) {
    std::erase_if(intra_requests_, [&](const RtcpEvent& e) { return e.time + patience < now; });
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
        if (pool_.alive(i) && !pool_[i].reports.empty() && !pool_[i].met) {
            ++ssrcs;
            const std::uint64_t first = pool_[i].reports.front().frame;
            frame = frame == 0 ? first : std::min(frame, first);
        }
    if (ssrcs > 0)
        sink_.on_finding(
            {"rtcp-without-rtp", Severity::note, frame, 0,
             fmt::format("RTCP reports speak of {} SSRCs whose RTP is not in the capture", ssrcs),
             "RFC 3550 6.4"});
}

}  // namespace sipana::analysis
