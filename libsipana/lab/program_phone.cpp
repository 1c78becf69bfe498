#include "libsipana/lab/program_phone.h"

#include <fmt/format.h>

#include <algorithm>

namespace sipana::lab {

ProgramPhone::ProgramPhone(Setting setting) : setting_(std::move(setting)) {}

void ProgramPhone::greet() { (void)command("reginfo"); }

// ---------------------------------------------------------------- its calls

ProgramPhone::Talk& ProgramPhone::begin(Director* director, std::size_t part, std::string peer,
                                        std::string label) {
    Talk& talk = talks_.emplace_back();
    talk.conversation = std::make_unique<Conversation>();
    Conversation& c = *talk.conversation;
    c.phone = line().name;
    c.part = part;
    c.peer = std::move(peer);
    c.label = std::move(label);
    c.director = director;
    if (director != nullptr) director->conversations.push_back(&c);
    return talk;
}

ProgramPhone::Talk* ProgramPhone::known(std::string_view call_id) {
    for (Talk& talk : talks_)
        if (talk.bound && talk.conversation->call_id == call_id) return &talk;
    return nullptr;
}

// The call that a line means: that of its name and its other end, else of any other end where the
// request goes within a call.
ProgramPhone::Talk* ProgramPhone::find(const Director* director, std::size_t part,
                                       std::string_view method, std::string_view peer,
                                       std::string_view label) {
    const bool within = method != "INVITE";
    Talk* other_end = nullptr;
    for (auto talk = talks_.rbegin(); talk != talks_.rend(); ++talk) {
        const Conversation& c = *talk->conversation;
        if (!talk->call || talk->ended || c.director != director || c.part != part) continue;
        if (c.label != label) continue;
        if (c.peer == peer) return &*talk;
        if (within && other_end == nullptr) other_end = &*talk;
    }
    return other_end;
}

std::size_t ProgramPhone::live_calls() const {
    return static_cast<std::size_t>(std::count_if(
        talks_.begin(), talks_.end(), [](const Talk& t) { return t.call && t.bound && !t.ended; }));
}

// ---------------------------------------------------------------- steps that wait

void ProgramPhone::wait(Waiting waiting, Time now) {
    waiting.until = now + patience;
    if (!claim(waiting, now)) waiting_.push_back(std::move(waiting));
}

// Has the trace shown what the step sends?
bool ProgramPhone::claim(Waiting& waiting, Time now) {
    Talk& talk = *waiting.talk;
    for (std::size_t i = waiting.from; i < talk.sent.size(); ++i) {
        Sent& one = talk.sent[i];
        if (one.claimed || one.code != waiting.code) continue;
        if (!waiting.method.empty() && one.method != waiting.method) continue;
        if (!waiting.body.empty() && one.body != waiting.body) continue;
        one.claimed = true;
        bool waits = false;  // for the final response that no line speaks of
        if (one.code == 0) {
            for (Ask& ask : talk.asks)
                if (ask.method == one.method && ask.cseq == one.cseq) {
                    ask.step = waiting.step;
                    ask.challenge_told = waiting.challenge_told;
                }
            waits = !waiting.final_told && one.method != "INVITE" && one.method != "ACK";
        }
        if (!waits) waiting.director->on_sent(waiting.part, waiting.step, now);
        for (const std::string& text : std::exchange(talk.early, {}))
            if (const auto message = sip::Message::parse(text)) on_response(talk, *message, now);
        return true;
    }
    return false;
}

void ProgramPhone::on_timer(Time now) {
    if (sound_ends_ && *sound_ends_ <= now) stop(false);
    for (auto one = waiting_.begin(); one != waiting_.end();) {
        if (now < one->until) {
            ++one;
            continue;
        }
        const Waiting late = std::move(*one);
        one = waiting_.erase(one);
        std::string why = fmt::format("{} did not send {} within {:g} s", line().program,
                                      late.code == 0 ? late.method : fmt::format("{}", late.code),
                                      to_seconds(patience));
        if (!trace_.last_lines().empty())
            why += fmt::format("; it says: {}", trace_.last_lines().back());
        late.director->on_failure(*late.talk->conversation, late.step, std::move(why), now);
    }
}

std::optional<Time> ProgramPhone::deadline() const {
    std::optional<Time> first = sound_ends_;
    for (const Waiting& one : waiting_)
        if (!first || one.until < *first) first = one.until;
    return first;
}

// ---------------------------------------------------------------- the end

void ProgramPhone::hang_up(const Director& director) {
    for (Talk& talk : talks_) {
        if (talk.conversation->director != &director || !talk.call || !talk.bound || talk.ended)
            continue;
        std::uint64_t token = 0;
        (void)in_call(talk, "hangup", {}, token);
    }
    waiting_.clear();
}

bool ProgramPhone::idle() const {
    if (failed()) return true;
    return output_.empty() && live_calls() == 0 &&
           std::none_of(talks_.begin(), talks_.end(), [](const Talk& talk) {
               return std::any_of(talk.asks.begin(), talk.asks.end(), [](const Ask& ask) {
                   return ask.method == "BYE" && ask.step != SIZE_MAX && !ask.finished;
               });
           });
}

void ProgramPhone::forget(Director& director) {
    std::erase_if(waiting_, [&](const Waiting& one) { return one.director == &director; });
    std::erase_if(talks_, [&](const Talk& talk) {
        if (talk.conversation->director != &director) return false;
        std::erase(director.conversations, talk.conversation.get());
        return true;
    });
}

std::vector<std::pair<std::string, std::string>> ProgramPhone::calls_of(
    const Director& director) const {
    std::vector<std::pair<std::string, std::string>> out;
    for (const Talk& talk : talks_) {
        const Conversation& c = *talk.conversation;
        if (c.director == &director && talk.bound)
            out.emplace_back(c.label.empty() ? line().name : line().name + "/" + c.label,
                             c.call_id);
    }
    return out;
}

void ProgramPhone::on_ended(std::string_view why, Time now) {
    std::string text(why);
    if (!trace_.last_lines().empty())
        text += fmt::format("; it says: {}", trace_.last_lines().back());
    fail(std::move(text), now);
}

void ProgramPhone::fail(std::string why, Time now) {
    if (failed()) return;
    why_ = fmt::format("{}: {}", line().name, why);
    const std::list<Waiting> all = std::exchange(waiting_, {});
    for (const Waiting& one : all)
        one.director->on_failure(*one.talk->conversation, one.step, why, now);
}

}  // namespace sipana::lab
