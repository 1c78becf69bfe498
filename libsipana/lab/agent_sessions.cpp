// A phone's sessions: when each is due, and whose what comes to their ports is.
#include <fmt/format.h>

#include "libsipana/lab/agent.h"

namespace sipana::lab {

// What is the same for every session of the phone.
void Agent::write_session_setting() {
    session_setting_ = std::make_unique<PhoneSession::Setting>();
    PhoneSession::Setting& s = *session_setting_;
    s.line = &line_;
    s.address = setting_.media_address.empty() ? endpoint_.address : setting_.media_address;
    s.owner = this;
    s.ports = setting_.ports;
    s.random = &identifiers_.random();
    s.store = setting_.store;
    s.media = setting_.media;
    s.media.cname = fmt::format("{}@sipana.invalid", line_.name);
    s.media.key_requests = key_requests_of(line_);
    s.folder = setting_.folder;
    s.parked = setting_.parked;
    if (setting_.parked) s.words = &parked_words_;
    if (setting_.shares_ports) {
        shared_ports_ = std::make_unique<SharedPorts>(*setting_.ports, s.address, *this);
        s.shared = shared_ports_.get();
    }
    s.opened = [this](const Endpoint& port, std::uint64_t number) { ports_[port] = number; };
    s.closed = [this](const Endpoint& port) { ports_.erase(port); };
}

PhoneSession& Agent::session(Conversation& c) {
    if (!c.session) {
        if (!session_setting_) write_session_setting();
        if (!setting_.parked) take_place(c);
        c.session = std::make_shared<PhoneSession>(*session_setting_, c.session_place);
        if (SessionPlace* at = session_at(c.session_place)) at->session = c.session.get();
    }
    return *c.session;
}

void Agent::session_changed(Conversation& c) {
    if (!c.session) return;
    if (SessionPlace* at = session_at(c.session_place)) session_changed(*at);
}

// After anything that may move a session's deadline or give it something to send.
void Agent::session_changed(SessionPlace& at) {
    if (!at.ready) {
        at.ready = true;
        ready_.push_back(at.place);
    }
    const auto due = at.session->deadline();
    if (!due || *due == at.due) return;
    at.due = *due;
    dues_.push({*due, at.place});
}

void Agent::take_place(Conversation& c) {
    if (free_sessions_.empty()) {
        free_sessions_.push_back(static_cast<std::uint32_t>(sessions_.size()));
        sessions_.emplace_back();
    }
    const std::uint32_t at = free_sessions_.back();
    free_sessions_.pop_back();
    c.session_place = c.number << 32 | at;
    sessions_[at] = {c.session_place, &c, nullptr, no_time, false};
}

void Agent::leave_place(Conversation& c) {
    if (session_at(c.session_place) == nullptr) return;
    const auto at = static_cast<std::uint32_t>(c.session_place);
    sessions_[at] = {};
    free_sessions_.push_back(at);
}

Agent::SessionPlace* Agent::session_at(std::uint64_t place) {
    const auto at = static_cast<std::uint32_t>(place);
    const bool there = place != 0 && at < sessions_.size() && sessions_[at].place == place;
    return there ? &sessions_[at] : nullptr;
}

// Each session has left the caches since its packet before: the memory of those that are due
// together is asked for first, so that it is waited for once and not for each.
void Agent::wake_sessions(Time now) {
    constexpr std::size_t most_together = 32;
    std::array<SessionPlace*, most_together> woken;
    while (!dues_.empty() && dues_.top().at <= now) {
        std::size_t count = 0;
        for (; count < most_together && !dues_.empty() && dues_.top().at <= now; dues_.pop()) {
            SessionPlace* at = session_at(dues_.top().conversation);
            if (at == nullptr || at->due != dues_.top().at) continue;
            at->due = no_time;
            woken[count++] = at;
        }
        for (unsigned step = 0; count > 1 && step < PhoneSession::fetch_steps; ++step)
            for (std::size_t i = 0; i < count; ++i) woken[i]->session->fetch(step);
        for (std::size_t i = 0; i < count; ++i) {
            woken[i]->session->on_timer(now);
            session_changed(*woken[i]);
        }
    }
}

void Agent::end_session(Conversation& c, Time now) {
    if (c.upkeep && c.upkeep->session) c.upkeep->session->stop();
    if (!c.session) return;
    c.session->end(now);
    session_changed(c);
}

}  // namespace sipana::lab
