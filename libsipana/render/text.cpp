// Tables of calls, messages and streams for people, and single messages as text.
#include "libsipana/base/text.h"

#include <fmt/format.h>

#include "libsipana/analysis/quality.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/render.h"
#include "libsipana/render/rows.h"
#include "libsipana/render/table.h"

namespace sipana::render {

namespace {

// "alice@a.example" of "sip:alice@a.example"
std::string_view without_scheme(std::string_view uri) {
    for (const std::string_view scheme : {"sip:", "sips:", "tel:"})
        if (istarts_with(uri, scheme)) return uri.substr(scheme.size());
    return uri;
}

std::string time_text(Time t) {
    return t == no_time ? std::string{} : to_time_of_day(t).substr(0, 12);
}

std::string duration_text(const std::optional<Duration>& d) {
    return d ? short_duration(*d) : std::string{};
}

// "3 (0.8%)"
// Wideband is a scale of its own, and says so.
std::string mos_text(const analysis::Stream& s) {
    return s.mos ? fmt::format("{:.2f}{}", *s.mos, s.wideband ? " wb" : "") : "";
}

std::string lost_text(const analysis::Stream& s) {
    if (s.lost == 0 || s.expected == 0) return std::to_string(s.lost);
    return fmt::format("{} ({:.1f}%)", s.lost,
                       100.0 * static_cast<double>(s.lost) / static_cast<double>(s.expected));
}

// What its receiver said last by RTCP: "2 lost, rtt 31 ms". The round trip is from the capture on.
std::string receiver_text(const analysis::Stream& s) {
    std::string text;
    for (const analysis::RtcpReport& r : s.reports) {
        if (!r.has_block || r.reported_ssrc != s.ssrc) continue;
        text = fmt::format("{} lost", r.cumulative_lost);
        if (r.rtt_ms) text += fmt::format(", rtt {:.0f} ms", *r.rtt_ms);
    }
    return text;
}

std::string count_or_blank(std::uint64_t n) { return n == 0 ? std::string{} : std::to_string(n); }

}  // namespace

std::string calls_table(std::span<const analysis::Call> calls, const Style& style) {
    if (calls.empty()) return "no calls\n";
    const bool one_day = of_one_day(calls);
    Table table({{"#", 10, 1, 0, true},
                 {"time", 7, one_day ? 8u : 19u},
                 {"kind", 4, 8},
                 {"from", 9, 6, 14},
                 {"to", 9, 6, 14},
                 {"state", 10, 10},
                 {"code", 8, 4, 0, true},
                 {"ring", 4, 6, 0, true},
                 {"duration", 7, 8, 0, true},
                 {"packets", 5, 7, 0, true},
                 {"lost", 6, 4, 0, true},
                 {"messages", 3, 8, 0, true},
                 {"legs", 3, 4, 0, true},
                 {"ended by", 2, 6},
                 {"source", 1, 8, 17},
                 {"destination", 1, 8, 17},
                 {"call-id", 0, 12, 12}});
    for (const auto& call : calls) {
        const MediaTotals media = totals_of(call);
        const Paint paint = paint_of(call.state);
        table.row();
        table.cell(std::to_string(call.number))
            .cell((one_day || call.start == no_time ? "" : day_of(call) + " ") +
                      time_text(call.start).substr(0, 8),
                  Paint::faint);
        table.cell(to_string(call.kind))
            .cell(without_scheme(call.from.uri))
            .cell(without_scheme(call.to.uri));
        table.cell(to_string(call.state), paint).cell(count_or_blank(call.final_code), paint);
        table.cell(duration_text(call.ring)).cell(duration_text(call.duration));
        table.cell(count_or_blank(media.packets));
        table.cell(media.packets == 0 ? "" : std::to_string(media.lost),
                   media.lost != 0 ? Paint::yellow : Paint::plain);
        table.cell(std::to_string(call.message_count)).cell(count_or_blank(call.legs.size()));
        table.cell(to_text(call.ended));
        table.cell(call.caller.empty() ? "" : call.caller.to_string())
            .cell(call.callee.empty() ? "" : call.callee.to_string());
        table.cell(call.call_id, Paint::faint);
    }
    return table.text(style);
}

std::string messages_table(std::span<const analysis::SipMessage> messages, const Style& style) {
    if (messages.empty()) return "no SIP messages\n";
    Table table({{"frame", 8, 1, 0, true},
                 {"time", 7, 12},
                 {"source", 9, 8, 17},
                 {"destination", 9, 8, 17},
                 {"message", 10, 8, 12},
                 {"again", 6, 5},
                 {"cseq", 5, 6},
                 {"call-id", 4, 12, 16},
                 {"transport", 2, 4},
                 {"bytes", 1, 5, 0, true}});
    for (const auto& m : messages) {
        std::string label = m.is_request() ? std::string(m.method_name)
                                           : fmt::format("{} {}", m.code, reason_phrase(m));
        if (m.has_sdp) label += " (SDP)";
        table.row();
        table.cell(std::to_string(m.frame)).cell(time_text(m.time), Paint::faint);
        table.cell(m.src.to_string())
            .cell(m.dst.to_string())
            .cell(label, paint_of(tone_of(m.code)));
        table.cell(m.capture_duplicate ? "seen twice"
                   : m.retransmission  ? "again"
                                       : "",
                   Paint::yellow);
        table.cell(fmt::format("{} {}", m.cseq, m.method_name)).cell(call_id_of(m), Paint::faint);
        table.cell(to_string(m.transport)).cell(std::to_string(m.text.size()));
    }
    return table.text(style);
}

std::string streams_table(std::span<const analysis::Stream* const> streams, const Style& style) {
    if (streams.empty()) return "no RTP streams\n";
    Table table({{"source", 10, 8, 17},
                 {"destination", 10, 8, 17},
                 {"ssrc", 6, 10},
                 {"codec", 9, 5, 8},
                 {"packets", 8, 5, 0, true},
                 {"lost", 9, 4, 0, true},
                 {"late", 3, 4, 0, true},
                 {"dup", 3, 3, 0, true},
                 {"reord", 3, 5, 0, true},
                 {"jitter ms", 7, 7, 0, true},
                 {"max", 3, 5, 0, true},
                 {"max delta", 4, 8, 0, true},
                 {"mos", 6, 4, 0, true},
                 {"kbit/s", 2, 6, 0, true},
                 {"duration", 5, 8, 0, true},
                 {"video", 7, 11, 19},
                 {"dtmf", 4, 4, 8},
                 {"receiver says", 2, 8},
                 {"start", 1, 12},
                 {"call-id", 0, 12, 12}});
    for (const auto* s : streams) {
        std::string video, digits;
        if (s->video) {
            if (s->video->width != 0)
                video = fmt::format("{}x{} ", s->video->width, s->video->height);
            video += fmt::format("{:.0f} fps {} key", s->video->fps, s->video->key_frames);
            if (s->video->incomplete_frames > 0)
                video += fmt::format(" {} incomplete", s->video->incomplete_frames);
            if (s->video->broken_count > 0)
                video += fmt::format(" broken {}", short_duration(s->video->broken_for));
        }
        for (const auto& digit : s->digits) digits += digit.digit;
        table.row();
        table.cell(s->src.to_string())
            .cell(s->dst.to_string())
            .cell(fmt::format("0x{:08x}", s->ssrc));
        const std::string codec =
            s->codec.empty() ? fmt::format("PT {}", s->payload_type) : s->codec;
        table.cell(s->encrypted ? codec + " (SRTP)" : codec);
        table.cell(std::to_string(s->packets))
            .cell(lost_text(*s), s->lost != 0 ? Paint::yellow : Paint::plain);
        table.cell(count_or_blank(s->late));
        table.cell(count_or_blank(s->duplicated)).cell(count_or_blank(s->reordered));
        const bool timed = s->clock_hz != 0;
        table.cell(timed ? fmt::format("{:.2f}", s->mean_jitter_ms) : "")
            .cell(timed ? fmt::format("{:.2f}", s->max_jitter_ms) : "");
        table.cell(fmt::format("{:.1f}", s->max_delta_ms));
        table.cell(mos_text(*s), s->mos && *s->mos < analysis::poor_mos ? Paint::yellow : Paint::plain);
        table.cell(fmt::format("{:.0f}", s->bitrate_kbps));
        table.cell(short_duration(s->end - s->start)).cell(video).cell(digits);
        table.cell(receiver_text(*s));
        table.cell(time_text(s->start), Paint::faint).cell(s->call_id, Paint::faint);
    }
    return table.text(style);
}

std::string message_text(const analysis::SipMessage& message, const Style& style) {
    const std::string head =
        fmt::format("frame {}  {}  {} {} {}  {}", message.frame, to_rfc3339(message.time),
                    message.src.to_string(), style.unicode ? "→" : "->", message.dst.to_string(),
                    to_string(message.transport));
    std::string out = painted(head, Paint::faint, style) + "\n";
    const std::string text = style.secrets ? std::string(message.text) : masked(message.text);
    std::string_view rest = text;
    bool first = true;
    while (!rest.empty()) {
        std::string_view line = cut(rest, '\n');
        if (line.ends_with('\r')) line.remove_suffix(1);
        out += painted(shown(line, style), first ? paint_of(tone_of(message.code)) : Paint::plain,
                       style);
        out += '\n';
        first = false;
    }
    return out;
}

}  // namespace sipana::render
