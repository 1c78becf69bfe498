#include "libsipana/live/screen_pages.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/live/screen_list.h"
#include "libsipana/net/datagram.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/rows.h"

namespace sipana::live {
namespace {

using net::Fate;

bool is_malformed(Fate fate) { return fate >= Fate::cut_short; }

Look look_of(Severity severity) {
    return severity == Severity::error     ? error_look
           : severity == Severity::warning ? warning_look
                                           : plain_look;
}

}  // namespace

// ---------------------------------------------------------------- findings

void FindingsView::refresh() {
    const std::uint64_t now = sight_.totals.findings;
    if (calls_.empty() && now != told_) changed();
    told_ = now;
}

std::string FindingsView::title() const {
    if (calls_.empty()) return "findings of no call";
    return calls_.size() == 1 ? "findings of the call"
                              : fmt::format("findings of {} calls", calls_.size());
}

std::vector<Styled> FindingsView::lines(std::size_t width, const render::Style& style) {
    std::vector<Finding> all;
    if (calls_.empty()) all = sight_.board.findings();
    for (const CallPtr& call : calls_) {
        all.insert(all.end(), call->findings.begin(), call->findings.end());
        for (const analysis::Stream& s : call->streams)
            all.insert(all.end(), s.findings.begin(), s.findings.end());
    }
    if (all.empty()) return {{{"None.", faint_look}}};
    std::vector<Styled> out;
    for (const render::FindingGroup& group : render::grouped(all, render::Alike::text)) {
        const Finding& f = *group.first;
        std::string frames;
        if (!group.frames.empty())
            frames = fmt::format("frame{} {}{}", group.frames.size() == 1 ? "" : "s",
                                 fmt::join(group.frames, ", "), group.more_frames ? ", ..." : "");
        const std::string_view sign = f.severity == Severity::error     ? "!!"
                                      : f.severity == Severity::warning ? "! "
                                                                        : "i ";
        wrap_into(out,
                  {{fmt::format("{} {:<8} ", sign, to_string(f.severity)), look_of(f.severity)},
                   {f.text, {}}},
                  width, 12, style, 6);
        std::string where = fmt::format("            {}", f.rule);
        if (!f.clause.empty()) where += fmt::format(", {}", f.clause);
        if (!frames.empty()) where += fmt::format(", {}", frames);
        if (group.count > 1) where += fmt::format(", {} times", group.count);
        wrap_into(out, {{where, faint_look}}, width, 12, style, 3);
    }
    return out;
}

// ---------------------------------------------------------------- totals

std::vector<Styled> TotalsView::lines(std::size_t width, const render::Style& style) {
    const Totals& t = sight_.totals;
    const SourceCounts all = t.captured();
    const auto& frames = t.counts.frames;
    std::vector<Styled> out;
    const auto add = [&](std::string_view name, std::string text, Look look = {}) {
        wrap_into(out, {{fmt::format("{:<20}", name), faint_look}, {std::move(text), look}}, width,
                  20, style);
    };
    const auto head = [&](std::string_view text) {
        if (!out.empty()) out.emplace_back();
        out.push_back({{std::string(text), bold_look}});
    };
    head("Captured");
    for (const Totals::Captured& s : t.sources) {
        add(s.name,
            fmt::format("{} received = {} read + {} dropped{}{}", s.counts.received, s.counts.read,
                        s.counts.dropped(),
                        s.counts.received > s.counts.read + s.counts.dropped()
                            ? fmt::format(" + {} waiting",
                                          s.counts.received - s.counts.read - s.counts.dropped())
                            : "",
                        s.ended ? ", ended" : ""));
        if (s.counts.dropped() > 0)
            add("",
                fmt::format("! dropped by kernel {}, interface {}, own queue {}",
                            s.counts.dropped_by_kernel, s.counts.dropped_by_interface,
                            s.counts.dropped_by_queue),
                warning_look);
        if (s.counts.refused > 0)
            add("", fmt::format("! {} were not what the source is for", s.counts.refused),
                warning_look);
    }
    add("rate",
        fmt::format("{:.0f} packets/s, {:.1f} Mbit/s", t.packets_per_s, t.bits_per_s / 1e6));
    if (t.begun != no_time && t.now != no_time)
        add("since", fmt::format("{} UTC, {}", to_rfc3339(t.begun).substr(0, 19),
                                 render::short_duration(t.now - t.begun)));
    head("What became of them");
    std::uint64_t parsed = 0, held = 0;
    std::string ignored, malformed;
    std::uint64_t ignored_count = 0, malformed_count = 0;
    for (std::size_t i = 0; i < frames.by_fate.size(); ++i) {
        const auto fate = static_cast<Fate>(i);
        const std::uint64_t n = frames.by_fate[i];
        if (fate == Fate::delivered)
            parsed = n;
        else if (fate == Fate::held)
            held = n;
        else if (n > 0) {
            const bool bad = is_malformed(fate);
            (bad ? malformed_count : ignored_count) += n;
            (bad ? malformed : ignored) += fmt::format(", {} {}", to_string(fate), n);
        }
    }
    const std::uint64_t sum = parsed + held + ignored_count + malformed_count + all.dropped();
    add("received",
        fmt::format("{} = {} parsed + {} held + {} ignored + {} malformed + {} dropped{}",
                    all.received, parsed, held, ignored_count, malformed_count, all.dropped(),
                    all.received > sum ? fmt::format(" + {} on the way", all.received - sum)
                                       : std::string()),
        all.dropped() > 0 ? warning_look : plain_look);
    if (ignored_count > 0) add("ignored", ignored.substr(2));
    if (malformed_count > 0) add("malformed", malformed.substr(2), warning_look);
    head("Seen");
    add("messages",
        fmt::format("{} SIP, {} malformed", t.counts.sip_messages, t.counts.malformed_sip));
    add("media", fmt::format("{} RTP, {} RTCP packets, {} streams at the moment",
                             t.counts.rtp_packets, t.counts.rtcp_packets, t.streams_active));
    add("calls", fmt::format("{} active, {} over", t.calls_active, t.calls_over));
    add("dialogs", fmt::format("{} active, {} over", t.dialogs_active, t.dialogs_over));
    add("registered", fmt::format("{}; subscribed {}", t.registered, t.subscribed));
    add("findings", std::to_string(t.findings));
    head("Kept");
    add("memory", fmt::format("{} of {}: what goes on {}, what is over {}, packets {}",
                              bytes_word(t.resident_bytes),
                              t.limit_bytes > 0 ? bytes_word(t.limit_bytes) : "no limit",
                              bytes_word(t.tracked_bytes), bytes_word(t.kept_bytes),
                              bytes_word(t.packet_bytes)));
    add("evicted",
        fmt::format("{} streams, {} attempts, {} calls", t.evictions.streams, t.evictions.attempts,
                    t.evictions.calls),
        t.evictions.total() > 0 ? warning_look : plain_look);
    add("given up", fmt::format("{} calls that were over", t.over_forgotten));
    head("Recorded");
    add("packets", fmt::format("{} in {} files, {} removed, {} calls saved", t.recorded_packets,
                               t.recorded_files, t.removed_files, t.saved_calls));
    if (!t.recording_failure.empty()) add("", "! " + t.recording_failure, error_look);
    return out;
}

// ---------------------------------------------------------------- help

std::vector<Styled> HelpView::lines(std::size_t width, const render::Style& style) {
    std::vector<Styled> out;
    for (const std::string& line : text_) wrap_into(out, {{line, {}}}, width, 17, style);
    out.emplace_back();
    out.push_back({{"What the signs in the list mean", bold_look}});
    for (const auto& [state, over, word] :
         {std::tuple{analysis::CallState::trying, false, "trying"},
          std::tuple{analysis::CallState::ringing, false, "ringing"},
          std::tuple{analysis::CallState::answered, false, "in call"},
          std::tuple{analysis::CallState::completed, true, "completed, registered, done"},
          std::tuple{analysis::CallState::busy, true, "cancelled, busy, declined"},
          std::tuple{analysis::CallState::redirected, true, "redirected"},
          std::tuple{analysis::CallState::failed, true, "failed, unanswered, challenged"},
          std::tuple{analysis::CallState::terminated, true, "unregistered, terminated"}})
        out.push_back(
            {{fmt::format("{:<17}", ""), {}},
             {std::string(state_sign(state, over, style.unicode)), {render::paint_of(state)}},
             {fmt::format("  {}", word), {}}});
    return out;
}

}  // namespace sipana::live
