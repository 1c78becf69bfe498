// CsvRow: one row of CSV (RFC 4180), safe to open in a spreadsheet: a cell that a formula could
// begin with gets an apostrophe before it unless it is a number; controls are shown as printable()
// shows them. What is not known is an empty cell.
#pragma once

#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "libsipana/base/text.h"
#include "libsipana/render/digits.h"

namespace sipana::render {

class CsvRow {
public:
    CsvRow& text(std::string_view wire) {
        separate();
        const bool guarded = begins_formula(wire) && !is_number(wire);
        if (is_plain(wire) && !guarded && wire.find(',') == wire.npos) {
            out_ += wire;
            return *this;
        }
        std::string cell = printable(wire);
        if (guarded) cell.insert(0, 1, '\'');
        if (cell.find_first_of(",\"") == cell.npos) {  // line ends are escaped already
            out_ += cell;
            return *this;
        }
        out_ += '"';
        for (const char c : cell) {
            if (c == '"') out_ += '"';
            out_ += c;
        }
        out_ += '"';
        return *this;
    }
    CsvRow& number(std::uint64_t n) {
        return put<number_room>([n](char* to) { return put_number(to, n); });
    }
    CsvRow& number_or_empty(std::uint64_t n) { return n == 0 ? empty() : number(n); }
    CsvRow& decimal(double x) {
        if (!std::isfinite(x) || std::abs(x) >= 1e12) return empty();
        return put<decimal_room>([x](char* to) { return put_decimal(to, x); });
    }
    CsvRow& seconds(const std::optional<Duration>& d) {
        return d ? put<seconds_room>([&d](char* to) { return put_seconds(to, *d); }) : empty();
    }
    CsvRow& time(Time t) {
        return t == no_time ? empty() : put<time_room>([t](char* to) { return put_time(to, t); });
    }
    CsvRow& flag(bool yes) { return text(yes ? "true" : "false"); }
    CsvRow& endpoint(const Endpoint& e) {
        return e.empty() ? empty()
                         : put<endpoint_room>([&e](char* to) { return put_endpoint(to, e); });
    }
    CsvRow& empty() {
        separate();
        return *this;
    }
    std::string take() { return std::move(out_); }

private:
    static bool is_number(std::string_view text) {
        if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
        bool digit = false, point = false;
        for (const char c : text) {
            if (c == '.' && !point)
                point = true;
            else if (is_digit(c))
                digit = true;
            else
                return false;
        }
        return digit;
    }

    // What spreadsheets take for the beginning of a formula, in ASCII and full width (U+FF0B FF0D
    // FF1D FF20).
    static bool begins_formula(std::string_view cell) {
        if (cell.empty()) return false;
        if (std::string_view("=+-@\t\r\n").find(cell.front()) != std::string_view::npos)
            return true;
        for (const std::string_view wide :
             {"\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\x9d", "\xef\xbc\xa0"})
            if (cell.starts_with(wide)) return true;
        return false;
    }

    // What needs neither quotes nor escapes.
    template <std::size_t Room, typename Write>
    CsvRow& put(Write write) {
        separate();
        std::array<char, Room> text;
        out_.append(text.data(), write(text.data()));
        return *this;
    }
    void separate() {
        if (!first_) out_ += ',';
        first_ = false;
    }
    std::string out_;
    bool first_ = true;
};

}  // namespace sipana::render
