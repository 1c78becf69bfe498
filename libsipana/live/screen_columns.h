// Columns of the list of calls: what each says of a call, by what it sorts, and which of them a
// terminal has room for.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/live/board.h"
#include "libsipana/live/screen_canvas.h"

namespace sipana::live {

enum class ListColumn : std::uint8_t {
    number,
    time,
    kind,
    from,
    to,
    messages,
    source,
    target,
    state,
    duration,
    media,
    loss,
    jitter,
    mos,
    legs,
    setup,
    agent,
    expires,
    contact,
    call_id,
};
inline constexpr std::size_t list_columns = 20;

struct ListColumnFacts {
    std::string_view title, meaning;
    std::size_t least = 1, good = 1;  // columns of the terminal
    int importance = 0;               // what has no room goes by this, the least first
    bool right = false;               // numbers
};
const ListColumnFacts& facts_of(ListColumn column);

struct ListCell {
    std::string text;  // wire text: the canvas makes it safe
    Look look;
};
// `now`: of the machine's clock, for how long something has been going on.
ListCell cell_of(ListColumn column, const Board::Entry& entry, Time now, Time zero);

struct SortKey {
    double number = 0;
    std::string text;
    bool operator<(const SortKey& other) const {
        return number != other.number ? number < other.number : text < other.text;
    }
    bool operator==(const SortKey&) const = default;
};
SortKey key_of(ListColumn column, const Board::Entry& entry);

struct PlacedColumn {
    ListColumn column{};
    std::size_t x = 0, width = 0;
};
// Those of `wanted` that fit into `width`, in their order.
std::vector<PlacedColumn> placed(const std::vector<ListColumn>& wanted, std::size_t width);
std::vector<ListColumn> usual_columns();
std::vector<ListColumn> registration_columns();

// "INVITE", "REGISTER", ...; "busy 486"; "alice@a.example".
std::string_view method_word(analysis::CallKind kind);
std::string state_word(const analysis::Call& call, bool over);
std::string party_word(const analysis::Party& party);
// A sign for those who see no colours.
std::string_view state_sign(analysis::CallState state, bool over, bool unicode);
std::optional<double> mos_of(const analysis::Call& call);  // of the worst stream

}  // namespace sipana::live
