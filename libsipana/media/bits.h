// Bits: big-endian bit reader with Exp-Golomb codes (H.264 9.1, H.265 9.2) and AV1's leb128.
//
// A read past the end gives zeros and clears ok(): read straight through, check once.
#pragma once

#include <cstdint>

#include "libsipana/base/bytes.h"

namespace sipana::media {

class BitReader {
public:
    explicit BitReader(Bytes in) : in_(in) {}

    std::uint32_t bits(unsigned n) {  // n <= 32
        std::uint64_t v = 0;
        if (n > left()) {
            ok_ = false;
            pos_ = in_.size() * 8;
            return 0;
        }
        for (unsigned taken = 0; taken < n;) {
            const unsigned in_byte = static_cast<unsigned>(pos_ & 7);
            const unsigned take = n - taken < 8 - in_byte ? n - taken : 8 - in_byte;
            v = v << take | ((in_[pos_ >> 3] >> (8 - in_byte - take)) & ((1u << take) - 1));
            pos_ += take;
            taken += take;
        }
        return static_cast<std::uint32_t>(v);
    }
    bool flag() { return bits(1) != 0; }
    void skip(std::size_t n) {
        if (n > left()) {
            ok_ = false;
            n = left();
        }
        pos_ += n;
    }
    std::uint32_t ue() {  // unsigned Exp-Golomb; more than 31 leading zeros is an error
        unsigned zeros = 0;
        while (ok_ && !flag()) {
            if (++zeros > 31) ok_ = false;
        }
        if (!ok_ || zeros == 0) return 0;
        return (1u << zeros) - 1 + bits(zeros);
    }
    std::int32_t se() {
        const std::uint32_t k = ue();
        const auto half = static_cast<std::int32_t>((k + 1) / 2);
        return k % 2 == 1 ? half : -half;
    }
    bool ok() const { return ok_; }
    std::size_t left() const { return in_.size() * 8 - pos_; }

private:
    Bytes in_;
    std::size_t pos_ = 0;
    bool ok_ = true;
};

// `nal` without its emulation prevention bytes (H.264 7.4.1.1, H.265 7.4.2.1): 00 00 03 becomes 00
// 00.
Buffer without_emulation_prevention(Bytes nal);

}  // namespace sipana::media
