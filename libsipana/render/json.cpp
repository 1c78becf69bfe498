// Rows as JSON objects, one line each. Members: docs/report-format.md; schema:
// docs/report.schema.json.
#include "libsipana/render/json_writer.h"
#include "libsipana/render/render.h"
#include "libsipana/render/rows.h"

namespace sipana::render {

using analysis::Call;
using analysis::SipMessage;
using analysis::Stream;

void write_call_members(JsonWriter& json, const Call& call) {
    const MediaTotals media = totals_of(call);
    json.field("number", call.number)
        .field("call_id", call.call_id)
        .field("kind", to_string(call.kind));
    json.text_or_null("from", call.from.uri).text_or_null("to", call.to.uri);
    json.text_or_null("from_display", call.from.display)
        .text_or_null("to_display", call.to.display);
    json.field("state", to_string(call.state)).key("final_code");
    call.final_code == 0 ? json.null() : json.value(call.final_code);
    json.text_or_null("final_reason", call.final_reason);
    json.key("start").time(call.start).key("end").time(call.end);
    json.key("post_dial_delay_s").seconds(call.post_dial_delay).key("ring_s").seconds(call.ring);
    json.key("setup_s").seconds(call.setup).key("duration_s").seconds(call.duration);
    json.text_or_null("ended_by", to_text(call.ended)).text_or_null("reason", call.reason_header);
    json.field("challenges", call.challenges).field("retransmissions", call.retransmissions);
    json.field("packets", media.packets).field("lost", media.lost);
    json.field("caller", call.caller).field("callee", call.callee);
    json.field("transport", to_string(call.transport))
        .text_or_null("request_uri", call.request_uri);
    json.text_or_null("caller_agent", call.caller_agent)
        .text_or_null("callee_agent", call.callee_agent);
    if (call.kind == analysis::CallKind::register_)
        json.field("expires_s", call.expires_s).text_or_null("contact", call.contact);
    if (call.kind == analysis::CallKind::subscribe)
        json.field("expires_s", call.expires_s).text_or_null("event", call.event);
}

void append_call_json(std::string& out, const Call& call) {
    JsonWriter json(out);
    json.begin_object();
    write_call_members(json, call);
    json.key("legs").begin_array();
    for (const auto& leg : call.legs) json.value(leg.call_id);
    json.end_array();
    json.field("messages", call.message_count);
    json.field("streams", static_cast<std::uint64_t>(call.streams.size()));
    json.end_object();
}

void write_message_members(JsonWriter& json, const SipMessage& m) {
    json.field("frame", m.frame).key("time").time(m.time);
    json.field("src", m.src).field("dst", m.dst).field("transport", to_string(m.transport));
    std::string cseq = std::to_string(m.cseq);
    cseq += ' ';
    cseq += m.method_name;
    json.field("cseq", std::string_view(cseq));
    if (m.is_request())
        json.field("method", m.method_name);
    else
        json.field("code", m.code).field("reason", reason_phrase(m));
    json.field("retransmission", m.retransmission).field("capture_duplicate", m.capture_duplicate);
    json.field("sdp", m.has_sdp).field("bytes", static_cast<std::uint64_t>(m.text.size()));
}

void append_message_json(std::string& out, const SipMessage& message, std::string_view call_id) {
    JsonWriter json(out);
    json.begin_object().text_or_null("call_id", call_id);
    write_message_members(json, message);
    json.end_object();
}

void write_stream_members(JsonWriter& json, const Stream& s) {
    const bool in_call = !s.call_id.empty();
    json.text_or_null("call_id", s.call_id);
    json.field("src", s.src).field("dst", s.dst).key("ssrc").hex(s.ssrc);
    json.field("media", to_string(s.media)).text_or_null("codec", s.codec);
    json.field("payload_type", s.payload_type).key("payload_types").begin_array();
    for (const std::uint8_t type : s.payload_types) json.value(type);
    json.end_array().key("clock_hz");
    s.clock_hz == 0 ? json.null() : json.value(s.clock_hz);
    json.field("clock_known", s.clock_known)
        .field("from_sdp", s.from_sdp)
        .field("encrypted", s.encrypted);
    json.key("from_caller");
    in_call ? json.value(s.from_caller) : json.null();
    json.key("media_line");
    s.media_line == analysis::none ? json.null() : json.value(s.media_line);
    json.field("first_frame", s.first_frame).key("start").time(s.start).key("end").time(s.end);
    json.key("duration_s").seconds(s.end - s.start);
    json.field("packets", s.packets).field("expected", s.expected).field("lost", s.lost);
    json.field("late", s.late).field("duplicated", s.duplicated).field("reordered", s.reordered);
    if (s.clock_hz == 0)
        json.key("jitter_ms").null().key("max_jitter_ms").null();
    else
        json.field("jitter_ms", s.mean_jitter_ms).field("max_jitter_ms", s.max_jitter_ms);
    json.key("mos");
    s.mos ? json.value(*s.mos) : json.null();
    json.key("r_factor");
    s.r_factor ? json.value(*s.r_factor) : json.null();
    json.key("mos_scale");
    s.mos ? json.value(s.wideband ? "wideband" : "narrowband") : json.null();
    json.key("round_trip_ms");
    s.round_trip_ms ? json.value(*s.round_trip_ms) : json.null();
    json.field("max_delta_ms", s.max_delta_ms).field("mean_delta_ms", s.mean_delta_ms);
    json.field("bytes", s.bytes)
        .field("ip_bytes", s.ip_bytes)
        .field("bitrate_kbps", s.bitrate_kbps);
    json.field("silences", s.silences).field("markers", s.markers).field("restarts", s.restarts);
    json.field("first_sequence", s.first_sequence).field("last_sequence", s.last_sequence);
    std::string digits;
    for (const auto& digit : s.digits) digits += digit.digit;
    json.field("digits", std::string_view(digits)).text_or_null("cname", s.cname);
    if (!s.video) return;
    const auto& v = *s.video;
    json.field("frames", v.frames).field("key_frames", v.key_frames);
    json.field("incomplete_frames", v.incomplete_frames).key("width");
    v.width == 0 ? json.null() : json.value(v.width);
    json.key("height");
    v.height == 0 ? json.null() : json.value(v.height);
    json.field("fps", v.fps).key("longest_freeze_s").seconds(v.longest_freeze);
    json.key("broken_s").seconds(v.broken_for);
    json.field("broken_count", v.broken_count).field("broken_frames", v.broken_frames);
}

void append_stream_json(std::string& out, const Stream& stream) {
    JsonWriter json(out);
    json.begin_object();
    write_stream_members(json, stream);
    json.end_object();
}

void write_finding_members(JsonWriter& json, const Finding& f) {
    json.field("rule", f.rule).field("severity", to_string(f.severity)).key("frame");
    f.frame == 0 ? json.null() : json.value(f.frame);
    json.field("byte", f.byte)
        .field("text", std::string_view(f.text))
        .text_or_null("clause", f.clause);
}

void append_finding_json(std::string& out, const Finding& finding) {
    JsonWriter json(out);
    json.begin_object();
    write_finding_members(json, finding);
    json.end_object();
}

std::string call_json(const Call& call) {
    std::string out;
    append_call_json(out, call);
    return out;
}

std::string message_json(const SipMessage& message, std::string_view call_id) {
    std::string out;
    append_message_json(out, message, call_id);
    return out;
}

std::string stream_json(const Stream& stream) {
    std::string out;
    append_stream_json(out, stream);
    return out;
}

std::string finding_json(const Finding& finding) {
    std::string out;
    append_finding_json(out, finding);
    return out;
}

}  // namespace sipana::render
