// Rules: one row each, so that a finding's severity and clause are said once (sdp/check.h shows
// them).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/finding.h"

namespace sipana::sdp {

// A finding of the rule of that name, which must be in the table. `byte` is what the caller says it
// is.
Finding finding_of(std::string_view rule, std::uint64_t byte, std::string text);

}  // namespace sipana::sdp
