#include "libsipana/render/table.h"

#include <algorithm>
#include <climits>

#include "libsipana/base/text.h"

namespace sipana::render {
namespace {

constexpr std::size_t gap = 2;  // blanks between columns
constexpr std::size_t max_natural =
    60;  // no cell needs more; keeps one hostile cell from ruling the table

}  // namespace

// The width of each column; 0 for those left out.
std::vector<std::size_t> Table::widths_within(std::size_t width,
                                              const std::vector<std::size_t>& natural) const {
    std::vector<std::size_t> widths = natural;
    const auto capped = [&](std::size_t i, std::size_t cap) {
        return columns_[i].right || cap == 0 ? natural[i] : std::min(cap, natural[i]);
    };
    const auto least = [&](std::size_t i) { return capped(i, columns_[i].least); };
    const auto good = [&](std::size_t i) { return capped(i, columns_[i].good); };
    const auto total = [&](auto width_of) {
        std::size_t sum = 0;
        for (std::size_t i = 0; i < widths.size(); ++i)
            sum += widths[i] == 0 ? 0 : width_of(i) + gap;
        return sum < gap ? 0 : sum - gap;
    };
    // Leaves out the least important column below a limit, the last of equals first.
    const auto drop_one = [&](int below) {
        std::size_t victim = columns_.size(), kept = 0;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (widths[i] == 0) continue;
            ++kept;
            if (columns_[i].importance < below &&
                (victim == columns_.size() ||
                 columns_[i].importance <= columns_[victim].importance))
                victim = i;
        }
        if (kept <= 1 || victim == columns_.size()) return false;
        widths[victim] = 0;
        return true;
    };
    while (total(good) > width && drop_one(essential)) {
    }
    while (total(least) > width && drop_one(INT_MAX)) {
    }
    while (total([&](std::size_t i) { return widths[i]; }) > width) {
        // The widest of those that may shrink gives a column; the good widths go last.
        std::size_t widest = columns_.size();
        bool above_good = false;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (widths[i] <= least(i)) continue;
            const bool above = widths[i] > good(i);
            if (widest == columns_.size() || (above && !above_good) ||
                (above == above_good && widths[i] > widths[widest])) {
                widest = i;
                above_good = above;
            }
        }
        if (widest == columns_.size()) break;
        --widths[widest];
    }
    return widths;
}

std::string Table::text(const Style& style) const {
    const std::size_t n = columns_.size(), width = usable_width(style);
    std::vector<std::string> texts;
    std::vector<std::size_t> natural(n);
    for (std::size_t i = 0; i < n; ++i) natural[i] = columns_[i].title.size();
    texts.reserve(cells_.size());
    for (std::size_t i = 0; i < cells_.size(); ++i) {
        texts.push_back(shown(cells_[i].text, style));
        natural[i % n] = std::max(natural[i % n], std::min(columns(texts.back()), max_natural));
    }
    for (std::size_t i = 0; i < n; ++i) {  // a column without anything in it is not worth its place
        bool empty = !cells_.empty();
        for (std::size_t c = i; c < cells_.size() && empty; c += n) empty = texts[c].empty();
        if (empty) natural[i] = 0;
    }
    const std::vector<std::size_t> widths = widths_within(width, natural);
    std::string out;
    const auto line = [&](auto cell_at, auto paint_at) {
        std::string blanks;
        for (std::size_t i = 0; i < n; ++i) {
            if (widths[i] == 0) continue;
            const std::string text = cut_to(cell_at(i), widths[i], style);
            const std::size_t left = widths[i] - std::min(widths[i], columns(text));
            if (columns_[i].right) blanks.append(left, ' ');
            if (!text.empty()) {
                out += blanks;
                out += painted(text, paint_at(i), style);
                blanks.clear();
            }
            blanks.append((columns_[i].right ? 0 : left) + gap, ' ');
        }
        out += '\n';
    };
    line([&](std::size_t i) { return columns_[i].title; }, [](std::size_t) { return Paint::bold; });
    for (std::size_t r = 0; r < texts.size(); r += n)
        line([&](std::size_t i) { return std::string_view(texts[r + i]); },
             [&](std::size_t i) { return cells_[r + i].paint; });
    return out;
}

}  // namespace sipana::render
