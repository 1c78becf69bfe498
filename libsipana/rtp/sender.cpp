#include "libsipana/rtp/sender.h"

#include <cstring>

#include "libsipana/rtp/packet.h"

namespace sipana::rtp {

// As write() of a packet without CSRCs, extension and padding, in one piece: a load generator's
// every packet comes this way.
void Sender::write(std::uint8_t payload_type, bool marker, std::uint64_t ticks, Bytes payload,
                   Buffer& out) {
    const std::size_t at = out.size();
    out.resize(at + header_size + payload.size());
    std::uint8_t* p = out.data() + at;
    const std::uint32_t stamp = timestamp(ticks);
    p[0] = 0x80;
    p[1] = static_cast<std::uint8_t>((marker ? 0x80 : 0) | (payload_type & 0x7f));
    p[2] = static_cast<std::uint8_t>(sequence_ >> 8);
    p[3] = static_cast<std::uint8_t>(sequence_);
    for (unsigned i = 0; i < 4; ++i) {
        p[4 + i] = static_cast<std::uint8_t>(stamp >> (24 - 8 * i));
        p[8 + i] = static_cast<std::uint8_t>(ssrc_ >> (24 - 8 * i));
    }
    if (!payload.empty()) std::memcpy(p + header_size, payload.data(), payload.size());
    ++sequence_;
    ++packets_;
    octets_ += payload.size();
}

}  // namespace sipana::rtp
