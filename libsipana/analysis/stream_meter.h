// StreamMeter: what is measured of one stream, from its second packet on: the receiver's figures,
// its payload types, keys, frames and seconds. Of an encrypted payload nothing is read.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "libsipana/analysis/payloads.h"
#include "libsipana/media/frames.h"
#include "libsipana/rtp/events.h"
#include "libsipana/rtp/packet.h"
#include "libsipana/rtp/receiver.h"
#include "libsipana/rtp/seconds.h"

namespace sipana::analysis {

// A packet as it is kept until it is clear that it begins a stream.
struct Early {
    Time at{};
    std::uint64_t frame = 0;
    std::uint32_t timestamp = 0;
    // As on the wire; `absent` of them were not captured.
    std::uint16_t payload_bytes = 0, rtp_bytes = 0, absent = 0;
    std::uint16_t sequence = 0;
    std::uint8_t payload_type = 0;
    bool marker = false;
};

class StreamMeter {
public:
    StreamMeter(Payloads& payloads, const Payload& first, const Announced& by, bool full);

    // A packet like the one before, whose payload tells nothing: for the hot path. False: count()
    // it.
    bool count_plain(const rtp::Packet& packet, const net::Datagram& d) {
        if (!plain_ || packet.payload_type != used_[now_].type) return false;
        receiver_.on_packet(packet.sequence, packet.timestamp, packet.marker,
                            static_cast<std::uint32_t>(packet.payload.size()) + d.absent, d.time);
        rtp_bytes_ += d.payload.size() + d.absent;
        ++used_[now_].packets;
        return true;
    }
    // Any packet. `payload` is empty where it was not kept.
    void count(const Early& packet, Bytes payload, const Announced& by);
    // Looks for what a datagram of the stream must not do. Told once a rule, with the number.
    void check(const net::Datagram& datagram, Bytes payload, const Announced& by);
    // The SDP says other things than before.
    void relearn(const Announced& by);
    // What follows is encrypted. What was read of frames before is too little to be told.
    void encrypt();
    // What was sent since the last packet was sent elsewhere, and is not missing here.
    void resume() {
        receiver_.resume();
        if (video_) video_->resume();
    }

    std::uint64_t packets() const { return receiver_.packets(); }
    Time last_arrival() const { return receiver_.last_arrival(); }
    // The payload type most used; events and comfort noise aside.
    const Payload& main() const;
    // Gives all figures to the model. Detail::summary: without what grows with the stream's length.
    void describe(Stream& into, Detail detail = Detail::full) const;
    std::uint64_t bytes() const;  // of memory, about

private:
    struct Used : Payload {
        std::uint64_t packets = 0;
        bool in_red = false;  // within redundant packets only: no payload type of the stream's own
        std::optional<media::VideoCodec> picture;  // whose payloads can be read
    };
    struct Fault {
        Finding first;
        std::uint64_t count = 0;
    };
    void note(std::vector<Finding> findings, std::uint64_t frame);
    std::size_t add(const Payload& payload);
    std::size_t number_of(std::uint8_t type, const Announced& by);
    void use(const Announced& by);
    void count_video(const Early& packet, Bytes payload, const Announced& by);
    void note_transit(const Early& packet);
    void describe_faults(Stream& into) const;
    void describe_seconds(Stream& into) const;
    void describe_video(Stream& into, Detail detail) const;

    Payloads& payloads_;
    rtp::Receiver receiver_;
    std::uint64_t rtp_bytes_ = 0;
    std::vector<Used> used_;  // in order of appearance
    std::size_t now_ = 0;     // of the last packet
    bool plain_ = false;      // its packets need the receiver only, until the payload type changes
    bool full_ = false, checked_ = false;
    std::unique_ptr<media::VideoMeter> video_;
    std::unique_ptr<rtp::EventDecoder> events_;
    std::unique_ptr<rtp::Seconds> seconds_;
    std::vector<Fault> faults_;  // one a rule
    // What took least time, and where the media clock stands beside that of the capture.
    struct Transit {
        Time first = no_time, least_at = no_time;
        std::uint32_t newest = 0, least_timestamp = 0;
        std::int64_t ticks = 0, least_ns = 0;
    } transit_;
};

}  // namespace sipana::analysis
