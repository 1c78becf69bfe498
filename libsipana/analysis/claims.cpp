#include "libsipana/analysis/claims.h"

#include "libsipana/base/text.h"
#include "libsipana/sdp/attributes.h"
#include "libsipana/sdp/lines.h"

namespace sipana::analysis {
namespace {

constexpr std::size_t most_candidates = 64;  // of one SDP

}  // namespace

std::uint32_t Claims::latest(const Endpoint& at) const {
    return by_address_.find(hash(at), [&](std::uint32_t i) { return pool_[i].at == at; });
}

void Claims::claim(std::uint32_t call, bool by_caller, std::string_view sdp, std::uint16_t line,
                   const sdp::MediaAddress& media, const Seen& seen) {
    const std::uint64_t h = hash(media.rtp);
    const std::uint32_t before = latest(media.rtp);
    // The same call says it again: its newest words count.
    std::uint32_t i = before;
    for (unsigned looked = 0; i != none && looked < most_rivals; i = pool_[i].older, ++looked)
        if (pool_[i].call == call && pool_[i].by_caller == by_caller) break;
    if (i == none || pool_[i].call != call || pool_[i].by_caller != by_caller) {
        i = pool_.make();
        Claim& c = pool_[i];
        c.at = media.rtp;
        c.call = call;
        c.by_caller = by_caller;
        if (call >= heads_.size()) heads_.resize(call + 1, none);
        c.next_of_call = std::exchange(heads_[call], i);
        c.older = before;
        if (before != none) {
            pool_[before].newer = i;
            by_address_.erase(h, before);
        }
        by_address_.insert(h, i);
    }
    Claim& c = pool_[i];
    c.sdp = sdp;
    c.signalled_to = party(seen.dst, seen);
    c.said = seen.time;
    c = on_line(c, line, media);
    any_encrypted_ |= c.encrypted;
}

// RFC 8839 5.1: with ICE media may go to any candidate of the m-line; component 1 is RTP.
void Claims::add_candidates(std::uint32_t call, bool by_caller, std::string_view sdp,
                            std::span<const sdp::MediaAddress> media, const Seen& seen) {
    sdp::LineReader reader(sdp);
    sdp::Line line;
    std::size_t lines = 0, taken = 0;
    while (taken < most_candidates && reader.next(line)) {
        lines += line.type == 'm';
        if (lines > media.size()) return;
        const char* const value = sdp::attribute_value(line, "candidate");
        if (value == nullptr || lines == 0) continue;
        const auto c = sdp::parse_candidate({value, line.value.data() + line.value.size()});
        if (!c || c->component != 1 || !iequals(c->transport, "udp")) continue;
        sdp::MediaAddress at = media[lines - 1];
        at.rtp = c->endpoint;
        if (at.rtp.port == 0 || at.rtp.address.empty() || at.rtp.address.is_unspecified()) continue;
        claim(call, by_caller, sdp, static_cast<std::uint16_t>(lines - 1), at, seen);
        ++taken;
    }
}

Claims::Claim Claims::on_line(const Claim& claim, std::uint16_t line, const sdp::MediaAddress& media) {
    Claim c = claim;
    c.line = line;
    c.formats = media.formats;
    c.encrypted = media.protocol.find("SAVP") != media.protocol.npos;
    c.keys = media.keys;
    c.fax = iequals(media.media, "image");
    c.video = iequals(media.media, "video");
    return c;
}

void Claims::release(std::uint32_t call) {
    if (call >= heads_.size()) return;
    for (std::uint32_t i = std::exchange(heads_[call], none); i != none;) {
        Claim& c = pool_[i];
        if (c.newer != none) {
            pool_[c.newer].older = c.older;
        } else {
            by_address_.erase(hash(c.at), i);
            if (c.older != none) by_address_.insert(hash(c.at), c.older);
        }
        if (c.older != none) pool_[c.older].newer = c.newer;
        pool_.release(std::exchange(i, c.next_of_call));
    }
}

Claims::Match Claims::match(const Endpoint& src, const Endpoint& dst) const {
    const auto claimed_by = [&](std::uint32_t call, const Endpoint& at) {
        unsigned looked = 0;
        for (std::uint32_t i = latest(at); i != none && looked < most_rivals; i = pool_[i].older, ++looked)
            if (pool_[i].call == call) return true;
        return false;
    };
    const std::uint32_t at_dst = latest(dst), at_src = latest(src);
    if (at_dst == none) return {at_src, false};
    unsigned looked = 0;
    for (std::uint32_t i = at_dst; at_src != none && i != none && looked < most_rivals;
         i = pool_[i].older, ++looked)
        if (claimed_by(pool_[i].call, src)) return {i, true};
    return {at_dst, true};
}

void Claims::fetch_index(const Endpoint& src, const Endpoint& dst) const {
    by_address_.fetch(hash(src));
    by_address_.fetch(hash(dst));
}

void Claims::fetch(const Endpoint& src, const Endpoint& dst) const {
    pool_.fetch(by_address_.peek(hash(src)));
    pool_.fetch(by_address_.peek(hash(dst)));
}

bool Claims::is_fax(const Endpoint& at) const {
    const std::uint32_t i = latest(at);
    return i != none && pool_[i].fax;
}

}  // namespace sipana::analysis
