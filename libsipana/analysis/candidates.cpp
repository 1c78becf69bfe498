#include "libsipana/analysis/candidates.h"

namespace sipana::analysis {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t sets = 1 << 13;
constexpr std::size_t ways = 8;
constexpr std::uint16_t most_step = 50;  // sequence numbers between two packets
constexpr Duration most_age = 10s;       // between two packets

}  // namespace

Candidates::Candidate& Candidates::candidate_of(const net::Datagram& d, std::uint32_t ssrc,
                                                std::uint64_t h) {
    if (candidates_.empty()) candidates_.resize(sets * ways);
    Candidate* const set = &candidates_[mix(h, ssrc) % sets * ways];
    Candidate* oldest = set;
    for (Candidate* c = set; c != set + ways; ++c) {
        if (c->count > 0 && c->ssrc == ssrc && c->src == d.src && c->dst == d.dst) return *c;
        if (c->count == 0 || (oldest->count > 0 && c->packets[0].at < oldest->packets[0].at))
            oldest = c;
    }
    return *oldest;
}

std::optional<Candidates::Found> Candidates::on_packet(const net::Datagram& d, const Early& packet,
                                                       std::uint32_t ssrc, std::uint64_t h,
                                                       Bytes payload, bool keep) {
    Candidate& c = candidate_of(d, ssrc, h);
    const bool same = c.count > 0 && c.src == d.src && c.dst == d.dst && c.ssrc == ssrc;
    const Early& last = c.packets[c.count == 2 ? 1 : 0];
    const auto step = static_cast<std::uint16_t>(packet.sequence - last.sequence);
    const bool goes_on = same && step != 0 && step <= most_step && d.time - last.at <= most_age;
    if (goes_on && c.count == 2) {
        c.count = 0;
        return Found{{c.packets[0], c.packets[1]},
                     {kept(c.packets[0], ssrc), kept(c.packets[1], ssrc)}};
    }
    if (goes_on) {
        c.packets[1] = packet;
        c.count = 2;
    } else {
        c = {d.src, d.dst, ssrc, 1, {packet, {}}};
    }
    if (keep) {
        Kept& place = kept_[next_kept_++ % kept_.size()];
        place.frame = packet.frame;
        place.ssrc = ssrc;
        place.payload.assign(payload.begin(), payload.end());
    }
    return std::nullopt;
}

Bytes Candidates::kept(const Early& packet, std::uint32_t ssrc) const {
    for (const Kept& kept : kept_)
        if (kept.frame == packet.frame && kept.ssrc == ssrc) return kept.payload;
    return {};
}

}  // namespace sipana::analysis
