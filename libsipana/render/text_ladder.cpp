#include "libsipana/render/text_ladder.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/render/rows.h"

namespace sipana::render {

// What lines are drawn with.
struct TextLadder::Glyphs {
    std::string_view line, dash, twice, dot;  // ─ ╌ ═ ┄
    std::string_view life, life_dotted, from_right, from_left, cross, from_twice_right,
        from_twice_left;
    std::string_view head_right, head_left;  // ▶ ◀
    std::string_view top_left, top_right, bottom_left, bottom_right, tee;
    std::string_view to_right, to_left, note, between, dot_between;
};

const TextLadder::Glyphs& TextLadder::glyphs_of(const Style& style) {
    static constexpr Glyphs box{"─", "╌", "═", "┄", "│", "┊", "├", "┤", "┼", "╞",   "╡",  "▶",
                                "◀", "┌", "┐", "└", "┘", "┬", "→", "←", "◆", " → ", " · "};
    static constexpr Glyphs ascii{"-", "~", "=", ".", "|", ":", "|",  "|",  "+", "|",    "|", ">",
                                  "<", "+", "+", "+", "+", "+", "->", "<-", "*", " -> ", ", "};
    return style.unicode ? box : ascii;
}

namespace {

constexpr std::size_t max_spacing = 56;   // beyond, arrows grow no more
constexpr std::size_t least_spacing = 6;  // below, the figure becomes a list
constexpr std::size_t max_head = 29;
constexpr std::size_t most_explained = 6;  // findings, below the ladder
constexpr std::size_t least_remarks = 24;  // a column for remarks at the right must be this wide

std::string repeated(std::string_view glyph, std::size_t n) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i) out += glyph;
    return out;
}

// "INVITE" of "INVITE (SDP)" where that does not fit; "(again 1)" is worth more than a name's end.
std::string_view without_remark(std::string_view label, std::size_t room) {
    const auto open = label.rfind(" (");
    const bool remark = open != label.npos && label.ends_with(')') && label[open + 2] >= 'A' &&
                        label[open + 2] <= 'Z';
    return remark && columns(label) > room ? label.substr(0, open) : label;
}

}  // namespace

TextLadder::TextLadder(const Ladder& ladder, const Style& style)
    : ladder_(ladder), style_(style), glyphs_(glyphs_of(style)), width_(usable_width(style)) {
    plan();
}

bool TextLadder::is_list() const {
    return ladder_.participants.size() > 1 && spacing_ < least_spacing;
}

void TextLadder::plan() {
    time_of_day_ = width_ >= 72;
    const std::size_t n = std::max<std::size_t>(ladder_.participants.size(), 1);
    deltas_ = width_ >= 100 || (width_ >= 92 && n <= 2);
    frames_ = width_ >= 120;
    delta_end_ = (time_of_day_ ? 12 : 8) + (deltas_ ? 10 : 0);
    left_ = delta_end_ + 1;
    if (frames_) {
        std::uint64_t last = 0;
        for (const Row& r : ladder_.rows)
            if (const auto* arrow = std::get_if<Arrow>(&r.what))
                last = std::max(last, arrow->frame);
        left_ += std::max<std::size_t>(std::to_string(last).size() + 3, 6);
    }
    const std::size_t available = width_ - left_;
    std::size_t wanted = 9;
    for (const Participant& p : ladder_.participants) {
        wanted = std::max(wanted, columns(show(p.name)) + 4);
        wanted = std::max(wanted, columns(show(p.address)) + 4);
        wanted = std::max(wanted, std::min<std::size_t>(columns(show(p.agent)) + 4, 25));
    }
    // Odd, so that the lifeline leaves in the middle.
    head_ = std::min({wanted | 1, max_head, available / n - 1});
    if (head_ % 2 == 0) --head_;
    if (n > 1) spacing_ = std::min((available - head_) / (n - 1), max_spacing);
    first_ = left_ + head_ / 2;
    const std::size_t end = first_ + spacing_ * (n - 1) + head_ / 2 + 1;
    if (end + least_remarks <= width_)
        remarks_ = end + 1;
    else if (n == 1)
        first_ = left_ + head_ / 2;
    for (std::uint32_t c = 0; c < ladder_.participants.size(); ++c)
        widest_ = std::max(widest_, std::min<std::size_t>(columns(name(c)), 14));
}

void TextLadder::write_out() {
    for (const Line& line : lines_) line.append_to(out_, style_);
    lines_.clear();
}

