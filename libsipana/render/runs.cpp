// Runs of the lab as tables for people.
#include "libsipana/render/runs.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/render/table.h"

namespace sipana::render {
namespace {

using lab::Outcome;
using lab::RunResult;

Paint paint_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::done:
            return Paint::green;
        case Outcome::failed:
            return Paint::red;
        case Outcome::skipped:
            return Paint::yellow;
        case Outcome::not_reached:
            return Paint::faint;
    }
    return Paint::plain;
}

std::string since(const RunResult& run, Time at) {
    return at == no_time ? "" : fmt::format("{:.3f}", to_seconds(at - run.started));
}

std::string line_of(std::uint32_t line) { return line == 0 ? "" : fmt::format("{}", line); }

// What to look at first.
std::string reason_of(const RunResult& run) {
    if (!run.error.empty()) return run.error;
    for (const lab::StepResult& s : run.steps)
        if (s.outcome == Outcome::failed)
            return fmt::format("line {}: {}: {}", s.line, s.text, s.detail);
    for (const lab::CheckResult& c : run.checks)
        if (c.outcome == Outcome::failed)
            return c.line == 0 ? fmt::format("{}: {}", c.text, c.detail)
                               : fmt::format("line {}: {}: {}", c.line, c.text, c.detail);
    return {};
}

}  // namespace

Duration duration_of(const RunResult& run) {
    if (run.ended == no_time || run.started == no_time) return {};
    return std::max(Duration{}, run.ended - run.started);
}

lab::Outcome outcome_of(std::span<const RunResult> runs) {
    Outcome worst = Outcome::done;
    const auto badness = [](Outcome outcome) {
        return outcome == Outcome::done          ? 0
               : outcome == Outcome::skipped     ? 1
               : outcome == Outcome::not_reached ? 2
                                                 : 3;
    };
    for (const RunResult& run : runs)
        if (badness(run.outcome) > badness(worst)) worst = run.outcome;
    return worst;
}

std::string run_line(const RunResult& run, const Style& style) {
    constexpr std::size_t outcome_room = 11;
    const std::size_t width = usable_width(style);
    std::string text = shown(run.script, style);
    if (!run.title.empty()) text += "  " + shown(run.title, style);
    const std::string took = fmt::format("  {:.3f} s", to_seconds(duration_of(run)));
    text = cut_to(text, width - outcome_room - took.size(), style);
    std::string out = painted(fmt::format("{:<{}}", to_string(run.outcome), outcome_room),
                              paint_of(run.outcome), style) +
                      text + painted(took, Paint::faint, style) + "\n";
    const std::string reason = reason_of(run);
    if (run.outcome != Outcome::done && !reason.empty())
        for (const std::string& line :
             wrapped(shown(reason, style), width - outcome_room, 3, style))
            out +=
                std::string(outcome_room, ' ') + painted(line, paint_of(run.outcome), style) + "\n";
    return out;
}

std::string run_table(const RunResult& run, const Style& style) {
    std::string out = run_line(run, style);
    if (!run.steps.empty()) {
        Table table({{"LINE", 5, 1, 0, true},
                     {"TIME", 4, 1, 0, true},
                     {"PHONE", 3, 3, 8},
                     {"STEP", essential, 12, 24},
                     {"OUTCOME", essential, 4, 7},
                     {"DETAIL", essential, 8, 20}});
        for (const lab::StepResult& s : run.steps) {
            table.row();
            table.cell(line_of(s.line), Paint::faint).cell(since(run, s.at), Paint::faint);
            table.cell(s.phone).cell(s.text).cell(to_string(s.outcome), paint_of(s.outcome));
            table.cell(s.detail, s.outcome == Outcome::failed ? Paint::red : Paint::plain);
        }
        out += "\n" + table.text(style);
    }
    if (!run.checks.empty()) {
        Table table({{"LINE", 5, 1, 0, true},
                     {"CHECK", essential, 12, 24},
                     {"OUTCOME", essential, 4, 7},
                     {"DETAIL", essential, 8, 20}});
        for (const lab::CheckResult& c : run.checks) {
            table.row();
            table.cell(line_of(c.line), Paint::faint).cell(c.text);
            table.cell(to_string(c.outcome), paint_of(c.outcome));
            table.cell(c.detail, c.outcome == Outcome::failed ? Paint::red : Paint::plain);
        }
        out += "\n" + table.text(style);
    }
    for (const std::string& note : run.notes)
        for (const std::string& line : wrapped(shown(note, style), usable_width(style), 4, style))
            out += painted(line, Paint::faint, style) + "\n";
    return out;
}

std::string runs_summary(std::span<const RunResult> runs, const Style& style) {
    std::size_t by_outcome[4] = {};
    std::uint64_t sip = 0, rtp = 0;
    for (const RunResult& run : runs) {
        ++by_outcome[static_cast<std::size_t>(run.outcome)];
        sip += run.sip_sent;
        rtp += run.rtp_sent;
    }
    std::string counts;
    for (std::size_t i = 0; i < std::size(by_outcome); ++i)
        if (by_outcome[i] > 0)
            counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", by_outcome[i],
                                  to_string(static_cast<Outcome>(i)));
    const std::string text =
        fmt::format("{} script{}: {}; {} SIP messages, {} RTP packets sent", runs.size(),
                    runs.size() == 1 ? "" : "s", counts.empty() ? "nothing" : counts, sip, rtp);
    std::string out;
    for (const std::string& line : wrapped(text, usable_width(style), 3, style)) out += line + "\n";
    return out;
}

}  // namespace sipana::render
