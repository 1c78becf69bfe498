// The steps of a play: what is sent, what is expected, and what both bring about.
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/lab/play.h"
#include "libsipana/lab/verdict.h"

namespace sipana::lab {
namespace {

std::string got(const Arrival& arrival) {
    switch (arrival.kind) {
        case Arrival::Kind::timed_out:
            return fmt::format("no answer to {} in time", arrival.method);
        case Arrival::Kind::unreachable:
            return fmt::format("{} cannot get there: port closed, or connection refused or lost",
                               arrival.method);
        case Arrival::Kind::message:
            break;
    }
    const sip::Message& m = arrival.message;
    return m.is_request() ? fmt::format("got {}", printable(m.method_name()))
                          : fmt::format("got {} {}", m.status(), printable(m.reason()));
}

std::string wanted(const Expect& expect) {
    if (expect.nothing) return "silence";
    std::string out;
    for (const Pattern& p : expect.any_of) {
        if (!out.empty()) out += " or ";
        if (p.first == 0)
            out += p.method.empty() ? "any message" : p.method;
        else if (p.first == p.last)
            out += fmt::format("{}", p.first);
        else if (p.first % 100 == 0 && p.last == p.first + 99)
            out += fmt::format("{}xx", p.first / 100);
        else
            out += fmt::format("{}..{}", p.first, p.last);
    }
    if (expect.or_nothing) out += " or silence";
    return out;
}

std::string seconds(Duration d) { return fmt::format("{:g} s", to_seconds(d)); }

// {len} of a message written out: the bytes behind its blank line.
std::string with_length(std::string text) {
    constexpr std::string_view name = "{len}";
    const auto at = text.find(name);
    const auto blank = text.find("\r\n\r\n");
    if (at == text.npos || blank == text.npos || at > blank) return text;
    return text.replace(at, name.size(), std::to_string(text.size() - blank - 4));
}

}  // namespace

// As the capture names a line.
std::string Play::note_of(const Step& step) const {
    return fmt::format("{}:{} {}", setting_.script->name, step.where.line, step.text);
}

bool Play::send(std::size_t p, std::size_t i, const Send& send, Time now) {
    if (ProgramPhone* phone = program(p)) return send_by(*phone, p, i, now);
    const Step& step = step_at(p, i);
    const PartStep& known = (*setting_.parts)[p].steps[i];
    Agent& agent = *setting_.agents[p];
    Conversation* c = nullptr;
    const std::string note = setting_.keep_details ? note_of(step) : std::string();
    const auto fill_in = [this, p, &c](std::string_view text) { return fill(text, p, c); };
    const Fill filler = std::cref(fill_in);  // which allocates nothing
    Agent::Told told;
    told.send = &send;
    told.step = i;
    told.acks_itself = !known.acked;
    told.pracks_itself = !known.provisional_acked;
    told.answers_challenges = !known.challenge_told;
    told.tries_again = !known.again_told;
    told.no_ack = known.unacked;
    told.note = note;
    told.fill = &filler;
    Status status = Done{};
    if (const auto* request = std::get_if<Request>(&send.what)) {
        c = agent.find(*this, p, request->method, step.peer, step.call, send.outside);
        if (c == nullptr) c = &agent.begin(*this, p, step.peer, step.call);
        status = agent.request(*c, *request, told, now);
    } else if (const auto* response = std::get_if<Response>(&send.what)) {
        Owed* owed = agent.find_owed(*this, p, send.to, step.peer, step.call, c);
        if (owed == nullptr && !send.to_tag.empty())
            owed = agent.find_accepted(*this, p, step.peer, step.call, c);
        if (owed == nullptr) {
            fail(p, i, now, "there is no request that waits for this response");
            return true;
        }
        if (owed->waits_for_prack(response->code, send.reliable || owed->wants_reliable())) {
            held_.insert({p, i});
            return false;
        }
        owed->step = i;
        status = agent.respond(*c, *owed, *response, told, now);
    } else {
        const auto& raw = std::get<Raw>(send.what);
        c = agent.find(*this, p, "INFO", step.peer, step.call, false);
        if (c == nullptr) c = progress_[p].last;
        if (c == nullptr || c->label != step.call) c = &agent.begin(*this, p, step.peer, step.call);
        status = agent.raw(*c, with_length(fill(raw.text, p, c)), raw.is_template, told, now);
    }
    progress_[p].last = c;
    if (setting_.timed) {
        progress_[p].sent[i] = first_sent_ || setting_.due == no_time ? now : setting_.due;
        first_sent_ = true;
    }
    if (!status) {
        fail(p, i, now, status.error().what);
        return true;
    }
    const auto* request = std::get_if<Request>(&send.what);
    const bool waits = request != nullptr && !known.final_told && request->method != "INVITE" &&
                       request->method != "ACK" && !send.faults.no_retransmission;
    if (waits) {
        progress_[p].begun[i] = 1;
        return false;
    }
    done(p, i, now, "sent");
    return true;
}

bool Play::expect(std::size_t p, std::size_t i, const Expect& expect, Time now) {
    Progress& progress = progress_[p];
    const Step& step = step_at(p, i);
    Time& armed = progress.armed[i];
    if (armed == no_time && above_done(p, i)) armed = now;
    if (progress.begun[i] != 0) return count(p, i, expect, now);
    if (expect.nothing) {
        for (const auto& arrival : progress.waiting)
            if (same_end(step, *arrival) && arrival->kind == Arrival::Kind::message) {
                fail(p, i, now, "expected silence, " + got(*arrival));
                return true;
            }
    }
    for (auto one = progress.waiting.begin(); one != progress.waiting.end(); ++one) {
        if (expect.nothing || !meets(p, step, expect, **one)) continue;
        std::unique_ptr<Arrival> arrival = std::move(*one);
        progress.waiting.erase(one);
        met(p, i, std::move(arrival), now);
        return true;
    }
    if (armed == no_time || now < armed + patience(expect)) return false;
    if (expect.optional && !expect.within) return false;
    if (expect.nothing || expect.or_nothing || expect.optional) {
        done(p, i, now, "silence");
        return true;
    }
    if (!expect.otherwise.empty()) {
        done(p, i, now, "did not come");
        jump(p, expect.otherwise, now);
        return true;
    }
    std::string why =
        fmt::format("expected {} within {}", wanted(expect), seconds(patience(expect)));
    for (const auto& arrival : progress.waiting) {
        const std::string unmet = arrival->kind == Arrival::Kind::message
                                      ? conditions_met(expect, *arrival, p)
                                      : std::string();
        why += fmt::format("; {}{}{}", got(*arrival), unmet.empty() ? "" : ", but ", unmet);
    }
    fail(p, i, now, std::move(why));
    return true;
}

void Play::remember_met(const Step& step, const Arrival& arrival) {
    if (!setting_.keep_details || arrival.kind != Arrival::Kind::message ||
        met_messages_.size() >= max_met)
        return;
    met_messages_.push_back(
        {arrival.at, step.phone, message_digest(arrival.letter->text), note_of(step)});
}

void Play::met(std::size_t p, std::size_t i, std::unique_ptr<Arrival> arrival, Time now) {
    const Step& step = step_at(p, i);
    const auto& expect = std::get<Expect>(step.what);
    Progress& progress = progress_[p];
    Conversation& c = *arrival->conversation;
    if (!setting_.keep_details && counted_.empty()) progress.kept.clear();
    const Arrival& kept = *progress.kept.emplace_back(std::move(arrival));
    progress.last = &c;
    if (setting_.timed && kept.message.is_response() && kept.asked_by != SIZE_MAX &&
        progress.sent[kept.asked_by] != no_time)
        setting_.timed(kept.method, kept.message.status(), now - progress.sent[kept.asked_by]);
    capture(expect, kept, p);
    remember_met(step, kept);
    if (expect.copies > 1) {
        progress.begun[i] = 1;
        counted_.push_back({p, i, kept.transaction,
                            kept.message.is_request() ? 0 : kept.message.status(), 1,
                            progress.kept.back().get()});
        return;
    }
    done(p, i, now, setting_.keep_details ? got(kept) : std::string());
    after_met(p, i, kept, now);
}

// Whether the retransmissions that were asked for have come as well.
bool Play::count(std::size_t p, std::size_t i, const Expect& expect, Time now) {
    const auto counted = std::find_if(counted_.begin(), counted_.end(), [&](const Counted& one) {
        return one.part == p && one.step == i;
    });
    if (counted == counted_.end()) return false;
    const Time armed = progress_[p].armed[i];
    if (counted->heard < expect.copies) {
        if (armed == no_time || now < armed + patience(expect)) return false;
        fail(p, i, now,
             fmt::format("expected {} copies within {}, {} came", expect.copies,
                         seconds(patience(expect)), counted->heard));
        return true;
    }
    const Arrival& arrival = *counted->arrival;
    const std::uint32_t heard = counted->heard;
    counted_.erase(counted);
    done(p, i, now, fmt::format("{}, {} times", got(arrival), heard));
    after_met(p, i, arrival, now);
    return true;
}

// What an expectation that was met brings about.
void Play::after_met(std::size_t p, std::size_t i, const Arrival& kept, Time now) {
    const auto& expect = std::get<Expect>(step_at(p, i).what);
    Conversation& c = *kept.conversation;
    const sip::Message& m = kept.message;
    if (m.is_request() && m.method() != sip::Method::ack) {
        if (Owed* owed = c.owed_by(kept.transaction); owed != nullptr) owed->step = i;
        const bool fresh_invite = m.method() == sip::Method::invite && m.to_tag().empty();
        if (Agent* agent = setting_.agents[p];
            agent != nullptr && !fresh_invite && !answers_itself(p, i, kept.method))
            agent->keep_house(c, kept, now, !cancels_itself(p, i));
    }
    if (!expect.jump.empty()) jump(p, expect.jump, now);
}

// Does the script answer the request that step i expects?
bool Play::answers_itself(std::size_t p, std::size_t i, std::string_view method) const {
    const auto& steps = (*setting_.parts)[p].steps;
    for (std::size_t k = i + 1; k < steps.size(); ++k) {
        const Step& step = *steps[k].step;
        if (step.call != step_at(p, i).call) continue;
        if (const auto* send = std::get_if<Send>(&step.what)) {
            if (const auto* raw = std::get_if<Raw>(&send->what); raw != nullptr && raw->is_template)
                return true;
            if (!std::holds_alternative<Response>(send->what)) continue;
            if (send->to == method) return true;
            if (send->to.empty() && method != "CANCEL") return true;
        } else if (const auto* expect = std::get_if<Expect>(&step.what)) {
            // Behind another request of its kind, or another call, responses are not this one's.
            for (const Pattern& one : expect->any_of)
                if (one.first == 0 && (one.method == method || one.method == "INVITE"))
                    return false;
        }
    }
    return false;
}

// Does the script send the 487 that follows a CANCEL?
bool Play::cancels_itself(std::size_t p, std::size_t i) const {
    const auto& steps = (*setting_.parts)[p].steps;
    for (std::size_t k = i + 1; k < steps.size(); ++k) {
        if (steps[k].step->call != step_at(p, i).call) continue;
        if (const auto* expect = std::get_if<Expect>(&steps[k].step->what))
            for (const Pattern& one : expect->any_of)
                if (one.first == 0 && one.method == "INVITE") return false;
        const auto* send = std::get_if<Send>(&steps[k].step->what);
        const auto* response = send != nullptr ? std::get_if<Response>(&send->what) : nullptr;
        if (response != nullptr && response->code >= 200 &&
            (send->to.empty() || send->to == "INVITE"))
            return true;
    }
    return false;
}

// A final response, or none at all, to the request that this expectation speaks of.
bool Play::wrong_final(std::size_t p, std::size_t i, const Expect& expect, Time now) {
    const auto& steps = (*setting_.parts)[p].steps;
    Progress& progress = progress_[p];
    if (std::none_of(expect.any_of.begin(), expect.any_of.end(),
                     [](const Pattern& one) { return one.first != 0; }) &&
        !expect.or_nothing)
        return false;
    for (auto one = progress.waiting.begin(); one != progress.waiting.end(); ++one) {
        const Arrival& arrival = **one;
        const bool message = arrival.kind == Arrival::Kind::message;
        if (message && (arrival.message.is_request() || arrival.message.status() < 200)) continue;
        if (arrival.asked_by == SIZE_MAX ||
            steps[arrival.asked_by].step->call != step_at(p, i).call)
            continue;
        if (!expect.for_method.empty() && expect.for_method != arrival.method) continue;
        if (!message && (expect.or_nothing || expect.nothing)) {
            progress.waiting.erase(one);
            done(p, i, now, "silence");
            settle(p);
            return true;
        }
        if (!message && !expect.otherwise.empty()) {
            progress.waiting.erase(one);
            done(p, i, now, "did not come");
            jump(p, expect.otherwise, now);
            return true;
        }
        const std::string unmet =
            message && expects_response(expect, arrival.message.status(), arrival.method)
                ? conditions_met(expect, arrival, p)
                : std::string();
        fail(p, i, now,
             fmt::format("expected {}, {}{}{}", wanted(expect), got(arrival),
                         unmet.empty() ? "" : ", but ", unmet));
        return true;
    }
    return false;
}

bool Play::media(std::size_t p, std::size_t i, const MediaStep& media, Time now) {
    if (ProgramPhone* phone = program(p)) return media_by(*phone, p, i, media, now);
    Progress& progress = progress_[p];
    Agent& agent = *setting_.agents[p];
    const Step& step = step_at(p, i);
    Conversation* c = agent.find(*this, p, "INFO", step.peer, step.call, false);
    if (c == nullptr) {
        fail(p, i, now, "there is no call to send media in");
        return true;
    }
    const bool info =
        media.source == MediaStep::Source::digits && media.digits_by == MediaStep::DigitsBy::info;
    if (progress.begun[i] == 0) {
        if (!info)
            if (const Status s = agent.play(*c, media, now); !s) {
                fail(p, i, now, s.error().what);
                return true;
            }
        progress.armed[i] = now;
    }
    if (info) {  // one request a digit (application/dtmf-relay)
        const std::size_t sent = progress.begun[i] == 0 ? 0 : progress.begun[i] - 1u;
        if (sent < media.digits.size() &&
            now >= progress.armed[i] + info_digit_gap * static_cast<int>(sent)) {
            Send digit;
            digit.body_type = "application/dtmf-relay";
            digit.body = fmt::format("Signal={}\r\nDuration=160\r\n", media.digits[sent]);
            const std::string note = note_of(step);
            Agent::Told told;
            told.send = &digit;
            told.note = note;
            (void)agent.request(*c, {"INFO", {}}, told, now);
            progress.begun[i] = static_cast<std::uint8_t>(std::min<std::size_t>(sent + 2, 255));
        }
    } else {
        progress.begun[i] = 1;
    }
    if (media.go_on || now >= progress.armed[i] + length_of(media)) {
        if (!media.go_on) agent.stop(*c, media.video, now);
        done(p, i, now);
        return true;
    }
    return false;
}

Duration Play::length_of(const MediaStep& media) const {
    if (media.source != MediaStep::Source::digits) return media.duration;
    return info_digit_gap * static_cast<int>(media.digits.size()) + std::chrono::milliseconds{100};
}

Duration Play::patience(const Expect& expect) const {
    return expect.within.value_or(setting_.script->timeout);
}

}  // namespace sipana::lab
