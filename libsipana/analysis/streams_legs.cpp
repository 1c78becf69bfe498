// Legs by their media: what comes in to a host and goes out again.
#include <fmt/format.h>

#include "libsipana/analysis/streams.h"

namespace sipana::analysis {
namespace {

using namespace std::chrono_literals;

constexpr Duration same_time = 2s;  // two legs carry one stream

}  // namespace

// One stream that comes in to a host and goes out again makes the calls on both sides legs of one.
// An SSRC is random (RFC 3550 8.1): one that several calls share, as players of one recording do,
// is no evidence, and neither is what comes straight back, an echo.
void Streams::join_legs(std::uint32_t s) {
    const Live& live = streams_[s];
    std::uint32_t call = none;
    bool several = false;
    Address through;
    by_ssrc_.visit(hash_of_ssrc(live.ssrc), most_same_ssrc, [&](std::uint32_t i) {
        const Live& other = streams_[i];
        if (other.ssrc != live.ssrc || other.call == none || other.call == live.call) return false;
        const bool went_in = dst_of(other).address == src_of(live).address;
        const bool went_out = src_of(other).address == dst_of(live).address;
        if (went_in == went_out || live.first.at - last_of(other) > same_time) return false;
        several = call != none && call != other.call;
        call = other.call;
        through = went_in ? src_of(live).address : dst_of(live).address;
        return several;
    });
    if (call == none || several) return;
    legs_.join(live.call, call,
               fmt::format("the RTP stream with SSRC 0x{:08x} passes through {}", live.ssrc,
                           through.to_string()));
}

// The same without its SSRC: the sound alone. Between two hosts other than the one it passes
// through: a load generator that plays one recording into many calls hears it come back in all.
void Streams::join_by_sound(std::uint32_t s, const rtp::Packet& p, Time at) {
    const Live& live = streams_[s];
    if (live.call == none || live.by.video || live.by.encrypted) return;
    const Address &from = src_of(live).address, &to = dst_of(live).address;
    const std::uint32_t i = relayed_.on_packet(s, live.call, from, to, p.payload, at);
    if (i == none || !streams_.alive(i)) return;
    const Live& source = streams_[i];
    if (source.call == none || source.call == live.call || dst_of(source).address != from ||
        src_of(source).address == to)
        return;
    legs_.join(live.call, source.call,
               fmt::format("{} passes on to {} the sound of {}", from.to_string(), to.to_string(),
                           src_of(source).address.to_string()));
}

}  // namespace sipana::analysis
