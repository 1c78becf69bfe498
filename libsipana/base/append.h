// Formatted text at the end of a string.
//
// fmt::format_to compiles the whole of fmt's formatter into every file that calls it; this one is
// compiled once.
#pragma once

#include <fmt/core.h>

#include <string>

namespace sipana {

void append_formatted(std::string& out, fmt::string_view format, fmt::format_args args);

template <typename... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
    append_formatted(out, format, fmt::make_format_args(args...));
}

}  // namespace sipana
