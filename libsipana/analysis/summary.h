// Summary: the facts of a call that is over (parties, times, outcome), from what was kept while it lived.
#pragma once

#include "libsipana/analysis/calls.h"

namespace sipana::analysis {

// Moves the texts and messages out of `live`.
Call summarize(LiveCall& live);
// The same of a call that goes on, with copies. Detail::summary: legs, but no messages and findings.
Call snapshot(const LiveCall& live, Detail detail);

}  // namespace sipana::analysis
