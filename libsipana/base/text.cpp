#include "libsipana/base/text.h"

#include <algorithm>
#include <array>

#include "libsipana/base/append.h"

namespace sipana {
namespace {

struct CodePoint {
    char32_t value = 0;
    std::size_t size = 0;  // bytes; 0: not UTF-8 here
};

// RFC 3629: shortest form, no surrogates, at most U+10FFFF.
CodePoint decode(std::string_view s) {
    const auto b = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    if (s.empty()) return {};
    const unsigned first = b(0);
    if (first < 0x80) return {first, 1};
    const std::size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || s.size() < n) return {};
    char32_t v = first & (0x7fu >> n);
    for (std::size_t i = 1; i < n; ++i) {
        if ((b(i) & 0xc0) != 0x80) return {};
        v = v << 6 | (b(i) & 0x3fu);
    }
    const char32_t least = n == 2 ? 0x80 : n == 3 ? 0x800 : 0x10000;
    if (v < least || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff)) return {};
    return {v, n};
}

// Characters that steer a terminal or reorder text without being seen.
bool is_control(char32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0x61c ||
           c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

struct Range {
    char32_t first, last;
};
// Unicode East Asian Width W and F, the blocks that matter for names.
constexpr std::array wide_ranges{
    Range{0x1100, 0x115f},   Range{0x2e80, 0x303e},   Range{0x3041, 0x33ff},
    Range{0x3400, 0x4dbf},   Range{0x4e00, 0x9fff},   Range{0xa000, 0xa4cf},
    Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},   Range{0xfe30, 0xfe6f},
    Range{0xff00, 0xff60},   Range{0xffe0, 0xffe6},   Range{0x1f300, 0x1f64f},
    Range{0x1f900, 0x1f9ff}, Range{0x20000, 0x3fffd},
};

std::size_t width_of(char32_t c) {
    if ((c >= 0x300 && c <= 0x36f) || (c >= 0xfe00 && c <= 0xfe0f)) return 0;  // combining
    for (const Range& r : wide_ranges)
        if (c >= r.first && c <= r.last) return 2;
    return 1;
}

}  // namespace

bool iequals(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
               return to_lower(x) == to_lower(y);
           });
}

bool istarts_with(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = to_lower(c);
    return out;
}

std::string to_hex(std::string_view bytes) {
    std::string out;
    out.reserve(2 * bytes.size());
    for (char c : bytes) append(out, "{:02x}", static_cast<unsigned char>(c));
    return out;
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const CodePoint c = decode(text);
        const std::size_t n = c.size == 0 ? 1 : c.size;
        if (c.size != 0 && !is_control(c.value))
            out.append(text.substr(0, n));
        else if (text.front() == '\t')
            out += "\\t";
        else if (text.front() == '\r')
            out += "\\r";
        else if (text.front() == '\n')
            out += "\\n";
        else
            for (char b : text.substr(0, n))
                append(out, "\\x{:02x}", static_cast<unsigned char>(b));
        text.remove_prefix(n);
    }
    return out;
}

std::string valid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const CodePoint c = decode(text);
        if (c.size == 0)
            out += "\xef\xbf\xbd";
        else
            out.append(text.substr(0, c.size));
        text.remove_prefix(std::max<std::size_t>(c.size, 1));
    }
    return out;
}

std::size_t columns(std::string_view printable_text) {
    std::size_t n = 0;
    while (!printable_text.empty()) {
        const CodePoint c = decode(printable_text);
        n += c.size == 0 ? 1 : width_of(c.value);
        printable_text.remove_prefix(std::max<std::size_t>(c.size, 1));
    }
    return n;
}

std::string fitted(std::string_view printable_text, std::size_t width) {
    if (columns(printable_text) <= width) return std::string(printable_text);
    if (width == 0) return {};
    std::string out;
    std::size_t used = 0;
    while (!printable_text.empty()) {
        const CodePoint c = decode(printable_text);
        const std::size_t w = c.size == 0 ? 1 : width_of(c.value);
        const std::size_t n = std::max<std::size_t>(c.size, 1);
        if (used + w > width - 1) break;
        out.append(printable_text.substr(0, n));
        used += w;
        printable_text.remove_prefix(n);
    }
    return out + "\xe2\x80\xa6";
}

}  // namespace sipana
