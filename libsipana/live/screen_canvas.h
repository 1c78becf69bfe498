// Canvas: a page of the terminal screen as cells. Views draw on it, the terminal paints it, tests
// read it.
//
// Everything put on it is made safe first (render::shown): no control of the wire gets through,
// whoever forgets to ask for it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libsipana/render/text_line.h"

namespace sipana::live {

// How a cell looks. Nothing is said by colour alone, so a terminal without any shows the same.
struct Look {
    render::Paint paint = render::Paint::plain;
    bool reverse = false, bold = false, underline = false;
    bool operator==(const Look&) const = default;
};
inline constexpr Look plain_look{};
inline constexpr Look faint_look{render::Paint::faint};
inline constexpr Look bold_look{render::Paint::bold, false, true};
inline constexpr Look bar_look{render::Paint::plain, true};
inline constexpr Look warning_look{render::Paint::yellow, false, true};
inline constexpr Look error_look{render::Paint::red, false, true};

struct Box {  // a part of a canvas
    std::size_t x = 0, y = 0, width = 0, height = 0;
    bool holds(std::size_t at_x, std::size_t at_y) const {
        return at_x >= x && at_x < x + width && at_y >= y && at_y < y + height;
    }
};

class Canvas {
public:
    static constexpr std::size_t most_columns = 500, most_rows = 200;

    Canvas(std::size_t width, std::size_t height, bool unicode);
    std::size_t width() const { return width_; }
    std::size_t height() const { return height_; }
    Box whole() const { return {0, 0, width_, height_}; }
    bool unicode() const { return style_.unicode; }
    const render::Style& style() const { return style_; }
    // One of our own signs, or what stands for it in ASCII.
    std::string_view sign(std::string_view unicode, std::string_view ascii) const {
        return style_.unicode ? unicode : ascii;
    }

    // Writes text in row `y` from `x` on, at most `room` columns, cut with an ellipsis; returns
    // where it ends.
    std::size_t put(std::size_t x, std::size_t y, std::string_view text, Look look = {},
                    std::size_t room = SIZE_MAX);
    void put_right(std::size_t end, std::size_t y, std::string_view text, Look look = {});
    // A line of a ladder, from its column `skip` on.
    void put(const Box& box, std::size_t row, const render::Line& line, std::size_t skip = 0);
    void look(std::size_t x, std::size_t y, std::size_t width, Look look);  // repaints
    void reverse(std::size_t x, std::size_t y, std::size_t width);
    void clear(const Box& box, Look look = {});
    void across(std::size_t x, std::size_t y, std::size_t width, Look look = faint_look);
    void down(std::size_t x, std::size_t y, std::size_t height, Look look = faint_look);
    void frame(const Box& box, std::string_view title);  // clears what is inside

    struct Cell {
        std::string glyph = " ";  // empty: the right half of the wide character before it
        Look look;
    };
    const std::vector<Cell>& row(std::size_t y) const { return rows_[y]; }
    std::string text(std::size_t y) const;  // without trailing blanks
    std::string text() const;

private:
    void set(std::size_t x, std::size_t y, std::string_view glyph, std::size_t columns, Look look);

    std::size_t width_, height_;
    render::Style style_;
    std::vector<std::vector<Cell>> rows_;
};

// "▁▂▅█": values in eighths of the largest, or of `top`; ASCII: "._-=#".
std::string sparkline(const std::vector<double>& values, double top, bool unicode);

}  // namespace sipana::live
