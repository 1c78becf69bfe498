// lz4: the frame format (github.com/lz4/lz4, doc/lz4_Frame_format.md) and the legacy frame.
//
// A block of up to 4 MB (legacy: 8 MB) is inflated in one go. Where the bytes end within one, its
// beginning is inflated all the same: a small capture is one block.
#include <lz4.h>
#include <lz4frame.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "libsipana/pcap/codec.h"

namespace sipana::pcap {

namespace {

std::uint32_t little_endian32(const std::uint8_t* p) {
    return std::uint32_t{p[0]} | std::uint32_t{p[1]} << 8 | std::uint32_t{p[2]} << 16 |
           std::uint32_t{p[3]} << 24;
}

// The plain bytes of the beginning of a block, at most `most`; `before`: those that it may refer
// to.
Buffer begun_block(Bytes block, Bytes before, std::size_t most) {
    Buffer plain(most);
    const auto inflate = [&](std::size_t n) {
        return LZ4_decompress_safe_partial_usingDict(
            reinterpret_cast<const char*>(block.data()), reinterpret_cast<char*>(plain.data()),
            static_cast<int>(n), static_cast<int>(most), static_cast<int>(most),
            reinterpret_cast<const char*>(before.data()), static_cast<int>(before.size()));
    };
    // It is refused where it ends within a length (bytes of 255 and a last one) or a few bytes
    // after one: these go, too.
    constexpr int tries = 32;
    int given = -1;
    for (int i = 0; i < tries && given < 0 && !block.empty(); ++i) {
        given = inflate(block.size());
        std::size_t less = block.size() - 1;
        while (less > 0 && block[less - 1] == 255) --less;
        block = block.first(less);
    }
    plain.resize(static_cast<std::size_t>(std::max(given, 0)));
    return plain;
}

// Hands a buffer on, piece by piece.
class Remainder {
public:
    void set(Buffer bytes) {
        bytes_ = std::move(bytes);
        given_ = 0;
    }
    std::size_t give(std::span<std::uint8_t> out) {
        const std::size_t n = std::min(out.size(), bytes_.size() - given_);
        if (n > 0) std::memcpy(out.data(), bytes_.data() + given_, n);
        given_ += n;
        return n;
    }
    bool empty() const { return given_ == bytes_.size(); }

private:
    Buffer bytes_;
    std::size_t given_ = 0;
};

class Lz4 : public Codec {
public:
    Lz4() {
        if (LZ4F_isError(LZ4F_createDecompressionContext(&z_, LZ4F_VERSION)))
            throw std::bad_alloc();
    }
    ~Lz4() override { LZ4F_freeDecompressionContext(z_); }
    Lz4(const Lz4&) = delete;
    Lz4& operator=(const Lz4&) = delete;

    void begin() override {
        LZ4F_resetDecompressionContext(z_);
        wanted_ = least_header;
        header_ = 0;
        stored_left_ = 0;
        unit_.clear();
        last_.clear();
        pending_ = cut_ = false;
    }

    // As with zstd: one block or one header a call, for a call that fails does not say what it has
    // given. And a block only when it is whole, so that the beginning of a block is still here
    // where the rest of it is missing.
    Step step(Bytes in, std::span<std::uint8_t> out) override {
        Step all;
        while (!all.over && !all.error && all.given < out.size()) {
            if (!pending_ && !gather(in, all.taken)) break;
            std::size_t taken = pending_ ? 0 : unit_.size();
            std::size_t given = out.size() - all.given;
            const std::size_t r =
                LZ4F_decompress(z_, out.data() + all.given, &given, unit_.data(), &taken, nullptr);
            if (LZ4F_isError(r)) {
                all.error = Error{Errc::malformed, 0, LZ4F_getErrorName(r)};
                break;
            }
            if (taken == block_header && wanted_ == block_header) {
                header_ = little_endian32(unit_.data());
                stored_left_ = header_ & stored ? header_ & ~stored : 0;
            } else {
                stored_left_ -= std::min(taken, stored_left_);
            }
            unit_.erase(unit_.begin(), unit_.begin() + static_cast<std::ptrdiff_t>(taken));
            remember(Bytes(out).subspan(all.given, given));
            all.given += given;
            all.over = r == 0;
            wanted_ = r;
            pending_ = all.given == out.size();
        }
        return all;
    }

    Step rest(std::span<std::uint8_t> out) override {
        if (!cut_) {
            Step flushed = step({}, out);
            if (flushed.given > 0 || flushed.error) return flushed;
            cut_ = true;
            begun();
        }
        Step step;
        step.given = remainder_.give(out);
        return step;
    }

private:
    static constexpr std::size_t least_header = 7;
    static constexpr std::size_t block_header = 4;
    static constexpr std::uint32_t stored = 0x80000000;  // of a block header: not compressed
    static constexpr std::size_t reach = 64 << 10;       // how far back a block refers
    static constexpr std::size_t max_block = 4u << 20;

