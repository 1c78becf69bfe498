// SCTP: user messages out of DATA chunks (RFC 9260 3.3.1), fragmented or not, bundled or not.
//
// A message is handed on when its last fragment is there, in order of arrival: the order within an
// SCTP stream is not restored, as for UDP. A TSN that was seen before is ignored. Where a fragment
// never comes, the beginning of the message is handed on, cut, when the wait is over.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <list>
#include <map>
#include <unordered_map>

#include "libsipana/base/endpoint.h"
#include "libsipana/net/findings.h"

namespace sipana::net {

struct SctpLimits {
    std::size_t associations = 8192;     // directions of them
    std::size_t held_bytes = 16u << 20;  // fragments of all messages, their keeping included
    std::size_t message = 1u << 20;
    Duration wait = std::chrono::seconds{10};  // for the other fragments
    Duration idle = std::chrono::minutes{30};
};

class SctpMessages {
public:
    SctpMessages(Sink& sink, Findings& findings, Accounting& accounting, SctpLimits limits = {});

    // `packet` is the common header (12 bytes) and its chunks. `as` carries frame, time, the
    // addresses, dscp and stable; `absent` bytes at the end were cut off; `byte` is the packet's
    // place in the frame.
    Fate add(Bytes packet, std::size_t absent, Datagram as, std::uint64_t byte);

    void finish();  // nothing follows: what waits is given up

    std::size_t associations() const { return index_.size(); }
    std::size_t held_bytes() const { return held_bytes_; }

private:
    static constexpr std::size_t window = 2048;  // TSNs remembered behind the highest
    struct Piece {
        bool begin = false, end = false;
        std::uint16_t stream = 0;
        Buffer bytes;
        bool cut = false;
        std::uint64_t frame = 0;
        Time time{};
    };
    using Pieces = std::map<std::uint64_t, Piece>;  // by extended TSN
    struct Key {
        Endpoint src, dst;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::uint64_t seed;
        std::size_t operator()(const Key& key) const;
    };
    struct Association {
        Key key;
        bool started = false;
        std::uint64_t highest = 0;  // TSN, extended
        std::bitset<window> seen;
        Pieces pieces;
        Time last{};
    };
    using Associations = std::list<Association>;

    struct Outcome {  // of one packet
        bool delivered = false, held = false, over_cap = false;
        bool nothing() const { return !delivered && !held && !over_cap; }
    };

    Association& association_of(const Key& key, Time now);
    void on_data(Association& a, Bytes chunk, Datagram& as, Outcome& outcome);
    bool is_new(Association& a, std::uint32_t tsn, std::uint64_t& extended);
    bool deliver_around(Association& a, std::uint64_t tsn, Datagram& as);
    void hand_on(Association& a, Pieces::iterator first, Pieces::iterator end, Datagram& as);
    void give_up_pieces(Association& a, Time now = Time::max());
    Pieces::iterator erase_piece(Association& a, Pieces::iterator at);
    void remove_oldest();
    void trim();

    Sink& sink_;
    Findings& findings_;
    Accounting& accounting_;
    SctpLimits limits_;
    Associations associations_;  // least recently used first
    std::unordered_map<Key, Associations::iterator, KeyHash> index_;
    std::size_t held_bytes_ = 0;
    Buffer message_;
};

}  // namespace sipana::net
