#include "libsipana/render/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "libsipana/base/text.h"
#include "libsipana/render/explain.h"
#include "libsipana/render/render.h"
#include "libsipana/sip/code.h"

namespace sipana::render {

std::string_view reason_phrase(const analysis::SipMessage& message) {
    if (message.is_request()) return {};
    std::string_view line = message.text;
    while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
    line = line.substr(0, line.find_first_of("\r\n"));
    for (int i = 0; i < 2; ++i) {  // the version and the code
        const auto blank = line.find(' ');
        if (blank == line.npos) return {};
        line.remove_prefix(blank + 1);
    }
    return trim(line);
}

std::string_view call_id_of(const analysis::SipMessage& message) {
    const auto parsed = sip::Message::parse(message.text);
    return parsed ? parsed->call_id() : std::string_view{};  // a view of message.text
}

std::string_view to_text(analysis::Ended ended) {
    switch (ended) {
        case analysis::Ended::by_caller:
            return "caller";
        case analysis::Ended::by_callee:
            return "callee";
        case analysis::Ended::unknown:
            break;
    }
    return {};
}

std::string day_of(const analysis::Call& call) {
    return call.start == no_time ? std::string{} : to_rfc3339(call.start).substr(0, 10);
}

bool of_one_day(std::span<const analysis::Call> calls) { return of_one_day(pointers(calls)); }

bool of_one_day(std::span<const analysis::Call* const> calls) {
    std::string first;
    return std::all_of(calls.begin(), calls.end(), [&first](const analysis::Call* call) {
        const std::string day = day_of(*call);
        if (first.empty()) first = day;
        return day.empty() || day == first;
    });
}

MediaTotals totals_of(const analysis::Call& call) {
    MediaTotals totals;
    for (const auto& stream : call.streams) {
        totals.packets += stream.packets;
        totals.lost += stream.lost;
    }
    return totals;
}

std::vector<FindingGroup> grouped(std::span<const Finding> findings, Alike alike) {
    std::vector<FindingGroup> groups;
    std::map<std::tuple<std::string_view, Severity, std::string_view>, std::size_t> index;
    for (const Finding& f : findings) {
        const std::string_view text = alike == Alike::text ? f.text : std::string_view{};
        const auto [it, fresh] = index.emplace(std::tuple(f.rule, f.severity, text), groups.size());
        if (fresh) groups.push_back({&f, 0, {}, false, true});
        FindingGroup& group = groups[it->second];
        ++group.count;
        group.one_text = group.one_text && f.text == group.first->text;
        if (f.frame == 0 || (!group.frames.empty() && group.frames.back() == f.frame)) continue;
        if (group.frames.size() < frames_named)
            group.frames.push_back(f.frame);
        else
            group.more_frames = true;
    }
    std::stable_sort(groups.begin(), groups.end(),
                     [](const FindingGroup& a, const FindingGroup& b) {
                         return a.first->severity > b.first->severity;
                     });
    return groups;
}

std::string final_words(const analysis::Call& call) {
    if (call.final_code == 0) return "no final response";
    std::string_view reason = call.final_reason;
    if (reason.empty()) reason = sip::reason_phrase(call.final_code);
    return reason.empty() ? fmt::format("{}", call.final_code)
                          : fmt::format("{} {}", call.final_code, reason);
}

}  // namespace sipana::render
