#include "libsipana/live/screen_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"

namespace sipana::live {
namespace {

std::size_t glyph_end(std::string_view text, std::size_t at) {
    std::size_t n = at + 1;
    while (n < text.size() && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) ++n;
    return n;
}

}  // namespace

std::size_t put(Canvas& canvas, std::size_t x, std::size_t y, const Styled& line,
                std::size_t room) {
    const std::size_t end = room == SIZE_MAX ? canvas.width() : x + room;
    for (const Piece& piece : line) {
        if (x >= end) break;
        x = canvas.put(x, y, piece.text, piece.look, end - x);
    }
    return x;
}

void wrap_into(std::vector<Styled>& out, const Styled& line, std::size_t width, std::size_t indent,
               const render::Style& style, std::size_t most) {
    width = std::max<std::size_t>(width, 8);
    indent = std::min(indent, width / 2);
    Styled now;
    std::size_t used = 0, made = 1;
    for (const Piece& piece : line) {
        constexpr std::size_t most_bytes = 70'000;
        const std::string safe =
            render::shown(std::string_view(piece.text).substr(0, most_bytes), style);
        std::string text;
        for (std::size_t at = 0; at < safe.size();) {
            const std::size_t end = glyph_end(safe, at);
            const std::string_view glyph = std::string_view(safe).substr(at, end - at);
            const std::size_t wide = columns(glyph);
            if (used + wide > width) {
                if (!text.empty()) now.push_back({std::move(text), piece.look});
                text.clear();
                out.push_back(std::move(now));
                if (++made > most) return;
                now = {{std::string(indent, ' '), {}}};
                used = indent;
            }
            text += glyph;
            used += wide;
            at = end;
        }
        if (!text.empty()) now.push_back({std::move(text), piece.look});
    }
    out.push_back(std::move(now));
}

void draw_title(Canvas& canvas, std::string_view title, std::string_view right) {
    canvas.look(0, 0, canvas.width(), bar_look);
    const Look look{render::Paint::plain, true, true};
    const std::size_t wide = columns(right);
    const bool both = !right.empty() && wide + 20 < canvas.width();
    canvas.put(0, 0, title, look, canvas.width() - (both ? wide + 2 : 0));
    if (both) canvas.put_right(canvas.width(), 0, right, bar_look);
}

void PageView::draw(Canvas& canvas) {
    if (stale_ || width_ != canvas.width() || unicode_ != canvas.unicode()) {
        width_ = canvas.width();
        unicode_ = canvas.unicode();
        stale_ = false;
        lines_ = lines(width_, canvas.style());
        if (lines_.size() > most_lines) {
            const std::size_t more = lines_.size() - most_lines;
            lines_.resize(most_lines);
            lines_.push_back({{fmt::format("{} more lines are not shown", more), faint_look}});
        }
    }
    page_ = canvas.height() > 2 ? canvas.height() - 2 : 1;
    const std::size_t n = lines_.size();
    top_ = std::min(top_, n > page_ ? n - page_ : 0);
    const bool all = n <= page_;
    draw_title(canvas, title(),
               all ? std::string()
                   : fmt::format("lines {}-{} of {}", top_ + 1, std::min(n, top_ + page_), n));
    for (std::size_t i = 0; i < page_ && top_ + i < n; ++i) put(canvas, 0, 1 + i, lines_[top_ + i]);
}

View::Turn PageView::on_key(const Key& key) {
    using enum Key::Name;
    const auto up_by = [&](std::size_t n) { top_ -= std::min(top_, n); };
    if (key.is(up, 'k'))
        up_by(1);
    else if (key.is(down, 'j'))
        ++top_;
    else if (key.is(page_up))
        up_by(page_);
    else if (key.is(page_down) || key.is(' '))
        top_ += page_;
    else if (key.is(home))
        top_ = 0;
    else if (key.is(end, 'G'))
        top_ = lines_.size();
    else if (key.is(wheel_up))
        up_by(3);
    else if (key.is(wheel_down))
        top_ += 3;
    else if (key.is(escape) || key.is('q') || key.is('Q'))
        return close();
    else
        return ignored();
    return stay();
}

std::vector<Hint> PageView::hints() const {
    return {{"Esc", "Back"}, {"PgUp/PgDn", "Scroll"}, {"F1", "Help"}};
}

std::vector<std::string> PageView::help() const {
    return {"Up Down k j      scroll; PgUp PgDn Home End, Space and the wheel as well",
            "Esc q            back"};
}

}  // namespace sipana::live
