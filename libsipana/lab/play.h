// Play: one performance of a script by its phones.
//
// Order is the script's: a line that one of our phones sends waits until every line above it has
// happened; an expectation is met as soon as its message comes, in the order of its phone's lines.
// With `independent` a phone's lines wait for its own lines only. Nothing waits by sleeping.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/lab/agent.h"
#include "libsipana/lab/part.h"
#include "libsipana/lab/result.h"
#include "libsipana/lab/script.h"

namespace sipana::lab {

class ProgramPhone;

class Play : public Director {
public:
    static constexpr std::uint32_t max_jumps = 100'000;
    static constexpr std::size_t max_met = 100'000;
    static constexpr Duration info_digit_gap = std::chrono::milliseconds{200};

    struct Setting {
        const Script* script = nullptr;
        const std::vector<Part>* parts = nullptr;
        // By part; nullptr: nobody plays it here, or a program.
        std::span<Agent* const> agents;
        std::vector<ProgramPhone*> programs;  // likewise; empty: there is none
        const Directory* directory = nullptr;
        std::uint64_t number = 0;  // of the plays of one run, from 0
        std::uint64_t seed = 1;
        bool keep_details = true;  // of each step, for results()
        // A response that was waited for, and how long; the first request's time counts from when
        // the play should have begun.
        std::function<void(std::string_view method, int code, Duration)> timed;
        Time due = no_time;
    };
    Play(const Setting& setting, Time now);

    // A call that nobody has yet: is one of the part's expectations waiting for it?
    bool takes(Agent& agent, Conversation& conversation, const Arrival& arrival);
    bool takes(ProgramPhone& phone, Conversation& conversation, const Arrival& arrival);
    void on_timer(Time now);
    std::optional<Time> deadline() const;
    bool over() const { return over_; }  // every part is at its end, or a step failed
    bool failed() const { return failed_; }
    // Ends what is open; called once, when it is over or its time is.
    void end(Time now, std::string_view why = {});
    void end_quietly();  // it is over, and nothing is open
    std::vector<StepResult> results() const;
    // With keep_details: what met the expectations, in order; at most max_met.
    const std::vector<MetMessage>& met_messages() const { return met_messages_; }
    const std::string& why_failed() const { return why_; }
    Time begun() const { return begun_; }

    bool wants(const Conversation& conversation, const Arrival& arrival) override;
    void on_arrival(std::unique_ptr<Arrival> arrival, Time now) override;
    void on_failure(const Conversation& conversation, std::size_t step, std::string why,
                    Time now) override;
    void on_finished(std::size_t part, std::size_t step, Time now) override;
    void on_sent(std::size_t part, std::size_t step, Time now) override;
    void on_again(sip::Transactions::Id id, int status, Time now) override;
    void on_prack(Time now) override;

private:
    struct Progress {        // of one part
        std::size_t at = 0;  // the first step that is not done
        // By step; all parts' lie in three vectors of the play.
        std::span<Outcome> outcome;
        std::span<Time> armed;  // when the step's turn came
        std::span<Time> sent;
        std::span<std::uint8_t> begun;  // sent, or playing: its end is waited for
        std::vector<std::unique_ptr<Arrival>> waiting;
        std::vector<std::unique_ptr<Arrival>>
            kept;  // met an expectation: {names} speak of the last
        Conversation* last = nullptr;
    };

    // An expectation that was met once and wants more copies.
    struct Counted {
        std::size_t part = 0, step = 0;
        sip::Transactions::Id id = 0;
        int status = 0;  // 0: a request
        std::uint32_t heard = 1;
        Arrival* arrival = nullptr;
    };

    ProgramPhone* program(std::size_t p) const {
        return setting_.programs.empty() ? nullptr : setting_.programs[p];
    }
    bool plays(std::size_t p) const {
        return setting_.agents[p] != nullptr || program(p) != nullptr;
    }
    bool takes(std::size_t p, Conversation& conversation, const Arrival& arrival);
    void advance(Time now);
    bool advance_part(std::size_t p, Time now);
    bool step_forward(std::size_t p, std::size_t i, Time now);
    bool send(std::size_t p, std::size_t i, const Send& send, Time now);
    bool expect(std::size_t p, std::size_t i, const Expect& expect, Time now);
    bool media(std::size_t p, std::size_t i, const MediaStep& media, Time now);
    // play_program.cpp
    bool send_by(ProgramPhone& phone, std::size_t p, std::size_t i, Time now);
    bool media_by(ProgramPhone& phone, std::size_t p, std::size_t i, const MediaStep& media,
                  Time now);
    bool meets(std::size_t p, const Step& step, const Expect& expect, const Arrival& arrival) const;
    bool asks_for(const Expect& expect, const Arrival& request, std::size_t p) const;
    bool same_end(const Step& step, const Arrival& arrival) const;
    std::string note_of(const Step& step) const;
    void remember_met(const Step& step, const Arrival& arrival);
    void met(std::size_t p, std::size_t i, std::unique_ptr<Arrival> arrival, Time now);
    bool count(std::size_t p, std::size_t i, const Expect& expect, Time now);
    void after_met(std::size_t p, std::size_t i, const Arrival& arrival, Time now);
    bool answers_itself(std::size_t p, std::size_t i, std::string_view method) const;
    bool cancels_itself(std::size_t p, std::size_t i) const;
    bool wrong_final(std::size_t p, std::size_t i, const Expect& expect, Time now);
    bool above_done(std::size_t p, std::size_t i) const;
    void done(std::size_t p, std::size_t i, Time now, std::string detail = {});
    void fail(std::size_t p, std::size_t i, Time now, std::string why);
    void skip_optional(std::size_t p, std::size_t before);
    void jump(std::size_t p, std::string_view label, Time now);
    void settle(std::size_t p);
    Duration length_of(const MediaStep& media) const;
    Duration patience(const Expect& expect) const;
    // Why the message is not the one meant; empty: it is.
    std::string conditions_met(const Expect& expect, const Arrival& arrival, std::size_t p) const;
    std::string unmet(const Where& where, const Arrival& arrival, std::size_t p) const;
    void capture(const Expect& expect, const Arrival& arrival, std::size_t p);
    std::string fill(std::string_view text, std::size_t p, const Conversation* c) const;
    std::optional<std::string> value_of(std::string_view name, std::size_t p,
                                        const Conversation* c) const;
    const Step& step_at(std::size_t p, std::size_t i) const {
        return *(*setting_.parts)[p].steps[i].step;
    }

    Setting setting_;
    mutable Random random_;
    std::vector<Outcome> outcomes_;
    std::vector<Time> times_;
    std::vector<std::uint8_t> marks_;
    std::vector<Progress> progress_;
    std::map<std::string, std::string, std::less<>> values_;
    std::map<std::pair<std::size_t, std::size_t>, std::pair<Time, std::string>> notes_;
    std::map<std::pair<std::size_t, std::size_t>, Time> pauses_;  // when each ends
    std::vector<Counted> counted_;
    std::vector<MetMessage> met_messages_;
    std::set<std::pair<std::size_t, std::size_t>> held_;  // responses that wait for a PRACK
    std::uint32_t jumps_ = 0;
    Time begun_{};
    bool first_sent_ = false;
    bool over_ = false, failed_ = false, ended_ = false, advancing_ = false;
    std::string why_;
};

}  // namespace sipana::lab
