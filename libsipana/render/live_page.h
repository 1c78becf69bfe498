// The live page in pieces: its frame, and what is sent to it while calls go on. The page is the
// report page (render/html.h) with an empty list, and a script that puts in what it is sent.
//
// What goes to the script is JSON; markup within it is finished and escaped, as in the report
// page's data blocks. Secrets are masked as there.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "libsipana/analysis/model.h"
#include "libsipana/render/render.h"

namespace sipana::render {

// `title`: what is being captured, "eth0". May come from outside: it is escaped.
std::string live_html(std::string_view title);
// The Content-Security-Policy that the page needs, and no more (CSP 3).
std::string live_policy();

// Rows of the call list: "<table><tbody><tr data-call=...".
std::string call_rows_html(Calls calls);
std::string findings_html(std::span<const Finding> findings);
std::string streams_html(std::span<const analysis::Stream* const> streams);
// One call with its figure's ladder and messages, as the page's script takes it:
// {"number", "figure", "calls": [numbers], "panel": markup, "drawing": markup,
//  "messages": {number: {...}}, "glossary": [...]}
// `figure` holds the call and its legs; `number` is one of theirs.
std::string call_panel_json(Calls figure, std::uint64_t number);

}  // namespace sipana::render
