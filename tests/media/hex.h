// Bytes from hexadecimal text, for the tests of media/.
#pragma once

#include <string_view>

#include "libsipana/base/bytes.h"

namespace sipana {

inline Buffer hex(std::string_view text) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    Buffer out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        out.push_back(static_cast<std::uint8_t>(digit(text[i]) * 16 + digit(text[i + 1])));
    return out;
}

}  // namespace sipana
