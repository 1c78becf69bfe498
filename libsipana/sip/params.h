// Params: the ";name=value" lists of SIP (RFC 3261 25.1, generic-param), and quoted strings.
//
// Everything views the text that it was made from. Reading is lenient: white space around every
// sign, empty elements, values without quotes; a quote that is never closed is an ordinary sign.
#pragma once

#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace sipana::sip {

struct Param {
    std::string_view name;
    std::string_view value;  // without the quotes; escapes are still in it: unquoted()
    bool has_value = false;  // ";lr" has none, ";x=" has an empty one
    bool quoted = false;
};

class Params {
public:
    class Iterator {
    public:
        using value_type = Param;
        using difference_type = std::ptrdiff_t;
        using pointer = const Param*;
        using reference = const Param&;
        using iterator_category = std::input_iterator_tag;

        Iterator() = default;  // the end
        Iterator(std::string_view rest, char separator) : rest_(rest), separator_(separator) {
            ++*this;
        }
        const Param& operator*() const { return param_; }
        const Param* operator->() const { return &param_; }
        Iterator& operator++();
        bool operator==(const Iterator& other) const { return at_end_ == other.at_end_; }

    private:
        std::string_view rest_;
        Param param_;
        char separator_ = ';';
        bool at_end_ = true;
        bool unclosed_ = false;  // a "<" without ">" was seen
    };

    Params() = default;
    // `text` may begin with the separator. Header and URI parameters are separated by ';', those of
    // credentials and challenges by ','.
    explicit Params(std::string_view text, char separator = ';')
        : text_(text), separator_(separator) {}

    Iterator begin() const { return {text_, separator_}; }
    Iterator end() const { return {}; }
    bool empty() const { return begin() == end(); }
    std::string_view text() const { return text_; }

    // The first of that name, any case. A parameter without value gives an empty view.
    std::optional<std::string_view> find(std::string_view name) const;
    bool has(std::string_view name) const { return find(name).has_value(); }

private:
    std::string_view text_;
    char separator_ = ';';
};

// What stands between the quotes of a quoted-string, with \" and \\ taken back.
std::string unquoted(std::string_view inside);
// `text` as a quoted-string, quotes and all. CR, LF and NUL cannot stand in one: they become
// blanks.
std::string quoted(std::string_view text);

// Where the quoted-string that opens at text[open] closes: the closing quote's place, or npos.
std::size_t closing_quote(std::string_view text, std::size_t open);

// Takes the next element of a comma-separated list off `rest` (RFC 3261 7.3.1); commas in quotes
// and in angle brackets do not count. Trimmed; empty elements are passed over; nullopt at the end.
std::optional<std::string_view> next_element(std::string_view& rest);

// RFC 3261 25.1, token.
namespace detail {
extern const std::array<bool, 256> token_chars;
}
inline bool is_token_char(char c) { return detail::token_chars[static_cast<unsigned char>(c)]; }
bool is_token(std::string_view text);  // at least one, and nothing else

}  // namespace sipana::sip
