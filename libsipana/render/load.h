// What came of a load (lab/runner.h LoadResult): how many calls, how long each response took, why
// calls failed.
#pragma once

#include <string>

#include "libsipana/lab/runner.h"
#include "libsipana/render/render.h"

namespace sipana::render {

std::string load_table(const lab::LoadResult& load, const Style& style);
std::string load_json(const lab::LoadResult& load);  // "schema": "sipana-load/1"

}  // namespace sipana::render
