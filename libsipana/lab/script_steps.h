// Steps: the lines of a script with an arrow, and those by which a phone pauses, jumps and
// remembers (docs/scenario-format.md, "Steps").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/lab/script.h"
#include "libsipana/lab/script_reader.h"

namespace sipana::lab {

// What a step's line may refer to, and where its steps go.
struct StepPlace {
    const Script& script;
    const Loader& load;
    std::uint32_t block = 0;    // of the `any order` that the line stands in
    std::uint32_t& last_block;  // the highest number given so far
    std::vector<Step>& steps;
};

// ->  <>  =>  ->|  |->
bool is_arrow(const Word& word);
bool read_arrow_line(LineReader& in, const StepPlace& place);
// pauses, label, goto, lets: the line's second word.
const std::vector<std::string_view>& phone_words_of_steps();
bool read_phone_line(LineReader& in, const StepPlace& place);

// "alice" or "alice/consult": cut apart; false when the second half is no name.
bool cut_call(std::string_view word, std::string& name, std::string& call);

// What a phone that is sent `send` by another one expects; empty when nothing can be said (raw).
std::vector<Pattern> patterns_of(const Send& send);

// Modifiers, for whoever must tell a value from a keyword.
const std::vector<std::string_view>& send_words();
const std::vector<std::string_view>& expect_words();

// Why a regular expression (ECMAScript) cannot be used, its {names} left aside; empty: it can.
inline constexpr std::size_t max_pattern = 500;  // bytes
std::string pattern_error(std::string_view pattern);
// What it takes of the text: its first group or, without a group, all that it matches.
std::optional<std::string> matched(const std::string& text, const std::string& pattern);

// A request's target as one word: quoted where it could be taken for a modifier, or a slip of one.
bool is_clear_target(std::string_view target);
std::string word_of_target(std::string_view target);

bool read_send(LineReader& in, const StepPlace& place, Send& send, Expect* also);
bool read_expect(LineReader& in, Expect& expect);
bool read_media(LineReader& in, MediaStep& media);
bool read_expect_word(LineReader& in, Expect& expect);  // one modifier; false: none of them

}  // namespace sipana::lab
