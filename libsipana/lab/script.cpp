#include "libsipana/lab/script.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/lab/claim.h"
#include "libsipana/lab/program_rules.h"
#include "libsipana/lab/script_declarations.h"
#include "libsipana/lab/script_reader.h"
#include "libsipana/lab/script_steps.h"
#include "libsipana/lab/script_verbs.h"
#include "libsipana/lab/verdict.h"

namespace sipana::lab {
namespace {

constexpr std::size_t max_steps = 100'000;  // after `repeat`
constexpr std::uint32_t max_rounds = 10'000;
constexpr std::size_t max_nesting = 16;
constexpr std::size_t max_checks = 10'000;

class Parser {
public:
    Parser(std::string_view name, const Loader& load) : load_(load) { script_.name = name; }

    Result<Script> parse(std::string_view text) {
        auto lines = split_lines(text);
        if (!lines) return lines.error();
        for (const Line& line : lines->lines) {
            LineReader in(line, error_);
            if (is_party(line) && !declare_party(in, script_)) return *error_;
        }
        if (!check_domains()) return *error_;
        for (const Line& line : lines->lines)
            if (!is_party(line) && !read_line(line)) return *error_;
        if (!open_.empty()) {
            const Open& o = open_.back();
            return error_at(
                o.where, o.offset,
                fmt::format("expected an 'end' of this {}", o.rounds > 0 ? "repeat" : "any order"));
        }
        if (!check_labels() || !check_programs()) return *error_;
        if (script_.title.empty()) script_.title = lines->first_comment;
        return std::move(script_);
    }

private:
    struct Open {                  // repeat or any order, not ended yet
        std::uint32_t rounds = 0;  // 0: any order
        std::size_t first_step = 0;
        std::uint32_t blocks_before = 0;
        Position where;
        std::size_t offset = 0;
    };

    bool read_line(const Line& line) {
        LineReader in(line, error_);
        const Word& first = *in.peek();
        const auto& declarations = declaration_words();
        const bool declares = std::any_of(declarations.begin(), declarations.end(),
                                          [&](std::string_view w) { return first.is(w); });
        if ((declares || first.is("check")) && !open_.empty())
            return in.fail_at(first, fmt::format("expected a step or 'end': '{}' stands outside of "
                                                 "repeat and any order",
                                                 first.text));
        if (declares) return declare(in, script_, load_);
        if (in.keyword("check")) return read_check(in);
        if (in.keyword("repeat")) return open_repeat(in, first);
        if (in.keyword("any")) return open_any_order(in, first);
        if (in.keyword("end")) return close(in, first);
        return read_steps(in, first);
    }

    bool read_check(LineReader& in) {
        CheckLine c;
        c.where = in.line().where;
        c.text = text_of(in.line());
        if (in.at_end()) return in.expected("what to check");
        if (script_.checks.size() == max_checks) return in.expected("at most 10000 checks");
        while (const Word* w = in.take()) c.words.push_back(w->text);
        if (const auto claim = parse_claim(c.words); !claim) {
            const auto& words = in.line().words;
            const Word& w = words[std::min(claim.error().offset + 1, words.size() - 1)];
            return in.fail_at(w, claim.error().what);
        }
        if (const Status known = check_syntax(c, &script_); !known) {
            error_ = known.error();
            return false;
        }
        script_.checks.push_back(std::move(c));
        return true;
    }

    bool nest(LineReader& in, const Word& first, std::uint32_t rounds) {
        if (open_.size() == max_nesting)
            return in.fail_at(first, "expected at most 16 levels of repeat", Errc::too_large);
        open_.push_back({rounds, script_.steps.size(), last_block_, first.where, first.offset});
        return in.end();
    }
    bool open_repeat(LineReader& in, const Word& first) {
        std::uint32_t rounds = 0;
        return in.number(rounds, 1u, max_rounds, "how often (1 to 10000)") &&
               nest(in, first, rounds);
    }
    bool open_any_order(LineReader& in, const Word& first) {
        if (!in.must("order")) return false;
        if (block_ != 0) return in.fail_at(first, "expected no 'any order' within another one");
        if (!nest(in, first, 0)) return false;
        block_ = ++last_block_;
        return true;
    }
    bool close(LineReader& in, const Word& first) {
        if (open_.empty()) return in.fail_at(first, "expected no 'end': nothing is open here");
        const Open o = open_.back();
        open_.pop_back();
        if (o.rounds != 0) return repeat(in, first, o) && in.end();
        block_ = 0;
        if (script_.steps.size() == o.first_step) last_block_ = o.blocks_before;  // an empty one
        return in.end();
    }
    bool repeat(LineReader& in, const Word& first, const Open& o) {
        const std::size_t end = script_.steps.size(), count = end - o.first_step;
        if (end + count * (o.rounds - 1) > max_steps)
            return in.fail_at(first, "expected at most 100000 steps in all", Errc::too_large);
        const std::uint32_t blocks = last_block_ - o.blocks_before;
        script_.steps.reserve(end + count * (o.rounds - 1));
        for (std::uint32_t round = 1; round < o.rounds; ++round) {
            for (std::size_t i = o.first_step; i < end; ++i) {
                Step copy = script_.steps[i];
                if (copy.block > o.blocks_before) copy.block += round * blocks;
                script_.steps.push_back(std::move(copy));
            }
            last_block_ += blocks;
        }
        return true;
    }

