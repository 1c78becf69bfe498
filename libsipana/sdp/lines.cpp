#include "libsipana/sdp/lines.h"

namespace sipana::sdp {
namespace {

std::string_view without_leading_blanks(std::string_view s) {
    while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
    return s;
}

}  // namespace

bool LineReader::typed_with_blanks(std::string_view s, Line& line) {
    line.type = 0;
    line.value = s;
    const std::string_view from_type = without_leading_blanks(s);
    if (from_type.empty()) return false;
    std::string_view rest = without_leading_blanks(from_type.substr(1));
    if (!is_alpha(from_type.front()) || rest.empty() || rest.front() != '=') return true;
    rest.remove_prefix(1);
    line.type = from_type.front();
    line.value = rest;
    // "s= " is how RFC 8866 5.3 spells a session without a name, and i= is free text.
    const bool plain = from_type.size() == s.size() && s[1] == '=';
    if (plain && (line.type == 's' || line.type == 'i')) return true;
    line.value = without_leading_blanks(rest);
    line.spaced = true;
    return true;
}

}  // namespace sipana::sdp
