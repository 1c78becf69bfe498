// Codec: one compressed format, a piece at a time.
//
// A codec works on one member of its format: gzip calls it member (RFC 1952 2.2), zstd (RFC 8878
// 3.1) and lz4 frame, xz stream. What lies between members is Inflated's (inflate.h).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"

namespace sipana::pcap {

class Codec {
public:
    struct Step {
        std::size_t taken = 0;       // of the compressed bytes
        std::size_t given = 0;       // plain bytes, which are good even where there is an error
        bool over = false;           // the member is complete, its checksum right
        std::optional<Error> error;  // malformed; too_large where it asks for too much memory
    };

    virtual ~Codec() = default;
    // A member begins with the next step.
    virtual void begin() = 0;
    // Inflates what fits. Takes nothing and gives nothing only where it needs more of `in`.
    virtual Step step(Bytes in, std::span<std::uint8_t> out) = 0;
    // The bytes end here, within a member: the next piece of what can be had all the same; gives
    // nothing when that is all.
    virtual Step rest(std::span<std::uint8_t> out) { return step({}, out); }

    // What a member may ask to have remembered of its plain bytes (its window or dictionary): as
    // much as the formats' own programs take unasked.
    static constexpr unsigned max_window_bits = 27;
    static constexpr std::size_t max_window = std::size_t{1} << max_window_bits;
};

std::unique_ptr<Codec> gzip_codec();
std::unique_ptr<Codec> zstd_codec();
std::unique_ptr<Codec> lz4_codec();         // lz4.cpp
std::unique_ptr<Codec> lz4_legacy_codec();  // lz4.cpp: what `lz4 -l` and Linux kernels write
std::unique_ptr<Codec> xz_codec();

}  // namespace sipana::pcap
