// Calls: who is in a call with whom at a line of a script, followed step by step.
//
// Verbs speak of calls that the lines above began, by arrows or by verbs. A caller and a callee
// that talk through a server are brought together by order: an INVITE that a server brings belongs
// to the last one that went to a server and has no callee yet.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libsipana/lab/script.h"

namespace sipana::lab {

struct ScriptCall {
    std::string phone, label;          // whose, and which: "alice/consult"
    std::string peer;                  // at the other end of its arrows
    std::string far_phone, far_label;  // the phone at the other end of the call; empty: unknown
    bool caller = false, answered = false;
    bool far_waits = false;                    // the other phone waits for this one's answer
    std::string transferor, transferor_label;  // whose REFER made this call: wants to hear of it

    std::string name() const { return label.empty() ? phone : phone + '/' + label; }
    std::string far() const { return far_label.empty() ? far_phone : far_phone + '/' + far_label; }
};

class Calls {
public:
    explicit Calls(const Script& script) : script_(script) {}

    void observe(const Step& step);
    ScriptCall* find(std::string_view phone, std::string_view label);
    ScriptCall* with(std::string_view phone,
                     std::string_view far_phone);  // its call with that phone
    ScriptCall* far_of(const ScriptCall& call);
    // The last call to a server that has not reached a phone.
    ScriptCall* unanswered_at_server();
    void end(const ScriptCall& call);  // this phone's half; `call` may be one of ours
    // The next call that `phone` makes as its "transfer" is one that `transferor` wants to hear of.
    void expect_transfer(std::string phone, std::string transferor, std::string label);

private:
    void on_request(const Step& step, const std::string& method, bool sent);
    void on_response(const Step& step, int first, int last);
    void begin(const Step& step, bool sent);

    const Script& script_;
    std::vector<ScriptCall> calls_;
    std::vector<ScriptCall> transfers_;  // phone, label and transferor of calls to come
};

}  // namespace sipana::lab
