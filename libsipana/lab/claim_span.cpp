// Spans: "3", "> 2", "1..3", "440Hz+-10Hz", "<1%", "1s..2s".
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "libsipana/base/text.h"
#include "libsipana/lab/claim.h"

namespace sipana::lab {
namespace {

struct UnitName {
    std::string_view name;
    Unit unit;
    double factor;
};
constexpr std::array unit_names{
    UnitName{"", Unit::count, 1},          UnitName{"%", Unit::percent, 1},
    UnitName{"us", Unit::duration, 1e-3},  UnitName{"ms", Unit::duration, 1},
    UnitName{"s", Unit::duration, 1e3},    UnitName{"min", Unit::duration, 60e3},
    UnitName{"h", Unit::duration, 3600e3}, UnitName{"Hz", Unit::hertz, 1},
    UnitName{"kHz", Unit::hertz, 1e3},
};

std::string_view example(Unit unit) {
    switch (unit) {
        case Unit::count:
            return "a number such as 3, > 2 or 1..3";
        case Unit::percent:
            return "a share such as < 1% or 2%..5%";
        case Unit::duration:
            return "a duration such as < 20ms, 3s or 1s..2s";
        case Unit::hertz:
            return "a frequency such as 440Hz or 440Hz+-5Hz";
    }
    return "";
}

// A number and its unit, off the front of `text`.
std::optional<double> value(std::string_view& text, Unit unit) {
    double number = 0;
    // from_chars would take "1..3" for "1." and ".3".
    std::size_t end = 0;
    while (end < text.size() &&
           (is_digit(text[end]) ||
            (text[end] == '.' && end > 0 && end + 1 < text.size() && is_digit(text[end + 1]))))
        ++end;
    if (end == 0 || end > 15) return std::nullopt;
    const auto r = std::from_chars(text.data(), text.data() + end, number);
    if (r.ec != std::errc{} || r.ptr != text.data() + end) return std::nullopt;
    text.remove_prefix(end);
    std::size_t size = 0;
    while (size < text.size() && (is_alpha(text[size]) || text[size] == '%')) ++size;
    for (const UnitName& u : unit_names)
        if (u.unit == unit && u.name == text.substr(0, size)) {
            text.remove_prefix(size);
            return number * u.factor;
        }
    return std::nullopt;
}

}  // namespace

Result<Span> parse_span(std::string_view text, Unit unit) {
    const Error wrong{Errc::malformed, 0, std::string(example(unit))};
    Span span;
    span.text = text;
    std::string_view rest = text;
    const bool less = rest.starts_with('<'), more = rest.starts_with('>');
    if (less || more) {
        rest.remove_prefix(1);
        const bool equal = rest.starts_with('=');
        if (equal) rest.remove_prefix(1);
        const auto limit = value(rest, unit);
        if (!limit || !rest.empty()) return wrong;
        (less ? span.most : span.least) = *limit;
        (less ? span.below : span.above) = !equal;
        return span;
    }
    const auto first = value(rest, unit);
    if (!first) return wrong;
    span.least = span.most = *first;
    if (rest.starts_with("..") || rest.starts_with("+-")) {
        const bool range = rest[0] == '.';
        rest.remove_prefix(2);
        const auto second = value(rest, unit);
        if (!second || (range && *second < *first)) return wrong;
        if (range) {
            span.most = *second;
        } else {
            span.least = *first - *second;
            span.most = *first + *second;
        }
    }
    if (!rest.empty()) return wrong;
    return span;
}

}  // namespace sipana::lab
