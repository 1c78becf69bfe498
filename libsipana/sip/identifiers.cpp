#include "libsipana/sip/identifiers.h"

#include <fmt/format.h>

namespace sipana::sip {

std::string Identifiers::branch() { return fmt::format("{}{:016x}", magic_cookie, random_.next()); }

std::string Identifiers::tag() { return fmt::format("{:016x}", random_.next()); }

std::string Identifiers::call_id(std::string_view host) {
    const auto left = random_.next(), right = random_.next();
    return host.empty() ? fmt::format("{:016x}{:016x}", left, right)
                        : fmt::format("{:016x}{:016x}@{}", left, right, host);
}

std::string Identifiers::cnonce() { return tag(); }

}  // namespace sipana::sip
