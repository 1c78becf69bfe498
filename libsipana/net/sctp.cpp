#include "libsipana/net/sctp.h"

#include <algorithm>

#include "libsipana/net/keys.h"

namespace sipana::net {

namespace {

const Fault fault_header{Fate::cut_short, "sctp-header",
                         "the packet ends within the SCTP common header", "RFC 9260 3.1"};
const Fault fault_chunk{Fate::bad_header, "sctp-chunk-length",
                        "a chunk is shorter than its header or runs past the end of the packet",
                        "RFC 9260 3.2"};
const Fault fault_incomplete{Fate::held, "sctp-fragments-missing",
                             "the next fragment of this user message never came", "RFC 9260 6.9",
                             Severity::warning};
const Fault fault_headless{Fate::held, "sctp-fragments-missing",
                           "the first fragment of this user message never came", "RFC 9260 6.9",
                           Severity::warning};
const Fault fault_too_many{Fate::over_cap, "sctp-fragments",
                           "more fragments of user messages wait than are kept", "",
                           Severity::warning};

constexpr std::uint8_t chunk_data = 0, chunk_init = 1, chunk_init_ack = 2;
constexpr std::uint8_t flag_end = 1, flag_begin = 2;
constexpr std::size_t common_header = 12, chunk_header = 4, data_header = 16;
constexpr std::size_t max_pieces = 1024;  // of one direction
constexpr std::size_t piece_cost = 128;   // beside the bytes themselves
// A TSN farther than this from the highest is not of the same association.
constexpr std::int64_t max_step = 1 << 20;

}  // namespace

std::size_t SctpMessages::KeyHash::operator()(const Key& key) const {
    return seeded_hash(seed, key.src.address, key.dst.address,
                       std::uint64_t{key.src.port} << 16 | key.dst.port);
}

SctpMessages::SctpMessages(Sink& sink, Findings& findings, Accounting& accounting,
                           SctpLimits limits)
    : sink_(sink),
      findings_(findings),
      accounting_(accounting),
      limits_(limits),
      index_(64, KeyHash{seed_from(this)}) {}

Fate SctpMessages::add(Bytes packet, std::size_t absent, Datagram as, std::uint64_t byte) {
    if (packet.size() < common_header) {
        findings_.add(fault_header, as.frame, byte);
        return fault_header.fate;
    }
    as.transport = Transport::sctp;
    as.src.port = load_be16(packet.data());
    as.dst.port = load_be16(packet.data() + 2);
    Association& a = association_of({as.src, as.dst}, as.time);
    if (!a.pieces.empty()) give_up_pieces(a, as.time);

    Outcome outcome;
    std::size_t at = common_header;
    while (packet.size() - at >= chunk_header) {
        const Bytes rest = packet.subspan(at);
        const std::size_t length = load_be16(rest.data() + 2);
        if (length < chunk_header || (length > rest.size() && absent == 0)) {
            findings_.add(fault_chunk, as.frame, byte + at);
            if (outcome.nothing()) return fault_chunk.fate;
            break;
        }
        const Bytes chunk = rest.first(std::min(length, rest.size()));
        if (chunk[0] == chunk_init || chunk[0] == chunk_init_ack) {
            give_up_pieces(a);
            a.started = false;
        } else if (chunk[0] == chunk_data && chunk.size() >= data_header) {
            as.cut = chunk.size() < length;
            on_data(a, chunk, as, outcome);
        }
        at += std::min((length + 3) & ~std::size_t{3}, rest.size());
    }
    trim();
    if (outcome.delivered) return Fate::delivered;
    if (outcome.over_cap) return Fate::over_cap;
    return outcome.held ? Fate::held : Fate::delivered;
}

void SctpMessages::on_data(Association& a, Bytes chunk, Datagram& as, Outcome& outcome) {
    std::uint64_t tsn = 0;
    if (!is_new(a, load_be32(chunk.data() + 4), tsn)) return;
    const Bytes payload = chunk.subspan(data_header);
    Piece piece;
    piece.begin = chunk[1] & flag_begin;
    piece.end = chunk[1] & flag_end;
    if (piece.begin && piece.end) {
        as.payload = payload;
        ++accounting_.datagrams;
        sink_.on_datagram(as);
        outcome.delivered = true;
        return;
    }
    piece.stream = load_be16(chunk.data() + 8);
    piece.bytes.assign(payload.begin(), payload.end());
    piece.cut = as.cut;
    piece.frame = as.frame;
    piece.time = as.time;
    if (a.pieces.size() >= max_pieces) {
        findings_.add(fault_too_many, as.frame, 0);
        give_up_pieces(a);
        outcome.over_cap = true;
    }
    held_bytes_ += piece.bytes.size() + piece_cost;
    a.pieces.emplace(tsn, std::move(piece));
    if (deliver_around(a, tsn, as))
        outcome.delivered = true;
    else
        outcome.held = true;
}

SctpMessages::Association& SctpMessages::association_of(const Key& key, Time now) {
    if (const auto at = index_.find(key); at != index_.end()) {
        Association& a = *at->second;
        if (now >= after(a.last, limits_.idle)) {
            give_up_pieces(a);
            a.started = false;
        }
        a.last = now;
        associations_.splice(associations_.end(), associations_, at->second);
        return a;
    }
    if (associations_.size() >= limits_.associations) remove_oldest();
    const auto added = associations_.emplace(associations_.end());
    added->key = key;
    added->last = now;
    index_.emplace(key, added);
    return *added;
}

// Whether the TSN was not seen yet; extends it to 64 bits.
bool SctpMessages::is_new(Association& a, std::uint32_t tsn, std::uint64_t& extended) {
    const auto step = static_cast<std::int64_t>(
        static_cast<std::int32_t>(tsn - static_cast<std::uint32_t>(a.highest)));
    if (!a.started || step > max_step || step < -max_step) {
        give_up_pieces(a);
        a.started = true;
        a.highest = std::uint64_t{1} << 32 | tsn;
        a.seen.reset();
    } else if (step > 0) {
        a.seen <<= static_cast<std::size_t>(step);  // all of them gone where it is large
        a.highest += static_cast<std::uint64_t>(step);
    } else {
        const auto behind = static_cast<std::size_t>(-step);
        if (behind >= window || a.seen[behind]) return false;
        a.seen[behind] = true;
        extended = a.highest - behind;
        return true;
    }
    a.seen[0] = true;
    extended = a.highest;
    return true;
}

// A message is a run of TSNs from one that begins to one that ends, in one stream.
bool SctpMessages::deliver_around(Association& a, std::uint64_t tsn, Datagram& as) {
    auto first = a.pieces.find(tsn);
    const std::uint16_t stream = first->second.stream;
    auto last = first;
    while (!first->second.begin) {
        if (first == a.pieces.begin()) return false;
        const auto before = std::prev(first);
        if (before->first + 1 != first->first || before->second.stream != stream ||
            before->second.end)
            return false;
        first = before;
    }
    while (!last->second.end) {
        const auto next = std::next(last);
        if (next == a.pieces.end() || next->first != last->first + 1 ||
            next->second.stream != stream || next->second.begin)
            return false;
        last = next;
    }
    as.cut = false;
    hand_on(a, first, std::next(last), as);
    return true;
}

// The fragments [first, end) as one message, or the beginning of one where `as` is cut.
void SctpMessages::hand_on(Association& a, Pieces::iterator first, Pieces::iterator end,
                           Datagram& as) {
    message_.clear();
    bool full = false;
    for (auto at = first; at != end; at = erase_piece(a, at)) {
        if (full || message_.size() + at->second.bytes.size() > limits_.message) {
            full = as.cut = true;
            continue;
        }
        message_.insert(message_.end(), at->second.bytes.begin(), at->second.bytes.end());
        full = at->second.cut;
        as.cut = as.cut || full;
    }
    Datagram whole = as;
    whole.stable = false;
    whole.payload = message_;
    ++accounting_.datagrams;
    sink_.on_datagram(whole);
}

// What has waited too long for its other fragments.
void SctpMessages::give_up_pieces(Association& a, Time now) {
    for (auto first = a.pieces.begin(); first != a.pieces.end();) {
        auto end = std::next(first);
        while (end != a.pieces.end() && end->first == std::prev(end)->first + 1 &&
               end->second.stream == first->second.stream && !end->second.begin &&
               !std::prev(end)->second.end)
            ++end;
        const Piece& piece = first->second;
        if (now >= after(piece.time, limits_.wait)) {
            findings_.add(piece.begin ? fault_incomplete : fault_headless, piece.frame, 0);
            if (piece.begin) {
                Datagram as;
                as.frame = piece.frame;
                as.time = piece.time;
                as.src = a.key.src;
                as.dst = a.key.dst;
                as.transport = Transport::sctp;
                as.cut = true;
                hand_on(a, first, end, as);
            } else {
                while (first != end) first = erase_piece(a, first);
            }
        }
        first = end;
    }
}

void SctpMessages::finish() {
    while (!associations_.empty()) remove_oldest();
}

SctpMessages::Pieces::iterator SctpMessages::erase_piece(Association& a, Pieces::iterator at) {
    held_bytes_ -= at->second.bytes.size() + piece_cost;
    return a.pieces.erase(at);
}

void SctpMessages::remove_oldest() {
    Association& a = associations_.front();
    give_up_pieces(a);
    index_.erase(a.key);
    associations_.pop_front();
}

void SctpMessages::trim() {
    while (held_bytes_ > limits_.held_bytes && !associations_.empty()) remove_oldest();
}

}  // namespace sipana::net
