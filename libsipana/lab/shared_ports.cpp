#include "libsipana/lab/shared_ports.h"

#include <algorithm>

namespace sipana::lab {

SharedPorts::~SharedPorts() {
    for (const auto& pair : pairs_)
        if (pair) close_pair(ports_, *pair);
}

Result<PortPair> SharedPorts::pair(bool video) {
    auto& pair = pairs_[video];
    if (!pair) {
        const auto opened = open_pair(ports_, address_, owner_);
        if (!opened) return opened.error();
        pair = *opened;
    }
    return *pair;
}

bool SharedPorts::has(const Endpoint& local) const {
    return std::any_of(pairs_.begin(), pairs_.end(), [&](const auto& pair) {
        return pair && (pair->rtp == local || pair->rtcp == local);
    });
}

void SharedPorts::join(const Endpoint& remote, std::uint64_t call) {
    Source& source = sources_[remote];
    source.newest = call;
    source.several = ++source.calls > 1 || source.several;
}

void SharedPorts::leave(const Endpoint& remote) {
    const auto found = sources_.find(remote);
    if (found != sources_.end() && --found->second.calls == 0) sources_.erase(found);
}

std::uint64_t SharedPorts::call_of(const Packet& packet) {
    const auto found = sources_.find(packet.src);
    if (found == sources_.end()) return 0;
    if (!found->second.several) return found->second.newest;
    // RFC 3550 5.1, 6.4: where the sender's SSRC stands.
    const std::size_t at = packet.content == Content::rtcp ? 4 : 8;
    if (packet.payload.size() < at + 4) return 0;
    if (by_ssrc_.size() >= max_ssrcs) by_ssrc_.clear();
    return by_ssrc_.try_emplace(load_be32(packet.payload.data() + at), found->second.newest)
        .first->second;
}

}  // namespace sipana::lab
