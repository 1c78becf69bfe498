// Declarations: the lines of a script that say who there is and on what ground
// (docs/scenario-format.md, "Declarations").
#pragma once

#include <string_view>
#include <vector>

#include "libsipana/lab/script.h"
#include "libsipana/lab/script_reader.h"

namespace sipana::lab {

inline constexpr std::size_t max_parties = 1000;    // phones and servers
inline constexpr std::size_t max_rows = 1'000'000;  // of a dataset

// The words that declarations begin with.
const std::vector<std::string_view>& declaration_words();
// Phones and servers, which other lines may name before they are declared: read first.
bool is_party(const Line& line);
bool declare_party(LineReader& in, Script& script);
// Any other declaration, its first word taken by nobody yet.
bool declare(LineReader& in, Script& script, const Loader& load);

// A word that says more of a phone, and so is no user unless it is quoted.
bool begins_phone_setting(std::string_view word);

// A SIPp dataset: fields parted by semicolons, the first line SEQUENTIAL, RANDOM or USER, #
// comments.
Result<std::vector<std::vector<std::string>>> parse_rows(std::string_view text);

// A name of one of our phones or servers, as the expectation of an error message.
std::string parties_of(const Script& script);
std::vector<std::string_view> party_names(const Script& script);

// What a file holds; complains at the file's name, the word that was taken last.
bool load_file(LineReader& in, const Loader& load, std::string& out);

Result<Transport> transport_of(std::string_view word);

}  // namespace sipana::lab
