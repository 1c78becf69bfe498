#include "libsipana/lab/play.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/program_phone.h"

namespace sipana::lab {
namespace {

constexpr std::size_t max_waiting = 1000;  // messages of a phone that no line has asked for yet

}  // namespace

Play::Play(const Setting& setting, Time now)
    : setting_(setting), random_(setting.seed), begun_(now) {
    std::size_t all = 0, at = 0;
    for (const Part& part : *setting.parts) all += part.steps.size();
    outcomes_.assign(all, Outcome::not_reached);
    times_.assign(2 * all, no_time);
    marks_.assign(all, 0);
    progress_ = std::vector<Progress>(setting.parts->size());
    for (std::size_t p = 0; p < progress_.size(); ++p) {
        const std::size_t n = (*setting.parts)[p].steps.size();
        Progress& one = progress_[p];
        one.outcome = std::span(outcomes_).subspan(at, n);
        one.armed = std::span(times_).subspan(at, n);
        one.sent = std::span(times_).subspan(all + at, n);
        one.begun = std::span(marks_).subspan(at, n);
        at += n;
        if (plays(p)) continue;
        std::fill(one.outcome.begin(), one.outcome.end(), Outcome::skipped);
        one.at = n;
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

// Is it this request that the line speaks of? What else it asks of it is looked at when its turn
// comes; but a NOTIFY of another event (RFC 6665 8.2.1) is another matter, and a phone's own.
bool Play::asks_for(const Expect& expect, const Arrival& request, std::size_t p) const {
    if (std::none_of(expect.any_of.begin(), expect.any_of.end(),
                     [&](const Pattern& one) { return matches_request(one, request.method); }))
        return false;
    return request.method != "NOTIFY" ||
           std::all_of(expect.where.begin(), expect.where.end(), [&](const Where& one) {
               return !iequals(one.header, "Event") || unmet(one, request, p).empty();
           });
}

bool Play::takes(Agent& agent, Conversation& conversation, const Arrival& arrival) {
    if (over_) return false;
    for (std::size_t p = 0; p < progress_.size(); ++p)
        if (setting_.agents[p] == &agent && takes(p, conversation, arrival)) return true;
    return false;
}

bool Play::takes(std::size_t p, Conversation& conversation, const Arrival& arrival) {
    const Part& part = (*setting_.parts)[p];
    for (std::size_t i = part.jumps ? 0 : progress_[p].at; i < part.steps.size(); ++i) {
        const Step& step = *part.steps[i].step;
        const auto* expect = std::get_if<Expect>(&step.what);
        if (expect == nullptr || (progress_[p].outcome[i] != Outcome::not_reached && !part.jumps))
            continue;
        if (!conversation.peer.empty() && conversation.peer != step.peer) continue;
        if (!expect->nothing && !asks_for(*expect, arrival, p)) continue;
        conversation.director = this;
        conversation.part = p;
        conversation.peer = step.peer;
        conversation.label = step.call;
        return true;
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
        if (is_request ? asks_for(*expect, arrival, p)
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

void Play::on_again(sip::Transactions::Id id, int status, Time now) {
    for (Counted& one : counted_)
        if (one.id == id && one.status == status) ++one.heard;
    if (!counted_.empty()) advance(now);
}

void Play::on_prack(Time now) {
    if (held_.empty()) return;
    held_.clear();
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
            if (plays(p)) moved = advance_part(p, now) || moved;
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
                if (progress.begun[i] == 0 && !held_.contains({p, i}))
                    consider(armed + send->after);
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
    for (ProgramPhone* phone : setting_.programs)
        if (phone != nullptr) phone->hang_up(*this);
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
