// MediaSession: the media of one m-line of one call at one phone: RTP and RTCP sent on a clock, and
// what comes back measured (RFC 3550, RFC 3551, RFC 4733, RFC 4585, RFC 6184, RFC 7741).
//
// No I/O and no clock: datagrams and the time come in, datagrams and a deadline come out; after
// each call that takes `now`, drain poll(). MediaStore and Random outlive the session.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/endpoint.h"
#include "libsipana/base/random.h"
#include "libsipana/base/result.h"
#include "libsipana/base/time.h"
#include "libsipana/lab/description.h"
#include "libsipana/lab/media_store.h"
#include "libsipana/lab/node.h"

namespace sipana::lab {

inline constexpr std::size_t max_catch_up =
    10;  // packets sent late at once; then the clock is set anew
inline constexpr std::size_t max_heard_seconds = 3600;  // of the tone's list
inline constexpr std::size_t max_heard_sources = 64;    // SSRCs told apart; later ones are counted
inline constexpr std::size_t max_plan_digits = 1000;

// What a phone shall send.
struct MediaPlan {
    enum class Source : std::uint8_t { silence, tone, file, digits } source = Source::silence;
    double hertz = 440, level_dbm0 = -10;
    std::string file;     // WAV; of video: H.264 Annex B or IVF
    std::string digits;   // 0-9 * # A-D
    bool inband = false;  // digits as tones instead of RFC 4733
    Duration digit_length = std::chrono::milliseconds{100};
    Duration digit_gap = std::chrono::milliseconds{100};
    // nullopt: until stop(); files then begin again at their end, digits end by themselves.
    std::optional<Duration> duration;
};

// How a phone asks for a key frame when its picture is lost.
enum class KeyRequests : std::uint8_t {
    agreed,     // PLI or FIR, where the descriptions agree on it (RFC 4585 3.6.2)
    always,     // PLI, even where nobody agreed on it
    signalled,  // where they do not agree on it: whoever owns the session asks (RFC 5168)
};

struct MediaSettings {
    std::string cname = "phone@sipana.invalid";
    bool rtcp = true;
    Duration rtcp_minimum = std::chrono::seconds{5};  // RFC 3550 6.2; half of it for the first
    bool measure = true;                 // tones, in-band digits and video frames of what is heard
    std::uint32_t video_payload = 1200;  // octets of video in a packet, at most
    KeyRequests key_requests = KeyRequests::agreed;
};

struct Heard {
    std::uint64_t packets = 0, octets = 0;  // RTP, payload
    std::uint64_t expected = 0, lost = 0, duplicated = 0, reordered = 0;
    double jitter_ms = 0, max_jitter_ms = 0;  // mean of the RFC 3550 estimate
    std::uint32_t sources = 0;                // SSRCs
    std::uint32_t ssrc = 0;                   // the newest
    double tone_hz = 0;                       // the loudest over all; 0: no tone
    std::vector<double> tone_hz_by_second;    // since the first packet
    double level_dbm0 = -99;                  // over all
    std::string digits, inband_digits;        // RFC 4733; as tones
    std::uint32_t frames = 0, key_frames = 0, incomplete_frames = 0;  // video
    std::uint16_t width = 0, height = 0;
    std::uint64_t rtcp_packets = 0, sender_reports = 0, receiver_reports = 0, byes = 0;  // RTCP
    std::uint32_t pli = 0, fir = 0, nack = 0;  // asked of us
    // From the newest report block about us.
    double reported_fraction_lost = 0;
    std::int32_t reported_lost = 0;
    std::optional<Duration> round_trip;
    std::uint64_t malformed = 0;           // neither RTP nor RTCP that can be read
    std::uint64_t other_type = 0;          // RTP of a payload type that was not agreed
    Time first = no_time, last = no_time;  // RTP
};

struct Sent {
    std::uint64_t packets = 0, octets = 0;  // RTP, payload
    std::uint64_t rtcp_packets = 0;         // compounds
    std::uint32_t frames = 0, key_frames = 0;
    std::uint32_t pli = 0;   // that we asked with
    std::uint32_t late = 0;  // times that the clock had to be set anew
    std::string digits;      // begun
    std::uint32_t ssrc = 0;
    Time first = no_time, last = no_time;  // RTP
};

class MediaSession {
public:
    enum class Kind : std::uint8_t { audio, video };
    struct Output {
        Endpoint local, remote;
        Content content = Content::rtp;
        Bytes bytes;  // valid until the next call that is not poll()
    };

    MediaSession(Kind kind, const Endpoint& local_rtp, Random& random, MediaStore& store,
                 MediaSettings settings = {});
    ~MediaSession();
    MediaSession(MediaSession&&) noexcept;

    // In force from now on; again after each new answer. While the line is not active, or its
    // direction forbids it, nothing is sent, but time goes on.
    void agree(const Agreed& agreed, Time now);
    // In place of what is being sent; digits over a sound that goes on behind them. Errors: the
    // file cannot be read, the codec cannot carry it.
    Status start(const MediaPlan& plan, Time now);
    void stop(Time now);    // of the plan; RTCP goes on
    void end(Time now);     // RTCP BYE (RFC 3550 6.6); what comes is still counted, nothing sent
    void echo(bool on);     // what is heard is sent back, in place of a plan
    bool playing() const;   // a plan has not come to its end
    void send_key_frame();  // with the next frame
    void ask_key_frame(Time now);  // sends a PLI, or a FIR where only that is agreed
    bool take_key_request();       // one is to be signalled; true once a request

    // `rtcp`: it came to the RTCP port.
    void on_packet(Bytes datagram, bool rtcp, const Endpoint& from, Time now);
    void on_timer(Time now);
    std::optional<Time> deadline() const;
    std::optional<Output> poll();
    // Asks for the memory of the next packet: step 0, then 1, with time between them.
    void fetch(unsigned step) const;

    Heard heard() const;
    const Sent& sent() const;

private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace sipana::lab
