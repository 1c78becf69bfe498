#include "libsipana/render/json_writer.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "libsipana/base/text.h"

namespace sipana::render {
namespace {

constexpr std::uint64_t largest_exact = std::uint64_t{1} << 53;  // RFC 7493 2.2

constexpr std::array<bool, 256> plain_table() {
    std::array<bool, 256> t{};
    for (std::size_t c = 0x20; c < 0x7f; ++c) t[c] = c != '"' && c != '\\';
    return t;
}
constexpr std::array<bool, 256> plain = plain_table();

bool all_plain(std::string_view text) {
    bool yes = true;
    for (const char c : text) yes &= plain[static_cast<unsigned char>(c)];
    return yes;
}

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
    const std::string text = valid_utf8(wire);
    for (std::size_t i = 0; i < text.size();) {
        std::size_t n = 1;
        while (i + n < text.size() && (static_cast<unsigned char>(text[i + n]) & 0xc0) == 0x80) ++n;
        const std::string_view character = std::string_view(text).substr(i, n);
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
        } else if (plain[static_cast<unsigned char>(c)] ||
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
    out_ += '\n';
    out_.append(static_cast<std::size_t>(indent_) * depth_, ' ');
}

void JsonWriter::separate() {
    if (after_key_) {
        after_key_ = false;
        return;
    }
    if (!first_) out_ += flat_ && indent_ > 0 ? ", " : ",";
    if (depth_ > 0) new_line();
    first_ = false;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    out_ += '"';
    out_ += name;
    out_ += indent_ == 0 ? "\":" : "\": ";
    after_key_ = true;
    return *this;
}

JsonWriter& JsonWriter::begin(char bracket) {
    separate();
    out_ += bracket;
    ++depth_;
    first_ = true;
    return *this;
}

JsonWriter& JsonWriter::end(char bracket) {
    --depth_;
    if (!first_) new_line();
    out_ += bracket;
    first_ = false;
    return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
    separate();
    out_ += '"';
    if (all_plain(text))
        out_ += text;
    else
        append_escaped(out_, text);
    out_ += '"';
    return *this;
}

JsonWriter& JsonWriter::value(std::uint64_t n) {
    separate();
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
    const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
    if (n > largest_exact)
        out_.append("\"").append(text).append("\"");
    else
        out_ += text;
    return *this;
}

JsonWriter& JsonWriter::value(std::int32_t n) {
    if (n >= 0) return value(static_cast<std::uint64_t>(n));
    separate();
    out_ += std::to_string(n);
    return *this;
}

JsonWriter& JsonWriter::value(double x, int decimals) {
    if (!std::isfinite(x)) return null();
    separate();
    const std::size_t from = out_.size();
    fmt::format_to(std::back_inserter(out_), "{:.{}f}", x, decimals);
    if (out_.find('.', from) == std::string::npos) return *this;
    while (out_.back() == '0') out_.pop_back();
    if (out_.back() == '.') out_.pop_back();
    if (out_.substr(from) == "-0") out_.replace(from, 2, "0");
    return *this;
}

JsonWriter& JsonWriter::value(const Endpoint& endpoint) {
    if (endpoint.empty()) return null();
    separate();
    out_ += '"';
    out_ += endpoint.to_string();
    out_ += '"';
    return *this;
}

JsonWriter& JsonWriter::hex(std::uint32_t n) {
    separate();
    fmt::format_to(std::back_inserter(out_), "\"0x{:08x}\"", n);
    return *this;
}

JsonWriter& JsonWriter::time(Time t) {
    if (t == no_time) return null();
    separate();
    out_ += '"';
    out_ += to_rfc3339(t);
    out_ += '"';
    return *this;
}

JsonWriter& JsonWriter::seconds(Duration d) {
    separate();
    const auto n = d.count();
    const std::uint64_t size =
        n < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
    if (n < 0) out_ += '-';
    std::array<char, 20> digits;
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), size / 1'000'000'000).ptr;
    out_.append(digits.data(), end);
    auto rest = static_cast<std::uint32_t>(size % 1'000'000'000);
    if (rest == 0) return *this;
    std::array<char, 10> fraction{'.'};
    for (std::size_t i = 9; i > 0; --i, rest /= 10)
        fraction[i] = static_cast<char>('0' + rest % 10);
    std::size_t used = fraction.size();
    while (fraction[used - 1] == '0') --used;
    out_.append(fraction.data(), used);
    return *this;
}

}  // namespace sipana::render
