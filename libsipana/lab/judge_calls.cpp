// What is claimed of calls.
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/judge.h"
#include "libsipana/sip/code.h"

namespace sipana::lab {
namespace {

using analysis::Call;
using What = Claim::What;

std::string phrase_of(int code) {
    const std::string_view phrase = sip::reason_phrase(code);
    return phrase.empty() ? fmt::format("{}", code) : fmt::format("{} {}", code, phrase);
}

bool any_matches(const std::vector<Pattern>& patterns, int code) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const Pattern& p) { return matches(p, {}, code); });
}

std::string seconds(Duration d) { return fmt::format("{:.3f} s", to_seconds(d)); }

}  // namespace

bool Judge::takes_part(const Subject& subject, const Call& call) const {
    if (subject.empty()) return true;
    return std::any_of(
        call.messages.begin(), call.messages.end(),
        [&](const analysis::SipMessage& m) { return concerns(subject, m.src, m.dst); });
}

std::vector<const Call*> Judge::calls_of(const Subject& subject, bool all) const {
    std::vector<const Call*> hers;
    std::string_view call_id;
    for (const auto& named : log_.calls)
        if (named.first == subject.name + "/" + subject.call) call_id = named.second;
    for (const Call& c : reading_.calls())
        if (call_id.empty() ? takes_part(subject, c) : c.call_id == call_id) hers.push_back(&c);
    if (!call_id.empty() || subject.call == "*" || (all && subject.call.empty())) return hers;
    // INVITE before whatever else a phone does by the way.
    std::stable_partition(hers.begin(), hers.end(),
                          [](const Call* c) { return c->kind == analysis::CallKind::invite; });
    const auto number =
        subject.call.empty() ? std::optional<std::size_t>(1) : to_number<std::size_t>(subject.call);
    if (!number || *number == 0 || *number > hers.size()) return {};
    return {hers[*number - 1]};
}

Ruling Judge::final_code(const Claim& claim) const {
    const auto calls = calls_of(claim.subject, false);
    if (calls.empty()) return {false, fmt::format("no call of {}", in_words(claim.subject))};
    for (const Call* c : calls) {
        const bool fine =
            claim.text == "none" ? c->final_code == 0 : any_matches(claim.patterns, c->final_code);
        if (!fine)
            return {false, c->final_code == 0
                               ? "no final response"
                               : fmt::format("the final code is {}", phrase_of(c->final_code))};
    }
    const int code = calls.front()->final_code;
    return {true, code == 0 ? "no final response" : phrase_of(code)};
}

// The newest transaction of that method in which the subject has a part.
Ruling Judge::final_for_method(const Claim& claim) const {
    const analysis::Transaction* last = nullptr;
    for (const Call* c : calls_of(claim.subject, true))
        for (const analysis::Transaction& t : c->transactions)
            if (t.method_name == claim.method && concerns(claim.subject, t.client, t.server) &&
                (last == nullptr || t.request_at >= last->request_at))
                last = &t;
    if (last == nullptr)
        return {false, fmt::format("no {} of {}", claim.method, in_words(claim.subject))};
    const bool holds = claim.text == "none" ? last->final_code == 0
                                            : any_matches(claim.patterns, last->final_code);
    return {holds, last->final_code == 0
                       ? fmt::format("no final response to {}", claim.method)
                       : fmt::format("{} to {}", phrase_of(last->final_code), claim.method)};
}

Ruling Judge::measure(const Claim& claim, const Call& c) const {
    std::optional<Duration> d;
    switch (claim.what) {
        case What::duration:
            d = c.duration;
            break;
        case What::setup:
            d = c.setup;
            break;
        case What::ringing:
            d = c.ring;
            break;
        case What::delay:
            d = c.post_dial_delay;
            break;
        case What::expires:
            d = std::chrono::seconds{c.expires_s};
            break;
        default:
            break;
    }
    if (!d) return {false, fmt::format("the call has none: it is {}", to_string(c.state))};
    return {claim.span.holds(to_milliseconds(*d)), seconds(*d)};
}

Ruling Judge::call(const Claim& claim) const {
    if (claim.what == What::final)
        return claim.method.empty() ? final_code(claim) : final_for_method(claim);
    if (claim.what == What::calls) {
        std::uint64_t n = 0;
        for (const Call* c : calls_of(claim.subject, true))
            n += c->kind == analysis::CallKind::invite;
        return {claim.span.holds(static_cast<double>(n)), counted(n, "call")};
    }
    auto calls = calls_of(claim.subject, false);
    if (claim.what == What::expires && claim.subject.call.empty()) {
        // What was granted to a registration or subscription, whatever calls there are.
        calls.clear();
        for (const Call* c : calls_of(claim.subject, true))
            if (c->kind == analysis::CallKind::register_ ||
                c->kind == analysis::CallKind::subscribe)
                calls = {c};
    }
    if (calls.empty()) return {false, fmt::format("no call of {}", in_words(claim.subject))};
    Ruling ruling;
    for (const Call* c : calls) {
        if (claim.what == What::state) {
            ruling = {to_string(c->state) == claim.text,
                      fmt::format("the call is {}", to_string(c->state))};
        } else if (claim.what == What::ended_by) {
            // Who sent the first BYE: what proxies passed on comes behind it.
            const auto bye = std::find_if(c->messages.begin(), c->messages.end(),
                                          [](const analysis::SipMessage& m) {
                                              return m.is_request() && m.method == sip::Method::bye;
                                          });
            const std::string name = bye == c->messages.end() ? std::string{} : name_of(bye->src);
            ruling = {name == claim.text, name.empty() ? "nobody that is known ended it"
                                                       : fmt::format("{} ended it", name)};
        } else if (claim.what == What::dialogs) {
            ruling = {claim.span.holds(static_cast<double>(c->dialogs.size())),
                      counted(c->dialogs.size(), "dialog")};
        } else if (claim.what == What::challenges) {
            ruling = {claim.span.holds(c->challenges), counted(c->challenges, "challenge")};
        } else {
            ruling = measure(claim, *c);
        }
        if (!ruling.holds) return ruling;
    }
    return ruling;
}

}  // namespace sipana::lab
