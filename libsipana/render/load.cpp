#include "libsipana/render/load.h"

#include <fmt/format.h>

#include "libsipana/render/json_writer.h"
#include "libsipana/render/table.h"

namespace sipana::render {
namespace {

double calls_per_second(const lab::LoadResult& load) {
    const double seconds = to_seconds(load.elapsed);
    return seconds <= 0 ? 0 : static_cast<double>(load.done) / seconds;
}

double cpu_us_per_call(const lab::LoadResult& load) {
    const auto calls = load.done + load.failed;
    return calls == 0 ? 0 : load.cpu_s * 1e6 / static_cast<double>(calls);
}

}  // namespace

std::string load_table(const lab::LoadResult& load, const Style& style) {
    std::string out;
    const auto line = [&](const std::string& text, Paint paint = Paint::plain) {
        for (const std::string& piece : wrapped(shown(text, style), usable_width(style), 4, style))
            out += painted(piece, paint, style) + "\n";
    };
    if (!load.error.empty()) line(load.error, Paint::red);
    line(fmt::format("{}: {} calls begun, {} done, {} failed in {:.3f} s{}", load.script,
                     load.begun, load.done, load.failed, to_seconds(load.elapsed),
                     load.interrupted ? ", interrupted" : ""),
         load.failed > 0 ? Paint::red : Paint::bold);
    line(fmt::format("{:.1f} calls/s, at most {} at once, {} begun late; {:.1f} us of CPU a call",
                     calls_per_second(load), load.most_at_once, load.late, cpu_us_per_call(load)));
    line(fmt::format("{} SIP messages sent, {} received, {} retransmissions; {} RTP packets sent",
                     load.sip_sent, load.sip_received, load.retransmissions, load.rtp_sent));
    if (!load.times.empty()) {
        Table table({{"RESPONSE TIME", essential, 10, 16},
                     {"COUNT", 2, 1, 0, true},
                     {"MEAN ms", 3, 1, 0, true},
                     {"p50", essential, 1, 0, true},
                     {"p90", 4, 1, 0, true},
                     {"p95", 5, 1, 0, true},
                     {"p99", essential, 1, 0, true},
                     {"p99.9", 6, 1, 0, true},
                     {"MAX", essential, 1, 0, true}});
        for (const lab::Percentiles& p : load.times) {
            table.row();
            table.cell(p.what).cell(fmt::format("{}", p.count));
            for (const double ms :
                 {p.mean_ms, p.p50_ms, p.p90_ms, p.p95_ms, p.p99_ms, p.p999_ms, p.max_ms})
                table.cell(fmt::format("{:.3f}", ms));
        }
        out += "\n" + table.text(style);
    }
    if (!load.reasons.empty()) {
        Table table({{"FAILED", essential, 1, 0, true}, {"BECAUSE", essential, 20, 40}});
        for (const auto& reason : load.reasons) {
            table.row();
            table.cell(fmt::format("{}", reason.second)).cell(reason.first);
        }
        out += "\n" + table.text(style);
    }
    return out;
}

std::string load_json(const lab::LoadResult& load) {
    std::string out;
    {
        JsonWriter json(out, 2);
        json.begin_object().field("schema", "sipana-load/1").field("script", load.script);
        json.text_or_null("error", load.error).field("interrupted", load.interrupted);
        json.field("begun", load.begun).field("done", load.done).field("failed", load.failed);
        json.field("late", load.late).field("most_at_once", load.most_at_once);
        json.field("retransmissions", load.retransmissions).field("sip_sent", load.sip_sent);
        json.field("sip_received", load.sip_received).field("rtp_sent", load.rtp_sent);
        json.key("elapsed_s").seconds(load.elapsed).field("cpu_s", load.cpu_s);
        json.field("calls_per_s", calls_per_second(load));
        json.field("cpu_us_per_call", cpu_us_per_call(load));
        json.key("times").begin_array();
        for (const lab::Percentiles& p : load.times) {
            json.begin_object().field("what", p.what).field("count", p.count);
            json.field("mean_ms", p.mean_ms).field("p50_ms", p.p50_ms).field("p90_ms", p.p90_ms);
            json.field("p95_ms", p.p95_ms).field("p99_ms", p.p99_ms);
            json.field("p999_ms", p.p999_ms).field("max_ms", p.max_ms).end_object();
        }
        json.end_array().key("reasons").begin_array();
        for (const auto& reason : load.reasons)
            json.begin_object()
                .field("text", reason.first)
                .field("count", reason.second)
                .end_object();
        json.end_array().end_object();
    }
    return out + "\n";
}

}  // namespace sipana::render
