// prefetch: asks for memory before it is needed, where many cold things are about to be looked at.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sipana {

// The cache line at `p`; any address will do. The empty statement keeps g++ from taking a function
// that does nothing else for one without effect, and leaving out the calls.
inline void prefetch(const void* p) {
    __builtin_prefetch(p);
    asm volatile("");
}
inline void prefetch(const void* p, std::size_t size) {
    // Counted as a number: `p` may be null, where nothing has been allocated yet.
    const auto from = reinterpret_cast<std::uintptr_t>(p);
    for (std::size_t at = 0; at < size; at += 64) prefetch(reinterpret_cast<const void*>(from + at));
}

}  // namespace sipana
