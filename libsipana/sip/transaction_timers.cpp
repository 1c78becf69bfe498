// What time does to transactions (RFC 3261, table 4).
#include <algorithm>

#include "libsipana/sip/response.h"
#include "libsipana/sip/transaction.h"

namespace sipana::sip {

void Transactions::again_after(Transaction& t, Time now, Duration delay) {
    t.again = timers_.set(t.slot, now, delay);
}

void Transactions::end_after(Transaction& t, Time now, Duration delay) {
    t.end = timers_.set(t.slot, now, delay);
}

bool Transactions::counts(const Timers::Timer& timer) const {
    const Transaction& t = table_.at(timer.owner);
    return t.again == timer.ticket || t.end == timer.ticket;
}

std::optional<Time> Transactions::deadline() const {
    const auto first = timers_.first([this](const Timers::Timer& t) { return counts(t); });
    if (!first) return std::nullopt;
    return first->at;
}

void Transactions::on_timer(Time now) {
    const auto still = [this](const Timers::Timer& t) { return counts(t); };
    while (const auto timer = timers_.take_due(now, still))
        fire(table_.at(timer->owner), timer->ticket, now);
}

void Transactions::fire(Transaction& t, Timers::Ticket ticket, Time now) {
    if (t.end == ticket) {
        t.end = 0;
        fire_end(t, now);
    } else {
        t.again = 0;
        fire_again(t, now);
    }
}

// A, E, G, the repetition of a 2xx (13.3.1.4) and of a reliable response (RFC 3262 3), and the 100.
void Transactions::fire_again(Transaction& t, Time now) {
    if (t.role == Role::server && t.state == State::calling) {
        send_trying(t);
        return;
    }
    if (!t.options.no_retransmission) put(t, t.text, t.copies++);
    t.interval *= 2;
    if (t.role == Role::client && !t.invite && t.state == State::proceeding)
        t.interval = timing_.t2;
    const bool endless = (t.role == Role::client && t.invite) || t.reliable_provisional;
    if (!endless) t.interval = std::min(t.interval, timing_.t2);
    again_after(t, now, t.interval);
}

void Transactions::send_trying(Transaction& t) {
    if (!t.options.no_trying && t.beside && scratch_.read(*t.beside)) {
        if (auto trying = response_to(scratch_, t.hop, 100).write()) {
            t.text = std::make_shared<const std::string>(std::move(*trying));
            t.state = State::proceeding;
            put(t, t.text, t.copies++);
        }
    }
    t.beside.reset();
}

// B, C, F, H, and the end of what lingered: D, I, J, K, L, M.
void Transactions::fire_end(Transaction& t, Time now) {
    switch (t.role) {
        case Role::repeat:
            give_up(t, Kind::timed_out, t.reliable_provisional ? Timer::prack : Timer::ack);
            return;
        case Role::server:
            if (t.state == State::completed && t.invite)
                give_up(t, Kind::timed_out, Timer::h);
            else
                release(t);
            return;
        case Role::client:
            break;
    }
    if (t.state == State::completed || t.state == State::accepted) {
        release(t);
    } else if (!t.invite) {
        give_up(t, Kind::timed_out, Timer::f);
    } else if (t.cancelled) {
        give_up(t, Kind::timed_out, Timer::cancelled);
    } else if (t.state == State::calling) {
        give_up(t, Kind::timed_out, Timer::b);
    } else {
        events_.push_back({.kind = Kind::timer_c, .id = t.id});
        end_after(t, now, timing_.c);
    }
}

}  // namespace sipana::sip
