// SoftState: what a client keeps alive at a server by asking again in time: a registration (RFC
// 3261 10.2), a subscription (RFC 6665 4.1.2) or a publication (RFC 3903 4). No clock: time is an
// argument.
//
// request_fields() go into the REGISTER, SUBSCRIBE or PUBLISH; its final response into
// on_response(); when due() says so, the request is sent again. Credentials are the user's matter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/base/time.h"
#include "libsipana/sip/message.h"

namespace sipana::sip {

class SoftState {
public:
    enum class Kind : std::uint8_t { registration, subscription, publication };
    enum class Next : std::uint8_t {
        settled,    // granted, or taken back: nothing to do until due()
        again,      // send it again at once: the server wants a longer time (423), or knows the
                    // publication no longer (412)
        challenge,  // 401, 407
        lost,       // refused, or gone
    };
    using Fields = std::vector<std::pair<Header, std::string>>;

    explicit SoftState(Kind kind, std::uint32_t seconds = 3600) : kind_(kind), wanted_(seconds) {}

    Fields request_fields() const;  // Expires; SIP-If-Match
    // `contact` is the URI that a registration binds; other kinds pass over it.
    Next on_response(const Message& response, std::string_view contact, Time now);
    // Subscription-State of a NOTIFY (RFC 6665 4.1.3). False: it has ended.
    bool on_notify(const Message& notify, Time now);

    // Takes it back: the next request has Expires: 0.
    void take_back() { wanted_ = 0; }
    bool alive(Time now) const { return ends_ != no_time && now < ends_; }
    std::uint32_t granted() const { return granted_; }  // seconds, as the server said last
    // When to ask again: 64*T1 before the end, so that a request that fails is known to have failed
    // by then, or at half of what is shorter.
    std::optional<Time> deadline() const;
    bool due(Time now);  // once

private:
    Next grant(const Message& response, std::string_view contact, Time now);
    void start(std::uint32_t seconds, Time now);
    void stop() { ends_ = refresh_at_ = no_time; }

    Kind kind_;
    std::uint32_t wanted_, granted_ = 0;
    std::string etag_;
    Time ends_ = no_time, refresh_at_ = no_time;
};

}  // namespace sipana::sip
