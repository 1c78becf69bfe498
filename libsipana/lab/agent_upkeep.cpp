// What a phone keeps up by asking again: session timers (RFC 4028), registrations (RFC 3261 10.2),
// subscriptions (RFC 6665), publications (RFC 3903); and second tries after 412, 422 and 423.
#include <fmt/format.h>

#include "libsipana/base/text.h"
#include "libsipana/lab/agent.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/uri.h"

namespace sipana::lab {
namespace {

using namespace std::chrono_literals;

constexpr Duration glare_pause = 4s;  // RFC 3261 14.1: up to 4 s for whoever made the call
constexpr Duration busy_pause = 1s;   // an offer is open, or an INVITE
constexpr std::uint32_t hour = 3600;  // RFC 3261 10.2, RFC 3903 4
constexpr std::uint32_t most_seconds = 86400;
constexpr std::string_view refresh_note = "refresh";

std::optional<sip::SoftState::Kind> kind_of(std::string_view method) {
    if (method == "REGISTER") return sip::SoftState::Kind::registration;
    if (method == "SUBSCRIBE") return sip::SoftState::Kind::subscription;
    if (method == "PUBLISH") return sip::SoftState::Kind::publication;
    return std::nullopt;
}

// How long the request wants it; a Contact's own time counts first (10.2.1.1).
std::uint32_t wanted(const sip::Message& request, const std::optional<sip::NameAddr>& contact) {
    if (request.method() == sip::Method::register_ && contact)
        if (const auto own = contact->param("expires"))
            return sip::parse_number(*own).value_or(hour);
    return sip::parse_number(request.header(sip::Header::expires).value_or("")).value_or(hour);
}

}  // namespace

std::string_view Agent::setting_named(std::string_view name, std::string_view otherwise) const {
    for (const auto& [key, value] : line_.settings)
        if (key == name) return value;
    return otherwise;
}

// What the phone's line says of session timers; nullopt: it knows none.
std::optional<sip::SessionTimer::Settings> Agent::timer_settings() const {
    bool knows = false;
    std::string_view rest = setting_named("supported");
    while (const auto one = sip::next_element(rest)) knows = knows || iequals(*one, "timer");
    if (!knows) return std::nullopt;
    const auto seconds = [&](std::string_view name, std::uint32_t otherwise) {
        const auto given = sip::parse_number(setting_named(name)).value_or(otherwise);
        return std::clamp<std::uint32_t>(given, 1, most_seconds);
    };
    sip::SessionTimer::Settings out;
    out.min_se = seconds("min-se", out.min_se);
    out.interval = std::max(seconds("session-expires", out.interval), out.min_se);
    return out;
}

Upkeep& Agent::upkeep(Conversation& c) {
    if (!c.upkeep) {
        c.upkeep = std::make_unique<Upkeep>();
        kept_up_[c.number] = &c;
    }
    return *c.upkeep;
}

// Of a call at a phone that knows session timers; nullptr: none.
sip::SessionTimer* Agent::session_timer(Conversation& c) {
    if (!timer_) return nullptr;
    Upkeep& u = upkeep(c);
    if (!u.session) u.session.emplace(*timer_);
    return &*u.session;
}

void Agent::upkeep_changed(Conversation& c) {
    if (!c.upkeep) return;
    const auto due = c.upkeep->deadline();
    if (!due || *due == c.upkeep->queued) return;
    c.upkeep->queued = *due;
    upkeep_dues_.push({*due, c.number});
}

void Agent::stop_upkeep(Conversation& c) {
    if (!c.upkeep) return;
    kept_up_.erase(c.number);
    c.upkeep.reset();
}

void Agent::keep_up(Time now) {
    while (!upkeep_dues_.empty() && upkeep_dues_.top().at <= now) {
        const Due due = upkeep_dues_.top();
        upkeep_dues_.pop();
        const auto found = kept_up_.find(due.conversation);
        if (found == kept_up_.end() || found->second->upkeep->queued != due.at) continue;
        Conversation& c = *found->second;
        Upkeep& u = *c.upkeep;
        u.queued = no_time;
        if (u.session) {
            const auto what = u.session->due(now);
            if (what == sip::SessionTimer::Due::refresh) refresh_session(c, now);
            if (what == sip::SessionTimer::Due::give_up) give_up_session(c, now);
        }
        if (u.state && u.state->due(now)) refresh_state(c, now);
        upkeep_changed(c);
    }
}

// RFC 4028 7.4: by UPDATE without a description where the other side knows it.
void Agent::refresh_session(Conversation& c, Time now) {
    Upkeep& u = *c.upkeep;
    if (c.confirmed_dialog() == nullptr) return u.session->stop();
    const bool busy = c.pending_invite() != nullptr || c.owed_for("INVITE") != nullptr ||
                      (c.session && (c.session->awaits_answer() || c.session->owes_answer()));
    if (busy) return u.session->again_after(now + busy_pause);
    refreshing_ = true;
    (void)request(c, {u.updates ? "UPDATE" : "INVITE", {}}, {.note = refresh_note}, now);
    refreshing_ = false;
}

void Agent::give_up_session(Conversation& c, Time now) {
    c.upkeep->session->stop();
    if (c.confirmed_dialog() == nullptr || c.ended) return;
    (void)request(c, {"BYE", {}}, {.note = "the session was not refreshed (RFC 4028 10)"}, now);
    c.ended = true;
}

void Agent::refresh_failed(Conversation& c, const Asked& asked, int status, Time now) {
    if (!c.upkeep || !c.upkeep->session) return;
    if (asked.method != "INVITE" && asked.method != "UPDATE") return;
    Upkeep& u = *c.upkeep;
    if (status == 408 || status == 481) {  // RFC 4028 10
        if (sip::Dialog* dialog = c.live_dialog(); dialog != nullptr && !c.ended) {
            c.hop = hop_to(dialog->next_hop(), c);
            give_up_session(c, now);
        }
        return;
    }
    if (asked.method == "UPDATE" && (status == 405 || status == 501)) {
        u.updates = false;
        u.session->again_after(now);
    } else {
        u.session->again_after(now + glare_pause);
    }
    upkeep_changed(c);
}

// A request of theirs whose session interval is below our least (RFC 4028 9).
bool Agent::interval_too_small(Conversation& c, const sip::Message& request) {
    if (!timer_) return false;
    if (request.method() != sip::Method::invite && request.method() != sip::Method::update)
        return false;
    if (!request.header(sip::Header::session_expires)) return false;
    return session_timer(c)->judge(request) == 422;
}

// RFC 3261 10.2.4, RFC 6665 4.1.2.2, RFC 3903 4.1
void Agent::refresh_state(Conversation& c, Time now) {
    Upkeep& u = *c.upkeep;
    const auto first = sip::Message::parse(u.state_request);
    if (!first) return;
    Asked asked;
    asked.method = first->method_name();
    asked.refreshes = true;
    sip::Builder b = sip::Builder::from(*first);
    if (asked.method == "SUBSCRIBE") {
        sip::Dialog* dialog = c.live_dialog();
        if (dialog == nullptr) return u.state.reset();
        c.hop = hop_to(dialog->next_hop(), c);
        b = dialog->request("SUBSCRIBE");
        for (const char* name : {"Contact", "Event", "Accept", "Supported", "User-Agent"})
            if (const auto value = first->header(sip::header_of(name))) b.add(name, *value);
    } else {
        for (const char* name :
             {"Via", "Max-Forwards", "Authorization", "Proxy-Authorization", "SIP-If-Match"})
            b.strip(name);
        b.set("CSeq", fmt::format("{} {}", ++c.cseq, asked.method));
    }
    for (const auto& [id, value] : u.state->request_fields()) {
        b.set(sip::to_string(id), value);
        // RFC 3903 4.3: what is refreshed is not said again.
        if (id == sip::Header::sip_if_match) b.strip("Content-Type").body({}, {});
    }
    (void)send_request(c, b, std::move(asked), {.note = refresh_note}, now);
}

// What a final response means for what is kept up. True: it is sent again, and the matter goes on.
bool Agent::keep_up_with(Conversation& c, Asked& asked, const sip::Message& message, Time now) {
    const auto kind = kind_of(asked.method);
    bool again = false;
    if (kind) {
        again = keep_state(c, asked, *kind, message, now);
    } else if (timer_ && (asked.method == "INVITE" || asked.method == "UPDATE")) {
        sip::SessionTimer& timer = *session_timer(c);
        const int status = message.status();
        if (status < 300) {
            if (message.header(sip::Header::allow))
                upkeep(c).updates = sip::lists(message, sip::Header::allow, "UPDATE");
            timer.on_success(message, now);
        } else if (status == 422 && asked.tries_again && timer.on_422(message)) {
            Changes changes;
            for (auto& [id, value] : timer.request_fields())
                if (id != sip::Header::supported)
                    changes.emplace_back(sip::to_string(id), std::move(value));
            again = resend(c, asked, changes, now);
        } else if (asked.refreshes) {
            refresh_failed(c, asked, status, now);
        }
    }
    upkeep_changed(c);
    return again;
}

bool Agent::keep_state(Conversation& c, Asked& asked, sip::SoftState::Kind kind,
                       const sip::Message& message, Time now) {
    const int status = message.status();
    if (status >= 300 && status != 412 && status != 423 && !asked.refreshes) return false;
    const auto request = sip::Message::parse(*asked.text);
    if (!request) return false;
    const auto contact = sip::parse_name_addr(request->header(sip::Header::contact).value_or(""));
    const bool binds = contact && !contact->is_star();
    if (kind == sip::SoftState::Kind::registration && !binds) {
        // A query changes nothing; "*" takes all bindings back (10.2.2).
        if (contact && status < 300) stop_upkeep(c);
        return false;
    }
    Upkeep& u = upkeep(c);
    if (!asked.refreshes || !u.state) {
        u.state.emplace(kind, wanted(*request, contact));
        u.state_request = *asked.text;
    }
    const auto next = u.state->on_response(message, contact ? contact->uri : "", now);
    if (next != sip::SoftState::Next::again || !asked.tries_again) return false;
    Changes changes;
    if (status == 412) changes.emplace_back("SIP-If-Match", "");
    for (auto& [id, value] : u.state->request_fields())
        changes.emplace_back(sip::to_string(id), std::move(value));
    return resend(c, asked, changes, now);
}

}  // namespace sipana::lab
