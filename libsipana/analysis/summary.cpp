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

// The same word in a copy of the whole block.
std::string_view moved(const Words& words, Words::Which which, std::string_view copy) {
    const std::string_view word = words[which];
    return copy.substr(static_cast<std::size_t>(word.data() - words.all().data()), word.size());
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
    call.number = live.number;
    call.kind = live.kind;
    call.state = live.state;
    call.call_id = call.texts.keep(live.call_id());
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

    if (!live.first.empty()) {
        const std::string_view words = call.texts.keep(live.first.all());
        const auto word = [&](Words::Which which) { return moved(live.first, which, words); };
        call.from = party(word(Words::from_display), word(Words::from_uri), call.texts);
        call.to = party(word(Words::to_display), word(Words::to_uri), call.texts);
        call.request_uri = without_password(word(Words::request_uri), call.texts);
        call.caller_agent = word(Words::caller_agent);
        call.event = word(Words::event);
        call.contact = without_password(word(Words::contact), call.texts);
    }
    if (!live.final.empty()) {
        const std::string_view words = call.texts.keep(live.final.all());
        if (live.final_code != 0) {
            call.final_reason = moved(live.final, Words::reason, words);
            call.callee_agent = moved(live.final, Words::callee_agent, words);
        }
        call.reason_header = moved(live.final, Words::reason_header, words);
    }

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
    return call;
}

}  // namespace sipana::analysis
