// What the rows for people (tables), for programs (JSON, CSV) and the report have in common.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/analysis/model.h"

namespace sipana::render {

class JsonWriter;

// The reason phrase of a response, as written (RFC 3261 7.2); empty for a request.
std::string_view reason_phrase(const analysis::SipMessage& message);
// "486 Busy Here": what answered the call in the end, with the registered phrase where it had none.
std::string final_words(const analysis::Call& call);
// The Call-ID field's value; empty if there is none.
std::string_view call_id_of(const analysis::SipMessage& message);
std::string_view to_text(analysis::Ended ended);  // "caller", "callee", ""

std::string day_of(const analysis::Call& call);  // "2026-11-23", UTC; "" where the start is unknown
bool of_one_day(std::span<const analysis::Call> calls);
bool of_one_day(std::span<const analysis::Call* const> calls);

struct MediaTotals {
    std::uint64_t packets = 0, lost = 0;
};
MediaTotals totals_of(const analysis::Call& call);

// Findings that say the same, the worst first and otherwise in order of the first one's frame.
inline constexpr std::size_t frames_named = 8;  // of one group
struct FindingGroup {
    const Finding* first = nullptr;
    std::uint64_t count = 0;
    std::vector<std::uint64_t> frames;  // the first few different ones
    bool more_frames = false;
    bool one_text = true;  // all say the same; otherwise only the rule is the same
};
enum class Alike : std::uint8_t { rule, text };  // by rule and severity; by their text too
std::vector<FindingGroup> grouped(std::span<const Finding> findings, Alike alike);

// The members of one row, into an object that is open (render/json); the report adds its own.
void write_call_members(JsonWriter& json, const analysis::Call& call);
void write_message_members(JsonWriter& json, const analysis::SipMessage& message);
void write_stream_members(JsonWriter& json, const analysis::Stream& stream);
void write_finding_members(JsonWriter& json, const Finding& finding);

}  // namespace sipana::render
