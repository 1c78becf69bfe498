// Which calls belong in one figure.
#include <algorithm>
#include <set>

#include "libsipana/render/render.h"

namespace sipana::render {

using analysis::Call;

std::vector<const Call*> figure_of(const analysis::Report& report, std::size_t index) {
    if (index < report.calls.size() && report.calls[index].legs.empty())
        return {&report.calls[index]};
    return figure_of(report, std::span(&index, 1));
}

std::vector<const Call*> pointers(std::span<const Call> calls) {
    std::vector<const Call*> all;
    all.reserve(calls.size());
    for (const Call& call : calls) all.push_back(&call);
    return all;
}

std::vector<const Call*> figure_of(const analysis::Report& report,
                                   std::span<const std::size_t> indexes) {
    return figure_of(pointers(report.calls), indexes);
}

std::vector<const Call*> figure_of(Calls calls, std::span<const std::size_t> indexes) {
    if (indexes.size() == 1 && indexes[0] < calls.size() && calls[indexes[0]]->legs.empty())
        return {calls[indexes[0]]};
    std::vector<const Call*> out;
    std::set<std::string_view> wanted;
    std::vector<std::size_t> found;
    std::vector<bool> taken(calls.size());
    for (const std::size_t index : indexes) {
        if (index >= calls.size() || taken[index]) continue;
        taken[index] = true;
        found.push_back(index);
    }
    // Legs of legs belong too; each round looks for the Call-IDs that the last one named.
    constexpr std::size_t max_rounds = 8, max_calls = 64;
    for (std::size_t round = 0, from = 0; round < max_rounds && found.size() < max_calls; ++round) {
        bool more = false;
        for (const std::size_t end = found.size(); from < end; ++from)
            for (const auto& leg : calls[found[from]]->legs)
                more |= wanted.insert(leg.call_id).second;
        if (!more) break;
        for (std::size_t i = 0; i < calls.size() && found.size() < max_calls; ++i)
            if (!taken[i] && wanted.count(calls[i]->call_id) != 0) {
                taken[i] = true;
                found.push_back(i);
            }
    }
    std::sort(found.begin(), found.end(), [&calls](std::size_t a, std::size_t b) {
        return std::pair(calls[a]->start, a) < std::pair(calls[b]->start, b);
    });
    for (const std::size_t i : found) out.push_back(calls[i]);
    return out;
}

}  // namespace sipana::render
