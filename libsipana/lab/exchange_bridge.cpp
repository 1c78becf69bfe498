// Two legs that talk to each other: joined, parted, digits passed on, a ringing call picked up.
#include <fmt/format.h>

#include "libsipana/base/text.h"
#include "libsipana/lab/exchange_core.h"
#include "libsipana/sip/fields.h"

namespace sipana::lab {

using sip::Header;

void ExchangeCore::join(Channel& a, Channel& b, Time now) {
    silence(a, now);
    silence(b, now);
    a.bridge = b.id;
    b.bridge = a.id;
    a.doing = b.doing = Channel::Doing::bridged;
    a.direct = b.direct = false;  // towards whom they talked to before
    go_direct(a, now);
}

void ExchangeCore::part(Channel& c) {
    if (Channel* other = find(c.bridge); other != nullptr) other->bridge = 0;
    c.bridge = 0;
}

// A leg that goes on without the other needs the exchange's media again.
void ExchangeCore::come_back(Channel& c, Time now) {
    if (c.direct && !c.leaving) point_at(c, nullptr, now);
}

// The other side has hung up: the dialplan goes on where Dial() was told so, else it is over.
void ExchangeCore::other_gone(Channel& c, Time now) {
    if (c.plan.active && c.dial.go_on) {
        come_back(c, now);
        return run(c, now);
    }
    hang_up(c, 16, now);
}

// Digits (application/dtmf-relay) and requests for a key frame (RFC 5168) go on to the other leg.
void ExchangeCore::on_info(const Incoming& in, Channel& c) {
    const auto type = sip::parse_content_type(in.message.header(Header::content_type).value_or(""));
    if (in.message.header("Record") || in.message.header("X-ClientCode"))
        return answer(in, 403, "Forbidden");
    const bool digits =
        type && (type->is("application", "dtmf-relay") || type->is("application", "dtmf"));
    const bool control = type && type->is("application", "media_control+xml");
    if (!digits && !control && !(in.message.body().empty() && !type))
        return answer(in, 415, "Unsupported media type",
                      {{"Accept",
                        "application/dtmf-relay, application/dtmf, "
                        "application/media_control+xml"}});
    answer(in, 200, "OK");
    Channel* other = find(c.bridge);
    if (other != nullptr && type)
        send_in_dialog(*other, "INFO", {}, in.message.header(Header::content_type).value_or(""),
                       in.message.body(), in.now, Sent::For::other);
}

// *8: takes the call that rings at a phone of the caller's pickup groups.
void ExchangeCore::pick_up(Channel& c, Time now) {
    const std::uint64_t groups = c.peer != nullptr ? c.peer->pickup_groups : 0;
    for (auto& [id, leg] : channels_) {
        Channel* caller = find(leg.parent);
        const bool ringing = !leg.incoming && !leg.dead() && !leg.leaving &&
                             leg.state == Channel::State::ringing && caller != nullptr;
        if (!ringing || (leg.peer->call_groups & groups) == 0) continue;
        return take_ringing(c, *caller, now);
    }
    note(fmt::format("{}: nothing to pick up", c.name));
    c.cause = 21;  // as chan_sip: the call is rejected, 403
    hang_up(c, 21, now);
}

// `c` answers in place of the legs that ring for `caller`.
void ExchangeCore::take_ringing(Channel& c, Channel& caller, Time now) {
    stop_dialling(caller, 0, now);
    wake_at(caller, caller.session_ends);
    caller.plan.variables["DIALSTATUS"] = "ANSWER";
    if (!caller.is_up() && caller.described.empty()) {
        answer_call(c, now);
        restrict_to(caller, c);
        answer_call(caller, now);
    } else {
        restrict_to(c, caller);
        answer_call(c, now);
        answer_call(caller, now);
    }
    join(caller, c, now);
}

}  // namespace sipana::lab
