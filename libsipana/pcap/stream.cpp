#include "libsipana/pcap/stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

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
    // A skippable frame, which parallel zstd writers put first (RFC 8878 3.1.2).
    if (start.size() >= 4 && (start[0] & 0xf0) == 0x50 &&
        as_text(start).substr(1, 3) == "\x2a\x4d\x18")
        return Compression::zstd;
    return Compression::none;
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
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                pollfd wait{descriptor_, POLLIN, 0};
                ::poll(&wait, 1, -1);
            } else if (errno != EINTR) {
                return Error{Errc::io, 0, std::generic_category().message(errno)};
            }
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

// Decompresses through libarchive: one named filter (no guessing, no nesting), no container format.
class DecompressedStream : public Stream {
public:
    DecompressedStream(std::unique_ptr<Stream> compressed, Compression compression)
        : compressed_(std::move(compressed)),
          compression_(compression),
          archive_(archive_read_new()),
          piece_(piece_size) {}
    ~DecompressedStream() override { archive_read_free(archive_); }
    DecompressedStream(const DecompressedStream&) = delete;
    DecompressedStream& operator=(const DecompressedStream&) = delete;

    Compression compression() const override { return compression_; }

    Result<std::size_t> read(std::uint8_t* to, std::size_t room) override {
        if (!opened_) {
            if (const int r = open(); r == ARCHIVE_EOF)
                return std::size_t{0};
            else if (r != ARCHIVE_OK)
                return failure();
            opened_ = true;
        }
        // Block by block: what came before damage is handed on before the damage is.
        while (block_.empty()) {
            const void* block = nullptr;
            std::size_t size = 0;
            la_int64_t offset = 0;
            const int r = archive_read_data_block(archive_, &block, &size, &offset);
            if (r == ARCHIVE_EOF) return std::size_t{0};
            if (r != ARCHIVE_OK) return failure();
            block_ = {static_cast<const std::uint8_t*>(block), size};
        }
        const std::size_t n = std::min(room, block_.size());
        std::memcpy(to, block_.data(), n);
        block_ = block_.subspan(n);
        return n;
    }

private:
    static constexpr std::size_t piece_size = 64 << 10;

    int open() {
        static constexpr int filters[] = {ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP,
                                          ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_LZ4,
                                          ARCHIVE_FILTER_XZ};
        if (const int r = archive_read_append_filter(
                archive_, filters[static_cast<std::size_t>(compression_)]);
            r != ARCHIVE_OK)
            return r;
        archive_read_support_format_raw(archive_);
        if (const int r = archive_read_open(archive_, this, nullptr, on_read, nullptr);
            r != ARCHIVE_OK)
            return r;
        archive_entry* entry = nullptr;
        return archive_read_next_header(archive_, &entry);
    }

    static la_ssize_t on_read(archive* of, void* self, const void** piece) {
        auto& me = *static_cast<DecompressedStream*>(self);
        const auto n = me.compressed_->read(me.piece_.data(), me.piece_.size());
        if (!n) {
            me.system_error_ = n.error();
            archive_set_error(of, EIO, "%s", n.error().what.c_str());
            return -1;
        }
        *piece = me.piece_.data();
        me.ended_ = *n == 0;
        return static_cast<la_ssize_t>(*n);
    }

    Error failure() const {
        if (!system_error_.what.empty()) return system_error_;
        // libarchive has one code for everything. Where it asked for more than there was, the bytes
        // are cut short.
        const char* text = archive_error_string(archive_);
        std::string what = text ? text : fmt::format("{} data is broken", to_string(compression_));
        if (ended_)
            what = fmt::format("{} data {}", to_string(compression_),
                               opened_ ? "ends too early" : "is empty or ends too early");
        return Error{ended_ ? Errc::truncated : Errc::malformed, 0, std::move(what)};
    }

    std::unique_ptr<Stream> compressed_;
    Compression compression_;
    archive* archive_;
    Buffer piece_;
    Bytes block_;  // of libarchive, not handed on yet
    bool opened_ = false;
    bool ended_ = false;  // the compressed bytes are all read
    Error system_error_;
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
        whole = std::make_unique<DecompressedStream>(std::move(whole), compression);
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
