// Summary: the facts of a call that is over (parties, times, outcome), from what was kept while it lived.
#pragma once

#include "libsipana/analysis/calls.h"

namespace sipana::analysis {

// Moves the texts and messages out of `live`.
Call summarize(LiveCall& live);

// Name and address of a From, To or Contact field's value.
Party party_of(std::string_view name_addr);

}  // namespace sipana::analysis
