#include "libsipana/sip/body.h"

#include "libsipana/base/text.h"
#include "libsipana/sip/fields.h"

namespace sipana::sip {
namespace {

// RFC 2046 5.1.1: 1 to 70 characters.
constexpr std::size_t longest_boundary = 70;

// Takes one line off `rest`, without its line end.
std::string_view take_line(std::string_view& rest) {
    std::string_view line = cut(rest, '\n');
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
}

// Fills in what the part's own header says; `rest` begins with that header and keeps the body. A
// part may have no header at all: then it begins with the blank line.
void read_part_header(std::string_view& rest, Part& part) {
    const char* const begin = rest.data();
    const auto headers_until = [&](const char* end) {
        part.headers = {begin, static_cast<std::size_t>(end - begin)};
    };
    const std::string_view whole = rest;
    while (!rest.empty()) {
        const char* const line_begin = rest.data();
        std::string_view line = take_line(rest);
        if (line.empty()) {
            headers_until(line_begin);
            if (rest.empty()) rest = whole.substr(whole.size());
            return;
        }
        while (!rest.empty() && is_blank(rest.front())) {  // folded
            const std::string_view more = take_line(rest);
            line = {line.data(), static_cast<std::size_t>(more.data() + more.size() - line.data())};
        }
        std::string_view value = line;
        const std::string_view name = trim(cut(value, ':'));
        value = trim(value);
        if (iequals(name, "Content-Type"))
            part.content_type = value;
        else if (iequals(name, "Content-Disposition"))
            part.content_disposition = value;
        else if (iequals(name, "Content-Encoding"))
            part.content_encoding = value;
        else if (iequals(name, "Content-Transfer-Encoding"))
            part.content_transfer_encoding = value;
        else if (iequals(name, "Content-ID"))
            part.content_id = value;
    }
    // No blank line: all of it is header, and the body is empty.
    headers_until(whole.data() + whole.size());
    rest = whole.substr(whole.size());
}

std::string_view boundary_of(std::string_view content_type) {
    const auto type = parse_content_type(content_type);
    if (!type || !iequals(type->type, "multipart")) return {};
    const std::string_view boundary = type->params.find("boundary").value_or("");
    return boundary.size() <= longest_boundary ? boundary : std::string_view{};
}

enum class Line { text, boundary, last_boundary };

// RFC 2046 5.1.1: "--" boundary at a line's beginning, then "--" if it is the last, then blanks
// only.
Line kind_of(std::string_view line, std::string_view boundary) {
    if (!line.starts_with("--")) return Line::text;
    line.remove_prefix(2);
    if (!line.starts_with(boundary)) return Line::text;
    line.remove_prefix(boundary.size());
    const bool last = line.starts_with("--");
    if (last) line.remove_prefix(2);
    if (!trim(line).empty()) return Line::text;
    return last ? Line::last_boundary : Line::boundary;
}

std::string_view without_line_end(std::string_view text) {
    if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    return text;
}

void read_parts(std::string_view body, std::string_view boundary, unsigned depth,
                std::vector<Part>& out);

void add_part(std::string_view text, bool unfinished, unsigned depth, std::vector<Part>& out) {
    if (out.size() >= max_parts) return;
    Part part;
    part.depth = depth;
    part.unfinished = unfinished;
    read_part_header(text, part);
    part.body = text;
    const std::string_view inner = boundary_of(part.content_type);
    part.is_multipart = !inner.empty();
    out.push_back(part);
    if (part.is_multipart && depth + 1 < max_part_depth)
        read_parts(part.body, inner, depth + 1, out);
}

void read_parts(std::string_view body, std::string_view boundary, unsigned depth,
                std::vector<Part>& out) {
    std::string_view rest = body;
    const char* begin = nullptr;  // of the open part; none in the preamble
    while (!rest.empty()) {
        const char* const line_begin = rest.data();
        const Line kind = kind_of(take_line(rest), boundary);
        if (kind == Line::text) continue;
        if (begin != nullptr) {
            const auto size = static_cast<std::size_t>(line_begin - begin);
            add_part(without_line_end({begin, size}), false, depth, out);
        }
        if (kind == Line::last_boundary || out.size() >= max_parts) return;
        begin = rest.empty() ? body.data() + body.size() : rest.data();
    }
    if (begin != nullptr)
        add_part({begin, static_cast<std::size_t>(body.data() + body.size() - begin)}, true, depth,
                 out);
}

bool is_type(std::string_view content_type, std::string_view type, std::string_view subtype) {
    const auto parsed = parse_content_type(content_type);
    return parsed && parsed->is(type, subtype);
}

bool is_plain_encoding(std::string_view encoding) {
    return encoding.empty() || iequals(encoding, "7bit") || iequals(encoding, "8bit") ||
           iequals(encoding, "binary") || iequals(encoding, "identity");
}

bool is_session(std::string_view disposition) {
    if (disposition.empty()) return true;  // RFC 3261 20.11: what application/sdp means by itself
    const auto parsed = parse_content_disposition(disposition);
    return parsed && iequals(parsed->type, "session");
}

Part whole_body(const Message& message) {
    Part part;
    part.content_type = message.header(Header::content_type).value_or("");
    part.content_disposition = message.header(Header::content_disposition).value_or("");
    part.content_encoding = message.header(Header::content_encoding).value_or("");
    part.content_transfer_encoding = message.header("Content-Transfer-Encoding").value_or("");
    part.body = message.body();
    return part;
}

bool holds_sdp(const Part& part) {
    return is_type(part.content_type, "application", "sdp") &&
           is_plain_encoding(part.content_encoding) &&
           is_plain_encoding(part.content_transfer_encoding) &&
           is_session(part.content_disposition);
}

}  // namespace

std::vector<Part> parts_of(const Message& message) {
    std::vector<Part> out;
    if (message.body().empty()) return out;
    Part part = whole_body(message);
    const std::string_view boundary = boundary_of(part.content_type);
    if (boundary.empty() || !is_plain_encoding(part.content_encoding))
        out.push_back(part);
    else
        read_parts(part.body, boundary, 0, out);
    return out;
}

std::optional<std::string_view> sdp_of(const Message& message) {
    if (message.body().empty()) return std::nullopt;
    const auto type = parse_content_type(message.header(Header::content_type).value_or(""));
    if (!type) return std::nullopt;
    if (!iequals(type->type, "multipart")) {
        const Part part = whole_body(message);
        if (holds_sdp(part)) return part.body;
        return std::nullopt;
    }
    for (const Part& part : parts_of(message))
        if (holds_sdp(part)) return part.body;
    return std::nullopt;
}

}  // namespace sipana::sip
