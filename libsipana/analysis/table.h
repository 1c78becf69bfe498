// Pool and HashIndex: where the trackers keep what is alive, and find it again in one look-up.
//
// A Pool hands out stable places numbered from 0 and takes them back; a HashIndex finds numbers by hash.
// Both are sized by what is alive, not by what has passed. Neither iterates in hash order.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/prefetch.h"

namespace sipana::analysis {

// Objects at addresses that do not change, in blocks of 1,024, reused after release().
template <typename T>
class Pool {
public:
    static constexpr std::uint32_t nil = 0xffffffffu;

    Pool() = default;
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool() {
        for (std::uint32_t i = 0; i < used_; ++i)
            if (alive(i)) slot(i).value()->~T();
    }

    std::uint32_t make() {
        std::uint32_t i = free_;
        if (i != nil) {
            free_ = slot(i).next_free;
        } else {
            i = used_++;
            if (i / block_size == blocks_.size()) {
                blocks_.push_back(std::make_unique<Slot[]>(block_size));
                alive_.resize(blocks_.size() * block_size / 64);
            }
        }
        new (slot(i).bytes) T();
        alive_[i / 64] |= std::uint64_t{1} << i % 64;
        ++count_;
        return i;
    }
    void release(std::uint32_t i) {
        slot(i).value()->~T();
        alive_[i / 64] &= ~(std::uint64_t{1} << i % 64);
        slot(i).next_free = free_;
        free_ = i;
        --count_;
    }
    T& operator[](std::uint32_t i) { return *slot(i).value(); }
    const T& operator[](std::uint32_t i) const { return *slot(i).value(); }
    bool alive(std::uint32_t i) const {
        return i < used_ && (alive_[i / 64] >> i % 64 & 1) != 0;
    }
    // Asks for the memory of number `i`, if it is alive, before it is needed.
    void fetch(std::uint32_t i) const {
        if (!alive(i)) return;
        prefetch(&slot(i), sizeof(T));
    }
    std::uint32_t count() const { return count_; }
    std::uint32_t end() const { return used_; }  // one past the highest number ever used

private:
    static constexpr std::uint32_t block_size = 1024;
    union Slot {
        Slot() : next_free(nil) {}
        T* value() { return std::launder(reinterpret_cast<T*>(bytes)); }
        std::uint32_t next_free;
        alignas(T) unsigned char bytes[sizeof(T)];
    };
    Slot& slot(std::uint32_t i) const { return blocks_[i / block_size][i % block_size]; }

    std::vector<std::unique_ptr<Slot[]>> blocks_;
    std::vector<std::uint64_t> alive_;
    std::uint32_t free_ = nil, used_ = 0, count_ = 0;
};

// Open addressing, linear probing: hash -> number. Several numbers may share a hash, and of the hash only
// 32 bits are kept: the caller compares what the numbers stand for.
class HashIndex {
public:
    static constexpr std::uint32_t nil = 0xffffffffu;

    HashIndex() : slots_(16) {}

    // The first number under `hash` for which same(number) holds.
    template <typename Same>
    std::uint32_t find(std::uint64_t hash, Same same) const {
        const auto kept = static_cast<std::uint32_t>(hash);
        for (std::size_t i = kept & mask();; i = (i + 1) & mask()) {
            const Slot& s = slots_[i];
            if (s.number == nil) return nil;
            if (s.hash == kept && same(s.number)) return s.number;
        }
    }
    // Asks for the memory of find(hash) before it is needed.
    void fetch(std::uint64_t hash) const { prefetch(&slots_[hash & mask()]); }
    // Any number under `hash`, without a look at what it stands for; nil if there is none.
    std::uint32_t peek(std::uint64_t hash) const {
        return find(hash, [](std::uint32_t) { return true; });
    }
    void insert(std::uint64_t hash, std::uint32_t number) {
        if ((count_ + 1) * 10 > slots_.size() * 7) grow();
        place({static_cast<std::uint32_t>(hash), number});
        ++count_;
    }
    // Removes the entry (hash, number); nothing happens if there is none.
    void erase(std::uint64_t hash, std::uint32_t number) {
        const auto kept = static_cast<std::uint32_t>(hash);
        std::size_t i = kept & mask();
        while (slots_[i].number != number || slots_[i].hash != kept) {
            if (slots_[i].number == nil) return;
            i = (i + 1) & mask();
        }
        // Close the hole: entries behind it move up unless they already stand where they belong.
        for (std::size_t j = (i + 1) & mask(); slots_[j].number != nil; j = (j + 1) & mask()) {
            const std::size_t home = slots_[j].hash & mask();
            if (((j - home) & mask()) >= ((j - i) & mask())) {
                slots_[i] = slots_[j];
                i = j;
            }
        }
        slots_[i] = Slot{};
        --count_;
    }
    std::size_t count() const { return count_; }

private:
    struct Slot {
        std::uint32_t hash = 0, number = nil;
    };
    std::size_t mask() const { return slots_.size() - 1; }
    void place(const Slot& s) {
        std::size_t i = s.hash & mask();
        while (slots_[i].number != nil) i = (i + 1) & mask();
        slots_[i] = s;
    }
    void grow() {
        std::vector<Slot> old(slots_.size() * 2);
        old.swap(slots_);
        for (const Slot& s : old)
            if (s.number != nil) place(s);
    }

    std::vector<Slot> slots_;
    std::size_t count_ = 0;
};

// A 64-bit hash of text, eight bytes a step.
inline std::uint64_t hash_of(std::string_view text) {
    std::uint64_t h = text.size();
    while (text.size() >= 8) {
        std::uint64_t word;
        std::memcpy(&word, text.data(), 8);
        h = mix(h, word);
        text.remove_prefix(8);
    }
    std::uint64_t word = 0;
    if (!text.empty()) std::memcpy(&word, text.data(), text.size());  // an empty view may be of nothing
    return mix(h, word);
}

}  // namespace sipana::analysis
