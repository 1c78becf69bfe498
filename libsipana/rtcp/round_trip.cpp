#include "libsipana/rtcp/round_trip.h"

namespace sipana::rtcp {

namespace {

constexpr std::int64_t ns_per_second = 1'000'000'000;
constexpr std::int64_t seconds_1900_to_1970 = 2'208'988'800;
// Clocks read a little apart may make a short trip negative; more is a contradiction.
constexpr Duration tolerance{1'000'000};

std::int64_t ns_of(std::uint32_t units) {  // 1/65536 s
    return static_cast<std::int64_t>(units) * ns_per_second >> 16;
}

std::optional<Duration> plausible(Duration trip) {
    if (trip < -tolerance) return std::nullopt;
    return trip < Duration{} ? Duration{} : trip;
}

}  // namespace

std::uint64_t ntp_of(Time time) {
    std::int64_t seconds = time.count() / ns_per_second;
    std::int64_t rest = time.count() % ns_per_second;
    if (rest < 0) {
        rest += ns_per_second;
        --seconds;
    }
    // Rounded up, so that time_of_ntp, which rounds down, gives the nanosecond back.
    const auto fraction =
        ((static_cast<std::uint64_t>(rest) << 32) + ns_per_second - 1) / ns_per_second;
    return (static_cast<std::uint64_t>(seconds + seconds_1900_to_1970) << 32) + fraction;
}

Time time_of_ntp(std::uint64_t ntp) {
    auto seconds = static_cast<std::int64_t>(ntp >> 32);
    // RFC 5905 6: with the top bit clear it is era 1, from 2036 on.
    if ((ntp >> 63) == 0) seconds += std::int64_t{1} << 32;
    const auto fraction = static_cast<std::int64_t>((ntp & 0xffffffffu) * ns_per_second >> 32);
    return Time{(seconds - seconds_1900_to_1970) * ns_per_second + fraction};
}

std::optional<Duration> round_trip(std::uint32_t a, std::uint32_t lsr, std::uint32_t dlsr) {
    if (lsr == 0) return std::nullopt;
    // Modulo 2^32, so the 18 hours that 16 bits of seconds hold may wrap on the way.
    const auto units = static_cast<std::int32_t>(a - lsr - dlsr);
    return plausible(Duration{static_cast<std::int64_t>(units) * ns_per_second / 65536});
}

void RoundTrip::on_sender_report(std::uint64_t ntp, Time seen) {
    reports_[next_] = {middle(ntp), seen};
    next_ = (next_ + 1) % remembered;
}

std::optional<Duration> RoundTrip::on_report_block(std::uint32_t lsr, std::uint32_t dlsr,
                                                   Time seen) const {
    if (lsr == 0) return std::nullopt;
    // Newest first: a retransmitted or repeated SR counts where it passed last before the answer.
    for (std::size_t i = 0; i < remembered; ++i) {
        const Seen& report = reports_[(next_ + remembered - 1 - i) % remembered];
        if (report.at == no_time || report.middle != lsr || report.at > seen) continue;
        std::int64_t elapsed = 0;
        if (__builtin_sub_overflow(seen.count(), report.at.count(), &elapsed)) return std::nullopt;
        return plausible(Duration{elapsed - ns_of(dlsr)});
    }
    return std::nullopt;
}

}  // namespace sipana::rtcp
