// Plain words for what became of a call, and small texts that the page repeats.
#include <fmt/format.h>

#include "libsipana/base/text.h"
#include "libsipana/render/explain.h"
#include "libsipana/render/html.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/rows.h"

namespace sipana::render {

using analysis::Call;
using analysis::CallKind;
using analysis::CallState;
using analysis::SipMessage;

namespace {

std::string name_of(const analysis::Party& party, const Endpoint& endpoint) {
    if (!party.user.empty()) return std::string(party.user);
    if (!party.display.empty()) return std::string(party.display);
    if (!party.uri.empty()) return std::string(party.uri);
    return endpoint.address.to_string();
}

// " after 1.2 s": when the final response of the initial request came.
std::string after(const Call& call) {
    if (call.final_code == 0) return {};
    for (const SipMessage& m : call.messages)
        if (m.code == call.final_code && !m.retransmission)
            return " after " + short_duration(m.time - call.start);
    return {};
}

std::string answered(const Call& call) {
    std::string text = callee_name(call) + " answered";
    if (call.setup) text += " after " + short_duration(*call.setup);
    if (call.ring) text += fmt::format(" ({} of ringing)", short_duration(*call.ring));
    return text;
}

// Of a call that goes on, as far as it has come; empty where it has come to its end.
std::string so_far(const Call& call) {
    const bool invite = call.kind == CallKind::invite;
    if (invite && call.state == CallState::trying)
        return fmt::format("{} is calling {}; no answer and no ringing so far.", caller_name(call),
                           callee_name(call));
    if (invite && call.state == CallState::ringing)
        return fmt::format("{} is ringing.", callee_name(call));
    if (invite && call.state == CallState::answered) return answered(call) + "; the call goes on.";
    if (call.state == CallState::trying) return "No answer so far.";
    return {};
}

std::string invite_sentence(const Call& call) {
    const std::string caller = caller_name(call), callee = callee_name(call);
    switch (call.state) {
        case CallState::trying:
            return fmt::format("{} called {}; no answer and no ringing was seen.", caller, callee);
        case CallState::ringing:
            return fmt::format("{} was ringing when the capture ended.", callee);
        case CallState::answered:
            return answered(call) + "; the call was still up when the capture ended.";
        case CallState::completed: {
            std::string text = answered(call);
            if (call.duration)
                text += fmt::format("; they were connected for {}", short_duration(*call.duration));
            if (call.ended == analysis::Ended::by_caller)
                text += fmt::format(", until {} hung up", caller);
            if (call.ended == analysis::Ended::by_callee)
                text += fmt::format(", until {} hung up", callee);
            return text + ".";
        }
        case CallState::cancelled:
            return fmt::format("{} gave up{} before {} answered.", caller, after(call), callee);
        case CallState::busy:
            return fmt::format("Busy: {} answered {}{}.", callee, final_words(call), after(call));
        case CallState::declined:
            return fmt::format("Declined: {} answered {}{}.", callee, final_words(call),
                               after(call));
        case CallState::redirected:
            return fmt::format("Redirected: the answer was {}{}.", final_words(call), after(call));
        case CallState::challenged:
            return fmt::format("A login was asked for ({}{}), and {} did not try again.",
                               final_words(call), after(call), caller);
        case CallState::failed:
            return fmt::format("Failed: the answer to the call to {} was {}{}.", callee,
                               final_words(call), after(call));
        default:
            return fmt::format("Nobody answered {}: no final response was seen.", caller);
    }
}

std::string other_sentence(const Call& call) {
    const std::string who = caller_name(call);
    const std::string answer = final_words(call) + after(call);
    switch (call.state) {
        case CallState::registered:
            return call.expires_s > 0
                       ? fmt::format("{} registered, for {}.", who,
                                     short_duration(std::chrono::seconds{call.expires_s}))
                       : who + " registered.";
        case CallState::unregistered:
            return who + " is no longer registered here.";
        case CallState::active:
            return fmt::format("{}'s subscription stands.", who);
        case CallState::terminated:
            return fmt::format("{}'s subscription has ended.", who);
        case CallState::challenged:
            return fmt::format("A login was asked for ({}), and {} did not try again.", answer,
                               who);
        case CallState::done:
            return fmt::format("The answer was {}.", answer);
        case CallState::trying:
        case CallState::unanswered:
            return "No answer was seen.";
        default:
            return fmt::format("Refused: the answer was {}.", answer);
    }
}

}  // namespace

std::string caller_name(const Call& call) { return name_of(call.from, call.caller); }
std::string callee_name(const Call& call) { return name_of(call.to, call.callee); }

std::string outcome_sentence(const Call& call, Seen seen) {
    std::string text = seen == Seen::going_on ? so_far(call) : std::string();
    if (text.empty())
        text = call.kind == CallKind::invite ? invite_sentence(call) : other_sentence(call);
    if (call.challenges > 0 && call.state != CallState::challenged)
        text += call.challenges == 1 ? " It took a login."
                                     : fmt::format(" It took {} logins.", call.challenges);
    return text;
}

std::string_view outcome_class(CallState state) {
    switch (state) {
        case CallState::answered:
        case CallState::completed:
        case CallState::registered:
        case CallState::unregistered:
        case CallState::active:
        case CallState::terminated:
        case CallState::done:
            return "good";
        case CallState::failed:
            return "bad";
        default:
            return "open";
    }
}

std::string message_title(const SipMessage& message) {
    if (message.is_request()) return std::string(message.method_name);
    // The phrase as it was sent: what follows the code in the status line.
    std::string_view line = message.text;
    line = line.substr(0, line.find_first_of("\r\n", line.find_first_not_of("\r\n")));
    const auto code = line.find(fmt::format(" {:03}", message.code));
    const std::string_view phrase =
        code == line.npos ? std::string_view{} : trim(line.substr(code + 4));
    return phrase.empty() ? fmt::format("{}", message.code)
                          : fmt::format("{} {}", message.code, phrase);
}

std::string_view message_tone(const SipMessage& message) {
    if (message.is_request()) return "request";
    if (message.code < 200) return "provisional";
    if (message.code < 300) return "success";
    if (message.code < 400) return "redirect";
    return message.code == 401 || message.code == 407 ? "challenge" : "failure";
}

std::string since(Time time, Time start) {
    return fmt::format("{:.3f} s", to_seconds(time - start));
}

std::string bytes_text(std::uint64_t bytes) {
    const auto n = static_cast<double>(bytes);
    if (bytes < 10'000) return fmt::format("{} B", bytes);
    if (bytes < 1'000'000) return fmt::format("{:.3g} kB", n / 1e3);
    if (bytes < 1'000'000'000) return fmt::format("{:.3g} MB", n / 1e6);
    return fmt::format("{:.3g} GB", n / 1e9);
}

std::string counted(std::uint64_t n, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", n, n == 1 ? one : many);
}

}  // namespace sipana::render
