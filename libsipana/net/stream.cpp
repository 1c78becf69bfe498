#include "libsipana/net/stream.h"

#include <algorithm>

#include "libsipana/net/encoder.h"
#include "libsipana/net/keys.h"

namespace sipana::net {

namespace {

const Fault fault_stray{Fate::bad_header, "tcp-sequence",
                        "the sequence number is far out of the window; the segment is left out",
                        "RFC 9293 3.4", Severity::warning};

// The largest window (RFC 7323 2.3), and how far back a repetition may lie.
constexpr std::int64_t max_ahead = std::int64_t{1} << 30;
constexpr std::int64_t max_behind = std::int64_t{1} << 26;
// Around the start of a direction: what may be the same flight of segments.
constexpr std::int64_t start_reach = 1 << 20;
// How often idle connections are looked for: they may live that much longer.
constexpr Duration sweep_period = std::chrono::seconds{10};
constexpr std::size_t held_cost = 128;  // beside the bytes themselves

constexpr std::uint64_t first_position(std::uint32_t seq) { return std::uint64_t{1} << 32 | seq; }

// How far `seq` lies from `position`, across the wrap of the 32 bits (RFC 9293 3.4).
std::int64_t distance(std::uint64_t position, std::uint32_t seq) {
    return static_cast<std::int32_t>(seq - static_cast<std::uint32_t>(position));
}
std::uint64_t extend(std::uint64_t position, std::uint32_t seq) {
    return position + static_cast<std::uint64_t>(distance(position, seq));
}

std::size_t announced(const Segment& s) { return s.payload.size() + s.absent; }

}  // namespace

std::size_t Streams::KeyHash::operator()(const Key& key) const {
    return seeded_hash(seed, key.low.address, key.high.address,
                       std::uint64_t{key.low.port} << 16 | key.high.port);
}

Streams::Streams(Sink& sink, Findings& findings, Accounting& accounting, StreamLimits limits)
    : sink_(sink),
      findings_(findings),
      accounting_(accounting),
      limits_(limits),
      index_(64, KeyHash{seed_from(this)}) {}

Fate Streams::add(const Segment& s) {
    const bool syn = s.flags & tcp_syn, fin = s.flags & tcp_fin, rst = s.flags & tcp_rst;
    const auto connection = connection_of(s, !rst && (!fin || announced(s) != 0));
    if (connection == live_.end()) return Fate::delivered;
    const bool towards_high = connection->key.low == s.src;
    Direction& d = connection->directions[towards_high];
    d.last_frame = s.frame;
    connection->last = s.time;

    Fate fate = Fate::delivered;
    if (rst) {
        fate = on_reset(d, s);
    } else {
        if (syn) on_syn(d, s);
        if (s.flags & tcp_ack) on_ack(connection->directions[!towards_high], s.ack);
        const std::uint32_t seq = s.seq + (syn ? 1 : 0);
        if (announced(s) != 0)
            fate = on_payload(d, s, seq);
        else if (!d.started && d.held.empty() && !fin)
            d.hint = seq;
        if (fin) on_fin(d, s, seq);
    }
    file(connection);
    return fate;
}

// The connection of the segment; live_.end() where there is none and none is to be created.
Streams::Connections::iterator Streams::connection_of(const Segment& s, bool create) {
    const bool ordered = s.src < s.dst;
    const Key key{ordered ? s.src : s.dst, ordered ? s.dst : s.src};
    if (const auto at = index_.find(key); at != index_.end()) return at->second;
    if (!create) return live_.end();
    while (index_.size() >= limits_.connections && !index_.empty()) {
        Connections& from = closed_.empty() ? live_ : closed_;
        remove(from, from.begin());
    }
    const auto added = live_.emplace(live_.end());
    added->key = key;
    open(*added, false);
    open(*added, true);
    index_.emplace(key, added);
    if (sweep_ == Time::max()) sweep_ = after(s.time, sweep_period);
    return added;
}

void Streams::on_syn(Direction& d, const Segment& s) {
    const std::uint32_t start = s.seq + 1;
    if (!d.started && !d.closed) {
        const Position anchor = d.held.empty() ? first_position(start) : d.held.front().begin;
        const std::int64_t behind = -distance(anchor, start);
        if (behind >= 0 && behind <= start_reach) {  // segments may have overtaken it
            d.from_start = true;
            start_at(d, extend(anchor, start));
            drain(d, s.frame, s.time);
            return;
        }
    } else {
        const std::int64_t behind = -distance(d.first, start);
        if (behind == 0) return;                                           // repeated
        if (!d.from_start && behind > 0 && behind <= start_reach) return;  // late
    }
    // The same addresses and ports for a new connection.
    Connection& connection = *d.connection;
    const std::uint64_t frame = d.last_frame;
    for (Direction& each : connection.directions) reopen(each);
    Direction& fresh = connection.directions[d.towards_high];
    fresh.last_frame = frame;
    fresh.from_start = true;
    start_at(fresh, first_position(start));
}

void Streams::on_ack(Direction& d, std::uint32_t ack) {
    if (d.closed) return;
    if (!d.started && d.held.empty()) {
        d.hint = ack;
        return;
    }
    const std::int64_t ahead = distance(d.next, ack);
    if (ahead > max_ahead || ahead < -max_behind) return;
    const Position position = extend(d.next, ack);
    if (!d.acked || position > *d.acked) d.acked = position;
    if (d.started) return;
    // What the peer has, or waits for, tells where the first bytes belong.
    const Position front = d.held.front().begin;
    if (position + 1 >= front) {
        release_start(d);
    } else if (front - position <= start_reach) {
        const Time since = d.held.front().time;
        start_at(d, position);
        await(d, since, limits_.hole);
    }
}

Fate Streams::on_reset(Direction& d, const Segment& s) {
    if (d.started && !d.closed) {
        const std::int64_t ahead = distance(d.next, s.seq);
        if (ahead > max_ahead || ahead < -max_behind) return Fate::delivered;  // not of this one
    }
    for (Direction& each : d.connection->directions) {
        each.last_frame = s.frame;
        flush(each);
    }
    return Fate::delivered;
}

Fate Streams::on_payload(Direction& d, const Segment& s, std::uint32_t seq) {
    if (d.closed) {
        const std::int64_t from_end = distance(d.next, seq);
        if (from_end + static_cast<std::int64_t>(announced(s)) <= 0 && from_end > -max_behind) {
            ++accounting_.retransmitted_segments;
            return Fate::delivered;
        }
        reopen(d);  // the SYN of a new connection was not captured
        d.last_frame = s.frame;
    }
    if (!d.started) return on_first_payload(d, s, seq);
    const std::int64_t ahead = distance(d.next, seq);
    if (ahead > max_ahead || ahead < -max_behind) return on_stray(d, s, seq);
    d.stray.reset();
    return place(d, s, extend(d.next, seq));
}

// The first bytes of a direction whose SYN was not captured.
Fate Streams::on_first_payload(Direction& d, const Segment& s, std::uint32_t seq) {
    if (d.held.empty()) {
        if (announced(s) == 1 && (!d.hint || *d.hint == seq + 1)) {
            d.hint = seq + 1;  // a keep-alive repeats a byte (RFC 9293 3.8.4)
            return Fate::delivered;
        }
        d.next = first_position(seq);
        if (d.hint) {
            const std::int64_t ahead = -distance(d.next, *d.hint);
            if (ahead > -start_reach && ahead <= start_reach) {
                start_at(d, ahead > 1 ? extend(d.next, *d.hint) : d.next);
                return place(d, s, first_position(seq));
            }
        }
    }
    const std::int64_t ahead = distance(d.next, seq);
    if (ahead > start_reach || ahead < -start_reach) {
        release_start(d);
        return on_payload(d, s, seq);
    }
    const Position begin = extend(d.next, seq);
    d.next = std::min(d.next, begin);
    if (!hold(d, s, begin)) {
        ++accounting_.retransmitted_segments;
        return Fate::delivered;
    }
    if (!d.wait) await(d, s.time, limits_.start);
    if (d.held.size() >= limits_.start_segments) release_start(d);
    keep_caps(d);
    return d.held.empty() ? Fate::delivered : Fate::held;
}

// Far out of the window: damaged or forged, unless the next one goes on from it.
Fate Streams::on_stray(Direction& d, const Segment& s, std::uint32_t seq) {
    const std::int64_t from_last = d.stray ? distance(*d.stray, seq) : max_ahead;
    if (from_last > start_reach || from_last < -start_reach) {
        d.stray = static_cast<std::uint32_t>(seq + announced(s));
        findings_.add(fault_stray, s.frame, 0);
        return Fate::bad_header;
    }
    reopen(d);
    d.last_frame = s.frame;
    return on_first_payload(d, s, seq);
}

Fate Streams::place(Direction& d, const Segment& s, Position begin) {
    const Position end = begin + announced(s);
    if (end <= d.next) {
        const bool keep_alive = announced(s) == 1 && end == d.next;
        if (!keep_alive) ++accounting_.retransmitted_segments;
        return Fate::delivered;
    }
    if (begin > d.next) {
        if (!hold(d, s, begin)) {
            ++accounting_.retransmitted_segments;
            return Fate::delivered;
        }
        if (!d.wait) await(d, s.time, limits_.hole);
        const bool acknowledged = d.acked && *d.acked >= d.held.front().begin;
        if (acknowledged && ++d.after_ack >= limits_.after_ack) give_up_hole(d);
        keep_caps(d);
        return d.held.empty() ? Fate::delivered : Fate::held;
    }
    // Up to what waits, that, and again: the bytes that came first stay.
    while (d.next < end && !d.closed) {
        const Position until = d.held.empty() ? end : std::min(end, d.held.front().begin);
        advance(d, s.payload, begin, until, s.frame, s.time);
        drain(d, s.frame, s.time);
    }
    return Fate::delivered;
}

// Hands on the bytes [next, until) of `bytes`, which begin at `begin`; those that are not there,
// cut off by the snap length, are missing.
void Streams::advance(Direction& d, Bytes bytes, Position begin, Position until,
                      std::uint64_t frame, Time time) {
    const auto from = static_cast<std::size_t>(std::min<Position>(d.next - begin, bytes.size()));
    const auto to = static_cast<std::size_t>(std::min<Position>(until - begin, bytes.size()));
    d.next += to - from;
    if (to > from) emit(d, bytes.subspan(from, to - from), frame, time, false);
    d.missing += until - d.next;
    d.next = until;
}

void Streams::on_fin(Direction& d, const Segment& s, std::uint32_t seq) {
    if (d.closed) return;
    if (!d.started && d.held.empty()) {
        d.next = first_position(seq);
        d.closed = true;
        return;
    }
    const std::int64_t ahead = distance(d.next, seq);
    if (ahead > max_ahead || ahead < -max_behind) return;
    if (!d.fin) d.fin = extend(d.next, seq) + announced(s);
    if (d.started && d.next >= *d.fin)
        close(d, s.frame, s.time);
    else if (!d.wait)
        await(d, s.time, limits_.hole);
}

// Keeps those bytes that are not held yet; false where all are.
bool Streams::hold(Direction& d, const Segment& s, Position begin) {
    const Position end = begin + announced(s);
    const auto after_begin = [begin](const Held& held) { return held.end() <= begin; };
    auto at = static_cast<std::size_t>(
        std::partition_point(d.held.begin(), d.held.end(), after_begin) - d.held.begin());
    bool any = false;
    for (Position from = begin; from < end;) {
        const bool more = at < d.held.size() && d.held[at].begin < end;
        const Position until = more ? d.held[at].begin : end;
        if (until > from) {
            keep(d, at++, s, begin, from, until);
            any = true;
        }
        if (!more) break;
        from = std::max(from, d.held[at++].end());
    }
    return any;
}

// Copies the bytes [from, until) of the segment that begins at `begin`.
void Streams::keep(Direction& d, std::size_t at, const Segment& s, Position begin, Position from,
                   Position until) {
    const std::size_t size = s.payload.size();
    const auto first = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(from - begin, size));
    const auto last = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(until - begin, size));
    Held held;
    held.begin = from;
    held.bytes.assign(s.payload.begin() + first, s.payload.begin() + last);
    held.absent = static_cast<std::size_t>(until - from) - held.bytes.size();
    held.frame = s.frame;
    held.time = s.time;
    d.held_bytes += held.bytes.size() + held_cost;
    held_bytes_ += held.bytes.size() + held_cost;
    d.held.insert(d.held.begin() + static_cast<std::ptrdiff_t>(at), std::move(held));
}

