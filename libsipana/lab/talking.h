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
    explicit Talking(Random& random) : sender_(random) { sent_.ssrc = sender_.ssrc(); }

    void agree(const Agreed& agreed);
    void mute(bool muted) { muted_ = muted; }  // the plan goes on without being heard
    Status start(const MediaPlan& plan, bool video, MediaStore& store,
                 const MediaSettings& settings, Time now);
    void stop() { source_ = Source::none; }
    bool playing() const { return source_ != Source::none; }
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
    Status start_sound(const MediaPlan& plan, MediaStore& store);
    Status start_events(const MediaPlan& plan);
    Status start_clip(const MediaPlan& plan, MediaStore& store, const MediaSettings& settings);
    Time due_at(std::uint64_t n) const;
    void catch_up(Time now);
    void send_sound(Outlet& outlet);
    void send_event(Outlet& outlet);
    void send_frame(Outlet& outlet);
    void send(std::uint8_t payload_type, bool marker, std::uint64_t ticks, Bytes payload, Time at,
              Outlet& outlet);

    rtp::Sender sender_;
    Sent sent_;
    bool muted_ = false;
    std::uint32_t clock_hz_ = 8000, ptime_ms_ = 20;
    std::optional<std::uint8_t> payload_type_, event_type_;
    sdp::Codec codec_;
    std::optional<Time> origin_;  // of the media clock: the first plan's begin

    Source source_ = Source::none;
    Time begun_{}, spoken_ = no_time;  // spoken_: end of what was sent last
    std::uint64_t next_ = 0;           // packet or frame
    std::uint64_t first_ticks_ = 0;    // of packet 0
    std::optional<std::uint64_t> total_;
    std::shared_ptr<const media::CodedSound> sound_;
    // Events: packets of one digit, and packets from one digit to the next.
    std::string digits_;
    std::uint64_t event_packets_ = 0, event_slot_ = 1;
    std::shared_ptr<const media::Clip> clip_;
    std::optional<media::Packetiser> packetiser_;
    std::size_t frame_ = 0;
    bool key_wanted_ = false;

    // Echo: what maps their timestamps to our ticks.
    std::optional<std::uint32_t> echoed_ssrc_;
    std::uint32_t echoed_timestamp_ = 0;
    std::uint64_t echo_ticks_ = 0;
};

}  // namespace sipana::lab
