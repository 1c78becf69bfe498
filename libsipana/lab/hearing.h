// Hearing: what arrives on one m-line of a phone, measured: each source's statistics, tones,
// digits, video frames.
//
// Internal to lab/media. No heap is touched per packet once a source is known.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "libsipana/lab/description.h"
#include "libsipana/lab/media.h"
#include "libsipana/media/dtmf.h"
#include "libsipana/media/frames.h"
#include "libsipana/media/tone_meter.h"
#include "libsipana/rtcp/reporter.h"
#include "libsipana/rtp/events.h"
#include "libsipana/rtp/packet.h"
#include "libsipana/rtp/receiver.h"

namespace sipana::lab {

class Hearing {
public:
    Hearing(bool video, bool measure) : video_(video), measure_(measure) {}

    // What was agreed on before is understood still: it may be on its way (RFC 3264 8.3.1).
    void agree(const Agreed& agreed);

    struct Noted {
        const sdp::Codec* codec = nullptr;  // nullptr: the payload type means nothing to us
        bool picture_lost = false;          // video: it is broken, until a key frame begins
        bool key_frame = false;             // video: one begins
    };
    Noted on_packet(const rtp::Packet& packet, Time now);

    void tell(Heard& heard) const;
    // For report blocks; of the sources that were heard since the call before.
    std::vector<rtcp::Reception> receptions();
    std::optional<std::uint32_t> source() const;  // SSRC of the newest
    std::size_t sources() const { return sources_.size(); }

private:
    struct Source {
        std::uint32_t ssrc = 0;
        rtp::Receiver receiver;
        std::uint64_t reported = 0;  // packets, at the last report
    };
    struct Ears {
        media::ToneMeter tones{max_heard_seconds};
        media::DtmfDetector dtmf;
        std::optional<std::uint32_t> expected_timestamp;
    };
    const sdp::Codec* format_of(std::uint8_t payload_type);
    Source* source_of(std::uint32_t ssrc);
    void listen(const rtp::Packet& packet, media::Law law, bool new_source, rtp::Place place);
    void watch(const rtp::Packet& packet, media::VideoCodec codec, rtp::Place place, Time now,
               Noted& noted);

    bool video_, measure_;
    std::vector<sdp::Codec> formats_;
    sdp::Codec assumed_;  // of a static payload type, before anything was agreed on
    std::vector<Source> sources_;
    std::size_t newest_ = 0;
    rtp::EventDecoder events_;
    std::unique_ptr<Ears> ears_;  // some kilobytes, of which a load of calls has no use
    std::optional<media::VideoMeter> video_meter_;
    bool key_seen_ = false, broken_ = false;
    std::uint64_t other_type_ = 0;
};

}  // namespace sipana::lab
