// Analyzer: frames in, calls out. READ THIS FIRST: it is the whole path.
//
//   frame -> net::Decoder -> classify, sip::Message -> Batch -> Trackers: calls, streams -> Sink
//
// Calls and streams are handed to the Sink when they are over (a linger in capture time), the rest at
// finish(); memory follows the calls alive. The analyzer does no I/O and reads no clock.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "libsipana/analysis/envelopes.h"
#include "libsipana/analysis/model.h"
#include "libsipana/analysis/payload_map.h"
#include "libsipana/pcap/frame.h"

namespace sipana::analysis {

enum class Detail : std::uint8_t {
    summary,  // calls and streams with their figures; no message lists, ledgers or charts
    full,     // everything in model.h
};

struct Options {
    Detail detail = Detail::full;
    // Silence after a call's end before it is handed on: late retransmissions and media still count.
    Duration linger = std::chrono::milliseconds{500};
    // Hand a call without an end on after this much silence in signalling and media.
    Duration idle = std::chrono::hours{2};
    // Follow calls and streams in a second thread while this one reads. The Sink is called there then,
    // one call at a time; never after finish() or catch_up() has returned.
    bool parallel = false;
    bool check = true;              // run sip/sdp/rtp/rtcp check(), with Detail::full
    std::optional<HepAgent> own_hep;  // the HEP agent that we are: what it sends is not read again
    std::vector<PayloadMapping> payload_map;  // for streams whose SDP was not seen
    std::uint32_t max_live_calls = 1'000'000;      // beyond: the oldest is handed on early
    std::uint32_t max_messages_per_call = 100'000; // beyond: counted, not kept
    // For who looks at calls while they go on: what each frame belongs to is noted (touched()).
    bool live = false;
    // Of what is kept of calls and streams that go on, by estimate (bytes()); 0: no limit. Beyond it what is
    // missed least is handed on early (Evictions).
    std::uint64_t max_bytes = 0;
    // Of what waits for its end below that: IP fragments, TCP segments, messages in streams; 0: the usual caps.
    std::uint64_t max_unfinished = 0;
};

// A call that goes on, for look(). Stays harmless when the call is over.
struct Going {
    std::uint32_t place = none;
    std::uint64_t number = 0;  // Call::number
    bool operator==(const Going&) const = default;
};

// What was handed on before its time for want of room, in the order in which it goes.
struct Evictions {
    std::uint64_t streams = 0;   // of no call, the least packets first; hardly begun ones are not handed on
    std::uint64_t attempts = 0;  // calls and requests that nobody has answered, the oldest first
    std::uint64_t calls = 0;     // others, the oldest first
    std::uint64_t total() const { return streams + attempts + calls; }
};

// Receives what is found, in a fixed order. Called within on_frame(), catch_up() and finish(), a few
// hundred packets after the frame in question.
class Sink {
public:
    virtual ~Sink() = default;
    // Each SIP message as it is read; valid during the call only.
    virtual void on_message(const SipMessage& message, std::string_view call_id);
    // Each RTCP datagram that is not encrypted, with Options::live; of no call: an empty call_id.
    virtual void on_rtcp(const net::Datagram& datagram, std::string_view call_id);
    virtual void on_call(Call&& call) = 0;
    virtual void on_stream(Stream&& stream) = 0;  // of no call
    virtual void on_finding(Finding&& finding) = 0;  // of no call or stream
    // A call was forgotten for want of room (Evictions::attempts) and will not be handed on.
    virtual void on_forgotten(std::uint64_t number);
};

class Analyzer {
public:
    Analyzer(Options options, Sink& sink);
    ~Analyzer();

    // Frames whose bytes are `stable` may wait until some hundred are together; others never do.
    void on_frame(const pcap::Frame& frame);
    // Works off everything that waits: for who reads from a live source and has nothing to do.
    void catch_up();
    void finish();
    const Counts& counts() const;  // catches up first; not for a Sink to call
    Time first() const;  // of the capture; no_time before the first frame
    Time last() const;

    // ---- with Options::live; not for a Sink to call
    // The calls that the messages and packets of the last frame belong to, each once.
    std::span<const Going> touched() const;
    // A call as it stands now. Detail::summary: without messages, transactions, dialogs, ledgers, findings
    // and what grows with a stream's length. None: it is over.
    std::optional<Call> look(Going call, Detail detail) const;
    // Time has come to `now` without a frame: what waits for its end is handed on.
    void advance(Time now);
    std::uint64_t bytes() const;  // estimate of what is kept of calls and streams that go on
    void limit(std::uint64_t max_bytes);  // from now on
    Evictions evictions() const;
    std::size_t streams_going_on() const;

private:
    class State;
    std::unique_ptr<State> state_;
};

// Collects everything (the report mode).
class Collector : public Sink {
public:
    explicit Collector(Report& report) : report_(report) {}
    void on_message(const SipMessage& message, std::string_view call_id) override;
    void on_call(Call&& call) override;
    void on_stream(Stream&& stream) override;
    void on_finding(Finding&& finding) override;
    // Sorts, and gathers the findings of calls and streams into the report's.
    void finish(const Analyzer& analyzer);

private:
    Report& report_;
};

}  // namespace sipana::analysis
