// Bytes, and the cursors that every binary protocol reads and writes them with.
//
// Bytes is a view: it never outlives the buffer it was taken from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace sipana {

using Bytes = std::span<const std::uint8_t>;
using Buffer = std::vector<std::uint8_t>;

inline Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Unaligned loads in network byte order. The caller has checked the bounds.
inline std::uint16_t load_be16(const std::uint8_t* p) {
    return static_cast<std::uint16_t>(p[0] << 8 | p[1]);
}
inline std::uint32_t load_be24(const std::uint8_t* p) {
    return static_cast<std::uint32_t>(p[0]) << 16 | static_cast<std::uint32_t>(p[1]) << 8 | p[2];
}
inline std::uint32_t load_be32(const std::uint8_t* p) {
    std::uint32_t v;
    std::memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}
inline std::uint64_t load_be64(const std::uint8_t* p) {
    std::uint64_t v;
    std::memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

// Reads big-endian fields in order. A read past the end returns zeros and clears
// ok(): parse straight through, check once.
class ByteReader {
public:
    explicit ByteReader(Bytes in) : in_(in) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(big_endian(2)); }
    std::uint32_t u24() { return static_cast<std::uint32_t>(big_endian(3)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(big_endian(4)); }
    std::uint64_t u64() { return big_endian(8); }
    Bytes take(std::size_t n) {
        if (n > left()) {
            ok_ = false;
            pos_ = in_.size();
            return {};
        }
        pos_ += n;
        return in_.subspan(pos_ - n, n);
    }
    void skip(std::size_t n) { take(n); }
    Bytes rest() { return take(left()); }

    bool ok() const { return ok_; }
    std::size_t pos() const { return pos_; }
    std::size_t left() const { return in_.size() - pos_; }

private:
    std::uint64_t big_endian(std::size_t n) {
        std::uint64_t v = 0;
        for (std::uint8_t b : take(n)) v = v << 8 | b;
        return v;
    }

    Bytes in_;
    std::size_t pos_ = 0;
    bool ok_ = true;
};

// Appends big-endian fields to a Buffer that the caller owns.
class ByteWriter {
public:
    explicit ByteWriter(Buffer& out) : out_(out) {}

    ByteWriter& u8(std::uint64_t v) { return big_endian(v, 1); }
    ByteWriter& u16(std::uint64_t v) { return big_endian(v, 2); }
    ByteWriter& u24(std::uint64_t v) { return big_endian(v, 3); }
    ByteWriter& u32(std::uint64_t v) { return big_endian(v, 4); }
    ByteWriter& u64(std::uint64_t v) { return big_endian(v, 8); }
    ByteWriter& put(Bytes bytes) {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    ByteWriter& put(std::string_view text) { return put(as_bytes(text)); }

private:
    ByteWriter& big_endian(std::uint64_t v, unsigned n) {
        while (n-- > 0) out_.push_back(static_cast<std::uint8_t>(v >> (8 * n)));
        return *this;
    }

    Buffer& out_;
};

}  // namespace sipana
