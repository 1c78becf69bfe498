#include "libsipana/lab/script_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "libsipana/base/append.h"
#include "libsipana/base/text.h"

namespace sipana::lab {
namespace {

constexpr std::string_view fence = "\"\"\"";

// One pass over the text. Positions count bytes, as an editor's column does for ASCII.
class Splitter {
public:
    explicit Splitter(std::string_view text) : text_(text) {}

    Result<Lines> split() {
        while (at_ < text_.size() && !error_) {
            const char c = text_[at_];
            if (c == '\n') {
                end_line();
                advance();
                next_line();
            } else if (is_blank(c) || c == '\r') {
                advance();
            } else if (c == '#') {
                comment();
            } else if (c == '\\' && continues()) {
                while (text_[at_] != '\n') advance();
                advance();
                next_line();
            } else {
                word();
            }
        }
        if (error_) return *error_;
        end_line();
        return std::move(out_);
    }

private:
    Position here() const { return {line_, static_cast<std::uint32_t>(at_ - line_begin_ + 1)}; }
    void advance() { ++at_; }
    void next_line() {
        ++line_;
        line_begin_ = at_;
    }
    bool at(std::string_view s) const { return text_.substr(at_, s.size()) == s; }
    void fail(std::string_view what) {
        if (!error_) error_ = error_at(here(), at_, what);
    }
    bool continues() const {
        std::size_t i = at_ + 1;
        while (i < text_.size() && (is_blank(text_[i]) || text_[i] == '\r')) ++i;
        return i < text_.size() && text_[i] == '\n';
    }
    void comment() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && text_[at_] != '\n') advance();
        if (!out_.first_comment.empty()) return;
        std::string_view rest = text_.substr(begin, at_ - begin);
        while (!rest.empty() && rest.front() == '#') rest.remove_prefix(1);
        for (char c : trim(rest)) {
            const bool blank = is_space(c);
            if (blank && out_.first_comment.back() == ' ') continue;
            out_.first_comment.push_back(blank ? ' ' : c);
        }
    }
    void end_line() {
        if (line_so_far_.words.empty()) return;
        out_.lines.push_back(std::move(line_so_far_));
        line_so_far_ = {};
    }
    void word() {
        Word w;
        w.where = here();
        w.offset = at_;
        if (++words_ > max_script_words) return fail("expected at most 1000000 words in a script");
        if (at(fence)) {
            w.quoted = true;
            block(w.text);
        } else if (text_[at_] == '"') {
            w.quoted = true;
            quote(w.text);
        } else {
            while (at_ < text_.size() && !is_space(text_[at_])) {
                if (text_[at_] == '"') return fail("expected a blank before the quotation mark");
                w.text.push_back(text_[at_]);
                advance();
            }
        }
        if (error_) return;
        if (w.quoted && at_ < text_.size() && !is_space(text_[at_]))
            return fail("expected a blank after the quotation mark");
        if (line_so_far_.words.empty()) line_so_far_.where = w.where;
        line_so_far_.words.push_back(std::move(w));
        line_so_far_.end = here();
        line_so_far_.end_offset = at_;
    }
    void quote(std::string& out) {
        const Position begin = here();
        const std::size_t offset = at_;
        advance();
        while (at_ < text_.size() && text_[at_] != '"') {
            if (text_[at_] == '\n') break;
            if (text_[at_] == '\\')
                escape(out);
            else
                out.push_back(text_[at_]), advance();
            if (error_) return;
        }
        if (at_ >= text_.size() || text_[at_] != '"') {
            error_ = error_at(begin, offset,
                              "expected a closing quotation mark on the same line (a text of "
                              "several lines stands between \"\"\" and \"\"\")");
            return;
        }
        advance();
    }
    void escape(std::string& out) {
        static constexpr std::string_view letters = "\"\\rnt", bytes = "\"\\\r\n\t";
        const char kind = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
        const auto known = letters.find(kind);
        if (kind != '\0' && known != letters.npos) {
            out.push_back(bytes[known]);
            at_ += 2;
            return;
        }
        unsigned value = 0;
        const std::string_view digits = text_.substr(std::min(at_ + 2, text_.size())).substr(0, 2);
        const bool hex = digits.size() == 2 && is_hex(digits[0]) && is_hex(digits[1]);
        if (kind != 'x' || !hex) return fail("expected \\\" \\\\ \\r \\n \\t or \\xNN");
        std::from_chars(digits.data(), digits.data() + 2, value, 16);
        out.push_back(static_cast<char>(value));
        at_ += 4;
    }
    std::string_view whole_line() {  // and stands behind its line feed
        const auto end = std::min(text_.find('\n', at_), text_.size());
        std::string_view line = text_.substr(at_, end - at_);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        at_ = std::min(end + 1, text_.size());
        if (end < text_.size()) next_line();
        return line;
    }
    void block(std::string& out) {
        const Position begin = here();
        const std::size_t offset = at_;
        at_ += fence.size();
        while (at_ < text_.size() && (is_blank(text_[at_]) || text_[at_] == '\r')) advance();
        if (at_ < text_.size() && text_[at_] != '\n')
            return fail("expected the end of the line after \"\"\": its text begins on the next");
        whole_line();
        std::vector<std::string_view> lines;
        std::vector<Position> places;
        while (at_ < text_.size()) {
            const std::size_t closing = text_.find_first_not_of(" \t", at_);
            if (closing != text_.npos && text_.substr(closing, fence.size()) == fence) {
                const std::string_view indent = text_.substr(at_, closing - at_);
                at_ = closing + fence.size();
                return dedent(lines, places, indent, out);
            }
            places.push_back(here());
            lines.push_back(whole_line());
        }
        error_ = error_at(begin, offset, "expected a line \"\"\" that ends this text");
    }
    void dedent(const std::vector<std::string_view>& lines, const std::vector<Position>& places,
                std::string_view indent, std::string& out) {
        for (std::size_t i = 0; i < lines.size(); ++i) {
            std::string_view line = lines[i];
            if (line.substr(0, indent.size()) == indent)
                line.remove_prefix(indent.size());
            else if (trim(line).empty())
                line = {};
            else
                error_ = error_at(places[i], static_cast<std::size_t>(line.data() - text_.data()),
                                  "expected the indentation of the closing \"\"\"");
            if (error_) return;
            out.append(line).append("\r\n");
        }
    }

