// What a program's trace and events say: messages that it sent and heard, calls that closed, what
// became of a command.
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/program_phone.h"
#include "libsipana/sdp/session.h"
#include "libsipana/sip/fields.h"

namespace sipana::lab {
namespace {

constexpr std::size_t max_seen = 512;   // messages of a call whose repetitions are known
constexpr std::size_t max_sent = 4096;  // of a call
constexpr std::size_t max_early = 64;
constexpr std::size_t max_endpoints = 1000;
constexpr std::size_t max_body = 200;  // of a NOTIFY: a status line

// The same for every transmission of a message.
std::string key_of(const sip::Message& m, bool own) {
    return fmt::format("{}{} {} {} {}", own ? '>' : '<', m.branch(), m.status(), m.method_name(),
                       m.cseq() ? m.cseq()->number : 0);
}

std::uint32_t number_of(const sip::Message& m) { return m.cseq() ? m.cseq()->number : 0; }

bool has_credentials(const sip::Message& m) {
    return m.header(sip::Header::authorization).has_value() ||
           m.header(sip::Header::proxy_authorization).has_value();
}

std::unique_ptr<Arrival> arrival_of(Conversation& c, const sip::Message& message, Time now) {
    auto out = std::make_unique<Arrival>(letter_of(message));
    out->conversation = &c;
    out->method = message.method_name();
    out->at = now;
    return out;
}

bool starts_with_code(std::string_view text) {
    return text.size() >= 3 && is_digit(text[0]) && is_digit(text[1]) && is_digit(text[2]);
}

}  // namespace

void ProgramPhone::on_trace(std::string_view bytes, Time now) {
    trace_.feed(bytes);
    while (const auto seen = trace_.next()) on_message(*seen, now);
}

// Of UDP the ports tell who sent it; of a connection the Via does (RFC 3261 18.1.1).
bool ProgramPhone::is_own(const SipTrace::Seen& seen, const sip::Message& message) const {
    if (seen.src == setting_.at) return true;
    if (seen.dst == setting_.at) return false;
    const auto vias = message.values(sip::Header::via);
    const bool mine =
        !vias.empty() && vias.front().find(setting_.at.to_string()) != std::string_view::npos;
    return mine == message.is_request();
}

void ProgramPhone::on_message(const SipTrace::Seen& seen, Time now) {
    const auto message = sip::Message::parse(seen.text);
    if (!message || message->call_id().empty()) return;
    const bool own = is_own(seen, *message);
    Talk* talk = known(message->call_id());
    if (talk != nullptr) {
        std::string key = key_of(*message, own);
        if (std::find(talk->seen.begin(), talk->seen.end(), key) != talk->seen.end()) return;
        if (talk->seen.size() == max_seen) talk->seen.erase(talk->seen.begin());
        talk->seen.push_back(std::move(key));
    }
    if (own)
        on_own(talk, *message, now);
    else if (message->is_request())
        on_request(talk, seen, *message, now);
    else if (talk != nullptr)
        on_response(*talk, *message, now);
}

// ---------------------------------------------------------------- its own messages

// The call that the first request of a new Call-ID begins: one that a line waits for, or one that
// the program begins by itself (a transfer).
ProgramPhone::Talk* ProgramPhone::begun_by(const sip::Message& request) {
    for (const Waiting& one : waiting_)
        if (!one.talk->bound && one.code == 0 && one.method == request.method_name())
            return one.talk;
    if (talks_.size() >= max_talks) return nullptr;
    return &begin(nullptr, 0, {}, {});
}

void ProgramPhone::on_own(Talk* talk, const sip::Message& m, Time now) {
    if (talk == nullptr) {
        if (m.is_response()) return;  // to a stranger, of whom nothing is kept
        talk = begun_by(m);
        if (talk == nullptr) return;
        talk->bound = true;
        talk->conversation->call_id = m.call_id();
        talk->call = m.method() == sip::Method::invite;
        talk->seen.push_back(key_of(m, true));
    }
    note_media(m);
    Conversation& c = *talk->conversation;
    const std::uint32_t cseq = number_of(m);
    if (m.is_request() && m.method() != sip::Method::ack) {
        c.cseq = cseq;
        Ask ask;
        ask.method = m.method_name();
        ask.cseq = cseq;
        ask.with_credentials = has_credentials(m);
        // The same request again, with what the refusal asked for.
        for (Ask& before : talk->asks) {
            if (before.method != ask.method || before.finished) continue;
            ask.step = before.step;
            ask.challenge_told = before.challenge_told;
            before.finished = true;
            before.held.reset();
        }
        talk->asks.push_back(std::move(ask));
    }
    if (m.is_response() && m.status() >= 200 && m.method() == sip::Method::invite &&
        talk->owed_invite == cseq) {
        talk->owed_invite.reset();
        talk->established = talk->established || m.status() < 300;
        talk->ended = talk->ended || (m.status() >= 300 && !talk->established);
    }
    if (m.is_request() && m.method() == sip::Method::bye) talk->ended = true;
    const bool aside = m.method() == sip::Method::ack && !talk->established;  // of a refusal
    if (aside || talk->sent.size() >= max_sent) return;
    Sent sent;
    sent.method = m.method_name();
    sent.code = m.status();
    sent.cseq = cseq;
    if (m.is_request() && m.method() == sip::Method::notify)
        sent.body = trim(m.body().substr(0, max_body));
    talk->sent.push_back(std::move(sent));
    for (auto one = waiting_.begin(); one != waiting_.end(); ++one) {
        if (one->talk != talk) continue;
        Waiting waiting = std::move(*one);
        one = waiting_.erase(one);
        if (claim(waiting, now)) return;
        one = waiting_.insert(one, std::move(waiting));
    }
}

void ProgramPhone::note_media(const sip::Message& m) {
    if (m.body().empty()) return;
    const auto session = sdp::Session::parse(m.body());
    if (!session) return;
    for (const sdp::Media& media : session->media()) {
        const Endpoint at = media.rtp();
        const auto& all = media_endpoints_;
        if (at.port == 0 || all.size() == max_endpoints) continue;
        if (std::find(all.begin(), all.end(), at) == all.end()) media_endpoints_.push_back(at);
    }
}

// ---------------------------------------------------------------- what it heard

void ProgramPhone::on_request(Talk* talk, const SipTrace::Seen& seen, const sip::Message& m,
                              Time now) {
    const bool fresh = talk == nullptr;
    const bool invites = m.method() == sip::Method::invite;
    if (fresh) {
        if (m.method() == sip::Method::ack || talks_.size() >= max_talks) return;
        talk = &begin(nullptr, 0, {}, {});
        talk->bound = true;
        talk->call = invites;
        talk->seen.push_back(key_of(m, false));
        Conversation& made = *talk->conversation;
        made.call_id = m.call_id();
        made.incoming = true;
        if (const Party* peer = setting_.directory->by_endpoint(seen.src); peer != nullptr)
            made.peer = peer->name;
    }
    Conversation& c = *talk->conversation;
    c.hop = {seen.dst, seen.src, seen.transport};
    if (invites && m.to_tag().empty()) talk->owed_invite = number_of(m);
    if (m.method() == sip::Method::cancel) talk->cancelled = true;
    if (m.method() == sip::Method::bye) talk->ended = true;
    if (m.method() == sip::Method::refer) ++transfers_;
    auto arrival = arrival_of(c, m, now);
    if (c.director == nullptr && (fresh || m.to_tag().empty()) && casting_ &&
        casting_(*this, c, *arrival))
        c.director->conversations.push_back(&c);
    if (c.director != nullptr && c.director->wants(c, *arrival)) {
        c.director->on_arrival(std::move(arrival), now);
        return;
    }
    // A call that no line speaks of; it would ring for ever.
    std::uint64_t token = 0;
    if (invites && m.to_tag().empty()) (void)in_call(*talk, "hangup", {}, token);
}

void ProgramPhone::on_response(Talk& talk, const sip::Message& m, Time now) {
    Conversation& c = *talk.conversation;
    if (c.director == nullptr) {
        if (talk.early.size() < max_early) talk.early.emplace_back(m.text());
        return;
    }
    const std::uint32_t cseq = number_of(m);
    const auto ask = std::find_if(talk.asks.begin(), talk.asks.end(), [&](const Ask& one) {
        return one.cseq == cseq && one.method == m.method_name();
    });
    if (ask == talk.asks.end() || ask->finished) return;
    const int status = m.status();
    if (m.method() == sip::Method::invite && status >= 200) {
        talk.established = talk.established || status < 300;
    }
    if (ask->step == SIZE_MAX) {  // a line may yet speak of what it sent by itself
        if (talk.early.size() < max_early) talk.early.emplace_back(m.text());
        return;
    }
    auto arrival = arrival_of(c, m, now);
    const bool stale = m.text().find("stale=true") != std::string_view::npos;
    if ((status == 401 || status == 407) && !ask->challenge_told &&
        (!ask->with_credentials || stale)) {
        ask->held = std::move(arrival);  // it answers that, or an event says that it does not
        return;
    }
    if (m.method() == sip::Method::invite && status >= 300 && !talk.established) talk.ended = true;
    deliver(talk, *ask, std::move(arrival), now);
}

void ProgramPhone::deliver(Talk& talk, Ask& ask, std::unique_ptr<Arrival> arrival, Time now) {
    Conversation& c = *talk.conversation;
    Director& director = *c.director;
    const bool is_message = arrival->kind == Arrival::Kind::message;
    const int status = is_message ? arrival->message.status() : 408;
    const std::string reason = is_message ? std::string(arrival->message.reason()) : std::string();
    const bool given_up = talk.cancelled && status == 487;
    const std::size_t step = ask.step, part = c.part;
    ask.finished = status >= 200;
    arrival->asked_by = step;
    arrival->method = ask.method;
    const bool wanted = director.wants(c, *arrival);
    if (wanted) director.on_arrival(std::move(arrival), now);
    if (status < 200 || step == SIZE_MAX) return;
    if (wanted || status < 300 || given_up)
        director.on_finished(part, step, now);
    else if (is_message)
        director.on_failure(c, step, fmt::format("{} {} came", status, printable(reason)), now);
    else
        director.on_failure(c, step, "no answer came", now);
}

// ---------------------------------------------------------------- its control connection

void ProgramPhone::on_control(std::string_view bytes, Time now) {
    control_.feed(bytes);
    while (!failed()) {
        auto text = control_.next();
        if (!text) return fail(text.error().what, now);
        if (!*text) return;
        const auto said = baresip::parse(**text);
        if (!said) {
            if (said.error().code == Errc::unsupported) continue;
            return fail(said.error().what, now);
        }
        if (const auto* event = std::get_if<baresip::Event>(&*said))
            on_event(*event, now);
        else
            on_reply(std::get<baresip::Reply>(*said), now);
    }
}

void ProgramPhone::on_reply(const baresip::Reply& reply, Time now) {
    ready_ = true;
    if (reply.ok) return;
    const auto token = to_number<std::uint64_t>(reply.token);
    const auto one = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& waiting) {
        return token && waiting.token == *token;
    });
    if (one == waiting_.end()) return;
    const Waiting refused = std::move(*one);
    waiting_.erase(one);
    refused.director->on_failure(
        *refused.talk->conversation, refused.step,
        fmt::format("{} refused: {}", line().program, printable(trim(reply.data))), now);
}

