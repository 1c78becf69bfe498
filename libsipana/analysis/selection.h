// Selection: the calls that somebody asked for, by number, Call-ID or expression, and a report cut
// down to them (docs/report-format.md, "Choosing calls").
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/analysis/model.h"
#include "libsipana/analysis/where.h"

namespace sipana::analysis {

class Selection {
public:
    // `calls`: numbers (Call::number), Call-IDs, or "all"; none: every call. `where` may be null,
    // and must outlive the Selection.
    Selection(const std::vector<std::string>& calls, const Where* where);

    // Nothing was asked for: then what belongs to no call is wanted too.
    bool everything() const { return names_.empty() && where_ == nullptr; }
    bool named() const { return !names_.empty(); }  // numbers or Call-IDs were given
    bool all_named() const { return all_; }         // "all" was
    bool matches(const Call& call);
    // The first number or Call-ID that no call has matched so far; empty: each has found its own.
    std::string_view unmatched() const;

private:
    struct Name {
        std::string text;
        bool found = false;
    };
    std::vector<Name> names_;
    const Where* where_;
    bool all_ = false;
};

// Keeps the calls with these indexes, and what belongs to them: streams and findings. Files and
// counts stay as they are, for they speak of the input.
void keep_calls(Report& report, const std::vector<std::size_t>& indexes);

}  // namespace sipana::analysis
