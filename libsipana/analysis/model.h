// The model: calls, streams and what is known of them. Trackers fill it, renderers are pure functions
// of it; there is no second model.
//
// Lifetimes: string_views in a Call look into captured text. That is the mapped file, which lives as long
// as the pcap::Input, or the call's own TextStore, which moves with the Call. A Call can be moved, not copied.
// Strings from the wire are hostile: escape them on output. Times are capture times.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/finding.h"
#include "libsipana/base/time.h"
#include "libsipana/net/datagram.h"
#include "libsipana/sdp/negotiation.h"
#include "libsipana/sip/message.h"

namespace sipana::analysis {

inline constexpr std::uint32_t none = 0xffffffffu;  // "no index"

// ---------------------------------------------------------------- SIP

// One SIP message as it was seen. Its parts: sip::Message::parse(text).
struct SipMessage {
    std::uint64_t frame = 0;  // the frame that completed it
    Time time{};
    Endpoint src, dst;
    std::string_view text;  // the whole message
    std::string_view method_name;  // of a response: the CSeq's
    std::uint32_t cseq = 0;
    std::uint16_t code = 0;  // 0: a request
    sip::Method method = sip::Method::other;  // of a response: the CSeq's
    Transport transport = Transport::udp;
    bool retransmission = false;  // the same message again in its transaction (RFC 3261 17)
    bool capture_duplicate = false;  // the same packet seen twice by the capture, not sent twice
    bool has_sdp = false;
    std::uint32_t transaction = none;  // index into Call::transactions
    std::uint32_t dialog = none;       // index into Call::dialogs
    bool is_request() const { return code == 0; }
};

// RFC 3261 17, matched by branch, sent-by and method (17.1.3, 17.2.3).
struct Transaction {
    sip::Method method = sip::Method::other;
    std::string_view method_name, branch;
    std::uint32_t cseq = 0;
    Endpoint client, server;
    Time request_at = no_time, first_provisional_at = no_time, final_at = no_time;
    std::uint16_t final_code = 0;
    bool challenged = false;       // ended with 401/407, and another try followed
    bool cancelled = false;        // a CANCEL was seen for it
    bool acked = false;            // INVITE: the ACK of its final response was seen
    std::uint32_t request_retransmissions = 0, response_retransmissions = 0;
};

enum class DialogState : std::uint8_t { early, confirmed, terminated };

// RFC 3261 12: Call-ID and two tags. A forked INVITE makes several.
struct Dialog {
    std::string_view caller_tag, callee_tag;
    DialogState state = DialogState::early;
    Time early_at = no_time, confirmed_at = no_time, ended_at = no_time;
    std::string_view caller_contact, callee_contact;  // URIs of the Contact fields
};

struct Party {
    std::string_view display;  // without quotes
    std::string_view uri;      // addr-spec without parameters of the header: "sip:alice@a.example"
    std::string_view user;     // "alice"; the number of a tel: URI
    std::string_view host;
};

enum class CallKind : std::uint8_t { invite, register_, subscribe, message, options, other };
std::string_view to_string(CallKind kind);  // "invite", "register", ...

enum class CallState : std::uint8_t {
    trying,      // INVITE sent, at most 100 heard
    ringing,     // 18x heard
    answered,    // 2xx heard, the call goes on at the capture's end
    completed,   // answered and hung up
    cancelled,   // CANCEL before an answer, 487
    busy,        // 486, 600
    declined,    // 603, 607, 608
    redirected,  // 3xx
    challenged,  // 401/407 to a try without credentials, and no further one
    failed,      // any other 4xx, 5xx, 6xx; 401/407 to credentials
    unanswered,  // no final response seen and the caller gave up or the capture ended
    registered, unregistered,               // REGISTER with and without a binding left
    active, terminated,                     // SUBSCRIBE
    done,                                   // MESSAGE, OPTIONS, other: a 2xx
};
std::string_view to_string(CallState state);

enum class Ended : std::uint8_t { unknown, by_caller, by_callee };

// Another call that is, by the evidence named, a leg of the same thing.
struct Leg {
    std::string_view call_id;      // viewed in this call's own store
    std::string evidence;          // "same session id (RFC 7989)", "RTP 192.0.2.1:4000 is in both SDPs", ...
};

// Keeps the text of messages that lie in no mapped file.
class TextStore {
public:
    std::string_view keep(std::string_view text) {
        auto copy = std::make_unique<char[]>(text.size());
        text.copy(copy.get(), text.size());
        bytes_ += text.size();
        return {kept_.emplace_back(std::move(copy)).get(), text.size()};
    }
    // Takes over a text that somebody else has kept.
    void adopt(std::pair<std::unique_ptr<char[]>, std::size_t> text) {
        if (text.second == 0) return;
        bytes_ += text.second;
        kept_.push_back(std::move(text.first));
    }
    std::uint64_t bytes() const { return bytes_; }

private:
    std::vector<std::unique_ptr<char[]>> kept_;
    std::uint64_t bytes_ = 0;
};

// ---------------------------------------------------------------- media

// One second of a stream, counted from its first packet.
struct StreamSecond {
    std::uint32_t packets = 0, lost = 0, late = 0, duplicated = 0, reordered = 0;
    std::uint32_t bytes = 0;      // RTP payload
    float jitter_ms = 0;          // RFC 3550 A.8 estimate at the second's end
    float max_delta_ms = 0;
    std::uint16_t frames = 0, key_frames = 0, incomplete_frames = 0;  // video
};

struct Gap {  // packets of a row that never came
    Time after{};              // arrival of the last packet before it
    Duration length{};         // to the next packet
    std::uint32_t packets = 0; // missing
};

enum class DigitSource : std::uint8_t { rtp_event, sip_info };
struct Digit {  // one key press (RFC 4733), or one SIP INFO
    char digit = '?';  // 0-9 * # A-D; 'F' flash
    DigitSource source = DigitSource::rtp_event;
    Time start{};
    Duration duration{};
    int volume_dbm0 = 0;     // -63..0; 0 where unknown
    bool ended = false;      // an end packet was seen
    std::uint64_t frame = 0;
};

struct VideoFrame {
    Time time{};  // arrival of its last packet
    std::uint32_t timestamp = 0, bytes = 0;
    std::uint16_t packets = 0;
    bool key = false, complete = true;
    bool intact = true;  // complete, and so are all that it may be predicted from
};

struct BrokenPicture {  // from the frame in which something is missing to the next whole key frame
    Time start{}, end{};
    Duration length{};
    std::uint32_t frames = 0, lost_packets = 0;
    bool joined = false;  // the stream begins without a key frame
    bool mended = false;  // false: to the stream's end
};

struct KeyRequest {  // somebody asked the sender for a key frame
    std::uint64_t frame = 0;
    Time time{};
    Endpoint src;
    std::string_view how;  // "PLI", "FIR" (RTCP), "INFO" (RFC 5168); static storage
    std::optional<Duration> answered_after;  // to the last packet of the next key frame
};

struct Video {
    std::uint32_t frames = 0, key_frames = 0, incomplete_frames = 0;
    std::uint16_t width = 0, height = 0;  // 0: the stream does not carry it
    double fps = 0;
    Duration longest_freeze{};            // between two frames, beyond the usual distance
    std::vector<BrokenPicture> broken;    // the first 10,000
    std::uint32_t broken_count = 0, broken_frames = 0;
    Duration broken_for{};                // together
    // Only with Detail::full.
    std::vector<VideoFrame> marks;        // each frame
    std::vector<KeyRequest> requests;     // by time
    // By the sender reports of both (RFC 3550 6.4.1): so much later than the sound that was recorded with it
    // does the picture arrive here; below zero: earlier. The sound's SSRC.
    std::optional<double> behind_sound_ms;
    std::uint32_t sound_ssrc = 0;
};

// One report block or sender report, as sent (RFC 3550 6.4), beside what we know at that point.
struct RtcpReport {
    std::uint64_t frame = 0;
    Time time{};
    Endpoint src, dst;
    std::uint32_t sender_ssrc = 0;
    bool is_sender_report = false;
    // the sender's own figures, with is_sender_report
    std::uint64_t ntp = 0;  // 32.32 fixed point
    std::uint32_t rtp_timestamp = 0, sent_packets = 0, sent_bytes = 0;
    // the block, if there is one
    bool has_block = false;
    std::uint32_t reported_ssrc = 0, extended_sequence = 0, jitter_units = 0, lsr = 0, dlsr = 0;
    std::uint8_t fraction_lost = 0;     // of 256
    std::int32_t cumulative_lost = 0;   // 24 bits, signed
    std::optional<double> jitter_ms;    // with the clock of the reported stream, where known
    std::optional<double> rtt_ms;       // LSR/DLSR against the capture (docs/report-format.md)
};

struct RtcpEvent {  // everything else that RTCP says of a stream
    std::uint64_t frame = 0;
    Time time{};
    Endpoint src, dst;
    std::uint32_t sender_ssrc = 0, media_ssrc = 0;
    std::string_view kind;  // "NACK" "PLI" "FIR" "REMB" "TWCC" "BYE" "SDES" "APP" "XR" ..., static storage
    std::string text;       // "lost 4711, 4713", "CNAME alice@a", "VoIP metrics: MOS-LQ 4.1"
};

enum class MediaKind : std::uint8_t { audio, video, other };
std::string_view to_string(MediaKind kind);

// One RTP stream: one SSRC from one address to one address. docs/report-format.md defines each count.
struct Stream {
    Endpoint src, dst;
    std::uint32_t ssrc = 0;
    MediaKind media = MediaKind::audio;
    std::string codec;               // as SDP or RFC 3551 names it; "" if unknown
    std::uint8_t payload_type = 0;   // the most used
    std::vector<std::uint8_t> payload_types;  // all, in order of appearance
    std::uint32_t clock_hz = 0;
    bool clock_known = true;         // false: nothing says what it is (clock_hz 0), so there is no jitter
    bool from_sdp = false;           // announced by an SDP; otherwise found by heuristics
    bool encrypted = false;          // SRTP by its SDP, ZRTP or DTLS: payload not looked into
    std::string call_id;             // of the call it belongs to; "" if none
    bool from_caller = false;        // with a call: sent by the caller's side
    std::uint32_t media_line = none; // m-line index within the call's SDP