void Streams::release_start(Direction& d) {
    start_at(d, d.held.front().begin);
    drain(d, 0, Time::min());
}

void Streams::give_up_hole(Direction& d) {
    if (!d.held.empty()) {
        d.missing += d.held.front().begin - d.next;
        d.next = d.held.front().begin;
        drain(d, 0, Time::min());
    } else if (d.fin) {
        d.missing += *d.fin - std::min(*d.fin, d.next);
        d.next = std::max(*d.fin, d.next);
        close(d, d.last_frame, d.connection->last);
    } else {
        cancel_wait(d);
    }
}

void Streams::give_up(Direction& d) {
    if (d.started || d.held.empty())
        give_up_hole(d);
    else
        release_start(d);
}

// Hands on what the arrival of `frame` has made readable; the latest arrival counts.
void Streams::drain(Direction& d, std::uint64_t frame, Time time) {
    std::size_t drained = 0;
    while (drained < d.held.size() && d.held[drained].begin <= d.next) {
        const Held& held = d.held[drained++];
        d.held_bytes -= held.bytes.size() + held_cost;
        held_bytes_ -= held.bytes.size() + held_cost;
        frame = std::max(frame, held.frame);
        time = std::max(time, held.time);
        if (held.end() <= d.next) continue;
        advance(d, held.bytes, held.begin, held.end(), frame, time);
    }
    d.held.erase(d.held.begin(), d.held.begin() + static_cast<std::ptrdiff_t>(drained));
    if (drained != 0 || d.held.empty()) {
        d.after_ack = 0;
        cancel_wait(d);
    }
    if (d.fin && d.next >= *d.fin)
        close(d, frame, time);
    else if (!d.held.empty() && !d.wait)
        await(d, d.held.front().time, limits_.hole);
    else if (d.fin && !d.wait)
        await(d, d.connection->last, limits_.hole);
}

