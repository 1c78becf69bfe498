#include "libsipana/analysis/where.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "libsipana/base/text.h"

namespace sipana::analysis {
namespace {

double seconds(const std::optional<Duration>& d) { return d ? to_seconds(*d) : 0; }

struct NumberField {
    std::string_view name;
    double (*value)(const Call&);
};
constexpr std::array numbers{
    NumberField{"final", [](const Call& c) { return double(c.final_code); }},
    NumberField{"duration", [](const Call& c) { return seconds(c.duration); }},
    NumberField{"setup", [](const Call& c) { return seconds(c.setup); }},
    NumberField{"ring", [](const Call& c) { return seconds(c.ring); }},
    NumberField{"pdd", [](const Call& c) { return seconds(c.post_dial_delay); }},
    NumberField{"messages", [](const Call& c) { return double(c.message_count); }},
    NumberField{"retransmissions", [](const Call& c) { return double(c.retransmissions); }},
    NumberField{"legs", [](const Call& c) { return double(c.legs.size()); }},
    NumberField{"streams", [](const Call& c) { return double(c.streams.size()); }},
    NumberField{"packets",
                [](const Call& c) {
                    double n = 0;
                    for (const Stream& s : c.streams) n += double(s.packets);
                    return n;
                }},
    NumberField{"lost",
                [](const Call& c) {
                    double n = 0;
                    for (const Stream& s : c.streams) n += double(s.lost);
                    return n;
                }},
    NumberField{"jitter",  // the worst stream's mean, in milliseconds
                [](const Call& c) {
                    double most = 0;
                    for (const Stream& s : c.streams) most = std::max(most, s.mean_jitter_ms);
                    return most;
                }},
};

struct TextField {
    std::string_view name;
    bool (*any)(const Call&, bool (*test)(std::string_view, std::string_view), std::string_view);
};
using Test = bool (*)(std::string_view, std::string_view);
constexpr std::array texts{
    TextField{"call_id", [](const Call& c, Test t, std::string_view v) { return t(c.call_id, v); }},
    TextField{"kind", [](const Call& c, Test t, std::string_view v) { return t(to_string(c.kind), v); }},
    TextField{"state", [](const Call& c, Test t, std::string_view v) { return t(to_string(c.state), v); }},
    TextField{"from",
              [](const Call& c, Test t, std::string_view v) {
                  return t(c.from.uri, v) || t(c.from.user, v) || t(c.from.display, v);
              }},
    TextField{"to",
              [](const Call& c, Test t, std::string_view v) {
                  return t(c.to.uri, v) || t(c.to.user, v) || t(c.to.display, v);
              }},
    TextField{"host",
              [](const Call& c, Test t, std::string_view v) {
                  return t(c.caller.to_string(), v) || t(c.callee.to_string(), v) ||
                         t(c.caller.address.to_string(), v) || t(c.callee.address.to_string(), v);
              }},
    TextField{"agent",
              [](const Call& c, Test t, std::string_view v) {
                  return t(c.caller_agent, v) || t(c.callee_agent, v);
              }},
    TextField{"reason",
              [](const Call& c, Test t, std::string_view v) {
                  return t(c.final_reason, v) || t(c.reason_header, v);
              }},
    TextField{"codec",
              [](const Call& c, Test t, std::string_view v) {
                  return std::any_of(c.streams.begin(), c.streams.end(),
                                     [&](const Stream& s) { return t(s.codec, v); });
              }},
};

bool holds_text(std::string_view text, std::string_view part) {
    if (part.empty()) return true;
    for (std::size_t i = 0; i + part.size() <= text.size(); ++i)
        if (iequals(text.substr(i, part.size()), part)) return true;
    return false;
}

const NumberField* number_field(std::string_view name) {
    const auto it = std::find_if(numbers.begin(), numbers.end(),
                                 [&](const NumberField& f) { return f.name == name; });
    return it == numbers.end() ? nullptr : &*it;
}

const TextField* text_field(std::string_view name) {
    const auto it =
        std::find_if(texts.begin(), texts.end(), [&](const TextField& f) { return f.name == name; });
    return it == texts.end() ? nullptr : &*it;
}

}  // namespace

class Where::Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<Node> parse() {
        Node root;
        if (!expression(root, 0)) return error();
        blanks();
        if (at_ != text_.size()) {
            fail("expected 'and', 'or' or the end");
            return error();
        }
        return root;
    }

private:
    static constexpr int most_depth = 50;