std::string TextLadder::draw() {
    draw_title();
    if (is_list()) {
        list_heads();
        finish(Line(0));
    } else {
        draw_heads();
    }
    for (const Row& r : ladder_.rows) {
        write_out();
        draw_row(r);
    }
    write_out();
    draw_foot();
    return std::move(out_);
}

std::vector<Line> TextLadder::heads() {
    lines_.clear();
    if (is_list())
        list_heads();
    else
        draw_heads();
    return std::move(lines_);
}

std::vector<Line> TextLadder::row(std::size_t index) {
    lines_.clear();
    draw_row(ladder_.rows[index]);
    return std::move(lines_);
}

void TextLadder::draw_row(const Row& r) {
    if (is_list())
        list_row(r);
    else
        std::visit([this, &r](const auto& what) { draw(r.time, what); }, r.what);
}

void TextLadder::draw_title() {
    std::string title = show(ladder_.title);
    if (const auto arrow = title.find(" -> "); arrow != title.npos)
        title.replace(arrow, 4, glyphs_.between);
    Line line(width_);
    line.put(0, cut_to(title, width_, style_), Paint::bold);
    finish(line);
    std::string facts = ladder_.rows.empty() ? "" : to_rfc3339(ladder_.start).substr(0, 10);
    if (!facts.empty()) {
        if (!time_of_day_) facts += " " + to_time_of_day(ladder_.start).substr(0, 12);
        facts += " UTC";
    }
    for (const auto* call : ladder_.calls)
        if (!call->call_id.empty()) {
            facts += facts.empty() ? "" : glyphs_.dot_between;
            facts += "Call-ID " + show(call->call_id);
            if (ladder_.calls.size() > 1) break;  // the legs' own are in their notes and messages
        }
    Line second(width_);
    second.put(0, cut_to(facts, width_, style_), Paint::faint);
    finish(second);
    finish(Line(0));
}

void TextLadder::draw_heads() {
    const bool boxed = head_ >= 7;
    const std::size_t inner = boxed ? head_ - 2 : head_;
    const std::size_t room = inner >= 13 ? inner - 2 : inner;
    std::vector<std::vector<std::string>> heads;
    std::size_t height = 0;
    for (const Participant& p : ladder_.participants) {
        std::vector<std::string> lines = wrapped(show(p.name), room, 2, style_);
        if (lines.empty()) lines.push_back("?");
        const auto more = [&](std::string_view text, std::size_t most) {
            for (std::string& l : wrapped(show(text), room, most, style_))
                lines.push_back(std::move(l));
        };
        more(p.address, 4);
        if (!p.agent.empty() && room >= 11) more(p.agent, 2);
        height = std::max(height, lines.size());
        heads.push_back(std::move(lines));
    }
    const auto each = [&](auto draw_one) {
        Line line(width_);
        for (std::uint32_t c = 0; c < heads.size(); ++c) draw_one(line, c, at(c) - head_ / 2);
        finish(line);
    };
    if (boxed)
        each([&](Line& line, std::uint32_t, std::size_t x) {
            line.put(x,
                     fmt::format("{}{}{}", glyphs_.top_left, repeated(glyphs_.line, inner),
                                 glyphs_.top_right),
                     Paint::faint);
        });
    for (std::size_t i = 0; i < height; ++i)
        each([&](Line& line, std::uint32_t c, std::size_t x) {
            if (boxed) {
                line.put(x, glyphs_.life, Paint::faint);
                line.put(x + head_ - 1, glyphs_.life, Paint::faint);
            }
            if (i >= heads[c].size()) return;
            const std::size_t used = columns(heads[c][i]);
            line.put(x + (head_ - std::min(used, head_)) / 2, heads[c][i],
                     i == 0 ? Paint::bold : Paint::plain);
        });
    each([&](Line& line, std::uint32_t c, std::size_t x) {
        if (boxed)
            line.put(x,
                     fmt::format("{}{}{}", glyphs_.bottom_left, repeated(glyphs_.line, inner),
                                 glyphs_.bottom_right),
                     Paint::faint);
        line.put(at(c), boxed ? glyphs_.tee : glyphs_.life, Paint::faint);
    });
}

// A new line with its time, and the lifelines.
Line TextLadder::row(Time time, std::string_view life) const {
    Line line(width_);
    if (time != no_time) {
        const std::string text = time_of_day_
                                     ? to_time_of_day(time).substr(0, 12)
                                     : fmt::format("{:.3f}", to_seconds(time - ladder_.start));
        line.put_before(time_of_day_ ? 12 : 8, text, Paint::faint);
    }
    for (std::uint32_t c = 0; c < ladder_.participants.size(); ++c)
        line.put(at(c), life, Paint::faint);
    return line;
}