void Streams::keep_caps(Direction& d) {
    while (d.held_bytes > limits_.held_bytes_a_direction ||
           d.held.size() > limits_.held_segments_a_direction)
        give_up(d);
    while (held_bytes_ > limits_.held_bytes && !waits_.empty()) give_up(*waits_.begin()->second);
}

void Streams::await(Direction& d, Time since, Duration duration) {
    cancel_wait(d);
    d.wait = Wait{after(since, duration), next_wait_++};
    waits_.emplace(*d.wait, &d);
}

void Streams::cancel_wait(Direction& d) {
    if (!d.wait) return;
    waits_.erase(*d.wait);
    d.wait.reset();
}

void Streams::open(Connection& connection, bool towards_high) {
    Direction& d = connection.directions[towards_high];
    d = Direction{};
    d.connection = &connection;
    d.towards_high = towards_high;
    d.id = next_id_++;
}

void Streams::reopen(Direction& d) {
    flush(d);
    cancel_wait(d);
    open(*d.connection, d.towards_high);
}

void Streams::start_at(Direction& d, Position position) {
    d.started = true;
    d.first = d.next = position;
    cancel_wait(d);
}

void Streams::emit(Direction& d, Bytes bytes, std::uint64_t frame, Time time, bool last) {
    const Key& key = d.connection->key;
    Chunk chunk;
    chunk.connection = d.id;
    chunk.frame = frame;
    chunk.time = time;
    chunk.src = d.towards_high ? key.low : key.high;
    chunk.dst = d.towards_high ? key.high : key.low;
    chunk.missing = d.missing;
    chunk.first = !d.any;
    chunk.from_start = !d.any && d.from_start;
    chunk.last = last;
    chunk.bytes = bytes;
    accounting_.missing_bytes += d.missing;
    ++accounting_.chunks;
    d.missing = 0;
    d.any = true;
    sink_.on_chunk(chunk);
}

