// One RTP stream: its figures, charts over time, gaps, and RTCP beside what was measured.
#include <algorithm>

#include "libsipana/analysis/quality.h"
#include "libsipana/base/text.h"
#include "libsipana/render/chart.h"
#include "libsipana/render/html.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/svg.h"

namespace sipana::render {
namespace {

using analysis::Call;
using analysis::RtcpReport;
using analysis::Stream;

// Sums over the stream's seconds up to and with the one that holds `time`.
struct Measured {
    std::uint64_t packets = 0, lost = 0;
    double jitter_ms = 0;
    bool known = false;
};
Measured measured_at(const Stream& stream, Time time) {
    Measured m;
    if (time < stream.start) return m;
    const auto second = static_cast<std::size_t>((time - stream.start) / std::chrono::seconds{1});
    for (std::size_t i = 0; i < stream.seconds.size() && i <= second; ++i) {
        m.packets += stream.seconds[i].packets;
        m.lost += stream.seconds[i].lost;
        m.jitter_ms = stream.seconds[i].jitter_ms;
        m.known = true;
    }
    return m;
}

void put_number(Page& page, std::string_view name, std::string_view value,
                std::string_view css = "") {
    page.put("<div{}><dt>{}<dd>{}</div>", css.empty() ? "" : fmt::format(" class=\"{}\"", css),
             name, escaped(value));
}

void put_numbers(Page& page, const Stream& s) {
    page.out += "<dl class=\"numbers\">";
    put_number(page, "Packets", fmt::format("{}", s.packets));
    put_number(page, "Expected", fmt::format("{}", s.expected));
    const double percent =
        s.expected == 0 ? 0 : 100.0 * static_cast<double>(s.lost) / static_cast<double>(s.expected);
    put_number(page, "Lost",
               s.lost == 0 ? "0" : fmt::format("{} ({})", s.lost, percent_text(percent)),
               s.lost > 0 ? "bad" : "");
    put_number(page, "Late", fmt::format("{}", s.late));
    put_number(page, "Duplicated", fmt::format("{}", s.duplicated));
    put_number(page, "Reordered", fmt::format("{}", s.reordered));
    if (s.clock_hz == 0) {
        put_number(page, "Jitter", "unknown, for want of a clock");
    } else {
        const std::string_view guess = s.clock_known ? "" : " (clock guessed)";
        put_number(page, "Jitter, mean", fmt::format("{:.2f} ms{}", s.mean_jitter_ms, guess));
        put_number(page, "Jitter, highest", fmt::format("{:.2f} ms{}", s.max_jitter_ms, guess));
    }
    if (s.mos)
        put_number(page, s.wideband ? "MOS, wideband scale" : "MOS",
                   fmt::format("{:.2f} (R {:.1f})", *s.mos, *s.r_factor),
                   *s.mos < analysis::poor_mos ? "bad" : "");
    put_number(page, "Longest wait", fmt::format("{:.1f} ms", s.max_delta_ms));
    put_number(page, "Bit rate", fmt::format("{:.4g} kbit/s", s.bitrate_kbps));
    put_number(page, "Lasted", short_duration(s.end - s.start));
    if (s.silences > 0) put_number(page, "Silences", fmt::format("{}", s.silences));
    if (s.restarts > 0) put_number(page, "Restarts", fmt::format("{}", s.restarts));
    if (s.video) {
        const auto& v = *s.video;
        put_number(page, "Frames", fmt::format("{}", v.frames));
        put_number(page, "Key frames", fmt::format("{}", v.key_frames));
        put_number(page, "Incomplete", fmt::format("{}", v.incomplete_frames),
                   v.incomplete_frames > 0 ? "bad" : "");
        if (v.width > 0) put_number(page, "Picture", fmt::format("{}×{}", v.width, v.height));
        put_number(page, "Frame rate", fmt::format("{:.3g} a second", v.fps));
        if (v.longest_freeze.count() > 0)
            put_number(page, "Longest freeze", short_duration(v.longest_freeze));
        if (v.broken_count > 0) put_number(page, "Broken picture", broken_text(s), "bad");
        if (v.behind_sound_ms)
            put_number(page, "Lip sync, beside the sound", lip_sync_text(*v.behind_sound_ms));
    }
    page.out += "</dl>\n";
}

std::string origin_text(const Stream& s) {
    std::string text = fmt::format("SSRC 0x{:08x} · {} to {} · payload type", s.ssrc,
                                   s.src.to_string(), s.dst.to_string());
    for (const auto type : s.payload_types) text += fmt::format(" {}", type);
    if (s.clock_hz > 0)
        text += fmt::format(" · clock {} Hz{}", s.clock_hz, s.clock_known ? "" : " (guessed)");
    text += s.from_sdp ? " · announced in SDP" : " · found without SDP";
    if (s.encrypted) text += " · encrypted (SRTP)";
    if (!s.cname.empty()) text += " · CNAME " + s.cname;
    text += fmt::format(" · from frame {}", s.first_frame);
    return text;
}

void put_gaps(Page& page, const Stream& s, Time start) {
    if (s.gaps.empty()) return;
    page.put(
        "<details><summary>{}</summary><div "
        "class=\"scroll\"><table><thead><tr><th>After<th>Missing<th>Until the "
        "next packet</thead><tbody>\n",
        counted(s.gaps.size(), "gap", "gaps"));
    const std::size_t count = std::min(s.gaps.size(), most_gaps_shown);
    for (std::size_t i = 0; i < count; ++i)
        page.put("<tr><td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}\n",
                 since(s.gaps[i].after, start), counted(s.gaps[i].packets, "packet", "packets"),
                 short_duration(s.gaps[i].length));
    page.out += "</tbody></table></div>";
    if (count < s.gaps.size()) page.put("<p class=\"omitted\">{} more.</p>", s.gaps.size() - count);
    page.out += "</details>\n";
}

void put_report(Page& page, const Stream& s, const RtcpReport& r, Time start) {
    const Measured here = measured_at(s, r.time);
    page.put("<tr><td class=\"n\">{}<td>{} <small>{}</small>", since(r.time, start),
             r.is_sender_report ? "SR" : "RR", escaped(r.src.to_string()));
    if (r.is_sender_report && r.sender_ssrc == s.ssrc) {
        page.put("<td class=\"n\">{}<td class=\"n\">{}", r.sent_packets,
                 here.known ? fmt::format("{}", here.packets) : "");
    } else {
        page.out += "<td><td>";
    }
    if (r.has_block && r.reported_ssrc == s.ssrc) {
        page.put("<td class=\"n\">{} <small>({} since the last)</small><td class=\"n\">{}",
                 r.cumulative_lost, percent_text(r.fraction_lost * 100.0 / 256),
                 here.known ? fmt::format("{}", here.lost) : "");
        page.put("<td class=\"n\">{}<td class=\"n\">{}",
                 r.jitter_ms ? fmt::format("{:.2f}", *r.jitter_ms) : "",
                 here.known ? fmt::format("{:.2f}", here.jitter_ms) : "");
    } else {
        page.out += "<td><td><td><td>";
    }
    page.put("<td class=\"n\">{}<td class=\"n\">{}\n",
             r.rtt_ms ? fmt::format("{:.1f}", *r.rtt_ms) : "", r.frame);
}

void put_rtcp(Page& page, const Stream& s, Time start) {
    if (!s.reports.empty()) {
        page.put(
            "<details{}><summary>{}, beside what was measured here</summary><div "
            "class=\"scroll\"><table "
            "class=\"rtcp\"><thead><tr><th rowspan=\"2\">Time<th rowspan=\"2\">Report<th "
            "colspan=\"2\">Packets "
            "sent<th colspan=\"2\">Lost in all<th colspan=\"2\">Jitter, ms<th rowspan=\"2\">Round "
            "trip, ms<th "
            "rowspan=\"2\">Frame<tr><th>says<th>seen<th>says<th>seen<th>says<th>seen</"
            "thead><tbody>\n",
            s.reports.size() <= 12 ? " open" : "",
            counted(s.reports.size(), "RTCP report", "RTCP reports"));
        const std::size_t count = std::min(s.reports.size(), most_rtcp_rows);
        for (std::size_t i = 0; i < count; ++i) put_report(page, s, s.reports[i], start);
        page.out += "</tbody></table></div>";
        if (count < s.reports.size())
            page.put("<p class=\"omitted\">{} more.</p>", s.reports.size() - count);
        page.out += "</details>\n";
    }
    if (s.rtcp_events.empty()) return;
    page.put(
        "<details><summary>{}</summary><div "
        "class=\"scroll\"><table><thead><tr><th>Time<th>Kind<th>From<th>What it "
        "says<th>Frame</thead><tbody>\n",
        counted(s.rtcp_events.size(), "other RTCP packet", "other RTCP packets"));
    const std::size_t count = std::min(s.rtcp_events.size(), most_rtcp_rows);
    for (std::size_t i = 0; i < count; ++i) {
        const auto& e = s.rtcp_events[i];
        page.put("<tr><td class=\"n\">{}<td>{}<td>{}<td>{}<td class=\"n\">{}\n",
                 since(e.time, start), escaped(e.kind), escaped(e.src.to_string()), escaped(e.text),
                 e.frame);
    }
    page.out += "</tbody></table></div>";
    if (count < s.rtcp_events.size())
        page.put("<p class=\"omitted\">{} more.</p>", s.rtcp_events.size() - count);
    page.out += "</details>\n";
}

}  // namespace

void put_stream(Page& page, const Stream& stream, const Call* call, std::uint64_t call_number,
                std::size_t index) {
    std::string from = stream.src.to_string(), to = stream.dst.to_string();
    if (call != nullptr) {
        from = stream.from_caller ? caller_name(*call) : callee_name(*call);
        to = stream.from_caller ? callee_name(*call) : caller_name(*call);
    }
    const Time start = call != nullptr ? call->start : stream.start;
    page.put(
        "<section class=\"stream\" id=\"stream-{}.{}\" tabindex=\"-1\"><h4>{} {}, {} <span "
        "aria-label=\"to\">→</span> "
        "{}</h4><p class=\"origin\">{}</p>\n",
        call_number, index,
        stream.media == analysis::MediaKind::other ? "media" : to_string(stream.media),
        stream.codec.empty() ? "of unknown codec" : escaped(stream.codec), escaped(from),
        escaped(to), escaped(origin_text(stream)));
    put_numbers(page, stream);
    const std::string charts =
        jitter_chart(stream) + bitrate_chart(stream) + loss_chart(stream) + frames_chart(stream);
    if (!charts.empty()) page.put("<div class=\"charts\">{}</div>\n", charts);
    put_picture(page, stream, start);
    put_gaps(page, stream, start);
    put_rtcp(page, stream, start);
    page.out += "</section>\n";
}

}  // namespace sipana::render
