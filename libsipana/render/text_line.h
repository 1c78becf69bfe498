// Line: one line of a terminal as cells, so that a ladder can draw over what it has drawn. And the
// text matters that the ladder and the tables share: making wire text fit to print, to a width, in
// a colour.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libsipana/render/ladder.h"
#include "libsipana/render/render.h"

namespace sipana::render {

enum class Paint : std::uint8_t { plain, faint, bold, red, green, yellow, blue, magenta, cyan };
std::string_view escape_sequence(Paint paint);  // "\x1b[31m"; empty for plain
Paint paint_of(Tone tone);
Paint paint_of(Severity severity);
Paint paint_of(analysis::CallState state);

// Wire text as it may be printed: printable(), and ASCII only where the style says so.
std::string shown(std::string_view wire, const Style& style);
// What shown() gave, cut to `width` columns.
std::string cut_to(std::string_view shown_text, std::size_t width, const Style& style);
// What shown() gave in lines of at most `width` columns, broken after blanks and punctuation where
// there are any; at most `max_lines`, the last one cut.
std::vector<std::string> wrapped(std::string_view shown_text, std::size_t width,
                                 std::size_t max_lines, const Style& style);
std::string painted(std::string_view text, Paint paint, const Style& style);
// Columns to draw in: style.width within 40 and 400.
std::size_t usable_width(const Style& style);

class Line {
public:
    struct Cell {
        std::string glyph = " ";  // empty: the right half of the wide character before it
        Paint paint = Paint::plain;
    };
    explicit Line(std::size_t width) : cells_(width) {}
    // Writes text from column `at` on; what does not fit is left out.
    void put(std::size_t at, std::string_view shown_text, Paint paint = Paint::plain);
    // As above, right-aligned so that it ends before column `end`.
    void put_before(std::size_t end, std::string_view shown_text, Paint paint = Paint::plain);
    // Appends the line without trailing blanks, and a line end.
    void append_to(std::string& out, const Style& style) const;
    const std::vector<Cell>& cells() const { return cells_; }

private:
    std::vector<Cell> cells_;
};

}  // namespace sipana::render