std::string TextLadder::label_of(const Arrow& a, std::size_t room) const {
    std::string label = a.findings > 0 && a.worst != Severity::note ? "! " : "";
    label += show(a.label);
    const auto add = [&](const std::string& long_form, const std::string& short_form) {
        label += columns(label) + columns(long_form) <= room ? long_form : short_form;
    };
    if (a.retransmission)
        add(fmt::format(", retransmission {}", a.repeat), fmt::format(" (again {})", a.repeat));
    if (a.seen_again > 0)
        add(fmt::format(", captured {} times", a.seen_again + 1),
            fmt::format(" (x{})", a.seen_again + 1));
    return label;
}

void TextLadder::draw_between(Line& line, const Span& s, std::string_view fill,
                              const std::string& label, Paint paint, std::string_view start,
                              bool both_ways) const {
    for (std::size_t x = s.left + 1; x < s.right; ++x) line.put(x, fill, paint);
    for (std::size_t c = 0; c < ladder_.participants.size(); ++c)
        if (const std::size_t x = at(static_cast<std::uint32_t>(c)); x > s.left && x < s.right)
            line.put(x, glyphs_.cross, paint);
    if (!both_ways) line.put(s.rightwards ? s.left : s.right, start, Paint::faint);
    if (s.rightwards || both_ways) line.put(s.right - 1, glyphs_.head_right, paint);
    if (!s.rightwards || both_ways) line.put(s.left + 1, glyphs_.head_left, paint);
    // Within the arrow; or beside it, on the roomier side, if it fits there whole.
    const std::size_t taken = columns(label) + 2;
    const std::size_t strokes = both_ways ? 4 : 2,
                      inside = s.room() > strokes ? s.room() - strokes : 0;
    const std::size_t behind = width_ - s.right - 1, before = s.left > left_ ? s.left - left_ : 0;
    const std::size_t beside = std::max(behind, before);
    if (taken <= inside || (taken > beside && inside * 3 >= beside * 2)) {
        const std::size_t room = inside > 2 ? inside - 2 : 0;
        const std::string text = " " + cut_to(without_remark(label, room), room, style_) + " ";
        line.put(s.left + 1 + (s.room() - std::min(s.room(), columns(text))) / 2, text, paint);
    } else if (behind >= std::min(taken, before)) {
        line.put(s.right + 1, " " + cut_to(label, behind - 2, style_) + " ", paint);
    } else {
        line.put_before(s.left, " " + cut_to(label, before - 2, style_) + " ", paint);
    }
}

void TextLadder::put_margin(Line& line, const Arrow& a) const {
    if (deltas_ && a.delta != Duration{})
        line.put_before(delta_end_, fmt::format("+{:.3f}", to_seconds(a.delta)), Paint::faint);
    if (frames_ && a.frame != 0)
        line.put_before(left_ - 1, fmt::format("#{}", a.frame), Paint::faint);
}

// A message to oneself: out and back, on two lines.
void TextLadder::draw_loop(Time time, std::uint32_t column, std::string_view fill,
                           const std::string& label, Paint paint, const Arrow* arrow) {
    Line first = row(time, glyphs_.life), second = row(no_time, glyphs_.life);
    if (arrow != nullptr) put_margin(first, *arrow);
    const std::size_t x = at(column), behind = width_ - x - 1, before = x - left_;
    const std::string strokes = repeated(fill, 2);
    if (behind >= before || behind >= columns(label) + 5) {
        first.put(x, glyphs_.from_right, Paint::faint);
        first.put(x + 1, fmt::format("{}{} ", strokes, glyphs_.top_right), paint);
        first.put(x + 5, cut_to(label, behind > 5 ? behind - 5 : 0, style_) + " ", paint);
        second.put(x + 1, fmt::format("{}{}{}", glyphs_.head_left, fill, glyphs_.bottom_right),
                   paint);
    } else {
        first.put(x, glyphs_.from_left, Paint::faint);
        first.put_before(x,
                         fmt::format(" {} {}{}", cut_to(label, before > 6 ? before - 6 : 0, style_),
                                     glyphs_.top_left, strokes),
                         paint);
        second.put_before(x, fmt::format("{}{}{}", glyphs_.bottom_left, fill, glyphs_.head_right),
                          paint);
    }
    finish(first);
    finish(second);
}

