// What analysis::Coverage has seen, for people and for programs. `files`: the names of what was
// read, in the order of Coverage::next_file(). docs/report-format.md defines the fields.
#pragma once

#include <span>
#include <string>

#include "libsipana/analysis/coverage.h"
#include "libsipana/render/render.h"

namespace sipana::render {

std::string coverage_table(const analysis::Coverage& coverage, std::span<const std::string> files,
                           const Style& style);
std::string coverage_json(const analysis::Coverage& coverage, std::span<const std::string> files);
std::string coverage_csv(const analysis::Coverage& coverage, std::span<const std::string> files);

}  // namespace sipana::render
