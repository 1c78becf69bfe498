#include "libsipana/net/fragments.h"

#include <algorithm>

#include "libsipana/net/keys.h"

namespace sipana::net {

namespace {

const Fault fault_length{Fate::bad_header, "ip-fragment-length",
                         "a fragment is empty, or not the last and no multiple of eight bytes long",
                         "RFC 791 3.2"};
const Fault fault_past_end{Fate::bad_header, "ip-fragment-end",
                           "a fragment reaches past 65535 bytes or past the last fragment",
                           "RFC 791 3.2"};
const Fault fault_overlap_v4{Fate::held, "ip-fragment-overlap",
                             "fragments overlap; the bytes that came first are kept", "RFC 791 3.2",
                             Severity::warning};
const Fault fault_overlap_v6{Fate::bad_header, "ip-fragment-overlap",
                             "fragments overlap; the datagram is dropped", "RFC 5722 4"};
const Fault fault_incomplete{Fate::held, "ip-fragments-missing",
                             "later fragments of this datagram never came", "RFC 791 3.2",
                             Severity::warning};
const Fault fault_headless{Fate::held, "ip-fragments-missing",
                           "the first fragment of this datagram never came", "RFC 791 3.2",
                           Severity::warning};

constexpr std::size_t entry_cost = 256, piece_cost = 80;  // beside the bytes themselves

}  // namespace

std::size_t Fragments::KeyHash::operator()(const Key& key) const {
    return seeded_hash(seed, key.src, key.dst, std::uint64_t{key.id} << 16 | key.protocol);
}

Fragments::Fragments(Findings& findings, Accounting& accounting, FragmentLimits limits)
    : findings_(findings),
      accounting_(accounting),
      limits_(limits),
      index_(64, KeyHash{seed_from(this)}) {}

Fate Fragments::add(const Fragment& f, std::optional<Whole>& whole) {
    whole.reset();
    ++accounting_.fragments;
    const std::size_t announced = f.bytes.size() + f.absent;
    const auto refuse = [&](const Fault& fault) {
        findings_.add(fault, f.frame, f.byte);
        return fault.fate;
    };
    if (announced == 0 || (f.more && announced % 8 != 0)) return refuse(fault_length);
    if (f.offset + announced > 65535) return refuse(fault_past_end);

    const std::size_t cost = f.bytes.size() + piece_cost + entry_cost;
    while (bytes_ + cost > limits_.bytes && !index_.empty()) {
        if (!complete_.empty())
            remove(complete_, complete_.begin());
        else
            give_up(waiting_.begin());
    }
    const Key key{f.src, f.dst, f.id,
                  f.v6 ? std::uint16_t{0} : static_cast<std::uint16_t>(0x100 | f.protocol)};
    const auto found = entry_of(key, f);
    Entry& entry = *found;
    if (entry.complete) return Fate::delivered;  // repeats a part of what was handed on
    ++entry.fragments;
    if (entry.dropped) return Fate::bad_header;
    const auto end = static_cast<std::uint32_t>(f.offset + announced);
    const bool past = entry.end && (end > *entry.end || (f.more && end == *entry.end));
    const bool contradicts = !f.more && ((entry.end && *entry.end != end) ||
                                         (!entry.pieces.empty() && entry.pieces.back().end > end));
    if (past || contradicts) return refuse(fault_past_end);
    if (entry.pieces.size() >= limits_.pieces) return Fate::over_cap;

    bool overlaps = false;
    const Fate fate = insert(entry, f, overlaps);
    if (overlaps) {
        findings_.add(f.v6 ? fault_overlap_v6 : fault_overlap_v4, f.frame, f.byte);
        if (f.v6) {
            entry.dropped = true;
            release_bytes(entry);
            return Fate::bad_header;
        }
    }
    if (!f.more) entry.end = end;
    if (f.offset == 0 && fate == Fate::held) {
        entry.protocol = f.protocol;
        entry.dscp = f.dscp;
        entry.frame = f.frame;
        entry.time = f.time;
    }
    if (!is_complete(entry)) return fate;
    whole = put_together(entry);
    whole->frame = f.frame;
    whole->time = f.time;
    entry.complete = true;
    entry.began = f.time;
    complete_.splice(complete_.end(), waiting_, found);
    return Fate::delivered;
}

// The entry that the fragment belongs to; a new one where it begins a datagram, also where the
// identification of a complete one is used again.
Fragments::Entries::iterator Fragments::entry_of(const Key& key, const Fragment& f) {
    if (const auto at = index_.find(key); at != index_.end()) {
        Entry& entry = *at->second;
        if (!entry.complete) return at->second;
        if (repeats(entry, f)) return at->second;
        remove(complete_, at->second);
    }
    if (waiting_.size() >= limits_.datagrams) give_up(waiting_.begin());
    if (complete_.size() >= limits_.datagrams) remove(complete_, complete_.begin());
    Entry entry;
    entry.key = key;
    entry.frame = f.frame;
    entry.began = entry.time = f.time;
    entry.protocol = f.protocol;
    entry.dscp = f.dscp;
    entry.bytes = entry_cost;
    bytes_ += entry_cost;
    const auto added = waiting_.insert(waiting_.end(), std::move(entry));
    index_.emplace(key, added);
    return added;
}

// Whether a complete datagram has all bytes of the fragment, however it was cut into fragments.
bool Fragments::repeats(const Entry& entry, const Fragment& f) const {
    const std::size_t end = f.offset + f.bytes.size();
    if (end + f.absent > *entry.end) return false;
    return std::all_of(entry.pieces.begin(), entry.pieces.end(), [&](const Piece& piece) {
        const std::size_t from = std::max<std::size_t>(f.offset, piece.begin);
        const std::size_t to = std::min(end, piece.begin + piece.bytes.size());
        return from >= to ||
               std::ranges::equal(Bytes(piece.bytes).subspan(from - piece.begin, to - from),
                                  f.bytes.subspan(from - f.offset, to - from));
    });
}

// Keeps what of the fragment is not there yet.
Fate Fragments::insert(Entry& entry, const Fragment& f, bool& overlaps) {
    auto& pieces = entry.pieces;
    const auto end = static_cast<std::uint32_t>(f.offset + f.bytes.size() + f.absent);
    std::uint32_t at = f.offset;
    auto next = std::partition_point(pieces.begin(), pieces.end(),
                                     [&](const Piece& p) { return p.end <= f.offset; });
    if (next != pieces.end() && next->begin == f.offset && next->end == end &&
        std::ranges::equal(Bytes(next->bytes), f.bytes))
        return Fate::delivered;  // repeats it
    while (at < end) {
        const bool more = next != pieces.end() && next->begin < end;
        if (more) overlaps = true;
        const std::uint32_t until = more ? next->begin : end;
        if (until > at) {
            Piece piece;
            piece.begin = at;
            piece.end = until;
            const std::size_t from = std::min<std::size_t>(at - f.offset, f.bytes.size());
            const std::size_t to = std::min<std::size_t>(until - f.offset, f.bytes.size());
            piece.bytes.assign(f.bytes.begin() + static_cast<std::ptrdiff_t>(from),
                               f.bytes.begin() + static_cast<std::ptrdiff_t>(to));
            const std::size_t cost = piece.bytes.size() + piece_cost;
            entry.bytes += cost;
            bytes_ += cost;
            next = std::next(pieces.insert(next, std::move(piece)));
        }
        if (!more) break;
        at = std::max(at, next->end);
        ++next;
    }
    return Fate::held;
}

bool Fragments::is_complete(const Entry& entry) const {
    if (!entry.end) return false;
    std::uint32_t at = 0;
    for (const Piece& piece : entry.pieces) {
        if (piece.begin != at) return false;
        at = piece.end;
    }
    return at == *entry.end;
}

// From the beginning up to the first byte that is not there.
Whole Fragments::put_together(const Entry& entry) const {
    Whole whole;
    whole.src = entry.key.src;
    whole.dst = entry.key.dst;
    whole.protocol = entry.protocol;
    whole.dscp = entry.dscp;
    whole.frame = entry.frame;
    whole.time = entry.time;
    for (const Piece& piece : entry.pieces) {
        if (piece.begin != whole.payload.size()) break;
        whole.payload.insert(whole.payload.end(), piece.bytes.begin(), piece.bytes.end());
    }
    // Where the last fragment never came, the end may be anywhere.
    const std::size_t announced = entry.end.value_or(65535);
    whole.absent = announced - whole.payload.size();
    return whole;
}

void Fragments::release_bytes(Entry& entry) {
    bytes_ -= entry.bytes - entry_cost;
    entry.bytes = entry_cost;
    entry.pieces = {};
}

void Fragments::remove(Entries& from, Entries::iterator at) {
    bytes_ -= at->bytes;
    index_.erase(at->key);
    from.erase(at);
}

void Fragments::give_up(Entries::iterator at) {
    accounting_.fragments_expired += at->fragments;
    if (!at->pieces.empty()) {
        const bool headless = at->pieces.front().begin != 0;
        findings_.add(headless ? fault_headless : fault_incomplete, at->frame, 0);
        if (!headless) abandoned_.push_back(put_together(*at));
    }
    remove(waiting_, at);
}

void Fragments::expire(Time now) {
    while (!waiting_.empty() && now >= after(waiting_.front().began, limits_.age))
        give_up(waiting_.begin());
    while (!complete_.empty() && now >= after(complete_.front().began, limits_.memory))
        remove(complete_, complete_.begin());
}

void Fragments::finish() {
    while (!waiting_.empty()) give_up(waiting_.begin());
    while (!complete_.empty()) remove(complete_, complete_.begin());
}

std::optional<Whole> Fragments::take_abandoned() {
    if (abandoned_.empty()) return std::nullopt;
    std::optional<Whole> whole = std::move(abandoned_.front());
    abandoned_.pop_front();
    return whole;
}

Time Fragments::deadline() const {
    Time first = Time::max();
    if (!waiting_.empty()) first = after(waiting_.front().began, limits_.age);
    if (!complete_.empty()) first = std::min(first, after(complete_.front().began, limits_.memory));
    return first;
}

}  // namespace sipana::net
