// Patterns of extensions (lab/dialplan.h): what they match, and which of two goes first.
#include <algorithm>
#include <bitset>
#include <tuple>

#include "libsipana/base/text.h"
#include "libsipana/lab/dialplan.h"

namespace sipana::lab {
namespace {

using Set = std::bitset<256>;

// One sign of a pattern: a set of characters, or a wildcard.
struct Sign {
    Set set;
    char wildcard = '\0';  // '.', '!'
    bool end = false;
};

Set range(char first, char last) {
    Set s;
    for (int c = static_cast<unsigned char>(first); c <= static_cast<unsigned char>(last); ++c)
        s.set(static_cast<std::size_t>(c));
    return s;
}

Set bracketed(std::string_view inside) {
    Set s;
    for (std::size_t i = 0; i < inside.size(); ++i) {
        if (i + 2 < inside.size() && inside[i + 1] == '-') {
            s |= range(inside[i], inside[i + 2]);
            i += 2;
        } else {
            s.set(static_cast<unsigned char>(inside[i]));
        }
    }
    return s;
}

// Takes the next sign off the pattern, the underscore gone already.
Sign next_sign(std::string_view& pattern) {
    while (pattern.starts_with('-') || pattern.starts_with(' ')) pattern.remove_prefix(1);
    Sign sign;
    if (pattern.empty()) {
        sign.end = true;
        return sign;
    }
    const char c = pattern.front();
    pattern.remove_prefix(1);
    if (c == '.' || c == '!') {
        sign.wildcard = c;
    } else if (c == 'X' || c == 'x') {
        sign.set = range('0', '9');
    } else if (c == 'Z' || c == 'z') {
        sign.set = range('1', '9');
    } else if (c == 'N' || c == 'n') {
        sign.set = range('2', '9');
    } else if (const auto close = pattern.find(']'); c == '[' && close != pattern.npos) {
        sign.set = bracketed(pattern.substr(0, close));
        pattern.remove_prefix(close + 1);
    } else {
        sign.set.set(static_cast<unsigned char>(c));
    }
    return sign;
}

// Fewer characters that fit come first, then the lower ones; wildcards are last.
std::tuple<std::size_t, std::size_t> rank(const Sign& sign) {
    if (sign.end) return {0, 0};
    if (sign.wildcard != '\0') return {sign.wildcard == '.' ? 1000 : 1001, 0};
    return {sign.set.count(), sign.set._Find_first()};
}

enum class Verdict { no, yes, unfinished, early };

Verdict judge(std::string_view pattern, std::string_view dialled) {
    if (!pattern.starts_with('_')) {
        if (pattern == dialled) return Verdict::yes;
        return pattern.starts_with(dialled) ? Verdict::unfinished : Verdict::no;
    }
    pattern.remove_prefix(1);
    for (;;) {
        const Sign sign = next_sign(pattern);
        while (dialled.starts_with('-')) dialled.remove_prefix(1);
        if (sign.wildcard == '!') return Verdict::early;
        if (sign.wildcard == '.') return dialled.empty() ? Verdict::unfinished : Verdict::yes;
        if (sign.end) return dialled.empty() ? Verdict::yes : Verdict::no;
        if (dialled.empty()) return Verdict::unfinished;
        if (!sign.set.test(static_cast<unsigned char>(dialled.front()))) return Verdict::no;
        dialled.remove_prefix(1);
    }
}

}  // namespace

bool matches(std::string_view pattern, std::string_view dialled) {
    const Verdict v = judge(pattern, dialled);
    return v == Verdict::yes || v == Verdict::early;
}

bool could_match(std::string_view pattern, std::string_view dialled) {
    return judge(pattern, dialled) == Verdict::unfinished;
}

bool more_particular(std::string_view a, std::string_view b) {
    const bool a_is_pattern = a.starts_with('_'), b_is_pattern = b.starts_with('_');
    if (a_is_pattern != b_is_pattern) return b_is_pattern;
    if (!a_is_pattern) return a < b;
    a.remove_prefix(1);
    b.remove_prefix(1);
    for (;;) {
        const Sign x = next_sign(a), y = next_sign(b);
        if (x.end || y.end) return !x.end && y.end;  // the longer one asks for more
        if (rank(x) != rank(y)) return rank(x) < rank(y);
        if (x.wildcard != '\0') return false;
    }
}

}  // namespace sipana::lab
