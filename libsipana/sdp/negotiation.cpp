#include "libsipana/sdp/negotiation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "libsipana/base/text.h"
#include "libsipana/sdp/agreement.h"
#include "libsipana/sdp/rules.h"
#include "libsipana/sdp/session.h"

namespace sipana::sdp {
namespace {

std::uint64_t hash_text(std::uint64_t seed, std::string_view text) {
    std::uint64_t h = mix(seed, text.size() + 1);
    while (!text.empty()) {
        std::uint64_t word = 0;
        const std::size_t n = std::min(text.size(), sizeof word);
        std::memcpy(&word, text.data(), n);
        h = mix(h, word);
        text.remove_prefix(n);
    }
    return h;
}

// The description without o=, so that the same words under another version are known again.
std::uint64_t content_of(const Session& session) {
    std::uint64_t h = 1;
    for (const Line& line : session.lines())
        if (line.type != 'o')
            h = hash_text(mix(h, static_cast<unsigned char>(line.type)), trim(line.value));
    return h == 0 ? 1 : h;
}

bool waits(const Exchange& e) {
    return e.outcome == Outcome::pending || e.outcome == Outcome::early;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::pending:
            return "pending";
        case Outcome::answered:
            return "answered";
        case Outcome::early:
            return "early";
        case Outcome::refused:
            return "refused";
        case Outcome::withdrawn:
            return "withdrawn";
    }
    return "pending";
}

void Negotiation::add(std::string_view rule, std::uint32_t message, std::string text) {
    if (findings_.size() < max_negotiation_findings)
        findings_.push_back(finding_of(rule, message, std::move(text)));
}

void Negotiation::offer(Side side, const Session& session, Time now, std::uint32_t message,
                        bool delayed) {
    const std::uint64_t content = content_of(session);
    if (repeats(side, session)) return;
    for (Exchange& e : ledger_) {
        if (e.outcome != Outcome::pending) continue;
        if (e.offerer != side) {
            add("sdp-offers-crossed", message, "both sides have an offer without an answer");
        } else {
            add("sdp-offer-before-answer", message, "the offer before it has no answer yet");
            e.outcome = Outcome::withdrawn;
        }
    }
    // An end that was followed by talk was none (a CANCEL that came too late, RFC 3261 9.1).
    if (in_force_) ledger_[*in_force_].in_force_until = no_time;

    Exchange made;
    made.offerer = side;
    made.offer_message = message;
    made.offered_at = now;
    made.delayed = delayed;
    made.media = offered_lines(session);
    Record record;
    record.offered = content;
    record.timing = trim(session.first('t').value_or(""));
    for (const Media& media : session.media())
        record.rtcp_without_mux.push_back(media.rtcp_without_mux());
    made.session_version_note = check_origin(side, session, content, message);
    check_offer(made, message);
    check_bindings(side, session, message);
    make_room(message);
    ledger_.push_back(std::move(made));
    records_.push_back(std::move(record));
}

void Negotiation::answer(Side side, const Session& session, Time now, std::uint32_t message,
                         bool early) {
    const std::uint64_t content = content_of(session);
    const auto index = open_exchange(side);
    if (!index) {
        answer_again(session, content, side, message);
        return;
    }
    Exchange& e = ledger_[*index];
    const Outcome settled = early ? Outcome::early : Outcome::answered;
    if (e.answer_message && records_[*index].answered == content) {
        e.outcome = settled;  // the same words again: one exchange
        bring_into_force(*index, now);
        check_origin(side, session, content, message);
        return;
    }
    if (e.outcome == Outcome::early)
        add("sdp-answer-changed", message,
            early ? "another provisional response answers with other words"
                  : "the final response answers with other words than the provisional one");
    const std::string note = check_origin(side, session, content, message);
    if (!note.empty()) {
        if (!e.session_version_note.empty()) e.session_version_note += "; ";
        e.session_version_note += "answer: " + note;
    }
    e.answer_message = message;
    e.answered_at = now;
    e.outcome = settled;
    records_[*index].answered = content;
    settle(*index, session, message);
    check_bindings(side, session, message);
    bring_into_force(*index, now);
}

// An answer where no offer waits: said before (a 2xx repeats its 18x), changed, or out of the blue.
void Negotiation::answer_again(const Session& session, std::uint64_t content, Side side,
                               std::uint32_t message) {
    bool answered_before = false;
    for (std::size_t i = 0; i < ledger_.size(); ++i) {
        if (ledger_[i].offerer == side || !ledger_[i].answer_message) continue;
        answered_before = true;
        if (records_[i].answered == content) return;
    }
    if (spoken_[static_cast<std::size_t>(side)].content == content) return;
    if (answered_before)
        add("sdp-answer-changed", message,
            "the offer has its answer; this other one is to be ignored");
    else
        add("sdp-answer-without-offer", message, "nothing was offered");
    check_origin(side, session, content, message);
}

std::optional<std::size_t> Negotiation::open_exchange(Side answerer) const {
    for (std::size_t i = ledger_.size(); i-- > 0;) {
        const Exchange& e = ledger_[i];
        if (e.offerer == answerer) continue;
        if (waits(e)) return i;
        // A CANCEL may cross the answer: then the call is answered after all (RFC 3261 9.1).
        if (e.outcome == Outcome::withdrawn && i + 1 == ledger_.size()) return i;
        if (e.outcome == Outcome::answered) return std::nullopt;
    }
    return std::nullopt;
}

void Negotiation::settle(std::size_t index, const Session& session, std::uint32_t message) {
    Exchange& e = ledger_[index];
    const auto answers = session.media();
    if (answers.size() != e.media.size())
        add("sdp-answer-media-count", message,
            fmt::format("{} m-lines offered, {} answered", e.media.size(), answers.size()));
    const std::string_view timing = trim(session.first('t').value_or(""));
    if (!timing.empty() && !records_[index].timing.empty() && timing != records_[index].timing)
        add("sdp-answer-timing", message,
            fmt::format("t= is '{}' in the offer, '{}' in the answer", records_[index].timing,
                        timing));
    Keeping left;
    std::vector<Breach> breaches;
    for (std::size_t i = 0; i < e.media.size(); ++i) {
        MediaLine& line = e.media[i];
        line.answer.reset();
        line.agreed.clear();
        line.direction = Direction::inactive;
        if (i >= answers.size()) continue;
        line.answer = describe(answers[i], left);
        agree(line, e.offerer, records_[index].rtcp_without_mux[i], answers[i]);
        check_answer(line, answers[i], breaches);
    }
    for (Breach& b : breaches) add(b.rule, message, std::move(b.text));
}

void Negotiation::bring_into_force(std::size_t index, Time now) {
    if (in_force_ && *in_force_ != index) ledger_[*in_force_].in_force_until = now;
    ledger_[index].in_force_until = no_time;
    in_force_ = index;
}

// An exchange that may still change ends; what was in force before it is in force again.
void Negotiation::end_early(std::size_t index, Outcome outcome, Time now) {
    Exchange& e = ledger_[index];
    const bool was_early = e.outcome == Outcome::early;
    e.outcome = outcome;
    if (!was_early || in_force_ != index) return;
    e.in_force_until = now;
    for (std::size_t i = index; i-- > 0;) {
        if (ledger_[i].outcome != Outcome::answered) continue;
        ledger_[i].in_force_until = no_time;
        in_force_ = i;
        return;
    }
    if (outcome == Outcome::refused) in_force_.reset();
}

bool Negotiation::repeats(Side side, const Session& session) const {
    if (ledger_.empty()) return false;
    const Exchange& last = ledger_.back();
    return last.outcome == Outcome::pending && last.offerer == side &&
           records_.back().offered == content_of(session);
}

bool Negotiation::same_words(const Negotiation& other) const {
    if (ledger_.size() != other.ledger_.size()) return false;
    for (std::size_t i = 0; i < ledger_.size(); ++i)
        if (ledger_[i].offerer != other.ledger_[i].offerer ||
            records_[i].offered != other.records_[i].offered ||
            records_[i].answered != other.records_[i].answered)
            return false;
    return true;
}

void Negotiation::refuse(Time now, std::optional<Side> offerer) {
    for (std::size_t i = ledger_.size(); i-- > 0;) {
        if (offerer && ledger_[i].offerer != *offerer) continue;
        const bool may_change = ledger_[i].outcome == Outcome::early && i + 1 == ledger_.size();
        if (ledger_[i].outcome != Outcome::pending && !may_change) continue;
        end_early(i, Outcome::refused, now);
        return;
    }
}

void Negotiation::withdraw(Time now) {
    if (offer_pending()) {
        for (std::size_t i = ledger_.size(); i-- > 0;)
            if (ledger_[i].outcome == Outcome::pending ||
                (ledger_[i].outcome == Outcome::early && i + 1 == ledger_.size()))
                end_early(i, Outcome::withdrawn, now);
    } else if (in_force_ && ledger_[*in_force_].in_force_until == no_time) {
        ledger_[*in_force_].in_force_until = now;
    }
}

bool Negotiation::offer_pending() const {
    if (ledger_.empty()) return false;
    return waits(ledger_.back()) ||
           std::any_of(ledger_.begin(), ledger_.end(),
                       [](const Exchange& e) { return e.outcome == Outcome::pending; });
}

Side Negotiation::offerer() const {
    return ledger_.empty() ? Side::caller : ledger_.back().offerer;
}

const Exchange* Negotiation::in_force() const { return in_force_ ? &ledger_[*in_force_] : nullptr; }

// The first exchange made the call, so it stays; the one after it goes.
void Negotiation::make_room(std::uint32_t message) {
    if (ledger_.size() < max_exchanges) return;
    const bool said = std::any_of(findings_.begin(), findings_.end(),
                                  [](const Finding& f) { return f.rule == "sdp-ledger-full"; });
    if (!said)
        add("sdp-ledger-full", message,
            fmt::format("more than {} exchanges: those after the first are left out",
                        max_exchanges));
    ledger_.erase(ledger_.begin() + 1);
    records_.erase(records_.begin() + 1);
    if (in_force_ && *in_force_ == 1)
        in_force_.reset();
    else if (in_force_ && *in_force_ > 1)
        --*in_force_;
}

// RFC 3264 8: o= stays, but for the version, which grows by one with each change.
std::string Negotiation::check_origin(Side side, const Session& session, std::uint64_t content,
                                      std::uint32_t message) {
    Spoken& last = spoken_[static_cast<std::size_t>(side)];
    const std::string_view said = trim(session.first('o').value_or(""));
    const auto now = parse_origin(said);
    const std::string before_text = std::exchange(last.origin, std::string(said));
    const std::uint64_t before_content = std::exchange(last.content, content);
    const auto before = parse_origin(before_text);
    if (!before || !now) return {};
    const auto odd = [&](std::string_view rule, std::string text) {
        add(rule, message, text);
        return text;
    };
    if (before->username != now->username || before->session_id != now->session_id ||
        before->nettype != now->nettype || before->addrtype != now->addrtype ||
        before->host != now->host)
        return odd("sdp-origin-changed", fmt::format("o= was '{}', is '{}'", before_text, said));
    const auto old_version = to_number<std::uint64_t>(before->session_version);
    const auto version = to_number<std::uint64_t>(now->session_version);
    if (before->session_version == now->session_version) {
        if (before_content == content) return {};
        return odd(
            "sdp-origin-same-version",
            fmt::format("the description changed, its version {} did not", now->session_version));
    }
    if (!version || !old_version) return {};
    if (*version < *old_version)
        return odd("sdp-origin-version-back",
                   fmt::format("version went from {} back to {}", *old_version, *version));
    if (*version - *old_version > 1)
        return odd("sdp-origin-version-skipped",
                   fmt::format("version went from {} to {}", *old_version, *version));
    return {};
}

// RFC 3264 8.3.2: a dynamic payload type keeps its meaning for the whole session.
void Negotiation::check_bindings(Side side, const Session& session, std::uint32_t message) {
    auto& bound = spoken_[static_cast<std::size_t>(side)].bound;
    const auto media = session.media();
    if (bound.size() < media.size()) bound.resize(media.size());
    std::size_t left = max_kept_codecs;
    for (std::size_t i = 0; i < media.size(); ++i) {
        if (!media[i].is_rtp() || media[i].port == 0) continue;
        if (!iequals(bound[i].media, media[i].media)) bound[i] = {std::string(media[i].media), {}};
        for (Codec& c : codecs_of(media[i])) {
            if (c.payload_type < 96 || c.name.empty() || left == 0) continue;
            --left;
            auto& codecs = bound[i].codecs;
            const auto known = std::find_if(codecs.begin(), codecs.end(), [&](const Codec& k) {
                return k.payload_type == c.payload_type;
            });
            if (known == codecs.end()) {
                codecs.push_back(std::move(c));
                continue;
            }
            if (!iequals(known->name, c.name) || known->clock_hz != c.clock_hz)
                add("sdp-payload-type-remapped", message,
                    fmt::format("m-line {} ({}): payload type {} was {}/{}, is {}/{}", i + 1,
                                media[i].media, c.payload_type, known->name, known->clock_hz,
                                c.name, c.clock_hz));
            *known = std::move(c);
        }
    }
}

// RFC 3264 8: m-lines keep their place; they are closed by port 0, never taken away.
void Negotiation::check_offer(const Exchange& offered, std::uint32_t message) {
    const Exchange* before = in_force();
    if (before == nullptr) return;
    if (offered.media.size() < before->media.size())
        add("sdp-offer-media-removed", message,
            fmt::format("{} m-lines, {} before: close a stream with port 0", offered.media.size(),
                        before->media.size()));
    const auto own_words = [&](const MediaLine& line) -> const MediaOffer* {
        if (before->offerer == offered.offerer) return &line.offer;
        return line.answer ? &*line.answer : nullptr;
    };
    for (std::size_t i = 0; i < offered.media.size(); ++i) {
        const MediaLine& line = offered.media[i];
        for (std::size_t j = 0; j < before->media.size(); ++j) {
            const MediaLine& old = before->media[j];
            const MediaOffer* said = own_words(old);
            const bool same_mid = !line.mid.empty() && line.mid == old.mid;
            const bool same_port = line.mid.empty() && said != nullptr && line.media == old.media &&
                                   line.offer.rtp.port != 0 && line.offer.rtp == said->rtp;
            const bool kept =
                i < before->media.size() && (line.mid.empty() ? line.media == before->media[i].media
                                                              : line.mid == before->media[i].mid);
            if (i == j || kept || !(same_mid || same_port)) continue;
            add("sdp-offer-media-reordered", message,
                fmt::format("m-line {} ({}) was m-line {}", i + 1, line.media, j + 1));
            break;
        }
    }
}

}  // namespace sipana::sdp
