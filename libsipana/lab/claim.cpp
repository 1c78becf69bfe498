#include "libsipana/lab/claim.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "libsipana/base/text.h"
#include "libsipana/sip/message.h"

namespace sipana::lab {
namespace {

using What = Claim::What;

// Words that begin a claim. Those with a span of one unit and nothing else say so here.
struct Measured {
    std::string_view word;
    What what;
    Unit unit;
};
constexpr std::array measured{
    Measured{"duration", What::duration, Unit::duration},
    Measured{"setup", What::setup, Unit::duration},
    Measured{"ringing", What::ringing, Unit::duration},
    Measured{"delay", What::delay, Unit::duration},
    Measured{"expires", What::expires, Unit::duration},
    Measured{"calls", What::calls, Unit::count},
    Measured{"dialogs", What::dialogs, Unit::count},
    Measured{"challenges", What::challenges, Unit::count},
    Measured{"loss", What::loss, Unit::percent},
    Measured{"jitter", What::jitter, Unit::duration},
    Measured{"gap", What::gap, Unit::duration},
    Measured{"packets", What::packets, Unit::count},
    Measured{"frames", What::frames, Unit::count},
};
constexpr std::array<std::string_view, 17> other_words{
    "final",    "state", "ended", "messages", "retransmissions", "flow", "time",
    "header",   "body",  "hears", "heard",    "codec",           "key",  "rtcp",
    "findings", "no",    "video"};
constexpr std::array<std::string_view, 16> states{
    "trying",   "ringing",      "answered",   "completed", "cancelled",  "busy",
    "declined", "redirected",   "challenged", "failed",    "unanswered", "registered",
    "active",   "unregistered", "terminated", "done"};

bool is_keyword(std::string_view word) {
    if (word == "audio") return true;
    for (const Measured& m : measured)
        if (m.word == word) return true;
    return std::find(other_words.begin(), other_words.end(), word) != other_words.end();
}

class Parser {
public:
    explicit Parser(std::span<const std::string> words) : words_(words) {}
    Result<Claim> parse();

private:
    bool more() const { return at_ < words_.size(); }
    std::string_view peek() const { return more() ? std::string_view(words_[at_]) : ""; }
    std::string_view next() { return words_[at_++]; }
    bool take(std::string_view word) {
        if (!more() || peek() != word) return false;
        ++at_;
        return true;
    }
    Error expected(std::string_view what) const {
        return {Errc::malformed, at_,
                more() ? fmt::format("expected {}, found '{}'", what, peek())
                       : fmt::format("expected {}, found the end of the line", what)};
    }
    Status done(Status so_far = Done{}) const {
        if (!so_far) return so_far;
        if (more()) return expected("the end of the line");
        return Done{};
    }
    static Subject named(std::string_view word);
    Status subject(Claim& claim);
    Status claim(Claim& claim);
    Status name(std::string& to, std::string_view what);
    Status span(Claim& claim, Unit unit);
    Status pattern(Claim& claim);
    Status for_method(Claim& claim);
    Status final_code(Claim& claim);
    Status counted(Claim& claim);
    Status flow(Claim& claim);
    Status where(Claim& claim, bool header);
    Status hears(Claim& claim);
    Status tone(Span& span);
    Status before(Claim& claim);
    Status heard(Claim& claim);
    Status findings(Claim& claim);

