#include "libsipana/analysis/where.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "libsipana/base/text.h"

namespace sipana::analysis {
namespace {

using Number = std::optional<double>;

Number seconds(const std::optional<Duration>& d) {
    return d ? Number(to_seconds(*d)) : std::nullopt;
}

template <typename Count>
Number of_streams(const Call& c, Count count) {
    double n = 0;
    for (const Stream& s : c.streams) n += double(count(s));
    return n;
}

// What a call has no value of compares with nothing. `time`: seconds, which may be given as 500ms, 2m or 1h.
struct NumberField {
    std::string_view name;
    bool time;
    Number (*value)(const Call&);
};
constexpr std::array numbers{
    NumberField{"final", false, [](const Call& c) { return Number(c.final_code); }},
    NumberField{"duration", true, [](const Call& c) { return seconds(c.duration); }},
    NumberField{"setup", true, [](const Call& c) { return seconds(c.setup); }},
    NumberField{"ring", true, [](const Call& c) { return seconds(c.ring); }},
    NumberField{"pdd", true, [](const Call& c) { return seconds(c.post_dial_delay); }},
    NumberField{"messages", false, [](const Call& c) { return Number(c.message_count); }},
    NumberField{"retransmissions", false, [](const Call& c) { return Number(c.retransmissions); }},
    NumberField{"challenges", false, [](const Call& c) { return Number(c.challenges); }},
    NumberField{"expires", true, [](const Call& c) { return Number(c.expires_s); }},
    NumberField{"legs", false, [](const Call& c) { return Number(double(c.legs.size())); }},
    NumberField{"streams", false, [](const Call& c) { return Number(double(c.streams.size())); }},
    NumberField{"packets", false, [](const Call& c) { return of_streams(c, [](const Stream& s) { return s.packets; }); }},
    NumberField{"lost", false, [](const Call& c) { return of_streams(c, [](const Stream& s) { return s.lost; }); }},
    NumberField{"jitter", false,  // the worst stream's mean, in milliseconds
                [](const Call& c) {
                    Number most;
                    for (const Stream& s : c.streams) most = std::max(most.value_or(0), s.mean_jitter_ms);
                    return most;
                }},
    NumberField{"mos", false,  // the worst stream's
                [](const Call& c) {
                    Number least;
                    for (const Stream& s : c.streams)
                        if (s.mos) least = std::min(least.value_or(*s.mos), *s.mos);
                    return least;
                }},
};

// The names of the JSON members are understood, too.
struct Alias {
    std::string_view other, name;
};
constexpr std::array aliases{
    Alias{"final_code", "final"}, Alias{"duration_s", "duration"}, Alias{"setup_s", "setup"}, Alias{"ring_s", "ring"},
    Alias{"post_dial_delay_s", "pdd"}, Alias{"expires_s", "expires"}, Alias{"jitter_ms", "jitter"},
    Alias{"ended_by", "ended"}, Alias{"final_reason", "reason"},
};

std::string_view ended_by(const Call& c) {
    return c.ended == Ended::by_caller ? "caller" : c.ended == Ended::by_callee ? "callee" : "";
}

struct TextField {
    std::string_view name;
    bool (*any)(const Call&, bool (*test)(std::string_view, std::string_view), std::string_view);
};
using Test = bool (*)(std::string_view, std::string_view);
constexpr std::array texts{
    TextField{"call_id", [](const Call& c, Test t, std::string_view v) { return t(c.call_id, v); }},
    TextField{"kind", [](const Call& c, Test t, std::string_view v) { return t(to_string(c.kind), v); }},
    TextField{"state", [](const Call& c, Test t, std::string_view v) { return t(to_string(c.state), v); }},
    TextField{"ended", [](const Call& c, Test t, std::string_view v) { return t(ended_by(c), v); }},
    TextField{"transport", [](const Call& c, Test t, std::string_view v) { return t(to_string(c.transport), v); }},
    TextField{"request_uri", [](const Call& c, Test t, std::string_view v) { return t(c.request_uri, v); }},
    TextField{"contact", [](const Call& c, Test t, std::string_view v) { return t(c.contact, v); }},
    TextField{"event", [](const Call& c, Test t, std::string_view v) { return t(c.event, v); }},
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

// The words that a field of few values knows; empty for others.
std::vector<std::string_view> words_of(std::string_view field) {
    std::vector<std::string_view> all;
    if (field == "kind")
        for (int i = 0; i <= static_cast<int>(CallKind::other); ++i) all.push_back(to_string(static_cast<CallKind>(i)));
    if (field == "state")
        for (int i = 0; i <= static_cast<int>(CallState::done); ++i) all.push_back(to_string(static_cast<CallState>(i)));
    if (field == "ended") all = {"caller", "callee"};
    return all;
}

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
            } while (keyword("and") || symbol("&&"));
            out.parts.push_back(std::move(all));
        } while (keyword("or") || symbol("||"));
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
        for (const Alias& a : aliases)
            if (out.field == a.other) out.field = a.name;
        const NumberField* number = number_field(out.field);
        if (number == nullptr && text_field(out.field) == nullptr) {
            at_ = begin;
            return fail(fmt::format("expected a field: {}", fmt::join(where_fields(), " ")));
        }
        return operator_and_value(out, number);
    }
    bool operator_and_value(Node& out, const NumberField* number) {
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
        if (number != nullptr ? textual : ordered)
            return fail(fmt::format("'{}' does not fit {}, which holds {}", found->first, out.field,
                                    number != nullptr ? "a number" : "text"));
        blanks();
        const std::size_t begin = at_;
        if (!value(out.value)) return false;
        if (number != nullptr && !read_number(out, number->time)) {
            at_ = begin;
            return fail(number->time ? "expected a number of seconds, or one with ms, s, m or h" : "expected a number");
        }
        const std::vector<std::string_view> words = words_of(out.field);
        const auto is = [&](std::string_view w) { return iequals(w, out.value); };
        if (!textual && !words.empty() && std::none_of(words.begin(), words.end(), is)) {
            at_ = begin;
            return fail(fmt::format("expected one of {}", fmt::join(words, " ")));
        }
        return true;
    }
    static bool read_number(Node& out, bool time) {
        const std::string& text = out.value;
        const auto digits = text.find_first_not_of("0123456789.");
        const auto end = text.data() + std::min(digits, text.size());
        const auto read = std::from_chars(text.data(), end, out.number);
        if (read.ec != std::errc{} || read.ptr != end) return false;
        const std::string_view unit = std::string_view(text).substr(std::min(digits, text.size()));
        if (unit.empty()) return true;
        out.number *= unit == "ms" ? 0.001 : unit == "m" ? 60 : unit == "h" ? 3600 : 1;
        return time && (unit == "ms" || unit == "s" || unit == "m" || unit == "h");
    }
    bool value(std::string& out) {
        if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
            const auto close = text_.find(text_[at_], at_ + 1);
            if (close == text_.npos) return fail(fmt::format("expected a closing {}", text_[at_]));
            out = text_.substr(at_ + 1, close - at_ - 1);
            at_ = close + 1;
            return true;
        }
        const std::size_t begin = at_;
        while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != ')' && text_[at_] != '(' &&
               text_.substr(at_, 2) != "&&" && text_.substr(at_, 2) != "||")
            ++at_;
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
        const Number value = f->value(c);
        if (!value) return false;
        const double v = *value;
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
