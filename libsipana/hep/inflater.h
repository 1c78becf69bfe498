// Inflater: a compressed HEP payload (chunk 16) as its plain bytes: zlib (RFC 1950) or gzip (RFC
// 1952).
#pragma once

#include <memory>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"

namespace sipana::hep {

class Inflater {
public:
    // A SIP message of more is none; a bomb ends here.
    static constexpr std::size_t most_inflated = 1u << 20;

    Inflater();
    ~Inflater();
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    // Lives until the next call. What follows the end of the compressed stream is not looked at.
    Result<Bytes> inflate(Bytes compressed);

private:
    class Zlib;
    std::unique_ptr<Zlib> zlib_;  // made when first needed
    Buffer plain_;
};

}  // namespace sipana::hep
