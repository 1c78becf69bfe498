// Chunks: frames in pieces of memory of a few sizes, which are used again; lists of them.
//
// No allocation a packet. A list is oldest first and loses its oldest piece first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "libsipana/live/stored_frame.h"

namespace sipana::live {

struct Chunk {
    Chunk* next = nullptr;
    std::uint32_t capacity = 0, used = 0;  // bytes behind this head
    std::uint32_t packets = 0;
    Time first{}, last{};  // of its packets

    std::uint8_t* bytes() { return reinterpret_cast<std::uint8_t*>(this + 1); }
    const std::uint8_t* bytes() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
    std::size_t whole() const { return sizeof(Chunk) + capacity; }
};

template <typename Each>
void for_each_frame(const Chunk& chunk, Each each) {
    for (std::uint32_t at = 0; at < chunk.used;) {
        const StoredFrame stored = stored_at(chunk.bytes() + at);
        each(stored);
        at += static_cast<std::uint32_t>(stored_size(stored.head.size));
    }
}

class ChunkPool {
public:
    static constexpr std::array<std::size_t, 3> sizes{4096, 16'384, 65'536};  // with the head

    ChunkPool() = default;
    ~ChunkPool();
    ChunkPool(const ChunkPool&) = delete;
    ChunkPool& operator=(const ChunkPool&) = delete;

    // Room for `least` bytes; of sizes[grade] where that is enough.
    Chunk* take(std::size_t least, std::size_t grade);
    void give_back(Chunk* chunk);
    std::uint64_t in_use() const { return in_use_; }  // bytes
    std::uint64_t idle() const { return idle_; }      // kept to be used again
    void release(std::uint64_t most_idle);            // to the system

private:
    std::array<Chunk*, sizes.size()> free_{};
    std::uint64_t in_use_ = 0, idle_ = 0;
};

class ChunkList {
public:
    // False: a new chunk is needed first (add).
    bool append(const pcap::Frame& frame) {
        const std::size_t size = stored_size(frame.bytes.size());
        if (last_ == nullptr || size > last_->capacity - last_->used) return false;
        store(frame, last_->bytes() + last_->used);
        if (last_->packets++ == 0) last_->first = frame.time;
        last_->last = frame.time;
        last_->used += static_cast<std::uint32_t>(size);
        return true;
    }
    void add(Chunk* chunk);
    Chunk* take_oldest();  // null: there is none
    const Chunk* oldest() const { return first_; }
    bool empty() const { return first_ == nullptr; }
    std::uint64_t bytes() const { return bytes_; }  // capacity
    std::uint32_t chunks() const { return chunks_; }

private:
    Chunk *first_ = nullptr, *last_ = nullptr;
    std::uint64_t bytes_ = 0;
    std::uint32_t chunks_ = 0;
};

}  // namespace sipana::live