    // Fills unit_; false where `in` does not hold enough.
    bool gather(Bytes in, std::size_t& taken) {
        // The hint counts the header of the next block in, and the checksum of a stored one.
        const std::size_t unit = stored_left_ > 0         ? stored_left_
                                 : wanted_ > block_header ? wanted_ - block_header
                                                          : wanted_;
        // Nobody needs what is skipped or handed through as one piece.
        const std::size_t whole = std::min(unit, max_block + 2 * block_header);
        if (unit_.size() < whole) {
            const std::size_t n = std::min(whole - unit_.size(), in.size() - taken);
            const auto from = in.begin() + static_cast<std::ptrdiff_t>(taken);
            unit_.insert(unit_.end(), from, from + static_cast<std::ptrdiff_t>(n));
            taken += n;
        }
        return unit_.size() >= whole && whole > 0;
    }

    void remember(Bytes plain) {
        if (plain.size() >= reach) {
            last_.assign(plain.end() - static_cast<std::ptrdiff_t>(reach), plain.end());
            return;
        }
        last_.insert(last_.end(), plain.begin(), plain.end());
        if (last_.size() > 2 * reach)
            last_.erase(last_.begin(), last_.end() - static_cast<std::ptrdiff_t>(reach));
    }

    void begun() {
        if (wanted_ <= block_header || unit_.empty() || (header_ & ~stored) == 0) return;
        const std::size_t announced = header_ & ~stored;
        const Bytes block = Bytes(unit_).first(std::min(unit_.size(), announced));
        if (header_ & stored) {
            remainder_.set(Buffer(block.begin(), block.end()));
            return;
        }
        const std::size_t known = std::min(last_.size(), reach);
        remainder_.set(begun_block(block, Bytes(last_).last(known), max_block));
    }

    LZ4F_dctx* z_ = nullptr;
    std::size_t wanted_ = least_header;
    bool pending_ = false;         // plain bytes may wait: there was no room for more
    bool cut_ = false;             // remainder_ is set
    std::uint32_t header_ = 0;     // of the block at hand
    std::size_t stored_left_ = 0;  // bytes of it that are not fed yet, where it is stored
    Buffer unit_;                  // what is fed next
    Buffer last_;                  // of the plain bytes
    Remainder remainder_;
};

//   magic(4), then blocks: size(4) bytes(size), each of 8 MB of plain bytes but the last
//
// No mark ends it: the end of the file does, and where a block would begin another frame may.
class Lz4Legacy : public Codec {
public:
    void begin() override {
        unit_.clear();
        plain_.set({});
        block_ = 0;
        cut_ = false;
    }

    Step step(Bytes in, std::span<std::uint8_t> out) override {
        Step step;
        for (;;) {
            step.given += plain_.give(out.subspan(step.given));
            const std::size_t wanted = block_ > 0 ? block_ : word;
            const std::size_t n = std::min(wanted - unit_.size(), in.size() - step.taken);
            if (!plain_.empty() || n == 0) return step;
            const auto from = in.begin() + static_cast<std::ptrdiff_t>(step.taken);
            unit_.insert(unit_.end(), from, from + static_cast<std::ptrdiff_t>(n));
            step.taken += n;
            if (unit_.size() < wanted) return step;
            if (const char* why = block_ > 0 ? whole_block() : whole_word()) {
                step.error = Error{Errc::malformed, 0, why};
                return step;
            }
            unit_.clear();
        }
    }

    Step rest(std::span<std::uint8_t> out) override {
        if (plain_.empty() && !cut_) {
            cut_ = true;
            if (block_ > 0) plain_.set(begun_block(unit_, {}, max_block));
        }
        Step step;
        step.given = plain_.give(out);
        step.over = step.given == 0 && block_ == 0 && unit_.empty();
        return step;
    }

private:
    static constexpr std::size_t word = 4;
    static constexpr std::uint32_t magic = 0x184c2102;
    static constexpr std::size_t max_block = 8u << 20;

    const char* whole_word() {
        const std::uint32_t value = little_endian32(unit_.data());
        if (value == magic) return nullptr;
        if (value == 0 || value > LZ4_COMPRESSBOUND(max_block)) return "a block of impossible size";
        block_ = value;
        return nullptr;
    }

    const char* whole_block() {
        Buffer plain(max_block);
        const int n = LZ4_decompress_safe(
            reinterpret_cast<const char*>(unit_.data()), reinterpret_cast<char*>(plain.data()),
            static_cast<int>(unit_.size()), static_cast<int>(plain.size()));
        if (n < 0) return "a block that cannot be decompressed";
        plain.resize(static_cast<std::size_t>(n));
        plain_.set(std::move(plain));
        block_ = 0;
        return nullptr;
    }

    Buffer unit_;
    Remainder plain_;
    std::size_t block_ = 0;  // bytes of the block at hand; 0: a word comes
    bool cut_ = false;
};

}  // namespace

std::unique_ptr<Codec> lz4_codec() { return std::make_unique<Lz4>(); }
std::unique_ptr<Codec> lz4_legacy_codec() { return std::make_unique<Lz4Legacy>(); }

}  // namespace sipana::pcap
