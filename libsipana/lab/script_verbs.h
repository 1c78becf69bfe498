// Verbs: shorthand for arrow lines (docs/scenario-format.md, "Verbs").
//
// A verb speaks of a call that lines above it began, by arrows or by other verbs: Verbs follows the
// steps as they are read, and knows who is at the other end of each phone's calls. It expands a
// verb into the arrow lines that somebody would write by hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/lab/script.h"
#include "libsipana/lab/script_reader.h"
#include "libsipana/lab/script_steps.h"

namespace sipana::lab {

class Verbs {
public:
    explicit Verbs(const Script& script) : script_(script) {}

    bool read(LineReader& in, const StepPlace& place) {
        (void)place;
        return in.expected("an arrow");
    }
    void observe(const Step&) {}

private:
    const Script& script_;
};

}  // namespace sipana::lab
