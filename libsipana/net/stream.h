// Streams: the bytes of TCP connections, in order, once, and with what is missing declared (RFC
// 9293).
//
// Each direction is followed by itself. Bytes in order are handed on where they lie; a segment
// ahead of its turn is copied and waits for the hole before it to be filled. A hole is given up,
// and the bytes behind it are handed on with Chunk::missing set, when
//  - it is `hole` old (capture time), or a cap on what waits is reached;
//  - the peer has acknowledged it and `after_ack` more segments have come: the peer has it, so no
//    retransmission will bring it;
//  - the connection ends.
// Where bytes overlap, those that came first stay. A direction whose SYN was not captured starts at
// what the peer acknowledged or, where that is unknown, at the lowest of its first segments, once a
// short wait has shown that none below is on its way.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/endpoint.h"
#include "libsipana/base/time.h"
#include "libsipana/net/findings.h"

namespace sipana::net {

struct StreamLimits {
    std::size_t connections = 65536;
    std::size_t held_bytes = 64u << 20;  // of all directions, with what keeping them takes
    std::size_t held_bytes_a_direction = 1u << 20;
    std::size_t held_segments_a_direction = 1024;
    Duration hole = std::chrono::seconds{2};
    unsigned after_ack = 3;
    Duration start = std::chrono::milliseconds{200};  // wait at a start without a SYN
    std::size_t start_segments = 3;                   // or so many segments
    Duration idle = std::chrono::hours{1};
    Duration closed = std::chrono::seconds{60};  // kept after the end, for late repetitions
};

struct Segment {
    Endpoint src, dst;
    std::uint32_t seq = 0, ack = 0;
    std::uint8_t flags = 0;  // as in the header
    Bytes payload;
    std::size_t absent = 0;  // bytes at the end of the payload that the snap length cut off
    std::uint64_t frame = 0;
    Time time{};
};

class Streams {
public:
    Streams(Sink& sink, Findings& findings, Accounting& accounting, StreamLimits limits = {});

    Fate add(const Segment& segment);
    void expire(Time now);
    void finish();

    Time deadline() const;  // when expire() has something to do; Time::max() where never
    std::size_t connections() const { return index_.size(); }
    std::size_t held_bytes() const { return held_bytes_; }

private:
    // Positions are sequence numbers extended to 64 bits: the low half is the number itself.
    using Position = std::uint64_t;
    using Wait = std::pair<Time, std::uint64_t>;  // deadline, and a number to tell them apart

    struct Held {
        Position begin = 0;
        Buffer bytes;
        std::size_t absent = 0;
        std::uint64_t frame = 0;
        Time time{};
        Position end() const { return begin + bytes.size() + absent; }
    };
    struct Connection;
    struct Direction {
        Connection* connection = nullptr;
        bool towards_high = false;  // from the lower endpoint to the higher
        std::uint64_t id = 0;
        bool started = false;     // `next` is sure
        bool from_start = false;  // by a SYN
        bool any = false;         // a chunk was handed on
        bool closed = false;
        Position first = 0;                 // where it started
        Position next = 0;                  // of the next byte to hand on; a guess until started
        std::optional<Position> acked;      // by the peer
        std::optional<std::uint32_t> hint;  // where it should start, from an ACK seen before
        std::optional<Position> fin;
        std::uint64_t missing = 0;  // to be declared with the next chunk
        std::vector<Held> held;     // by begin, not overlapping
        std::size_t held_bytes = 0;
        unsigned after_ack = 0;
        std::optional<std::uint32_t> stray;  // end of a segment far out of the window
        std::optional<Wait> wait;            // its place in waits_
        std::uint64_t last_frame = 0;
    };
    struct Key {
        Endpoint low, high;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::uint64_t seed;
        std::size_t operator()(const Key& key) const;
    };
    struct Connection {
        Key key;
        std::array<Direction, 2> directions;  // [1] is towards_high
        Time last{};
        bool in_closed = false;  // which list it is in
    };
    using Connections = std::list<Connection>;

    // What a segment does to its direction, and to its peer's.
    Connections::iterator connection_of(const Segment& segment, bool create);
    void on_syn(Direction& d, const Segment& segment);
    void on_ack(Direction& d, std::uint32_t ack);
    Fate on_reset(Direction& d, const Segment& segment);
    Fate on_payload(Direction& d, const Segment& segment, std::uint32_t seq);
    Fate on_first_payload(Direction& d, const Segment& segment, std::uint32_t seq);
    Fate on_stray(Direction& d, const Segment& segment, std::uint32_t seq);
    void on_fin(Direction& d, const Segment& segment, std::uint32_t seq);
    Fate place(Direction& d, const Segment& segment, Position begin);
    void advance(Direction& d, Bytes bytes, Position begin, Position until, std::uint64_t frame,
                 Time time);

    // What waits: segments ahead of their turn.
    bool hold(Direction& d, const Segment& segment, Position begin);
    void keep(Direction& d, std::size_t at, const Segment& segment, Position begin, Position from,
              Position until);
    void release_start(Direction& d);
    void give_up_hole(Direction& d);
    void give_up(Direction& d);  // whichever of the two it waits for
    void drain(Direction& d, std::uint64_t frame, Time time);
    void keep_caps(Direction& d);
    void await(Direction& d, Time since, Duration duration);
    void cancel_wait(Direction& d);

    // Beginnings and ends.
    void open(Connection& connection, bool towards_high);
    void reopen(Direction& d);
    void start_at(Direction& d, Position position);
    void emit(Direction& d, Bytes bytes, std::uint64_t frame, Time time, bool last);
    void close(Direction& d, std::uint64_t frame, Time time);
    void flush(Direction& d);
    void file(Connections::iterator at);
    void remove(Connections& from, Connections::iterator at);

    Sink& sink_;
    Findings& findings_;
    Accounting& accounting_;
    StreamLimits limits_;
    Connections live_, closed_;  // least recently used first
    std::unordered_map<Key, Connections::iterator, KeyHash> index_;
    std::map<Wait, Direction*> waits_;
    Time sweep_ = Time::max();  // when idle connections are looked for next
    std::uint64_t next_id_ = 1, next_wait_ = 1;
    std::size_t held_bytes_ = 0;
};

}  // namespace sipana::net
