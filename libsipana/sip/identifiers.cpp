#include "libsipana/sip/identifiers.h"

namespace sipana::sip {
namespace {

void add_hex(std::string& out, std::uint64_t n) {
    for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[n >> shift & 15];
}

}  // namespace

std::string Identifiers::branch() {
    std::string out(magic_cookie);
    add_hex(out, random_.next());
    return out;
}

std::string Identifiers::tag() {
    std::string out;
    add_hex(out, random_.next());
    return out;
}

std::string Identifiers::call_id(std::string_view host) {
    std::string out;
    out.reserve(33 + host.size());
    add_hex(out, random_.next());
    add_hex(out, random_.next());
    if (!host.empty()) (out += '@') += host;
    return out;
}

std::string Identifiers::cnonce() { return tag(); }

}  // namespace sipana::sip