    bool read_steps(LineReader& in, const Word& first) {
        const Word* second = in.peek(1);
        const StepPlace place{script_, load_, block_, last_block_, script_.steps};
        const std::size_t before = script_.steps.size();
        bool good = false;
        if (second && (second->is("<-") || second->is("<=") || second->is("-->"))) {
            good =
                in.fail_at(*second, fmt::format("expected the arrow -> from the one who sends, got "
                                                "\"{}\"",
                                                second->text));
        } else if (second && is_arrow(*second)) {
            good = read_arrow_line(in, place);
        } else if (is_phone(first)) {
            const auto& words = phone_words_of_steps();
            const bool plain = second && std::any_of(words.begin(), words.end(),
                                                     [&](auto w) { return second->is(w); });
            good = plain ? read_phone_line(in, place) : verbs_.read(in, place);
        } else {
            good = unknown(in, first);
        }
        if (good && script_.steps.size() > max_steps)
            return in.fail_at(first, "expected at most 100000 steps in all", Errc::too_large);
        for (std::size_t i = before; good && i < script_.steps.size(); ++i)
            verbs_.observe(script_.steps[i]);
        return good;
    }

    bool is_phone(const Word& word) const {
        std::string name, call;
        return !word.quoted && cut_call(word.text, name, call) && script_.phone(name) != nullptr;
    }

    bool unknown(LineReader& in, const Word& first) {
        if (script_.server(first.text) && !first.quoted) {
            in.take();
            return in.expected("an arrow (->): a server does nothing by itself");
        }
        std::vector<std::string_view> known = declaration_words();
        known.insert(known.end(), {"check", "repeat", "any", "end"});
        const std::string declared = listed(known);
        const auto names = party_names(script_);
        known.insert(known.end(), names.begin(), names.end());
        return in.expected(
            fmt::format("a line that begins with {}, or with {}", declared, parties_of(script_)),
            known);
    }

    // "100@a": a slip of the server's name would become the name of a host.
    bool check_domains() {
        for (const PhoneLine& p : script_.phones) {
            if (p.domain.empty() || script_.server(p.domain)) continue;
            for (const ServerLine& s : script_.servers)
                if (iequals(s.name, p.domain)) {
                    error_ = error_at(p.where, 0,
                                      fmt::format("expected the server {} behind the @ of "
                                                  "{}, got \"{}\"",
                                                  s.name, p.name, printable(p.domain)));
                    return false;
                }
        }
        return true;
    }

    // Labels belong to a phone, stand once, and whoever jumps must land.
    bool check_labels() {
        std::vector<std::pair<std::string_view, std::string_view>> labels;
        for (const Step& s : script_.steps)
            if (const auto* l = std::get_if<Label>(&s.what)) labels.emplace_back(s.phone, l->name);
        std::sort(labels.begin(), labels.end());
        const auto twice = std::adjacent_find(labels.begin(), labels.end());
        for (const Step& s : script_.steps) {
            const auto* l = std::get_if<Label>(&s.what);
            if (l && twice != labels.end() && s.phone == twice->first && l->name == twice->second)
                return complain(s,
                                fmt::format("expected the label '{}' once for {} (a repeated line "
                                            "stands several times)",
                                            l->name, s.phone));
            std::vector<std::string_view> targets;
            if (const auto* j = std::get_if<Jump>(&s.what)) targets = {j->label};
            if (const auto* e = std::get_if<Expect>(&s.what)) targets = {e->jump, e->otherwise};
            for (std::string_view t : targets)
                if (!t.empty() && !std::binary_search(labels.begin(), labels.end(),
                                                      std::pair{std::string_view(s.phone), t}))
                    return complain(s, fmt::format("expected a label of {}, it has none named '{}'",
                                                   s.phone, t));
        }
        return true;
    }
    // What a program that plays a phone cannot do.
    bool check_programs() {
        for (const PhoneLine& p : script_.phones) {
            if (p.program.empty()) continue;
            if (const Status can = program_can(p); !can) {
                error_ = error_at(p.where, 0, can.error().what);
                return false;
            }
            for (const Step& s : script_.steps)
                if (s.phone == p.name)
                    if (const Status can = program_can(p, s); !can)
                        return complain(s, can.error().what);
        }
        return true;
    }
    bool complain(const Step& s, std::string_view what) {
        error_ = error_at(s.where, 0, what);
        return false;
    }

    const Loader& load_;
    Script script_;
    std::optional<Error> error_;
    std::vector<Open> open_;
    std::uint32_t block_ = 0, last_block_ = 0;
    Verbs verbs_{script_};
};

}  // namespace

const PhoneLine* Script::phone(std::string_view phone_name) const {
    const auto it = std::find_if(phones.begin(), phones.end(),
                                 [&](const PhoneLine& p) { return p.name == phone_name; });
    return it == phones.end() ? nullptr : &*it;
}

const ServerLine* Script::server(std::string_view server_name) const {
    const auto it = std::find_if(servers.begin(), servers.end(),
                                 [&](const ServerLine& s) { return s.name == server_name; });
    return it == servers.end() ? nullptr : &*it;
}

bool Step::operator==(const Step& o) const {
    return phone == o.phone && peer == o.peer && call == o.call && block == o.block &&
           what == o.what;
}

bool CheckLine::operator==(const CheckLine& o) const { return words == o.words; }

Result<Script> parse_script(std::string_view text, std::string_view name, const Loader& load) {
    return Parser(name, load).parse(text);
}

}  // namespace sipana::lab
