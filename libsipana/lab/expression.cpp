#include "libsipana/lab/expression.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "libsipana/base/text.h"
#include "libsipana/lab/asterisk.h"

namespace sipana::lab {
namespace {

std::optional<std::int64_t> integer(std::string_view text) {
    text = trim(text);
    std::int64_t n = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
    if (text.empty() || r.ec != std::errc{} || r.ptr != text.data() + text.size())
        return std::nullopt;
    return n;
}

// ${NAME:offset:length}; negative ones count from the end.
std::string part_of(std::string value, std::string_view range) {
    const auto size = static_cast<std::int64_t>(value.size());
    std::int64_t offset = integer(cut(range, ':')).value_or(0);
    std::int64_t length = integer(range).value_or(size);
    if (offset < 0) offset = size < -offset ? 0 : size + offset;
    offset = std::min(offset, size);
    if (length < 0) length = std::max<std::int64_t>(0, size - offset + std::max(length, -size));
    return value.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
}

class Expander {
public:
    explicit Expander(const Lookup& lookup) : lookup_(lookup) {}

    std::string expand(std::string_view text, unsigned depth) {
        std::string out;
        while (!text.empty() && out.size() < max_expanded) {
            const auto at = text.find('$');
            out += text.substr(0, at);
            if (at == text.npos) break;
            text.remove_prefix(at);
            const char open = text.size() > 1 ? text[1] : '\0';
            const auto end = open == '{' || open == '[' ? closing(text, open) : text.npos;
            if (end == text.npos || depth >= max_expression_depth) {
                out += '$';
                text.remove_prefix(1);
                continue;
            }
            const std::string inside = expand(text.substr(2, end - 2), depth + 1);
            out += open == '[' ? evaluate(inside) : value_of(inside);
            text.remove_prefix(end + 1);
        }
        if (out.size() > max_expanded) out.resize(max_expanded);
        return out;
    }

private:
    // Where what text[1] opens is closed again.
    static std::size_t closing(std::string_view text, char open) {
        const char close = open == '{' ? '}' : ']';
        int depth = 0;
        for (std::size_t i = 1; i < text.size(); ++i) {
            if (text[i] == open) ++depth;
            if (text[i] == close && --depth == 0) return i;
        }
        return text.npos;
    }

    std::string value_of(std::string_view inside) {
        std::string_view name = inside, range;
        const auto parenthesis = inside.find('(');
        const auto end = parenthesis == inside.npos ? inside.npos : inside.rfind(')');
        const auto colon = inside.find(':', end == inside.npos ? 0 : end);
        if (colon != inside.npos) {
            name = inside.substr(0, colon);
            range = inside.substr(colon + 1);
        }
        std::string value = function(name).value_or("");
        return range.empty() ? value : part_of(std::move(value), range);
    }

    std::optional<std::string> function(std::string_view name) {
        const auto open = name.find('(');
        if (open != name.npos && name.ends_with(')')) {
            const auto inside = name.substr(open + 1, name.size() - open - 2);
            const auto called = name.substr(0, open);
            if (called == "LEN") return std::to_string(inside.size());
            if (called == "IF") return choose(inside);
            if (called == "ISNULL") return inside.empty() ? "1" : "0";
        }
        return lookup_ ? lookup_(name) : std::nullopt;
    }

    static std::string choose(std::string_view inside) {  // IF(expression?yes:no)
        const auto mark = inside.find('?');
        if (mark == inside.npos) return "";
        std::string_view no = inside.substr(mark + 1);
        const auto yes = cut(no, ':');
        return std::string(is_truth(trim(inside.substr(0, mark))) ? yes : no);
    }

    const Lookup& lookup_;
};

class Evaluator {
public:
    explicit Evaluator(std::string_view text) : rest_(text) {}

    std::string value() {
        std::string v = disjunction(0);
        return trim(rest_).empty() ? v : std::string();  // not understood: as if there was nothing
    }

private:
    using Level = std::string (Evaluator::*)(unsigned);

