#include "libsipana/rtp/seconds.h"

#include <algorithm>

namespace sipana::rtp {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

// Adds what a counter of the Receiver has grown by to the newest second. A counter that shrank (a
// late packet filled a gap, a restart was recognised) is taken back from the seconds that hold it.
void account(std::vector<Second>& series, std::uint32_t Second::*field, std::uint64_t before,
             std::uint64_t now) {
    if (now >= before) {
        series.back().*field += static_cast<std::uint32_t>(now - before);
        return;
    }
    std::uint64_t back = before - now;
    for (auto second = series.rbegin(); second != series.rend() && back > 0; ++second) {
        const auto part =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(back, (*second).*field));
        (*second).*field -= part;
        back -= part;
    }
}

}  // namespace

std::size_t Seconds::index(Time arrival) const {
    if (first_ == no_time || arrival <= first_) return 0;
    std::int64_t elapsed = 0;
    if (__builtin_sub_overflow(arrival.count(), first_.count(), &elapsed)) return max_seconds;
    return static_cast<std::size_t>(elapsed / second_ns);
}

void Seconds::on_packet(const Receiver& receiver, std::uint32_t payload_bytes, Time arrival) {
    if (first_ == no_time) first_ = last_ = arrival;
    const std::size_t at = index(arrival);
    if (at >= max_seconds) return;
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
    account(series_, &Second::lost, lost_, receiver.lost());
    account(series_, &Second::late, late_, receiver.late());
    account(series_, &Second::duplicated, duplicated_, receiver.duplicated());
    account(series_, &Second::reordered, reordered_, receiver.reordered());
    lost_ = receiver.lost();
    late_ = receiver.late();
    duplicated_ = receiver.duplicated();
    reordered_ = receiver.reordered();
}

}  // namespace sipana::rtp
