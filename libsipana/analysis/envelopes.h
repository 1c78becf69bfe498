// Envelopes: what HEP agents captured elsewhere and sent here, taken out of its HEP packets
// (hep/packet).
//
// A captured packet goes the way of every other one, with the addresses, transport and time that
// its agent saw, and the frame that brought it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "libsipana/analysis/classify.h"
#include "libsipana/base/finding.h"
#include "libsipana/hep/inflater.h"
#include "libsipana/hep/packet.h"
#include "libsipana/net/datagram.h"

namespace sipana::analysis {

// Who sends HEP packets: one agent by its number, and its node's name.
struct HepAgent {
    std::uint32_t agent = 0;
    std::string node;
};

class Envelopes {
public:
    // An agent's clock is believed when it differs by no more from the time at which the packet
    // came: as far as fragments may reach back. Beyond, what it sent has the time of its arrival.
    static constexpr Duration clock_slack = std::chrono::seconds{30};
    static constexpr std::size_t most_agents_told = 1000;  // of those whose clock is not believed

    // packets = opened + other + own + unreadable.
    struct Figures {
        std::uint64_t packets = 0;
        std::uint64_t other =
            0;  // hold no SIP, RTP or RTCP: logs, statistics, keep-alives of the agent
        std::uint64_t own = 0;  // of the agent that this program is
        std::uint64_t unreadable = 0;
        std::uint64_t withheld = 0;  // findings beyond net::findings_per_rule
    };
    struct Opened {
        std::optional<net::Datagram>
            datagram;  // lives as long as the packet, if stable; else until the next open()
        Content content = Content::other;
        std::optional<Finding> finding;
    };

    // Packets of `own` are what this program has sent itself: they are counted and not opened.
    explicit Envelopes(std::optional<HepAgent> own) : own_(std::move(own)) {}

    // `packet` is a datagram or, cut out of a stream, as good as one.
    Opened open(const net::Datagram& packet);
    const Figures& figures() const { return figures_; }

private:
    std::optional<Finding> unreadable(const net::Datagram& packet, const Error& error);
    Time time_of(const hep::Packet& packet, const net::Datagram& outer,
                 std::optional<Finding>& finding);

    std::optional<HepAgent> own_;
    hep::Inflater inflater_;
    Buffer report_;  // of JSON
    Figures figures_;
    std::set<std::pair<Address, std::uint32_t>> wrong_clocks_;
};

}  // namespace sipana::analysis