    std::string_view text_;
    std::size_t at_ = 0, line_begin_ = 0, words_ = 0;
    std::uint32_t line_ = 1;
    Line line_so_far_;
    Lines out_;
    std::optional<Error> error_;
};

struct Unit {
    std::string_view name;
    std::int64_t size;
};
// From the largest; the writer takes the first that divides.
constexpr std::array duration_units{
    Unit{"h", 3'600'000'000'000}, Unit{"min", 60'000'000'000}, Unit{"s", 1'000'000'000},
    Unit{"ms", 1'000'000},        Unit{"us", 1'000},           Unit{"ns", 1},
};
constexpr std::array bit_units{Unit{"Gbit", 1'000'000'000}, Unit{"Mbit", 1'000'000},
                               Unit{"kbit", 1'000}, Unit{"bit", 1}};

// "1.5" of a unit, exactly; empty when it is no whole number of the smallest.
std::optional<std::int64_t> times(std::string_view number, std::int64_t unit) {
    std::string_view fraction = number;
    const std::string_view whole = cut(fraction, '.');
    const bool pointed = whole.size() != number.size();
    const auto n = to_number<std::int64_t>(whole);
    if (!n || (pointed && fraction.empty()) || *n > INT64_MAX / unit) return std::nullopt;
    std::int64_t sum = *n * unit, part = unit;
    for (char c : fraction) {
        if (!is_digit(c)) return std::nullopt;
        if (c != '0' && part % 10 != 0) return std::nullopt;
        part /= 10;
        sum += (c - '0') * part;  // below one unit in all
        if (sum < 0) return std::nullopt;
    }
    return sum;
}

template <std::size_t N>
std::optional<std::int64_t> with_unit(std::string_view text, const std::array<Unit, N>& units) {
    const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
    for (const Unit& u : units)
        if (text.substr(digits) == u.name) return times(text.substr(0, digits), u.size);
    return std::nullopt;
}

std::size_t distance(std::string_view a, std::string_view b) {  // Levenshtein, of short words
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t swap = diagonal + (to_lower(a[i - 1]) != to_lower(b[j - 1]) ? 1 : 0);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, swap});
        }
    }
    return row.back();
}

bool is_wide(char c) { return static_cast<unsigned char>(c) >= 0x80; }
// The bytes above ASCII that `text` begins with, if they are characters that can be seen; else 0.
std::size_t wide_run(std::string_view text) {
    std::size_t n = 0;
    while (n < text.size() && is_wide(text[n])) ++n;
    return printable(text.substr(0, n)) == text.substr(0, n) ? n : 0;
}

bool plain(char c) { return c > ' ' && c < '\x7f' && c != '"'; }

}  // namespace

Result<Lines> split_lines(std::string_view script) {
    if (script.size() > max_script_size)
        return error_at({1, 1}, 0, "expected a script of at most 8 MiB", Errc::too_large);
    return Splitter(script).split();
}

Error error_at(const Position& where, std::size_t offset, std::string_view what, Errc code) {
    return {code, offset, fmt::format("{}:{}: {}", where.line, where.column, what)};
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const char c = text.front();
        const std::size_t wide = is_wide(c) ? wide_run(text) : 0;
        if (wide > 0)
            out.append(text.substr(0, wide));
        else if (c == '"' || c == '\\')
            out.append(1, '\\').append(1, c);
        else if (c == '\r')
            out += "\\r";
        else if (c == '\n')
            out += "\\n";
        else if (c == '\t')
            out += "\\t";
        else if (c < ' ' || c == '\x7f')
            append(out, "\\x{:02x}", static_cast<unsigned char>(c));
        else
            out.push_back(c);
        text.remove_prefix(std::max<std::size_t>(wide, 1));
    }
    return out + '"';
}