    std::uint64_t first_frame = 0;
    Time start{}, end{};             // first and last packet
    std::uint64_t packets = 0;       // RTP packets seen, duplicates too
    std::uint64_t expected = 0, lost = 0, late = 0, duplicated = 0, reordered = 0;
    std::uint64_t bytes = 0;         // RTP payload
    std::uint64_t ip_bytes = 0;      // with RTP header, without lower layers
    double mean_jitter_ms = 0, max_jitter_ms = 0, max_delta_ms = 0, mean_delta_ms = 0;
    double bitrate_kbps = 0;         // payload over its lifetime
    std::uint32_t silences = 0;      // DTX pauses: timestamp jumped ahead, sequence did not
    std::uint32_t markers = 0;
    std::uint32_t restarts = 0;      // the sender began anew (RFC 3550 A.1)
    std::uint16_t first_sequence = 0, last_sequence = 0;
    // By the E-model (quality.h); none where nothing is published of the codec. On the scale of G.107.1 with
    // `wideband`, else on that of G.107.
    std::optional<double> mos, r_factor;
    bool wideband = false;
    std::optional<double> round_trip_ms;  // from here to the receiver and back: mean of the first 100 by RTCP
    std::vector<Gap> gaps;           // the first 1000
    double mean_gap = 0;             // packets missing in each of them
    std::vector<StreamSecond> seconds;  // only with Detail::full
    std::vector<Digit> digits;
    std::optional<Video> video;
    std::vector<RtcpReport> reports;   // blocks about this SSRC and SRs of it; with Detail::full all of them
    std::vector<RtcpEvent> rtcp_events;
    std::string cname;                 // from SDES
    // Of the packet that took least time from its sampling to here: what lip sync is measured at. Only with
    // Detail::full, and a clock.
    Time promptest_at = no_time;
    std::uint32_t promptest_timestamp = 0;
    std::vector<Finding> findings;
};

// ---------------------------------------------------------------- calls

// Everything under one Call-ID that belongs to one initial request.
struct Call {
    std::uint64_t number = 0;  // 1-based, in order of first message
    CallKind kind = CallKind::other;
    CallState state = CallState::trying;
    std::string_view call_id;
    Party from, to;
    std::string_view request_uri;
    std::string_view caller_agent, callee_agent;  // User-Agent, Server
    Endpoint caller, callee;             // where the initial request came from and went to
    Transport transport = Transport::udp;

