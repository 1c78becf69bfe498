#include "libsipana/sip/params.h"

#include "libsipana/base/text.h"

namespace sipana::sip {
namespace {

constexpr std::array<bool, 256> make_token_chars() {
    std::array<bool, 256> table{};
    for (int c = 0; c < 256; ++c)
        table[static_cast<std::size_t>(c)] =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    for (char c : {'-', '.', '!', '%', '*', '_', '+', '`', '\'', '~'})
        table[static_cast<unsigned char>(c)] = true;
    return table;
}
}  // namespace

constexpr std::array<bool, 256> detail::token_chars = make_token_chars();

bool is_token(std::string_view text) {
    for (char c : text)
        if (!is_token_char(c)) return false;
    return !text.empty();
}

std::size_t closing_quote(std::string_view text, std::size_t open) {
    for (std::size_t i = open + 1; i < text.size(); ++i) {
        if (text[i] == '"') return i;
        if (text[i] == '\\') ++i;
    }
    return text.npos;
}

std::string unquoted(std::string_view inside) {
    std::string out;
    out.reserve(inside.size());
    for (std::size_t i = 0; i < inside.size(); ++i) {
        if (inside[i] == '\\' && i + 1 < inside.size()) ++i;
        out += inside[i];
    }
    return out;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
    }
    return out + '"';
}

Params::Iterator& Params::Iterator::operator++() {
    std::string_view& s = rest_;
    while (!s.empty() && (is_space(s.front()) || s.front() == separator_)) s.remove_prefix(1);
    at_end_ = s.empty();
    param_ = {};
    if (at_end_) return *this;
    std::size_t n = 0;
    while (n < s.size() && s[n] != '=' && s[n] != separator_) ++n;
    param_.name = trim(s.substr(0, n));
    param_.has_value = n < s.size() && s[n] == '=';
    if (!param_.has_value) {
        s.remove_prefix(n);
        return *this;
    }
    s.remove_prefix(n + 1);
    while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
    std::size_t from = 0;  // where the next separator may stand
    if (!s.empty() && s.front() == '"') {
        const std::size_t close = closing_quote(s, 0);
        param_.quoted = close != s.npos;
        if (param_.quoted) {
            param_.value = s.substr(1, close - 1);
            from = close + 1;
        }
    } else if (!s.empty() && s.front() == '<' && !unclosed_) {
        const std::size_t close = s.find('>');
        unclosed_ = close == s.npos;  // then no later one closes either: do not look again
        if (!unclosed_) from = close;
    }
    const std::size_t stop = s.find(separator_, from);
    if (!param_.quoted) param_.value = trim(s.substr(0, stop));
    s = stop == s.npos ? std::string_view{} : s.substr(stop);
    return *this;
}

std::optional<std::string_view> Params::find(std::string_view name) const {
    for (const Param& p : *this)
        if (iequals(p.name, name)) return p.value;
    return std::nullopt;
}

std::optional<std::string_view> next_element(std::string_view& rest) {
    while (!rest.empty() && (is_space(rest.front()) || rest.front() == ',')) rest.remove_prefix(1);
    if (rest.empty()) return std::nullopt;
    std::size_t i = 0;
    // What is opened and never closed takes the rest of the list with it.
    while (i < rest.size() && rest[i] != ',') {
        if (rest[i] == '"')
            i = closing_quote(rest, i);
        else if (rest[i] == '<')
            i = rest.find('>', i);
        if (i == rest.npos) i = rest.size() - 1;
        ++i;
    }
    const std::string_view element = trim(rest.substr(0, i));
    rest.remove_prefix(i);
    return element;
}

}  // namespace sipana::sip
