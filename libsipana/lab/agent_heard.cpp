// What a phone hears of others: requests and ACKs, in and out of dialogs.
#include "libsipana/base/text.h"
#include "libsipana/lab/agent.h"
#include "libsipana/sip/fields.h"

namespace sipana::lab {
namespace {

// A phone of the lab talks to few others; strangers cannot make it keep more than this.
constexpr std::size_t max_conversations = 1u << 20;

bool has_sdp(const sip::Message& m) {
    if (m.body().empty()) return false;
    const auto type = sip::parse_content_type(m.header(sip::Header::content_type).value_or(""));
    return type && type->is("application", "sdp");
}

}  // namespace

bool ends_subscription(const sip::Message& notify) {
    const auto value = notify.header(sip::Header::subscription_state);
    const auto state = value ? sip::parse_subscription_state(*value) : std::nullopt;
    return state && iequals(state->state, "terminated");
}

// The message being read, to be kept.
const std::shared_ptr<const Letter>& Agent::letter() {
    if (!letter_) letter_ = letter_of(message_);
    return letter_;
}

std::unique_ptr<Arrival> Agent::arrival_of(Conversation& c, sip::Transactions::Id id, Time now) {
    auto out = std::make_unique<Arrival>(letter());
    out->conversation = &c;
    out->transaction = id;
    out->method = message_.method_name();
    out->at = now;
    return out;
}

void Agent::on_request(const sip::Transactions::Event& event, const sip::Message& message,
                       const sip::Hop& hop, Time now) {
    Conversation* c = known(message.call_id());
    const bool fresh = c == nullptr;
    if (fresh) {
        if (conversations_.size() >= max_conversations) return;
        auto made = std::make_unique<Conversation>();
        made->phone = line_.name;
        made->number = ++conversation_count_;
        made->call_id = message.call_id();
        made->local_tag = identifiers_.tag();
        made->incoming = true;
        const Party* peer = directory_.by_endpoint(hop.remote);
        if (peer != nullptr) made->peer = peer->name;
        c = made.get();
        conversations_.insert_or_assign(c->call_id, std::move(made));
    }
    c->hop = hop;
    auto owed = std::make_unique<Owed>(letter());
    owed->id = event.id;
    owed->hop = hop;
    own(event.id, c);
    c->owed.push_back(std::move(owed));
    Owed& mine = *c->owed.back();
    if (event.kind == sip::Transactions::Kind::request && event.merged != 0) {
        (void)quick_response(*c, mine, 482, now);  // RFC 3261 8.2.2.2
        return;
    }
    if (interval_too_small(*c, message)) {
        (void)quick_response(*c, mine, 422, now);
        return;
    }
    auto arrival = arrival_of(*c, event.id, now);
    // Also at the second try of one that was refused before anybody was asked (401, 422); not where
    // its call has ended.
    const bool begins = message.to_tag().empty();
    if (c->director == nullptr && (begins || (fresh && !ended_lately(c->call_id))) && casting_ &&
        casting_(*this, *c, *arrival))
        c->director->conversations.push_back(c);
    const bool wanted = c->director != nullptr && c->director->wants(*c, *arrival);
    if (!accept_in_dialog(*c, mine, event, wanted, now)) return;
    if (has_sdp(message) &&
        (message.method() == sip::Method::invite || message.method() == sip::Method::update ||
         message.method() == sip::Method::prack)) {
        PhoneSession& s = session(*c);
        if (!s.awaits_answer())
            s.on_offer(message.body());
        else
            (void)s.on_answer(message.body(), now);
    }
    if (message.method() == sip::Method::prack) arrival->refusal = take_prack(*c, message);
    if (message.method() == sip::Method::notify) follow_notify(*c, message, now);
    if (message.method() == sip::Method::info) heed_media_control(*c, message);
    if (wanted)
        c->director->on_arrival(std::move(arrival), now);
    else
        keep_house(*c, *arrival, now);
    if (message.method() == sip::Method::prack && c->director != nullptr)
        c->director->on_prack(now);
}

// RFC 3261 12.2.2 and 9.2: false where the request was refused.
bool Agent::accept_in_dialog(Conversation& c, Owed& owed, const sip::Transactions::Event& event,
                             bool wanted, Time now) {
    const sip::Message& m = owed.message;
    if (event.kind == sip::Transactions::Kind::cancel) {
        if (event.invite != 0) return true;
        (void)quick_response(c, owed, 481, now);
        return false;
    }
    if (m.to_tag().empty()) return true;
    for (sip::Dialog& dialog : c.dialogs) {
        if (dialog.id().local_tag != m.to_tag()) continue;
        const int refusal = dialog.on_request(m);
        if (refusal == 0) return true;
        (void)quick_response(c, owed, refusal, now);
        return false;
    }
    if (m.method() == sip::Method::notify && subscribed_by(c, m)) return true;
    if (wanted) return true;
    (void)quick_response(c, owed, 481, now);
    return false;
}

// RFC 6665 4.4.1: a NOTIFY makes a dialog of the subscription as well as the 2xx does.
bool Agent::subscribed_by(Conversation& c, const sip::Message& notify) {
    for (const Asked& one : c.asked) {
        if (one.method != "SUBSCRIBE" && one.method != "REFER") continue;
        const auto request = sip::Message::parse(*one.text);
        if (!request) continue;
        if (auto made = sip::Dialog::as_subscriber(*request, notify)) {
            c.dialogs.push_back(std::move(*made));
            return true;
        }
    }
    return false;
}

void Agent::follow_notify(Conversation& c, const sip::Message& notify, Time now) {
    if (c.upkeep && c.upkeep->state) {
        (void)c.upkeep->state->on_notify(notify, now);
        upkeep_changed(c);
    }
    if (!ends_subscription(notify) || c.has_invite()) return;
    for (sip::Dialog& d : c.dialogs)
        if (d.matches(notify)) d.terminate();
}

// RFC 3262 3: the code of its answer.
int Agent::take_prack(Conversation& c, const sip::Message& prack) {
    int code = 481;
    for (const auto& owed : c.owed) {
        if (!owed->reliable || !owed->reliable->pending()) continue;
        const int said = owed->reliable->on_prack(prack);
        if (said != 481) code = said;
        if (said != 200) continue;
        owed->reliably_described = false;
        transactions_.stop_repeating_provisional(owed->id);
    }
    return code;
}

void Agent::on_ack(const sip::Transactions::Event& event, const sip::Message& message, Time now) {
    Conversation* c = known(message.call_id());
    if (c == nullptr) return;
    for (const auto& owed : c->owed)
        if (owed->id == event.id) owed->acked = true;
    if (event.retransmission) return;
    if (has_sdp(message) && c->session && c->session->awaits_answer()) {
        (void)c->session->on_answer(message.body(), now);
        session_changed(*c);
    }
    if (c->director == nullptr) return;
    auto arrival = arrival_of(*c, event.id, now);
    if (c->director->wants(*c, *arrival)) c->director->on_arrival(std::move(arrival), now);
}

}  // namespace sipana::lab
