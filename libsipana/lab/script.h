// Script: a scenario as the ladder that it produces (docs/scenario-format.md).
//
// A script is parsed once and played by lab/play. Every line with an arrow becomes a Step of one
// phone; between two of our own phones it becomes two, a Send and an Expect, in that order. Verbs
// are expanded while parsing. Texts may hold {name}: a value captured before, a dataset's field or
// one of the built-in ones; they are filled in when the step is played.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"
#include "libsipana/base/time.h"

namespace sipana::lab {

struct Position {
    std::uint32_t line = 0, column = 0;  // from 1
    // Where a thing stands is no part of what it says.
    bool operator==(const Position&) const { return true; }
};

// phone alice 100@A password test at 192.168.1.11:5060 transport tcp audio pcmu,pcma video h264
struct PhoneLine {
    Position where;
    std::string name, user, domain;  // domain: the name of a server, or a host
    std::string display, password, auth_user;
    std::string at;  // "192.168.1.11", "[2001:db8::1]:5060", ":5080"; empty: the lab chooses
    Transport transport = Transport::udp;
    std::vector<std::string> audio{"pcmu"}, video;  // codec names in order of preference
    std::vector<std::pair<std::string, std::string>>
        settings;         // the rest: "supported" "100rel,timer"
    std::string program;  // that plays it: "baresip"; empty: the lab itself
    bool operator==(const PhoneLine&) const = default;
};

// server A 192.168.1.153 | server A 192.168.1.153 exchange FOLDER | server P 192.0.2.1 proxy ...
struct ServerLine {
    Position where;
    std::string name;
    std::string at;  // host or address, with or without port
    Transport transport = Transport::udp;
    enum class Kind : std::uint8_t { real, exchange, proxy } kind = Kind::real;
    std::string folder;  // of the exchange's configuration
    std::vector<std::pair<std::string, std::string>>
        settings;  // of the proxy: "domain" "a.example"
    bool operator==(const ServerLine&) const = default;
};

// network delay 20ms jitter 5ms loss 2% burst 3 duplicate 1% reorder 1% bandwidth 1Mbit
struct Impairment {
    Duration delay = std::chrono::milliseconds{1}, jitter{};
    double loss = 0;   // 0..1
    double burst = 1;  // mean length of a run of losses (Gilbert)
    double duplicate = 0, reorder = 0;
    std::uint64_t bits_per_second = 0;  // 0: no limit
    bool operator==(const Impairment&) const = default;
};
struct NetworkLine {
    Position where;
    std::string from, to;  // empty: every way
    bool media_only = false, signalling_only = false;
    Impairment impairment;
    bool operator==(const NetworkLine&) const = default;
};

// ---------------------------------------------------------------- steps

struct HeaderChange {
    enum class How : std::uint8_t { add, set, strip } how = How::add;
    std::string name, value;
    bool operator==(const HeaderChange&) const = default;
};

enum class SdpKind : std::uint8_t { by_itself, none, offer, answer, text };
struct SdpWish {
    SdpKind kind = SdpKind::by_itself;  // a phone knows when a message wants one
    std::string direction;            // "sendonly", "inactive", ...; empty: sendrecv, or as it was
    std::vector<std::string> codecs;  // replaces the phone's own
    std::vector<std::string> media;   // "audio", "video"; empty: what the phone has
    std::string text;                 // the description itself
    bool operator==(const SdpWish&) const = default;
};

// What goes wrong on purpose, and where.
struct Faults {
    std::uint32_t drop = 0;       // the first so many transmissions never leave
    std::uint32_t duplicate = 0;  // every transmission goes out so many times more
    Duration delay{};             // on its way, the others overtake it
    bool no_ack = false;          // of a final response to this INVITE
    bool no_retransmission = false;
    bool stale_nonce = false, wrong_password = false, no_credentials = false;
    std::optional<std::uint32_t> cut;  // only so many bytes of it
    bool operator==(const Faults&) const = default;
};

struct Request {
    std::string method;
    std::string target;  // "900", "sip:900@example.com"; empty: the peer, or the dialog's target
    bool operator==(const Request&) const = default;
};
struct Response {
    int code = 0;
    std::string reason;  // empty: the registered one
    bool operator==(const Response&) const = default;
};
struct Raw {
    std::string text;          // goes out as it is, {names} filled in; its line ends are right
    bool is_template = false;  // of a message that belongs to the call: its transaction is followed
    bool operator==(const Raw&) const = default;
};

struct Send {
    std::variant<Request, Response, Raw> what;
    Duration after{};  // since it could have been sent
    std::vector<HeaderChange> headers;
    std::string body_type, body;  // beside or instead of SDP
    SdpWish sdp;
    Faults faults;
    bool reliable = false;                 // RFC 3262
    bool outside = false;                  // out of the dialog although there is one
    std::string to_tag;                    // a response from another fork; a request's wrong dialog
    std::optional<std::int64_t> cseq;      // the number itself
    std::optional<std::int64_t> cseq_add;  // relative to the right one
    std::string refer_to;                  // a phone's name, a number or a URI
    std::string replaces;  // "carol/consult": that call of the sender; or the value itself
    std::string to;        // a Request of which only this response is meant: "200 for INVITE"
    bool operator==(const Send&) const = default;
};

struct Pattern {              // "486", "4xx", "480..489", "INVITE"; all empty: "any"
    std::string method;       // of a request
    int first = 0, last = 0;  // of a response
    bool operator==(const Pattern&) const = default;
};
struct Where {  // header Contact matches "..." | body is "..." | no header Require
    enum class Test : std::uint8_t { present, absent, is, matches, contains } test = Test::present;
    std::string header;  // empty: the body; "request-uri", "reason": of the start line; "message"
    std::string value;
    bool inverse = false;  // "not matches": must not hold
    bool operator==(const Where&) const = default;
};
struct Capture {                        // let target = header Contact "<(.*)>"
    std::string name, header, pattern;  // the first group, else all of it; header as in Where
    bool operator==(const Capture&) const = default;
};

struct Expect {
    std::vector<Pattern> any_of;
    bool nothing = false;            // silence alone: `within` is how long
    bool or_nothing = false;         // one of these, or silence
    bool optional = false;           // "180?": may come, until the phone's next step is met
    std::optional<Duration> within;  // since the line above was met; else the script's timeout
    std::vector<Where> where;
    std::vector<Capture> captures;
    SdpKind sdp = SdpKind::by_itself;
    std::string for_method;    // "200 for BYE"
    std::uint32_t copies = 1;  // retransmissions that must come as well
    bool no_ack = false;       // the phone does not acknowledge it
    std::string jump;          // label of this phone to go on from
    std::string otherwise;     // "else LABEL": to go on from when it does not come in time
    bool operator==(const Expect&) const = default;
};

// alice <> bob audio tone 440Hz 2s: both send and hear; alice => bob: only alice sends.
struct MediaStep {
    enum class Source : std::uint8_t { tone, silence, file, digits, none } source = Source::tone;
    bool video = false;
    double hertz = 440;
    std::string file, digits;
    enum class DigitsBy : std::uint8_t { rfc4733, inband, info } digits_by = DigitsBy::rfc4733;
    Duration duration{std::chrono::seconds{2}};
    bool go_on = false;  // "in background": does not hold up what stands below
    bool operator==(const MediaStep&) const = default;
};

struct Pause {
    Duration shortest{}, longest{};
    bool operator==(const Pause&) const = default;
};
struct Label {
    std::string name;
    bool operator==(const Label&) const = default;
};
struct Jump {
    std::string label;
    std::string left, right;  // taken when equal after filling in; both empty: always
    bool unequal = false;
    double chance = 1;
    bool operator==(const Jump&) const = default;
};
struct Assign {
    std::string name, value;
    bool operator==(const Assign&) const = default;
};

struct Step {
    Position where;
    std::string text;   // the line as the ladder shows it
    std::string phone;  // who does it
    std::string peer;   // phone or server at the arrow's other end; empty for Pause, Label, ...
    std::string call;   // "alice/consult": consult
    std::uint32_t block = 0;  // steps of one block (not 0) need no order among themselves
    std::variant<Send, Expect, MediaStep, Pause, Label, Jump, Assign> what;
    bool operator==(const Step& other) const;  // but for the place and the text
};

// check alice final 486; judged on the capture by lab/verdict.
struct CheckLine {
    Position where;
    std::string text;
    std::vector<std::string> words;  // after "check"; quoted ones without their quotes
    bool operator==(const CheckLine& other) const;  // but for the place and the text
};

struct Script {
    std::string name;    // of the file, without folder and suffix
    std::string title;   // first "title" line, or the first comment
    std::string folder;  // that file names in it are relative to
    std::vector<PhoneLine> phones;
    std::vector<ServerLine> servers;
    std::vector<NetworkLine> networks;
    std::vector<Step> steps;
    std::vector<CheckLine> checks;
    std::uint64_t seed = 1;
    Duration timeout{std::chrono::seconds{32}};  // of an expectation without "within"
    bool independent = false;  // "order per phone": a phone's lines wait for its own lines only
    std::vector<std::vector<std::string>> rows;  // of the dataset: {field0}, {field1} ...

    const PhoneLine* phone(std::string_view name) const;
    const ServerLine* server(std::string_view name) const;
    bool operator==(const Script&) const = default;
};

// Reads a file that a script names (a dataset, raw bytes, a body): the parser does no I/O.
using Loader = std::function<Result<std::string>(std::string_view file)>;

// Error.offset is the byte; `what` begins with "line:column: " and says what was expected.
Result<Script> parse_script(std::string_view text, std::string_view name, const Loader& load = {});
// The script again, as parse_script reads it: the lab's own notation of what is in it.
std::string write(const Script& script);
// One step's line, without its end: for results and notes. Of a Send to one of the script's own
// phones: as it stands when its Expect follows.
std::string write(const Script& script, const Step& step);

}  // namespace sipana::lab
