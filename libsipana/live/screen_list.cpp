#include "libsipana/live/screen_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/live/screen_choices.h"
#include "libsipana/live/screen_filter.h"
#include "libsipana/live/screen_ladder.h"
#include "libsipana/live/screen_message.h"
#include "libsipana/live/screen_pages.h"
#include "libsipana/live/screen_streams.h"

namespace sipana::live {
namespace {

using analysis::CallKind;
constexpr std::uint32_t only_registrations = 1u << static_cast<unsigned>(CallKind::register_);

std::string grouped_number(std::uint64_t n) {
    std::string out = std::to_string(n);
    for (std::size_t i = out.size(); i > 3; i -= 3) out.insert(i - 3, ",");
    return out;
}

bool looks_like_expression(std::string_view text) {
    return text.find_first_of("<>=~") != text.npos;
}

}  // namespace

std::string bytes_word(std::uint64_t bytes) {
    const double mb = static_cast<double>(bytes) / 1048576;
    return mb >= 1024 ? fmt::format("{:.1f} GB", mb / 1024) : fmt::format("{:.0f} MB", mb);
}

std::string sources_word(const Totals& totals) {
    std::string out = totals.sources.empty() ? "no source" : totals.sources[0].name;
    if (totals.sources.size() > 1) out += fmt::format(" +{}", totals.sources.size() - 1);
    const bool ended =
        !totals.sources.empty() && std::all_of(totals.sources.begin(), totals.sources.end(),
                                               [](const auto& s) { return s.ended; });
    if (ended) return out + " (ended)";
    out += fmt::format(
        "  {} packets/s",
        grouped_number(static_cast<std::uint64_t>(std::max(0.0, totals.packets_per_s))));
    const double bits = totals.bits_per_s;
    out += bits >= 1e6 ? fmt::format("  {:.1f} Mbit/s", bits / 1e6)
                       : fmt::format("  {:.0f} kbit/s", bits / 1e3);
    return out;
}

std::string drops_word(const Totals& totals) {
    const std::uint64_t dropped = totals.captured().dropped();
    return dropped == 0 ? "" : fmt::format("! {} dropped", grouped_number(dropped));
}

ListView::ListView(Sight& sight, Shows shows)
    : View(sight),
      shows_(shows),
      roster_(sight.board),
      columns_(shows == Shows::calls ? usual_columns() : registration_columns()) {
    if (shows == Shows::registrations) {
        WantedCalls wanted;
        wanted.kinds = only_registrations;
        (void)roster_.want(wanted);
    }
    refresh();
}

void ListView::refresh() {
    if (!paused_) roster_.refresh();
    busy_ = roster_.work();
    const std::size_t n = roster_.size();
    if (n == 0) return;
    place_ = follow_ ? n - 1 : std::min(roster_.place_of(selected_), n - 1);
    selected_ = roster_.at(place_).entry.number;
}

void ListView::move_to(std::size_t place) {
    const std::size_t n = roster_.size();
    if (n == 0) return;
    place_ = std::min(place, n - 1);
    selected_ = roster_.at(place_).entry.number;
    follow_ = place_ + 1 == n;
}

void ListView::move_by(std::ptrdiff_t rows) {
    const auto to = static_cast<std::ptrdiff_t>(place_) + rows;
    move_to(to < 0 ? 0 : static_cast<std::size_t>(to));
}

// ---------------------------------------------------------------- drawing

void ListView::draw_status(Canvas& canvas) const {
    const Totals& t = sight_.totals;
    canvas.look(0, 0, canvas.width(), bar_look);
    std::size_t x = canvas.put(0, 0, shows_ == Shows::calls ? "sipana live" : "registrations",
                               {render::Paint::plain, true, true});
    const auto add = [&](std::string_view text, Look look) {
        if (text.empty() || x + 2 + sipana::columns(text) > canvas.width()) return;
        x = canvas.put(x + 2, 0, text, look);
    };
    const Look bad{render::Paint::yellow, true, true};
    const bool recording = t.recorded_files > 0 || t.recorded_packets > 0;
    if (recording) add("REC", {render::Paint::red, true, true});
    add(drops_word(t), bad);
    if (!t.recording_failure.empty()) add("! " + t.recording_failure, bad);
    add(sources_word(t), bar_look);
    if (shows_ == Shows::calls)
        add(fmt::format("calls {} active, {} over", grouped_number(t.calls_active),
                        grouped_number(t.calls_over)),
            bar_look);
    else
        add(fmt::format("{} registered", grouped_number(t.registered)), bar_look);
    if (recording)
        add(fmt::format("{} packets in {} files recorded", grouped_number(t.recorded_packets),
                        t.recorded_files),
            bar_look);
    if (t.evictions.total() > 0)
        add(fmt::format("! {} evicted", grouped_number(t.evictions.total())), bad);
    if (t.resident_bytes > 0)
        add(t.limit_bytes > 0
                ? fmt::format("{} of {}", bytes_word(t.resident_bytes), bytes_word(t.limit_bytes))
                : bytes_word(t.resident_bytes),
            bar_look);
    if (t.over_forgotten > 0)
        add(fmt::format("{} given up", grouped_number(t.over_forgotten)), bar_look);
}

void ListView::draw_filter(Canvas& canvas, std::size_t y) const {
    if (searching_) {
        std::size_t x = canvas.put(0, y, "Search: ", bold_look);
        x = canvas.put(x, y, search_.text(), {render::Paint::plain, false, false, true});
        canvas.put(x, y, " ", {render::Paint::plain, true});
        if (!wrong_.empty())
            canvas.put(x + 2, y, wrong_, warning_look);
        else
            canvas.put(
                x + 2, y,
                fmt::format("{} of {}{}", roster_.size(), roster_.known(), busy_ ? " ..." : ""),
                faint_look);
        return;
    }
    const WantedCalls& w = roster_.wanted();
    std::string left;
    if (!w.text.empty()) left += fmt::format("text \"{}\"  ", w.text);
    if (!w.expression.empty()) left += fmt::format("where {}  ", w.expression);
    if (w.going_on) left += "only what goes on  ";
    if (shows_ == Shows::calls) {
        std::string missing;
        for (int k = 0; k <= static_cast<int>(CallKind::other); ++k)
            if (const auto kind = static_cast<CallKind>(k); !w.has(kind))
                missing += fmt::format("{}{}", missing.empty() ? "" : " ", method_word(kind));
        if (!missing.empty()) left += fmt::format("without {}", missing);
    }
    const std::string count = roster_.size() == roster_.known()
                                  ? fmt::format("{} shown", roster_.size())
                                  : fmt::format("{} of {} shown", roster_.size(), roster_.known());
    std::size_t x =
        canvas.put(0, y, left.empty() ? "no filter" : left, left.empty() ? faint_look : bold_look);
    const std::size_t marks = roster_.marked().size();
    std::string right = count + (busy_ ? " ..." : "") +
                        (marks > 0 ? fmt::format(", {} marked", marks) : "") +
                        (paused_   ? ", paused"
                         : follow_ ? ", following"
                                   : "");
    if (x + 2 + right.size() <= canvas.width())
        canvas.put_right(canvas.width(), y, right, faint_look);
}

void ListView::draw_heads(Canvas& canvas, std::size_t y) const {
    canvas.look(0, y, canvas.width(), bar_look);
    for (const PlacedColumn& p : placed_) {
        std::string title(facts_of(p.column).title);
        if (p.column == roster_.column())
            title +=
                canvas.sign(roster_.descending() ? "▾" : "▴", roster_.descending() ? "v" : "^");
        const std::size_t wide = sipana::columns(title);
        const std::size_t pad = facts_of(p.column).right && wide < p.width ? p.width - wide : 0;
        canvas.put(p.x + 2 + pad, y, title, {render::Paint::plain, true, true}, p.width + 1 - pad);
    }
}

void ListView::draw_row(Canvas& canvas, std::size_t y, const Roster::Row& row,
                        bool selected) const {
    if (row.marked) canvas.put(0, y, "*", bold_look);
    if (!row.entry.call->legs.empty()) canvas.put(1, y, "+", {render::Paint::magenta});
    for (const PlacedColumn& p : placed_) {
        ListCell cell = cell_of(p.column, row.entry, sight_.totals.now,
                                sight_.preferences.times ? no_time : sight_.totals.begun);
        if (p.column == ListColumn::state)
            cell.text = fmt::format(
                "{} {}", state_sign(row.entry.call->state, row.entry.over, canvas.unicode()),
                cell.text);
        // Where a name and its host do not fit, the name is what matters.
        if ((p.column == ListColumn::from || p.column == ListColumn::to) &&
            sipana::columns(cell.text) > p.width)
            if (const auto at = cell.text.find('@'); at != cell.text.npos && at > 0)
                cell.text.resize(at);
        if (facts_of(p.column).right) {
            const std::size_t wide = sipana::columns(cell.text);
            canvas.put(p.x + 2 + (wide < p.width ? p.width - wide : 0), y, cell.text, cell.look,
                       p.width);
        } else {
            canvas.put(p.x + 2, y, cell.text, cell.look, p.width);
        }
    }
    if (selected) {
        canvas.reverse(0, y, canvas.width());
        if (!row.marked) canvas.put(0, y, canvas.sign("▸", ">"), {render::Paint::plain, true});
    }
}

void ListView::draw(Canvas& canvas) {
    const std::size_t rows = canvas.height() - 1;
    std::size_t y = 0;
    if (rows >= 4) {
        draw_status(canvas);
        ++y;
    }
    if (rows >= 6 || searching_) draw_filter(canvas, y++);
    placed_ = placed(columns_, canvas.width() - std::min<std::size_t>(canvas.width(), 2));
    if (rows > y + 1) draw_heads(canvas, y++);
    first_row_ = y;
    page_ = rows > y ? rows - y : 1;
    const std::size_t n = roster_.size();
    if (n == 0) {
        const bool any = roster_.known() > 0;
        const std::string word = !any    ? "Nothing has been seen yet."
                                 : busy_ ? "Looking ..."
                                         : "No call matches the filter.";
        canvas.put(canvas.width() > word.size() ? (canvas.width() - word.size()) / 2 : 0,
                   y + page_ / 3, word, faint_look);
        return;
    }
    if (place_ >= n) place_ = n - 1;
    top_ = scrolled(top_, place_, n, page_);
    for (std::size_t i = 0; i < page_ && top_ + i < n; ++i)
        draw_row(canvas, y + i, roster_.at(top_ + i), top_ + i == place_);
}

// ---------------------------------------------------------------- keys

std::vector<std::uint64_t> ListView::chosen() const {
    std::vector<std::uint64_t> numbers = roster_.marked();
    if (numbers.empty() && roster_.size() > 0) numbers.push_back(selected_);
    return numbers;
}

View::Turn ListView::open_ladder() {
    const auto numbers = chosen();
    if (numbers.empty()) return stay();
    return opened(std::make_unique<LadderView>(sight_, numbers));
}

View::Turn ListView::open_save() {
    const auto numbers = chosen();
    if (numbers.empty()) return stay();
    if (!sight_.save) {
        sight_.tell("There is nowhere to save to", true);
        return stay();
    }
    return opened(std::make_unique<SaveView>(sight_, numbers));
}

View::Turn ListView::quit() {
    if (shows_ != Shows::calls) return close();
    const bool recording = sight_.totals.recorded_files > 0 || sight_.totals.recorded_packets > 0;
    if (!recording || asked_to_quit_) return View::quit();
    asked_to_quit_ = true;
    sight_.tell("Recording ends with the program. Once more to quit", true);
    return stay();
}

void ListView::search(const std::string& text) {
    WantedCalls wanted = roster_.wanted();
    const bool expression = looks_like_expression(text);
    wanted.text = expression ? "" : text;
    wanted.expression = expression ? text : "";
    const Status status = roster_.want(wanted);
    wrong_ =
        status ? "" : fmt::format("column {}: {}", status.error().offset + 1, status.error().what);
    refresh();
}

View::Turn ListView::on_search_key(const Key& key) {
    if (key.is(Key::Name::enter) || key.is(Key::Name::up) || key.is(Key::Name::down)) {
        searching_ = false;
        wrong_.clear();
        return stay();
    }
    if (key.is(Key::Name::escape)) {
        searching_ = false;
        search("");
        return stay();
    }
    if (search_.on_key(key)) search(search_.text());
    return stay();
}

void ListView::sort_by(ListColumn column, bool descending) {
    roster_.sort(column, descending);
    follow_ = false;  // what is last is not what came last
    refresh();
}

void ListView::sort_by_next(int step) {
    if (placed_.empty()) return;
    std::size_t at = 0;
    for (std::size_t i = 0; i < placed_.size(); ++i)
        if (placed_[i].column == roster_.column()) at = i;
    const std::size_t n = placed_.size();
    at = (at + n + static_cast<std::size_t>(step + static_cast<int>(n))) % n;
    sort_by(placed_[at].column, roster_.descending());
}

View::Turn ListView::on_mouse(const Key& key) {
    if (key.is(Key::Name::wheel_up) || key.is(Key::Name::wheel_down)) {
        move_by(key.is(Key::Name::wheel_up) ? -3 : 3);
        return stay();
    }
    if (key.y + 1 == first_row_) {  // a head: sort by it, once more: the other way round
        for (const PlacedColumn& p : placed_)
            if (key.x >= p.x + 2 && key.x < p.x + 2 + p.width) {
                sort_by(p.column, p.column == roster_.column() && !roster_.descending());
                break;
            }
        return stay();
    }
    if (key.y < first_row_ || top_ + key.y - first_row_ >= roster_.size()) return ignored();
    move_to(top_ + key.y - first_row_);
    return key.is(Key::Name::double_click) ? open_ladder() : stay();
}

View::Turn ListView::on_letter(const Key& key) {
    WantedCalls wanted = roster_.wanted();
    const std::uint32_t everything = WantedCalls{}.kinds;
    if (key.is('i')) {  // as sngrep has it: only INVITEs
        wanted.kinds =
            wanted.kinds == everything ? 1u << static_cast<unsigned>(CallKind::invite) : everything;
        (void)roster_.want(wanted);
        refresh();
    } else if (key.text.size() == 1 && key.text[0] >= '1' && key.text[0] <= '6') {
        wanted.toggle(static_cast<CallKind>(key.text[0] - '1'));
        (void)roster_.want(wanted);
        refresh();
    } else if (key.is('l')) {
        wanted.going_on = !wanted.going_on;
        (void)roster_.want(wanted);
        refresh();
    } else if (key.is('<') || key.is('>')) {
        sort_by_next(key.is('<') ? -1 : 1);
    } else if (key.is('z') || key.is('Z')) {
        sort_by(roster_.column(), !roster_.descending());
    } else if (key.is('A') || key.is('a')) {
        follow_ = !follow_;
        refresh();
    } else if (key.is('p')) {
        paused_ = !paused_;
        sight_.tell(paused_ ? "The list stands still. Capturing goes on" : "The list goes on");
    } else if (key.is('w')) {
        sight_.preferences.times = !sight_.preferences.times;
    } else if (key.is('u')) {
        roster_.unmark_all();
    } else if (key.is('g') && shows_ == Shows::calls) {
        return opened(std::make_unique<ListView>(sight_, Shows::registrations));
    } else if (key.is('n')) {
        return opened(std::make_unique<FindingsView>(sight_, std::vector<CallPtr>{}));
    } else if (key.is('T')) {
        return opened(std::make_unique<TotalsView>(sight_));
    } else if (key.is('m') && roster_.size() > 0) {
        return opened(std::make_unique<StreamsView>(sight_, chosen()));
    } else if (key.is('M')) {
        return opened(std::make_unique<StreamsView>(sight_, std::vector<std::uint64_t>{}));
    } else {
        return ignored();
    }
    return stay();
}

View::Turn ListView::on_key(const Key& key) {
    if (searching_ && !key.is_mouse()) return on_search_key(key);
    if (!key.is('q') && !key.is('Q') && !key.is(Key::Name::escape)) asked_to_quit_ = false;
    const auto page = static_cast<std::ptrdiff_t>(page_);
    using enum Key::Name;
    if (key.is_mouse()) return on_mouse(key);
    if (key.is(up, 'k')) {
        move_by(-1);
    } else if (key.is(down, 'j')) {
        move_by(1);
    } else if (key.is(page_up)) {
        move_by(-page);
    } else if (key.is(page_down)) {
        move_by(page);
    } else if (key.is(home)) {
        move_to(0);
    } else if (key.is(end, 'G')) {
        move_to(SIZE_MAX);
    } else if (key.is(enter)) {
        return open_ladder();
    } else if (key.is(' ')) {
        if (roster_.size() > 0) roster_.mark(selected_);
        const bool follow = follow_;
        move_by(1);
        follow_ = follow && follow_;
    } else if (key.is(escape) || key.is('q') || key.is('Q')) {
        return quit();
    } else if (key.is(f2, 's') || key.is('S')) {
        return open_save();
    } else if (key.is(f3, '/')) {
        searching_ = true;
        const WantedCalls& w = roster_.wanted();
        search_ = Field(w.expression.empty() ? w.text : w.expression);
    } else if (key.is(f4, 'x') || key.is('X')) {
        sight_.preferences.legs = true;
        return open_ladder();
    } else if (key.is(f5) || key.is(redraw)) {
        sight_.tell(
            fmt::format("{} calls that were over are out of the list", roster_.clear_over()));
        refresh();
    } else if (key.is(f6, 'r') || key.is('R')) {
        if (roster_.size() > 0) return opened(std::make_unique<RawView>(sight_, chosen()));
    } else if (key.is(f7, 'f') || key.is('F')) {
        return opened(std::make_unique<FilterView>(sight_, *this));
    } else if (key.is(f8, 'o')) {
        return opened(std::make_unique<SettingsView>(sight_));
    } else if (key.is(f10, 't')) {
        return opened(std::make_unique<ColumnsView>(sight_, columns_));
    } else {
        return on_letter(key);
    }
    return stay();
}

std::vector<Hint> ListView::hints() const {
    if (searching_) return {{"Enter", "Keep"}, {"Esc", "Drop"}};
    if (shows_ == Shows::registrations)
        return {{"Esc", "Calls"}, {"Enter", "Show"}, {"F1", "Help"},    {"F3", "Search"},
                {"F7", "Filter"}, {"F6", "Raw"},     {"F10", "Columns"}};
    return {{"Esc", "Quit"},  {"Enter", "Show"},      {"Space", "Select"}, {"F1", "Help"},
            {"F2", "Save"},   {"F3", "Search"},       {"F4", "Extended"},  {"F5", "Clear"},
            {"F6", "Raw"},    {"F7", "Filter"},       {"F8", "Settings"},  {"F10", "Columns"},
            {"m", "Streams"}, {"g", "Registrations"}, {"n", "Findings"},   {"T", "Totals"}};
}

std::vector<std::string> ListView::help() const {
    return {
        "Up Down k j      move; PgUp PgDn Home End as well; at the end the list follows",
        "Enter            the ladder of the call, or of all that are marked",
        "Space u          mark, or unmark, a call; unmark all. A + says: it has legs",
        "F2 s             save what is marked, or selected",
        "F3 /             search as you type; with = < > ~ it is an expression: final>=400",
        "F4 x             the ladder with the legs of the call",
        "F5 ^L            take what is over out of the list",
        "F6 r             the messages as they came",
        "F7 f             filter: text, expression, kinds",
        "F8 o             settings",
        "F10 t            columns",
        "< > z            sort by the next column, the other way round; or click on its head",
        "a p              follow: stay at the newest call; let the list stand still",
        "i l              only INVITEs; only what goes on",
        "1 2 3 4 5 6      show or hide INVITE REGISTER SUBSCRIBE MESSAGE OPTIONS other",
        "m M              streams of the call; streams of no call",
        "g n T            registrations; findings of no call; totals",
        "w                time of day, or seconds since the beginning",
        "Esc q            quit",
    };
}

}  // namespace sipana::live
