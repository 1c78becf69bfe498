#include "libsipana/render/digits.h"

#include <charconv>
#include <cmath>
#include <cstring>

namespace sipana::render {
namespace {

constexpr std::uint64_t each(std::uint64_t byte) { return byte * 0x0101010101010101u; }
// The high bit of each byte that is zero, and of none below 0x80 that is not.
constexpr std::uint64_t zeros(std::uint64_t x) { return (x - each(1)) & ~x & each(0x80); }

// Eight characters at once: a bit where one of them is not plain.
constexpr std::uint64_t odd_ones(std::uint64_t x) {
    return (x & each(0x80)) | zeros(x & each(0xe0)) | zeros(x ^ each('"')) | zeros(x ^ each('\\')) |
           zeros(x ^ each(0x7f));
}

void set_digits(char* to, std::size_t n, std::uint64_t v) {
    for (; n > 0; --n, v /= 10) to[n - 1] = static_cast<char>('0' + v % 10);
}

// ".062" for 62 of 3 digits; nothing for 0.
char* put_fraction(char* to, std::uint64_t n, std::size_t digits) {
    if (n == 0) return to;
    *to = '.';
    set_digits(to + 1, digits, n);
    to += digits + 1;
    while (to[-1] == '0') --to;
    return to;
}

}  // namespace

char* put_number(char* to, std::uint64_t n) { return std::to_chars(to, to + number_room, n).ptr; }

char* put_seconds(char* to, Duration d) {
    const auto n = d.count();
    std::uint64_t size = static_cast<std::uint64_t>(n);
    if (n < 0) {
        size = std::uint64_t{0} - size;
        *to++ = '-';
    }
    to = put_number(to, size / 1'000'000'000);
    return put_fraction(to, size % 1'000'000'000, 9);
}

char* put_decimal(char* to, double x) {
    const std::int64_t thousandths = std::llround(x * 1000);
    if (thousandths < 0) *to++ = '-';
    const auto size = static_cast<std::uint64_t>(std::abs(thousandths));
    to = put_number(to, size / 1000);
    return put_fraction(to, size % 1000, 3);
}

char* put_time(char* to, Time t) {
    // Times from the wire reach to both ends of 64 bits: no step may overflow.
    constexpr std::int64_t day = 86'400'000'000'000;
    const std::int64_t back = t.count() % day < 0 ? 1 : 0;
    const std::chrono::days whole{static_cast<int>(t.count() / day - back)};
    const std::chrono::year_month_day date{std::chrono::sys_days{whole}};
    auto rest = static_cast<std::uint64_t>(t.count() % day + back * day);
    std::memcpy(to, "0000-00-00T00:00:00.000000000Z", time_room);
    set_digits(to, 4, static_cast<std::uint64_t>(int(date.year())));
    set_digits(to + 5, 2, unsigned(date.month()));
    set_digits(to + 8, 2, unsigned(date.day()));
    set_digits(to + 20, 9, rest % 1'000'000'000);
    rest /= 1'000'000'000;
    set_digits(to + 11, 2, rest / 3600);
    set_digits(to + 14, 2, rest / 60 % 60);
    set_digits(to + 17, 2, rest % 60);
    return to + time_room;
}

char* put_endpoint(char* to, const Endpoint& endpoint) {
    if (!endpoint.address.is_v4()) {
        const std::string text = endpoint.to_string();
        return to + text.copy(to, endpoint_room);
    }
    const auto bytes = endpoint.address.bytes();
    for (std::size_t i = 12; i < 16; ++i) {
        to = put_number(to, bytes[i]);
        *to++ = i < 15 ? '.' : ':';
    }
    return put_number(to, endpoint.port);
}

bool is_plain(std::string_view text) {
    std::uint64_t word, odd = 0;
    for (; text.size() >= 8; text.remove_prefix(8)) {
        std::memcpy(&word, text.data(), 8);
        odd |= odd_ones(word);
    }
    if (!text.empty()) {
        word = each('a');
        std::memcpy(&word, text.data(), text.size());
        odd |= odd_ones(word);
    }
    return odd == 0;
}

}  // namespace sipana::render
