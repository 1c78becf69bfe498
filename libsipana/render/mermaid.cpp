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

std::string escaped_label(std::string_view wire) {
    std::string out;
    for (const char c : fitted(printable(wire), max_label)) {
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

std::string arrow_line(std::uint32_t from, std::uint32_t to, std::string_view arrow, double seconds,
                       std::string_view text) {
    return fmt::format("    P{}{}P{}: {:.3f} {}\n", from, arrow, to, seconds, escaped_label(text));
}

std::string note_line(std::uint32_t a, std::uint32_t b, std::string_view text) {
    const std::uint32_t left = std::min(a, b), right = std::max(a, b);
    return left == right
               ? fmt::format("    Note over P{}: {}\n", left, escaped_label(text))
               : fmt::format("    Note over P{},P{}: {}\n", left, right, escaped_label(text));
}

std::string media_text(const MediaLane& lane) {
    std::string out = fmt::format("{}, {}", lane.label, short_duration(lane.duration()));
    for (const MediaWay& way : lane.ways)
        out += fmt::format("{} {} packets, {} lost",
                           way.from < way.to ? ", to the right" : ", to the left", way.packets,
                           way.lost);
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
        if (!p.address.empty()) out += "<br/>" + escaped_label(p.address);
        if (!p.agent.empty()) out += "<br/>" + escaped_label(p.agent);
        out += '\n';
    }
    for (const Row& row : ladder.rows) {
        const double at = to_seconds(row.time - ladder.start);
        if (const auto* a = std::get_if<Arrow>(&row.what)) {
            std::string label = a->label;
            if (a->retransmission) label += fmt::format(", retransmission {}", a->repeat);
            out += arrow_line(a->from, a->to, a->tone == Tone::request ? "->>" : "-->>", at, label);
        } else if (const auto* lane = std::get_if<MediaLane>(&row.what)) {
            out += note_line(lane->from, lane->to, media_text(*lane));
        } else if (const auto* digits = std::get_if<Digits>(&row.what)) {
            out += arrow_line(digits->from, digits->to, "-)", at, "DTMF " + digits->digits);
        } else if (const auto* pause = std::get_if<Pause>(&row.what)) {
            out += note_line(0, last, short_duration(pause->length) + " later");
        } else if (const auto* note = std::get_if<Note>(&row.what)) {
            out += note_line(note->from, note->to, note->text);
        }
    }
    if (ladder.omitted > 0)
        out += note_line(0, last, fmt::format("{} more rows are not drawn", ladder.omitted));
    return out;
}

}  // namespace sipana::render
