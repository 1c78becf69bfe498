#include "libsipana/live/metrics.h"

#include <algorithm>

#include "libsipana/sip/code.h"

namespace sipana::live {
namespace {

using analysis::CallKind;
using analysis::CallState;
using analysis::MediaKind;

constexpr std::array setup_s{0.1,  0.25, 0.5,  1.0,  2.0,  3.0,   5.0,  8.0,
                             10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 180.0};
constexpr std::array delay_s{0.005, 0.01, 0.025, 0.05, 0.1,  0.25, 0.5, 1.0,
                             2.0,   3.0,  5.0,   8.0,  10.0, 15.0, 32.0};
constexpr std::array duration_s{1.0,   5.0,   10.0,   30.0,   60.0,   120.0,  180.0,
                                300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0};
constexpr std::array jitter_s{0.0005, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02,
                              0.03,   0.05,  0.075, 0.1,   0.2,  0.5};
constexpr std::array freeze_s{0.15, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0};
// The bands of G.107 Annex B, and some below.
constexpr std::array mos_steps{1.5, 2.0, 2.58, 3.1, 3.6, 4.03, 4.34, 4.5};

constexpr std::array<std::string_view, 8> class_names{"request", "1xx", "2xx", "3xx",
                                                      "4xx",     "5xx", "6xx", "other"};

std::string_view name_of(std::size_t method) {
    return method == 0 ? "other" : to_string(static_cast<sip::Method>(method));
}

std::size_t class_of(const analysis::SipMessage& m) {
    if (m.is_request()) return 0;
    return m.code >= 100 && m.code < 700 ? m.code / 100u : class_names.size() - 1;
}

// Which outcome an INVITE can have.
constexpr std::array outcomes{CallState::completed, CallState::cancelled,  CallState::busy,
                              CallState::declined,  CallState::redirected, CallState::challenged,
                              CallState::failed,    CallState::unanswered, CallState::answered,
                              CallState::ringing,   CallState::trying};

}  // namespace

Metrics::Tallies::Tallies()
    : setup(setup_s),
      post_dial_delay(delay_s),
      request_delay(delay_s),
      failed_request_delay(delay_s),
      disconnect_delay(delay_s),
      duration(duration_s),
      registration_delay(delay_s),
      jitter(jitter_s),
      video_jitter(jitter_s),
      freeze(freeze_s),
      mos(mos_steps),
      wideband_mos(mos_steps) {}

void Metrics::on_message(const analysis::SipMessage& m, std::string_view call_id) {
    const std::lock_guard lock(mutex_);
    Tallies& t = tallies_;
    if (m.capture_duplicate) {
        ++t.copies;
        return;
    }
    const auto method = static_cast<std::size_t>(m.method);
    ++t.messages[method][class_of(m)];
    t.retransmissions[method] += m.retransmission;
    if (!m.is_request()) {
        const auto all = sip::codes();
        const auto at =
            std::lower_bound(all.begin(), all.end(), int{m.code},
                             [](const sip::Code& c, int number) { return c.number < number; });
        const bool known = at != all.end() && at->number == m.code;
        const auto place = static_cast<std::size_t>(at - all.begin());
        ++t.responses[known && place < codes - 1 ? place : codes - 1];
    }
    if (const auto delay = registrations_.on_message(m, call_id, t.performance))
        t.registration_delay.add(to_seconds(*delay));
}

void Metrics::count(Tallies& t, const std::vector<Finding>& findings) {
    for (const Finding& f : findings) ++t.findings[static_cast<std::size_t>(f.severity)];
}

void Metrics::count(Tallies& t, const analysis::Stream& s) {
    OfStreams& of = t.streams[static_cast<std::size_t>(s.media)];
    ++of.streams;
    of.packets += s.packets;
    of.expected += s.expected;
    of.lost += s.lost;
    of.late += s.late;
    of.duplicated += s.duplicated;
    of.reordered += s.reordered;
    if (s.clock_hz != 0 && s.packets > 1 && s.media == MediaKind::audio)
        t.jitter.add(s.mean_jitter_ms / 1000);
    if (s.clock_hz != 0 && s.packets > 1 && s.media == MediaKind::video)
        t.video_jitter.add(s.mean_jitter_ms / 1000);
    if (s.mos) (s.wideband ? t.wideband_mos : t.mos).add(*s.mos);
    if (const auto& v = s.video) {
        t.frames += v->frames;
        t.key_frames += v->key_frames;
        t.incomplete_frames += v->incomplete_frames;
        t.broken += v->broken_count;
        t.broken_s += std::max(0.0, to_seconds(v->broken_for));
        if (v->longest_freeze > Duration{}) {
            ++t.frozen_streams;
            t.freeze.add(to_seconds(v->longest_freeze));
        }
    }
    count(t, s.findings);
}

void Metrics::on_call(const analysis::Call& c) {
    const analysis::CallPerformance performance = analysis::performance_of(c);
    const std::lock_guard lock(mutex_);
    Tallies& t = tallies_;
    if (c.kind == CallKind::invite) {
        ++t.calls[static_cast<std::size_t>(c.state)];
        if (c.setup) t.setup.add(to_seconds(*c.setup));
        if (c.post_dial_delay) t.post_dial_delay.add(to_seconds(*c.post_dial_delay));
        const auto add = [](Histogram& h, const std::optional<Duration>& d) {
            if (d) h.add(to_seconds(*d));
        };
        add(t.request_delay, performance.request_delay);
        add(t.failed_request_delay, performance.failed_request_delay);
        add(t.disconnect_delay, performance.disconnect_delay);
        add(t.duration, performance.duration);
        t.performance.add(performance);
    }
    for (const analysis::Stream& s : c.streams) count(t, s);
    count(t, c.findings);
}

void Metrics::on_stream(const analysis::Stream& s) {
    const std::lock_guard lock(mutex_);
    count(tallies_, s);
}

void Metrics::on_finding(const Finding& f) {
    const std::lock_guard lock(mutex_);
    ++tallies_.findings[static_cast<std::size_t>(f.severity)];
}

// ---------------------------------------------------------------- the text

void Metrics::write_signalling(Exposition& out, const Tallies& t, const Totals& totals) {
    out.counter("sipana_sip_messages",
                "SIP messages by method (of a response: its CSeq's) and class.");
    for (std::size_t m = 0; m < methods; ++m)
        for (std::size_t c = 0; c < classes; ++c)
            out.add(t.messages[m][c], {{"method", name_of(m)}, {"class", class_names[c]}});
    out.counter("sipana_sip_retransmissions",
                "SIP messages sent again within their transaction (RFC 3261 17).");
    for (std::size_t m = 0; m < methods; ++m)
        out.add(t.retransmissions[m], {{"method", name_of(m)}});
    out.counter("sipana_sip_responses", "SIP responses by code, where the code is registered.");
    const auto all = sip::codes();
    for (std::size_t i = 0; i < all.size() && i < codes - 1; ++i)
        out.add(t.responses[i], {{"code", std::to_string(all[i].number)}});
    out.add(t.responses[codes - 1], {{"code", "other"}});
    out.counter("sipana_sip_capture_duplicates",
                "Packets that the capture saw twice; counted nowhere else.")
        .add(t.copies);
    out.counter("sipana_sip_malformed", "Datagrams on the way to SIP that could not be read.")
        .add(totals.counts.malformed_sip);

    out.gauge("sipana_calls_active", "Calls that go on.").add(totals.calls_active);
    out.gauge("sipana_dialogs_active",
              "Everything under a Call-ID that goes on, registrations too.")
        .add(totals.dialogs_active);
    out.counter("sipana_calls", "Calls that are over, by outcome.");
    for (const CallState s : outcomes)
        out.add(t.calls[static_cast<std::size_t>(s)], {{"outcome", to_string(s)}});
    out.histogram("sipana_call_setup_seconds", "First INVITE to its 2xx.").add(t.setup);
    out.histogram("sipana_call_post_dial_delay_seconds", "First INVITE to the first 18x.")
        .add(t.post_dial_delay);
    out.gauge("sipana_registrations_active", "Registrations that hold at the moment.")
        .add(totals.registered);
    out.gauge("sipana_subscriptions_active", "Subscriptions that hold at the moment.")
        .add(totals.subscribed);
}

void Metrics::write_performance(Exposition& out, const Tallies& t) {
    const analysis::Performance& p = t.performance;
    out.counter("sipana_session_attempts", "Calls that are over, whose INVITE was seen (RFC 6076).")
        .add(p.attempts);
    out.counter("sipana_sessions_established", "Attempts that ended with a 2xx.")
        .add(p.established);
    out.counter("sipana_sessions_effective",
                "Attempts that ended with a 2xx, 480, 486, 600 or 603 (RFC 6076 4.7).")
        .add(p.effective);
    out.counter("sipana_sessions_ineffective",
                "Attempts that ended with 408, 500, 503 or 504 (RFC 6076 4.8).")
        .add(p.ineffective);
    out.counter("sipana_sessions_redirected", "Attempts that ended with a 3xx.").add(p.redirected);
    out.counter("sipana_sessions_challenged", "Attempts that ended with 401, 402 or 407.")
        .add(p.challenged);
    out.counter("sipana_sessions_completed",
                "Sessions that ended with a BYE that was answered (RFC 6076 4.9).")
        .add(p.completed);
    out.counter("sipana_sessions_abandoned", "Sessions whose BYE nobody answered.")
        .add(p.abandoned);
    out.counter("sipana_registration_attempts",
                "REGISTER requests by what came of them; challenges aside.");
    out.add(p.registered, {{"result", "registered"}})
        .add(p.ineffective_registrations, {{"result", "ineffective"}});
    out.add(p.registrations - p.registered - p.ineffective_registrations,
            {{"result", "redirected"}});

    const auto ratio = [&](std::string_view name, std::string_view help,
                           std::optional<double> value) {
        out.gauge(name, help);
        if (value) out.add(*value);
    };
    ratio("sipana_session_establishment_ratio", "SER since the start (RFC 6076 4.6).",
          p.session_establishment());
    ratio("sipana_session_establishment_effectiveness_ratio",
          "SEER since the start (RFC 6076 4.7).", p.session_establishment_effectiveness());
    ratio("sipana_ineffective_session_attempts_ratio", "ISA since the start (RFC 6076 4.8).",
          p.ineffective_sessions());
    ratio("sipana_session_completion_ratio", "SCR since the start (RFC 6076 4.9).",
          p.session_completion());
    ratio("sipana_ineffective_registration_attempts_ratio", "IRA since the start (RFC 6076 4.2).",
          p.ineffective_registration());

    out.histogram("sipana_registration_request_delay_seconds",
                  "RRD: REGISTER to its 2xx (RFC 6076 4.1).")
        .add(t.registration_delay);
    out.histogram("sipana_session_request_delay_seconds",
                  "SRD: INVITE to the first sign of ringing or to the 2xx, or to the refusal (RFC "
                  "6076 4.3).");
    out.add(t.request_delay, {{"result", "successful"}})
        .add(t.failed_request_delay, {{"result", "failed"}});
    out.histogram("sipana_session_disconnect_delay_seconds", "SDD: BYE to its 2xx (RFC 6076 4.4).")
        .add(t.disconnect_delay);
    out.histogram("sipana_session_duration_seconds", "SDT: 2xx to BYE (RFC 6076 4.5).")
        .add(t.duration);
}

void Metrics::write_media(Exposition& out, const Tallies& t, const Totals& totals) {
    out.gauge("sipana_streams_active", "RTP streams that go on.").add(totals.streams_active);
    out.counter("sipana_rtp_packets", "RTP packets.").add(totals.counts.rtp_packets);
    out.counter("sipana_rtcp_packets", "RTCP datagrams.").add(totals.counts.rtcp_packets);
    const auto by_media = [&](std::string_view name, std::string_view help,
                              std::uint64_t OfStreams::*value) {
        out.counter(name, help);
        for (std::size_t k = 0; k < kinds; ++k)
            out.add(t.streams[k].*value, {{"media", to_string(static_cast<MediaKind>(k))}});
    };
    by_media("sipana_streams", "RTP streams that are over.", &OfStreams::streams);
    by_media("sipana_stream_packets", "RTP packets of streams that are over.", &OfStreams::packets);
    by_media("sipana_stream_packets_expected", "By their sequence numbers (RFC 3550 A.3).",
             &OfStreams::expected);
    by_media("sipana_stream_packets_lost", "Expected and never seen.", &OfStreams::lost);
    by_media("sipana_stream_packets_late", "Seen more than 60 ms of media time behind the newest.",
             &OfStreams::late);
    by_media("sipana_stream_packets_duplicated", "Seen again.", &OfStreams::duplicated);
    by_media("sipana_stream_packets_reordered", "Seen behind a newer one.", &OfStreams::reordered);
    out.histogram("sipana_stream_jitter_seconds", "Mean jitter of each stream (RFC 3550 A.8).");
    out.add(t.jitter, {{"media", "audio"}}).add(t.video_jitter, {{"media", "video"}});
    out.histogram("sipana_stream_mos",
                  "MOS of each stream of speech (ITU-T G.107; wideband: G.107.1).");
    out.add(t.mos, {{"scale", "narrowband"}}).add(t.wideband_mos, {{"scale", "wideband"}});
    out.counter("sipana_video_frames", "Frames of video.").add(t.frames);
    out.counter("sipana_video_key_frames", "Frames that need no other.").add(t.key_frames);
    out.counter("sipana_video_incomplete_frames", "Frames of which packets are missing.")
        .add(t.incomplete_frames);
    out.counter("sipana_video_frozen_streams", "Streams of video that froze.")
        .add(t.frozen_streams);
    out.histogram("sipana_video_longest_freeze_seconds",
                  "The longest freeze of each stream that froze.")
        .add(t.freeze);
    out.counter("sipana_video_broken", "Stretches of a broken picture.").add(t.broken);
    out.counter("sipana_video_broken_seconds", "How long pictures were broken.").add(t.broken_s);
}

namespace {

void write_capture(Exposition& out, const Totals& totals) {
    const SourceCounts captured = totals.captured();
    const auto of = [&](net::Fate f) {
        return totals.counts.frames.by_fate[static_cast<std::size_t>(f)];
    };
    using enum net::Fate;
    out.counter("sipana_packets_received", "Packets that were for us, dropped ones included.")
        .add(captured.received);
    out.counter("sipana_packets_parsed", "Packets that were read, or wait as fragments.")
        .add(of(delivered) + of(held));
    out.counter("sipana_packets_ignored", "Packets of no concern.");
    for (const net::Fate f : {not_ip, other_transport, unknown_link_type})
        out.add(of(f), {{"reason", to_string(f)}});
    out.counter("sipana_packets_malformed", "Packets that could not be read.");
    for (const net::Fate f : {cut_short, bad_header, too_deep})
        out.add(of(f), {{"reason", to_string(f)}});
    out.counter("sipana_packets_refused", "Packets that were not what their source is for.")
        .add(captured.refused);
    out.counter("sipana_packets_dropped",
                "Packets that were lost here: what is missing may be the capture's fault.");
    out.add(captured.dropped_by_kernel, {{"by", "kernel"}})
        .add(captured.dropped_by_interface, {{"by", "interface"}});
    out.add(captured.dropped_by_queue, {{"by", "queue"}}).add(of(over_cap), {{"by", "memory"}});
}

void write_process(Exposition& out, const Totals& totals) {
    out.counter("sipana_evictions",
                "What was handed on before its time, or given up, for want of memory.");
    out.add(totals.evictions.streams, {{"kind", "stream"}})
        .add(totals.evictions.attempts, {{"kind", "attempt"}});
    out.add(totals.evictions.calls, {{"kind", "call"}})
        .add(totals.over_forgotten, {{"kind", "over"}});
    out.gauge("sipana_memory_bytes",
              "Estimates: of what goes on, of what is over, of packets kept.");
    out.add(totals.tracked_bytes, {{"kind", "tracked"}}).add(totals.kept_bytes, {{"kind", "kept"}});
    out.add(totals.packet_bytes, {{"kind", "packets"}});
    out.gauge("sipana_memory_limit_bytes", "--max-memory.").add(totals.limit_bytes);
    out.counter("sipana_recorded_packets", "Packets written to files.")
        .add(totals.recorded_packets);
    out.counter("sipana_recorded_files", "Files begun.").add(totals.recorded_files);
    out.counter("sipana_removed_files", "Files that gave way to newer ones.")
        .add(totals.removed_files);
    out.counter("sipana_saved_calls", "Calls written to files of their own.")
        .add(totals.saved_calls);
    out.gauge("sipana_recording_failed", "1: recording has stopped with an error.")
        .add(std::uint64_t{!totals.recording_failure.empty()});
    out.gauge("process_resident_memory_bytes", "Of this process.").add(totals.resident_bytes);
    out.gauge("process_start_time_seconds", "Since the Unix epoch.");
    if (totals.begun != no_time) out.add(to_seconds(totals.begun));
}

// A version is ours, but what is quoted must be quotable.
std::string label_text(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (c == '\\' || c == '"')
            (out += '\\') += c;
        else if (c != '\n')
            out += c;
    return out;
}

}  // namespace

std::string Metrics::text(const Totals& totals) const {
    const Tallies t = [this] {
        const std::lock_guard lock(mutex_);
        return tallies_;
    }();
    Exposition out;
    out.info("sipana_build", "What runs here.")
        .add(std::uint64_t{1}, {{"version", label_text(version_)}});
    write_signalling(out, t, totals);
    write_performance(out, t);
    write_media(out, t, totals);
    out.counter("sipana_findings", "Findings, those of calls when they are over.");
    for (const Severity s : {Severity::note, Severity::warning, Severity::error})
        out.add(t.findings[static_cast<std::size_t>(s)], {{"severity", to_string(s)}});
    write_capture(out, totals);
    write_process(out, totals);
    return out.take();
}

}  // namespace sipana::live
