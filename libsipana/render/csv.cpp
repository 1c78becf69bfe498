// Rows as CSV (RFC 4180), safe to open in a spreadsheet: a cell that a formula could begin with
// gets an apostrophe before it unless it is a number; controls are shown as printable() shows them.
// What is not known is an empty cell. Columns: docs/report-format.md.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "libsipana/base/text.h"
#include "libsipana/render/digits.h"
#include "libsipana/render/render.h"
#include "libsipana/render/rows.h"

namespace sipana::render {
namespace {

bool is_number(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    bool digit = false, point = false;
    for (const char c : text) {
        if (c == '.' && !point)
            point = true;
        else if (is_digit(c))
            digit = true;
        else
            return false;
    }
    return digit;
}

// What spreadsheets take for the beginning of a formula, in ASCII and full width (U+FF0B FF0D FF1D
// FF20).
bool begins_formula(std::string_view cell) {
    if (cell.empty()) return false;
    if (std::string_view("=+-@\t\r\n").find(cell.front()) != std::string_view::npos) return true;
    for (const std::string_view wide :
         {"\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\x9d", "\xef\xbc\xa0"})
        if (cell.starts_with(wide)) return true;
    return false;
}

class CsvRow {
public:
    CsvRow& text(std::string_view wire) {
        separate();
        const bool guarded = begins_formula(wire) && !is_number(wire);
        if (is_plain(wire) && !guarded && wire.find(',') == wire.npos) {
            out_ += wire;
            return *this;
        }
        std::string cell = printable(wire);
        if (guarded) cell.insert(0, 1, '\'');
        if (cell.find_first_of(",\"") == cell.npos) {  // line ends are escaped already
            out_ += cell;
            return *this;
        }
        out_ += '"';
        for (const char c : cell) {
            if (c == '"') out_ += '"';
            out_ += c;
        }
        out_ += '"';
        return *this;
    }
    CsvRow& number(std::uint64_t n) {
        return put<number_room>([n](char* to) { return put_number(to, n); });
    }
    CsvRow& number_or_empty(std::uint64_t n) { return n == 0 ? empty() : number(n); }
    CsvRow& decimal(double x) {
        if (!std::isfinite(x) || std::abs(x) >= 1e12) return empty();
        return put<decimal_room>([x](char* to) { return put_decimal(to, x); });
    }
    CsvRow& seconds(const std::optional<Duration>& d) {
        return d ? put<seconds_room>([&d](char* to) { return put_seconds(to, *d); }) : empty();
    }
    CsvRow& time(Time t) {
        return t == no_time ? empty() : put<time_room>([t](char* to) { return put_time(to, t); });
    }
    CsvRow& flag(bool yes) { return text(yes ? "true" : "false"); }
    CsvRow& endpoint(const Endpoint& e) {
        return e.empty() ? empty()
                         : put<endpoint_room>([&e](char* to) { return put_endpoint(to, e); });
    }
    CsvRow& empty() {
        separate();
        return *this;
    }
    std::string take() { return std::move(out_); }

private:
    // What needs neither quotes nor escapes.
    template <std::size_t Room, typename Write>
    CsvRow& put(Write write) {
        separate();
        std::array<char, Room> text;
        out_.append(text.data(), write(text.data()));
        return *this;
    }
    void separate() {
        if (!first_) out_ += ',';
        first_ = false;
    }
    std::string out_;
    bool first_ = true;
};

}  // namespace

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
           "key_frames,incomplete_frames,width,height,fps";
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
    return row.take();
}

}  // namespace sipana::render
