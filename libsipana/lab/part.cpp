#include "libsipana/lab/part.h"

#include <algorithm>

namespace sipana::lab {
namespace {

bool is_request(const Send& send, std::string_view method) {
    const auto* request = std::get_if<Request>(&send.what);
    return request != nullptr && request->method == method;
}

// Requests that leave an INVITE of the same call open: its responses may still be spoken of.
bool goes_beside(const Send& send) {
    const auto* request = std::get_if<Request>(&send.what);
    return request != nullptr &&
           (request->method == "ACK" || request->method == "CANCEL" || request->method == "PRACK" ||
            request->method == "UPDATE" || request->method == "INFO");
}

bool speaks_of_final(const Expect& expect, std::string_view method) {
    if (!expect.for_method.empty() && expect.for_method != method) return false;
    if (expect.nothing) return true;
    return std::any_of(expect.any_of.begin(), expect.any_of.end(),
                       [](const Pattern& p) { return p.last >= 200; });
}

bool names_one(const Expect& expect, std::initializer_list<int> codes) {
    return std::any_of(expect.any_of.begin(), expect.any_of.end(), [&](const Pattern& p) {
        return p.first == p.last && std::find(codes.begin(), codes.end(), p.first) != codes.end();
    });
}

// What the steps behind a request say about its responses. The first expectation of a final
// response decides about challenges: a later one belongs to the next try.
void look_ahead(std::vector<PartStep>& steps, std::size_t at) {
    PartStep& sent = steps[at];
    const auto* request = std::get_if<Request>(&std::get<Send>(sent.step->what).what);
    if (request == nullptr) return;
    sent.final_told = false;
    bool beyond = false;  // another request stands between: only "200 for BYE" is of this one
    for (std::size_t i = at + 1; i < steps.size(); ++i) {
        if (steps[i].step->call != sent.step->call) continue;
        if (const auto* send = std::get_if<Send>(&steps[i].step->what)) {
            if (is_request(*send, "ACK") && request->method == "INVITE") sent.acked = true;
            if (is_request(*send, "PRACK") && request->method == "INVITE")
                sent.provisional_acked = true;
            const bool other = std::holds_alternative<Request>(send->what);
            if (is_request(*send, request->method)) break;
            if (other && !(request->method == "INVITE" && goes_beside(*send))) beyond = true;
        } else if (const auto* expect = std::get_if<Expect>(&steps[i].step->what)) {
            if (beyond && expect->for_method != request->method) continue;
            if (sent.final_told || !speaks_of_final(*expect, request->method)) continue;
            sent.final_told = true;
            sent.challenge_told = names_one(*expect, {401, 407});
            sent.again_told = names_one(*expect, {412, 422, 423});
            if (expect->no_ack) sent.acked = sent.unacked = true;
        }
    }
}

// Who sends the INVITE with which the phone's part in calls begins?
bool begins_call(const std::vector<PartStep>& steps) {
    for (const PartStep& one : steps) {
        if (const auto* send = std::get_if<Send>(&one.step->what)) {
            if (is_request(*send, "INVITE")) return true;
        } else if (const auto* expect = std::get_if<Expect>(&one.step->what)) {
            if (std::any_of(expect->any_of.begin(), expect->any_of.end(),
                            [](const Pattern& p) { return matches_request(p, "INVITE"); }))
                return false;
        }
    }
    return false;
}

}  // namespace

bool matches_request(const Pattern& pattern, std::string_view method) {
    if (pattern.first != 0) return false;
    return pattern.method.empty() || pattern.method == method;
}

bool matches_response(const Pattern& pattern, int code) {
    if (pattern.first == 0) return pattern.method.empty();
    return code >= pattern.first && code <= pattern.last;
}

bool expects_response(const Expect& expect, int code, std::string_view method) {
    if (!expect.for_method.empty() && expect.for_method != method) return false;
    return std::any_of(expect.any_of.begin(), expect.any_of.end(),
                       [code](const Pattern& p) { return matches_response(p, code); });
}

bool Part::expects_request(std::string_view method, std::size_t from) const {
    for (std::size_t i = jumps ? 0 : from; i < steps.size(); ++i) {
        const auto* expect = std::get_if<Expect>(&steps[i].step->what);
        if (expect != nullptr &&
            std::any_of(expect->any_of.begin(), expect->any_of.end(),
                        [method](const Pattern& p) { return matches_request(p, method); }))
            return true;
    }
    return false;
}

std::vector<Part> parts_of(const Script& script) {
    std::vector<Part> parts(script.phones.size());
    for (std::size_t p = 0; p < parts.size(); ++p) parts[p].phone = p;
    for (std::size_t i = 0; i < script.steps.size(); ++i) {
        const Step& step = script.steps[i];
        for (Part& part : parts) {
            if (script.phones[part.phone].name != step.phone) continue;
            if (const auto* label = std::get_if<Label>(&step.what))
                part.labels.emplace(label->name, part.steps.size());
            if (std::holds_alternative<Jump>(step.what)) part.jumps = true;
            if (const auto* expect = std::get_if<Expect>(&step.what))
                part.jumps = part.jumps || !expect->jump.empty();
            if (std::holds_alternative<MediaStep>(step.what)) part.has_media = true;
            PartStep& added = part.steps.emplace_back();
            added.step = &step;
            added.index = i;
        }
    }
    for (Part& part : parts) part.calls = begins_call(part.steps);
    for (Part& part : parts)
        for (std::size_t i = 0; i < part.steps.size(); ++i)
            if (std::holds_alternative<Send>(part.steps[i].step->what)) look_ahead(part.steps, i);
    return parts;
}

}  // namespace sipana::lab
