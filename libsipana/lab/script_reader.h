// LineReader: the words of one line of a script, and what was expected where they stop making
// sense.
//
// The first complaint wins and makes every later read fail: read straight through, check once.
// Views the line and the error that it was given.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/text.h"
#include "libsipana/lab/script_words.h"

namespace sipana::lab {

class LineReader {
public:
    LineReader(const Line& line, std::optional<Error>& error) : line_(line), error_(error) {}

    bool failed() const { return error_.has_value(); }
    bool at_end() const { return at_ == line_.words.size() || failed(); }
    const Line& line() const { return line_; }
    // The same complaint's reader of another line.
    LineReader on(const Line& other) const { return {other, error_}; }
    // The next word, one further on; nullptr behind the last one.
    const Word* peek(std::size_t further = 0) const {
        return at_ + further < line_.words.size() && !failed() ? &line_.words[at_ + further]
                                                               : nullptr;
    }
    const Word* take() { return at_end() ? nullptr : &line_.words[at_++]; }
    void back() { --at_; }

    bool next_is(std::string_view keyword) const { return peek() && peek()->is(keyword); }
    bool keyword(std::string_view keyword);  // takes it if it is the next word
    bool keywords(std::string_view first, std::string_view second);  // both, or neither
    bool must(std::string_view keyword);

    // These complain when the next word is none; `what` says what it should have been.
    bool text(std::string& out, std::string_view what);
    bool name(std::string& out, std::string_view what);
    bool duration(Duration& out);
    bool percent(double& out);
    bool bits(std::uint64_t& out);
    bool list(std::vector<std::string>& out, std::string_view what);  // a,b,c
    template <typename Number>
    bool number(Number& out, Number least, Number most, std::string_view what);
    bool end();  // nothing more may come

    // "expected WHAT, got ...", at the next word; with a hint when that word is nearly one of
    // `known`.
    bool expected(std::string_view what, const std::vector<std::string_view>& known = {});
    bool expected_at(const Word& word, std::string_view what,
                     const std::vector<std::string_view>& known = {});
    bool fail_at(const Word& word, std::string_view text, Errc code = Errc::malformed);

private:
    const Line& line_;
    std::optional<Error>& error_;
    std::size_t at_ = 0;
};

template <typename Number>
bool LineReader::number(Number& out, Number least, Number most, std::string_view what) {
    const Word* w = peek();
    const auto n = w && !w->quoted ? to_number<Number>(w->text) : std::nullopt;
    if (!n || *n < least || *n > most) return expected(what);
    out = *n;
    ++at_;
    return true;
}

// "a, b or c"
std::string listed(const std::vector<std::string_view>& words);

}  // namespace sipana::lab
