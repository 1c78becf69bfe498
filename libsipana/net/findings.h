// Findings: what is wrong with the frames, handed to the Sink up to findings_per_rule of each rule.
//
// A hostile capture can break one rule in every frame; beyond the cap it costs a look-up and a
// count.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "libsipana/net/datagram.h"

namespace sipana::net {

// A kind of fault, as a constant: what becomes of the frame, and how the finding reads.
struct Fault {
    Fate fate = Fate::bad_header;
    std::string_view rule;  // empty: nothing worth a finding (the frame is merely not for us)
    std::string_view text;
    std::string_view clause;
    Severity severity = Severity::error;
};

class Findings {
public:
    Findings(Sink& sink, Accounting& accounting) : sink_(sink), accounting_(accounting) {}

    // `byte` is an offset within the frame.
    void add(const Fault& fault, std::uint64_t frame, std::uint64_t byte) {
        if (fault.rule.empty() || !admit(fault.rule)) return;
        sink_.on_finding(Finding{fault.rule, fault.severity, frame, byte, std::string(fault.text),
                                 fault.clause});
    }

private:
    bool admit(std::string_view rule) {
        if (counts_[rule]++ < findings_per_rule) return true;
        ++accounting_.findings_withheld;
        return false;
    }

    Sink& sink_;
    Accounting& accounting_;
    std::map<std::string_view, std::uint64_t> counts_;  // rules lie in static storage
};

}  // namespace sipana::net
