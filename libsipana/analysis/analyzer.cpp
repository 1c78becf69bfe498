#include "libsipana/analysis/analyzer.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/analysis/calls.h"
#include "libsipana/analysis/check.h"
#include "libsipana/analysis/classify.h"
#include "libsipana/analysis/connections.h"
#include "libsipana/analysis/history.h"
#include "libsipana/analysis/legs.h"
#include "libsipana/analysis/streams.h"
#include "libsipana/analysis/summary.h"
#include "libsipana/net/decoder.h"
#include "libsipana/sip/body.h"
#include "libsipana/sip/check.h"

namespace sipana::analysis {

void Sink::on_message(const SipMessage&, std::string_view) {}

class Analyzer::State final : public net::Sink, Calls::Owner {
public:
    State(Options options, analysis::Sink& sink)
        : options_(options),
          sink_(sink),
          decoder_(*this),
          calls_(options_, *this),
          legs_(calls_),
          streams_(options_, legs_, counts_, sink) {}

    void on_frame(const pcap::Frame& f) {
        if (f.has_time) {
            if (first_ == no_time || f.time < first_) first_ = f.time;
            if (f.time > last_) last_ = f.time;
        }
        decoder_.decode({f.number, f.time, static_cast<std::uint16_t>(f.link), f.bytes, f.wire_size,
                         f.stable});
        if (f.time >= next_tick_) tick(f.time);
    }

    void finish() {
        decoder_.finish();
        calls_.finish();
        streams_.finish();
        counts_.frames = decoder_.accounting();
    }

    void on_datagram(const net::Datagram& d) override {
        const Content content = classify(d.payload);
        if (content == Content::media) {
            if (streams_.on_packet(d)) return;
        } else if (content == Content::sip) {
            return on_sip(as_text(d.payload), seen_at(d), d.cut ? lacks_of(as_text(d.payload)) : Lacks::nothing);
        }
        if (streams_.is_fax(d))
            ++counts_.t38;
        else
            count(content);
    }

    void on_chunk(const net::Chunk& c) override {
        Seen seen;
        seen.frame = c.frame;
        seen.time = c.time;
        seen.src = c.src;
        seen.dst = c.dst;
        connections_.feed(c);
        while (const auto cut = connections_.poll()) {
            seen.transport = cut->transport;
            if (cut->skipped > 0)
                find("tcp-not-sip", Severity::note, c.frame,
                     fmt::format("{} bytes of the connection {} > {} are no SIP message and were skipped",
                                 cut->skipped, c.src.to_string(), c.dst.to_string()),
                     "RFC 3261 18.3");
            if (cut->joined)
                find("ws-message-joined", Severity::error, c.frame,
                     "a WebSocket message holds more than one SIP message, and each is read", "RFC 7118 5");
            on_sip(cut->text, seen, cut->incomplete ? lacks_of(cut->text) : Lacks::nothing);
        }
        if (const auto fault = connections_.fault())
            find("ws-unreadable", Severity::warning, c.frame,
                 fmt::format("WebSocket messages of {} > {} are left out: {}", c.src.to_string(),
                             c.dst.to_string(), fault->what),
                 "RFC 6455 5");
        counts_.tls = connections_.tls_directions();
    }

    void on_finding(Finding finding) override { sink_.on_finding(std::move(finding)); }

    const Counts& counts() {
        counts_.frames = decoder_.accounting();
        return counts_;
    }
    Time first() const { return first_; }
    Time last() const { return last_; }

private:
    // What was not captured of a message.
    enum class Lacks : std::uint8_t { nothing, end_of_body, end_of_head };

    static Lacks lacks_of(std::string_view text) {
        const bool whole_head = text.find("\n\r\n") != text.npos || text.find("\n\n") != text.npos;
        return whole_head ? Lacks::end_of_body : Lacks::end_of_head;
    }

