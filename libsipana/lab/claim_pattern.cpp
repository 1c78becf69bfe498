// What a claim matches messages with.
#include "libsipana/base/text.h"
#include "libsipana/lab/claim.h"

namespace sipana::lab {

std::optional<Pattern> parse_pattern(std::string_view word) {
    Pattern p;
    if (word == "any") {
        p.method = "any";
        p.last = 699;
        return p;
    }
    if (word.size() == 3 && is_digit(word[0])) {
        if (word.substr(1) == "xx") {
            p.first = (word[0] - '0') * 100;
            p.last = p.first + 99;
        } else if (const auto code = to_number<int>(word)) {
            p.first = p.last = *code;
        }
        if (p.first < 100 || p.last > 699) return std::nullopt;
        return p;
    }
    if (word.size() == 8 && word.substr(3, 2) == "..") {
        const auto first = to_number<int>(word.substr(0, 3)), last = to_number<int>(word.substr(5));
        if (!first || !last || *first < 100 || *last > 699 || *first > *last) return std::nullopt;
        p.first = *first;
        p.last = *last;
        return p;
    }
    if (word.empty() || word.size() > 32) return std::nullopt;
    for (const char c : word)
        if ((c < 'A' || c > 'Z') && !is_digit(c) && c != '-' && c != '_') return std::nullopt;
    if (word[0] < 'A' || word[0] > 'Z') return std::nullopt;
    p.method = word;
    return p;
}

bool matches(const Pattern& pattern, std::string_view method, int code) {
    if (pattern.method == "any") return true;
    if (code == 0) return pattern.last == 0 && pattern.method == method;
    return code >= pattern.first && code <= pattern.last;
}

}  // namespace sipana::lab
