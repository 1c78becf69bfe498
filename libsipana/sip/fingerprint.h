// Fingerprint: 128 bits in the place of texts that are only compared for being the same, such as
// what names a transaction. Seeded, so that nobody chooses texts that share one.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "libsipana/base/endpoint.h"

namespace sipana::sip {

struct Fingerprint {
    std::uint64_t first = 0, second = 0;
    bool operator==(const Fingerprint&) const = default;

    // Each part counts with its length: "ab" and "c" are not "a" and "bc".
    Fingerprint& add(std::string_view part) {
        add(part.size());
        for (; part.size() >= 8; part.remove_prefix(8)) {
            std::uint64_t word;
            std::memcpy(&word, part.data(), 8);
            add(word);
        }
        std::uint64_t rest = 0;
        if (!part.empty()) {
            std::memcpy(&rest, part.data(), part.size());
            add(rest);
        }
        return *this;
    }
    Fingerprint& add(std::uint64_t word) {
        first = mix(first, word);
        second = mix(second + word, 0xd6e8feb86659fd93u);
        return *this;
    }
};

}  // namespace sipana::sip
