// Agreement: one m-line of an offer set against the same m-line of its answer (RFC 3264 6).
// Internal to sdp/negotiation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/sdp/negotiation.h"
#include "libsipana/sdp/session.h"

namespace sipana::sdp {

// What one description keeps at most: a line of three bytes would otherwise grow to a hundred.
inline constexpr std::size_t max_kept_codecs = 1024;     // over all m-lines
inline constexpr std::size_t max_kept_candidates = 256;  // over all m-lines
// Of words that many m-lines may inherit or repeat: mids, groups, DTLS roles and fingerprints.
inline constexpr std::size_t max_kept_text = 1024;

struct Keeping {
    std::size_t codecs = max_kept_codecs, candidates = max_kept_candidates;
};
MediaOffer describe(const Media& media, Keeping& left);

// The m-lines of an offer, not answered yet.
std::vector<MediaLine> offered_lines(const Session& session);

// Fills refused, agreed, direction and both sides' rtcp from offer and answer.
void agree(MediaLine& line, Side offerer, const Endpoint& offered_rtcp_without_mux,
           const Media& answer);

struct Breach {
    std::string_view rule;
    std::string text;
};
// What the answer to one m-line must not do. After agree().
void check_answer(const MediaLine& line, const Media& answer, std::vector<Breach>& out);

}  // namespace sipana::sdp
