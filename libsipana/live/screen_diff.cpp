#include "libsipana/live/screen_diff.h"

#include <algorithm>
#include <cstdint>

#include "libsipana/base/text.h"

namespace sipana::live {
namespace {

using Lines = std::vector<std::string_view>;

// What makes two lines versions of one: the field's name, the SDP line's type and attribute.
std::string_view name_of(std::string_view line) {
    if (line.size() > 1 && line[1] == '=') {
        if (line[0] != 'a' && line[0] != 'm') return line.substr(0, 2);
        return line.substr(0, line.find_first_of(": "));
    }
    if (line.starts_with("SIP/2.0 ")) return "SIP/2.0";
    return line.substr(0, line.find(':'));
}

bool inside(std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

DiffLine changed(std::string_view old, std::string_view text) {
    std::size_t head = 0, tail = 0;
    const std::size_t least = std::min(old.size(), text.size());
    while (head < least && old[head] == text[head]) ++head;
    while (head > 0 && (inside(text, head) || inside(old, head))) --head;
    while (tail < least - head && old[old.size() - 1 - tail] == text[text.size() - 1 - tail])
        ++tail;
    while (tail > 0 && (inside(text, text.size() - tail) || inside(old, old.size() - tail))) --tail;
    return {DiffLine::Kind::changed, text, old, head, text.size() - tail, head, old.size() - tail};
}

// Between two lines that are the same: what was there, and what is there now.
void settle(std::vector<DiffLine>& out, const Lines& before, const Lines& after) {
    // Which line of `after` is a version of which of `before`; after.size(): none.
    std::vector<std::size_t> became(before.size(), after.size()), was(after.size(), before.size());
    for (std::size_t j = 0; j < after.size(); ++j)
        for (std::size_t i = 0; i < before.size() && was[j] == before.size(); ++i)
            if (became[i] == after.size() && iequals(name_of(before[i]), name_of(after[j]))) {
                became[i] = j;
                was[j] = i;
            }
    std::size_t told = 0;  // of `before`
    const auto tell_removed = [&](std::size_t end) {
        for (; told < end; ++told)
            if (became[told] == after.size())
                out.push_back({DiffLine::Kind::removed, {}, before[told], 0, 0, 0, 0});
    };
    for (std::size_t j = 0; j < after.size(); ++j) {
        if (was[j] == before.size()) {
            std::size_t end = told;  // what went at this place comes before what came
            while (end < before.size() && became[end] == after.size()) ++end;
            tell_removed(end);
            out.push_back({DiffLine::Kind::added, after[j], {}, 0, 0, 0, 0});
            continue;
        }
        tell_removed(std::max(told, was[j]));
        out.push_back(before[was[j]] == after[j]
                          ? DiffLine{DiffLine::Kind::same, after[j], {}, 0, 0, 0, 0}
                          : changed(before[was[j]], after[j]));
        told = std::max(told, was[j] + 1);
    }
    tell_removed(before.size());
}

}  // namespace

std::vector<std::string_view> lines_of(std::string_view message) {
    Lines lines;
    while (!message.empty()) {
        std::string_view line = cut(message, '\n');
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines.push_back(line);
    }
    return lines;
}

std::vector<DiffLine> diff_of(std::string_view before_text, std::string_view after_text) {
    Lines before = lines_of(before_text), after = lines_of(after_text);
    const auto same = [](std::string_view line) {
        return DiffLine{DiffLine::Kind::same, line, {}, 0, 0, 0, 0};
    };
    std::vector<DiffLine> out, tail;
    std::size_t head = 0;
    while (head < std::min(before.size(), after.size()) && before[head] == after[head])
        out.push_back(same(after[head++]));
    before.erase(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(head));
    after.erase(after.begin(), after.begin() + static_cast<std::ptrdiff_t>(head));
    while (!before.empty() && !after.empty() && before.back() == after.back()) {
        tail.push_back(same(after.back()));
        before.pop_back();
        after.pop_back();
    }
    const std::size_t n = before.size(), m = after.size();
    Lines gone, come;
    const auto close = [&] {
        if (!gone.empty() || !come.empty()) settle(out, gone, come);
        gone.clear();
        come.clear();
    };
    if (n * m > most_pairs_compared) {
        settle(out,
               Lines(before.begin(),
                     before.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(n, 200))),
               Lines(after.begin(),
                     after.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(m, 200))));
        for (std::size_t i = 200; i < n; ++i)
            out.push_back({DiffLine::Kind::removed, {}, before[i], 0, 0, 0, 0});
        for (std::size_t i = 200; i < m; ++i)
            out.push_back({DiffLine::Kind::added, after[i], {}, 0, 0, 0, 0});
    } else {
        // longest[i][j]: the longest common subsequence of what is left from i and j on.
        std::vector<std::uint16_t> longest((n + 1) * (m + 1));
        const auto at = [&](std::size_t i, std::size_t j) -> std::uint16_t& {
            return longest[i * (m + 1) + j];
        };
        for (std::size_t i = n; i-- > 0;)
            for (std::size_t j = m; j-- > 0;)
                at(i, j) = before[i] == after[j] ? static_cast<std::uint16_t>(at(i + 1, j + 1) + 1)
                                                 : std::max(at(i + 1, j), at(i, j + 1));
        for (std::size_t i = 0, j = 0; i < n || j < m;) {
            if (i < n && j < m && before[i] == after[j]) {
                close();
                out.push_back(same(after[j]));
                ++i;
                ++j;
            } else if (j == m || (i < n && at(i + 1, j) >= at(i, j + 1))) {
                gone.push_back(before[i++]);
            } else {
                come.push_back(after[j++]);
            }
        }
        close();
    }
    out.insert(out.end(), tail.rbegin(), tail.rend());
    return out;
}

}  // namespace sipana::live
