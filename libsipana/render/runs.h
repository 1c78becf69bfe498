// What came of the lab's runs (lab/result.h): for people, for programs and for whatever reads
// JUnit. Texts of a result may quote the wire: each renderer escapes for its own medium.
#pragma once

#include <span>
#include <string>

#include "libsipana/lab/result.h"
#include "libsipana/render/render.h"

namespace sipana::render {

// One line: outcome, script, title, how long it took, and the first thing that went wrong.
std::string run_line(const lab::RunResult& run, const Style& style);
// That line, then every step and check. The times are seconds since the run began.
std::string run_table(const lab::RunResult& run, const Style& style);
// "3 scripts: 2 done, 1 failed; 120 SIP messages, 3000 RTP packets"
std::string runs_summary(std::span<const lab::RunResult> runs, const Style& style);
// "schema": "sipana-lab/1" (docs/report-format.md).
std::string runs_json(std::span<const lab::RunResult> runs);
// JUnit XML: a suite a script, a case a step or check.
std::string runs_junit(std::span<const lab::RunResult> runs);

// The worst of several: failed, not reached, skipped, done.
lab::Outcome outcome_of(std::span<const lab::RunResult> runs);
// How long the run took in its own time.
Duration duration_of(const lab::RunResult& run);

}  // namespace sipana::render
