#include "libsipana/analysis/analyzer.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/analysis/connections.h"
#include "libsipana/analysis/envelopes.h"
#include "libsipana/analysis/handover.h"
#include "libsipana/analysis/trackers.h"
#include "libsipana/net/decoder.h"

namespace sipana::analysis {

void Sink::on_message(const SipMessage&, std::string_view) {}
void Sink::on_rtcp(const net::Datagram&, std::string_view) {}
void Sink::on_forgotten(std::uint64_t) {}

// The first half of the way: frames into batches of what they hold.
class Analyzer::State final : public net::Sink {
public:
    State(Options options, analysis::Sink& sink)
        : options_(options),
          decoder_(*this, options_.max_unfinished / 4 * 3),
          connections_(options_.max_unfinished == 0 ? Connections::most_held : options_.max_unfinished / 4),
          envelopes_(options_.own_hep),
          trackers_(options_, sink),
          handover_([this](Batch& batch) { trackers_.work_off(batch); }) {}

    void on_frame(const pcap::Frame& f) {
        if (options_.live) trackers_.forget_touched();
        if (f.has_time) {
            if (first_ == no_time || f.time < first_) first_ = f.time;
            if (f.time > last_) last_ = f.time;
        }
        frame_stays_ = f.stable;
        decoder_.decode({f.number, f.time, static_cast<std::uint16_t>(f.link), f.bytes, f.wire_size,
                         f.stable});
        if (f.time >= next_tick_) {
            next_tick_ = f.time + std::chrono::seconds{1};
            net::Datagram now;
            now.time = f.time;
            handover_.filling().add(Item::Kind::tick, now);
        }
        if (!f.stable || options_.live)
            catch_up();
        else if (handover_.filling().full())
            pass_on();
    }

    void finish() {
        frame_stays_ = false;
        decoder_.finish();
        catch_up();
        trackers_.finish(last_);
    }

    void on_datagram(const net::Datagram& d) override {
        const Content content = classify(d.payload);
        if (content == Content::hep) [[unlikely]]
            add_opened(d);
        else
            add(d, content);
        if (handover_.filling().full()) pass_on();
    }

    void on_chunk(const net::Chunk& c) override {
        net::Datagram message;
        message.frame = c.frame;
        message.time = c.time;
        message.src = c.src;
        message.dst = c.dst;
        connections_.feed(c);
        if (const std::uint64_t n = connections_.take_given_up())
            on_finding({"tcp-too-much-unfinished", Severity::warning, c.frame, 0,
                        fmt::format("unfinished messages of {} directions of TCP connections were given up, for together they "
                                    "took too much memory",
                                    n),
                        ""});
        while (const auto cut = connections_.poll()) {
            if (cut->skipped > 0)
                on_skipped(c, *cut);
            if (cut->joined)
                on_finding({"ws-message-joined", Severity::error, c.frame, 0,
                            "a WebSocket message holds more than one SIP message, and each is read", "RFC 7118 5"});
            message.transport = cut->transport;
            message.cut = cut->incomplete;
            message.payload = as_bytes(cut->text);
            if (cut->hep)
                add_opened(message);
            else
                add(message, Content::sip);
            if (handover_.filling().full()) pass_on();
        }
        if (const auto fault = connections_.fault())
            on_finding({"ws-unreadable", Severity::warning, c.frame, 0,
                        fmt::format("WebSocket messages of {} > {} are left out: {}", c.src.to_string(),
                                    c.dst.to_string(), fault->what),
                        "RFC 6455 5"});
    }

    void on_finding(Finding finding) override { handover_.filling().add(std::move(finding)); }

    void advance(Time now) {
        catch_up();
        trackers_.advance(now);
    }
    void limit(std::uint64_t max_bytes) { options_.max_bytes = max_bytes; }
    const Trackers& trackers() const { return trackers_; }

