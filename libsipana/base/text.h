// Text: ASCII matters that SIP, SDP and the renderers share.
//
// Bytes from the wire are hostile: what is printed goes through printable() first.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sipana {

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
// Linear white space and line ends, as trimmed around values.
constexpr bool is_space(char c) { return is_blank(c) || c == '\r' || c == '\n'; }

bool iequals(std::string_view a, std::string_view b);          // ASCII case ignored
bool istarts_with(std::string_view text, std::string_view prefix);
std::string lowered(std::string_view text);

constexpr std::string_view trim(std::string_view s) {
    while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
    while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
    return s;
}

// The whole of `text` as a decimal number: no sign, no blanks, no overflow.
template <typename Number = std::uint32_t>
std::optional<Number> to_number(std::string_view text) {
    Number n{};
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
    if (r.ec != std::errc{} || r.ptr != text.data() + text.size()) return std::nullopt;
    return n;
}

// Cuts `rest` at the first `separator`: returns what stood before it, leaves what stands after.
// Without a separator, returns everything and empties `rest`.
constexpr std::string_view cut(std::string_view& rest, char separator) {
    const auto at = rest.find(separator);
    const auto head = rest.substr(0, at);
    rest = at == rest.npos ? std::string_view{} : rest.substr(at + 1);
    return head;
}

std::string to_hex(std::string_view bytes);  // "0aff"

// `text` made safe for a terminal and for one line: C0, DEL, C1, bidi and other format controls and
// bytes that are not UTF-8 become \xNN, tab and line ends \t \r \n, a backslash stays as it is.
std::string printable(std::string_view text);
// `text` as valid UTF-8: bytes that are not become U+FFFD. Controls stay.
std::string valid_utf8(std::string_view text);
// Columns that printable() text takes in a terminal (East Asian wide characters take two).
std::size_t columns(std::string_view printable_text);
// Cut to at most `width` columns, the last being an ellipsis where something was cut.
std::string fitted(std::string_view printable_text, std::size_t width);

}  // namespace sipana
