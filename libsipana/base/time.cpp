#include "libsipana/base/time.h"

#include <fmt/format.h>

#include <charconv>

namespace sipana {
namespace {

using std::chrono::days;

struct Civil {
    std::chrono::year_month_day date;
    std::int64_t seconds;  // within the day
    std::int64_t nanos;
};

Civil civil(Time time) {
    // Times from the wire reach to both ends of 64 bits: no step may overflow.
    constexpr std::int64_t day = 86'400'000'000'000;
    const std::int64_t back = time.count() % day < 0 ? 1 : 0;
    const std::int64_t rest = time.count() % day + back * day;
    const days date{static_cast<int>(time.count() / day - back)};
    return {std::chrono::year_month_day{std::chrono::sys_days{date}}, rest / 1'000'000'000,
            rest % 1'000'000'000};
}

// Reads exactly `n` digits.
bool digits(std::string_view& text, std::size_t n, int& out) {
    if (text.size() < n) return false;
    const auto r = std::from_chars(text.data(), text.data() + n, out);
    if (r.ec != std::errc{} || r.ptr != text.data() + n || out < 0) return false;
    text.remove_prefix(n);
    return true;
}

bool literal(std::string_view& text, char lower, char upper) {
    if (text.empty() || (text.front() != lower && text.front() != upper)) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

std::string to_rfc3339(Time time) {
    const Civil c = civil(time);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", int(c.date.year()),
                       unsigned(c.date.month()), unsigned(c.date.day()), c.seconds / 3600,
                       c.seconds / 60 % 60, c.seconds % 60, c.nanos);
}

std::string to_time_of_day(Time time) {
    const Civil c = civil(time);
    return fmt::format("{:02}:{:02}:{:02}.{:06}", c.seconds / 3600, c.seconds / 60 % 60,
                       c.seconds % 60, c.nanos / 1000);
}

std::optional<Time> parse_rfc3339(std::string_view text) {
    int year, month, day, hour, minute, second;
    if (!digits(text, 4, year) || !literal(text, '-', '-') || !digits(text, 2, month) ||
        !literal(text, '-', '-') || !digits(text, 2, day) || !literal(text, 't', 'T') ||
        !digits(text, 2, hour) || !literal(text, ':', ':') || !digits(text, 2, minute) ||
        !literal(text, ':', ':') || !digits(text, 2, second))
        return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{unsigned(month)},
                                           std::chrono::day{unsigned(day)}};
    // Nanoseconds in 64 bits reach from 1677 to 2262.
    if (!date.ok() || year < 1678 || year > 2261 || hour > 23 || minute > 59 || second > 60)
        return std::nullopt;
    std::int64_t nanos = 0;
    if (literal(text, '.', '.')) {
        std::int64_t scale = 100'000'000;
        std::size_t n = 0;
        for (; n < text.size() && text[n] >= '0' && text[n] <= '9'; ++n, scale /= 10)
            nanos += (text[n] - '0') * scale;
        if (n == 0 || n > 9) return std::nullopt;
        text.remove_prefix(n);
    }
    int offset_minutes = 0;
    if (!literal(text, 'z', 'Z')) {
        if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
        const int sign = text.front() == '-' ? -1 : 1;
        text.remove_prefix(1);
        int oh, om;
        if (!digits(text, 2, oh) || !literal(text, ':', ':') || !digits(text, 2, om))
            return std::nullopt;
        offset_minutes = sign * (oh * 60 + om);
    }
    if (!text.empty()) return std::nullopt;
    return Time{std::chrono::sys_days{date}.time_since_epoch()} + std::chrono::hours{hour} +
           std::chrono::minutes{minute - offset_minutes} + std::chrono::seconds{second} +
           Duration{nanos};
}

}  // namespace sipana
