// JsonWriter: JSON (RFC 8259) straight into a string, for rows by the hundred thousand. No document
// is built, keys stay in the order in which they are written, and what comes out is valid UTF-8
// whatever goes in: bytes that are not UTF-8 become U+FFFD; controls, bidi and format characters
// are escaped.
//
// Rules of the format (docs/report-format.md): a value that is not known is null; integers above
// 2^53 are strings; times are RFC 3339 with nanoseconds. The string is whole once the writer is
// destroyed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/time.h"

namespace sipana::render {

class JsonWriter {
public:
    // Appends to `out`. `indent` 0: everything on one line.
    explicit JsonWriter(std::string& out, unsigned indent = 0)
        : out_(out), began_(out.size()), at_(out.data() + out.size()), end_(at_), indent_(indent) {}
    ~JsonWriter() { out_.resize(used()); }
    JsonWriter(const JsonWriter&) = delete;
    JsonWriter& operator=(const JsonWriter&) = delete;

    // In an indented document: what follows stays on this line, until told otherwise.
    JsonWriter& flat(bool yes) {
        flat_ = yes;
        return *this;
    }
    JsonWriter& begin_object() { return begin('{'); }
    JsonWriter& end_object() { return end('}'); }
    JsonWriter& begin_array() { return begin('['); }
    JsonWriter& end_array() { return end(']'); }
    // Names are ours: they need no escaping.
    JsonWriter& key(std::string_view name) {
        if (indent_ != 0) return key_on_line(name);
        char* to = room(name.size() + 4);
        *to = ',';
        to += !first_;
        *to++ = '"';
        to += name.copy(to, name.size());
        *to++ = '"';
        *to++ = ':';
        at_ = to;
        first_ = false;
        after_key_ = true;
        return *this;
    }

    JsonWriter& null() { return raw("null"); }
    JsonWriter& value(std::string_view text);
    JsonWriter& value(const char* text) { return value(std::string_view(text)); }
    JsonWriter& value(bool yes) { return raw(yes ? "true" : "false"); }
    JsonWriter& value(std::uint64_t n);
    JsonWriter& value(std::uint32_t n) { return value(std::uint64_t{n}); }
    JsonWriter& value(std::uint16_t n) { return value(std::uint64_t{n}); }
    JsonWriter& value(std::uint8_t n) { return value(std::uint64_t{n}); }
    JsonWriter& value(std::int32_t n);
    JsonWriter& value(double x);                  // at most three decimals; not finite: null
    JsonWriter& value(const Endpoint& endpoint);  // "192.0.2.1:5060"; empty: null
    JsonWriter& hex(std::uint32_t n);             // "0x1a2b3c4d"
    JsonWriter& time(Time t);                     // no_time: null
    JsonWriter& seconds(Duration d);              // exact: 4.817, 0.000000001
    JsonWriter& seconds(const std::optional<Duration>& d) { return d ? seconds(*d) : null(); }

    template <typename T>
    JsonWriter& field(std::string_view name, const T& v) {
        return key(name).value(v);
    }
    // Text that is absent where it is empty: null.
    JsonWriter& text_or_null(std::string_view name, std::string_view text) {
        key(name);
        return text.empty() ? null() : value(text);
    }

private:
    // The string is kept longer than what is written, so that each piece is one copy.
    std::size_t used() const { return static_cast<std::size_t>(at_ - out_.data()); }
    char* room(std::size_t n) {
        if (static_cast<std::size_t>(end_ - at_) < n) grow(n);
        return at_;
    }
    void grow(std::size_t n);
    void wrote(char* end) { at_ = end; }
    void put(char c) {
        *room(1) = c;
        ++at_;
    }
    void put(std::string_view text) {
        char* const to = room(text.size());
        at_ = to + text.copy(to, text.size());
    }
    JsonWriter& begin(char bracket);
    JsonWriter& end(char bracket);
    JsonWriter& key_on_line(std::string_view name);
    JsonWriter& raw(std::string_view text) {
        separate();
        put(text);
        return *this;
    }
    // Before a value: what stands between it and the one before.
    void separate() {
        if (after_key_)
            after_key_ = false;
        else
            separate_elements();
    }
    void separate_elements();
    void new_line();

    std::string& out_;
    std::size_t began_;
    char *at_, *end_;  // where to write on, and the end of the room
    unsigned indent_, depth_ = 0;
    bool flat_ = false;
    bool first_ = true;  // nothing stands in this object or array yet
    bool after_key_ = false;
};

}  // namespace sipana::render
