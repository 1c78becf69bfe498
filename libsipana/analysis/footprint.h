// Footprint: about how much memory a call or stream of the model takes, bytes. For whoever has to bound it.
#pragma once

#include <cstdint>

#include "libsipana/analysis/model.h"

namespace sipana::analysis {

std::uint64_t footprint(const Call& call);
std::uint64_t footprint(const Stream& stream);

}  // namespace sipana::analysis