    std::span<const std::string> words_;
    std::size_t at_ = 0;
};

Subject Parser::named(std::string_view word) {
    Subject s;
    const auto slash = word.find('/');
    s.name = word.substr(0, slash);
    if (slash != word.npos) s.call = word.substr(slash + 1);
    return s;
}

// Nothing, "alice", "alice/2", "alice -> bob", "alice->bob".
Status Parser::subject(Claim& claim) {
    if (!more()) return expected("what is checked");
    if (is_keyword(peek())) return Done{};
    const std::string_view word = peek();
    const auto arrow = word.find("->");
    if (arrow == 0) return expected("a name before ->");
    ++at_;
    claim.subject = named(word.substr(0, arrow));
    if (claim.subject.name.empty()) {
        --at_;
        return expected("a name");
    }
    std::string_view to;
    if (arrow != word.npos) {
        to = word.substr(arrow + 2);
    } else {
        if (!take("->")) return Done{};
        if (!more()) return expected("a name after ->");
        to = next();
    }
    if (to.empty() && more()) to = next();
    if (to.empty()) return expected("a name after ->");
    claim.subject.to = to;
    return Done{};
}

Status Parser::name(std::string& to, std::string_view what) {
    if (!more()) return expected(what);
    to = next();
    return Done{};
}

// All words that are left as one span: "< 1%" may be two words.
Status Parser::span(Claim& claim, Unit unit) {
    std::string text;
    const std::size_t began = at_;
    while (more()) text += next();
    auto span = parse_span(text, unit);
    if (!span) {
        at_ = began;
        return expected(span.error().what);
    }
    claim.span = std::move(*span);
    return Done{};
}

Status Parser::pattern(Claim& claim) {
    const auto p = parse_pattern(peek());
    if (!p) return expected("a method, a code, a class such as 4xx, or any");
    ++at_;
    claim.patterns.push_back(*p);
    return Done{};
}

Status Parser::for_method(Claim& claim) {
    if (!take("for")) return Done{};
    const auto p = parse_pattern(peek());
    if (!p || p->method.empty()) return expected("a method");
    ++at_;
    claim.method = p->method;
    return Done{};
}

// final 486 | final 486 600 for INVITE | final none
Status Parser::final_code(Claim& claim) {
    claim.what = What::final;
    if (take("none")) {
        claim.text = "none";
    } else {
        do {
            const auto p = parse_pattern(peek());
            if (!p || !p->method.empty() || p->last == 0)
                return expected("a code, a class such as 4xx, or none");
            ++at_;
            claim.patterns.push_back(*p);
        } while (more() && peek() != "for");
    }
    return done(for_method(claim));
}

// messages PATTERN [for METHOD] N | retransmissions [PATTERN [for METHOD]] N
Status Parser::counted(Claim& claim) {
    const bool needed = claim.what == What::messages;
    const bool number =
        !peek().empty() && (is_digit(peek()[0]) || peek()[0] == '<' || peek()[0] == '>');
    // "messages 486 3" and "retransmissions 3": a number alone is the count.
    const bool alone = number && at_ + 1 == words_.size();
    if (needed || (!alone && parse_pattern(peek()))) {
        if (auto s = pattern(claim); !s) return s;
        if (auto s = for_method(claim); !s) return s;
    }
    return span(claim, Unit::count);
}

Status Parser::flow(Claim& claim) {
    claim.what = What::flow;
    if (!more()) return expected("the messages, such as INVITE 100? 180 200 ACK");
    while (more()) {
        FlowItem item;
        item.text = peek();
        std::string_view word = peek();
        if (word == "...") {
            item.how = FlowItem::How::any;
        } else {
            if (word.ends_with('?') || word.ends_with('+')) {
                item.how = word.back() == '?' ? FlowItem::How::optional : FlowItem::How::repeated;
                word.remove_suffix(1);
            }
            const auto p = parse_pattern(word);
            if (!p) return expected("a method, a code, a class such as 4xx, any, or ...");
            item.pattern = *p;
        }
        ++at_;
        claim.flow.push_back(std::move(item));
    }
    return Done{};
}

// header INVITE Contact matches "..." | body INVITE contains "..."
Status Parser::where(Claim& claim, bool header) {
    using Test = Where::Test;
    if (auto s = pattern(claim); !s) return s;
    if (auto s = for_method(claim); !s) return s;
    if (header)
        if (auto s = name(claim.where.header, "a header's name"); !s) return s;
    if (take("present")) {
        claim.where.test = Test::present;
    } else if (take("absent")) {
        claim.where.test = Test::absent;
    } else {
        if (take("is"))
            claim.where.test = Test::is;
        else if (take("matches"))
            claim.where.test = Test::matches;
        else if (take("contains"))
            claim.where.test = Test::contains;
        else
            return expected("present, absent, is, matches or contains");
        const std::size_t at = at_;
        if (auto s = name(claim.where.value, "a text"); !s) return s;
        if (claim.where.test == Test::matches)
            if (auto r = found_in("", claim.where.value); !r) {
                Error e = r.error();
                e.offset = at;
                return e;
            }
    }
    return done();
}

Status Parser::tone(Span& span) {
    std::string text;
    const std::size_t began = at_;
    while (more() && peek() != "from" && peek() != "for" && peek() != "and") text += next();
    auto parsed = parse_span(text, Unit::hertz);
    if (!parsed) {
        at_ = began;
        return expected("a tone such as 440Hz, no 440Hz, sound, nothing or silence");
    }
    span = std::move(*parsed);
    constexpr double tolerance = 10;  // Hz, where none is named
    if (span.least == span.most) {
        span.least -= tolerance;
        span.most += tolerance;
    }
    return Done{};
}

// hears 440Hz [and 580Hz]... [from alice] [for 2s] | hears no 440Hz [and 580Hz]... [from alice]
// hears sound [from alice] [for 2s] | hears nothing | hears silence
Status Parser::hears(Claim& claim) {
    if (take("nothing")) {
        claim.what = What::hears_nothing;
    } else if (take("silence")) {
        claim.what = What::hears_silence;
    } else if (take("sound")) {
        claim.what = What::hears_sound;
    } else {
        claim.what = take("no") ? What::hears_no : What::hears;
        if (auto s = tone(claim.span); !s) return s;
        while (take("and"))
            if (auto s = tone(claim.also.emplace_back()); !s) return s;
    }
    if (take("from"))
        if (auto s = name(claim.from, "a name"); !s) return s;
    if ((claim.what == What::hears || claim.what == What::hears_sound) && take("for")) {
        const auto length = parse_span(peek(), Unit::duration);
        if (!length || length->least != length->most) return expected("a duration such as 2s");
        ++at_;
        claim.length = Duration{static_cast<std::int64_t>(length->least * 1e6)};
    }
    return done();
}

// carol INVITE before erin INVITE
Status Parser::before(Claim& claim) {
    claim.what = What::before;
    if (auto s = pattern(claim); !s) return s;
    if (!take("before")) return expected("before");
    Claim second;
    if (auto s = subject(second); !s) return s;
    claim.other = std::move(second.subject);
    if (auto s = pattern(claim); !s) return s;
    return done();
}

Status Parser::heard(Claim& claim) {
    claim.what = What::heard_digits;
    if (!take("digits")) return expected("digits");
    if (peek().find_first_not_of("0123456789*#ABCD") != std::string_view::npos || !more())
        return expected("digits: 0 to 9, *, #, A to D");
    claim.text = next();
    if (take("from"))
        if (auto s = name(claim.from, "a name"); !s) return s;
    return done();
}

// no findings [except RULE...] | no errors [except RULE...] | findings RULE N
Status Parser::findings(Claim& claim) {
    if (claim.what == What::findings) {
        if (auto s = name(claim.text, "a rule's name"); !s) return s;
        return span(claim, Unit::count);
    }
    if (take("findings"))
        claim.what = What::no_findings;
    else if (take("errors"))
        claim.what = What::no_errors;
    else
        return expected("findings or errors");
    if (take("except")) {
        if (!more()) return expected("a rule's name");
        while (more()) claim.excepts.emplace_back(next());
    }
    return done();
}

Status Parser::claim(Claim& claim) {
    if (peek() == "audio" || peek() == "video") {
        claim.video = next() == "video";
        constexpr std::array<std::string_view, 7> of_streams{"loss",  "jitter", "gap", "packets",
                                                             "codec", "frames", "key"};
        if (std::find(of_streams.begin(), of_streams.end(), peek()) == of_streams.end())
            return expected("loss, jitter, gap, packets, codec, frames or key frames");
    }
    for (const Measured& m : measured)
        if (take(m.word)) {
            claim.what = m.what;
            return span(claim, m.unit);
        }
    if (take("final")) return final_code(claim);
    if (take("state")) {
        claim.what = What::state;
        if (std::find(states.begin(), states.end(), peek()) == states.end() || !more())
            return expected(fmt::format("one of {}", fmt::join(states, ", ")));
        claim.text = next();
        return done();
    }
    if (take("ended")) {
        claim.what = What::ended_by;
        if (!take("by")) return expected("by");
        return done(name(claim.text, "who ended it"));
    }
    if (take("messages")) return claim.what = What::messages, counted(claim);
    if (take("retransmissions")) return claim.what = What::retransmissions, counted(claim);
    if (take("flow")) return flow(claim);
    if (take("time")) {
        claim.what = What::time;
        for (int i = 0; i < 2; ++i)
            if (auto s = pattern(claim); !s) return s;
        return span(claim, Unit::duration);
    }
    if (take("header")) return claim.what = What::header, where(claim, true);
    if (take("body")) return claim.what = What::body, where(claim, false);
    if (take("hears")) return hears(claim);
    if (take("heard")) return heard(claim);
    if (take("codec")) return claim.what = What::codec, done(name(claim.text, "a codec"));
    if (take("key")) {
        claim.what = What::key_frames;
        if (!take("frames")) return expected("frames");
        return span(claim, Unit::count);
    }
    if (take("rtcp")) {
        claim.what = What::rtcp;
        if (auto s = name(claim.text, "a kind, such as SR, RR, PLI, NACK, BYE"); !s) return s;
        return span(claim, Unit::count);
    }
    if (take("no")) return claim.what = What::no_findings, findings(claim);
    if (take("findings")) return claim.what = What::findings, findings(claim);
    if (at_ + 1 < words_.size() && words_[at_ + 1] == "before") return before(claim);
    return expected("what is checked, such as final, flow, messages, header, hears, loss");
}

Result<Claim> Parser::parse() {
    Claim made;
    if (words_.size() > max_claim_words)
        return Error{Errc::too_large, max_claim_words,
                     fmt::format("a check of more than {} words", max_claim_words)};
    if (auto s = subject(made); !s) return s.error();
    if (auto s = claim(made); !s) return s.error();
    const bool hearing = made.what >= What::hears && made.what <= What::heard_digits;
    if (hearing && made.subject.empty())
        return Error{Errc::malformed, 0, "expected a name before hears and heard"};
    if (hearing && made.subject.is_way())
        return Error{Errc::malformed, 0,
                     fmt::format("expected one name: '{} hears ... from {}'", made.subject.to,
                                 made.subject.name)};
    return made;
}

}  // namespace

Result<Claim> parse_claim(std::span<const std::string> words) { return Parser(words).parse(); }

}  // namespace sipana::lab
