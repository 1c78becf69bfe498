#include "libsipana/analysis/trackers.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/analysis/check.h"
#include "libsipana/analysis/history.h"
#include "libsipana/analysis/pictures.h"
#include "libsipana/analysis/summary.h"
#include "libsipana/sip/check.h"

namespace sipana::analysis {
namespace {

// With a hundred thousand calls alive each message finds its call's memory cold, and to wait for it would
// cost more than everything else. So what an item needs is fetched in three steps, each so many items
// before the next: where is it, it itself, what it points to. With few calls alive all is near anyway.
constexpr std::size_t stride = 8;
constexpr std::uint32_t many_calls = 4096;

constexpr std::string_view message_cut =
    "the message is cut short: its end was not captured, or the connection ended within it";

Seen seen_at(const net::Datagram& d) {
    Seen s;
    s.frame = d.frame;
    s.time = d.time;
    s.src = d.src;
    s.dst = d.dst;
    s.transport = d.transport;
    s.stable = d.stable;
    return s;
}

}  // namespace

Trackers::Trackers(const Options& options, Sink& sink)
    : options_(options),
      sink_(sink),
      calls_(options_, *this),
      legs_(calls_),
      streams_(options_, legs_, counts_, sink) {}

void Trackers::work_off(Batch& batch) {
    const std::size_t n = batch.items().size();
    const bool ahead = calls_.count() >= many_calls;
    for (std::size_t i = 0; i < n; ++i) {
        for (unsigned step = 0; ahead && step < 3; ++step) fetch(batch, i + (3 - step) * stride, step);
        on_item(batch, batch.items()[i]);
    }
    if (options_.max_bytes != 0 && bytes() > options_.max_bytes) make_room();
}

void Trackers::advance(Time now) {
    calls_.advance(now);
    streams_.advance(now);
}

void Trackers::touch(std::uint32_t call) {
    if (call == none) return;
    const Going going{call, calls_[call].number};
    if (std::find(touched_.begin(), touched_.end(), going) == touched_.end()) touched_.push_back(going);
}

std::optional<Call> Trackers::look(Going going, Detail detail) const {
    if (!calls_.alive(going.place) || calls_[going.place].number != going.number) return std::nullopt;
    Call call = snapshot(calls_[going.place], detail);
    if (detail == Detail::full) check_messages(calls_[going.place], call);
    streams_.look(going.place, call, detail);
    if (detail == Detail::full && options_.detail == Detail::full) {
        tell_history(call);
        tell_pictures(call);
        if (options_.check) check_call(call, last_);
    }
    return call;
}

// A little more than needed goes at a time, so that it is not looked for at every packet.
void Trackers::make_room() {
    const std::uint64_t wanted = options_.max_bytes - options_.max_bytes / 16;
    const auto full = [&] { return bytes() > wanted; };
    while (full() && streams_.orphans() > 0) {
        const std::uint32_t gone = streams_.evict(std::max(streams_.orphans() / 8, std::uint32_t{64}));
        evictions_.streams += gone;
        if (gone == 0) break;
    }
    while (full() && calls_.evict_attempt()) ++evictions_.attempts;
    while (full() && calls_.evict_oldest()) ++evictions_.calls;
}

void Trackers::on_evicted(std::uint32_t call) {
    Call gone;
    streams_.release(call, gone);
    sink_.on_forgotten(calls_[call].number);
}

void Trackers::fetch(Batch& batch, std::size_t at, unsigned step) const {
    if (at >= batch.items().size()) return;
    const Item& item = batch.items()[at];
    if (item.kind != Item::Kind::datagram) return;
    if (item.content == Content::sip) {
        if (step == 0) {
            prefetch(&batch.read_of(item), sizeof(Batch::Read));
        } else if (step == 2) {
            const Facts& facts = batch.read_of(item).facts;
            prefetch(facts.call_id.data());
            streams_.fetch_claims(batch.media_of(facts));
            if (facts.cseq.method == sip::Method::bye) streams_.fetch_claims_of(calls_.peek(item.key));
        }
        calls_.fetch(item.key, step);
    } else if (item.content == Content::media) {
        streams_.fetch(item.datagram, item.key, step);
    }
}

void Trackers::on_item(Batch& batch, const Item& item) {
    const net::Datagram& d = item.datagram;
    if (item.kind == Item::Kind::finding) return sink_.on_finding(std::move(batch.finding_of(item)));
    last_ = std::max(last_, d.time);
    if (item.kind == Item::Kind::tick) {
        calls_.advance(d.time);
        streams_.advance(d.time);
        return;
    }
    if (item.content == Content::media) {
        if (streams_.on_packet(d)) {
            if (options_.live) on_live_media(d);
            return;
        }
    } else if (item.content == Content::sip) {
        return on_sip(batch, item);
    } else if (item.content == Content::zrtp || item.content == Content::dtls) {
        streams_.on_keys(d);
    }
    if (streams_.is_fax(d))
        ++counts_.t38;
    else
        count(item.content);
}

// For who looks on: which call it belongs to, and what its receivers report.
void Trackers::on_live_media(const net::Datagram& d) {
    const std::uint32_t call = streams_.last_call();
    touch(call);
    if (d.payload[1] >= 192 && d.payload[1] <= 223 && streams_.last_is_report()) sink_.on_rtcp(d, call == none ? std::string_view{} : calls_[call].call_id());
}

void Trackers::finish(Time last) {
    last_ = last;
    calls_.finish();
    streams_.finish();
}

void Trackers::find(std::string_view rule, Severity severity, std::uint64_t frame, std::string text,
                    std::string_view clause) {
    sink_.on_finding({rule, severity, frame, 0, std::move(text), clause});
}

void Trackers::find_cut(std::uint64_t frame) {
    find("sip-incomplete", Severity::error, frame, std::string(message_cut), "");
}

void Trackers::count(Content content) {
    switch (content) {
        case Content::stun: ++counts_.stun; break;
        case Content::dtls: ++counts_.dtls; break;
        case Content::zrtp: ++counts_.zrtp; break;
        case Content::turn_channel: ++counts_.turn_channel; break;
        case Content::keep_alive: ++counts_.keep_alives; break;
        default: ++counts_.other_datagrams;
    }
}

void Trackers::on_sip(const Batch& batch, const Item& item) {
    const Batch::Read& read = batch.read_of(item);
    const auto& [status, facts, message, id] = read;
    const Seen seen = seen_at(item.datagram);
    if (!status) {
        ++counts_.malformed_sip;
        if (item.lacks == Lacks::end_of_head) return find_cut(seen.frame);
        sink_.on_finding({"sip-unreadable", Severity::error, seen.frame, status.error().offset,
                          fmt::format("{} > {}: {}", seen.src.to_string(), seen.dst.to_string(),
                                      status.error().what),
                          "RFC 3261 7"});
        return;
    }
    ++counts_.sip_messages;
    const Placed p = calls_.place(message, facts, seen);
    if (p.call != none) {
        const bool again = p.record.retransmission || p.record.capture_duplicate;
        LiveCall& call = calls_[p.call];
        if (!again) on_new(batch, read, p, call, seen, item.lacks);
        if (options_.live) {
            touch(p.call);
            calls_.weigh(p.call);
        }
        sink_.on_message(p.record, call.call_id());
        if (p.ended_call) streams_.release_claims(p.call);
    } else if (p.late) {
        ++counts_.late_messages;
        sink_.on_message(p.record, message.call_id());
    } else {
        if (item.lacks == Lacks::end_of_head)
            find_cut(seen.frame);
        else
            find("sip-no-call-id", Severity::error, seen.frame, "a SIP message without a Call-ID",
                 "RFC 3261 8.1.1.4");
        sink_.on_message(p.record, {});
    }
}

// A message that was not there before: its SDP, its legs, its faults.
void Trackers::on_new(const Batch& batch, const Batch::Read& read, const Placed& p, LiveCall& call,
                      const Seen& seen, Lacks lacks) {
    const sip::Message& message = read.message;
    const Facts& facts = read.facts;
    if (facts.has_sdp) {
        const bool kept = p.record.text.data() != message.text().data();
        const std::string_view text = kept ? p.record.text.substr(message.offset_of(facts.sdp), facts.sdp.size())
                                           : Calls::keep(call, facts.sdp, seen.stable);
        streams_.claim(p.call, p.sent_by_caller, text, batch.media_of(facts), seen);
    }
    if (p.is_new_call && message.is_request() && message.method() == sip::Method::invite)
        legs_.on_invite(p.call, message, facts, seen);
    if (message.is_request() && message.method() == sip::Method::refer)
        legs_.on_refer(p.call, message, seen);
    if (options_.detail != Detail::full) return;
    LiveCall::More& more = *call.more;
    // Live, calls that nobody answers may be forgotten by the thousand: a call's messages are checked when it is
    // told. Those beyond what is kept of a call could not be.
    const bool later = options_.live && more.messages.size() < options_.max_messages_per_call;
    if (!later) return check(message, facts, lacks, seen.frame, more.findings);
    if (lacks != Lacks::nothing) more.lacking.emplace_back(more.messages.size() - 1, lacks);
}

void Trackers::check(const sip::Message& message, const Facts& facts, Lacks lacks, std::uint64_t frame,
                     std::vector<Finding>& findings) const {
    const std::size_t before = findings.size();
    if (lacks != Lacks::nothing)
        findings.push_back({"sip-incomplete", Severity::error, frame, message.text().size(),
                            std::string(message_cut), ""});
    // Nobody is blamed for what was not captured.
    if (options_.check && lacks != Lacks::end_of_head) {
        sip::check(message, findings);
        if (facts.has_sdp && lacks == Lacks::nothing)
            check_sdp(facts.sdp, message.offset_of(facts.sdp), findings);
    }
    if (lacks == Lacks::end_of_body)
        findings.erase(std::remove_if(findings.begin() + static_cast<std::ptrdiff_t>(before), findings.end(),
                                      [](const Finding& f) {
                                          return f.rule == "sip-body-cut" || f.rule == "sip-multipart-unfinished";
                                      }),
                       findings.end());
    for (std::size_t i = before; i < findings.size(); ++i) findings[i].frame = frame;
    if (findings.size() > most_findings) findings.resize(most_findings);
}

void Trackers::check_messages(const LiveCall& live, Call& call) const {
    if (!options_.live || !live.more) return;
    std::vector<sdp::MediaAddress> media;
    sip::Message message;
    auto lacking = live.more->lacking.begin();
    for (std::uint32_t i = 0; i < call.messages.size(); ++i) {
        const SipMessage& m = call.messages[i];
        const bool cut = lacking != live.more->lacking.end() && lacking->first == i;
        const Lacks lacks = cut ? lacking++->second : Lacks::nothing;
        if (m.retransmission || m.capture_duplicate || !message.read(m.text)) continue;
        media.clear();
        check(message, facts_of(message, media), lacks, m.frame, call.findings);
    }
}

void Trackers::on_over(std::uint32_t i) {
    LiveCall& live = calls_[i];
    Call call = summarize(live);
    if (options_.detail == Detail::full) check_messages(live, call);
    streams_.release(i, call);
    if (options_.detail == Detail::full) {
        tell_history(call);
        tell_pictures(call);
        if (options_.check) check_call(call, last_);
    }
    sink_.on_call(std::move(call));
}

}  // namespace sipana::analysis
