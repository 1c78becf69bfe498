#include "libsipana/live/screen_canvas.h"

#include <algorithm>
#include <array>

#include "libsipana/base/text.h"

namespace sipana::live {
namespace {

std::size_t glyph_size(std::string_view text) {
    std::size_t n = 1;
    while (n < text.size() && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) ++n;
    return n;
}

}  // namespace

Canvas::Canvas(std::size_t width, std::size_t height, bool unicode)
    : width_(std::clamp<std::size_t>(width, 1, most_columns)),
      height_(std::clamp<std::size_t>(height, 1, most_rows)),
      rows_(height_, std::vector<Cell>(width_)) {
    style_.width = width_;
    style_.unicode = unicode;
}

void Canvas::set(std::size_t x, std::size_t y, std::string_view glyph, std::size_t columns,
                 Look look) {
    std::vector<Cell>& cells = rows_[y];
    // Half of a wide character that is drawn over leaves a blank.
    if (cells[x].glyph.empty() && x > 0) cells[x - 1].glyph = " ";
    if (x + columns < width_ && cells[x + columns].glyph.empty()) cells[x + columns].glyph = " ";
    cells[x] = {std::string(glyph), look};
    if (columns == 2) cells[x + 1] = {"", look};
}

std::size_t Canvas::put(std::size_t x, std::size_t y, std::string_view text, Look look,
                        std::size_t room) {
    if (y >= height_ || x >= width_) return x;
    room = std::min(room, width_ - x);
    // A text of a megabyte is not made safe for the sake of a line.
    const std::string safe =
        render::cut_to(render::shown(text.substr(0, 8 * most_columns), style_), room, style_);
    std::string_view rest = safe;
    const std::size_t end = x + room;
    std::size_t last = x;  // the cell that a combining mark joins
    bool any = false;
    while (!rest.empty()) {
        const std::string_view glyph = rest.substr(0, glyph_size(rest));
        rest.remove_prefix(glyph.size());
        const std::size_t width = columns(glyph);
        if (width == 0) {
            constexpr std::size_t most_bytes = 24;  // of one cell
            if (any && rows_[y][last].glyph.size() + glyph.size() <= most_bytes)
                rows_[y][last].glyph += glyph;
            continue;
        }
        if (x + width > end) break;
        set(x, y, glyph, width, look);
        last = x;
        any = true;
        x += width;
    }
    return x;
}

void Canvas::put_right(std::size_t end, std::size_t y, std::string_view text, Look look) {
    const std::size_t width = columns(render::shown(text, style_));
    put(end > width ? end - width : 0, y, text, look);
}

void Canvas::put(const Box& box, std::size_t row, const render::Line& line, std::size_t skip) {
    if (row >= box.height || box.y + row >= height_) return;
    const auto& cells = line.cells();
    for (std::size_t i = skip; i < cells.size(); ++i) {
        const std::size_t x = box.x + i - skip;
        if (i - skip >= box.width || x >= width_) break;
        const auto& cell = cells[i];
        if (cell.glyph.empty()) continue;
        const std::size_t width = std::max<std::size_t>(columns(cell.glyph), 1);
        if (i - skip + width > box.width || x + width > width_) break;
        set(x, box.y + row, cell.glyph, width,
            {cell.paint, false, cell.paint == render::Paint::bold});
    }
}

void Canvas::look(std::size_t x, std::size_t y, std::size_t width, Look look) {
    if (y >= height_) return;
    for (std::size_t i = x; i < std::min(x + width, width_); ++i) rows_[y][i].look = look;
}

void Canvas::reverse(std::size_t x, std::size_t y, std::size_t width) {
    if (y >= height_) return;
    for (std::size_t i = x; i < std::min(x + width, width_); ++i) rows_[y][i].look.reverse = true;
}

void Canvas::clear(const Box& box, Look look) {
    for (std::size_t y = box.y; y < std::min(box.y + box.height, height_); ++y)
        for (std::size_t x = box.x; x < std::min(box.x + box.width, width_); ++x)
            set(x, y, " ", 1, look);
}

void Canvas::across(std::size_t x, std::size_t y, std::size_t width, Look look) {
    if (y >= height_) return;
    for (std::size_t i = x; i < std::min(x + width, width_); ++i)
        set(i, y, sign("─", "-"), 1, look);
}

void Canvas::down(std::size_t x, std::size_t y, std::size_t height, Look look) {
    if (x >= width_) return;
    for (std::size_t i = y; i < std::min(y + height, height_); ++i)
        set(x, i, sign("│", "|"), 1, look);
}

void Canvas::frame(const Box& box, std::string_view title) {
    if (box.width < 2 || box.height < 2) return;
    clear(box);
    const std::size_t right = box.x + box.width - 1, bottom = box.y + box.height - 1;
    across(box.x, box.y, box.width);
    across(box.x, bottom, box.width);
    down(box.x, box.y, box.height);
    down(right, box.y, box.height);
    put(box.x, box.y, sign("┌", "+"), faint_look);
    put(right, box.y, sign("┐", "+"), faint_look);
    put(box.x, bottom, sign("└", "+"), faint_look);
    put(right, bottom, sign("┘", "+"), faint_look);
    if (!title.empty() && box.width > 6)
        put(box.x + 2, box.y, " " + std::string(title) + " ", bold_look, box.width - 4);
}

std::string Canvas::text(std::size_t y) const {
    std::string out;
    for (const Cell& cell : rows_[y]) out += cell.glyph;
    while (out.ends_with(' ')) out.pop_back();
    return out;
}

std::string Canvas::text() const {
    std::string out;
    for (std::size_t y = 0; y < height_; ++y) out += text(y) + "\n";
    return out;
}

std::string sparkline(const std::vector<double>& values, double top, bool unicode) {
    constexpr std::array<std::string_view, 9> blocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    constexpr std::array<std::string_view, 9> ascii{" ", ".", ".", "_", "-", "-", "=", "=", "#"};
    if (top <= 0)
        for (const double v : values) top = std::max(top, v);
    std::string out;
    for (const double v : values) {
        std::size_t step = 0;
        if (top > 0 && v > 0)  // what is there at all is seen
            step = static_cast<std::size_t>(std::clamp(v / top * 8 + 0.5, 1.0, 8.0));
        out += unicode ? blocks[step] : ascii[step];
    }
    return out;
}

}  // namespace sipana::live
