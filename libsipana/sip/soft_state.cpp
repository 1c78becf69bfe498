#include "libsipana/sip/soft_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/uri.h"

namespace sipana::sip {
namespace {

std::optional<std::uint32_t> number_in(const Message& m, Header id) {
    const auto value = m.header(id);
    return value ? parse_number(*value) : std::nullopt;
}

bool same_uri(std::string_view a, std::string_view b) {
    const auto x = parse_uri(a), y = parse_uri(b);
    return a == b || (x && y && equal(*x, *y));
}

}  // namespace

SoftState::Fields SoftState::request_fields() const {
    Fields out{{Header::expires, fmt::format("{}", wanted_)}};
    if (!etag_.empty()) out.emplace_back(Header::sip_if_match, etag_);
    return out;
}

SoftState::Next SoftState::on_response(const Message& m, std::string_view contact, Time now) {
    const int status = m.status();
    if (status < 200) return Next::settled;
    if (status < 300) return grant(m, contact, now);
    if (status == 401 || status == 407) return Next::challenge;
    if (status == 423) {  // 10.2.8; RFC 6665 4.1.2.1; RFC 3903 6
        const auto least = number_in(m, Header::min_expires);
        if (!least || *least <= wanted_ || wanted_ == 0) return Next::lost;
        wanted_ = *least;
        return Next::again;
    }
    if (status == 412 && !etag_.empty()) {  // RFC 3903 4.4
        etag_.clear();
        return wanted_ == 0 ? Next::lost : Next::again;
    }
    // RFC 6665 4.1.2.2: of a refresh only 481 says that it is gone; else it stands until its end.
    if (kind_ != Kind::subscription || status == 481) stop();
    return Next::lost;
}

SoftState::Next SoftState::grant(const Message& m, std::string_view contact, Time now) {
    std::uint32_t seconds = number_in(m, Header::expires).value_or(wanted_);
    if (kind_ == Kind::registration && wanted_ != 0) {
        // 10.3 step 8: the response lists all bindings, each with its own time.
        bool bound = false;
        for (const auto value : m.values(Header::contact)) {
            const auto binding = parse_name_addr(value);
            if (!binding || !same_uri(binding->uri, contact)) continue;
            bound = true;
            if (const auto own = binding->param("expires"))
                seconds = to_number(*own).value_or(seconds);
        }
        if (!bound) {
            stop();
            return Next::lost;
        }
    }
    if (kind_ == Kind::publication) etag_ = m.header(Header::sip_etag).value_or("");
    if (wanted_ == 0) seconds = 0, etag_.clear();
    start(seconds, now);
    return Next::settled;
}

bool SoftState::on_notify(const Message& notify, Time now) {
    const auto value = notify.header(Header::subscription_state);
    const auto state = value ? parse_subscription_state(*value) : std::nullopt;
    if (!state) return true;
    if (iequals(state->state, "terminated")) {
        stop();
        return false;
    }
    if (const auto seconds = state->expires()) start(*seconds, now);
    return true;
}

void SoftState::start(std::uint32_t seconds, Time now) {
    granted_ = seconds;
    if (seconds == 0) return stop();
    const Duration whole = std::chrono::seconds{seconds};
    ends_ = now + whole;
    refresh_at_ = ends_ - std::min<Duration>(std::chrono::seconds{32}, whole / 2);
}

std::optional<Time> SoftState::deadline() const {
    if (refresh_at_ == no_time) return std::nullopt;
    return refresh_at_;
}

bool SoftState::due(Time now) {
    if (refresh_at_ == no_time || now < refresh_at_) return false;
    refresh_at_ = no_time;
    return true;
}

}  // namespace sipana::sip
