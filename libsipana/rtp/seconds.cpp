#include "libsipana/rtp/seconds.h"

#include <algorithm>

namespace sipana::rtp {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

}  // namespace

std::size_t Seconds::index(Time arrival) const {
    if (first_ == no_time || arrival <= first_) return 0;
    std::int64_t elapsed = 0;
    if (__builtin_sub_overflow(arrival.count(), first_.count(), &elapsed)) return max_seconds;
    return static_cast<std::size_t>(elapsed / second_ns);
}

// Adds what a count of the Receiver has grown by to the newest second. A count that shrank (a late
// packet filled a gap, a restart was recognised) is taken back from the seconds that hold it.
void Seconds::account(Count count, std::uint32_t Second::*field, std::uint64_t now) {
    std::vector<std::uint32_t>& holders = holders_[count];
    std::uint64_t& before = before_[count];
    if (now > before) {
        const auto newest = static_cast<std::uint32_t>(series_.size() - 1);
        series_[newest].*field += static_cast<std::uint32_t>(now - before);
        if (holders.empty() || holders.back() != newest) holders.push_back(newest);
    }
    for (std::uint64_t back = before > now ? before - now : 0; back > 0 && !holders.empty();) {
        std::uint32_t& held = series_[holders.back()].*field;
        const auto part = static_cast<std::uint32_t>(std::min<std::uint64_t>(back, held));
        held -= part;
        back -= part;
        if (held == 0) holders.pop_back();
    }
    before = now;
}

void Seconds::on_packet(const Receiver& receiver, std::uint32_t payload_bytes, Time arrival) {
    if (first_ == no_time) first_ = last_ = arrival;
    const std::size_t at = index(arrival);
    if (at >= max_seconds || at > seconds_at_once + seconds_a_packet * receiver.packets()) return;
    if (series_.empty()) series_.emplace_back();
    while (series_.size() <= at) {  // seconds without a packet keep the estimate
        Second empty;
        empty.jitter_ms = series_.back().jitter_ms;
        series_.push_back(empty);
    }
    Second& second = series_[at];
    ++second.packets;
    second.bytes += payload_bytes;
    second.jitter_ms = static_cast<float>(receiver.jitter_ms());
    if (arrival > last_) {
        const auto delta = static_cast<double>(arrival.count() - last_.count()) / 1e6;
        second.max_delta_ms = std::max(second.max_delta_ms, static_cast<float>(delta));
        last_ = arrival;
    }
    account(lost, &Second::lost, receiver.lost());
    account(late, &Second::late, receiver.late());
    account(duplicated, &Second::duplicated, receiver.duplicated());
    account(reordered, &Second::reordered, receiver.reordered());
}

}  // namespace sipana::rtp
