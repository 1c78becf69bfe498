// Media addresses: where each m-line of a session description wants its RTP and RTCP (RFC 8866 5.7,
// 5.14; RFC 3605; RFC 5761), found in one pass without building a Session. For matching streams.
#pragma once

#include <bitset>
#include <cstddef>
#include <span>
#include <string_view>

#include "libsipana/base/endpoint.h"

namespace sipana::sdp {

using PayloadTypes = std::bitset<128>;  // of an m-line; what is no number below 128 is left out

struct MediaAddress {
    std::string_view media, protocol;  // view the text
    Endpoint rtp;   // the address is empty if it is a name, the port 0 if the line is refused
    Endpoint rtcp;  // as Media::rtcp()
    bool rtcp_mux = false;
    bool ice = false;  // it has candidates (RFC 8839)
    bool keys = false;  // a=crypto (RFC 4568), or a=fingerprint here or for the session (RFC 8122)
    PayloadTypes formats;
};

// Fills `out` with the m-lines in order; returns how many there were, which may be more than fit.
// Says the same as Session::media() does. Never allocates.
std::size_t media_addresses(std::string_view text, std::span<MediaAddress> out);

}  // namespace sipana::sdp
