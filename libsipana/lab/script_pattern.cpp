// Regular expressions of scripts and claims: refused when the script is read, not when it is
// played. The one file that includes <regex>, which costs seconds wherever it is compiled.
#include <fmt/format.h>

#include <regex>

#include "libsipana/base/text.h"
#include "libsipana/lab/claim.h"
#include "libsipana/lab/script_steps.h"

namespace sipana::lab {
namespace {

// {name} is filled in when the script is played: for now it is a letter. {1,3} is a repetition.
std::string without_names(std::string_view pattern) {
    std::string out;
    while (!pattern.empty()) {
        const auto open = pattern.find('{');
        out += pattern.substr(0, open);
        if (open == pattern.npos) break;
        pattern.remove_prefix(open);
        const auto close = pattern.find('}');
        if (close != pattern.npos && is_alpha(pattern[1])) {
            out += 'x';
            pattern.remove_prefix(close + 1);
        } else {
            out += '{';
            pattern.remove_prefix(1);
        }
    }
    return out;
}

}  // namespace

std::string pattern_error(std::string_view pattern) {
    if (pattern.size() > max_pattern) return "it has more than 500 bytes";
    try {
        const std::regex compiled(without_names(pattern));
        return {};
    } catch (const std::regex_error& e) {
        using namespace std::regex_constants;
        const auto code = e.code();
        if (code == error_paren) return "a parenthesis is open";
        if (code == error_brack) return "a bracket is open";
        if (code == error_brace || code == error_badbrace) return "its braces hold no repetition";
        if (code == error_badrepeat) return "there is nothing to repeat";
        if (code == error_escape || code == error_backref) return "its backslash escapes nothing";
        if (code == error_range) return "its range of characters is upside down";
        return "it cannot be compiled";
    }
}

std::optional<std::string> matched(const std::string& text, const std::string& pattern) {
    try {
        std::smatch found;
        if (std::regex_search(text, found, std::regex(pattern)))
            return found.size() > 1 ? found[1].str() : found[0].str();
    } catch (const std::regex_error&) {  // the parser has refused those; a filled-in one may be new
    }
    return std::nullopt;
}

Result<bool> found_in(std::string_view text, const std::string& pattern) {
    if (pattern.size() > max_pattern_size)
        return Error{Errc::too_large, 0,
                     fmt::format("a pattern of more than {} bytes", max_pattern_size)};
    text = text.substr(0, max_searched);
    try {
        auto flags = std::regex::ECMAScript;
#ifdef __GLIBCXX__
        flags |= std::regex_constants::__polynomial;  // no backtracking: hostile patterns end too
#endif
        const std::regex compiled(pattern, flags);
        return std::regex_search(text.begin(), text.end(), compiled);
    } catch (const std::regex_error& e) {
        return Error{
            Errc::malformed, 0,
            fmt::format("expected a regular expression, found '{}': {}", pattern, e.what())};
    }
}

}  // namespace sipana::lab
