// The whole report as one JSON document: one member a line, rows on one line each.
#include "libsipana/render/json_writer.h"
#include "libsipana/render/render.h"
#include "libsipana/render/rows.h"

namespace sipana::render {
namespace {

using analysis::Call;
using analysis::none;
using analysis::Report;
using analysis::SipMessage;
using analysis::Stream;

// An array whose elements are objects on one line each.
template <typename Items, typename Write>
void lines(JsonWriter& json, std::string_view name, const Items& items, Write write) {
    json.key(name).begin_array();
    for (const auto& item : items) {
        json.begin_object().flat(true);
        write(item);
        json.end_object().flat(false);
    }
    json.end_array();
}

void write_findings(JsonWriter& json, const std::vector<Finding>& findings) {
    lines(json, "findings", findings,
          [&json](const Finding& f) { write_finding_members(json, f); });
}

void index_or_null(JsonWriter& json, std::string_view name, std::uint32_t index) {
    json.key(name);
    index == none ? json.null() : json.value(index);
}

void write_messages(JsonWriter& json, std::string_view name,
                    const std::vector<SipMessage>& messages) {
    lines(json, name, messages, [&json](const SipMessage& m) {
        write_message_members(json, m);
        index_or_null(json, "transaction", m.transaction);
        index_or_null(json, "dialog", m.dialog);
        json.field("text", std::string_view(masked(m.text)));
    });
}

void write_transactions(JsonWriter& json, const Call& call) {
    lines(json, "transactions", call.transactions, [&json](const analysis::Transaction& t) {
        json.field("method", t.method_name).field("cseq", t.cseq).text_or_null("branch", t.branch);
        json.field("client", t.client).field("server", t.server);
        json.key("request_at").time(t.request_at);
        json.key("first_provisional_at").time(t.first_provisional_at);
        json.key("final_at").time(t.final_at).key("final_code");
        t.final_code == 0 ? json.null() : json.value(t.final_code);
        json.field("challenged", t.challenged)
            .field("cancelled", t.cancelled)
            .field("acked", t.acked);
        json.field("request_retransmissions", t.request_retransmissions);
        json.field("response_retransmissions", t.response_retransmissions);
    });
}

std::string_view to_text(analysis::DialogState state) {
    switch (state) {
        case analysis::DialogState::early:
            return "early";
        case analysis::DialogState::confirmed:
            return "confirmed";
        case analysis::DialogState::terminated:
            return "terminated";
    }
    return "terminated";
}

void write_dialogs(JsonWriter& json, const Call& call) {
    lines(json, "dialogs", call.dialogs, [&json](const analysis::Dialog& d) {
        json.text_or_null("caller_tag", d.caller_tag).text_or_null("callee_tag", d.callee_tag);
        json.field("state", to_text(d.state)).key("early_at").time(d.early_at);
        json.key("confirmed_at").time(d.confirmed_at).key("ended_at").time(d.ended_at);
        json.text_or_null("caller_contact", d.caller_contact);
        json.text_or_null("callee_contact", d.callee_contact);
    });
}

void write_codecs(JsonWriter& json, std::string_view name, const std::vector<sdp::Codec>& codecs) {
    json.key(name).begin_array();
    for (const auto& codec : codecs) {
        json.begin_object()
            .field("payload_type", codec.payload_type)
            .text_or_null("name", codec.name);
        json.key("clock_hz");
        codec.clock_hz == 0 ? json.null() : json.value(codec.clock_hz);
        json.field("channels", codec.channels).text_or_null("fmtp", codec.fmtp).end_object();
    }
    json.end_array();
}

void write_side(JsonWriter& json, const sdp::MediaOffer& side) {
    json.begin_object()
        .field("rtp", side.rtp)
        .field("rtcp", side.rtcp)
        .field("rtcp_mux", side.rtcp_mux);
    json.field("direction", to_string(side.direction)).field("on_hold", side.on_hold);
    write_codecs(json, "codecs", side.codecs);
    json.key("ptime_ms");
    side.ptime_ms ? json.value(*side.ptime_ms) : json.null();
    json.text_or_null("setup", side.setup).text_or_null("fingerprint", side.fingerprint);
    const auto texts = [&json](std::string_view name, const std::vector<std::string>& list) {
        json.key(name).begin_array();
        for (const auto& text : list) json.value(std::string_view(text));
        json.end_array();
    };
    texts("crypto", side.crypto);
    texts("candidates", side.candidates);
    json.end_object();
}

void write_media_line(JsonWriter& json, const sdp::MediaLine& line) {
    json.field("index", line.index).field("media", std::string_view(line.media));
    json.field("protocol", std::string_view(line.protocol)).text_or_null("mid", line.mid);
    json.text_or_null("bundle", line.bundle).field("refused", line.refused);
    json.field("direction", to_string(line.direction));
    write_codecs(json, "agreed", line.agreed);
    json.key("offer");
    write_side(json, line.offer);
    json.key("answer");
    if (line.answer)
        write_side(json, *line.answer);
    else
        json.null();
}

void write_offers_answers(JsonWriter& json, const Call& call) {
    json.key("offers_answers").begin_array();
    for (const auto& ledger : call.ledgers)
        for (const auto& e : ledger.exchanges) {
            json.begin_object();
            json.field("dialog", ledger.dialog);
            json.field("offerer", e.offerer == sdp::Side::caller ? "caller" : "callee");
            json.field("outcome", to_string(e.outcome)).field("delayed", e.delayed);
            json.field("offer_message", e.offer_message).key("answer_message");
            e.answer_message ? json.value(*e.answer_message) : json.null();
            json.key("offered_at").time(e.offered_at).key("answered_at").time(e.answered_at);
            json.key("in_force_until").time(e.in_force_until);
            json.text_or_null("session_version_note", e.session_version_note);
            lines(json, "media", e.media,
                  [&json](const sdp::MediaLine& l) { write_media_line(json, l); });
            json.end_object();
        }
    json.end_array();
}

void write_digits(JsonWriter& json, std::string_view name,
                  const std::vector<analysis::Digit>& digits) {
    lines(json, name, digits, [&json](const analysis::Digit& d) {
        json.field("digit", std::string_view(&d.digit, 1));
        json.field("source",
                   d.source == analysis::DigitSource::rtp_event ? "rtp_event" : "sip_info");
        json.key("start").time(d.start).key("duration_s").seconds(d.duration);
        json.field("volume_dbm0", d.volume_dbm0).field("ended", d.ended).field("frame", d.frame);
    });
}

void write_reports(JsonWriter& json, const Stream& s) {
    lines(json, "rtcp_reports", s.reports, [&json](const analysis::RtcpReport& r) {
        json.field("frame", r.frame)
            .key("time")
            .time(r.time)
            .field("src", r.src)
            .field("dst", r.dst);
        json.key("sender_ssrc").hex(r.sender_ssrc);
        if (r.is_sender_report) {
            json.field("ntp", r.ntp).field("rtp_timestamp", r.rtp_timestamp);
            json.field("sent_packets", r.sent_packets).field("sent_bytes", r.sent_bytes);
        }
        if (!r.has_block) return;
        json.key("reported_ssrc").hex(r.reported_ssrc).field("fraction_lost", r.fraction_lost);
        json.field("cumulative_lost", r.cumulative_lost)
            .field("extended_sequence", r.extended_sequence);
        json.field("jitter_units", r.jitter_units).field("lsr", r.lsr).field("dlsr", r.dlsr);
        json.key("jitter_ms");
        r.jitter_ms ? json.value(*r.jitter_ms) : json.null();
        json.key("rtt_ms");
        r.rtt_ms ? json.value(*r.rtt_ms) : json.null();
    });
    lines(json, "rtcp_events", s.rtcp_events, [&json](const analysis::RtcpEvent& e) {
        json.field("frame", e.frame)
            .key("time")
            .time(e.time)
            .field("src", e.src)
            .field("dst", e.dst);
        json.key("sender_ssrc").hex(e.sender_ssrc).key("media_ssrc").hex(e.media_ssrc);
        json.field("kind", e.kind).field("text", std::string_view(e.text));
    });
}

void write_pictures(JsonWriter& json, const analysis::Video& v) {
    lines(json, "broken", v.broken, [&json](const analysis::BrokenPicture& b) {
        json.key("start").time(b.start).key("end").time(b.end);
        json.key("length_s").seconds(b.length);
        json.field("frames", b.frames).field("lost_packets", b.lost_packets);
        json.field("joined", b.joined).field("mended", b.mended);
    });
    lines(json, "key_requests", v.requests, [&json](const analysis::KeyRequest& r) {
        json.field("frame", r.frame).key("time").time(r.time).field("src", r.src);
        json.field("how", r.how).key("answered_after_s");
        r.answered_after ? json.seconds(*r.answered_after) : json.null();
    });
    json.key("behind_sound_ms");
    v.behind_sound_ms ? json.value(*v.behind_sound_ms) : json.null();
    json.key("sound_ssrc");
    v.behind_sound_ms ? json.hex(v.sound_ssrc) : json.null();
}

void write_streams(JsonWriter& json, const std::vector<Stream>& streams) {
    json.key("streams").begin_array();
    for (const Stream& s : streams) {
        json.begin_object();
        write_stream_members(json, s);
        lines(json, "gaps", s.gaps, [&json](const analysis::Gap& g) {
            json.key("after")
                .time(g.after)
                .key("length_s")
                .seconds(g.length)
                .field("packets", g.packets);
        });
        lines(json, "seconds", s.seconds, [&json, &s](const analysis::StreamSecond& x) {
            json.field("packets", x.packets).field("lost", x.lost).field("late", x.late);
            json.field("duplicated", x.duplicated)
                .field("reordered", x.reordered)
                .field("bytes", x.bytes);
            json.field("jitter_ms", static_cast<double>(x.jitter_ms));
            json.field("max_delta_ms", static_cast<double>(x.max_delta_ms));
            if (s.video)
                json.field("frames", x.frames)
                    .field("key_frames", x.key_frames)
                    .field("incomplete_frames", x.incomplete_frames);
        });
        if (s.video) write_pictures(json, *s.video);
        write_digits(json, "events", s.digits);
        write_reports(json, s);
        write_findings(json, s.findings);
        json.end_object();
    }
    json.end_array();
}

void write_call(JsonWriter& json, const Call& call) {
    json.begin_object();
    write_call_members(json, call);
    lines(json, "legs", call.legs, [&json](const analysis::Leg& leg) {
        json.field("call_id", leg.call_id).field("evidence", std::string_view(leg.evidence));
    });
    json.field("message_count", call.message_count);
    write_messages(json, "messages", call.messages);
    write_transactions(json, call);
    write_dialogs(json, call);
    write_offers_answers(json, call);
    write_digits(json, "info_digits", call.digits);
    write_streams(json, call.streams);
    write_findings(json, call.findings);
    json.end_object();
}

void write_files(JsonWriter& json, const Report& report) {
    lines(json, "files", report.files, [&json](const analysis::FileFacts& f) {
        json.field("name", std::string_view(f.name)).field("format", std::string_view(f.format));
        json.text_or_null("compression", f.compression)
            .field("frames", f.frames)
            .field("bytes", f.bytes);
        json.field("damaged", f.damaged).field("secrets", f.secrets);
        const auto texts = [&json](std::string_view name, const std::vector<std::string>& list) {
            json.key(name).begin_array();
            for (const auto& text : list) json.value(std::string_view(text));
            json.end_array();
        };
        texts("comments", f.comments);
        texts("interfaces", f.interfaces);
    });
}

void write_counts(JsonWriter& json, const analysis::Counts& c) {
    json.key("counts").begin_object().field("frames", c.frames.frames);
    json.key("frames_by_fate").begin_object().flat(true);
    for (std::size_t i = 0; i < net::fates; ++i) {
        std::string name(to_string(static_cast<net::Fate>(i)));
        for (char& letter : name) letter = letter == '-' ? '_' : letter;
        json.field(name, c.frames.by_fate[i]);
    }
    json.end_object().flat(false);
    json.field("datagrams", c.frames.datagrams).field("tcp_chunks", c.frames.chunks);
    json.field("ip_fragments", c.frames.fragments);
    json.field("ip_fragments_expired", c.frames.fragments_expired);
    json.field("tcp_retransmitted_segments", c.frames.retransmitted_segments);
    json.field("tcp_missing_bytes", c.frames.missing_bytes);
    json.field("sip_messages", c.sip_messages).field("malformed_sip", c.malformed_sip);
    json.field("late_messages", c.late_messages);
    json.field("rtp_packets", c.rtp_packets).field("rtcp_packets", c.rtcp_packets);
    json.field("malformed_rtcp", c.malformed_rtcp).field("srtcp_packets", c.srtcp_packets);
    json.key("rtcp_by_type").begin_object().flat(true);
    for (std::size_t type = 0; type < c.rtcp_by_type.size(); ++type)
        if (c.rtcp_by_type[type] != 0) json.field(std::to_string(type), c.rtcp_by_type[type]);
    json.end_object().flat(false);
    json.field("stun", c.stun).field("dtls", c.dtls).field("zrtp", c.zrtp).field("t38", c.t38);
    json.field("turn_channel", c.turn_channel).field("keep_alives", c.keep_alives);
    json.field("hep", c.hep).field("hep_other", c.hep_other).field("hep_own", c.hep_own);
    json.field("hep_unreadable", c.hep_unreadable);
    json.field("tls", c.tls).field("undecided", c.undecided);
    json.field("other_datagrams", c.other_datagrams);
    if (const analysis::Losses& l = c.losses; l.any() > 0) {
        json.key("losses").begin_object();
        json.field("dropped_by_kernel", l.dropped_by_kernel).field("dropped_by_interface", l.dropped_by_interface);
        json.field("dropped_by_queue", l.dropped_by_queue).field("evicted_attempts", l.evicted_attempts);
        json.field("evicted_calls", l.evicted_calls).field("evicted_streams", l.evicted_streams);
        json.field("forgotten_calls", l.forgotten_calls);
        json.end_object();
    }
    json.end_object();
}

void write_report(JsonWriter&& json, const Report& report, Calls calls) {
    json.begin_object().field("schema", "sipana/1");
    json.key("first").time(report.first).key("last").time(report.last);
    write_files(json, report);
    write_counts(json, report.counts);
    lines(json, "names", report.names, [&json](const auto& name) {
        json.field("address", std::string_view(name.first.to_string()));
        json.field("name", std::string_view(name.second));
    });
    json.key("calls").begin_array();
    for (const Call* call : calls) write_call(json, *call);
    json.end_array();
    write_streams(json, report.streams);
    write_messages(json, "stray_messages", report.stray_messages);
    write_findings(json, report.findings);
    json.end_object();
}

}  // namespace

std::string report_json(const Report& report) {
    return report_json(report, pointers(report.calls));
}

std::string report_json(const Report& rest, Calls calls) {
    std::string out;
    write_report(JsonWriter(out, 1), rest, calls);
    out += '\n';
    return out;
}

}  // namespace sipana::render
