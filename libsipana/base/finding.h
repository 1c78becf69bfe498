// Finding: something in the input that somebody should know about, with its place and clause.
//
// Bad input is data (docs/hacking.md, "Errors"): a parser's Error or a checker's verdict becomes
// a Finding once the analyzer knows in which frame it stood.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sipana {

enum class Severity : std::uint8_t {
    note,     // worth knowing, nobody did wrong
    warning,  // a SHOULD not kept, or a sign of trouble
    error,    // a MUST not kept, or input that could not be read
};

std::string_view to_string(Severity severity);  // "note", "warning", "error"

struct Finding {
    std::string_view rule;    // stable kebab-case name, static storage: "sip-cseq-method"
    Severity severity = Severity::note;
    std::uint64_t frame = 0;  // 1-based; 0 where no one frame is meant
    std::uint64_t byte = 0;   // offset within what the rule speaks of: the message, body, packet or frame
    std::string text;         // one line, plain words, may quote the input: escape it on output
    std::string_view clause;  // "RFC 3261 8.1.1.5", static storage; may be empty
};

}  // namespace sipana
