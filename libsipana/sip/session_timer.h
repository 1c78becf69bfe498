// Session timers (RFC 4028): how long a call may go on without a refresh, who refreshes it, and
// when to give it up. No clock: time is an argument. One object for each call.
//
//   client  request_fields() into INVITE or UPDATE; on_422() and again; on_success()
//   server  judge() the request: 0, or 422 with refusal_fields(); then accept() for the 2xx
//   both    deadline(), then due(): refresh, give up with BYE (10), or neither yet
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libsipana/base/time.h"
#include "libsipana/sip/message.h"

namespace sipana::sip {

class SessionTimer {
public:
    enum class Refresher : std::uint8_t { none, us, them };
    enum class Due : std::uint8_t { nothing, refresh, give_up };
    struct Settings {
        bool active = true;  // asks for a timer by itself; false: only does what is asked
        std::uint32_t interval = 1800;  // seconds; 4 recommends half an hour
        std::uint32_t min_se = 90;      // the least that 5 allows
        Refresher prefer = Refresher::none;
    };
    using Fields = std::vector<std::pair<Header, std::string>>;

    SessionTimer() : SessionTimer(Settings{}) {}
    explicit SessionTimer(Settings settings)
        : settings_(settings), interval_(settings.interval), min_se_(settings.min_se) {}

    // Supported: timer, and where a timer is wanted Session-Expires and Min-SE (7.1). In a refresh
    // the refresher stays who it is (7.4).
    Fields request_fields() const;
    // 7.3: 422 with a Min-SE that raises ours. False: it does not, so trying again has no use.
    bool on_422(const Message& response);
    // A 2xx to our request (7.2).
    void on_success(const Message& response, Time now);

    // A request of the peer's: 0, or 422 where its interval is below our Min-SE (9).
    int judge(const Message& request) const;
    Fields refusal_fields() const;  // Min-SE, of the 422
    // The request is being answered with 2xx: what goes into it. Starts the timer anew.
    Fields accept(const Message& request, Time now);

    Refresher refresher() const { return refresher_; }
    bool running() const { return ends_ != no_time; }
    std::uint32_t interval() const { return interval_; }  // seconds
    std::optional<Time> deadline() const;
    // `refresh` comes once for each interval (10: at half of it); after a refresh that fails
    // call again_after().
    Due due(Time now);
    void stop() { ends_ = refresh_at_ = no_time; }
    void again_after(Time at) { refresh_at_ = at; }

private:
    void start(Time now);

    Settings settings_;
    std::uint32_t interval_, min_se_;
    Refresher refresher_ = Refresher::none;
    Time ends_ = no_time, refresh_at_ = no_time;
};

}  // namespace sipana::sip
