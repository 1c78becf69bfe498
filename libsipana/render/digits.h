// Digits: numbers, times and addresses written into a buffer, for rows by the hundred thousand.
//
// Each function writes at `to`, where the caller has seen to the room named here, and returns the
// end.
#pragma once

#include <string_view>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/time.h"

namespace sipana::render {

inline constexpr std::size_t number_room = 20, seconds_room = 21, decimal_room = 24, time_room = 30,
                             endpoint_room = 56;

char* put_number(char* to, std::uint64_t n);
// Exact, without zeros at the end: "4.817", "-0.000000001".
char* put_seconds(char* to, Duration d);
// At most three decimals, none at the end that are zero: "0.42". |x| below 1e12.
char* put_decimal(char* to, double x);
// As to_rfc3339() writes it; the year has four digits (64 bits of nanoseconds reach from 1677 to
// 2262).
char* put_time(char* to, Time t);
char* put_endpoint(char* to, const Endpoint& endpoint);  // as its to_string()

// No controls, no bytes beyond ASCII, none of " and backslash: nothing there to escape.
bool is_plain(std::string_view text);

}  // namespace sipana::render