    static Seen seen_at(const net::Datagram& d) {
        Seen s;
        s.frame = d.frame;
        s.time = d.time;
        s.src = d.src;
        s.dst = d.dst;
        s.transport = d.transport;
        s.stable = d.stable;
        return s;
    }

    void tick(Time now) {
        next_tick_ = now + std::chrono::seconds{1};
        calls_.advance(now);
        streams_.advance(now);
    }

    void find(std::string_view rule, Severity severity, std::uint64_t frame, std::string text,
              std::string_view clause) {
        sink_.on_finding({rule, severity, frame, 0, std::move(text), clause});
    }

    void count(Content content) {
        switch (content) {
            case Content::stun: ++counts_.stun; break;
            case Content::dtls: ++counts_.dtls; break;
            case Content::zrtp: ++counts_.zrtp; break;
            case Content::turn_channel: ++counts_.turn_channel; break;
            case Content::hep: ++counts_.hep; break;
            case Content::keep_alive: ++counts_.keep_alives; break;
            default: ++counts_.other_datagrams;
        }
    }

    void on_sip(std::string_view text, Seen seen, Lacks lacks) {
        // A line cut off is no line: half a Call-ID would be another call's.
        if (lacks == Lacks::end_of_head) text = text.substr(0, text.rfind('\n') + 1);
        if (const Status read = message_.read(text); !read) {
            ++counts_.malformed_sip;
            if (lacks == Lacks::end_of_head)
                return find("sip-incomplete", Severity::error, seen.frame, std::string(message_cut), "");
            sink_.on_finding({"sip-unreadable", Severity::error, seen.frame, read.error().offset,
                              fmt::format("{} > {}: {}", seen.src.to_string(), seen.dst.to_string(),
                                          read.error().what),
                              "RFC 3261 7"});
            return;
        }
        ++counts_.sip_messages;
        const std::optional<std::string_view> sdp =
            message_.body().empty() ? std::nullopt : sip::sdp_of(message_);
        seen.has_sdp = sdp.has_value();
        Placed p = calls_.place(message_, seen);
        if (p.call != none) {
            const bool again = p.record.retransmission || p.record.capture_duplicate;
            LiveCall& call = calls_[p.call];
            if (!again) on_new(p, call, sdp, seen, lacks);
            sink_.on_message(p.record, call.call_id());
            if (p.ended_call) streams_.release_claims(p.call);
        } else if (p.late) {
            ++counts_.late_messages;
            sink_.on_message(p.record, message_.call_id());
        } else {
            if (lacks == Lacks::end_of_head)
                find("sip-incomplete", Severity::error, seen.frame, std::string(message_cut), "");
            else
                find("sip-no-call-id", Severity::error, seen.frame, "a SIP message without a Call-ID",
                     "RFC 3261 8.1.1.4");
            sink_.on_message(p.record, {});
        }
    }

    // A message that was not there before: its SDP, its legs, its faults.
    void on_new(const Placed& p, LiveCall& call, std::optional<std::string_view> sdp, const Seen& seen,
                Lacks lacks) {
        if (sdp) {
            const bool kept = p.record.text.data() != message_.text().data();
            const std::string_view text =
                kept ? p.record.text.substr(message_.offset_of(*sdp), sdp->size())
                     : Calls::keep(call, *sdp, seen.stable);
            streams_.claim(p.call, p.sent_by_caller, text, seen);
        }
        if (p.is_new_call && message_.is_request() && message_.method() == sip::Method::invite)
            legs_.on_invite(p.call, message_, seen);
        if (options_.detail != Detail::full) return;
        std::vector<Finding>& findings = call.more->findings;
        const std::size_t before = findings.size();
        if (lacks != Lacks::nothing)
            findings.push_back({"sip-incomplete", Severity::error, seen.frame, message_.text().size(),
                                std::string(message_cut), ""});
        // Nobody is blamed for what was not captured.
        if (options_.check && lacks != Lacks::end_of_head) {
            sip::check(message_, findings);
            if (sdp && lacks == Lacks::nothing) check_sdp(*sdp, message_.offset_of(*sdp), findings);
        }
        if (lacks == Lacks::end_of_body)
            findings.erase(std::remove_if(findings.begin() + static_cast<std::ptrdiff_t>(before), findings.end(),
                                          [](const Finding& f) {
                                              return f.rule == "sip-body-cut" ||
                                                     f.rule == "sip-multipart-unfinished";
                                          }),
                           findings.end());
        for (std::size_t i = before; i < findings.size(); ++i) findings[i].frame = seen.frame;
        if (findings.size() > most_findings) findings.resize(most_findings);
    }