// Small print below an arrow, from its left lifeline on.
void TextLadder::draw_under(const Span& s, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
        Line line = row(no_time, glyphs_.life);
        line.put(s.left + 2, cut_to(text, width_ - s.left - 2, style_) + " ", Paint::faint);
        finish(line);
    }
}

// Room for small print: the span's, or more where that is narrow and there is more.
std::size_t TextLadder::room_under(const Span& s) const {
    const std::size_t least = std::min<std::size_t>(24, width_ - s.left - 2);
    return std::max(s.room() - std::min<std::size_t>(s.room(), 2), least);
}

void TextLadder::draw(Time time, const Arrow& a) {
    const Paint paint = paint_of(a.tone);
    const std::string_view fill = a.retransmission ? glyphs_.dash : glyphs_.line;
    if (a.from == a.to) {
        draw_loop(time, a.from, fill, label_of(a, width_), paint, &a);
        return;
    }
    const Span s = span(a.from, a.to);
    Line line = row(time, glyphs_.life);
    put_margin(line, a);
    draw_between(line, s, fill, label_of(a, s.room() > 4 ? s.room() - 4 : 0), paint,
                 s.rightwards ? glyphs_.from_right : glyphs_.from_left, false);
    const bool beside = remarks_ != 0 && !a.detail.empty();
    if (beside) line.put(remarks_, cut_to(show(a.detail), width_ - remarks_, style_), Paint::faint);
    finish(line);
    if (!beside && !a.detail.empty() && !a.retransmission)
        draw_under(s, wrapped(show(a.detail), room_under(s), 2, style_));
}

// "→ 610 packets, 3 lost (0.5%), jitter 0.4 ms", or less of it; `brevity` 0 to 2.
std::string TextLadder::way_text(const MediaWay& way, int brevity) const {
    const bool rightwards = way.from < way.to;
    const std::string_view arrow = rightwards ? glyphs_.to_right : glyphs_.to_left;
    if (brevity == 2) return fmt::format("{} {}, {} lost", arrow, way.packets, way.lost);
    std::string out = fmt::format("{} {} packets, ", arrow, way.packets);
    out += way.lost == 0 ? "none lost"
                         : fmt::format("{} lost ({:.1f}%)", way.lost, way.lost_percent());
    if (brevity == 0 && way.clock_known)
        out += fmt::format(", jitter {:.1f} ms", way.mean_jitter_ms);
    return out;
}

// One line a way, all of them in the longest form that has room.
std::vector<std::string> TextLadder::way_texts(const MediaLane& lane, std::size_t room) const {
    std::vector<std::string> texts;
    for (int brevity = 0; brevity <= 2; ++brevity) {
        texts.clear();
        bool fits = true;
        for (const MediaWay& way : lane.ways) {
            texts.push_back(way_text(way, brevity));
            fits &= columns(texts.back()) <= room;
        }
        if (fits) break;
    }
    return texts;
}

void TextLadder::draw(Time time, const MediaLane& lane) {
    const Span s = span(lane.from, lane.to);
    const std::string kind = show(lane.label), length = short_duration(lane.duration());
    const bool tight = columns(kind) + columns(length) + 9 > s.room();
    const std::string label = kind + (tight ? " " : std::string(glyphs_.dot_between)) + length;
    if (lane.from == lane.to) {
        draw_loop(time, lane.from, glyphs_.twice, label, Paint::blue);
        return;
    }
    Line line = row(time, glyphs_.life);
    draw_between(line, s, glyphs_.twice, label, Paint::blue,
                 s.rightwards ? glyphs_.from_twice_right : glyphs_.from_twice_left,
                 lane.ways.size() > 1);
    finish(line);
    draw_under(s, way_texts(lane, room_under(s)));
}

void TextLadder::draw(Time time, const Digits& d) {
    const std::string label = "DTMF " + show(d.digits);
    if (d.from == d.to) {
        draw_loop(time, d.from, glyphs_.dot, label, Paint::magenta);
        return;
    }
    const Span s = span(d.from, d.to);
    Line line = row(time, glyphs_.life);
    draw_between(line, s, glyphs_.dot, label, Paint::magenta,
                 s.rightwards ? glyphs_.from_right : glyphs_.from_left, false);
    finish(line);
}

void TextLadder::draw(Time, const Pause& pause) {
    Line line = row(no_time, glyphs_.life_dotted);
    line.put_before(time_of_day_ ? 12 : 8, short_duration(pause.length), Paint::faint);
    finish(line);
}

