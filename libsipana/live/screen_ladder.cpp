#include "libsipana/live/screen_ladder.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/live/screen_choices.h"
#include "libsipana/live/screen_columns.h"
#include "libsipana/live/screen_pages.h"
#include "libsipana/live/screen_streams.h"

namespace sipana::live {
namespace {

constexpr std::size_t least_for_two = 96;  // columns: below, the message has the screen for itself
constexpr std::size_t least_figure = 56, least_beside = 38;

}  // namespace

LadderView::LadderView(Sight& sight, std::vector<std::uint64_t> numbers)
    : View(sight), asked_(sight, std::move(numbers), sight.preferences.legs) {
    refresh();
}

// ---------------------------------------------------------------- what is shown

void LadderView::refresh() {
    asked_.with_legs(sight_.preferences.legs);
    if (asked_.refresh()) take();
    if (media_ != sight_.preferences.media) {
        media_ = sight_.preferences.media;
        if (ladder_) list_rows();
        step(0);
    }
}

void LadderView::take() {
    const auto before = chosen();
    drawn_.reset();
    calls_ = asked_.calls();
    std::vector<const analysis::Call*> pointers;
    for (const CallPtr& call : calls_) pointers.push_back(call.get());
    ladder_ = render::build_ladder(pointers);
    list_rows();
    if (!decided_) {  // where to begin: at the beginning, or with the newest of what goes on
        decided_ = true;
        follow_ = asked_.going_on();
        if (!follow_) {
            selected_ = 0;
            step(0);
        }
    } else if (before && !follow_) {
        for (std::size_t i = 0; i < rows_.size(); ++i)
            if (const auto here = message_at(i); here && *here == *before) selected_ = i;
    }
    if (follow_ && !rows_.empty()) select(rows_.size() - 1);
}

void LadderView::list_rows() {
    rows_.clear();
    for (std::size_t i = 0; i < ladder_->rows.size(); ++i)
        if (media_ || !std::holds_alternative<render::MediaLane>(ladder_->rows[i].what))
            rows_.push_back(i);
    selected_ = rows_.empty() ? 0 : std::min(selected_, rows_.size() - 1);
    top_ = std::min(top_, selected_);
}

bool LadderView::selectable(std::size_t row) const {
    const auto& what = ladder_->rows[rows_[row]].what;
    return std::holds_alternative<render::Arrow>(what) ||
           std::holds_alternative<render::MediaLane>(what);
}

std::optional<ChosenMessage> LadderView::message_at(std::size_t row) const {
    const auto* arrow = std::get_if<render::Arrow>(&ladder_->rows[rows_[row]].what);
    if (arrow == nullptr || arrow->call >= calls_.size() ||
        arrow->message >= calls_[arrow->call]->messages.size())
        return std::nullopt;
    return ChosenMessage{calls_[arrow->call], arrow->message};
}

std::optional<ChosenMessage> LadderView::chosen() const {
    if (!ladder_ || rows_.empty()) return std::nullopt;
    return message_at(selected_);
}

// The nearest row at or before `row` that can be chosen; else the first after it.
void LadderView::select(std::size_t row) {
    if (!ladder_ || rows_.empty()) return;
    row = std::min(row, rows_.size() - 1);
    beside_top_ = 0;
    for (std::size_t i = row + 1; i-- > 0;)
        if (selectable(i)) {
            selected_ = i;
            return;
        }
    for (std::size_t i = row; i < rows_.size(); ++i)
        if (selectable(i)) {
            selected_ = i;
            return;
        }
}

void LadderView::step(std::ptrdiff_t by) {
    if (!ladder_ || rows_.empty()) return;
    beside_top_ = 0;
    const auto n = static_cast<std::ptrdiff_t>(rows_.size());
    auto at = static_cast<std::ptrdiff_t>(selected_);
    if (by == 0 && !selectable(selected_)) by = 1;
    for (; by != 0; by -= by > 0 ? 1 : -1) {
        auto next = at + (by > 0 ? 1 : -1);
        while (next >= 0 && next < n && !selectable(static_cast<std::size_t>(next)))
            next += by > 0 ? 1 : -1;
        if (next < 0 || next >= n) break;
        at = next;
    }
    selected_ = static_cast<std::size_t>(at);
    bool last = true;
    for (std::size_t i = selected_ + 1; i < rows_.size(); ++i) last &= !selectable(i);
    follow_ = last && asked_.going_on();
}

// ---------------------------------------------------------------- drawing

std::string LadderView::title() const {
    std::string out = ladder_->title;
    if (calls_.size() == 1) out = fmt::format("{} {}", method_word(calls_[0]->kind), out);
    if (const auto arrow = out.find(" -> "); unicode_ && arrow != out.npos)
        out.replace(arrow, 4, " → ");
    if (follow_) out += "  (following)";
    return out;
}

void LadderView::plan(std::size_t width, const render::Style& style) {
    if (drawn_ && width_ == width && unicode_ == style.unicode) return;
    width_ = width;
    unicode_ = style.unicode;
    render::Style own = style;
    own.width = width;
    drawn_ = std::make_unique<render::TextLadder>(*ladder_, own);
}

// All of them, or where that leaves too little for the rows, only the names.
std::size_t LadderView::draw_heads(Canvas& canvas, const Box& box) {
    const std::vector<render::Line> heads = drawn_->heads();
    if (heads.size() + 6 <= box.height) {
        for (std::size_t i = 0; i < heads.size(); ++i) canvas.put(box, i, heads[i]);
        return heads.size();
    }
    if (heads.empty() || box.height < 3) return 0;
    canvas.put(box, 0, heads[heads.size() > 1 ? 1 : 0]);
    return 1;
}

void LadderView::draw_rows(Canvas& canvas, const Box& box) {
    rows_box_ = box;
    page_ = std::max<std::size_t>(box.height, 1);
    row_at_line_.assign(box.height, SIZE_MAX);
    if (rows_.empty()) return;
    if (selected_ < top_) top_ = selected_;
    // A row has one line at least: so far back, or less.
    if (selected_ - top_ >= page_) top_ = selected_ - page_ + 1;
    std::vector<std::vector<render::Line>> drawn;
    std::size_t height = 0;
    for (std::size_t i = top_; i <= selected_; ++i) {
        drawn.push_back(drawn_->row(rows_[i]));
        height += drawn.back().size();
    }
    std::size_t skip = 0;
    while (height > page_ && skip + 1 < drawn.size()) height -= drawn[skip++].size();
    top_ += skip;
    drawn.erase(drawn.begin(), drawn.begin() + static_cast<std::ptrdiff_t>(skip));
    std::size_t y = 0;
    for (std::size_t i = top_; i < rows_.size() && y < page_; ++i) {
        const auto lines =
            i - top_ < drawn.size() ? std::move(drawn[i - top_]) : drawn_->row(rows_[i]);
        for (std::size_t l = 0; l < lines.size() && y < page_; ++l, ++y) {
            canvas.put(box, y, lines[l]);
            row_at_line_[y] = i;
            if (i == selected_ && l == 0)
                canvas.reverse(box.x, box.y + y, std::min(box.width, canvas.width() - box.x));
        }
        const auto here = message_at(i);
        if (marked_ && here && *here == *marked_ && !lines.empty() && y > 0)
            canvas.put(box.x, box.y + y - lines.size(), "*", bold_look);
    }
}

void LadderView::draw_beside(Canvas& canvas, const Box& box) {
    beside_box_ = box;
    canvas.down(box.x, box.y, box.height);
    const std::size_t x = box.x + 2, width = box.width - 2;
    const auto message = chosen();
    std::vector<Styled> lines;
    if (message) {
        const Preferences& p = sight_.preferences;
        lines = message_lines(*message, {p.explained, p.diff, width}, canvas.style());
    } else if (const auto* lane =
                   std::get_if<render::MediaLane>(&ladder_->rows[rows_[selected_]].what)) {
        for (const render::MediaWay& way : lane->ways)
            if (way.call < calls_.size() && way.stream < calls_[way.call]->streams.size())
                for (Styled& line :
                     stream_lines(calls_[way.call]->streams[way.stream], width, canvas.style()))
                    lines.push_back(std::move(line));
    }
    beside_top_ = std::min(beside_top_, lines.size() > box.height ? lines.size() - box.height : 0);
    for (std::size_t i = 0; i < box.height && beside_top_ + i < lines.size(); ++i)
        put(canvas, x, box.y + i, lines[beside_top_ + i], width);
    if (beside_top_ + box.height < lines.size())
        canvas.put_right(box.x + box.width, box.y + box.height - 1,
                         fmt::format(" {} more ", lines.size() - beside_top_ - box.height),
                         bar_look);
}

void LadderView::draw(Canvas& canvas) {
    beside_box_ = {};
    if (!ladder_ || ladder_->participants.empty()) {
        draw_title(canvas, "call flow");
        const bool there = ladder_.has_value();
        canvas.put(2, std::min<std::size_t>(2, canvas.height() - 1),
                   there              ? "No messages are kept of it."
                   : asked_.waiting() ? "Asking ..."
                                      : "It is not known any more.",
                   faint_look);
        return;
    }
    const std::size_t height = canvas.height() > 2 ? canvas.height() - 2 : 1;
    Box figure{0, 1, canvas.width(), height};
    const bool two = sight_.preferences.beside && canvas.width() >= least_for_two;
    if (two) {
        const std::size_t beside =
            std::clamp(canvas.width() * sight_.preferences.message_share / 100, least_beside,
                       canvas.width() - least_figure);
        figure.width = canvas.width() - beside;
    }
    plan(figure.width - (two ? 1 : 0), canvas.style());
    draw_title(canvas, title(),
               fmt::format("{}/{}", rows_.empty() ? 0 : selected_ + 1, rows_.size()));
    const std::size_t heads = draw_heads(canvas, figure);
    figure.y += heads;
    figure.height -= heads;
    draw_rows(canvas, figure);
    if (two && !rows_.empty())
        draw_beside(canvas, {figure.width, 1, canvas.width() - figure.width, height});
}

// ---------------------------------------------------------------- keys

std::vector<std::uint64_t> LadderView::numbers() const {
    std::vector<std::uint64_t> numbers;
    for (const CallPtr& call : calls_) numbers.push_back(call->number);
    return numbers;
}

View::Turn LadderView::open() {
    if (!ladder_ || rows_.empty()) return stay();
    if (const auto message = chosen())
        return opened(std::make_unique<MessageView>(sight_, *message));
    return opened(std::make_unique<StreamsView>(sight_, numbers()));
}

View::Turn LadderView::mark() {
    const auto message = chosen();
    if (!message) return stay();
    if (!marked_) {
        marked_ = message;
        sight_.tell("Marked. Space on another message compares the two");
        return stay();
    }
    const ChosenMessage before = *marked_;
    marked_.reset();
    if (before == *message) return stay();
    return opened(std::make_unique<CompareView>(sight_, before, *message));
}

View::Turn LadderView::on_mouse(const Key& key) {
    const bool beside = beside_box_.holds(key.x, key.y);
    if (key.is(Key::Name::wheel_up)) {
        if (beside)
            beside_top_ -= std::min<std::size_t>(beside_top_, 3);
        else
            step(-3);
    } else if (key.is(Key::Name::wheel_down)) {
        if (beside)
            beside_top_ += 3;
        else
            step(3);
    } else if (rows_box_.holds(key.x, key.y)) {
        const std::size_t row = row_at_line_[key.y - rows_box_.y];
        if (row == SIZE_MAX || !selectable(row)) return stay();
        select(row);
        step(0);
        if (key.is(Key::Name::double_click)) return open();
    }
    return stay();
}

View::Turn LadderView::on_letter(const Key& key) {
    Preferences& p = sight_.preferences;
    if (key.is('d')) {
        p.diff = !p.diff;
        sight_.tell(p.diff ? "Compared with the message before in the same direction"
                           : "Messages as they came");
    } else if (key.is('e')) {
        p.explained = !p.explained;
    } else if (key.is('t')) {
        p.beside = !p.beside;
    } else if (key.is('9') || key.is('-')) {
        p.message_share = std::min<std::size_t>(p.message_share + 5, 75);
    } else if (key.is('0') || key.is('+')) {
        p.message_share = std::max<std::size_t>(p.message_share, 25) - 5;
    } else if (key.is('n') && !calls_.empty()) {
        return opened(std::make_unique<FindingsView>(sight_, calls_));
    } else if (key.is('m') && !calls_.empty()) {
        return opened(std::make_unique<StreamsView>(sight_, numbers()));
    } else if (key.is('[')) {
        beside_top_ -= std::min<std::size_t>(beside_top_, 5);
    } else if (key.is(']')) {
        beside_top_ += 5;
    } else {
        return ignored();
    }
    return stay();
}

View::Turn LadderView::on_key(const Key& key) {
    using enum Key::Name;
    if (key.is_mouse()) return on_mouse(key);
    const auto page = static_cast<std::ptrdiff_t>(page_ > 2 ? page_ / 2 : 1);
    if (key.is(escape) || key.is('q') || key.is('Q')) return close();
    if (key.is(up, 'k')) {
        step(-1);
    } else if (key.is(down, 'j')) {
        step(1);
    } else if (key.is(page_up)) {
        step(-page);
    } else if (key.is(page_down)) {
        step(page);
    } else if (key.is(home)) {
        step(-static_cast<std::ptrdiff_t>(rows_.size()));
    } else if (key.is(end, 'G')) {
        step(static_cast<std::ptrdiff_t>(rows_.size()));
    } else if (key.is(enter)) {
        return open();
    } else if (key.is(' ')) {
        return mark();
    } else if (key.is(f2, 's') || key.is('S')) {
        if (sight_.save && !calls_.empty())
            return opened(std::make_unique<SaveView>(sight_, numbers()));
        sight_.tell("There is nowhere to save to", true);
    } else if (key.is(f3)) {
        sight_.preferences.media = !sight_.preferences.media;
        refresh();
    } else if (key.is(f4, 'x') || key.is('X')) {
        sight_.preferences.legs = !sight_.preferences.legs;
        sight_.tell(sight_.preferences.legs ? "With the legs of the call"
                                            : "Without the legs of the call");
        refresh();
    } else if (key.is(f6, 'r') || key.is('R')) {
        if (!calls_.empty()) return opened(std::make_unique<RawView>(sight_, calls_));
    } else if (key.is(f8, 'o')) {
        return opened(std::make_unique<SettingsView>(sight_));
    } else {
        return on_letter(key);
    }
    return stay();
}

std::vector<Hint> LadderView::hints() const {
    return {{"Esc", "Calls"}, {"Enter", "Message"}, {"Space", "Compare"}, {"F1", "Help"},
            {"F2", "Save"},   {"F3", "Media"},      {"F4", "Extended"},   {"F6", "Raw"},
            {"d", "Diff"},    {"e", "Explain"},     {"m", "Streams"},     {"n", "Findings"}};
}

std::vector<std::string> LadderView::help() const {
    return {
        "Up Down k j      choose a message or a stream; PgUp PgDn Home End as well",
        "                 at the last one the ladder follows the call",
        "Enter            the message, or the streams",
        "Space            mark a message; on another one: compare the two",
        "F2 s             save",
        "F3               with or without media",
        "F4 x             with or without the legs of the call",
        "F6 r             all messages as they came",
        "d                the message as differences to the one before in the same direction",
        "e                explain each line",
        "t 9 0            message beside the ladder: yes or no, wider, narrower",
        "[ ]              scroll the message",
        "m n              streams; findings",
        "Esc q            back",
    };
}

}  // namespace sipana::live
