// Exact: a heap copy of exactly the bytes given, so that a sanitizer sees an over-read of one byte.
#pragma once

#include <cstring>
#include <memory>
#include <string_view>

#include "libsipana/base/bytes.h"

namespace sipana {

class Exact {
public:
    explicit Exact(Bytes bytes) : copy_(new std::uint8_t[bytes.size()]), size_(bytes.size()) {
        if (!bytes.empty()) std::memcpy(copy_.get(), bytes.data(), bytes.size());
    }
    explicit Exact(std::string_view text) : Exact(as_bytes(text)) {}

    operator Bytes() const { return {copy_.get(), size_}; }
    Bytes bytes() const { return {copy_.get(), size_}; }
    std::string_view text() const { return as_text(bytes()); }

private:
    std::unique_ptr<std::uint8_t[]> copy_;
    std::size_t size_;
};

}  // namespace sipana
