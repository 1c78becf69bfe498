// check: what a SIP message must not do, with the clause that says so. parse() has read it already.
//
// error: a MUST of the RFC is broken. warning: a SHOULD, or what other implementations stumble
// over. note: allowed, and worth knowing. The rules are stable names; docs list them from rules().
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "libsipana/base/finding.h"
#include "libsipana/sip/message.h"

namespace sipana::sip {

struct Rule {
    std::string_view name;  // "sip-cseq-method"
    Severity severity = Severity::note;
    std::string_view clause;   // "RFC 3261 8.1.1.5"
    std::string_view summary;  // one line: what is wrong
};
std::span<const Rule> rules();  // in order of name

// Appends findings in order of their place in the message; `byte` is the offset in message.text(),
// `frame` is left 0. At most max_findings a message.
inline constexpr std::size_t max_findings = 64;
void check(const Message& message, std::vector<Finding>& out);

}  // namespace sipana::sip
