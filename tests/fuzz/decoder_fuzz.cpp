// Several frames to one Decoder. Input: link type selector, then frames: length (16 bits), flags,
// bytes. Flags: milliseconds since the frame before (6 bits), long pause, cut by the snap length.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "libsipana/net/decoder.h"

using namespace sipana;

namespace {

void require(bool true_in_every_run) {
    if (!true_in_every_run) std::abort();
}

// Reads each byte that it is given, so that a sanitizer sees views that reach too far.
class Reader : public net::Sink {
public:
    void on_datagram(const net::Datagram& d) override {
        ++datagrams;
        require(d.frame >= 1 && d.frame <= frames);
        read(d.payload);
    }
    void on_chunk(const net::Chunk& c) override {
        ++chunks;
        missing += c.missing;
        require(c.frame >= 1 && c.frame <= frames);
        require(!c.from_start || c.first);
        read(c.bytes);
    }
    void on_finding(Finding f) override {
        require(!f.rule.empty() && !f.text.empty() && f.frame >= 1 && f.frame <= frames);
        ++findings;
    }
    void read(Bytes bytes) {
        for (const std::uint8_t b : bytes) sum = sum + b;
    }
    std::uint64_t frames = 0, datagrams = 0, chunks = 0, findings = 0, missing = 0;
    volatile std::uint64_t sum = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    constexpr std::array<std::uint16_t, 16> link_types{1,   0,   9,   12,  14,  50,  51,  101,
                                                       104, 108, 113, 204, 219, 228, 229, 276};
    if (size == 0) return 0;
    Reader reader;
    net::Decoder decoder(reader);
    ByteReader in(Bytes(bytes, size));
    const std::uint16_t link_type = link_types[in.u8() % link_types.size()];
    Time now = std::chrono::seconds{1'700'000'000};
    while (in.left() >= 3) {
        const std::size_t length = in.u16();
        const std::uint8_t flags = in.u8();
        const Bytes frame = in.take(std::min(length, in.left()));
        // An exact copy that is gone after the call, as a live frame would be.
        const std::unique_ptr<std::uint8_t[]> copy(new std::uint8_t[frame.size()]);
        std::copy(frame.begin(), frame.end(), copy.get());
        now += std::chrono::milliseconds{flags & 63};
        if (flags & 64) now += std::chrono::seconds{40};
        net::Link link;
        link.frame = ++reader.frames;
        link.time = now;
        link.link_type = link_type;
        link.bytes = Bytes(copy.get(), frame.size());
        link.wire_size = static_cast<std::uint32_t>(frame.size() + (flags & 128 ? 100 : 0));
        decoder.decode(link);
    }
    decoder.finish();

    const net::Accounting& account = decoder.accounting();
    std::uint64_t sum = 0;
    for (const auto n : account.by_fate) sum += n;
    require(sum == account.frames && account.frames == reader.frames);
    require(account.datagrams == reader.datagrams && account.chunks == reader.chunks);
    require(account.missing_bytes == reader.missing);
    return 0;
}
