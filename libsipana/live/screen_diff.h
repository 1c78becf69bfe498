// Differences between two messages, line by line, and within a line where it is the same field.
#pragma once

#include <string_view>
#include <vector>

namespace sipana::live {

struct DiffLine {
    enum class Kind : unsigned char { same, added, removed, changed } kind = Kind::same;
    std::string_view text, old;  // views the texts compared; `old` of what was changed or removed
    std::size_t from = 0,
                to = 0;  // with changed: the part of `text` that is new, on whole characters
    std::size_t old_from = 0, old_to = 0;
};

// Above so many pairs of lines only what stands before and after all changes is found to be the
// same.
inline constexpr std::size_t most_pairs_compared = 250'000;

std::vector<std::string_view> lines_of(std::string_view message);  // without line ends
std::vector<DiffLine> diff_of(std::string_view before, std::string_view after);

}  // namespace sipana::live
