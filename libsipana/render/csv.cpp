// Rows as CSV. Columns: docs/report-format.md.
#include <fmt/format.h>

#include "libsipana/render/csv_row.h"
#include "libsipana/render/render.h"
#include "libsipana/render/rows.h"

namespace sipana::render {
std::string calls_csv_header() {
    return "number,call_id,kind,from,to,from_display,state,final_code,final_reason,start,end,"
           "post_dial_delay_s,ring_s,setup_s,duration_s,ended_by,reason,legs,messages,"
           "retransmissions,"
           "streams,packets,lost,caller,callee,transport,caller_agent,callee_agent";
}

std::string call_csv(const analysis::Call& call) {
    const MediaTotals media = totals_of(call);
    std::string legs;
    for (const auto& leg : call.legs) legs.append(legs.empty() ? "" : " ").append(leg.call_id);
    CsvRow row;
    row.number(call.number).text(call.call_id).text(to_string(call.kind));
    row.text(call.from.uri).text(call.to.uri).text(call.from.display).text(to_string(call.state));
    row.number_or_empty(call.final_code).text(call.final_reason).time(call.start).time(call.end);
    row.seconds(call.post_dial_delay).seconds(call.ring).seconds(call.setup).seconds(call.duration);
    row.text(to_text(call.ended)).text(call.reason_header).text(legs);
    row.number(call.message_count).number(call.retransmissions).number(call.streams.size());
    row.number(media.packets).number(media.lost).endpoint(call.caller).endpoint(call.callee);
    row.text(to_string(call.transport)).text(call.caller_agent).text(call.callee_agent);
    return row.take();
}

std::string messages_csv_header() {
    return "frame,time,src,dst,transport,call_id,cseq,method,code,reason,retransmission,"
           "capture_duplicate,sdp,bytes";
}

std::string message_csv(const analysis::SipMessage& m, std::string_view call_id) {
    CsvRow row;
    row.number(m.frame).time(m.time).endpoint(m.src).endpoint(m.dst).text(to_string(m.transport));
    row.text(call_id).text(fmt::format("{} {}", m.cseq, m.method_name));
    m.is_request() ? row.text(m.method_name).empty() : row.empty().number(m.code);
    row.text(reason_phrase(m)).flag(m.retransmission).flag(m.capture_duplicate).flag(m.has_sdp);
    row.number(m.text.size());
    return row.take();
}

std::string streams_csv_header() {
    return "call_id,src,dst,ssrc,media,codec,payload_type,clock_hz,start,end,duration_s,packets,"
           "expected,lost,"
           "late,duplicated,reordered,jitter_ms,max_jitter_ms,max_delta_ms,bytes,bitrate_kbps,"
           "digits,frames,"
           "key_frames,incomplete_frames,width,height,fps,mos,r_factor,mos_scale,round_trip_ms";
}

std::string stream_csv(const analysis::Stream& s) {
    std::string digits;
    for (const auto& digit : s.digits) digits += digit.digit;
    CsvRow row;
    row.text(s.call_id).endpoint(s.src).endpoint(s.dst).text(fmt::format("0x{:08x}", s.ssrc));
    row.text(to_string(s.media)).text(s.codec).number(s.payload_type).number_or_empty(s.clock_hz);
    row.time(s.start).time(s.end).seconds(s.end - s.start).number(s.packets).number(s.expected);
    row.number(s.lost).number(s.late).number(s.duplicated).number(s.reordered);
    if (s.clock_hz == 0)
        row.empty().empty();
    else
        row.decimal(s.mean_jitter_ms).decimal(s.max_jitter_ms);
    row.decimal(s.max_delta_ms).number(s.bytes).decimal(s.bitrate_kbps).text(digits);
    if (s.video) {
        row.number(s.video->frames).number(s.video->key_frames).number(s.video->incomplete_frames);
        row.number_or_empty(s.video->width).number_or_empty(s.video->height).decimal(s.video->fps);
    } else {
        for (int i = 0; i < 6; ++i) row.empty();
    }
    if (s.mos)
        row.decimal(*s.mos).decimal(*s.r_factor).text(s.wideband ? "wideband" : "narrowband");
    else
        row.empty().empty().empty();
    s.round_trip_ms ? row.decimal(*s.round_trip_ms) : row.empty();
    return row.take();
}

}  // namespace sipana::render
