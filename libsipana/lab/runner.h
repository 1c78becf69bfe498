// Runner: plays a script: sets up the network, the phones and the servers, and keeps the loop. The
// only reader of a clock in the lab (law 4).
//
// Every run writes its capture; what came of it is judged by the analyzer reading that capture, not
// by what the lab remembers (lab/verdict).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/lab/host_table.h"
#include "libsipana/lab/network.h"
#include "libsipana/lab/result.h"
#include "libsipana/lab/script.h"

namespace sipana::lab {

enum class Ground : std::uint8_t {
    simulated,  // in memory, virtual clock; servers are the built-in ones
    sockets,    // the machine's network; servers are real unless `built_in_servers`
};

struct RunSettings {
    Ground ground = Ground::simulated;
    std::optional<std::uint64_t> seed;  // in place of the script's; on sockets also of the clock's
    std::string capture;                // file; empty: none (the verdict then reads it from memory)
    bool keep_capture = true;           // false: the run is not recorded and not judged
    bool built_in_servers = false;      // on sockets too
    Address local;                      // of phones that say nothing else; on sockets 127.0.0.1
    std::map<std::string, std::string> servers,
        phones;  // name -> address, in place of the script's
    // On sockets: whose namespaces the ports are opened in. With a bridge the capture is taken
    // there.
    HostTable hosts;
    // False: no phone has the usual port there. What servers still repeat to the phones of the script
    // before must not reach those of this one.
    bool usual_ports = true;
    std::string baresip;            // the file of that program; empty: the one in $PATH
    std::vector<std::string> only;  // phones that play; the others' lines are left out
    std::function<void(const Packet&, Time, Fate, bool duplicate)> watch;
    std::function<void(const std::vector<std::pair<std::string, Endpoint>>&)>
        placed;                                  // who is where
    std::function<Status()> begun;               // the capture has; the script's first line has not
    const std::atomic<int>* stop = nullptr;      // not 0: end now
    Duration longest{std::chrono::minutes{30}};  // of the run's own time
};

RunResult run(const Script& script, const RunSettings& settings);

// A load: many plays of one script at a time. Response times count from when a call should have
// begun, not from when it did (no coordinated omission).
struct LoadSettings {
    double rate = 10;                 // calls a second
    std::uint64_t calls = 100;        // in all; 0: until `duration`
    Duration duration{};              // 0: until `calls`
    std::uint64_t concurrent = 1000;  // more are not begun before others end; they count as late
    bool answer_only = false;         // plays begin when a call comes in
};
struct Percentiles {
    std::string what;  // "INVITE to 200"
    std::uint64_t count = 0;
    double p50_ms = 0, p90_ms = 0, p95_ms = 0, p99_ms = 0, p999_ms = 0, max_ms = 0, mean_ms = 0;
};
struct LoadResult {
    std::string script, error;
    Errc error_code = Errc::malformed;
    std::uint64_t begun = 0, done = 0, failed = 0, late = 0, most_at_once = 0;
    std::uint64_t retransmissions = 0, sip_sent = 0, sip_received = 0, rtp_sent = 0;
    Duration elapsed{};
    double cpu_s = 0;
    std::vector<Percentiles> times;
    std::map<std::string, std::uint64_t> reasons;  // why plays failed, and how often
    bool interrupted = false;
};
LoadResult run_load(const Script& script, const RunSettings& settings, const LoadSettings& load);

// The built-in exchange alone, on sockets, for phones that are not ours.
struct ServeSettings {
    std::string folder;  // of sip.conf and extensions.conf
    std::vector<std::pair<Transport, Endpoint>> listens;
    std::string certificate_file, key_file;  // of TLS; both empty: a self-signed one is made
    std::string capture;                     // file; empty: none
    std::optional<std::uint64_t> seed;       // of tags and nonces; without: the clock's
    std::function<void(const std::vector<std::pair<Transport, Endpoint>>&)>
        started;                                   // with the ports that were opened
    std::function<void(const std::string&)> note;  // what it has to say, as it happens
    const std::atomic<int>* stop = nullptr;        // not 0: end now
    std::optional<Duration> longest;               // without: until it is stopped
};
struct ServeResult {
    std::string error;  // why it could not begin, or go on
    Errc error_code = Errc::malformed;
    std::uint64_t sip = 0, rtp = 0;  // packets recorded
};
ServeResult serve(const ServeSettings& settings);

}  // namespace sipana::lab