void ProgramPhone::on_event(const baresip::Event& event, Time now) {
    if (event.type == "CALL_CLOSED") {
        Talk* talk = known(event.id);
        if (talk == nullptr) return;
        on_unanswered(*talk, "INVITE", event.param, now);
        talk->ended = true;
    } else if (event.type == "REGISTER_FAIL") {
        // The event does not say of which Call-ID: there is one registration at a time.
        for (Talk& talk : talks_) on_unanswered(talk, "REGISTER", event.param, now);
    }
}

// The program has given up a request: with the response that it could not answer, or without any.
void ProgramPhone::on_unanswered(Talk& talk, std::string_view method, std::string_view why,
                                 Time now) {
    if (talk.conversation->director == nullptr) return;
    for (Ask& ask : talk.asks) {
        if (ask.finished || ask.method != method || ask.step == SIZE_MAX) continue;
        if (ask.held) return deliver(talk, ask, std::move(ask.held), now);
        if (starts_with_code(why) || talk.cancelled) return;  // its message says it
        const bool refused = why.find("refused") != why.npos || why.find("unreachable") != why.npos;
        if (!refused && why.find("timed out") == why.npos) return;
        auto arrival = std::make_unique<Arrival>();
        arrival->kind = refused ? Arrival::Kind::unreachable : Arrival::Kind::timed_out;
        arrival->conversation = talk.conversation.get();
        arrival->at = now;
        return deliver(talk, ask, std::move(arrival), now);
    }
}

}  // namespace sipana::lab