    Time last_media(std::uint32_t call) const override { return streams_.last_media(call); }

    void on_over(std::uint32_t i) override {
        LiveCall& live = calls_[i];
        Call call = summarize(live);
        streams_.release(i, call);
        if (options_.detail == Detail::full) {
            tell_history(call);
            if (options_.check) check_call(call);
        }
        sink_.on_call(std::move(call));
    }

    static constexpr std::string_view message_cut =
        "the message is cut short: its end was not captured, or the connection ended within it";
    static constexpr std::size_t most_findings = 10'000;  // of one call

    Options options_;
    analysis::Sink& sink_;
    Counts counts_;
    net::Decoder decoder_;
    Calls calls_;
    Legs legs_;
    Streams streams_;
    Connections connections_;
    sip::Message message_;  // used again for each message
    Time first_ = no_time, last_ = no_time, next_tick_ = Time::min();
};

Analyzer::Analyzer(Options options, Sink& sink) : state_(std::make_unique<State>(options, sink)) {}
Analyzer::~Analyzer() = default;
void Analyzer::on_frame(const pcap::Frame& frame) { state_->on_frame(frame); }
void Analyzer::finish() { state_->finish(); }
const Counts& Analyzer::counts() const { return state_->counts(); }
Time Analyzer::first() const { return state_->first(); }
Time Analyzer::last() const { return state_->last(); }

// ---------------------------------------------------------------- Collector

void Collector::on_message(const SipMessage& message, std::string_view call_id) {
    if (!call_id.empty()) return;
    SipMessage& kept = report_.stray_messages.emplace_back(message);
    kept.text = report_.texts.keep(message.text);
    if (!message.method_name.empty())
        kept.method_name = kept.text.substr(
            static_cast<std::size_t>(message.method_name.data() - message.text.data()),
            message.method_name.size());
}

void Collector::on_call(Call&& call) { report_.calls.push_back(std::move(call)); }
void Collector::on_stream(Stream&& stream) { report_.streams.push_back(std::move(stream)); }
void Collector::on_finding(Finding&& finding) { report_.findings.push_back(std::move(finding)); }

void Collector::finish(const Analyzer& analyzer) {
    report_.counts = analyzer.counts();
    report_.first = analyzer.first();
    report_.last = analyzer.last();
    std::stable_sort(report_.calls.begin(), report_.calls.end(), [](const Call& a, const Call& b) {
        return std::pair(a.start, a.number) < std::pair(b.start, b.number);
    });
    std::stable_sort(report_.streams.begin(), report_.streams.end(),
                     [](const Stream& a, const Stream& b) {
                         return std::pair(a.start, a.first_frame) < std::pair(b.start, b.first_frame);
                     });
    for (const Call& c : report_.calls) {
        report_.findings.insert(report_.findings.end(), c.findings.begin(), c.findings.end());
        for (const Stream& s : c.streams)
            report_.findings.insert(report_.findings.end(), s.findings.begin(), s.findings.end());
    }
    for (const Stream& s : report_.streams)
        report_.findings.insert(report_.findings.end(), s.findings.begin(), s.findings.end());
    std::stable_sort(report_.findings.begin(), report_.findings.end(),
                     [](const Finding& a, const Finding& b) { return a.frame < b.frame; });
}

}  // namespace sipana::analysis
