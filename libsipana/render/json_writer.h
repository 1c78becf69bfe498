// JsonWriter: JSON (RFC 8259) straight into a string, for rows by the hundred thousand. No document
// is built, keys stay in the order in which they are written, and what comes out is valid UTF-8
// whatever goes in: bytes that are not UTF-8 become U+FFFD; controls, bidi and format characters
// are escaped.
//
// Rules of the format (docs/report-format.md): a value that is not known is null; integers above
// 2^53 are strings; times are RFC 3339 with nanoseconds.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/time.h"

namespace sipana::render {

class JsonWriter {
public:
    // `indent` 0: everything on one line.
    explicit JsonWriter(std::string& out, unsigned indent = 0) : out_(out), indent_(indent) {}
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
    JsonWriter& key(std::string_view name);

    JsonWriter& null() { return raw("null"); }
    JsonWriter& value(std::string_view text);
    JsonWriter& value(const char* text) { return value(std::string_view(text)); }
    JsonWriter& value(bool yes) { return raw(yes ? "true" : "false"); }
    JsonWriter& value(std::uint64_t n);
    JsonWriter& value(std::uint32_t n) { return value(std::uint64_t{n}); }
    JsonWriter& value(std::uint16_t n) { return value(std::uint64_t{n}); }
    JsonWriter& value(std::uint8_t n) { return value(std::uint64_t{n}); }
    JsonWriter& value(std::int32_t n);
    JsonWriter& value(double x, int decimals = 3);  // not finite: null
    JsonWriter& value(const Endpoint& endpoint);    // "192.0.2.1:5060"; empty: null
    JsonWriter& hex(std::uint32_t n);               // "0x1a2b3c4d"
    JsonWriter& time(Time t);                       // no_time: null
    JsonWriter& seconds(Duration d);                // exact: 4.817, 0.000000001
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
    JsonWriter& begin(char bracket);
    JsonWriter& end(char bracket);
    JsonWriter& raw(std::string_view text) {
        separate();
        out_ += text;
        return *this;
    }
    void separate();
    void new_line();

    std::string& out_;
    unsigned indent_, depth_ = 0;
    bool flat_ = false;
    bool first_ = true;  // nothing stands in this object or array yet
    bool after_key_ = false;
};

}  // namespace sipana::render
