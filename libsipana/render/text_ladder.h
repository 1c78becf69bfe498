// TextLadder: a ladder for a terminal: a lifeline a participant, one line an arrow, times at the left.
//
// For who prints the whole of it (draw) and for who shows a part of it at a time (heads, row). Refers to
// the Ladder, which must outlive it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libsipana/render/ladder.h"
#include "libsipana/render/text_line.h"

namespace sipana::render {

class TextLadder {
public:
    TextLadder(const Ladder& ladder, const Style& style);
    std::string draw();

    std::vector<Line> heads();                // who takes part
    std::vector<Line> row(std::size_t index);  // the lines of ladder.rows[index]

private:
    struct Glyphs;
    struct Span {  // between two lifelines
        std::size_t left, right;
        bool rightwards;
        std::size_t room() const { return right - left - 1; }
    };

    static const Glyphs& glyphs_of(const Style& style);
    void plan();
    bool is_list() const;
    std::size_t at(std::uint32_t column) const { return first_ + column * spacing_; }
    Span span(std::uint32_t from, std::uint32_t to) const {
        return {at(std::min(from, to)), at(std::max(from, to)), from < to};
    }
    std::string show(std::string_view wire) const { return shown(wire, style_); }
    std::string name(std::uint32_t column) const { return show(ladder_.participants[column].name); }

    void draw_title();
    void draw_heads();
    void draw_row(const Row& row);
    Line row(Time time, std::string_view life) const;
    void finish(const Line& line) { lines_.push_back(line); }
    void write_out();
    std::string label_of(const Arrow& a, std::size_t room) const;
    // The line from one lifeline to the other with its label.
    void draw_between(Line& line, const Span& s, std::string_view fill, const std::string& label,
                      Paint paint, std::string_view start, bool both_ways) const;
    void draw_loop(Time time, std::uint32_t column, std::string_view fill, const std::string& label,
                   Paint paint, const Arrow* arrow = nullptr);
    // Beside the time: since the message before, and the frame.
    void put_margin(Line& line, const Arrow& a) const;
    void draw_under(const Span& s, const std::vector<std::string>& texts);
    std::size_t room_under(const Span& s) const;
    void draw(Time time, const Arrow& arrow);
    void draw(Time time, const MediaLane& lane);
    void draw(Time time, const Digits& digits);
    void draw(Time time, const Pause& pause);
    void draw(Time time, const Note& note);
    void list_heads();
    void list_row(const Row& row);
    void list_line(Time time, std::string_view what, std::uint32_t from, std::uint32_t to,
                   Paint paint, const std::string& label);
    std::string way_text(const MediaWay& way, int brevity) const;
    std::vector<std::string> way_texts(const MediaLane& lane, std::size_t room) const;
    void draw_foot();

    const Ladder& ladder_;
    Style style_;
    const Glyphs& glyphs_;
    std::size_t width_, left_ = 0, first_ = 0, spacing_ = 0, head_ = 0;
    std::size_t remarks_ = 0;  // where the column for remarks begins; 0: none
    std::size_t widest_ = 4;   // of the names, where it is a list
    bool time_of_day_ = false, deltas_ = false, frames_ = false;
    std::size_t delta_end_ = 0;
    std::vector<Line> lines_;
    std::string out_;
};

}  // namespace sipana::render
