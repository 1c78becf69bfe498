// The ladder as a Mermaid sequenceDiagram, for Markdown pages that draw such.
//
// Mermaid reads "#35;" as a character by its number; everything that its grammar, its directives or
// HTML could take for their own is written so.
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/render.h"

namespace sipana::render {
namespace {

constexpr std::size_t max_label = 120;  // columns; longer text only makes the figure wide
constexpr std::size_t max_detail = 60;
constexpr std::string_view line_break = "<br/>";  // the only markup, and ours

std::string escaped_label(std::string_view wire, std::size_t most = max_label) {
    std::string out;
    for (const char c : fitted(printable(wire), most)) {
        const bool plain =
            is_alpha(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
            std::string_view(" .,:-+/=()[]_@*!?|~^").find(c) != std::string_view::npos;
        if (plain)
            out += c;
        else
            out += fmt::format("#{};", static_cast<unsigned>(c));
    }
    return out;
}

// `text` is escaped.
std::string arrow_line(std::uint32_t from, std::uint32_t to, std::string_view arrow, double seconds,
                       std::string_view text) {
    return fmt::format("    P{}{}P{}: {:.3f} {}\n", from, arrow, to, seconds, text);
}

std::string note_line(std::uint32_t a, std::uint32_t b, std::string_view text) {
    const std::uint32_t left = std::min(a, b), right = std::max(a, b);
    return left == right ? fmt::format("    Note over P{}: {}\n", left, text)
                         : fmt::format("    Note over P{},P{}: {}\n", left, right, text);
}

std::string arrow_text(const Arrow& arrow) {
    std::string label = arrow.label;
    if (arrow.retransmission) label += fmt::format(", retransmission {}", arrow.repeat);
    if (arrow.seen_again > 0) label += fmt::format(", captured {} times", arrow.seen_again + 1);
    std::string out = escaped_label(label);
    if (!arrow.detail.empty() && !arrow.retransmission)
        out.append(line_break).append(escaped_label(arrow.detail, max_detail));
    return out;
}

// Mermaid wraps no notes.
std::string media_text(const MediaLane& lane) {
    std::string out =
        escaped_label(fmt::format("{}, {}", lane.label, short_duration(lane.duration())));
    for (const MediaWay& way : lane.ways)
        out +=
            fmt::format("{}{}: {} packets, {} lost", line_break,
                        way.from < way.to ? "to the right" : "to the left", way.packets, way.lost);
    return out;
}

}  // namespace

std::string ladder_mermaid(std::span<const analysis::Call* const> calls, Names names) {
    const Ladder ladder = build_ladder(calls, names);
    const auto last = static_cast<std::uint32_t>(ladder.participants.size() - 1);
    std::string out = fmt::format("sequenceDiagram\n    title {}\n", escaped_label(ladder.title));
    for (std::size_t i = 0; i < ladder.participants.size(); ++i) {
        const Participant& p = ladder.participants[i];
        out += fmt::format("    participant P{} as {}", i, escaped_label(p.name));
        if (!p.address.empty()) out.append(line_break).append(escaped_label(p.address));
        if (!p.agent.empty()) out.append(line_break).append(escaped_label(p.agent));
        out += '\n';
    }
    for (const Row& row : ladder.rows) {
        const double at = to_seconds(row.time - ladder.start);
        if (const auto* a = std::get_if<Arrow>(&row.what)) {
            out += arrow_line(a->from, a->to, a->tone == Tone::request ? "->>" : "-->>", at,
                              arrow_text(*a));
        } else if (const auto* lane = std::get_if<MediaLane>(&row.what)) {
            out += note_line(lane->from, lane->to, media_text(*lane));
        } else if (const auto* digits = std::get_if<Digits>(&row.what)) {
            out += arrow_line(digits->from, digits->to, "-)", at,
                              escaped_label("DTMF " + digits->digits));
        } else if (const auto* pause = std::get_if<Pause>(&row.what)) {
            out += note_line(0, last, short_duration(pause->length) + " later");
        } else if (const auto* note = std::get_if<Note>(&row.what)) {
            out += note_line(note->from, note->to, escaped_label(note->text));
        }
    }
    if (ladder.omitted > 0)
        out += note_line(0, last, fmt::format("{} more rows are not drawn", ladder.omitted));
    return out;
}

}  // namespace sipana::render