    Error error() const { return {Errc::malformed, at_, what_}; }
    bool fail(std::string what) {
        if (what_.empty()) what_ = std::move(what);
        return false;
    }
    void blanks() {
        while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    }
    bool symbol(std::string_view s) {
        blanks();
        if (text_.substr(at_, s.size()) != s) return false;
        at_ += s.size();
        return true;
    }
    bool keyword(std::string_view word) {
        blanks();
        const std::size_t end = at_ + word.size();
        if (!iequals(text_.substr(at_, word.size()), word)) return false;
        if (end < text_.size() && (is_alpha(text_[end]) || text_[end] == '_')) return false;
        at_ = end;
        return true;
    }
    bool expression(Node& out, int depth) {
        if (depth > most_depth) return fail("too many parentheses");
        out.op = Op::any;
        do {
            Node all;
            do {
                if (!part(all.parts.emplace_back(), depth)) return false;
            } while (keyword("and"));
            out.parts.push_back(std::move(all));
        } while (keyword("or"));
        return true;
    }
    bool part(Node& out, int depth) {
        if (keyword("not")) {
            if (depth > most_depth) return fail("too many times 'not'");
            out.op = Op::negate;
            return part(out.parts.emplace_back(), depth + 1);
        }
        if (symbol("(")) return expression(out, depth + 1) && (symbol(")") || fail("expected ')'"));
        blanks();
        const std::size_t begin = at_;
        while (at_ < text_.size() && (is_alpha(text_[at_]) || text_[at_] == '_')) ++at_;
        out.field = lowered(text_.substr(begin, at_ - begin));
        if (out.field == "final_code") out.field = "final";
        const bool number = number_field(out.field) != nullptr;
        if (!number && text_field(out.field) == nullptr) {
            at_ = begin;
            return fail(fmt::format("expected a field: {}", fmt::join(where_fields(), " ")));
        }
        return operator_and_value(out, number);
    }
    bool operator_and_value(Node& out, bool number) {
        static constexpr std::array<std::pair<std::string_view, Op>, 9> operators{{
            {"!=", Op::unequal}, {"<=", Op::at_most}, {">=", Op::at_least}, {"!~", Op::lacks},
            {"==", Op::equal},   {"=", Op::equal},    {"<", Op::less},      {">", Op::more},
            {"~", Op::contains}}};
        const auto found = std::find_if(operators.begin(), operators.end(),
                                        [&](const auto& o) { return symbol(o.first); });
        if (found == operators.end()) return fail("expected one of = != < <= > >= ~ !~");
        out.op = found->second;
        const bool textual = out.op == Op::contains || out.op == Op::lacks;
        const bool ordered = !textual && out.op != Op::equal && out.op != Op::unequal;
        if (number ? textual : ordered)
            return fail(fmt::format("'{}' does not fit {}, which holds {}", found->first, out.field,
                                    number ? "a number" : "text"));
        blanks();
        const std::size_t begin = at_;
        if (!value(out.value)) return false;
        if (number) {
            char* end = nullptr;
            out.number = std::strtod(out.value.c_str(), &end);
            if (out.value.empty() || *end != 0) {
                at_ = begin;
                return fail("expected a number");
            }
        }
        return true;
    }
    bool value(std::string& out) {
        if (at_ < text_.size() && text_[at_] == '"') {
            const auto close = text_.find('"', at_ + 1);
            if (close == text_.npos) return fail("expected a closing '\"'");
            out = text_.substr(at_ + 1, close - at_ - 1);
            at_ = close + 1;
            return true;
        }
        const std::size_t begin = at_;
        while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != ')' && text_[at_] != '(') ++at_;
        out = text_.substr(begin, at_ - begin);
        return !out.empty() || fail("expected a value");
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string what_;
};

Result<Where> Where::parse(std::string_view expression) {
    Result<Node> root = Parser(expression).parse();
    if (!root) return root.error();
    Where where;
    where.root_ = std::move(*root);
    return where;
}

bool Where::matches(const Call& call) const { return holds(root_, call); }

bool Where::holds(const Node& n, const Call& c) {
    const auto part = [&](const Node& p) { return holds(p, c); };
    switch (n.op) {
        case Op::all: return std::all_of(n.parts.begin(), n.parts.end(), part);
        case Op::any: return std::any_of(n.parts.begin(), n.parts.end(), part);
        case Op::negate: return !holds(n.parts.front(), c);
        default: break;
    }
    if (const NumberField* f = number_field(n.field)) {
        const double v = f->value(c);
        switch (n.op) {
            case Op::equal: return !(v < n.number) && !(v > n.number);
            case Op::unequal: return v < n.number || v > n.number;
            case Op::less: return v < n.number;
            case Op::at_most: return v <= n.number;
            case Op::more: return v > n.number;
            default: return v >= n.number;
        }
    }
    const TextField* f = text_field(n.field);
    switch (n.op) {
        case Op::equal: return f->any(c, iequals, n.value);
        case Op::unequal: return !f->any(c, iequals, n.value);
        case Op::contains: return f->any(c, holds_text, n.value);
        default: return !f->any(c, holds_text, n.value);
    }
}

std::vector<std::string_view> where_fields() {
    std::vector<std::string_view> all;
    for (const TextField& f : texts) all.push_back(f.name);
    for (const NumberField& f : numbers) all.push_back(f.name);
    return all;
}

}  // namespace sipana::analysis
