// Is a session description legal? RFC 8866 and the attributes' own RFCs, one description at a time;
// what takes an offer and its answer is sdp/negotiation's.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "libsipana/base/finding.h"
#include "libsipana/sdp/session.h"

namespace sipana::sdp {

struct Rule {
    std::string_view name;  // "sdp-rtpmap-missing"
    Severity severity = Severity::error;
    std::string_view clause;   // "RFC 8866 6.6"
    std::string_view summary;  // what must hold, in one line
};
// Every rule that check() and Negotiation know, by name.
std::span<const Rule> rules();

// Adds what is wrong. `byte` is the offset in session.text(), `frame` is left 0. At most
// max_findings.
inline constexpr std::size_t max_findings = 100;
void check(const Session& session, std::vector<Finding>& out);

}  // namespace sipana::sdp
