#include "libsipana/analysis/relayed.h"

#include <bit>

namespace sipana::analysis {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t remembered_packets = 4096;
constexpr Duration passes_within = 100ms;  // through a server, its jitter buffer included
constexpr Duration doubted_for = 500ms;    // a sound that is nobody's
constexpr std::uint32_t certain_from = 8;  // matches
constexpr std::size_t least_payload = 20;  // 2.5 ms of G.711; comfort noise and keys are shorter

// Silence repeats one or two codes, whoever is silent.
bool silent(std::uint64_t samples) { return samples == std::rotl(samples, 16); }

}  // namespace

std::uint32_t Relayed::on_packet(std::uint32_t stream, std::uint32_t call, const Address& src,
                                 const Address& dst, Bytes payload, Time at) {
    if (payload.size() < least_payload) return none;
    const std::uint64_t samples = load_be64(payload.data());
    if (silent(samples)) return none;
    if (heard_.empty()) heard_.resize(remembered_packets);

    const auto within = [&](const Heard& h, std::uint64_t fact, Duration window) {
        return h.fact == fact && h.at != no_time && at >= h.at && at - h.at <= window;
    };
    // What leaves `src` may have come to it. Where it goes back to where it came from, it is an
    // echo, or both ends make the same sound: then it says nothing of third ones.
    const std::uint64_t out = mix(hash(src), samples);
    Heard& source = heard_[out % remembered_packets];
    if (source.call == call && within(source, out, passes_within)) source.several = true;
    const Heard before = source;
    // What comes to `dst` may go on from there.
    const std::uint64_t in = mix(hash(dst), samples);
    Heard& kept = heard_[in % remembered_packets];
    const bool doubted = (kept.several && within(kept, in, doubted_for)) ||
                         (kept.stream != stream && within(kept, in, passes_within));
    kept = {in, at, stream, call, doubted};
    if (!within(before, out, passes_within) || before.several || before.call == call) return none;

    if (stream >= guesses_.size()) guesses_.resize(stream + 1);
    Guess& guess = guesses_[stream];
    if (guess.source != before.stream) {
        if (guess.matches > 0 && --guess.matches > 0) return none;
        guess = {before.stream, 1};
        return none;
    }
    if (guess.matches == certain_from || ++guess.matches < certain_from) return none;
    return guess.source;
}

void Relayed::forget(std::uint32_t stream) {
    if (stream < guesses_.size()) guesses_[stream] = {};
}

}  // namespace sipana::analysis
