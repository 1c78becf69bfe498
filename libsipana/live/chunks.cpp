#include "libsipana/live/chunks.h"

#include <cstdlib>
#include <new>

namespace sipana::live {
namespace {

std::size_t grade_of(const Chunk& chunk) {
    for (std::size_t i = 0; i < ChunkPool::sizes.size(); ++i)
        if (chunk.whole() == ChunkPool::sizes[i]) return i;
    return ChunkPool::sizes.size();
}

}  // namespace

ChunkPool::~ChunkPool() { release(0); }

Chunk* ChunkPool::take(std::size_t least, std::size_t grade) {
    while (grade < sizes.size() && sizes[grade] < least + sizeof(Chunk)) ++grade;
    const std::size_t whole = grade < sizes.size() ? sizes[grade] : least + sizeof(Chunk);
    in_use_ += whole;
    if (grade < sizes.size() && free_[grade] != nullptr) {
        Chunk* const chunk = free_[grade];
        free_[grade] = chunk->next;
        idle_ -= whole;
        chunk->next = nullptr;
        chunk->used = chunk->packets = 0;
        return chunk;
    }
    void* const memory = std::malloc(whole);
    if (memory == nullptr) std::abort();  // docs/hacking.md, "Errors": the program ends
    auto* const chunk = new (memory) Chunk;
    chunk->capacity = static_cast<std::uint32_t>(whole - sizeof(Chunk));
    return chunk;
}

void ChunkPool::give_back(Chunk* chunk) {
    in_use_ -= chunk->whole();
    const std::size_t grade = grade_of(*chunk);
    if (grade == sizes.size()) {
        std::free(chunk);
        return;
    }
    chunk->next = free_[grade];
    free_[grade] = chunk;
    idle_ += chunk->whole();
}

void ChunkPool::release(std::uint64_t most_idle) {
    for (std::size_t grade = sizes.size(); grade-- > 0;)
        while (idle_ > most_idle && free_[grade] != nullptr) {
            Chunk* const chunk = free_[grade];
            free_[grade] = chunk->next;
            idle_ -= chunk->whole();
            std::free(chunk);
        }
}

void ChunkList::add(Chunk* chunk) {
    (last_ != nullptr ? last_->next : first_) = chunk;
    last_ = chunk;
    bytes_ += chunk->whole();
    ++chunks_;
}

Chunk* ChunkList::take_oldest() {
    Chunk* const chunk = first_;
    if (chunk == nullptr) return nullptr;
    first_ = chunk->next;
    if (first_ == nullptr) last_ = nullptr;
    chunk->next = nullptr;
    bytes_ -= chunk->whole();
    --chunks_;
    return chunk;
}

}  // namespace sipana::live
