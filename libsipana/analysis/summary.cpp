#include "libsipana/analysis/summary.h"

#include "libsipana/sip/uri.h"

namespace sipana::analysis {
namespace {

std::optional<Duration> between(Time from, Time to) {
    if (from == no_time || to == no_time || to < from) return std::nullopt;
    return to - from;
}

// No row or page shows the password of a URI.
std::string_view without_password(std::string_view uri, TextStore& texts) {
    return sip::may_hold_password(uri) ? texts.keep(sip::masked(uri)) : uri;
}

Party party(std::string_view display, std::string_view written, TextStore& texts) {
    const std::string_view uri = without_password(written, texts);
    return {display, uri, sip::user_of(uri), sip::host_of(uri)};
}

// The call's facts; views are into `first` and `final`, the call's words.
void tell(Call& call, const LiveCall& live, const Words& first, const Words& final) {
    call.number = live.number;
    call.kind = live.kind;
    call.state = live.state;
    call.call_id = first[Words::call_id];
    call.caller = live.caller;
    call.callee = live.callee;
    call.transport = live.transport;
    call.final_code = live.final_code;
    call.challenges = live.challenges;
    call.ended = live.ended;
    call.start = live.start;
    call.end = live.last;
    call.message_count = live.message_count;
    call.retransmissions = live.retransmissions;
    call.expires_s = live.expires_s;

    call.from = party(first[Words::from_display], first[Words::from_uri], call.texts);
    call.to = party(first[Words::to_display], first[Words::to_uri], call.texts);
    call.request_uri = without_password(first[Words::request_uri], call.texts);
    call.caller_agent = first[Words::caller_agent];
    call.event = first[Words::event];
    call.contact = without_password(first[Words::contact], call.texts);
    if (live.final_code != 0) {
        call.final_reason = final[Words::reason];
        call.callee_agent = final[Words::callee_agent];
    }
    call.reason_header = final[Words::reason_header];

    if (live.kind == CallKind::invite) {
        // Times from the initial request only; a call met half-way has none.
        const Time asked = live.asked ? live.start : no_time;
        call.post_dial_delay = between(asked, live.ringing_at);
        call.setup = between(asked, live.answered_at);
        const Time decided = live.answered_at != no_time ? live.answered_at : live.final_at;
        call.ring = between(live.ringing_at, decided);
        call.duration = between(live.answered_at, live.ended_at);
    } else if (live.final_code >= 200 && live.final_code < 300) {
        call.setup = between(live.asked ? live.start : no_time, live.answered_at);
    }
}

// A message whose text the call itself keeps.
SipMessage kept_by(TextStore& texts, const SipMessage& message) {
    SipMessage copy = message;
    copy.text = texts.keep(message.text);
    if (!message.method_name.empty())
        copy.method_name = copy.text.substr(
            static_cast<std::size_t>(message.method_name.data() - message.text.data()), message.method_name.size());
    return copy;
}

}  // namespace

Call summarize(LiveCall& live) {
    Call call;
    if (live.more) {
        call.texts = std::move(live.more->texts);
        call.messages = std::move(live.more->messages);
        call.findings = std::move(live.more->findings);
        call.legs = std::move(live.more->legs);
    }
    tell(call, live, live.first, live.final);
    call.texts.adopt(live.first.take());
    call.texts.adopt(live.final.take());
    return call;
}

Call snapshot(const LiveCall& live, Detail detail) {
    Call call;
    if (live.more) {
        call.legs = live.more->legs;
        for (Leg& leg : call.legs) leg.call_id = call.texts.keep(leg.call_id);
        if (detail == Detail::full) {
            call.findings = live.more->findings;
            call.messages.reserve(live.more->messages.size());
            for (const SipMessage& m : live.more->messages) call.messages.push_back(kept_by(call.texts, m));
        }
    }
    Words first = live.first.copy(), final = live.final.copy();
    tell(call, live, first, final);
    call.texts.adopt(first.take());
    call.texts.adopt(final.take());
    return call;
}

}  // namespace sipana::analysis
