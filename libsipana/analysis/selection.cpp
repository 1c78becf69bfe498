#include "libsipana/analysis/selection.h"

#include <algorithm>

namespace sipana::analysis {

Selection::Selection(const std::vector<std::string>& calls, const Where* where) : where_(where) {
    for (const std::string& call : calls) {
        if (call == "all")
            all_ = true;
        else
            names_.push_back({call});
    }
    if (all_) names_.clear();
}

bool Selection::matches(const Call& call) {
    bool named = names_.empty();
    for (Name& name : names_)
        if (name.text == call.call_id || name.text == std::to_string(call.number))
            named = name.found = true;
    return named && (where_ == nullptr || where_->matches(call));
}

std::string_view Selection::unmatched() const {
    const auto it =
        std::find_if(names_.begin(), names_.end(), [](const Name& name) { return !name.found; });
    return it == names_.end() ? std::string_view{} : std::string_view(it->text);
}

void keep_calls(Report& report, const std::vector<std::size_t>& indexes) {
    std::vector<bool> kept(report.calls.size());
    for (const std::size_t i : indexes)
        if (i < kept.size()) kept[i] = true;
    std::vector<Call> calls;
    for (std::size_t i = 0; i < report.calls.size(); ++i)
        if (kept[i]) calls.push_back(std::move(report.calls[i]));
    report.calls = std::move(calls);
    report.streams.clear();
    report.stray_messages.clear();
    report.findings.clear();
    const auto add = [&report](const std::vector<Finding>& findings) {
        report.findings.insert(report.findings.end(), findings.begin(), findings.end());
    };
    for (const Call& call : report.calls) {
        add(call.findings);
        for (const Stream& stream : call.streams) add(stream.findings);
    }
    std::stable_sort(report.findings.begin(), report.findings.end(),
                     [](const Finding& a, const Finding& b) { return a.frame < b.frame; });
}

}  // namespace sipana::analysis
