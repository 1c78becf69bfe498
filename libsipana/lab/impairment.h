// Impairment: what happens to packets on their way from one node to another: delay, jitter, loss in
// bursts, duplication, reordering, bandwidth.
//
// No clock and no packets in here: a Way is told the size and the time, and says when the packet
// arrives. The same seed and the same questions give the same answers; each way has chances of its
// own, so one more phone changes nothing for the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "libsipana/base/random.h"
#include "libsipana/base/time.h"
#include "libsipana/lab/script.h"

namespace sipana::lab {

// What becomes of one packet.
struct Passage {
    bool lost = false;
    Time arrival{};
    std::optional<Time> copy;  // the network doubled it: when the second one arrives
};

// One direction between two nodes.
//
// Loss is a Gilbert chain: `loss` of all packets, in runs of `burst` on average. Losses that are
// independent of each other have runs of 1 / (1 - loss); a smaller `burst` means those.
// Jitter: the delay is uniform in delay ± jitter, but no packet overtakes another. Only those that
// `reorder` picks do get overtaken: they are held back for one and a half times the distance to
// the packet before them.
class Way {
public:
    // A datagram that had to wait longer for the line is dropped, as by a router's full queue.
    static constexpr Duration longest_queue = std::chrono::seconds{1};
    // A stream's packet is sent again that long after a loss, then after twice as long, ...
    static constexpr Duration retransmission = std::chrono::milliseconds{200};
    static constexpr int most_retransmissions = 5;

    Way(const Impairment& impairment, std::uint64_t seed);

    // `bytes` with all headers. `reliable` (TCP, TLS): never lost, doubled or reordered, only late.
    Passage pass(std::size_t bytes, bool reliable, Time now);

private:
    bool loses();
    Time through_queue(std::size_t bytes, Time now);
    Duration travel();

    Impairment impairment_;
    Random random_;
    double lose_first_ = 0, lose_next_ = 0;  // after a packet that arrived, after one that did not
    bool losing_ = false;
    Time free_ = no_time;      // when the line has sent what it holds
    Time last_ = no_time;      // arrival of the last one in order
    Time previous_ = no_time;  // when the packet before this was sent
};

// The ways of a network, by the rules of a script. Of several rules that apply, the one that names
// more ends holds; of these, one for media or signalling alone; of these, the later.
class Ways {
public:
    Ways(std::vector<NetworkLine> rules, std::uint64_t seed);

    // Names of nodes; empty: nobody is there. The way lives as long as this.
    Way& between(std::string_view from, std::string_view to, bool media);

private:
    std::size_t rule_for(std::string_view from, std::string_view to, bool media) const;

    std::vector<NetworkLine> rules_;
    std::uint64_t seed_;
    // What one rule covers shares its bandwidth and its bursts.
    std::map<std::tuple<std::string, std::string, std::size_t>, Way> ways_;
};

}  // namespace sipana::lab
