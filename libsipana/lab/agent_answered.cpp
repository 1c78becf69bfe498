// What a phone hears of what it asked: responses, and that none came.
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/agent.h"
#include "libsipana/sip/credentials.h"
#include "libsipana/sip/digest.h"
#include "libsipana/sip/fields.h"

namespace sipana::lab {
namespace {

constexpr std::uint32_t max_tries = 8;  // of one request: through a few proxies, a stale nonce

bool has_sdp(const sip::Message& m) {
    if (m.body().empty()) return false;
    const auto type = sip::parse_content_type(m.header(sip::Header::content_type).value_or(""));
    return type && type->is("application", "sdp");
}

// What that response to a request makes (12.1.2).
std::optional<sip::Dialog> dialog_of(const Conversation& c, const Asked& asked,
                                     const sip::Message& response) {
    if (asked.as_built && asked.begins && asked.method == "INVITE") {
        std::string_view uri = *asked.text;
        uri.remove_prefix(asked.method.size() + 1);
        uri = uri.substr(0, uri.find(' '));
        const std::string from = c.local + ";tag=" + c.local_tag;
        return sip::Dialog::as_caller({.call_id = c.call_id,
                                       .from = from,
                                       .from_tag = c.local_tag,
                                       .uri = uri,
                                       .cseq = asked.cseq},
                                      response);
    }
    const auto request = sip::Message::parse(*asked.text);
    return request ? sip::Dialog::as_caller(*request, response) : std::nullopt;
}

}  // namespace

Asked* Agent::asked(sip::Transactions::Id id, Conversation*& conversation) {
    conversation = whose(id).conversation;
    if (conversation == nullptr) return nullptr;
    return conversation->asked_as(id);
}

void Agent::on_response(const sip::Transactions::Event& event, const sip::Message& message,
                        Time now) {
    Conversation* c = nullptr;
    Asked* one = asked(event.id, c);
    if (one == nullptr) {
        if (const std::uint64_t past = whose(event.id).past; past >= first_past_)
            on_late_response(past_[past - first_past_], message, now);
        return;
    }
    const int status = message.status();
    if (one->finished && status >= 200) {  // a 2xx again, or one of another fork (13.2.2.4)
        if (one->method == "INVITE" && status < 300) follow_dialog(*c, *one, message, now);
        if (c->director != nullptr && (one->ack_tag.empty() || message.to_tag() == one->ack_tag))
            c->director->on_again(event.id, status, now);
        return;
    }
    if (again_reliably(*one, message)) {
        if (c->director != nullptr) c->director->on_again(event.id, status, now);
        return;
    }
    one->status = status;
    one->finished = status >= 200;
    if ((status == 401 || status == 407) && one->method != "CANCEL") {
        const bool fresh = take_challenges(*c, *one, message);
        if (fresh && one->answers_challenges && resend(*c, *one, {}, now)) return;
    }
    if (status >= 200 && keep_up_with(*c, *one, message, now)) return;
    const std::size_t step = one->step;
    const std::string method = one->method;
    const bool given_up = one->cancelled && status == 487;
    // Told before the ACK goes out: the script's order is that of the ladder.
    auto arrival = arrival_of(*c, event.id, now);
    arrival->asked_by = step;
    arrival->method = method;
    if (method == "INVITE" || method == "SUBSCRIBE" || method == "REFER")
        follow_dialog(*c, *one, message, now);
    else
        follow_answer(*c, method, message, now);
    if (status >= 200 && method == "BYE") end_dialog(*c, message.from_tag(), message.to_tag(), now);
    if (status / 100 == 2) take_next_nonce(*c, message);
    if (status / 100 == 2 && method == "NOTIFY" && !c->has_invite())
        if (const auto notify = sip::Message::parse(*one->text);
            notify && ends_subscription(*notify))
            for (sip::Dialog& d : c->dialogs)
                if (d.id().remote_tag == message.to_tag()) d.terminate();
    if (c->director == nullptr) return;
    const bool wanted = c->director->wants(*c, *arrival);
    if (wanted) c->director->on_arrival(std::move(arrival), now);
    if (status < 200 || step == SIZE_MAX) return;
    if (!wanted && status >= 300 && !given_up)
        c->director->on_failure(*c, step, fmt::format("{} {} came", status, message.reason()), now);
    else
        c->director->on_finished(c->part, step, now);
}

// Offers and answers in responses to requests other than INVITE (RFC 3311, RFC 3262 5).
void Agent::follow_answer(Conversation& c, std::string_view method, const sip::Message& message,
                          Time now) {
    if (message.status() < 200 || !c.session) return;
    for (sip::Dialog& d : c.dialogs)
        if (d.id().remote_tag == message.to_tag()) d.on_response(message);
    if (method != "UPDATE" && method != "PRACK") return;
    if (message.status() >= 300)
        c.session->refused();
    else if (has_sdp(message))
        (void)c.session->on_answer(message.body(), now);
}

// What a response to INVITE makes: dialogs (12.1.2), the session, PRACK and ACK.
void Agent::follow_dialog(Conversation& c, Asked& asked, const sip::Message& message, Time now) {
    const int status = message.status();
    const bool invites = asked.method == "INVITE";
    if (status >= 300) {
        if (!invites) return;
        if (c.session) c.session->refused();
        const bool first = std::none_of(
            c.dialogs.begin(), c.dialogs.end(),
            [](const sip::Dialog& d) { return d.state() == sip::Dialog::State::confirmed; });
        if (!first) return;
        for (sip::Dialog& d : c.dialogs) d.terminate();
        if (status != 401 && status != 407) end_session(c, now);
        return;
    }
    if (status <= 100) return;
    sip::Dialog* dialog = nullptr;
    for (sip::Dialog& d : c.dialogs)
        if (d.id().remote_tag == message.to_tag()) dialog = &d;
    if (dialog == nullptr) {
        if (auto made = dialog_of(c, asked, message)) {
            c.dialogs.push_back(std::move(*made));
            dialog = &c.dialogs.back();
        }
    } else {
        dialog->on_response(message);
    }
    if (!invites) return;
    if (has_sdp(message)) {
        PhoneSession& s = session(c);
        if (s.awaits_answer())
            (void)s.on_answer(message.body(), now);
        else if (!s.described())
            s.on_offer(message.body());
        else if (status >= 200 && !asked.offered)
            s.on_offer(message.body());
    }
    if (dialog == nullptr) return;
    if (status < 200)
        acknowledge_provisional(c, asked, *dialog, message, now);
    else if (asked.ack != nullptr && message.to_tag() == asked.ack_tag) {
        outgoing_.push_back({asked.ack_hop, {}, {}, asked.ack});
    } else if (asked.acks_itself) {
        const bool again = asked.ack != nullptr;  // another fork's: it is let go (13.2.2.4)
        asked.ack_tag = message.to_tag();
        send_ack(c, asked, *dialog, {}, now);
        if (again) {
            sip::Builder bye = dialog->request("BYE");
            Asked last;
            last.method = "BYE";
            (void)send_request(c, bye, std::move(last), {}, now);
            dialog->terminate();
        }
    }
}

// RFC 3262 4: in order, each once.
void Agent::acknowledge_provisional(Conversation& c, Asked& asked, sip::Dialog& dialog,
                                    const sip::Message& message, Time now) {
    if (!sip::is_reliable_provisional(message)) return;
    auto known = std::find_if(asked.reliable.begin(), asked.reliable.end(),
                              [&](const auto& one) { return one.first == message.to_tag(); });
    if (known == asked.reliable.end())
        known = asked.reliable.insert(known, {std::string(message.to_tag()), {}});
    auto rack = known->second.on_provisional(message);
    if (!rack) return;
    asked.rack = std::move(*rack);
    if (!asked.pracks_itself) return;
    sip::Builder b = dialog.request("PRACK");
    c.hop = hop_to(dialog.next_hop(), c);
    b.add(sip::Header::rack, asked.rack);
    if (c.session && c.session->owes_answer())
        if (const auto text = c.session->answer({}, now); text) b.body("application/sdp", *text);
    Asked prack;
    prack.method = "PRACK";
    (void)send_request(c, b, std::move(prack), {}, now);
}

// A reliable provisional response that was there before (RFC 3262 4).
bool Agent::again_reliably(const Asked& asked, const sip::Message& message) {
    if (asked.reliable.empty() || !sip::is_reliable_provisional(message)) return false;
    const auto rseq = sip::parse_number(message.header(sip::Header::rseq).value_or(""));
    return std::any_of(asked.reliable.begin(), asked.reliable.end(), [&](const auto& one) {
        return one.first == message.to_tag() && one.second.last() && rseq <= one.second.last();
    });
}

// Keeps of each realm its newest challenge. True: one of them was not answered yet, or its nonce
// was stale (RFC 7616 3.3); then another try has a use.
bool Agent::take_challenges(Conversation& c, const Asked& asked, const sip::Message& message) {
    bool fresh = false;
    for (const bool proxy : {false, true}) {
        std::vector<std::string_view> values;
        for (const auto value : message.values(proxy ? sip::Header::proxy_authenticate
                                                     : sip::Header::www_authenticate))
            values.push_back(value);
        auto& kept = proxy ? c.proxy_challenges : c.challenges;
        for (const std::size_t i : sip::strongest_of_each_realm(values)) {
            const auto credentials = sip::parse_credentials(values[i]);
            const auto digest = credentials ? sip::digest_of(*credentials) : std::nullopt;
            if (!digest) continue;
            const std::string realm(digest->realm);
            const auto times = std::count(asked.realms.begin(), asked.realms.end(), realm);
            fresh = fresh || asked.tries == 0 || times == 0 || (digest->stale && times == 1);
            const auto known = std::find_if(
                kept.begin(), kept.end(), [&](const Challenge& one) { return one.realm == realm; });
            if (known == kept.end())
                kept.push_back({std::string(values[i]), realm, 0});
            else
                *known = {std::string(values[i]), realm, 0};
        }
    }
    return fresh && !line_.password.empty();
}

// RFC 7616 3.5: the nonce for the next request. Only where there is one realm is it known whose.
void Agent::take_next_nonce(Conversation& c, const sip::Message& message) {
    const auto value = message.header(sip::Header::authentication_info);
    if (!value || c.challenges.size() + c.proxy_challenges.size() != 1) return;
    const auto info = sip::parse_authentication_info(*value);
    const auto next = info ? info->param("nextnonce") : std::nullopt;
    Challenge& known = c.challenges.empty() ? c.proxy_challenges.front() : c.challenges.front();
    const auto credentials = sip::parse_credentials(known.value);
    const auto digest = credentials ? sip::digest_of(*credentials) : std::nullopt;
    if (!next || !digest || digest->nonce.empty()) return;
    std::string changed = known.value;
    const auto at = changed.find(digest->nonce);
    if (at == changed.npos) return;
    changed.replace(at, digest->nonce.size(), *next);
    known.value = std::move(changed);
    known.count = 0;
}

// The same request again, as a new one (RFC 3261 8.1.3.5, 22.2), with these header fields changed.
bool Agent::resend(Conversation& c, Asked& asked, const Changes& changes, Time now) {
    if (asked.tries >= max_tries) return false;
    const auto request = sip::Message::parse(*asked.text);
    if (!request) return false;
    auto b = sip::Builder::from(*request);
    b.strip("Authorization").strip("Proxy-Authorization");
    sip::Dialog* dialog = request->to_tag().empty() ? nullptr : c.live_dialog();
    const std::uint32_t number =
        dialog != nullptr ? dialog->local_cseq().value_or(0) + 1 : ++c.cseq;
    if (dialog != nullptr) dialog->set_local_cseq(number);
    b.set("CSeq", fmt::format("{} {}", number, asked.method));
    b.set("Via", via_ + identifiers_.branch());
    for (const auto& [name, value] : changes)
        if (value.empty())
            b.strip(name);
        else
            b.set(name, value);
    Asked again = asked;
    if (const Status s = authorize(c, b, again); !s) return false;
    auto text = b.write();
    if (!text) return false;
    again.status = 0;
    again.finished = false;
    again.tries++;
    again.cseq = number;
    again.text = std::make_shared<const std::string>(*text);
    again.as_built = false;
    again.reliable.clear();
    asked.step = SIZE_MAX;
    asked.refreshes = false;
    const auto note = notes_.find(asked.id);
    const std::string kept = note == notes_.end() ? "" : note->second;
    again.id = transactions_.request(std::move(*text), c.hop, now);
    begin_asked(c, std::move(again), {.note = kept});
    return true;
}

// A transaction that ended without an answer.
void Agent::on_lost(const sip::Transactions::Event& event, Conversation* c, Time now) {
    if (c == nullptr) return;
    Asked* one = c->asked_as(event.id);
    using Timer = sip::Transactions::Timer;
    std::string why = event.kind == sip::Transactions::Kind::unreachable
                          ? "nobody is there (port closed, or connection refused)"
                          : "no answer in time";
    if (one == nullptr) {
        if (event.kind != sip::Transactions::Kind::timed_out) return;
        const Owed* owed = c->owed_by(event.id);
        if (owed != nullptr && c->director != nullptr && !c->ended)
            c->director->on_failure(*c, owed->step,
                                    event.timer == Timer::prack
                                        ? "no PRACK came (RFC 3262 3)"
                                        : "no ACK came (RFC 3261 13.3.1.4, timer H)",
                                    now);
        return;
    }
    if (one->finished) return;
    one->finished = true;
    const std::size_t step = one->step;
    if (c->session && one->method == "INVITE") c->session->refused();
    if (one->method == "BYE")
        if (const auto bye = sip::Message::parse(*one->text))
            end_dialog(*c, bye->from_tag(), bye->to_tag(), now);
    if (one->refreshes) refresh_failed(*c, *one, 408, now);
    if (c->director == nullptr) return;
    auto arrival = std::make_unique<Arrival>();
    arrival->kind = event.kind == sip::Transactions::Kind::unreachable ? Arrival::Kind::unreachable
                                                                       : Arrival::Kind::timed_out;
    arrival->conversation = c;
    arrival->transaction = event.id;
    arrival->method = one->method;
    arrival->asked_by = step;
    arrival->at = now;
    if (c->director->wants(*c, *arrival))
        c->director->on_arrival(std::move(arrival), now);
    else if (step != SIZE_MAX)
        c->director->on_failure(*c, step, std::move(why), now);
}

}  // namespace sipana::lab
