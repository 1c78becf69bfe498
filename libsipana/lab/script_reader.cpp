#include "libsipana/lab/script_reader.h"

#include <fmt/format.h>

namespace sipana::lab {

bool LineReader::keyword(std::string_view keyword) {
    if (!next_is(keyword)) return false;
    ++at_;
    return true;
}

bool LineReader::keywords(std::string_view first, std::string_view second) {
    if (!next_is(first) || !peek(1) || !peek(1)->is(second)) return false;
    at_ += 2;
    return true;
}

bool LineReader::must(std::string_view word) {
    return keyword(word) || expected(fmt::format("'{}'", word));
}

bool LineReader::text(std::string& out, std::string_view what) {
    const Word* w = take();
    if (!w) return expected(what);
    out = w->text;
    return true;
}

bool LineReader::name(std::string& out, std::string_view what) {
    const Word* w = peek();
    if (!w || w->quoted || !is_name(w->text)) return expected(what);
    out = w->text;
    ++at_;
    return true;
}

bool LineReader::duration(Duration& out) {
    const Word* w = peek();
    const auto d = w && !w->quoted ? parse_duration(w->text) : std::nullopt;
    if (!d) return expected("a duration (200ms, 1.5s, 3min)");
    out = *d;
    ++at_;
    return true;
}

bool LineReader::percent(double& out) {
    const Word* w = peek();
    const auto p = w && !w->quoted ? parse_percent(w->text) : std::nullopt;
    if (!p) return expected("a percentage (2%, 0.5%)");
    out = *p;
    ++at_;
    return true;
}

bool LineReader::bits(std::uint64_t& out) {
    const Word* w = peek();
    const auto b = w && !w->quoted ? parse_bits(w->text) : std::nullopt;
    if (!b) return expected("bits per second (64kbit, 1Mbit)");
    out = *b;
    ++at_;
    return true;
}

bool LineReader::list(std::vector<std::string>& out, std::string_view what) {
    const Word* w = peek();
    if (!w || w->quoted) return expected(what);
    std::vector<std::string> names;
    std::string_view rest = w->text;
    while (!rest.empty()) {
        names.emplace_back(cut(rest, ','));
        if (names.back().empty()) return expected(what);
    }
    if (w->text.back() == ',') return expected(what);
    out = std::move(names);
    ++at_;
    return true;
}

bool LineReader::end() { return at_end() ? !failed() : expected("the end of the line"); }

bool LineReader::expected(std::string_view what, const std::vector<std::string_view>& known) {
    if (failed()) return false;
    if (const Word* w = peek()) return expected_at(*w, what, known);
    error_ = error_at(line_.end, line_.end_offset,
                      fmt::format("expected {}, got the end of the line", what), Errc::truncated);
    return false;
}

bool LineReader::expected_at(const Word& word, std::string_view what,
                             const std::vector<std::string_view>& known) {
    if (failed()) return false;
    static constexpr std::size_t longest = 40;
    std::string got = printable(std::string_view(word.text).substr(0, longest));
    if (word.text.size() > longest) got += "...";
    const std::string_view near = nearest(word.text, known);
    return fail_at(word, fmt::format("expected {}, got \"{}\"{}", what, got,
                                     near.empty() ? std::string{}
                                                  : fmt::format("; did you mean '{}'?", near)));
}

bool LineReader::fail_at(const Word& word, std::string_view text, Errc code) {
    if (!failed()) error_ = error_at(word.where, word.offset, text, code);
    return false;
}

std::string listed(const std::vector<std::string_view>& words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
        out += words[i];
    }
    return out;
}

}  // namespace sipana::lab
