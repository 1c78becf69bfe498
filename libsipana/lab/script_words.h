// Words: the lexical layer of the script language (docs/scenario-format.md, "Lines and words").
//
// A script is lines of words. `#` at the beginning of a word starts a comment, a line that ends in
// a backslash goes on with the next one, "..." is one word with \" \\ \r \n \t \xNN, and """ opens
// a text that ends with """ on a line of its own, whose indentation is taken off. Words own their
// text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/lab/script.h"

namespace sipana::lab {

inline constexpr std::size_t max_script_size = std::size_t{8} << 20;  // bytes
inline constexpr std::size_t max_script_words = 1'000'000;
inline constexpr Duration longest_duration = std::chrono::hours{1000};

struct Word {
    std::string text;
    bool quoted = false;  // never a keyword
    Position where;
    std::size_t offset = 0;  // byte of the script

    bool is(std::string_view keyword) const { return !quoted && text == keyword; }
};

struct Line {
    std::vector<Word> words;  // at least one
    Position where;
    Position end;  // just behind the last word
    std::size_t end_offset = 0;
};

struct Lines {
    std::vector<Line> lines;
    std::string first_comment;  // its words, one blank between them
};

Result<Lines> split_lines(std::string_view script);

// "line:column: " before `what`.
Error error_at(const Position& where, std::size_t offset, std::string_view what,
               Errc code = Errc::malformed);

// `text` as one word of a script: as it is where that reads back the same and is no keyword, quoted
// where not.
std::string word_of(std::string_view text);
std::string quoted(std::string_view text);
// As quoted(), or as """ """ where it is lines that all end with CRLF and can be read; `indent`
// stands before each.
std::string block_of(std::string_view text, std::string_view indent);
// The line's words again, long texts cut short.
std::string text_of(const Line& line);

// "200ms", "2s", "1.5s", "3min"; ns us ms s min h.
std::optional<Duration> parse_duration(std::string_view text);
std::string to_words(Duration duration);
// "2%", "0.5%" as 0..1.
std::optional<double> parse_percent(std::string_view text);
std::string to_percent(double part);
// "64kbit", "1Mbit", "1.5Mbit", "100bit".
std::optional<std::uint64_t> parse_bits(std::string_view text);
std::string to_bits(std::uint64_t bits_per_second);
std::optional<double> parse_real(std::string_view text);  // digits, at most one point
std::string to_real(double value);
// A letter or underscore, then letters, digits and _ . -
bool is_name(std::string_view text);
// The one of `words` that `text` is a slip of; empty when none is near.
std::string_view nearest(std::string_view text, const std::vector<std::string_view>& words);

}  // namespace sipana::lab
