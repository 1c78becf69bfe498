// Fragmenter: cuts an IP datagram that is too large for its link into fragments (RFC 791 2.3, RFC
// 8200 4.5): what net/fragments puts together again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"

namespace sipana::net {

inline constexpr std::size_t ethernet_mtu = 1500;
inline constexpr std::size_t smallest_mtu = 68;  // RFC 791 3.2

// `frame`: Ethernet II with IPv4 without options, or IPv6 without extension headers, as
// net/encoder writes it. Each fragment is such a frame, and `id` tells the datagram's from
// others'. Whole frames that fit come back alone. Errc::malformed: another kind of frame, or an
// MTU below 68.
Result<std::vector<Buffer>> fragment(Bytes frame, std::uint32_t id, std::size_t mtu = ethernet_mtu);

}  // namespace sipana::net
