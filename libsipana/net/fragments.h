// Fragments: IPv4 (RFC 791 3.2) and IPv6 (RFC 8200 4.5) datagrams put together again.
//
// Overlaps: in IPv4 the bytes that came first stay; an IPv6 datagram with one is dropped (RFC
// 5722). A fragment that repeats one bit for bit is ignored, also shortly after the datagram is
// complete, so that a capture which holds every frame twice gives each datagram once. Bounded by
// age, count and bytes; what is given up with its beginning there is handed back by
// take_abandoned().
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/endpoint.h"
#include "libsipana/base/time.h"
#include "libsipana/net/findings.h"

namespace sipana::net {

struct FragmentLimits {
    Duration age = std::chrono::seconds{30};    // from the first fragment
    Duration memory = std::chrono::seconds{1};  // of a complete datagram, for repetitions
    std::size_t datagrams = 4096;
    std::size_t bytes = 32u << 20;
    std::size_t pieces = 512;  // of one datagram
};

struct Fragment {
    Address src, dst;
    std::uint32_t id = 0;
    std::uint8_t protocol = 0;  // of the content; counts in IPv6 only where offset is 0
    bool v6 = false;
    std::uint32_t offset = 0;  // in bytes
    bool more = false;
    Bytes bytes;
    std::size_t absent = 0;  // bytes at its end that the snap length cut off
    std::uint8_t dscp = 0;
    std::uint64_t frame = 0;
    Time time{};
    std::uint64_t byte = 0;  // where its bytes stand in the frame, for findings
};

// A datagram put together; or the beginning of one, up to the first byte that never came.
struct Whole {
    Address src, dst;
    std::uint8_t protocol = 0, dscp = 0;
    Buffer payload;
    std::size_t absent = 0;   // bytes known to be missing at its end
    std::uint64_t frame = 0;  // completing fragment; abandoned: first fragment
    Time time{};
};

class Fragments {
public:
    Fragments(Findings& findings, Accounting& accounting, FragmentLimits limits = {});

    // Fate::delivered with `whole` filled where this completes a datagram, or empty where it
    // repeats.
    Fate add(const Fragment& fragment, std::optional<Whole>& whole);
    void expire(Time now);
    void finish();
    std::optional<Whole> take_abandoned();

    Time deadline() const;  // when expire() has something to do; Time::max() where never
    std::size_t datagrams() const { return index_.size(); }
    std::size_t bytes() const { return bytes_; }

private:
    struct Key {
        Address src, dst;
        std::uint32_t id = 0;
        std::uint16_t protocol = 0;  // 0x100 | protocol in IPv4, 0 in IPv6
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::uint64_t seed;
        std::size_t operator()(const Key& key) const;
    };
    struct Piece {
        std::uint32_t begin = 0, end = 0;  // as announced
        Buffer bytes;                      // from begin on; may be fewer
    };
    struct Entry {
        Key key;
        std::vector<Piece> pieces;         // by begin, not overlapping
        std::optional<std::uint32_t> end;  // known once the last fragment is there
        std::size_t bytes = 0;             // of memory
        bool dropped = false;              // IPv6 overlap: the rest is swallowed
        bool complete = false;
        std::uint64_t frame = 0;  // of the fragment with offset 0, or the first seen
        Time began{}, time{};     // first seen; of `frame`
        std::uint8_t protocol = 0, dscp = 0;
        std::uint64_t fragments = 0;
    };
    using Entries = std::list<Entry>;

    Entries::iterator entry_of(const Key& key, const Fragment& fragment);
    Fate insert(Entry& entry, const Fragment& fragment, bool& overlaps);
    bool repeats(const Entry& entry, const Fragment& fragment) const;
    bool is_complete(const Entry& entry) const;
    Whole put_together(const Entry& entry) const;
    void release_bytes(Entry& entry);
    void remove(Entries& from, Entries::iterator at);
    void give_up(Entries::iterator at);

    Findings& findings_;
    Accounting& accounting_;
    FragmentLimits limits_;
    Entries waiting_, complete_;  // oldest first
    std::unordered_map<Key, Entries::iterator, KeyHash> index_;
    std::list<Whole> abandoned_;
    std::size_t bytes_ = 0;
};

}  // namespace sipana::net
