// What the rows for people (tables), for programs (JSON, CSV) and the report have in common.
#pragma once

#include <string_view>

#include "libsipana/analysis/model.h"

namespace sipana::render {

class JsonWriter;

// The reason phrase of a response, as written (RFC 3261 7.2); empty for a request.
std::string_view reason_phrase(const analysis::SipMessage& message);
// The Call-ID field's value; empty if there is none.
std::string_view call_id_of(const analysis::SipMessage& message);
std::string_view to_text(analysis::Ended ended);  // "caller", "callee", ""

struct MediaTotals {
    std::uint64_t packets = 0, lost = 0;
};
MediaTotals totals_of(const analysis::Call& call);

// The members of one row, into an object that is open (render/json); the report adds its own.
void write_call_members(JsonWriter& json, const analysis::Call& call);
void write_message_members(JsonWriter& json, const analysis::SipMessage& message);
void write_stream_members(JsonWriter& json, const analysis::Stream& stream);
void write_finding_members(JsonWriter& json, const Finding& finding);

}  // namespace sipana::render