std::string word_of(std::string_view text) {
    const bool bare = !text.empty() && text.front() != '#' && text.back() != '\\' &&
                      std::all_of(text.begin(), text.end(), plain);
    return bare ? std::string(text) : quoted(text);
}

std::string block_of(std::string_view text, std::string_view indent) {
    if (text.size() < 3 || text.substr(text.size() - 2) != "\r\n") return quoted(text);
    std::string out = fmt::format("{}\n", fence);
    for (std::string_view rest = text; !rest.empty();) {
        const auto end = rest.find("\r\n");
        const std::string_view line = rest.substr(0, end);
        const bool fits = std::all_of(line.begin(), line.end(),
                                      [](char c) { return c == '\t' || (c >= ' ' && c < '\x7f'); });
        const auto first = line.find_first_not_of(" \t");
        if (!fits || (first != line.npos && line.substr(first, fence.size()) == fence))
            return quoted(text);
        out.append(line.empty() ? "" : indent).append(line).append("\n");
        rest.remove_prefix(end + 2);
    }
    return out.append(indent).append(fence);
}

std::string text_of(const Line& line) {
    static constexpr std::size_t longest = 60;
    std::string out;
    for (const Word& w : line.words) {
        if (!out.empty()) out += ' ';
        if (!w.quoted)
            out += w.text;
        else if (w.text.size() <= longest)
            out += quoted(w.text);
        else
            out.append(quoted(std::string_view(w.text).substr(0, longest))).append("...");
    }
    return out;
}

std::optional<Duration> parse_duration(std::string_view text) {
    const auto ns = with_unit(text, duration_units);
    if (!ns || *ns > longest_duration.count()) return std::nullopt;
    return Duration(*ns);
}

std::string to_words(Duration duration) {
    const std::int64_t ns = std::clamp<std::int64_t>(duration.count(), 0, longest_duration.count());
    for (const Unit& u : duration_units)
        if (ns % u.size == 0 && (ns != 0 || u.name == "s") && u.name != "h")
            return fmt::format("{}{}", ns / u.size, u.name);
    return "0s";
}

std::optional<double> parse_real(std::string_view text) {
    double value = 0;
    if (text.empty() || text.size() > 400 || !is_digit(text.front())) return std::nullopt;
    if (text.find_first_not_of("0123456789.") != text.npos) return std::nullopt;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
    if (r.ec != std::errc{} || r.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<double> parse_percent(std::string_view text) {
    if (text.empty() || text.back() != '%') return std::nullopt;
    const auto value = parse_real(text.substr(0, text.size() - 1));
    if (!value || *value > 100) return std::nullopt;
    return *value / 100;
}

std::string to_real(double value) {
    std::array<char, 400> digits{};
    const auto r = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                 std::chars_format::fixed);
    return {digits.data(), r.ptr};
}

std::string to_percent(double part) {
    // The hundredfold is rounded, and so is its hundredth: look for the neighbour that reads back.
    const double hundredfold = std::clamp(part, 0.0, 1.0) * 100;
    const auto reads_back = [&](double v) { return !(v / 100 < part) && !(v / 100 > part); };
    double below = hundredfold, above = hundredfold;
    for (int i = 0; i < 4; ++i) {
        if (reads_back(below)) return to_real(below) + '%';
        if (reads_back(above)) return to_real(above) + '%';
        below = std::nextafter(below, 0.0);
        above = std::nextafter(above, 100.0);
    }
    return to_real(hundredfold) + '%';
}

std::optional<std::uint64_t> parse_bits(std::string_view text) {
    const auto bits = with_unit(text, bit_units);
    if (!bits) return std::nullopt;
    return static_cast<std::uint64_t>(*bits);
}

std::string to_bits(std::uint64_t bits_per_second) {
    for (const Unit& u : bit_units) {
        const auto size = static_cast<std::uint64_t>(u.size);
        if (bits_per_second % size == 0 && bits_per_second != 0)
            return fmt::format("{}{}", bits_per_second / size, u.name);
    }
    return "0bit";
}

bool is_name(std::string_view text) {
    if (text.empty() || text.size() > 64 || !(is_alpha(text.front()) || text.front() == '_'))
        return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return is_alpha(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
    });
}

std::string_view nearest(std::string_view text, const std::vector<std::string_view>& words) {
    if (text.size() > 32) return {};
    std::string_view best;
    std::size_t below = text.size() <= 4 ? 2 : 3;
    for (std::string_view w : words) {
        if (text == w) return {};
        const std::size_t d = distance(text, w);
        if (d >= below) continue;
        best = w;
        below = d;
    }
    return best;
}

}  // namespace sipana::lab