// After the last byte. A direction that never gave anything has nothing to end.
void Streams::close(Direction& d, std::uint64_t frame, Time time) {
    if (d.any || d.missing != 0) emit(d, {}, frame, time, true);
    d.closed = true;
    held_bytes_ -= d.held_bytes;
    d.held_bytes = 0;
    d.held = {};
    cancel_wait(d);
}

// Hands on all that waits, and closes.
void Streams::flush(Direction& d) {
    if (d.closed) return;
    if (!d.started && !d.held.empty()) release_start(d);
    while (!d.held.empty() && !d.closed) give_up_hole(d);
    if (d.closed) return;
    // Bytes before the FIN, or acknowledged by the peer, were never captured. Where no FIN was
    // seen, the last number acknowledged may be one's.
    Position end = d.next;
    if (d.fin)
        end = *d.fin;
    else if (d.acked && *d.acked > d.next + 1)
        end = *d.acked;
    if (d.started && end > d.next) {
        d.missing += end - d.next;
        d.next = end;
    }
    close(d, d.last_frame, d.connection->last);
}

// Puts the connection at the end of the list that it belongs in.
void Streams::file(Connections::iterator at) {
    const bool over = at->directions[0].closed && at->directions[1].closed;
    Connections& from = at->in_closed ? closed_ : live_;
    Connections& to = over ? closed_ : live_;
    at->in_closed = over;
    to.splice(to.end(), from, at);
}

void Streams::remove(Connections& from, Connections::iterator at) {
    for (Direction& d : at->directions) {
        flush(d);
        cancel_wait(d);
    }
    index_.erase(at->key);
    from.erase(at);
}

void Streams::expire(Time now) {
    while (!waits_.empty() && waits_.begin()->first.first <= now) give_up(*waits_.begin()->second);
    if (now < sweep_) return;
    while (!closed_.empty() && now >= after(closed_.front().last, limits_.closed))
        remove(closed_, closed_.begin());
    while (!live_.empty() && now >= after(live_.front().last, limits_.idle))
        remove(live_, live_.begin());
    sweep_ = index_.empty() ? Time::max() : after(now, sweep_period);
}

void Streams::finish() {
    while (!waits_.empty()) give_up(*waits_.begin()->second);
    while (!live_.empty()) remove(live_, live_.begin());
    while (!closed_.empty()) remove(closed_, closed_.begin());
    sweep_ = Time::max();
}

Time Streams::deadline() const {
    return waits_.empty() ? sweep_ : std::min(sweep_, waits_.begin()->first.first);
}

}  // namespace sipana::net
