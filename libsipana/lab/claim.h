// Claim: what one check line of a script claims of the capture, taken apart
// (docs/scenario-checks.md).
//
// A Claim owns its texts. Errors say what was expected; their offset is the word's place.
#pragma once

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libsipana/lab/script.h"

namespace sipana::lab {

// Who is meant: nobody (the whole capture), one end, or one way between two.
struct Subject {
    std::string name;  // "alice"; with `to`: who sends
    std::string to;
    std::string call;  // "alice/2": "2"; "*": all of hers; or a name that the script gave it
    bool empty() const { return name.empty(); }
    bool is_way() const { return !to.empty(); }
};

// What a number must be. Durations are milliseconds.
struct Span {
    double least = -std::numeric_limits<double>::infinity();
    double most = std::numeric_limits<double>::infinity();
    bool above = false, below = false;  // the limits themselves are outside
    std::string text;                   // as it was written
    bool holds(double x) const {
        return (above ? x > least : x >= least) && (below ? x < most : x <= most);
    }
};
enum class Unit : std::uint8_t { count, percent, duration, hertz };
Result<Span> parse_span(std::string_view text, Unit unit);

std::optional<Pattern> parse_pattern(
    std::string_view word);  // "486", "4xx", "480..489", "INVITE", "any"
bool matches(const Pattern& pattern, std::string_view method, int code);  // code 0: a request

struct FlowItem {
    Pattern pattern;
    std::string text;
    enum class How : std::uint8_t {
        once,
        optional,  // "100?"
        repeated,  // "NOTIFY+": at least once
        any,       // "...": whatever, or nothing
    } how = How::once;
};

struct Claim {
    enum class What : std::uint8_t {
        // of a call
        final,
        state,
        ended_by,
        duration,
        setup,
        ringing,
        delay,
        calls,
        dialogs,
        challenges,
        expires,
        // of messages
        messages,
        retransmissions,
        flow,
        time,
        before,
        header,
        body,
        // of media
        hears,
        hears_no,
        hears_sound,
        hears_nothing,
        hears_silence,
        heard_digits,
        loss,
        jitter,
        gap,
        packets,
        codec,
        frames,
        key_frames,
        rtcp,
        // of findings
        no_findings,
        no_errors,
        findings,
    } what = What::final;
    Subject subject;
    std::vector<Pattern> patterns;  // final, messages, retransmissions, time, before, header, body
    Subject other;                  // before: whose second pattern it is
    std::string method;             // "for METHOD"
    Span span;                      // whatever is counted or measured
    std::vector<Span> also;         // hears 440Hz and 580Hz: the tones behind "and"
    std::vector<FlowItem> flow;     // flow
    Where where;                    // header, body
    std::string text;               // state, codec, digits, rule, kind of RTCP, who ended it
    std::vector<std::string> excepts;  // no findings except RULE...
    std::string from;                  // hears ... from NAME
    Duration length{};                 // hears ... for 2s
    std::optional<bool> video;         // "audio", "video" before what is measured of streams
};

inline constexpr std::size_t max_claim_words = 200;
inline constexpr std::size_t max_pattern_size = 256;  // of a regular expression

Result<Claim> parse_claim(std::span<const std::string> words);

// Is `pattern` found anywhere in `text`? ECMAScript, in time that is bounded; the first
// max_searched bytes of the text.
inline constexpr std::size_t max_searched = 4096;
Result<bool> found_in(std::string_view text, const std::string& pattern);

}  // namespace sipana::lab
