// Roster: the calls that a list shows: the board's, those that are wanted, in the order that is
// wanted.
//
// News of the board are merged in as they come, all of one turn at once; a new filter or order is
// worked off in slices (work), so that a key press costs what is seen and not what there is.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libsipana/analysis/where.h"
#include "libsipana/live/screen_columns.h"

namespace sipana::live {

struct WantedCalls {
    std::uint32_t kinds = 0xffffffffu;  // bits by CallKind
    std::string text;        // somewhere in names, addresses, state, Call-ID; case ignored
    std::string expression;  // of the --where language
    bool going_on = false;   // nothing that is over

    bool has(analysis::CallKind kind) const {
        return (kinds >> static_cast<unsigned>(kind) & 1) != 0;
    }
    void toggle(analysis::CallKind kind) { kinds ^= 1u << static_cast<unsigned>(kind); }
    bool operator==(const WantedCalls&) const = default;
};

class Roster {
public:
    static constexpr std::size_t slice = 4000;        // rows judged in one go
    static constexpr std::size_t most_news = 20'000;  // entries taken in one go

    struct Row {
        Board::Entry entry;
        SortKey key;
        std::uint32_t judged = 0;  // in which order and filter; older: not yet
        bool in = false, marked = false, dirty = false;
    };

    explicit Roster(const Board& board) : board_(board) {}

    bool refresh();  // takes the board's news in; true: something changed
    bool work();     // goes on with a new filter or order; true: there is more to do

    // Fails where the expression does (the offset is the column), and changes nothing then.
    Status want(const WantedCalls& wanted);
    const WantedCalls& wanted() const { return wanted_; }
    void sort(ListColumn column, bool descending);
    ListColumn column() const { return column_; }
    bool descending() const { return descending_; }

    std::size_t size() const { return order_.size(); }
    std::size_t known() const { return rows_.size(); }
    const Row& at(std::size_t place) const { return *order_[place]; }
    // Where a call stands; where it would stand if it is not in, or size().
    std::size_t place_of(std::uint64_t number) const;
    const Row* find(std::uint64_t number) const;

    void mark(std::uint64_t number);  // or unmark
    void unmark_all();
    std::vector<std::uint64_t> marked() const;  // in order of number
    std::size_t clear_over();                   // takes what is over out of the list for good

private:
    bool holds(const Row& row) const;
    bool before(const Row& a, const Row& b) const;
    void judge(Row& row);
    void merge(std::vector<Row*>& fresh, bool some_left);
    void begin_anew();

    const Board& board_;
    std::uint64_t version_ = 0;
    std::map<std::uint64_t, Row> rows_;
    std::vector<Row*> order_;
    std::set<std::uint64_t> hidden_, marked_;
    WantedCalls wanted_;
    std::string lowered_text_;
    std::optional<analysis::Where> where_;
    ListColumn column_ = ListColumn::number;
    bool descending_ = false;
    std::uint32_t generation_ = 1;
    std::optional<std::uint64_t> next_;  // to be judged from here on
};

}  // namespace sipana::live
