// Identifiers: branch, tag, Call-ID and cnonce (RFC 3261 8.1.1.7, 19.3, 8.1.1.4, 22.4), made from
// seeded chance, so that a run can be repeated.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libsipana/base/random.h"

namespace sipana::sip {

// Begins every branch of an element that follows RFC 3261; what does not is of RFC 2543 (17.2.3).
inline constexpr std::string_view magic_cookie = "z9hG4bK";

class Identifiers {
public:
    explicit Identifiers(std::uint64_t seed) : random_(seed) {}

    std::string branch();  // z9hG4bK and 64 bits
    std::string tag();     // 64 bits; 19.3 asks for 32
    std::string call_id(std::string_view host = {});
    std::string cnonce();
    Random& random() { return random_; }

private:
    Random random_;
};

}  // namespace sipana::sip
