// What came of a run: plain results, which render/ shows (law 10: the lab has no reporting code).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"
#include "libsipana/base/time.h"

namespace sipana::lab {

enum class Outcome : std::uint8_t { done, failed, skipped, not_reached };
std::string_view to_string(Outcome outcome);

struct StepResult {
    std::uint32_t line = 0;
    std::string phone;
    std::string text;  // the script's line
    Outcome outcome = Outcome::not_reached;
    Time at = no_time;
    std::string detail;  // "expected 486 within 2s, got 404 Not Found"; "got 180"
};

struct CheckResult {
    std::uint32_t line = 0;  // 0: one that every run is held to
    std::string text;
    Outcome outcome = Outcome::not_reached;
    std::string detail;
};

// A SIP message that a node of the lab gave to the network: what the capture must show.
struct SentMessage {
    Time at{};
    std::string node;
    Endpoint src, dst;
    std::uint64_t digest = 0;  // of its bytes
    std::string start_line;
    bool lost = false;  // by the impairment, on purpose
    Transport transport = Transport::udp;
    std::string note{};  // of the capture: the step and the phone; may be empty
};

// A SIP message that met an expectation of the script.
struct MetMessage {
    Time at{};
    std::string phone;         // whose
    std::uint64_t digest = 0;  // of its bytes
    std::string note;          // "name:12 B -> bob INVITE"
};

struct RunResult {
    std::string script, title;
    Outcome outcome = Outcome::not_reached;  // failed: a step, a check or the capture says so
    std::string error;  // why it could not be played at all, or the first thing that went wrong
    Errc error_code = Errc::malformed;  // of what kept it from being played
    std::vector<StepResult> steps;
    std::vector<CheckResult> checks;
    std::vector<std::string> notes;  // what the exchange had to say, what was left out
    std::uint64_t seed = 0;
    Time started{}, ended{};
    std::string capture;  // file name; empty: none was written
    std::uint64_t sip_sent = 0, rtp_sent = 0;
    std::uint64_t sip_seen = 0, rtp_seen = 0;  // by the analyzer, in the capture
};

}  // namespace sipana::lab
