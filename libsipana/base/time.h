// Time: nanoseconds since the Unix epoch, and its RFC 3339 form.
//
// The analyzer knows capture time only; nothing here reads a clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sipana {

using Duration = std::chrono::nanoseconds;
using Time = std::chrono::nanoseconds;  // since 1970-01-01T00:00:00Z

inline constexpr Time no_time{INT64_MIN};

inline double to_seconds(Duration d) { return static_cast<double>(d.count()) / 1e9; }
inline double to_milliseconds(Duration d) { return static_cast<double>(d.count()) / 1e6; }

// "2023-11-14T22:13:20.000000000Z" (RFC 3339 section 5.6), always nine digits.
std::string to_rfc3339(Time time);
// "22:13:20.000000", the time of day with microseconds, for tables and ladders.
std::string to_time_of_day(Time time);
// Accepts what to_rfc3339 writes, with 0 to 9 digits of fraction and any offset.
std::optional<Time> parse_rfc3339(std::string_view text);

}  // namespace sipana
