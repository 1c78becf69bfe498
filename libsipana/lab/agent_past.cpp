// What a phone still knows of calls that are over: under load their memory is wanted for the next
// ones, long before the last repetition of their messages may have come.
#include <algorithm>

#include "libsipana/lab/agent.h"

namespace sipana::lab {
namespace {

std::size_t hash_of(std::string_view call_id) { return std::hash<std::string_view>{}(call_id); }

}  // namespace

// Nothing more can come of it but repetitions.
bool Agent::settled(const Conversation& c) const {
    if (!c.ended || c.upkeep || c.asked.size() + c.owed.size() > Past{}.ids.size()) return false;
    if (c.session && !setting_.parked) return false;  // its RTCP BYE, and what is late
    return std::all_of(c.asked.begin(), c.asked.end(),
                       [](const Asked& one) { return one.finished; }) &&
           std::all_of(c.owed.begin(), c.owed.end(), [](const auto& one) { return one->answered; });
}

void Agent::leave(Director& director, Time now) {
    if (!notes_.empty() || !spoiled_.empty()) return;
    std::erase_if(director.conversations, [&](Conversation* c) {
        if (known(c->call_id) != c || !settled(*c)) return false;
        Past& past = past_.emplace_back();
        const std::uint64_t number = first_past_ + past_.size() - 1;
        past.ended = now;
        past.call = hash_of(c->call_id);
        std::size_t n = 0;
        for (Asked& one : c->asked) {
            if (one.method != "INVITE") {  // what comes again is let drop without it as well
                transactions_.forget(one.id);
                own(one.id, nullptr);
                continue;
            }
            past.ids[n++] = one.id;
            own(one.id, nullptr, number);
            if (one.ack == nullptr) continue;
            past.ack = std::move(one.ack);
            past.ack_hop = one.ack_hop;
            past.ack_tag = std::move(one.ack_tag);
        }
        for (const auto& one : c->owed) {
            transactions_.stop_repeating(one->id);  // and an ACK that comes again is let drop
            past.ids[n++] = one->id;
            own(one->id, nullptr, number);
        }
        conversations_.erase(c->call_id);
        return true;
    });
}

void Agent::forget_past(Time ended_by) {
    for (; !past_.empty() && past_.front().ended <= ended_by; past_.pop_front(), ++first_past_)
        for (const sip::Transactions::Id id : past_.front().ids) transactions_.forget(id);
}

bool Agent::ended_lately(std::string_view call_id) const {
    const std::size_t wanted = hash_of(call_id);
    return std::any_of(past_.begin(), past_.end(),
                       [wanted](const Past& one) { return one.call == wanted; });
}

// A 2xx of an INVITE again, or one of another fork, which is acknowledged and let go (13.2.2.4).
void Agent::on_late_response(const Past& past, const sip::Message& message, Time now) {
    const bool success = message.status() >= 200 && message.status() < 300;
    if (!success || message.method() != sip::Method::invite || past.ack == nullptr) return;
    if (message.to_tag() == past.ack_tag) {
        outgoing_.push_back({past.ack_hop, {}, {}, past.ack});
        return;
    }
    const auto from = message.header(sip::Header::from);
    const auto cseq = message.cseq();
    if (!from || !cseq) return;
    auto dialog = sip::Dialog::as_caller({.call_id = message.call_id(),
                                          .from = *from,
                                          .from_tag = message.from_tag(),
                                          .uri = {},
                                          .cseq = cseq->number},
                                         message);
    if (!dialog) return;
    Conversation stranger;
    stranger.hop = past.ack_hop;
    Asked invite;
    invite.cseq = cseq->number;
    send_ack(stranger, invite, *dialog, {}, now);
    sip::Builder bye = dialog->request("BYE");
    bye.add_first(sip::Header::max_forwards, "70");
    bye.add_first(sip::Header::via, via_, identifiers_.branch());
    if (auto text = bye.write()) (void)transactions_.request(std::move(*text), stranger.hop, now);
}

}  // namespace sipana::lab
