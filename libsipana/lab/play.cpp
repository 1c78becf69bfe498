#include "libsipana/lab/play.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"

namespace sipana::lab {
namespace {

constexpr std::size_t max_waiting = 1000;  // messages of a phone that no line has asked for yet
constexpr Duration info_digit_gap = std::chrono::milliseconds{200};

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

}  // namespace

Play::Play(const Setting& setting, Time now)
    : setting_(setting), random_(setting.seed), begun_(now) {
    progress_ = std::vector<Progress>(setting.parts->size());
    for (std::size_t p = 0; p < progress_.size(); ++p) {
        const std::size_t n = (*setting.parts)[p].steps.size();
        progress_[p].outcome.assign(n, Outcome::not_reached);
        progress_[p].armed.assign(n, no_time);
        progress_[p].begun.assign(n, 0);
        if (setting_.timed) progress_[p].sent.assign(n, no_time);
        if (setting_.agents[p] != nullptr) continue;
        progress_[p].outcome.assign(n, Outcome::skipped);
        progress_[p].at = n;
    }
}

// ---------------------------------------------------------------- what arrives

bool Play::same_end(const Step& step, const Arrival& arrival) const {
    const Conversation& c = *arrival.conversation;
    return step.call == c.label &&
           (step.peer == c.peer || c.peer.empty() || !c.incoming ||
            setting_.directory->by_endpoint(c.hop.remote) == nullptr ||
            setting_.directory->by_endpoint(c.hop.remote)->name == step.peer);
}

bool Play::takes(Agent& agent, Conversation& conversation, const Arrival& arrival) {
    if (over_) return false;
    for (std::size_t p = 0; p < progress_.size(); ++p) {
        if (setting_.agents[p] != &agent) continue;
        const Part& part = (*setting_.parts)[p];
        for (std::size_t i = part.jumps ? 0 : progress_[p].at; i < part.steps.size(); ++i) {
            const Step& step = *part.steps[i].step;
            const auto* expect = std::get_if<Expect>(&step.what);
            if (expect == nullptr ||
                (progress_[p].outcome[i] != Outcome::not_reached && !part.jumps))
                continue;
            if (!conversation.peer.empty() && conversation.peer != step.peer) continue;
            if (std::none_of(
                    expect->any_of.begin(), expect->any_of.end(),
                    [&](const Pattern& one) { return matches_request(one, arrival.method); }) &&
                !expect->nothing)
                continue;
            conversation.director = this;
            conversation.part = p;
            conversation.peer = step.peer;
            conversation.label = step.call;
            return true;
        }
    }
    return false;
}

bool Play::wants(const Conversation& conversation, const Arrival& arrival) {
    const std::size_t p = conversation.part;
    if (over_ || ended_ || progress_[p].waiting.size() >= max_waiting) return false;
    const Part& part = (*setting_.parts)[p];
    const Progress& progress = progress_[p];
    const bool is_request = arrival.kind == Arrival::Kind::message && arrival.message.is_request();
    if (!is_request) {
        const bool final =
            arrival.kind != Arrival::Kind::message || arrival.message.status() >= 200;
        if (arrival.asked_by == SIZE_MAX) return false;
        if (final) return part.steps[arrival.asked_by].final_told;
    }
    for (std::size_t i = part.jumps ? 0 : progress.at; i < part.steps.size(); ++i) {
        const Step& step = *part.steps[i].step;
        const auto* expect = std::get_if<Expect>(&step.what);
        if (expect == nullptr || (progress.outcome[i] != Outcome::not_reached && !part.jumps))
            continue;
        if (step.call != conversation.label) continue;
        if (expect->nothing && i == progress.at && is_request) return true;
        if (is_request ? std::any_of(expect->any_of.begin(), expect->any_of.end(),
                                     [&](const Pattern& one) {
                                         return matches_request(one, arrival.method);
                                     })
                       : expects_response(*expect, arrival.message.status(), arrival.method))
            return true;
    }
    return false;
}

void Play::on_arrival(std::unique_ptr<Arrival> arrival, Time now) {
    const std::size_t p = arrival->conversation->part;
    progress_[p].waiting.push_back(std::move(arrival));
    advance(now);
}

void Play::on_failure(const Conversation& conversation, std::size_t step, std::string why,
                      Time now) {
    if (over_ || ended_) return;
    const std::size_t p = conversation.part;
    if (step >= progress_[p].outcome.size() || progress_[p].outcome[step] == Outcome::done)
        step = std::min(progress_[p].at, progress_[p].outcome.size() - 1);
    fail(p, step, now, std::move(why));
}

void Play::on_finished(std::size_t p, std::size_t step, Time now) {
    if (over_ || step >= progress_[p].begun.size()) return;
    if (progress_[p].begun[step] == 0 || progress_[p].outcome[step] != Outcome::not_reached) return;
    if (!std::holds_alternative<Send>(step_at(p, step).what)) return;
    done(p, step, now, "answered");
    advance(now);
}

bool Play::meets(std::size_t p, const Step& step, const Expect& expect,
                 const Arrival& arrival) const {
    if (arrival.kind != Arrival::Kind::message || !same_end(step, arrival)) return false;
    if (arrival.message.is_request()) {
        if (std::none_of(expect.any_of.begin(), expect.any_of.end(),
                         [&](const Pattern& one) { return matches_request(one, arrival.method); }))
            return false;
    } else if (!expects_response(expect, arrival.message.status(), arrival.method)) {
        return false;
    }
    return conditions_met(expect, arrival, p).empty();
}

// ---------------------------------------------------------------- whose turn it is

bool Play::above_done(std::size_t p, std::size_t i) const {
    if (setting_.script->independent) return true;
    const PartStep& mine = (*setting_.parts)[p].steps[i];
    for (std::size_t q = 0; q < progress_.size(); ++q) {
        if (q == p) continue;
        const auto& steps = (*setting_.parts)[q].steps;
        for (std::size_t k = progress_[q].at; k < steps.size() && steps[k].index < mine.index;
             ++k) {
            if (progress_[q].outcome[k] != Outcome::not_reached) continue;
            const Step& other = *steps[k].step;
            if (other.block != 0 && other.block == mine.step->block) continue;
            if (const auto* expect = std::get_if<Expect>(&other.what);
                expect != nullptr && expect->optional)
                continue;
            // "alice <> bob": both play at once.
            if (std::holds_alternative<MediaStep>(other.what) &&
                std::holds_alternative<MediaStep>(mine.step->what) &&
                other.where.line == mine.step->where.line)
                continue;
            return false;
        }
    }
    return true;
}

void Play::advance(Time now) {
    if (advancing_ || over_) return;
    advancing_ = true;
    for (bool moved = true; moved && !over_;) {
        moved = false;
        for (std::size_t p = 0; p < progress_.size() && !over_; ++p)
            if (setting_.agents[p] != nullptr) moved = advance_part(p, now) || moved;
    }
    advancing_ = false;
    if (over_) return;
    over_ = std::all_of(progress_.begin(), progress_.end(),
                        [](const Progress& one) { return one.at == one.outcome.size(); });
}

// The step whose turn it is; those of its block besides; and behind optional expectations what may
// come in their place.
bool Play::advance_part(std::size_t p, Time now) {
    Progress& progress = progress_[p];
    const auto& steps = (*setting_.parts)[p].steps;
    if (progress.at == steps.size()) return false;
    const std::uint32_t block = steps[progress.at].step->block;
    for (std::size_t i = progress.at; i < steps.size() && !over_; ++i) {
        const Step& step = *steps[i].step;
        if (step.block != block) break;
        if (progress.outcome[i] == Outcome::not_reached) {
            const std::size_t before = progress.at;
            if (step_forward(p, i, now)) {
                if (block == 0 && progress.at == before) skip_optional(p, i);
                settle(p);
                return true;
            }
            const auto* expect = std::get_if<Expect>(&step.what);
            if (block == 0 && (expect == nullptr || !expect->optional)) break;
        }
    }
    if (!over_ && block == 0) {
        // Nothing met the expectations: a final response that none of them speaks of decides.
        for (std::size_t i = progress.at; i < steps.size(); ++i) {
            const auto* expect = std::get_if<Expect>(&steps[i].step->what);
            if (expect == nullptr) break;
            if (!expect->optional) {
                if (wrong_final(p, i, *expect, now)) return true;
                break;
            }
        }
    }
    return false;
}

void Play::skip_optional(std::size_t p, std::size_t before) {
    for (std::size_t i = progress_[p].at; i < before; ++i)
        if (progress_[p].outcome[i] == Outcome::not_reached) {
            progress_[p].outcome[i] = Outcome::skipped;
            notes_[{p, i}] = {no_time, "did not come"};
        }
}

void Play::settle(std::size_t p) {
    Progress& progress = progress_[p];
    while (progress.at < progress.outcome.size() &&
           progress.outcome[progress.at] != Outcome::not_reached)
        ++progress.at;
}

bool Play::step_forward(std::size_t p, std::size_t i, Time now) {
    const Step& step = step_at(p, i);
    if (const auto* one = std::get_if<Expect>(&step.what)) return expect(p, i, *one, now);
    if (progress_[p].begun[i] != 0) {
        if (const auto* one = std::get_if<MediaStep>(&step.what)) return media(p, i, *one, now);
        return false;  // a request whose answer is waited for
    }
    if (!above_done(p, i)) return false;
    Time& armed = progress_[p].armed[i];
    if (armed == no_time) armed = now;
    if (const auto* one = std::get_if<Send>(&step.what)) {
        if (now < armed + one->after) return false;
        return send(p, i, *one, now);
    }
    if (const auto* one = std::get_if<MediaStep>(&step.what)) return media(p, i, *one, now);
    if (const auto* one = std::get_if<Pause>(&step.what)) {
        if (progress_[p].begun[i] == 0 && pauses_.find({p, i}) == pauses_.end()) {
            const auto span = static_cast<std::uint64_t>((one->longest - one->shortest).count());
            pauses_[{p, i}] =
                armed + one->shortest +
                Duration{span > 0 ? static_cast<std::int64_t>(random_.below(span + 1)) : 0};
        }
        if (now < pauses_[{p, i}]) return false;
        pauses_.erase({p, i});
        done(p, i, now);
        return true;
    }
    if (const auto* one = std::get_if<Jump>(&step.what)) {
        const bool always = one->left.empty() && one->right.empty();
        bool taken = always || ((fill(one->left, p, nullptr) == fill(one->right, p, nullptr)) !=
                                one->unequal);
        if (taken && one->chance < 1) taken = random_.chance(one->chance);
        done(p, i, now, taken ? "taken" : "not taken");
        if (taken) jump(p, one->label, now);
        return true;
    }
    if (const auto* one = std::get_if<Assign>(&step.what))
        values_[one->name] = fill(one->value, p, nullptr);
    done(p, i, now);
    return true;
}

void Play::jump(std::size_t p, std::string_view label, Time now) {
    const auto found = (*setting_.parts)[p].labels.find(std::string(label));
    if (found == (*setting_.parts)[p].labels.end()) {
        fail(p, std::min(progress_[p].at, progress_[p].outcome.size() - 1), now,
             fmt::format("there is no label {}", label));
        return;
    }
    if (++jumps_ > max_jumps) {
        fail(p, found->second, now, fmt::format("more than {} jumps", max_jumps));
        return;
    }
    Progress& progress = progress_[p];
    for (std::size_t i = 0; i < progress.outcome.size(); ++i) {
        if (i >= found->second) {
            progress.outcome[i] = Outcome::not_reached;
            progress.armed[i] = no_time;
            progress.begun[i] = 0;
        } else if (progress.outcome[i] == Outcome::not_reached) {
            progress.outcome[i] = Outcome::skipped;
        }
    }
    progress.at = found->second;
}

// ---------------------------------------------------------------- the steps

bool Play::send(std::size_t p, std::size_t i, const Send& send, Time now) {
    const Step& step = step_at(p, i);
    const PartStep& known = (*setting_.parts)[p].steps[i];
    Agent& agent = *setting_.agents[p];
    Conversation* c = nullptr;
    const std::string note = setting_.keep_details ? fmt::format("{}:{} {}", setting_.script->name,
                                                                 step.where.line, step.text)
                                                   : std::string();
    const Fill filler = [this, p, &c](std::string_view text) { return fill(text, p, c); };
    Agent::Told told;
    told.send = &send;
    told.step = i;
    told.acks_itself = !known.acked;
    told.pracks_itself = !known.provisional_acked;
    told.answers_challenges = !known.challenge_told;
    told.note = note;
    told.fill = &filler;
    Status status = Done{};
    if (const auto* request = std::get_if<Request>(&send.what)) {
        c = agent.find(*this, p, request->method, step.peer, step.call, send.outside);
        if (c == nullptr) c = &agent.begin(*this, p, step.peer, step.call);
        status = agent.request(*c, *request, told, now);
    } else if (const auto* response = std::get_if<Response>(&send.what)) {
        Owed* owed = agent.find_owed(*this, p, send.to, step.peer, step.call, c);
        if (owed == nullptr) {
            fail(p, i, now, "there is no request that waits for this response");
            return true;
        }
        owed->step = i;
        status = agent.respond(*c, *owed, *response, told, now);
    } else {
        const auto& raw = std::get<Raw>(send.what);
        c = agent.find(*this, p, "INFO", step.peer, step.call, false);
        if (c == nullptr) c = progress_[p].last;
        if (c == nullptr || c->label != step.call) c = &agent.begin(*this, p, step.peer, step.call);
        status = agent.raw(*c, fill(raw.text, p, c), raw.is_template, told, now);
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

void Play::met(std::size_t p, std::size_t i, std::unique_ptr<Arrival> arrival, Time now) {
    const Step& step = step_at(p, i);
    const auto& expect = std::get<Expect>(step.what);
    Progress& progress = progress_[p];
    Conversation& c = *arrival->conversation;
    if (!setting_.keep_details) progress.kept.clear();
    const Arrival& kept = *progress.kept.emplace_back(std::move(arrival));
    progress.last = &c;
    if (setting_.timed && kept.message.is_response() && kept.asked_by != SIZE_MAX &&
        progress.sent[kept.asked_by] != no_time)
        setting_.timed(kept.method, kept.message.status(), now - progress.sent[kept.asked_by]);
    capture(expect, kept, p);
    done(p, i, now, setting_.keep_details ? got(kept) : std::string());
    const sip::Message& m = kept.message;
    if (m.is_request() && m.method() != sip::Method::ack) {
        if (Owed* owed = c.owed_by(kept.transaction); owed != nullptr) owed->step = i;
        const bool fresh_invite = m.method() == sip::Method::invite && m.to_tag().empty();
        if (!fresh_invite && !answers_itself(p, i, kept.method))
            setting_.agents[p]->keep_house(c, kept, now, !cancels_itself(p, i));
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
            const std::string note =
                fmt::format("{}:{} {}", setting_.script->name, step.where.line, step.text);
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

// ---------------------------------------------------------------- outcomes

void Play::done(std::size_t p, std::size_t i, Time now, std::string detail) {
    progress_[p].outcome[i] = Outcome::done;
    if (setting_.keep_details) notes_[{p, i}] = {now, std::move(detail)};
    settle(p);
}

void Play::fail(std::size_t p, std::size_t i, Time now, std::string why) {
    progress_[p].outcome[i] = Outcome::failed;
    why_ = fmt::format("{}: {}", step_at(p, i).where.line, why);
    notes_[{p, i}] = {now, std::move(why)};
    failed_ = over_ = true;
}

void Play::on_timer(Time now) { advance(now); }

std::optional<Time> Play::deadline() const {
    if (over_) return std::nullopt;
    std::optional<Time> first;
    const auto consider = [&](Time at) {
        if (!first || at < *first) first = at;
    };
    for (std::size_t p = 0; p < progress_.size(); ++p) {
        const Progress& progress = progress_[p];
        const auto& steps = (*setting_.parts)[p].steps;
        for (std::size_t i = progress.at; i < steps.size(); ++i) {
            const Step& step = *steps[i].step;
            if (i > progress.at && progress.armed[i] == no_time) break;
            const Time armed = progress.armed[i];
            if (armed == no_time || progress.outcome[i] != Outcome::not_reached) continue;
            if (const auto* send = std::get_if<Send>(&step.what)) {
                if (progress.begun[i] == 0) consider(armed + send->after);
            } else if (const auto* expect = std::get_if<Expect>(&step.what)) {
                if (!expect->optional || expect->within) consider(armed + patience(*expect));
            } else if (const auto* media = std::get_if<MediaStep>(&step.what)) {
                const bool info = media->digits_by == MediaStep::DigitsBy::info &&
                                  media->source == MediaStep::Source::digits;
                if (info && progress.begun[i] != 0 && progress.begun[i] - 1u < media->digits.size())
                    consider(armed + info_digit_gap * (progress.begun[i] - 1));
                else
                    consider(armed + length_of(*media));
            } else if (const auto pause = pauses_.find({p, i}); pause != pauses_.end()) {
                consider(pause->second);
            }
        }
    }
    return first;
}

void Play::end(Time now, std::string_view why) {
    if (ended_) return;
    ended_ = true;
    if (!over_ && !why.empty()) {
        failed_ = over_ = true;
        why_ = why;
    }
    for (Agent* agent : setting_.agents)
        if (agent != nullptr) agent->hang_up(*this, now);
}

void Play::end_quietly() {
    ended_ = true;
    for (Progress& one : progress_) {
        one.waiting.clear();
        one.kept.clear();
    }
}

std::vector<StepResult> Play::results() const {
    std::vector<StepResult> out(setting_.script->steps.size());
    for (std::size_t p = 0; p < progress_.size(); ++p) {
        const Part& part = (*setting_.parts)[p];
        for (std::size_t i = 0; i < part.steps.size(); ++i) {
            const Step& step = *part.steps[i].step;
            StepResult& one = out[part.steps[i].index];
            one.line = step.where.line;
            one.phone = step.phone;
            one.text = step.text;
            one.outcome = progress_[p].outcome[i];
            if (const auto note = notes_.find({p, i}); note != notes_.end())
                std::tie(one.at, one.detail) = note->second;
        }
    }
    return out;
}

}  // namespace sipana::lab
