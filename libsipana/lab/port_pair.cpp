#include "libsipana/lab/port_pair.h"

#include <vector>

namespace sipana::lab {

Result<PortPair> open_pair(Ports& ports, const Address& address, Node& owner) {
    constexpr int most_tries = 64;
    // Ports that do not fit are kept until one does, or the system might give them again.
    std::vector<Endpoint> unfit;
    Result<PortPair> found = Error{Errc::denied, 0, "no pair of ports is free"};
    for (int i = 0; i < most_tries; ++i) {
        const auto first = ports.open(Transport::udp, {address, std::uint16_t{0}}, owner);
        if (!first) {
            found = first.error();
            break;
        }
        // The neighbour: one up from an even port, one down from an odd one.
        const auto neighbour = static_cast<std::uint16_t>(first->port ^ 1);
        const auto second = ports.open(Transport::udp, {first->address, neighbour}, owner);
        if (second) {
            const bool even = first->port % 2 == 0;
            found = PortPair{even ? *first : *second, even ? *second : *first};
            break;
        }
        unfit.push_back(*first);
    }
    for (const Endpoint& local : unfit) ports.close(Transport::udp, local);
    return found;
}

void close_pair(Ports& ports, const PortPair& pair) {
    ports.close(Transport::udp, pair.rtp);
    ports.close(Transport::udp, pair.rtcp);
}

}  // namespace sipana::lab
