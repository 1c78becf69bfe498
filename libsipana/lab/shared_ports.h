// SharedPorts: media ports that all calls of one phone under load have in common, and whose what
// comes there is (RFC 3550 5.1, 8: streams are told apart by their SSRC).
//
// A pair for audio and one for video, opened when they are first asked for and closed with this;
// the Ports outlive it. A call is known by the number that it gave with the other side's address.
// Where several calls have one address on the other side as well, an SSRC not heard before belongs
// to the call that came last; where that was wrong, reports of the two calls change places.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "libsipana/lab/port_pair.h"

namespace sipana::lab {

class SharedPorts {
public:
    static constexpr std::size_t max_ssrcs = 65'536;  // then they are learnt again

    SharedPorts(Ports& ports, const Address& address, Node& owner)
        : ports_(ports), address_(address), owner_(owner) {}
    ~SharedPorts();
    SharedPorts(const SharedPorts&) = delete;
    SharedPorts& operator=(const SharedPorts&) = delete;

    Result<PortPair> pair(bool video);
    bool has(const Endpoint& local) const;
    // What comes from `remote` is for this call, until the same is said to leave().
    void join(const Endpoint& remote, std::uint64_t call);
    void leave(const Endpoint& remote);
    // The call that RTP or RTCP is for; 0: none that is known.
    std::uint64_t call_of(const Packet& packet);

private:
    struct Source {
        std::uint64_t newest = 0;  // call
        std::uint32_t calls = 0;
        bool several = false;  // or were, since it was known
    };

    Ports& ports_;
    Address address_;
    Node& owner_;
    std::array<std::optional<PortPair>, 2> pairs_;  // audio, video
    std::unordered_map<Endpoint, Source, EndpointHash> sources_;
    std::unordered_map<std::uint32_t, std::uint64_t> by_ssrc_;
};

}  // namespace sipana::lab
