// Netstrings ("5:hello,"): how ctrl_tcp of baresip frames its messages
// (https://cr.yp.to/proto/netstrings.txt).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "libsipana/base/result.h"

namespace sipana::lab {

std::string write_netstring(std::string_view text);

// Cuts a stream into its netstrings.
class NetstringReader {
public:
    static constexpr std::size_t max_length = 256u << 10;  // of one; more is refused

    void feed(std::string_view bytes) { buffer_.append(bytes); }
    // The next whole one; nullopt: it is not here yet. After an error the stream is of no more use.
    Result<std::optional<std::string>> next();

private:
    std::string buffer_;
};

}  // namespace sipana::lab
