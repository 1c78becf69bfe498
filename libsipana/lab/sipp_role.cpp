#include "libsipana/lab/sipp_role.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libsipana/base/text.h"
#include "libsipana/lab/script_words.h"

namespace sipana::lab {
namespace {

constexpr std::array silent{
    "ResponseTimeRepartition", "CallLengthRepartition", "Reference", "Global", "User", "timewait"};
constexpr std::array statistics{"rtd",  "start_rtd", "repeat_rtd", "counter",
                                "crlf", "hide",      "display"};
// What SIPp has for other reasons than the messages.
constexpr std::array unsupported{"lost",      "condexec", "condexec_inverse", "response_txn",
                                 "start_txn", "ack_txn",  "ignoresdp"};

std::optional<Duration> milliseconds(std::string_view text) {
    return parse_duration(std::string(text) + "ms");
}

bool is_method_name(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// "4[0-9][0-9]", "4..", "4.*"
std::optional<Pattern> class_of(std::string_view regexp) {
    if (regexp.empty() || regexp.front() < '1' || regexp.front() > '6') return std::nullopt;
    const auto rest = regexp.substr(1);
    if (rest != ".." && rest != ".*" && rest != "[0-9][0-9]" && rest != "xx") return std::nullopt;
    const int first = (regexp.front() - '0') * 100;
    return Pattern{"", first, first + 99};
}

}  // namespace

bool is_caller(const SippScenario& scenario) {
    for (const SippElement& e : scenario.elements) {
        if (e.name == "send") return !trim(e.text).starts_with("SIP/2.0");
        if (e.name == "recv") return !e.has("request");
    }
    return false;
}

bool has_commands(const SippScenario& scenario) {
    return std::any_of(
        scenario.elements.begin(), scenario.elements.end(),
        [](const SippElement& e) { return e.name == "sendCmd" || e.name == "recvCmd"; });
}

SippTranslator::SippTranslator(SippRole& role, std::vector<std::string>& notes)
    : role_(role), notes_(notes) {
    role_.words.note = [this](std::string text) {
        notes_.push_back(fmt::format("{}:{}: {}", role_.file->name, line_, text));
    };
}

void SippTranslator::note(const SippElement& e, std::string_view text) {
    notes_.push_back(fmt::format("{}:{}: {}", role_.file->name, e.line, text));
}

Step& SippTranslator::add(const SippElement& e) {
    SippStep one;
    one.step.where = {e.line, 1};
    one.step.phone = role_.phone.name;
    one.step.call = call_;
    role_.steps.push_back(std::move(one));
    return role_.steps.back().step;
}

std::string SippTranslator::label(std::string_view id) const {
    std::string out = id.empty() || !is_alpha(id.front()) ? "l" : "";
    for (char c : id.substr(0, 40)) out += is_alpha(c) || is_digit(c) || c == '_' ? c : '_';
    return out;
}

Status SippTranslator::translate() {
    for (const SippElement& e : role_.scenario->elements) {
        if (e.name == "label") labels_.insert(label(e.get("id")));
        role_.jumps = role_.jumps || e.has("next") || e.has("ontimeout");
    }
    for (std::size_t i = 0; i < role_.scenario->elements.size(); ++i)
        if (Status s = element(i); !s) return s;
    role_.words.note = nullptr;
    return Done{};
}

Status SippTranslator::element(std::size_t index) {
    const SippElement& e = role_.scenario->elements[index];
    line_ = e.line;
    const auto is = [&](std::string_view name) { return e.name == name; };
    if (std::any_of(silent.begin(), silent.end(), is)) return Done{};
    for (const auto& attribute : e.attributes) {
        const auto& name = attribute.first;
        const auto same = [&](std::string_view other) { return name == other; };
        if (std::any_of(unsupported.begin(), unsupported.end(), same))
            note(e,
                 fmt::format("{}=\"{}\" is not carried over{}", name, printable(attribute.second),
                             name == "lost" ? ": a network line can lose packets" : ""));
        if (statistics_ || std::none_of(statistics.begin(), statistics.end(), same)) continue;
        statistics_ = true;
        note(e, fmt::format(
                    "{} and the like are for SIPp's statistics: response times are measured anyway",
                    name));
    }
    const std::size_t before = role_.steps.size();
    if (e.name == "send") {
        send(e);
    } else if (e.name == "recv") {
        recv(e);
    } else if (e.name == "pause") {
        pause(e);
    } else if (e.name == "label") {
        Label l{label(e.get("id"))};
        if (!placed_.insert(l.name).second)
            return note(e, "a label that stands twice is left out"), Done{};
        add(e).what = std::move(l);
    } else if (e.name == "sendCmd") {
        add(e);
        role_.steps.back().kind = SippStep::Kind::sends_command;
    } else if (e.name == "recvCmd") {
        wait_for_command(e);
        return Done{};
    } else if (e.name != "nop") {
        note(e, fmt::format("<{}> has no counterpart", printable(e.name)));
        return Done{};
    }
    Expect* expect = nullptr;
    if (e.name == "recv" && role_.steps.size() > before)
        expect = std::get_if<Expect>(&role_.steps.back().step.what);
    // Actions may add steps: the expectation is kept apart until they are through.
    Expect kept = expect ? *expect : Expect{};
    const std::size_t at = role_.steps.size() - 1;
    for (const SippElement& a : e.actions)
        if (Status s = action(a, index, expect ? &kept : nullptr); !s) return s;
    if (expect) {
        if (!kept.where.empty() || !kept.captures.empty()) role_.steps[at].droppable = false;
        role_.steps[at].trying = role_.steps[at].droppable && kept.any_of.front().last == 100;
        role_.steps[at].step.what = std::move(kept);
    }
    jump(e);
    return Done{};
}

bool SippTranslator::patterns(const SippElement& e, Expect& expect) {
    const bool regexp = e.is_true("regexp_match");
    if (const std::string_view wanted = e.get("request"); !wanted.empty()) {
        std::string_view rest = wanted;
        while (!rest.empty()) {
            const std::string_view one = trim(cut(rest, '|'));
            if (!is_method_name(one)) break;
            expect.any_of.push_back({std::string(one), 0, 0});
            if (rest.empty()) return true;
        }
        expect.any_of = {Pattern{}};
        if (wanted != ".*")
            note(e, fmt::format("request=\"{}\" became any message", printable(wanted)));
        return true;
    }
    const std::string_view wanted = e.get("response");
    const auto code = to_number<int>(wanted);
    if (code && *code >= 100 && *code <= 699) {
        expect.any_of.push_back({"", *code, *code});
        return true;
    }
    if (const auto some = class_of(wanted); some && regexp) {
        expect.any_of.push_back(*some);
        return true;
    }
    if (!e.has("response")) return note(e, "a <recv> of nothing is left out"), false;
    expect.any_of.push_back({"", 100, 699});
    note(e, fmt::format("response=\"{}\" became any response", printable(wanted)));
    return true;
}

void SippTranslator::recv(const SippElement& e) {
    Expect expect;
    if (!patterns(e, expect)) return;
    const Pattern first = expect.any_of.front();
    const bool refused = last_final_ >= 300;
    if (first.method == "ACK" && refused) return;  // the transaction's own matter (17.2.1)
    expect.optional = e.has("optional") && e.get("optional") != "false";
    if (e.get("optional") == "global") note(e, "optional=\"global\" became optional at this place");
    if (const auto d = milliseconds(e.get("timeout")); d && *d > Duration{}) expect.within = *d;
    if (e.has("ontimeout")) {
        const std::string to = label(e.get("ontimeout"));
        if (labels_.count(to) > 0 && expect.within && !expect.optional)
            expect.otherwise = to;
        else
            note(e, "ontimeout without a label or a timeout is not carried over");
    }
    if (first.first != 0)
        remember_response(expect);
    else
        remember_request(expect);
    Step& step = add(e);
    step.peer = role_.partner;
    const bool provisional = first.first >= 100 && expect.any_of.back().last < 200;
    step.what = std::move(expect);
    role_.steps.back().droppable =
        provisional && std::get<Expect>(step.what).optional && !e.has("next");
}

// Which of several open requests a response belongs to, by the order of things.
void SippTranslator::remember_response(Expect& expect) {
    const int code = expect.any_of.front().first;
    const auto makes_dialog = [](const std::string& m) {
        return m == "INVITE" || m == "SUBSCRIBE";
    };
    has_dialog_ = has_dialog_ || (code > 100 && code < 300 &&
                                  std::any_of(asked_.begin(), asked_.end(), makes_dialog));
    if (asked_.size() > 1) {
        const bool cancelled =
            asked_.back() == "CANCEL" || asked_.back() == "PRACK" || asked_.back() == "UPDATE";
        if (cancelled && code >= 200 && code < 300) expect.for_method = asked_.back();
    }
    if (code == 487 && cancelled_) expect.for_method = "INVITE";
    if (code < 200 || asked_.empty()) return;
    const std::string method = !expect.for_method.empty() ? expect.for_method
                               : code == 487              ? "INVITE"
                                                          : asked_.back();
    if (method == "INVITE") last_final_ = code;
    if (expect.optional) return;
    const auto it = std::find(asked_.rbegin(), asked_.rend(), method);
    if (it != asked_.rend()) asked_.erase(std::next(it).base());
}

void SippTranslator::remember_request(const Expect& expect) {
    const std::string& method = expect.any_of.front().method;
    if (!method.empty() && method != "ACK") owed_.push_back(method);
    has_dialog_ = has_dialog_ || method == "INVITE" || method == "SUBSCRIBE";
    cancelled_ = method == "CANCEL" || (cancelled_ && method != "INVITE");
}

void SippTranslator::pause(const SippElement& e) {
    const std::string_view kind = e.get("distribution");
    const auto of = [&](std::string_view name) {
        return milliseconds(e.get(name)).value_or(Duration{});
    };
    Pause p;
    if (e.has("milliseconds")) {
        p = {of("milliseconds"), of("milliseconds")};
    } else if (e.has("min") || kind == "uniform") {
        p = {of("min"), std::max(of("min"), of("max"))};
    } else if (kind == "fixed") {
        p = {of("value"), of("value")};
    } else if (kind == "normal") {
        const Duration spread = 2 * of("stdev");
        p = {std::max(of("mean") - spread, Duration{}), of("mean") + spread};
        note(e, "a normal distribution became a range of two standard deviations");
    } else if (e.has("mean")) {
        p = {Duration{}, 2 * of("mean")};
        note(e, fmt::format("distribution \"{}\" became a range with its mean", printable(kind)));
    } else {
        note(e, e.has("variable") || e.has("distribution")
                    ? "a pause of this kind is not carried over"
                    : "a pause of SIPp's option -d (0 by default) is left out");
        return;
    }
    p.longest = std::min(p.longest, longest_duration);
    add(e).what = p;
}

// next, test and chance: what the element itself cannot say is a line of its own behind it.
void SippTranslator::jump(const SippElement& e) {
    if (!e.has("next")) return;
    Jump j;
    j.label = label(e.get("next"));
    if (labels_.count(j.label) == 0)
        return note(
            e, fmt::format("next=\"{}\" names no label, it is left out", printable(e.get("next"))));
    if (const std::string test(e.get("test")); !test.empty()) {
        const auto known = conditions_.find(test);
        if (known != conditions_.end()) {
            j.left = known->second.left;
            j.right = known->second.right;
            j.unequal = known->second.unequal;
        } else {
            j.left = fmt::format("{{{}}}", role_.words.variable(test));
            j.unequal = true;
        }
    }
    if (e.has("chance")) {
        const auto chance = parse_percent(std::string(e.get("chance")) + "%");
        const auto share = parse_real(e.get("chance"));
        if (share && *share <= 1)
            j.chance = *share;
        else if (chance)
            j.chance = *chance;
    }
    const bool plain = j.left.empty() && j.right.empty() && !(j.chance < 1);
    auto* expect =
        role_.steps.empty() ? nullptr : std::get_if<Expect>(&role_.steps.back().step.what);
    if (e.name == "recv" && plain && expect) {
        expect->jump = j.label;
        return;
    }
    if (e.name == "recv" && expect && expect->optional)
        note(e,
             "a jump with a condition behind an optional message is tried whether it came or not");
    add(e).what = std::move(j);
}

// The twin's command: its variables are this file's under other names.
void SippTranslator::wait_for_command(const SippElement& e) {
    add(e);
    role_.steps.back().kind = SippStep::Kind::waits_for_command;
    std::string text;
    std::size_t count = 0;
    if (role_.twin.scenario)
        for (const SippElement& other : role_.twin.scenario->elements)
            if (other.name == "sendCmd" && count++ == commands_) text = other.text;
    ++commands_;
    if (!role_.twin.scenario || text.empty())
        return note(e, "no other file sends this command: nothing waits for it");
    for (const SippElement& a : e.actions) {
        bool found = false;
        for (const SippElement& other : role_.twin.scenario->elements)
            for (const SippElement& theirs : other.actions) {
                if (a.name != "ereg" || theirs.name != "ereg" || found) continue;
                const std::string_view variable = theirs.get("assign_to");
                if (theirs.get("regexp") != a.get("regexp") ||
                    text.find(fmt::format("[${}]", variable)) == text.npos)
                    continue;
                found = true;
                const std::string mine(a.get("assign_to"));
                role_.words.aliases[mine] = role_.twin.words->variable(variable);
                if (istarts_with(a.get("regexp"), "Content-Type:.*")) bodies_.insert(mine);
            }
        if (!found)
            note(
                a,
                fmt::format(
                    "<{}> of a command is not carried over: only what the other file took out of a "
                    "message by the same expression is",
                    printable(a.name)));
    }
}

}  // namespace sipana::lab
