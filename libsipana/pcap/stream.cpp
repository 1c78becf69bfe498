#include "libsipana/pcap/stream.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "libsipana/pcap/inflate.h"

namespace sipana::pcap {

std::string_view to_string(Compression compression) {
    switch (compression) {
        case Compression::none:
            return "";
        case Compression::gzip:
            return "gzip";
        case Compression::zstd:
            return "zstd";
        case Compression::lz4:
            return "lz4";
        case Compression::xz:
            return "xz";
    }
    return "";
}

Compression detect_compression(Bytes start) {
    const auto starts_with = [&](std::string_view magic) {
        return as_text(start).substr(0, magic.size()) == magic;
    };
    if (starts_with("\x1f\x8b\x08")) return Compression::gzip;
    if (starts_with("\x28\xb5\x2f\xfd")) return Compression::zstd;
    if (starts_with("\x04\x22\x4d\x18") || starts_with("\x02\x21\x4c\x18")) return Compression::lz4;
    if (starts_with({"\xfd"
                     "7zXZ\0",
                     6}))
        return Compression::xz;
    if (is_skippable(start)) return Compression::zstd;  // parallel zstd writers put one first
    return Compression::none;
}

bool is_skippable(Bytes start) {
    return start.size() >= 4 && (start[0] & 0xf0) == 0x50 &&
           as_text(start).substr(1, 3) == "\x2a\x4d\x18";
}

namespace {

class DescriptorStream : public Stream {
public:
    explicit DescriptorStream(int descriptor) : descriptor_(descriptor) {}
    ~DescriptorStream() override { ::close(descriptor_); }
    DescriptorStream(const DescriptorStream&) = delete;
    DescriptorStream& operator=(const DescriptorStream&) = delete;

    Result<std::size_t> read(std::uint8_t* to, std::size_t room) override {
        for (;;) {
            const ssize_t n = ::read(descriptor_, to, room);
            if (n >= 0) return static_cast<std::size_t>(n);
            pollfd wait{descriptor_, POLLIN, 0};
            if ((errno == EAGAIN || errno == EWOULDBLOCK) && ::poll(&wait, 1, -1) >= 0) continue;
            return Error{Errc::io, 0, std::generic_category().message(errno)};
        }
    }

private:
    int descriptor_;
};

class MemoryStream : public Stream {
public:
    explicit MemoryStream(Bytes bytes) : rest_(bytes) {}
    Result<std::size_t> read(std::uint8_t* to, std::size_t room) override {
        const std::size_t n = std::min(room, rest_.size());
        if (n > 0) std::memcpy(to, rest_.data(), n);
        rest_ = rest_.subspan(n);
        return n;
    }

private:
    Bytes rest_;
};

// The bytes read to learn what the stream is, and then the stream.
class ReplayedStream : public Stream {
public:
    ReplayedStream(Buffer start, std::unique_ptr<Stream> rest)
        : start_(std::move(start)), rest_(std::move(rest)) {}
    Result<std::size_t> read(std::uint8_t* to, std::size_t room) override {
        if (given_ == start_.size()) return rest_->read(to, room);
        const std::size_t n = std::min(room, start_.size() - given_);
        std::memcpy(to, start_.data() + given_, n);
        given_ += n;
        return n;
    }

private:
    Buffer start_;
    std::size_t given_ = 0;
    std::unique_ptr<Stream> rest_;
};

Result<std::unique_ptr<Stream>> decompressed_where_needed(std::unique_ptr<Stream> stream) {
    Buffer start(compression_magic);
    std::size_t have = 0;
    while (have < start.size()) {
        const auto n = stream->read(start.data() + have, start.size() - have);
        if (!n) return n.error();
        if (*n == 0) break;
        have += *n;
    }
    start.resize(have);
    const Compression compression = detect_compression(start);
    std::unique_ptr<Stream> whole =
        std::make_unique<ReplayedStream>(std::move(start), std::move(stream));
    if (compression != Compression::none)
        whole = std::make_unique<Inflated>(std::move(whole), compression);
    return whole;
}

}  // namespace

Result<std::unique_ptr<Stream>> open_stream(int descriptor) {
    return decompressed_where_needed(std::make_unique<DescriptorStream>(descriptor));
}

Result<std::unique_ptr<Stream>> memory_stream(Bytes bytes) {
    return decompressed_where_needed(std::make_unique<MemoryStream>(bytes));
}

}  // namespace sipana::pcap
