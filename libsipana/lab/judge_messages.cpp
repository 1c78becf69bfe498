// What is claimed of messages: how many, in which order, how fast, and what is in them.
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/judge.h"

namespace sipana::lab {
namespace {

using analysis::SipMessage;
using What = Claim::What;

constexpr std::size_t max_told = 30;  // messages that a ruling lists

std::string short_of(const SipMessage& m) {
    return m.is_request() ? std::string(m.method_name) : fmt::format("{}", m.code);
}

bool is_meant(const Claim& claim, const SipMessage& m) {
    if (!claim.method.empty() && m.method_name != claim.method) return false;
    if (claim.patterns.empty()) return true;
    return matches(claim.patterns.front(), m.method_name, m.code);
}

// Does flow[i..] match seen[j..]? Row by row, so that "..." and "+" cost no more than a table.
// `reached` is how much of `seen` some beginning of the flow explains.
bool follows(const std::vector<FlowItem>& flow, const std::vector<const SipMessage*>& seen,
             std::size_t& reached) {
    using How = FlowItem::How;
    std::vector<bool> can(flow.size() + 1);  // can[i]: flow[..i) explains what was looked at
    const auto skip_ahead = [&] {
        for (std::size_t i = 0; i < flow.size(); ++i)
            if (can[i] && (flow[i].how == How::optional || flow[i].how == How::any))
                can[i + 1] = true;
    };
    can[0] = true;
    skip_ahead();
    reached = 0;
    for (std::size_t j = 0; j < seen.size(); ++j) {
        std::vector<bool> then(flow.size() + 1);
        for (std::size_t i = 0; i < flow.size(); ++i) {
            const bool fits = flow[i].how == How::any ||
                              matches(flow[i].pattern, seen[j]->method_name, seen[j]->code);
            if (!fits) continue;
            if (can[i]) then[flow[i].how == How::any ? i : i + 1] = true;
            if (can[i + 1] && flow[i].how == How::repeated) then[i + 1] = true;
        }
        can = std::move(then);
        skip_ahead();
        if (std::find(can.begin(), can.end(), true) == can.end()) return false;
        reached = j + 1;
    }
    return can[flow.size()];
}

}  // namespace

// Without the copies that the capture or the network made.
std::vector<const Reading::Line*> Judge::messages_of(const Subject& subject,
                                                     bool first_call_only) const {
    std::vector<std::string_view> call_ids;
    const bool some_calls = !subject.empty() && (first_call_only || !subject.call.empty());
    if (some_calls)
        for (const analysis::Call* c : calls_of(subject, false)) call_ids.push_back(c->call_id);
    std::vector<const Line*> out;
    for (const Line& line : reading_.messages()) {
        const SipMessage& m = line.message;
        if (m.capture_duplicate || (m.retransmission && reading_.doubled(m.frame)) ||
            !concerns(subject, m.src, m.dst))
            continue;
        if (some_calls &&
            std::find(call_ids.begin(), call_ids.end(), line.call_id) == call_ids.end())
            continue;
        out.push_back(&line);
    }
    return out;
}

Ruling Judge::count(const Claim& claim) const {
    std::uint64_t n = 0;
    for (const Line* line : messages_of(claim.subject, false))
        n += line->message.retransmission == (claim.what == What::retransmissions) &&
             is_meant(claim, line->message);
    return {claim.span.holds(static_cast<double>(n)),
            counted(n, claim.what == What::messages ? "message" : "retransmission")};
}

Ruling Judge::flow(const Claim& claim) const {
    std::vector<const SipMessage*> seen;
    for (const Line* line : messages_of(claim.subject, true))
        if (!line->message.retransmission) seen.push_back(&line->message);
    std::size_t reached = 0;
    const bool holds = follows(claim.flow, seen, reached);
    std::string told;
    for (std::size_t i = 0; i < std::min(seen.size(), max_told); ++i)
        told += fmt::format("{}{}{}", i == 0 ? "" : " ", !holds && i == reached ? "*" : "",
                            short_of(*seen[i]));
    if (seen.size() > max_told) told += " ...";
    if (told.empty()) told = "no messages";
    if (holds) return {true, told};
    return {false, reached == seen.size() ? fmt::format("{}, and then no more", told)
                                          : fmt::format("{} (from * on it differs)", told)};
}

Ruling Judge::time(const Claim& claim) const {
    const SipMessage* first = nullptr;
    for (const Line* line : messages_of(claim.subject, true)) {
        const SipMessage& m = line->message;
        if (first == nullptr) {
            if (matches(claim.patterns[0], m.method_name, m.code)) first = &m;
        } else if (matches(claim.patterns[1], m.method_name, m.code)) {
            const Duration d = m.time - first->time;
            return {claim.span.holds(to_milliseconds(d)), fmt::format("{:.3f} s", to_seconds(d))};
        }
    }
    return {false, first == nullptr ? "the first of the two did not come"
                                    : "the second of the two did not come"};
}

Ruling Judge::before(const Claim& claim) const {
    const auto first_of = [&](const Subject& subject, const Pattern& pattern) {
        for (const Line* line : messages_of(subject, false))
            if (matches(pattern, line->message.method_name, line->message.code))
                return &line->message;
        return static_cast<const SipMessage*>(nullptr);
    };
    const SipMessage* first = first_of(claim.subject, claim.patterns[0]);
    const SipMessage* second = first_of(claim.other, claim.patterns[1]);
    if (first == nullptr) return {false, "the first of the two did not come"};
    if (second == nullptr) return {false, "the second of the two did not come"};
    return {first->frame < second->frame,
            fmt::format("frames {} and {}", first->frame, second->frame)};
}

Ruling Judge::content(const Claim& claim) const {
    using Test = Where::Test;
    const Where& where = claim.where;
    const std::string what = claim.what == What::body ? "the body" : where.header;
    std::uint64_t looked_at = 0;
    for (const Line* line : messages_of(claim.subject, false)) {
        if (line->message.retransmission || !is_meant(claim, line->message)) continue;
        const auto message = sip::Message::parse(line->message.text);
        if (!message) continue;
        ++looked_at;
        std::vector<std::string> values;
        if (claim.what == What::body) {
            if (!message->body().empty()) values.emplace_back(message->body());
        } else if (where.header == "request-uri") {
            if (message->is_request()) values.emplace_back(message->request_uri());
        } else if (where.header == "reason") {
            if (message->is_response()) values.emplace_back(message->reason());
        } else {
            const sip::Header id = sip::header_of(where.header);
            for (const auto& field : message->fields())
                if (id == sip::Header::other ? iequals(message->name(field), where.header)
                                             : field.id == id)
                    values.push_back(message->unfolded(field));
        }
        const auto passes = [&](const std::string& value) {
            if (where.test == Test::is) return value == where.value;
            if (where.test == Test::contains) return value.find(where.value) != value.npos;
            const auto found = found_in(value, where.value);
            return found && *found;
        };
        bool fine = false;
        if (where.test == Test::present)
            fine = !values.empty();
        else if (where.test == Test::absent)
            fine = values.empty();
        else
            fine = std::any_of(values.begin(), values.end(), passes);
        if (!fine)
            return {false,
                    fmt::format(
                        "frame {}, {}: {} {}", line->message.frame, short_of(line->message), what,
                        values.empty() ? "is absent" : fmt::format("is '{}'", values.front()))};
    }
    if (looked_at == 0) return {false, "no such message"};
    return {true, fmt::format("so in {}", counted(looked_at, "message"))};
}

Ruling Judge::message(const Claim& claim) const {
    switch (claim.what) {
        case What::flow:
            return flow(claim);
        case What::time:
            return time(claim);
        case What::before:
            return before(claim);
        case What::header:
        case What::body:
            return content(claim);
        default:
            return count(claim);
    }
}

}  // namespace sipana::lab
