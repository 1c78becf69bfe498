// Verdict: what the analyzer says of a run's capture, against the script's check lines and against
// what the lab says that it sent. A disagreement between the two fails the run.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/lab/result.h"
#include "libsipana/lab/script.h"

namespace sipana::lab {

// Where a phone or server of the script is: its ports for SIP, and those for media where they would
// not be told by the address alone. A TCP connection from another port of an address that only one
// of them has is this one's.
struct Place {
    std::string name;
    std::vector<Endpoint> endpoints;
    bool ours = true;  // a node of the lab: all that it sends is in the log
};

// RTP that a node gave to the network, less what the impairment took.
struct SentMedia {
    Endpoint src, dst;
    std::uint32_t ssrc = 0;
    std::uint64_t packets = 0;
};

// What the lab has to say.
struct Log {
    std::vector<Place> places;
    std::span<const SentMessage> sent;  // each transmission; what the network doubled, once
    std::vector<SentMedia> media;
    bool media_counted = false;  // `media` is complete
    // The capture was taken on the wire: it shows of TLS only that there was some, and the port
    // that a connection left from. Whatever comes from these addresses a node of ours has sent.
    bool on_wire = false;
    std::set<Address> hosts;
    std::set<Address> unreached;  // nobody is there: what was sent to it may not have got so far
    // "alice/consult" and its Call-ID, for check lines that name a call.
    std::vector<std::pair<std::string, std::string>> calls;
};

struct Verdict {
    std::vector<CheckResult> checks;  // those that every run is held to, then the script's
    std::uint64_t sip_seen = 0, rtp_seen = 0;
    bool holds() const;
};

Verdict judge(const Script& script, const Log& log, const std::string& capture_file);
Verdict judge(const Script& script, const Log& log, Bytes capture);

// Can the line be understood? The error begins with "line:column: ". With the script, names are
// looked up too.
Status check_syntax(const CheckLine& line, const Script* script = nullptr);

// What SentMessage::digest is: of all bytes of the message.
std::uint64_t message_digest(std::string_view bytes);

}  // namespace sipana::lab
