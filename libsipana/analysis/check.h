// Checks that need more than one message: a call against the rules of its transactions and dialogs, and
// its media against what its SDP agreed. Single messages: sip/check, sdp/check.
#pragma once

#include <string_view>
#include <vector>

#include "libsipana/analysis/model.h"

namespace sipana::analysis {

// sdp::check of a body that stands `offset` bytes into its message.
void check_sdp(std::string_view body, std::uint32_t offset, std::vector<Finding>& findings);

// Adds what is wrong or odd to call.findings and to the findings of its streams. Needs Detail::full.
// `now`: the time that the capture has reached.
void check_call(Call& call, Time now);

}  // namespace sipana::analysis
