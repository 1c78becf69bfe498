// TCP streams. The payload byte at sequence number n is always n mod 256, so that whatever is
// handed on can be checked: bytes follow each other, and jump by `missing` where some are missing.
// With an even first byte the input is any sequence of segments; with an odd one a segmentation of
// a text and an order, and then every byte must come, once and in order.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <vector>

#include "libsipana/net/encoder.h"
#include "libsipana/net/stream.h"

using namespace sipana;

namespace {

void require(bool true_in_every_run) {
    if (!true_in_every_run) std::abort();
}

class Checker : public net::Sink {
public:
    struct Direction {
        bool ended = false, any_byte = false;
        std::uint8_t next = 0;
        std::uint64_t bytes = 0;
    };
    void on_datagram(const net::Datagram&) override { std::abort(); }
    void on_finding(Finding) override {}
    void on_chunk(const net::Chunk& c) override {
        const auto [at, is_new] = directions.try_emplace(c.connection);
        Direction& d = at->second;
        require(c.first == is_new && (!c.from_start || c.first) && !d.ended);
        require(!c.bytes.empty() || c.last);
        d.next = static_cast<std::uint8_t>(d.next + c.missing);
        for (const std::uint8_t b : c.bytes) {
            require(!d.any_byte || b == d.next);
            d.any_byte = true;
            d.next = static_cast<std::uint8_t>(b + 1);
        }
        d.bytes += c.bytes.size();
        d.ended = c.last;
        missing += c.missing;
    }
    std::map<std::uint64_t, Direction> directions;
    std::uint64_t missing = 0;
};

class Wire {
public:
    explicit Wire(net::StreamLimits limits)
        : findings(checker, accounting), streams(checker, findings, accounting, limits) {}

    void send(unsigned way, std::uint32_t seq, std::uint32_t ack, std::uint8_t flags,
              std::size_t size, std::size_t absent) {
        Buffer payload(size);
        const std::uint32_t first = seq + (flags & net::tcp_syn ? 1 : 0);
        for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<std::uint8_t>(first + i);
        net::Segment s;
        const Endpoint a{Address::v4(0x0a000001u + (way >> 1)), 40000};
        const Endpoint b{Address::v4(0x0a0000ffu), 5060};
        s.src = way & 1 ? b : a;
        s.dst = way & 1 ? a : b;
        s.seq = seq;
        s.ack = ack;
        s.flags = flags;
        s.payload = payload;
        s.absent = absent;
        s.frame = ++frame;
        s.time = now;
        streams.expire(now);
        streams.add(s);
    }
    void finish() {
        streams.finish();
        require(streams.connections() == 0 && streams.held_bytes() == 0);
        require(streams.deadline() == Time::max());
        require(checker.missing == accounting.missing_bytes);
        for (const auto& [id, d] : checker.directions) require(d.ended);
    }

    Checker checker;
    net::Accounting accounting;
    net::Findings findings;
    net::Streams streams;
    std::uint64_t frame = 0;
    Time now = std::chrono::seconds{1'700'000'000};
};

void any_segments(ByteReader& in) {
    net::StreamLimits limits;
    limits.connections = 3;
    limits.held_bytes = 8'000;
    limits.held_bytes_a_direction = 4'000;
    limits.held_segments_a_direction = 12;
    Wire wire(limits);
    const std::uint32_t base = in.u32();
    while (in.left() >= 8) {
        const std::uint8_t what = in.u8(), flags = in.u8();
        const auto step = static_cast<std::int16_t>(in.u16());
        const auto ack = static_cast<std::int16_t>(in.u16());
        const std::uint8_t size = in.u8(), time = in.u8();
        wire.now += std::chrono::milliseconds{time & 15 ? time >> 4 : (time >> 4) * 400};
        const std::uint32_t far = what & 0x80 ? 0x50000000u : 0;
        wire.send(what & 7u, base + static_cast<std::uint32_t>(step) + far,
                  base + static_cast<std::uint32_t>(ack), flags & 0x17, size,
                  what & 0x40 ? size / 2u : 0);
        require(wire.streams.connections() <= limits.connections);
        require(wire.streams.held_bytes() <= limits.held_bytes);
    }
    wire.finish();
}

void permutation(ByteReader& in) {
    Wire wire({});
    const std::uint32_t base = in.u32();
    struct Piece {
        std::uint32_t begin, size;
        std::uint8_t rank;
    };
    std::vector<Piece> pieces;
    std::uint32_t total = 0;
    while (in.left() >= 2 && pieces.size() < 500) {
        const std::uint32_t size = 1u + in.u8() % 64u;
        const std::uint8_t rank = in.u8();
        // Some reach back over what was sent before.
        const std::uint32_t back = rank & 1 ? std::min(total, size / 2) : 0;
        pieces.push_back({total - back, size + back, rank});
        total += size;
    }
    std::stable_sort(pieces.begin(), pieces.end(),
                     [](const Piece& a, const Piece& b) { return a.rank < b.rank; });
    wire.send(0, base - 1, 0, net::tcp_syn, 0, 0);
    for (const Piece& p : pieces) wire.send(0, base + p.begin, 0, 0, p.size, 0);
    require(wire.streams.held_bytes() == 0 && wire.accounting.missing_bytes == 0);
    std::uint64_t bytes = 0;
    for (const auto& [id, d] : wire.checker.directions) bytes += d.bytes;
    require(bytes == total);
    wire.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    ByteReader in(Bytes(bytes, size));
    if (in.u8() & 1)
        permutation(in);
    else
        any_segments(in);
    return 0;
}
