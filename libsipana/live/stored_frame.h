// StoredFrame: a frame as it is kept in memory and in spool files: a head, then the bytes, padded
// to eight.
#pragma once

#include <cstddef>
#include <cstring>

#include "libsipana/pcap/frame.h"

namespace sipana::live {

struct StoredHead {
    std::uint64_t number = 0;
    Time time{};
    std::uint32_t size = 0, wire_size = 0, interface = 0;
    pcap::LinkType link{};
    bool has_time = true;
};
static_assert(sizeof(StoredHead) == 32);

struct StoredFrame {
    StoredHead head;
    const std::uint8_t* bytes = nullptr;

    pcap::Frame frame() const {
        pcap::Frame f;
        f.number = head.number;
        f.time = head.time;
        f.bytes = Bytes(bytes, head.size);
        f.wire_size = head.wire_size;
        f.link = head.link;
        f.interface = head.interface;
        f.has_time = head.has_time;
        return f;
    }
};

inline std::size_t stored_size(std::size_t bytes) {
    return sizeof(StoredHead) + (bytes + 7) / 8 * 8;
}
inline StoredHead stored_head(const pcap::Frame& f) {
    StoredHead head;
    head.number = f.number;
    head.time = f.time;
    head.size = static_cast<std::uint32_t>(f.bytes.size());
    head.wire_size = f.wire_size;
    head.interface = f.interface;
    head.link = f.link;
    head.has_time = f.has_time;
    return head;
}
// `out` has room for stored_size().
inline void store(const pcap::Frame& f, std::uint8_t* out) {
    const StoredHead head = stored_head(f);
    std::memcpy(out, &head, sizeof(head));
    if (!f.bytes.empty()) std::memcpy(out + sizeof(head), f.bytes.data(), f.bytes.size());
}
inline StoredFrame stored_at(const std::uint8_t* at) {
    StoredFrame stored;
    std::memcpy(&stored.head, at, sizeof(StoredHead));
    stored.bytes = at + sizeof(StoredHead);
    return stored;
}

}  // namespace sipana::live
