// Filter: a BPF expression (pcap-filter(7)), applied to frames of any link type.
//
// One program is compiled a link type, when the first frame of it comes. A frame passes when the
// program matches, or when it is a later IP fragment of a datagram whose first fragment matched:
// ports stand in the first fragment only, so `port 5060` alone would lose the rest of every large
// INVITE. Later fragments that arrive before their first are judged by the program alone.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"
#include "libsipana/pcap/frame.h"

namespace sipana::pcap {

class Filter {
public:
    // Fails (Errc::malformed, what: libpcap's words) where no common link type accepts
    // `expression`.
    static Result<Filter> compile(std::string expression);
    Filter(Filter&&) noexcept;
    Filter& operator=(Filter&&) noexcept;
    ~Filter();

    bool passes(const Frame& frame);
    // Link types that the expression cannot be compiled for, met so far: their frames do not pass.
    // "filter 'tcp' does not fit link type 147: ..."; cleared by the call.
    std::vector<std::string> take_refusals();

    static constexpr std::size_t max_fragmented = 4096;  // datagrams whose fragments are followed

private:
    class State;
    explicit Filter(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// What identifies the fragments of one datagram (RFC 791 3.2, RFC 8200 4.5), as far as it can be
// read from a frame that is Ethernet (VLAN tags included), cooked, raw or loopback.
struct FragmentKey {
    Address source, destination;
    std::uint32_t identification = 0;
    std::uint8_t protocol = 0;

    bool operator==(const FragmentKey&) const = default;
};
struct Fragment {
    FragmentKey key;
    bool first = false;  // its offset is zero
    // Where the IP header and what follows it and its extension headers lie in the frame, and of
    // which protocol that is.
    std::size_t ip = 0, payload = 0;
    std::uint8_t next = 0;
};
// None where `frame` is no fragment of an IP datagram, or cannot be read.
std::optional<Fragment> find_fragment(const Frame& frame);

}  // namespace sipana::pcap
