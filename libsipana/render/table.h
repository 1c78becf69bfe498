// Table: rows of text that fit a terminal. Columns shorten down to their least width, then the
// least important ones are left out; a line never wraps.
#pragma once

#include <cassert>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/render/text_line.h"

namespace sipana::render {

struct TableColumn {
    std::string_view title;
    int importance = 0;     // where there is too little room, the least important goes first ...
    std::size_t least = 1;  // ... and essential ones shrink to this at worst
    std::size_t good =
        0;  // before text is cut below this, columns that are not essential go; 0: uncut
    bool right = false;  // numbers: never cut
};
inline constexpr int essential = 8;  // columns of this importance go last

class Table {
public:
    explicit Table(std::vector<TableColumn> columns) : columns_(std::move(columns)) {}
    // Begins a row; then one cell a column. Cells are wire text: the table makes them safe.
    void row() {
        next_ = cells_.size();
        cells_.resize(next_ + columns_.size());
    }
    Table& cell(std::string_view wire, Paint paint = Paint::plain) {
        assert(next_ < cells_.size());
        cells_[next_++] = {std::string(wire), paint};
        return *this;
    }
    std::string text(const Style& style) const;

private:
    struct Cell {
        std::string text;
        Paint paint = Paint::plain;
    };
    std::vector<std::size_t> widths_within(std::size_t width,
                                           const std::vector<std::size_t>& natural) const;

    std::vector<TableColumn> columns_;
    std::vector<Cell> cells_;  // row by row
    std::size_t next_ = 0;
};

}  // namespace sipana::render
