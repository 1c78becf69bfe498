// Upkeep: what a phone keeps alive in one conversation by asking again in time: the session (RFC
// 4028), a registration (RFC 3261 10.2), a subscription (RFC 6665 4.1.2) or a publication (RFC
// 3903 4). Agent owns it, and asks.
#pragma once

#include <optional>
#include <string>

#include "libsipana/base/time.h"
#include "libsipana/sip/session_timer.h"
#include "libsipana/sip/soft_state.h"

namespace sipana::lab {

struct Upkeep {
    std::optional<sip::SessionTimer> session;
    std::optional<sip::SoftState> state;
    std::string state_request;  // the request that made it
    bool updates = false;       // the other side understands UPDATE (RFC 3311)
    Time queued = no_time;      // when it is to be looked at, as Agent has queued it

    std::optional<Time> deadline() const {
        std::optional<Time> first = session ? session->deadline() : std::nullopt;
        const auto other = state ? state->deadline() : std::nullopt;
        return other && (!first || *other < *first) ? other : first;
    }
};

}  // namespace sipana::lab
