// Stream: bytes that can be read once, in order: a pipe, a terminal, or a compressed file.
//
// Compression is told by content: gzip (RFC 1952), zstd (RFC 8878), lz4 frames, xz (inflate.h).
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"

namespace sipana::pcap {

enum class Compression : std::uint8_t { none, gzip, zstd, lz4, xz };
std::string_view to_string(Compression compression);  // "", "gzip", "zstd", "lz4", "xz"
// What the first bytes of a file say; at least `compression_magic` of them where there are so many.
Compression detect_compression(Bytes start);
inline constexpr std::size_t compression_magic = 6;
// A skippable frame, which zstd and lz4 have in common (RFC 8878 3.1.2).
bool is_skippable(Bytes start);

class Stream {
public:
    virtual ~Stream() = default;
    // Reads 1 to `room` bytes to `to`; 0 at the end. Errc::io where the system failed or a signal
    // broke the wait off, for which its handler was installed without SA_RESTART; Errc::truncated or
    // malformed where compressed bytes are cut short or broken.
    virtual Result<std::size_t> read(std::uint8_t* to, std::size_t room) = 0;
    virtual Compression compression() const { return Compression::none; }
};

// Takes over `descriptor`, reads its first bytes and puts a decompressor before it where they ask
// for one. Waits for the first bytes of a pipe.
Result<std::unique_ptr<Stream>> open_stream(int descriptor);
// `bytes`, which must outlive the stream, as if they came through a pipe.
Result<std::unique_ptr<Stream>> memory_stream(Bytes bytes);

}  // namespace sipana::pcap
