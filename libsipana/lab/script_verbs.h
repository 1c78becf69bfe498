// Verbs: shorthand for arrow lines (docs/scenario-format.md, "Verbs").
//
// A verb is expanded into the arrow lines that somebody would write by hand; what stands behind it
// on its line belongs to the first message that its phone sends.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libsipana/lab/script.h"
#include "libsipana/lab/script_calls.h"
#include "libsipana/lab/script_reader.h"
#include "libsipana/lab/script_steps.h"

namespace sipana::lab {

class Verbs {
public:
    explicit Verbs(const Script& script) : script_(script), calls_(script) {}

    // A line that begins with a phone and no arrow.
    bool read(LineReader& in, const StepPlace& place);
    void observe(const Step& step) { calls_.observe(step); }

private:
    struct Verb;  // the line that is being read
    static const std::vector<std::string_view>& words();

    bool dispatch(Verb& v);
    bool registers(Verb& v, bool again);
    bool calls(Verb& v);
    bool responds(Verb& v, std::string_view what);
    bool rejects(Verb& v);
    bool cancels(Verb& v);
    bool hangs_up(Verb& v);
    bool describes(Verb& v, std::string_view direction);
    bool transfers(Verb& v);
    bool transfers_blindly(Verb& v, const ScriptCall& call, const std::string& target);
    bool transfers_consulted(Verb& v, const ScriptCall& call, const std::string& target);
    bool sends_message(Verb& v);
    bool subscribes(Verb& v);
    bool presses(Verb& v);

    ScriptCall* own_call(Verb& v);
    std::string home_of(std::string_view phone) const;  // its server; empty: none
    std::string user_of(std::string_view phone) const;
    bool passes_through(
        const ScriptCall& call) const;  // requests in a dialog reach the other phone
    bool request(Verb& v, const ScriptCall& call, std::string_view what, std::string_view seen);
    bool answer(Verb& v, const ScriptCall& call, std::string_view what);
    bool tell_transferor(Verb& v, const ScriptCall& call, std::string_view state,
                         std::string_view sipfrag);
    bool end_transferred(Verb& v, const ScriptCall& callee);

    const Script& script_;
    Calls calls_;
};

}  // namespace sipana::lab
