// Where: expressions that choose calls, "final>=400 and from~alice" (docs/report-format.md, "Choosing calls").
//
//   expression = and-part *(("or" / "||") and-part)      and-part = part *(("and" / "&&") part)
//   part       = "not" part / "(" expression ")" / field operator value
//   operator   = "=" "!=" "<" "<=" ">" ">=" "~" (contains, case ignored) "!~"
//   value      = word / '"' anything but '"' '"' / "'" anything but "'" "'"
//
// Where a call has no such number (the duration of one that nobody answered), no comparison holds.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/analysis/model.h"
#include "libsipana/base/result.h"

namespace sipana::analysis {

class Where {
public:
    // The offset of an Error is the column (0-based) where the expression stops making sense.
    static Result<Where> parse(std::string_view expression);

    bool matches(const Call& call) const;

private:
    enum class Op : std::uint8_t { all, any, negate, equal, unequal, less, at_most, more, at_least, contains, lacks };
    struct Node {
        Op op = Op::all;
        std::string field, value;
        double number = 0;  // of a numeric field's value, times in seconds
        std::vector<Node> parts;
    };
    class Parser;
    static bool holds(const Node& node, const Call& call);

    Node root_;
};

// The fields that expressions may name, for help texts.
std::vector<std::string_view> where_fields();

}  // namespace sipana::analysis
