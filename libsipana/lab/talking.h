// Talking: the packets of one stream that a phone sends: a plan, cut into packets on a clock that
// does not drift (packet n is due at the plan's begin + n packet times), or an echo.
//
// Internal to lab/media. A plan's MediaStore things are held; the time is an argument.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "libsipana/base/bytes.h"
#include "libsipana/base/random.h"
#include "libsipana/lab/description.h"
#include "libsipana/lab/media.h"
#include "libsipana/media/packetiser.h"
#include "libsipana/rtp/packet.h"
#include "libsipana/rtp/sender.h"

namespace sipana::lab {

// Receives the datagrams, one call each.
class Outlet {
public:
    virtual ~Outlet() = default;
    virtual Buffer& begin() = 0;  // the datagram is to be appended to this
    virtual void end() = 0;
};

class Talking {
public:
    Talking(bool video, const MediaSettings& settings, Random& random, MediaStore& store)
        : video_(video), video_payload_(settings.video_payload), store_(store), sender_(random) {
        sent_.ssrc = sender_.ssrc();
    }

    void agree(const Agreed& agreed);
    void mute(bool muted) { muted_ = muted; }  // the plan goes on without being heard
    // Digits are played over a sound that is not at its end: it goes on behind them.
    Status start(const MediaPlan& plan, Time now);
    void stop();
    bool playing() const { return now_.source != Source::none && !now_.went_on; }
    void send_key_frame() { key_wanted_ = true; }

    std::optional<Time> due() const;
    void on_due(Time now, Outlet& outlet);
    // A packet of the other side's, sent back as ours.
    void echo(const rtp::Packet& packet, std::uint8_t payload_type, Time now, Outlet& outlet);

    const rtp::Sender& sender() const { return sender_; }
    const Sent& sent() const { return sent_; }
    Sent& sent() { return sent_; }
    std::uint64_t ticks_at(Time time) const;
    std::optional<Time> origin() const { return origin_; }

private:
    enum class Source : std::uint8_t { none, sound, events, clip };
    // A plan under way.
    struct Playing {
        MediaPlan plan;
        Source source = Source::none;
        Time begun{};
        std::uint64_t next = 0;         // packet or frame
        std::uint64_t first_ticks = 0;  // of packet 0
        std::uint32_t ptime_ms = 20;
        std::optional<std::uint64_t> total;
        bool went_on = false;  // after digits were played over it
        std::shared_ptr<const media::CodedSound> sound;
        // Events: packets of one digit, and packets from one digit to the next.
        std::string digits;
        std::uint64_t event_packets = 0, event_slot = 1;
        std::shared_ptr<const media::Clip> clip;
        std::optional<media::Packetiser> packetiser;
        std::size_t frame = 0;
    };
    Status prepare(Playing& p) const;
    Status prepare_sound(Playing& p) const;
    Status prepare_events(Playing& p) const;
    Status prepare_clip(Playing& p) const;
    void limit(Playing& p) const;
    static Time due_at(const Playing& p, std::uint64_t n);
    static void skip_to(Playing& p, Time now);
    void come_to_end(Time now);
    void send_sound(Outlet& outlet);
    void send_event(Outlet& outlet);
    void send_frame(Outlet& outlet);
    void send(std::uint8_t payload_type, bool marker, std::uint64_t ticks, Bytes payload, Time at,
              Outlet& outlet);

    bool video_, muted_ = false, key_wanted_ = false;
    std::uint32_t video_payload_;
    MediaStore& store_;
    rtp::Sender sender_;
    Sent sent_;
    std::uint32_t clock_hz_ = 8000, ptime_ms_ = 20;
    std::optional<std::uint8_t> payload_type_, event_type_;
    sdp::Codec codec_;
    std::optional<Time> origin_;  // of the media clock: the first plan's begin
    Time spoken_ = no_time;       // end of what was sent last
    Playing now_;
    std::optional<Playing> beneath_;  // what digits are played over

    // Echo: what maps their timestamps to our ticks.
    std::optional<std::uint32_t> echoed_ssrc_;
    std::uint32_t echoed_timestamp_ = 0;
    std::uint64_t echo_ticks_ = 0;
};

}  // namespace sipana::lab
