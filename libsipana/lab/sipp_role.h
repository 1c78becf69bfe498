// SippRole: one scenario file as the steps of one phone, before the files are woven into a ladder.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/lab/script.h"
#include "libsipana/lab/sipp_keywords.h"
#include "libsipana/lab/sipp_scenario.h"

namespace sipana::lab {

// A step, or the place where a twin's command (3PCC) is sent or waited for.
struct SippStep {
    enum class Kind : std::uint8_t { step, sends_command, waits_for_command } kind = Kind::step;
    Step step;
    bool trying = false;     // "100?": says nothing
    bool droppable = false;  // an optional provisional response that nothing hangs on
};

struct SippTwin {
    const SippScenario* scenario = nullptr;
    const SippWords* words = nullptr;
};

struct SippRole {
    const SippFile* file = nullptr;
    const SippScenario* scenario = nullptr;
    SippWords words;
    std::vector<std::string> first_row;  // of the dataset
    SippTwin twin;                       // whose commands this one waits for
    PhoneLine phone;
    std::string partner;
    bool partner_is_phone = false;
    bool caller = false, jumps = false;
    std::vector<SippStep> steps;
};

// Does the file call, or is it called? By the first message in it.
bool is_caller(const SippScenario& scenario);
bool has_commands(const SippScenario& scenario);

class SippTranslator {
public:
    SippTranslator(SippRole& role, std::vector<std::string>& notes);
    Status translate();

private:
    // sipp_role.cpp: elements
    Status element(std::size_t index);
    void recv(const SippElement& e);
    void pause(const SippElement& e);
    void jump(const SippElement& e);
    void wait_for_command(const SippElement& e);
    bool patterns(const SippElement& e, Expect& expect);
    void remember_response(Expect& expect);
    void remember_request(const Expect& expect);
    // sipp_message.cpp: what is sent
    void send(const SippElement& e);
    bool request(const SippElement& e, const SippMessage& m);
    void response(const SippElement& e, const SippMessage& m);
    void as_template(const SippElement& e, const SippMessage& m);
    void identify(const SippMessage& m);
    std::string target_of(std::string_view uri, std::string_view method, bool in_dialog);
    void request_fields(const SippMessage& m, Send& send, bool in_dialog);
    void response_fields(const SippMessage& m, Send& send);
    void other_field(const SippField& f, Send& send);
    void keyword_line(const SippField& f, Send& send);
    void authentication(std::string_view line);
    std::string_view first_field(std::string_view keyword) const;
    void contact(const SippField& f, Send& send);
    void body(const SippMessage& m, Send& send, bool wants_sdp, SdpKind kind);
    std::string call_of(const SippMessage& m);
    // sipp_actions.cpp
    Status action(const SippElement& a, std::size_t index, Expect* expect);
    void ereg(const SippElement& a, Expect* expect);
    void assign(const SippElement& a);
    void compare(const SippElement& a);
    Status exec(const SippElement& a, std::size_t index);
    void play(const SippElement& a, std::string_view file, std::size_t index);
    Duration next_pause(std::size_t index) const;

    Step& add(const SippElement& e);
    void note(const SippElement& e, std::string_view text);
    std::string label(std::string_view id) const;

    SippRole& role_;
    std::vector<std::string>& notes_;
    std::uint32_t line_ = 0;
    std::set<std::string> labels_, placed_;
    std::map<std::string, Jump> conditions_, comparisons_;  // of variables: when they count as set
    std::set<std::string> bodies_;                          // variables that hold a message's body
    std::vector<std::string> asked_, owed_;                 // methods without a final response
    std::string call_;
    int last_final_ = 0;  // of the INVITE
    std::size_t commands_ = 0;
    bool identified_ = false, described_ = false, statistics_ = false, has_dialog_ = false,
         cancelled_ = false;
};

}  // namespace sipana::lab
