// Keys: hashes for tables that a hostile capture fills, and deadlines that hostile times cannot
// overflow.
//
// The seed differs from run to run, so nobody can prepare addresses that collide; results never
// depend on it, because no table is listed in hash order.
#pragma once

#include <cstdint>
#include <limits>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/time.h"

namespace sipana::net {

// From where the loader put an object of this run (address space randomization).
inline std::uint64_t seed_from(const void* place) {
    return mix(reinterpret_cast<std::uintptr_t>(place), 0x2545f4914f6cdd1du);
}

// Both words are seeded before they are multiplied: unseeded, one chosen word zeroes the product.
inline std::uint64_t seeded_hash(std::uint64_t seed, std::uint64_t a, std::uint64_t b) {
    return mix(a ^ seed, b + (seed << 32 | seed >> 32));
}
inline std::uint64_t seeded_hash(std::uint64_t seed, const Address& src, const Address& dst,
                                 std::uint64_t rest) {
    const std::uint64_t s = seeded_hash(seed, src.high(), src.low());
    const std::uint64_t d = seeded_hash(seed, dst.high(), dst.low());
    return seeded_hash(seed, s + 1, d ^ rest);
}

inline Time after(Time time, Duration duration) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(time.count(), duration.count(), &sum)) return Time::max();
    return Time{sum};
}

}  // namespace sipana::net