    std::uint16_t final_code = 0;        // of the initial request, after challenges; 0: none
    std::string_view final_reason;
    std::uint16_t challenges = 0;        // 401/407 answered by another try
    Ended ended = Ended::unknown;
    std::string_view reason_header;      // Reason field of the message that ended it (RFC 3326)

    Time start{}, end{};                 // first and last message or media packet
    // From the initial INVITE: to the first 18x (post-dial delay); to the 2xx; no value where it did not come.
    std::optional<Duration> post_dial_delay, setup, ring;  // ring: first 18x to the final response
    std::optional<Duration> duration;    // 2xx to BYE

    std::uint32_t message_count = 0, retransmissions = 0;
    std::uint32_t expires_s = 0;             // register, subscribe: what was granted
    std::string_view event;                  // subscribe: the Event package
    std::string_view contact;                // register: the binding

    // With Detail::full; empty otherwise.
    std::vector<SipMessage> messages;        // in capture order
    std::vector<Transaction> transactions;
    std::vector<Dialog> dialogs;
    struct Ledger {
        std::uint32_t dialog = 0;            // index into dialogs
        std::vector<sdp::Exchange> exchanges;
    };
    std::vector<Ledger> ledgers;             // offers and answers, one ledger a dialog
    std::vector<Digit> digits;               // SIP INFO

