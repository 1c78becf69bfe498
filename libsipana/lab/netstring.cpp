#include "libsipana/lab/netstring.h"

#include <fmt/format.h>

#include "libsipana/base/text.h"

namespace sipana::lab {

std::string write_netstring(std::string_view text) {
    return fmt::format("{}:{},", text.size(), text);
}

Result<std::optional<std::string>> NetstringReader::next() {
    std::size_t length = 0, at = 0;
    while (at < buffer_.size() && is_digit(buffer_[at])) {
        if (at == 1 && buffer_[0] == '0')
            return Error{Errc::malformed, 0, "a netstring's length begins with 0"};
        length = length * 10 + static_cast<std::size_t>(buffer_[at] - '0');
        if (length > max_length)
            return Error{Errc::too_large, at, "a netstring of more than 256 KiB"};
        ++at;
    }
    if (at == buffer_.size()) return std::optional<std::string>();
    if (at == 0 || buffer_[at] != ':')
        return Error{Errc::malformed, at, "expected a netstring: a length and a colon"};
    ++at;
    if (buffer_.size() - at < length + 1) return std::optional<std::string>();
    if (buffer_[at + length] != ',')
        return Error{Errc::malformed, at + length, "expected a comma behind a netstring"};
    std::optional<std::string> out(buffer_.substr(at, length));
    buffer_.erase(0, at + length + 1);
    return out;
}

}  // namespace sipana::lab
