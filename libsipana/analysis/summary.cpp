#include "libsipana/analysis/summary.h"

#include "libsipana/base/text.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/uri.h"

namespace sipana::analysis {
namespace {

using sip::Header;

std::optional<Duration> between(Time from, Time to) {
    if (from == no_time || to == no_time || to < from) return std::nullopt;
    return to - from;
}

std::string_view agent(const sip::Message& m) {
    const auto server = m.header(Header::server);
    return trim(server ? *server : m.header(Header::user_agent).value_or(""));
}

void add_first(Call& call, const sip::Message& m) {
    call.from = party_of(m.header(Header::from).value_or(""));
    call.to = party_of(m.header(Header::to).value_or(""));
    call.request_uri = m.request_uri();
    call.event = trim(m.header(Header::event).value_or(""));
    (m.is_request() ? call.caller_agent : call.callee_agent) = agent(m);
    if (call.kind == CallKind::register_)
        call.contact = party_of(m.header(Header::contact).value_or("")).uri;
}

}  // namespace

Party party_of(std::string_view name_addr) {
    Party p;
    const auto parsed = sip::parse_name_addr(name_addr);
    if (!parsed) return p;
    p.display = parsed->display;
    p.uri = parsed->uri;
    p.user = sip::user_of(parsed->uri);
    p.host = sip::host_of(parsed->uri);
    return p;
}

Call summarize(LiveCall& live) {
    Call call;
    if (live.more) call.texts = std::move(live.more->texts);
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

    sip::Message m;
    if (m.read(live.first_text)) add_first(call, m);
    if (live.final_code != 0 && m.read(live.final_text)) {
        call.final_reason = m.reason();
        call.callee_agent = agent(m);
        call.reason_header = trim(m.header(Header::reason).value_or(""));
    }
    if (!live.end_text.empty() && m.read(live.end_text))
        if (const auto reason = m.header(Header::reason)) call.reason_header = trim(*reason);

    if (live.kind == CallKind::invite) {
        // Times from the initial request only; a call met half-way has none.
        const Time asked = live.attempt != none ? live.start : no_time;
        call.post_dial_delay = between(asked, live.ringing_at);
        call.setup = between(asked, live.answered_at);
        const Time decided = live.answered_at != no_time ? live.answered_at : live.final_at;
        call.ring = between(live.ringing_at, decided);
        call.duration = between(live.answered_at, live.ended_at);
    } else if (live.final_code >= 200 && live.final_code < 300) {
        call.setup = between(live.start, live.final_at);
    }
    if (live.more) {
        call.messages = std::move(live.more->messages);
        call.findings = std::move(live.more->findings);
        call.legs = std::move(live.more->legs);
    }
    return call;
}

}  // namespace sipana::analysis