    std::vector<Stream> streams;             // in order of first packet
    std::vector<Leg> legs;                   // other calls seen as part of this one
    std::vector<Finding> findings;           // with Detail::full

    TextStore texts;
    Call() = default;
    Call(Call&&) = default;
    Call& operator=(Call&&) = default;
};

// ---------------------------------------------------------------- the whole

struct FileFacts {
    std::string name;    // last component only: reports carry no paths
    std::string format;  // "pcap", "pcap (nanoseconds)", "pcapng"
    std::string compression;  // "gzip", "zstd", ...; "" if none
    std::uint64_t frames = 0, bytes = 0;
    bool damaged = false;
    std::vector<std::string> comments;  // of sections and interfaces
    std::uint64_t secrets = 0;   // decryption secrets blocks, kept and not shown
    std::vector<std::string> interfaces;  // "eth0 (Ethernet)"
};

// What a live run did not get to read, or could not keep. All zero of a capture file.
struct Losses {
    std::uint64_t dropped_by_kernel = 0, dropped_by_interface = 0, dropped_by_queue = 0;  // packets
    std::uint64_t evicted_attempts = 0;  // unanswered calls and requests, counted and not told
    std::uint64_t evicted_calls = 0, evicted_streams = 0;  // told before their end
    std::uint64_t forgotten_calls = 0;   // over, told, and not in this report
    std::uint64_t dropped() const { return dropped_by_kernel + dropped_by_interface + dropped_by_queue; }
    std::uint64_t any() const {
        return dropped() + evicted_attempts + evicted_calls + evicted_streams + forgotten_calls;
    }
};

struct Counts {  // of the whole input
    Losses losses;
    net::Accounting frames;
    std::uint64_t late_messages = 0;     // SIP that came after its call had been handed on
    std::uint64_t sip_messages = 0, rtp_packets = 0, rtcp_packets = 0;
    std::uint64_t stun = 0, dtls = 0, zrtp = 0, t38 = 0, turn_channel = 0, keep_alives = 0;
    std::array<std::uint64_t, 256> rtcp_by_type{};  // packets within compounds, by packet type
    std::uint64_t undecided = 0;         // like RTP, but too few of them and no SDP that says so
    std::uint64_t other_datagrams = 0;   // nothing that we read
    std::uint64_t malformed_sip = 0;
    // Of rtcp_packets: those that could not be read, and those that are encrypted (SRTCP).
    std::uint64_t malformed_rtcp = 0, srtcp_packets = 0;
    // Packets of HEP agents, whose contents are counted above; of them those that hold nothing we read,
    // that we have sent ourselves, and that are broken.
    std::uint64_t hep = 0, hep_other = 0, hep_own = 0, hep_unreadable = 0;
    std::uint64_t tls = 0;               // directions of connections: recognised, not decoded
};

struct Report {
    std::vector<FileFacts> files;
    Time first = no_time, last = no_time;
    Counts counts;
    std::vector<Call> calls;       // by start, then frame
    std::vector<Stream> streams;   // those that belong to no call
    std::vector<SipMessage> stray_messages;  // SIP that could not be put under any call (no Call-ID)
    std::vector<Finding> findings; // by frame; those of calls and streams too
    // Names from pcapng name resolution blocks, for the ladder's heads.
    std::vector<std::pair<Address, std::string>> names;
    TextStore texts;               // of stray messages
};

}  // namespace sipana::analysis
