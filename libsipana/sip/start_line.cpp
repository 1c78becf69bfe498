#include "libsipana/sip/start_line.h"

#include "libsipana/base/text.h"
#include "libsipana/sip/params.h"

namespace sipana::sip {
namespace {

bool begins_version(std::string_view s) {
    return s.size() > 4 && (s[0] | 0x20) == 's' && (s[1] | 0x20) == 'i' && (s[2] | 0x20) == 'p' &&
           s[3] == '/';
}

std::string_view trimmed_left(std::string_view s) {
    while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
    return s;
}

std::string_view trimmed_right(std::string_view s) {
    while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
    return s;
}

std::optional<StartLine> status_line(std::string_view line) {
    StartLine out;
    std::size_t n = 4;
    while (n < line.size() && !is_blank(line[n])) ++n;
    out.version = line.substr(0, n);
    std::string_view rest = trimmed_left(line.substr(n));
    if (rest.size() < 3 || !is_digit(rest[0]) || !is_digit(rest[1]) || !is_digit(rest[2]))
        return std::nullopt;
    if (rest.size() > 3 && !is_blank(rest[3])) return std::nullopt;
    out.status = (rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0');
    if (out.status == 0) return std::nullopt;
    out.reason = trimmed_right(trimmed_left(rest.substr(3)));
    return out;
}

}  // namespace

std::optional<StartLine> parse_start_line(std::string_view line) {
    if (begins_version(line)) return status_line(line);
    std::size_t n = 0;
    while (n < line.size() && is_token_char(line[n])) ++n;
    if (n == 0 || n == line.size() || !is_blank(line[n])) return std::nullopt;
    line = trimmed_right(line);
    std::size_t v = line.size();
    while (v > n && !is_blank(line[v - 1])) --v;
    if (v <= n) return std::nullopt;
    StartLine out;
    out.version = line.substr(v);
    if (!begins_version(out.version)) return std::nullopt;
    out.method = line.substr(0, n);
    out.uri = trimmed_right(trimmed_left(line.substr(n, v - n)));
    return out;
}

bool starts_message(std::string_view line) {
    const auto start = parse_start_line(line);
    if (!start || !is_digit(start->version[4])) return false;
    if (start->status != 0) return true;
    std::string_view uri = start->uri;
    if (!uri.empty() && uri.front() == '<') uri.remove_prefix(1);
    return !uri.empty() && is_alpha(uri.front()) && uri.find(':') != uri.npos;
}

}  // namespace sipana::sip