void TextLadder::draw(Time, const Note& note) {
    std::size_t from = at(note.from) + 2;
    const std::string text = show(note.text);
    if (from + columns(text) + 3 > width_) from = at(0) + 2;
    bool first = true;
    for (const std::string& piece : wrapped(text, width_ - from - 3, 3, style_)) {
        Line line = row(no_time, glyphs_.life);
        line.put(from, (first ? std::string(glyphs_.note) + " " : "  ") + piece + " ",
                 Paint::magenta);
        finish(line);
        first = false;
    }
}

// Too many participants for lifelines: each row in the notation of the lab's scripts.
void TextLadder::list_heads() {
    for (std::uint32_t c = 0; c < ladder_.participants.size(); ++c) {
        const Participant& p = ladder_.participants[c];
        Line line(width_);
        line.put(0, cut_to(fmt::format("{}  {}  {}", name(c), show(p.address), show(p.agent)),
                           width_, style_));
        finish(line);
    }
}

void TextLadder::list_line(Time time, std::string_view what, std::uint32_t from, std::uint32_t to,
                           Paint paint, const std::string& label) {
    Line line(width_);
    if (time != no_time)
        line.put_before(time_of_day_ ? 12 : 8,
                        time_of_day_ ? to_time_of_day(time).substr(0, 12)
                                     : fmt::format("{:.3f}", to_seconds(time - ladder_.start)),
                        Paint::faint);
    std::size_t x = left_;
    if (!what.empty()) {
        line.put(x, cut_to(name(from), widest_, style_));
        x += widest_ + 1;
        line.put(x, what, paint);
        x += columns(what) + 1;
        line.put(x, cut_to(name(to), widest_, style_));
        x += widest_ + 2;
    }
    line.put(x, cut_to(label, width_ > x ? width_ - x : 0, style_), paint);
    finish(line);
}

void TextLadder::list_row(const Row& r) {
    if (const auto* a = std::get_if<Arrow>(&r.what)) {
        list_line(r.time, "->", a->from, a->to, paint_of(a->tone), label_of(*a, width_));
    } else if (const auto* lane = std::get_if<MediaLane>(&r.what)) {
        list_line(r.time, lane->ways.size() > 1 ? "<>" : "=>", lane->from, lane->to, Paint::blue,
                  fmt::format("{}, {}", show(lane->label), short_duration(lane->duration())));
    } else if (const auto* d = std::get_if<Digits>(&r.what)) {
        list_line(r.time, "->", d->from, d->to, Paint::magenta, "DTMF " + show(d->digits));
    } else if (const auto* pause = std::get_if<Pause>(&r.what)) {
        list_line(no_time, "", 0, 0, Paint::faint, "(" + short_duration(pause->length) + ")");
    } else if (const auto* note = std::get_if<Note>(&r.what)) {
        list_line(no_time, "", 0, 0, Paint::magenta,
                  std::string(glyphs_.note) + " " + show(note->text));
    }
}

// What the marks stand for.
void TextLadder::draw_foot() {
    if (ladder_.omitted > 0) out_ += fmt::format("{} more rows are not drawn\n", ladder_.omitted);
    std::vector<Finding> findings;
    for (const auto* call : ladder_.calls)
        for (const Finding& f : call->findings)
            if (f.severity != Severity::note) findings.push_back(f);
    const auto groups = grouped(findings, Alike::text);
    for (std::size_t i = 0; i < std::min(groups.size(), most_explained); ++i) {
        const Finding& f = *groups[i].first;
        std::string text = f.text;
        if (!groups[i].frames.empty())
            text = fmt::format("frame{} {}{}: {}", groups[i].frames.size() == 1 ? "" : "s",
                               fmt::join(groups[i].frames, ", "),
                               groups[i].more_frames ? ", ..." : "", text);
        if (!f.clause.empty()) text += fmt::format(" ({})", f.clause);
        std::string_view mark = "! ";
        for (const std::string& piece : wrapped(show(text), width_ - 2, 2, style_)) {
            out_ += painted(std::string(mark) + piece, paint_of(f.severity), style_) + "\n";
            mark = "  ";
        }
    }
    if (groups.size() > most_explained)
        out_ += painted(fmt::format("! {} more: see sipana check", groups.size() - most_explained),
                        Paint::faint, style_) +
                "\n";
}

std::string ladder_text(std::span<const analysis::Call* const> calls, const Style& style,
                        Names names) {
    const Ladder ladder = build_ladder(calls, names);
    return TextLadder(ladder, style).draw();
}

}  // namespace sipana::render
