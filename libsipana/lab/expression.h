// Expressions of a dialplan: ${variables}, ${FUNCTIONS(arguments)}, ${parts:1:2} and $[sums].
//
// No state: whoever calls says what a name stands for. Hostile texts are bounded by
// max_expression_depth and max_expanded; what is beyond is left out.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sipana::lab {

inline constexpr unsigned max_expression_depth = 16;
inline constexpr std::size_t max_expanded = 8192;  // bytes

// The value of "EXTEN", "CALLERID(num)"; nullopt: unknown, which is an empty text.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

// `text` with its ${...} and $[...] replaced.
std::string expand(std::string_view text, const Lookup& lookup);
// What stands between "$[" and "]", after expand(): | & = != < > <= >= + - * / % ! and parentheses;
// numbers are compared as numbers, anything else as text. Truth is 1, untruth 0.
std::string evaluate(std::string_view expression);
// Neither empty nor 0.
bool is_truth(std::string_view value);

}  // namespace sipana::lab
