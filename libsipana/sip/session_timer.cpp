#include "libsipana/sip/session_timer.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/sip/fields.h"

namespace sipana::sip {
namespace {

std::optional<SessionExpires> session_expires(const Message& m) {
    const auto value = m.header(Header::session_expires);
    return value ? parse_session_expires(*value) : std::nullopt;
}

std::uint32_t min_se_of(const Message& m) {
    const auto value = m.header(Header::min_se);
    const auto parsed = value ? parse_session_expires(*value) : std::nullopt;
    return parsed ? parsed->seconds : 0;
}

}  // namespace

SessionTimer::Fields SessionTimer::request_fields() const {
    Fields out{{Header::supported, "timer"}};
    if (!settings_.active && !running()) return out;
    // In a request "uac" is its sender (7.4).
    const Refresher who = running() ? refresher_ : settings_.prefer;
    std::string value = fmt::format("{}", interval_);
    if (who != Refresher::none) value += who == Refresher::us ? ";refresher=uac" : ";refresher=uas";
    out.emplace_back(Header::session_expires, std::move(value));
    out.emplace_back(Header::min_se, fmt::format("{}", min_se_));
    return out;
}

bool SessionTimer::on_422(const Message& response) {
    const std::uint32_t theirs = min_se_of(response);
    if (theirs <= min_se_ && interval_ >= theirs) return false;
    min_se_ = std::max(min_se_, theirs);
    interval_ = std::max(interval_, min_se_);
    return true;
}

void SessionTimer::on_success(const Message& response, Time now) {
    const auto se = session_expires(response);
    if (!se) return stop();  // 7.2: then there is none, also where there was one
    interval_ = se->seconds;
    refresher_ = iequals(se->refresher(), "uas") ? Refresher::them : Refresher::us;
    start(now);
}

int SessionTimer::judge(const Message& request) const {
    const auto se = session_expires(request);
    if (!se) return 0;
    // 9: only who understands 422 gets one.
    return se->seconds < settings_.min_se && lists(request, Header::supported, "timer") ? 422 : 0;
}

SessionTimer::Fields SessionTimer::refusal_fields() const {
    return {{Header::min_se, fmt::format("{}", settings_.min_se)}};
}

SessionTimer::Fields SessionTimer::accept(const Message& request, Time now) {
    const auto se = session_expires(request);
    const bool knows =
        lists(request, Header::supported, "timer") || lists(request, Header::require, "timer");
    if (!se && !settings_.active && !running()) return {};
    // 9: never above what was asked for, nor below the least that the two allow.
    const std::uint32_t least = std::max(min_se_of(request), settings_.min_se);
    interval_ = std::max(settings_.interval, least);
    if (se) interval_ = std::min(interval_, se->seconds);
    const std::string_view asked = se ? se->refresher() : std::string_view{};
    if (iequals(asked, "uas") || !knows)
        refresher_ = Refresher::us;
    else if (iequals(asked, "uac"))
        refresher_ = Refresher::them;
    else
        refresher_ = settings_.prefer == Refresher::us ? Refresher::us : Refresher::them;
    start(now);
    Fields out;
    const bool uac = refresher_ == Refresher::them;
    if (knows) out.emplace_back(Header::require, "timer");
    out.emplace_back(Header::session_expires,
                     fmt::format("{};refresher={}", interval_, uac ? "uac" : "uas"));
    return out;
}

void SessionTimer::start(Time now) {
    const Duration whole = std::chrono::seconds{interval_};
    // 10: whoever waits in vain says BYE before the end: by a third, and at most 32 seconds.
    const Duration early = std::min<Duration>(std::chrono::seconds{32}, whole / 3);
    ends_ = refresher_ == Refresher::them ? now + whole - early : now + whole;
    refresh_at_ = refresher_ == Refresher::us ? now + whole / 2 : no_time;
}

std::optional<Time> SessionTimer::deadline() const {
    if (!running()) return std::nullopt;
    return refresh_at_ == no_time ? ends_ : std::min(ends_, refresh_at_);
}

SessionTimer::Due SessionTimer::due(Time now) {
    if (!running()) return Due::nothing;
    if (now >= ends_) {
        stop();
        return Due::give_up;
    }
    if (refresh_at_ == no_time || now < refresh_at_) return Due::nothing;
    refresh_at_ = no_time;
    return Due::refresh;
}

}  // namespace sipana::sip
