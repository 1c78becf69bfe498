#include "libsipana/live/screen_roster.h"

#include <algorithm>

#include "libsipana/base/text.h"

namespace sipana::live {
namespace {

bool holds_text(std::string_view text, std::string_view lowered_part) {
    if (lowered_part.size() > text.size()) return false;
    return std::search(text.begin(), text.end(), lowered_part.begin(), lowered_part.end(),
                       [](char a, char b) { return to_lower(a) == b; }) != text.end();
}

}  // namespace

bool Roster::before(const Row& a, const Row& b) const {
    if (!(a.key == b.key)) return descending_ ? b.key < a.key : a.key < b.key;
    return descending_ ? b.entry.number < a.entry.number : a.entry.number < b.entry.number;
}

bool Roster::holds(const Row& row) const {
    const analysis::Call& call = *row.entry.call;
    if (!wanted_.has(call.kind) || (wanted_.going_on && row.entry.over)) return false;
    if (where_ && !where_->matches(call)) return false;
    if (lowered_text_.empty()) return true;
    for (const std::string_view text :
         {call.from.uri, call.from.display, call.to.uri, call.to.display, call.call_id,
          method_word(call.kind), call.caller_agent, call.callee_agent, call.contact})
        if (holds_text(text, lowered_text_)) return true;
    return holds_text(state_word(call, row.entry.over), lowered_text_) ||
           holds_text(call.caller.to_string(), lowered_text_) ||
           holds_text(call.callee.to_string(), lowered_text_);
}

void Roster::judge(Row& row) {
    row.judged = generation_;
    row.in = holds(row);
    row.key = key_of(column_, row.entry);
    row.dirty = false;
}

// Puts rows where they belong. `some_left`: rows that are dirty, or in no longer, have to go first.
void Roster::merge(std::vector<Row*>& fresh, bool some_left) {
    if (some_left)
        order_.erase(std::remove_if(order_.begin(), order_.end(),
                                    [](const Row* r) { return r->dirty || !r->in; }),
                     order_.end());
    for (Row* row : fresh) row->dirty = false;
    const auto less = [this](const Row* a, const Row* b) { return before(*a, *b); };
    std::sort(fresh.begin(), fresh.end(), less);
    const auto middle = static_cast<std::ptrdiff_t>(order_.size());
    const bool behind = order_.empty() || fresh.empty() || !less(fresh.front(), order_.back());
    order_.insert(order_.end(), fresh.begin(), fresh.end());
    if (!behind) std::inplace_merge(order_.begin(), order_.begin() + middle, order_.end(), less);
}

bool Roster::refresh() {
    Board::News news = board_.since(version_, most_news);
    if (news.version == version_ && !news.all) return false;
    version_ = news.version;
    if (news.all) {
        order_.clear();
        rows_.clear();
        next_.reset();
    }
    std::vector<Row*> fresh;
    bool some_left = false;
    for (Board::Entry& entry : news.entries) {
        if (hidden_.count(entry.number) > 0) continue;
        Row& row = rows_[entry.number];
        const bool was_in = row.in && row.judged == generation_;
        const bool pending = next_ && entry.number >= *next_;
        SortKey old = std::move(row.key);
        row.entry = std::move(entry);
        if (pending) {  // its turn comes
            row.in = false;
            continue;
        }
        judge(row);
        row.marked = marked_.count(row.entry.number) > 0;
        if (was_in && row.in && row.key == old) continue;
        row.dirty = was_in;
        some_left |= was_in;
        if (row.in) fresh.push_back(&row);
    }
    std::vector<std::uint64_t> gone;
    for (const std::uint64_t number : news.forgotten) {
        hidden_.erase(number);
        marked_.erase(number);
        const auto found = rows_.find(number);
        if (found == rows_.end()) continue;
        some_left |= found->second.in;
        found->second.in = false;
        gone.push_back(number);
    }
    if (!gone.empty())
        fresh.erase(std::remove_if(fresh.begin(), fresh.end(), [](const Row* r) { return !r->in; }),
                    fresh.end());
    merge(fresh, some_left);
    for (const std::uint64_t number : gone) rows_.erase(number);
    while (hidden_.size() > 2 * Board::most_entries) hidden_.erase(hidden_.begin());
    return true;
}

bool Roster::work() {
    if (!next_) return false;
    std::vector<Row*> fresh;
    auto at = rows_.lower_bound(*next_);
    for (std::size_t n = 0; n < slice && at != rows_.end(); ++n, ++at) {
        judge(at->second);
        at->second.marked = marked_.count(at->first) > 0;
        if (at->second.in) fresh.push_back(&at->second);
    }
    if (at == rows_.end())
        next_.reset();
    else
        next_ = at->first;
    merge(fresh, false);
    return next_.has_value();
}

void Roster::begin_anew() {
    ++generation_;
    order_.clear();
    next_ = 0;
    work();
}

Status Roster::want(const WantedCalls& wanted) {
    std::optional<analysis::Where> where;
    if (!trim(wanted.expression).empty()) {
        auto parsed = analysis::Where::parse(wanted.expression);
        if (!parsed) return parsed.error();
        where = std::move(*parsed);
    }
    if (wanted == wanted_) return Done{};
    wanted_ = wanted;
    where_ = std::move(where);
    lowered_text_ = lowered(trim(wanted.text));
    begin_anew();
    return Done{};
}

void Roster::sort(ListColumn column, bool descending) {
    if (column == column_ && descending == descending_) return;
    column_ = column;
    descending_ = descending;
    begin_anew();
}

std::size_t Roster::place_of(std::uint64_t number) const {
    const auto found = rows_.find(number);
    if (found == rows_.end()) return order_.size();
    Row probe;
    const Row* row = &found->second;
    if (row->judged != generation_) {
        probe.entry = row->entry;
        probe.key = key_of(column_, row->entry);
        row = &probe;
    }
    const auto at = std::lower_bound(order_.begin(), order_.end(), row,
                                     [this](const Row* a, const Row* b) { return before(*a, *b); });
    return static_cast<std::size_t>(at - order_.begin());
}

const Roster::Row* Roster::find(std::uint64_t number) const {
    const auto found = rows_.find(number);
    return found == rows_.end() ? nullptr : &found->second;
}

void Roster::mark(std::uint64_t number) {
    const auto found = rows_.find(number);
    if (found == rows_.end()) return;
    found->second.marked = !found->second.marked;
    if (found->second.marked)
        marked_.insert(number);
    else
        marked_.erase(number);
}

void Roster::unmark_all() {
    for (const std::uint64_t number : marked_)
        if (const auto found = rows_.find(number); found != rows_.end())
            found->second.marked = false;
    marked_.clear();
}

std::vector<std::uint64_t> Roster::marked() const { return {marked_.begin(), marked_.end()}; }

std::size_t Roster::clear_over() {
    std::vector<std::uint64_t> gone;
    for (auto& [number, row] : rows_)
        if (row.entry.over) {
            row.in = false;
            hidden_.insert(number);
            marked_.erase(number);
            gone.push_back(number);
        }
    std::vector<Row*> none;
    merge(none, true);
    for (const std::uint64_t number : gone) rows_.erase(number);
    return gone.size();
}

}  // namespace sipana::live
