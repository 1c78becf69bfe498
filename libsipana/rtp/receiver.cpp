#include "libsipana/rtp/receiver.h"

#include <algorithm>
#include <cmath>

namespace sipana::rtp {

namespace {

// A larger change of transit time says that the sender's clock did not run on.
constexpr double clock_break_ns = 1e9;
// No network holds a packet back for so long while those before and after it arrive.
constexpr double clock_leap_ns = 10e9;

constexpr std::uint32_t capped_add(std::uint32_t a, std::uint32_t b) {
    return a > 0xffffffffu - b ? 0xffffffffu : a + b;
}

// Capture times are hostile: their difference may not fit.
inline Duration between(Time from, Time to) {
    std::int64_t d = 0;
    if (__builtin_sub_overflow(to.count(), from.count(), &d))
        return to < from ? Duration::min() : Duration::max();
    return Duration{d};
}

}  // namespace

void Receiver::set_clock(std::uint32_t hz) {
    if (hz == clock_hz_) return;
    clock_hz_ = hz;
    ns_per_tick_ = hz == 0 ? 0 : 1e9 / hz;
    sampled_at_ = no_time;  // timestamps before and after do not compare
    highest_timed_ = false;
}

// Did the sender's clock run on between the last jitter sample and this packet?
bool Receiver::continuous(std::uint32_t timestamp, Time arrival) const {
    if (ns_per_tick_ <= 0 || sampled_at_ == no_time) return false;
    const auto elapsed = static_cast<double>(between(sampled_at_, arrival).count());
    const auto ticks = static_cast<std::int32_t>(timestamp - sampled_timestamp_);
    return std::fabs(elapsed - ticks * ns_per_tick_) < clock_break_ns;
}

inline void Receiver::note_newest(std::uint32_t timestamp, bool timed) {
    highest_timestamp_ = timestamp;
    highest_timed_ = timed;
}

inline void Receiver::advance_by_one() {
    ++highest_;
    cycles_ = static_cast<std::uint16_t>(cycles_ + (highest_ == 0));
    span_ = capped_add(span_, 1);
    for (std::size_t w = window_.size() - 1; w > 0; --w)
        window_[w] = window_[w] << 1 | window_[w - 1] >> 63;
    window_[0] = window_[0] << 1 | 1;
}

// The packet's place in the sequence; counts everything but what sample() and arrive() count.
inline Place Receiver::place(std::uint16_t sequence, std::uint32_t timestamp, bool timed,
                             Time arrival) {
    const auto step = static_cast<std::uint16_t>(sequence - highest_);
    if (step != 1 || fresh_) return place_elsewhere(sequence, timestamp, timed, arrival);
    if (timed && highest_timed_) {
        const auto ticks = static_cast<std::int32_t>(timestamp - highest_timestamp_);
        if (ticks * ns_per_tick_ >= static_cast<double>(silence_from.count()) &&
            continuous(timestamp, arrival))
            ++silences_;
    }
    awaited_ = nothing_awaited;
    advance_by_one();
    ++distinct_;
    ++expected_;
    note_newest(timestamp, timed);
    return Place::next;
}

// RFC 3550 A.8, in time instead of timestamp units: J += (|D| - J) / 16 for every packet in the
// order of arrival, late ones too (trap 7).
inline void Receiver::sample(std::uint32_t timestamp, bool marker, Time arrival) {
    if (ns_per_tick_ <= 0) return;
    if (sampled_at_ != no_time) {
        const Duration elapsed = between(sampled_at_, arrival);
        if (elapsed <= -pause_from) return;  // a capture's clock that went back measures nothing
        const auto ticks = static_cast<std::int32_t>(timestamp - sampled_timestamp_);
        const double d = std::fabs(static_cast<double>(elapsed.count()) - ticks * ns_per_tick_);
        // After a pause, and where the marker says that something new begins, the sender's clock
        // may have stood still or begun anew (hold, trap 13; a server that joins two calls): the
        // step between two talk spurts is then no transit time.
        const bool resumed = (marker || elapsed >= pause_from) && d > clock_break_ns;
        // A server that begins to send from another source goes on with that source's timestamps.
        const bool leapt = d > clock_leap_ns;
        if (!resumed && !leapt) {
            jitter_ += (d - jitter_) / 16;
            jitter_sum_ += jitter_;
            jitter_max_ = std::max(jitter_max_, static_cast<float>(jitter_));
            ++jitter_samples_;
        }
    }
    sampled_at_ = arrival;
    sampled_timestamp_ = timestamp;
}

inline void Receiver::arrive(bool marker, std::uint32_t payload_bytes, Time arrival) {
    if (first_ == no_time) {
        first_ = last_ = arrival;
    } else if (arrival > last_) {
        // An older time (merged captures, fragments) neither moves the end back nor makes a delta.
        max_delta_ = std::max(max_delta_, between(last_, arrival));
        last_ = arrival;
    }
    markers_ += marker;
    bytes_ += payload_bytes;
}

Place Receiver::on_packet(std::uint16_t sequence, std::uint32_t timestamp, bool marker,
                          std::uint32_t payload_bytes, Time arrival) {
    const Place at = place(sequence, timestamp, true, arrival);
    if (at != Place::duplicate && at != Place::stray) sample(timestamp, marker, arrival);
    arrive(marker, payload_bytes, arrival);
    return at;
}

Place Receiver::on_event_packet(std::uint16_t sequence, bool marker, std::uint32_t payload_bytes,
                                Time arrival) {
    const Place at = place(sequence, 0, false, arrival);
    arrive(marker, payload_bytes, arrival);
    return at;
}

Place Receiver::place_elsewhere(std::uint16_t sequence, std::uint32_t timestamp, bool timed,
                                Time arrival) {
    if (fresh_) {
        if (expected_ == 0) first_sequence_ = sequence;
        fresh_ = false;
        sampled_at_ = no_time;
        begin(sequence);
        ++distinct_;
        ++expected_;
        note_newest(timestamp, timed);
        return Place::first;
    }
    const auto step = static_cast<std::uint16_t>(sequence - highest_);
    if (step == 0 || step >= 0x8000)
        return place_behind(sequence, static_cast<std::uint16_t>(highest_ - sequence), timestamp,
                            timed, arrival);
    if (step >= max_dropout && !(timed && ran_on(timestamp, arrival)))
        return place_far(sequence, timestamp, timed);
    awaited_ = nothing_awaited;
    open_gap(step - 1u, arrival);
    advance(step);
    ++distinct_;
    expected_ += step;
    note_newest(timestamp, timed);
    return Place::ahead;
}

Place Receiver::place_behind(std::uint16_t sequence, std::uint32_t behind, std::uint32_t timestamp,
                             bool timed, Time arrival) {
    if (sequence == awaited_) return restart(sequence, timestamp, timed);
    if (behind >= duplicate_window) {
        // A capture read twice in a row: old packets come again under their old times.
        if (behind < span_ && arrival < last_) {
            ++duplicated_;
            return Place::duplicate;
        }
        return place_far(sequence, timestamp, timed);
    }
    // After a pause even a little step back may be a sender that begins anew.
    const bool suspect = behind != 0 && behind < span_ && between(last_, arrival) >= pause_from;
    awaited_ = nothing_awaited;
    if (seen(behind)) {
        ++duplicated_;
        if (suspect) await(sequence, Counted::duplicate);
        return Place::duplicate;
    }
    window_[behind / 64] |= std::uint64_t{1} << behind % 64;
    const bool late = is_late(timestamp, timed);
    ++distinct_;
    ++reordered_;
    late_ += late;
    if (suspect) await(sequence, late ? Counted::late : Counted::reordered);
    if (behind >= span_)
        move_base(behind - span_ + 1);
    else
        fill_gap(behind);
    return Place::reordered;
}

// RFC 3550 A.1: one packet far away says nothing; a second one in sequence says that the sender
// began anew there, and both count.
Place Receiver::place_far(std::uint16_t sequence, std::uint32_t timestamp, bool timed) {
    if (sequence == awaited_) return restart(sequence, timestamp, timed);
    await(sequence, Counted::stray);
    ++strays_;
    return Place::stray;
}

void Receiver::await(std::uint16_t sequence, Counted counted) {
    awaited_ = static_cast<std::uint16_t>(sequence + 1);
    awaited_after_ = counted;
}

Place Receiver::restart(std::uint16_t sequence, std::uint32_t timestamp, bool timed) {
    // The packet before was counted as something else than the new beginning that it was.
    switch (awaited_after_) {
        case Counted::stray:
            --strays_;
            ++distinct_;
            break;
        case Counted::duplicate:
            --duplicated_;
            ++distinct_;
            break;
        case Counted::late:
            --late_;
            --reordered_;
            break;
        case Counted::reordered:
            --reordered_;
            break;
    }
    begin(static_cast<std::uint16_t>(sequence - 1));
    advance_by_one();
    expected_ += 2;
    ++distinct_;
    if (restarts_ != 0xffff) ++restarts_;
    sampled_at_ = no_time;
    note_newest(timestamp, timed);
    return Place::restart;
}

// Starts counting at `sequence`, which has come.
void Receiver::begin(std::uint16_t sequence) {
    highest_ = sequence;
    cycles_ = 0;
    span_ = 1;
    window_ = {1};
    awaited_ = nothing_awaited;
}

// Makes the packet `steps` after the newest the newest.
void Receiver::advance(std::uint16_t steps) {
    const auto next = static_cast<std::uint16_t>(highest_ + steps);
    cycles_ = static_cast<std::uint16_t>(cycles_ + (next < highest_));
    highest_ = next;
    span_ = capped_add(span_, steps);
    shift(steps);
}

void Receiver::shift(std::uint32_t steps) {
    const std::size_t words = steps / 64, bits = steps % 64;
    for (std::size_t w = window_.size(); w-- > 0;) {
        std::uint64_t moved = 0;
        if (w >= words) {
            moved = window_[w - words] << bits;
            if (bits != 0 && w > words) moved |= window_[w - words - 1] >> (64 - bits);
        }
        window_[w] = moved;
    }
    window_[0] |= 1;
}

bool Receiver::seen(std::uint32_t behind) const {
    return (window_[behind / 64] >> behind % 64 & 1) != 0;
}

bool Receiver::is_late(std::uint32_t timestamp, bool timed) const {
    if (!timed || !highest_timed_) return false;
    const auto ticks = static_cast<std::int32_t>(highest_timestamp_ - timestamp);
    return ticks * ns_per_tick_ > static_cast<double>(late_after.count());
}

// The same over a step that is too large to be taken for loss without that proof. In less than a
// second the clock proves nothing.
bool Receiver::ran_on(std::uint32_t timestamp, Time arrival) const {
    return continuous(timestamp, arrival) && between(sampled_at_, arrival) >= pause_from;
}

// Called before expected_ counts the gap.
void Receiver::open_gap(std::uint32_t packets, Time arrival) {
    if (!gaps_) gaps_ = std::make_unique<std::vector<Gap>>();
    if (gaps_->size() < max_gaps)
        gaps_->push_back(
            {last_, std::max(between(last_, arrival), Duration{}), packets, expected_, packets});
}

// A packet that was missed has come after all.
void Receiver::fill_gap(std::uint32_t behind) {
    if (!gaps_) return;
    const std::uint64_t position = expected_ - 1 - behind;
    for (auto gap = gaps_->rbegin(); gap != gaps_->rend(); ++gap) {
        if (position < gap->position) continue;
        if (position - gap->position < gap->span && --gap->packets == 0)
            gaps_->erase(std::next(gap).base());
        return;
    }
}

// The packet that came first was not the first sent (trap 10): one has come that lies `positions`
// before the base.
void Receiver::move_base(std::uint32_t positions) {
    const std::uint64_t base = expected_ - span_;
    if (gaps_ || positions > 1) {
        if (!gaps_) gaps_ = std::make_unique<std::vector<Gap>>();
        auto at = gaps_->begin();
        while (at != gaps_->end() && at->position < base) ++at;
        for (auto gap = at; gap != gaps_->end(); ++gap) gap->position += positions;
        if (positions > 1 && gaps_->size() < max_gaps)
            gaps_->insert(at, {first_, Duration{}, positions - 1, base + 1, positions - 1});
    }
    expected_ += positions;
    span_ = capped_add(span_, positions);
}

Duration Receiver::mean_delta() const {
    const std::uint64_t n = packets();
    return n < 2 ? Duration{} : between(first_, last_) / static_cast<std::int64_t>(n - 1);
}

std::uint32_t Receiver::jitter_units() const {
    return ns_per_tick_ <= 0 ? 0
                             : static_cast<std::uint32_t>(std::min(jitter_ / ns_per_tick_, 4e9));
}

double Receiver::bitrate_kbps() const {
    if (last_ <= first_) return 0;
    return static_cast<double>(bytes_) * 8e6 / static_cast<double>(between(first_, last_).count());
}

const std::vector<Gap>& Receiver::gaps() const {
    static const std::vector<Gap> nothing;
    return gaps_ ? *gaps_ : nothing;
}

}  // namespace sipana::rtp
