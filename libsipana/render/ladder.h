// Ladder: one figure of one or several calls, as structure without geometry. The text, Mermaid and
// SVG renderers draw the same Ladder.
//
// All text in it is raw, as it came from the wire: each renderer escapes for its own medium. A
// Ladder refers to the calls that it was built from by pointer; they must outlive it.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "libsipana/analysis/model.h"

namespace sipana::render {

// Beyond these a figure helps nobody; what was left out is counted (Ladder::omitted,
// Participant::others).
inline constexpr std::size_t max_ladder_columns = 32;
inline constexpr std::size_t max_ladder_rows = 5000;
inline constexpr Duration ladder_pause = std::chrono::seconds{2};  // shorter silences are no Pause

enum class Role : std::uint8_t {
    caller,     // sent the initial request
    callee,     // the last to receive it
    proxy,      // passed it on under the same Call-ID
    b2bua,      // answered one call and began another that belongs to it
    registrar,  // received a REGISTER
    server,     // received another request that is not a call
    media,      // seen in RTP only
    others      // all hosts beyond max_ladder_columns
};
std::string_view to_string(Role role);  // "caller", ..., "PBX" for b2bua, "media"

// A column. One host is one column, whatever its ports, unless messages pass between two ports of
// it: then each of its SIP ports is a column.
struct Participant {
    std::string name;     // user of From or To, a name from the capture, or the address
    std::string address;  // "192.0.2.1:5060"; without the port where several share the column
    std::string agent;    // User-Agent or Server; "" if none was seen
    Role role = Role::caller;
    std::uint32_t others = 0;  // with Role::others: how many hosts
};

enum class Tone : std::uint8_t { request, provisional, success, redirect, challenge, failure };
std::string_view to_string(Tone tone);  // "request", ...
Tone tone_of(int code);                 // 0: a request

// One SIP message. The rows of a Ladder keep capture order where times are equal.
struct Arrow {
    std::uint32_t from = 0, to = 0;  // columns; equal: a message of a participant to itself
    std::string label;               // "INVITE (SDP)", "200 OK (SDP)", "200 OK (INVITE, SDP)"
    std::string detail;  // "offer: audio PCMU PCMA, video H264", "Refer-To: sip:..."; or ""
    Tone tone = Tone::request;
    Duration delta{};                     // since the arrow before it; 0 for the first
    std::uint32_t call = 0, message = 0;  // calls[call]->messages[message]
    std::uint64_t frame = 0;
    std::string cseq;  // "1 INVITE"
    Transport transport = Transport::udp;
    bool retransmission = false;
    std::uint32_t repeat = 0;   // a retransmission: the how-manieth, from 1
    std::uint32_t repeats = 0;  // the first sending: how many retransmissions follow
    std::uint32_t seen_again =
        0;                       // copies that the capture made of this packet; they have no arrow
    std::uint32_t findings = 0;  // the call's findings at this frame, ...
    Severity worst = Severity::note;  // ... and the worst of them
};

// One way of a media lane.
struct MediaWay {
    std::uint32_t call = 0, stream = 0;  // calls[call]->streams[stream]
    std::uint32_t from = 0, to = 0;
    std::string codec;
    std::uint64_t packets = 0, expected = 0, lost = 0;
    double mean_jitter_ms = 0, max_jitter_ms = 0;
    bool clock_known = true;  // false: there is no jitter
    Time start{}, end{};
    double lost_percent() const {
        return expected == 0 ? 0
                             : 100.0 * static_cast<double>(lost) / static_cast<double>(expected);
    }
};

// A stream, or a pair of streams that answer each other; stands where its first packet was seen.
struct MediaLane {
    std::uint32_t from = 0, to = 0;  // columns of the first way
    analysis::MediaKind media = analysis::MediaKind::audio;
    bool encrypted = false;
    std::vector<MediaWay> ways;  // one, or two that run against each other
    Time start{}, end{};
    Duration duration() const { return end - start; }
    std::string label;  // "audio PCMU", "video H264", "audio PCMU/PCMA", "audio PCMU (SRTP)"
};

// Keys pressed one after the other with nothing drawn between them.
struct Digits {
    std::uint32_t from = 0, to = 0;
    std::string digits;  // "1234#"
    analysis::DigitSource source = analysis::DigitSource::rtp_event;
    Time last{};  // when the last of them began
};

struct Pause {
    Duration length{};
};

// Something to be said at this place: a fork, a leg and its evidence, hold and resume.
struct Note {
    enum class Kind : std::uint8_t { fork, leg, hold, resume };
    Kind kind = Kind::fork;
    std::uint32_t call = 0;
    std::uint32_t from = 0, to = 0;  // the columns that it spans, from <= to
    std::string text;
};

struct Row {
    Time time{};  // of a Pause: when it began
    std::variant<Arrow, MediaLane, Digits, Pause, Note> what;
};

struct Ladder {
    std::string title;  // "alice -> bob: completed, 200 OK"
    std::vector<const analysis::Call*> calls;
    std::vector<Participant> participants;
    std::vector<Row> rows;      // by time; no_time nowhere
    Time start{}, end{};        // of everything drawn
    std::uint64_t omitted = 0;  // rows beyond max_ladder_rows
};

// `names`: what the capture's name resolution blocks call addresses (Report::names).
Ladder build_ladder(std::span<const analysis::Call* const> calls,
                    std::span<const std::pair<Address, std::string>> names = {});

// "8.2 s", "340 ms", "2:05 min", "1:02:05 h": a duration as the figures and tables print it.
std::string short_duration(Duration length);

}  // namespace sipana::render