    bool take(std::string_view sign) {
        rest_ = rest_.substr(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
        if (!rest_.starts_with(sign)) return false;
        rest_.remove_prefix(sign.size());
        return true;
    }

    std::string disjunction(unsigned depth) {
        std::string left = conjunction(depth);
        while (take("|")) {
            std::string right = conjunction(depth);
            if (!is_truth(left)) left = std::move(right);
        }
        return left;
    }
    std::string conjunction(unsigned depth) {
        std::string left = comparison(depth);
        while (take("&")) {
            const std::string right = comparison(depth);
            if (!is_truth(left) || !is_truth(right)) left = "0";
        }
        return left;
    }
    std::string comparison(unsigned depth) {
        std::string left = sum(depth);
        for (;;) {
            // The longer signs first.
            static constexpr std::string_view signs[] = {"!=", "<=", ">=", "==", "=", "<", ">"};
            const auto* sign = std::find_if(std::begin(signs), std::end(signs),
                                            [&](std::string_view s) { return take(s); });
            if (sign == std::end(signs)) return left;
            const std::string right = sum(depth);
            left = compare(left, *sign, right) ? "1" : "0";
        }
    }
    static bool compare(std::string_view a, std::string_view sign, std::string_view b) {
        const auto x = integer(a), y = integer(b);
        const int order = x && y ? (*x < *y ? -1 : *x > *y) : a.compare(b);
        if (sign == "!=") return order != 0;
        if (sign == "<=") return order <= 0;
        if (sign == ">=") return order >= 0;
        if (sign == "<") return order < 0;
        if (sign == ">") return order > 0;
        return order == 0;
    }
    std::string sum(unsigned depth) {
        std::string left = product(depth);
        for (;;) {
            const char sign = take("+") ? '+' : take("-") ? '-' : '\0';
            if (sign == '\0') return left;
            left = calculate(left, sign, product(depth));
        }
    }
    std::string product(unsigned depth) {
        std::string left = operand(depth);
        for (;;) {
            const char sign = take("*") ? '*' : take("/") ? '/' : take("%") ? '%' : '\0';
            if (sign == '\0') return left;
            left = calculate(left, sign, operand(depth));
        }
    }
    // Unsigned, so that it wraps where it overflows; what cannot be calculated is 0.
    static std::string calculate(std::string_view a, char sign, std::string_view b) {
        const auto x = integer(a), y = integer(b);
        if (!x || !y) return "0";
        const auto u = static_cast<std::uint64_t>(*x), v = static_cast<std::uint64_t>(*y);
        if (sign == '+') return std::to_string(static_cast<std::int64_t>(u + v));
        if (sign == '-') return std::to_string(static_cast<std::int64_t>(u - v));
        if (sign == '*') return std::to_string(static_cast<std::int64_t>(u * v));
        if (*y == 0 || (*y == -1 && *x == INT64_MIN)) return "0";
        return std::to_string(sign == '/' ? *x / *y : *x % *y);
    }

    std::string operand(unsigned depth) {
        if (depth >= max_expression_depth) {
            rest_ = {};
            return "";
        }
        take("");                                // passes over blanks
        if (rest_.starts_with("!=")) return "";  // nothing stands left of it
        if (take("!")) return is_truth(operand(depth + 1)) ? "0" : "1";
        if (take("(")) {
            std::string inside = disjunction(depth + 1);
            take(")");
            return inside;
        }
        if (take("\"")) {
            std::string_view after = rest_;
            std::string text(cut(after, '"'));
            rest_ = after;
            return text;
        }
        std::string_view word = rest_.substr(0, 0);
        if (take("-")) word = "-";
        const auto end = std::min(rest_.find_first_of(" \t\r\n|&=!<>+*/%()-\""), rest_.size());
        std::string text = std::string(word) + std::string(rest_.substr(0, end));
        rest_.remove_prefix(end);
        return text;
    }

    std::string_view rest_;
};

}  // namespace

std::string expand(std::string_view text, const Lookup& lookup) {
    return Expander(lookup).expand(text, 0);
}

std::string evaluate(std::string_view expression) { return Evaluator(expression).value(); }

bool is_truth(std::string_view value) {
    value = trim(value);
    if (value.empty()) return false;
    const auto n = integer(value);
    return !n || *n != 0;
}

}  // namespace sipana::lab
