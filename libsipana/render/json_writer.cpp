#include "libsipana/render/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "libsipana/base/text.h"
#include "libsipana/render/digits.h"

namespace sipana::render {
namespace {

constexpr std::uint64_t largest_exact = std::uint64_t{1} << 53;  // RFC 7493 2.2

void append_escape(std::string& out, char32_t c) {
    const auto unit = [&out](std::uint32_t u) { out += fmt::format("\\u{:04x}", u); };
    if (c < 0x10000) {
        unit(static_cast<std::uint32_t>(c));
    } else {  // RFC 8259 7: a surrogate pair
        const auto rest = static_cast<std::uint32_t>(c - 0x10000);
        unit(0xd800 + (rest >> 10));
        unit(0xdc00 + (rest & 0x3ff));
    }
}

// One character of valid UTF-8.
char32_t decoded(std::string_view character) {
    const auto first = static_cast<unsigned char>(character[0]);
    if (character.size() == 1) return first;
    char32_t c = first & (0x7fu >> character.size());
    for (const char b : character.substr(1)) c = c << 6 | (static_cast<unsigned char>(b) & 0x3fu);
    return c;
}

void append_escaped(std::string& out, std::string_view wire) {
    std::string whole;  // most text that needs escapes is ASCII with quotes
    std::string_view text = wire;
    if (std::any_of(wire.begin(), wire.end(),
                    [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
        whole = valid_utf8(wire);
        text = whole;
    }
    for (std::size_t i = 0; i < text.size();) {
        std::size_t n = 1;
        while (i + n < text.size() && (static_cast<unsigned char>(text[i + n]) & 0xc0) == 0x80) ++n;
        const std::string_view character = text.substr(i, n);
        const char c = character[0];
        i += n;
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else if ((n == 1 && is_plain(character)) ||
                   (n > 1 && printable(character) == character)) {
            out += character;
        } else {  // what printable() would not let through either
            append_escape(out, decoded(character));
        }
    }
}

}  // namespace

void JsonWriter::new_line() {
    if (indent_ == 0 || flat_) return;
    put('\n');
    for (unsigned i = 0; i < indent_ * depth_; ++i) put(' ');
}

void JsonWriter::grow(std::size_t n) {
    const std::size_t written = used();
    out_.resize(written + n + 1024 + (written - began_));
    at_ = out_.data() + written;
    end_ = out_.data() + out_.size();
}

void JsonWriter::separate_elements() {
    if (!first_) put(flat_ && indent_ > 0 ? std::string_view(", ") : std::string_view(","));
    if (depth_ > 0) new_line();
    first_ = false;
}

JsonWriter& JsonWriter::key_on_line(std::string_view name) {
    separate_elements();
    put('"');
    put(name);
    put("\": ");
    after_key_ = true;
    return *this;
}

JsonWriter& JsonWriter::begin(char bracket) {
    separate();
    put(bracket);
    ++depth_;
    first_ = true;
    return *this;
}

JsonWriter& JsonWriter::end(char bracket) {
    --depth_;
    if (!first_) new_line();
    put(bracket);
    first_ = false;
    return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
    separate();
    std::string escaped;
    if (!is_plain(text)) {
        append_escaped(escaped, text);
        text = escaped;
    }
    char* to = room(text.size() + 2);
    *to++ = '"';
    to += text.copy(to, text.size());
    *to++ = '"';
    wrote(to);
    return *this;
}

JsonWriter& JsonWriter::value(std::uint64_t n) {
    separate();
    const bool quoted = n > largest_exact;
    char* to = room(number_room + 2);
    if (quoted) *to++ = '"';
    to = put_number(to, n);
    if (quoted) *to++ = '"';
    wrote(to);
    return *this;
}

JsonWriter& JsonWriter::value(std::int32_t n) {
    if (n >= 0) return value(static_cast<std::uint64_t>(n));
    return raw(std::to_string(n));
}

JsonWriter& JsonWriter::value(double x) {
    if (!std::isfinite(x)) return null();
    if (std::abs(x) >= 1e12) return raw(fmt::format("{:.0f}", x));
    separate();
    wrote(put_decimal(room(decimal_room), x));
    return *this;
}

JsonWriter& JsonWriter::value(const Endpoint& endpoint) {
    if (endpoint.empty()) return null();
    separate();
    char* to = room(endpoint_room + 2);
    *to++ = '"';
    to = put_endpoint(to, endpoint);
    *to++ = '"';
    wrote(to);
    return *this;
}

JsonWriter& JsonWriter::hex(std::uint32_t n) { return raw(fmt::format("\"0x{:08x}\"", n)); }

JsonWriter& JsonWriter::time(Time t) {
    if (t == no_time) return null();
    separate();
    char* to = room(time_room + 2);
    *to++ = '"';
    to = put_time(to, t);
    *to++ = '"';
    wrote(to);
    return *this;
}

JsonWriter& JsonWriter::seconds(Duration d) {
    separate();
    wrote(put_seconds(room(seconds_room), d));
    return *this;
}

}  // namespace sipana::render
