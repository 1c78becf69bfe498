// LineFeeds: the places of a text's line feeds, one after the other, found 64 bytes at a time.
//
// For texts of many short lines, where a search for each line's end costs more than the line.
// Views the text; reads no byte outside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace sipana {

class LineFeeds {
public:
    // Those in text[at] and behind it.
    LineFeeds(std::string_view text, std::size_t at) : text_(text), base_(at) { load(); }

    // The place of the next one; the text's size where there is none left.
    std::size_t next() {
        while (found_ == 0) {
            if (text_.size() - base_ <= block) return text_.size();
            base_ += block;
            load();
        }
        const auto place = base_ + static_cast<unsigned>(__builtin_ctzll(found_));
        found_ &= found_ - 1;
        return place;
    }

private:
    static constexpr std::size_t block = 64;

    static std::uint64_t in_block(const char* p) {
#ifdef __SSE2__
        const __m128i wanted = _mm_set1_epi8('\n');
        const auto found = [&](unsigned at) {
            const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + at));
            const auto bits =
                static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)));
            return std::uint64_t{bits} << at;
        };
        return found(0) | found(16) | found(32) | found(48);
#else
        std::uint64_t found = 0;
        for (unsigned i = 0; i < block; ++i) found |= std::uint64_t{p[i] == '\n'} << i;
        return found;
#endif
    }
    void load() {
        const std::size_t left = text_.size() - base_;
        const char* const p = text_.data() + base_;
        if (left >= block) {
            found_ = in_block(p);
        } else if (text_.size() >= block) {  // the text's last block, less what lies before base_
            found_ = left == 0 ? 0 : in_block(p + left - block) >> (block - left);
        } else {
            char padded[block] = {};
            if (left > 0) std::memcpy(padded, p, left);
            found_ = in_block(padded);
        }
    }

    std::string_view text_;
    std::size_t base_;
    std::uint64_t found_ = 0;  // bit i: text_[base_ + i] is one that was not given yet
};

}  // namespace sipana
