#include "libsipana/live/events.h"

#include <fmt/format.h>

#include <utility>

#include "libsipana/base/append.h"
#include "libsipana/base/text.h"
#include "libsipana/render/json_writer.h"
#include "libsipana/render/render.h"

namespace sipana::live {
namespace {

std::string quoted(std::string_view text) {
    std::string out;
    render::JsonWriter(out).value(text);
    return out;
}

void put_counts(std::string& out, const SourceCounts& c) {
    append(out, R"("received":{},"read":{},"dropped":{},"dropped_by_kernel":{},"dropped_by_interface":{},)"
                R"("dropped_by_queue":{},"refused":{})",
           c.received, c.read, c.dropped(), c.dropped_by_kernel, c.dropped_by_interface, c.dropped_by_queue,
           c.refused);
}

// Where each frame went that was read: the four add up.
void put_frames(std::string& out, const net::Accounting& a) {
    using net::Fate;
    const std::uint64_t ignored = a[Fate::not_ip] + a[Fate::other_transport] + a[Fate::unknown_link_type];
    const std::uint64_t malformed = a[Fate::cut_short] + a[Fate::bad_header] + a[Fate::too_deep];
    append(out, R"("frames":{{"read":{},"parsed":{},"ignored":{},"malformed":{},"over_cap":{}}})", a.frames,
           a[Fate::delivered] + a[Fate::held], ignored, malformed, a[Fate::over_cap]);
}

}  // namespace

std::string totals_json(const Totals& t) {
    std::string out = "{";
    append(out, R"("time":"{}","running_s":{:.3f},)", to_rfc3339(t.now),
           t.begun == no_time ? 0 : to_milliseconds(t.now - t.begun) / 1000);
    put_counts(out, t.captured());
    out += ',';
    put_frames(out, t.counts.frames);
    out += R"(,"sources":[)";
    for (const Totals::Captured& s : t.sources) {
        append(out, R"({}{{"name":{},"ended":{},)", &s == t.sources.data() ? "" : ",", quoted(s.name), s.ended);
        put_counts(out, s.counts);
        out += '}';
    }
    append(out, R"(],"packets_per_s":{:.1f},"bits_per_s":{:.0f},"sip_messages":{},"rtp_packets":{},"rtcp_packets":{},)",
           t.packets_per_s, t.bits_per_s, t.counts.sip_messages, t.counts.rtp_packets, t.counts.rtcp_packets);
    append(out, R"("malformed_sip":{},"late_messages":{},"calls_active":{},"calls_over":{},"dialogs_active":{},)",
           t.counts.malformed_sip, t.counts.late_messages, t.calls_active, t.calls_over, t.dialogs_active);
    append(out, R"("dialogs_over":{},"registered":{},"subscribed":{},"streams_active":{},"findings":{},)",
           t.dialogs_over, t.registered, t.subscribed, t.streams_active, t.findings);
    append(out, R"("evicted_attempts":{},"evicted_calls":{},"evicted_streams":{},"forgotten_calls":{},)",
           t.evictions.attempts, t.evictions.calls, t.evictions.streams, t.over_forgotten);
    append(out, R"("tracked_bytes":{},"kept_bytes":{},"packet_bytes":{},"resident_bytes":{},"limit_bytes":{},)",
           t.tracked_bytes, t.kept_bytes, t.packet_bytes, t.resident_bytes, t.limit_bytes);
    append(out, R"("recorded_packets":{},"recorded_files":{},"removed_files":{},"saved_calls":{})",
           t.recorded_packets, t.recorded_files, t.removed_files, t.saved_calls);
    if (!t.recording_failure.empty()) append(out, R"(,"recording_failure":{})", quoted(t.recording_failure));
    return out + '}';
}

Result<Events::What> Events::What::parse(std::string_view words) {
    What what{false, false, false, false, false, false};
    const std::pair<std::string_view, bool What::*> known[] = {
        {"message", &What::messages}, {"going", &What::going},       {"call", &What::calls},
        {"stream", &What::streams},   {"finding", &What::findings}, {"totals", &What::totals}};
    while (!words.empty()) {
        const std::string_view word = words.substr(0, words.find(','));
        words.remove_prefix(std::min(word.size() + 1, words.size()));
        bool found = false;
        for (const auto& [name, member] : known)
            if (name == word) found = what.*member = true;
        if (!found)
            return Error{Errc::malformed, 0,
                         fmt::format("'{}' is none of message, going, call, stream, finding, totals", word)};
    }
    return what;
}

Events::Events(What what, analysis::Selection* chosen, std::function<void(std::string_view)> line,
               std::function<void()> flush, std::function<Totals()> totals)
    : what_(what),
      chosen_(chosen),
      line_(std::move(line)),
      flush_(std::move(flush)),
      totals_(std::move(totals)) {}

void Events::put(std::string_view event, std::string_view object, std::string_view call_id) {
    buffer_.clear();
    append(buffer_, R"({{"event":"{}",)", event);
    if (!call_id.empty()) append(buffer_, R"("call_id":{},)", quoted(call_id));
    buffer_.append(object.substr(1));
    line_(buffer_);
}

void Events::on_message(const analysis::SipMessage& message, std::string_view call_id) {
    if (what_.messages && chosen_ == nullptr) put("message", render::message_json(message, call_id));
}

// Only where the state or the final code has changed.
void Events::on_going(const analysis::Call& call) {
    if (!what_.going) return;
    const std::pair now{call.state, call.final_code};
    const auto found = told_.find(call.number);
    if (found != told_.end() && found->second == now) return;
    if (chosen_ != nullptr && !chosen_->matches(call)) return;
    if (found == told_.end() && told_.size() >= most_remembered) told_.clear();
    told_[call.number] = now;
    put("going", render::call_json(call));
}

void Events::on_call(const analysis::Call& call) {
    told_.erase(call.number);
    if (chosen_ != nullptr && !chosen_->matches(call)) return;
    if (what_.calls) put("call", render::call_json(call));
    if (what_.streams)
        for (const analysis::Stream& s : call.streams) put("stream", render::stream_json(s));
    if (!what_.findings) return;
    for (const Finding& f : call.findings) put("finding", render::finding_json(f), call.call_id);
    for (const analysis::Stream& s : call.streams)
        for (const Finding& f : s.findings) put("finding", render::finding_json(f), call.call_id);
}

void Events::on_stream(const analysis::Stream& stream) {
    if (what_.streams && chosen_ == nullptr) put("stream", render::stream_json(stream));
}

void Events::on_finding(const Finding& finding) {
    if (what_.findings && chosen_ == nullptr) put("finding", render::finding_json(finding));
}

void Events::on_tick(Time now) {
    if (what_.totals && (next_totals_ == no_time || now >= next_totals_)) {
        put("totals", totals_json(totals_()));
        next_totals_ = now + totals_interval;
    }
    flush_();
}

void Events::end() {
    if (what_.totals) put("end", totals_json(totals_()));
    flush_();
}

}  // namespace sipana::live
