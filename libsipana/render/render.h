// Renderers: pure functions of the model (analysis/model.h) to text. Same model, same bytes.
//
// Every renderer escapes for its own medium; wire text is hostile. No clocks, no paths, no locale.
// What takes a Report and Calls takes the calls from the latter, and looks at none of the former.
// Streams of rows (ndjson, CSV) are written one object a time, so that a caller can print and
// forget.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/analysis/model.h"

namespace sipana::render {

using Calls = std::span<const analysis::Call* const>;

struct Style {
    std::size_t width = 80;  // terminal columns
    bool color = false;
    bool unicode = true;   // box drawing and arrows; otherwise ASCII
    bool secrets = false;  // show Authorization values, keys and passwords
};

// ---- tables for people (render/text)
std::string calls_table(std::span<const analysis::Call> calls, const Style& style);
std::string messages_table(std::span<const analysis::SipMessage> messages, const Style& style);
std::string streams_table(std::span<const analysis::Stream* const> streams, const Style& style);
std::string findings_text(std::span<const Finding> findings, const Style& style);
// What was read, what it held and what became of each frame: a few lines (for stderr and reports).
std::string summary_text(const analysis::Report& report, const Style& style);
// A message as text, values of Authorization and the like and SDP keys masked unless style.secrets.
std::string message_text(const analysis::SipMessage& message, const Style& style);
std::string masked(std::string_view message);  // the masking alone, line structure kept

// ---- rows for programs (render/json, render/csv); no line end
std::string call_json(const analysis::Call& call);  // one line
std::string message_json(const analysis::SipMessage& message, std::string_view call_id);
std::string stream_json(const analysis::Stream& stream);
std::string finding_json(const Finding& finding);
// The same, appended to a buffer that the caller uses again: for hundreds of thousands of rows.
void append_call_json(std::string& out, const analysis::Call& call);
void append_message_json(std::string& out, const analysis::SipMessage& message,
                         std::string_view call_id);
void append_stream_json(std::string& out, const analysis::Stream& stream);
void append_finding_json(std::string& out, const Finding& finding);
// The whole report (schema docs/report.schema.json), indented.
std::string report_json(const analysis::Report& report);
std::string report_json(const analysis::Report& rest, Calls calls);
std::string calls_csv_header();
std::string call_csv(const analysis::Call& call);
std::string messages_csv_header();
std::string message_csv(const analysis::SipMessage& message, std::string_view call_id);
std::string streams_csv_header();
std::string stream_csv(const analysis::Stream& stream);

// ---- the ladder (render/ladder): one figure of one or several calls, drawn in three ways
struct Ladder;  // render/ladder.h
// The calls that belong in one figure with calls[index]: itself and its legs, in order of start.
std::vector<const analysis::Call*> figure_of(const analysis::Report& report, std::size_t index);
// Several calls in one figure, whether they are legs of each other or not; with the legs of each.
std::vector<const analysis::Call*> figure_of(const analysis::Report& report,
                                             std::span<const std::size_t> indexes);
std::vector<const analysis::Call*> figure_of(Calls calls, std::span<const std::size_t> indexes);
std::vector<const analysis::Call*> pointers(std::span<const analysis::Call> calls);
// `names`: what the capture calls addresses (Report::names).
using Names = std::span<const std::pair<Address, std::string>>;
std::string ladder_text(std::span<const analysis::Call* const> calls, const Style& style,
                        Names names = {});
std::string ladder_mermaid(std::span<const analysis::Call* const> calls, Names names = {});
// Stand-alone SVG (light and dark by prefers-color-scheme).
std::string ladder_svg(std::span<const analysis::Call* const> calls, Names names = {});

// ---- the report page (render/html)
std::string report_html(const analysis::Report& report);
std::string report_html(const analysis::Report& rest, Calls calls);
// A page with one figure, figure_of(report, indexes), and all about its calls (sipana flow --format
// html).
std::string flow_html(const analysis::Report& report, std::span<const std::size_t> indexes);
std::string flow_html(const analysis::Report& rest, Calls calls,
                      std::span<const std::size_t> indexes);
inline std::string flow_html(const analysis::Report& report, std::size_t index) {
    return flow_html(report, std::span(&index, 1));
}

}  // namespace sipana::render
