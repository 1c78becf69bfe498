// Summary: the facts of a call that is over (parties, times, outcome), from what was kept while it lived.
#pragma once

#include "libsipana/analysis/calls.h"

namespace sipana::analysis {

// Moves the texts and messages out of `live`.
Call summarize(LiveCall& live);

}  // namespace sipana::analysis