    void catch_up() { handover_.work_off(); }
    const Counts& counts() {
        catch_up();
        Counts& counts = trackers_.counts();
        counts.frames = decoder_.accounting();
        counts.tls = connections_.tls_directions();
        const Envelopes::Figures& hep = envelopes_.figures();
        counts.hep = hep.packets;
        counts.hep_other = hep.other;
        counts.hep_own = hep.own;
        counts.hep_unreadable = hep.unreadable;
        counts.frames.findings_withheld += hep.withheld;
        return counts;
    }
    Time first() const { return first_; }
    Time last() const { return last_; }

private:
    // What the decoder gives out of its own memory lives for one callback only.
    void add(const net::Datagram& d, Content content) {
        Batch& batch = handover_.filling();
        Item& item = batch.add(Item::Kind::datagram, d);
        if (!d.stable) item.datagram.payload = batch.keep(d.payload);
        item.content = content;
        if (content == Content::media) {
            item.key = Streams::hash_of_flow(d.src, d.dst);
        } else if (content == Content::sip) {
            if (d.cut) leave_out_cut_line(item);
            item.key = batch.read(item).facts.call;
        }
    }
    // What a HEP agent sent: the packet in it.
    void add_opened(const net::Datagram& packet) {
        Envelopes::Opened opened = envelopes_.open(packet);
        if (opened.finding) on_finding(std::move(*opened.finding));
        if (opened.datagram) add(*opened.datagram, opened.content);
    }
    void on_skipped(const net::Chunk& c, const Cut& cut) {
        on_finding({cut.hep ? "tcp-not-hep" : "tcp-not-sip", Severity::note, c.frame, 0,
                    fmt::format("{} bytes of the connection {} > {} are no {} and were skipped", cut.skipped,
                                c.src.to_string(), c.dst.to_string(), cut.hep ? "HEP packet" : "SIP message"),
                    cut.hep ? "HEP3 specification" : "RFC 3261 18.3"});
    }
    // A line cut off is no line: half a Call-ID would be another call's.
    static void leave_out_cut_line(Item& item) {
        const std::string_view text = as_text(item.datagram.payload);
        const bool whole_head = text.find("\n\r\n") != text.npos || text.find("\n\n") != text.npos;
        item.lacks = whole_head ? Lacks::end_of_body : Lacks::end_of_head;
        if (!whole_head) item.datagram.payload = as_bytes(text.substr(0, text.rfind('\n') + 1));
    }
    void pass_on() {
        if (options_.parallel && frame_stays_ && handover_.filling().is_heavy())
            handover_.pass_on();
        else
            handover_.work_off();
    }

    Options options_;
    net::Decoder decoder_;
    Connections connections_;
    Envelopes envelopes_;
    Trackers trackers_;
    Time first_ = no_time, last_ = no_time, next_tick_ = Time::min();
    bool frame_stays_ = false;  // the bytes of the frame at hand live as long as the input
    Handover<Batch> handover_;  // last: its thread uses the trackers
};

Analyzer::Analyzer(Options options, Sink& sink) : state_(std::make_unique<State>(options, sink)) {}
Analyzer::~Analyzer() = default;
void Analyzer::on_frame(const pcap::Frame& frame) { state_->on_frame(frame); }
void Analyzer::finish() { state_->finish(); }
void Analyzer::catch_up() { state_->catch_up(); }
const Counts& Analyzer::counts() const { return state_->counts(); }
Time Analyzer::first() const { return state_->first(); }
Time Analyzer::last() const { return state_->last(); }
std::span<const Going> Analyzer::touched() const { return state_->trackers().touched(); }
std::optional<Call> Analyzer::look(Going call, Detail detail) const { return state_->trackers().look(call, detail); }
void Analyzer::advance(Time now) { state_->advance(now); }
std::uint64_t Analyzer::bytes() const { return state_->trackers().bytes(); }
void Analyzer::limit(std::uint64_t max_bytes) { state_->limit(max_bytes); }
Evictions Analyzer::evictions() const { return state_->trackers().evictions(); }
std::size_t Analyzer::streams_going_on() const { return state_->trackers().streams_going_on(); }

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
