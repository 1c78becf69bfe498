#include "libsipana/analysis/payloads.h"

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/media/frames.h"

namespace sipana::analysis {
namespace {

constexpr std::size_t most_names = 1000;

}  // namespace

// RFC 3264 5.1, 6.1: the numbers in a stream are those of the SDP of the side that receives it.
Payload Payloads::resolve(const Announced& by, std::uint8_t type) {
    const rtp::PayloadFormat fixed = rtp::static_format(type);
    // The numbers that RFC 3551 assigned to audio mean the same with and without an rtpmap.
    const bool assigned = fixed.kind == rtp::Kind::audio;
    if (!assigned && !by.sdp.empty() && session_.read(by.sdp) &&
        by.line < session_.media().size()) {
        const sdp::Media& media = session_.media()[by.line];
        const sdp::Codec codec = sdp::codec_of(media, type);
        const rtp::Kind kind = iequals(media.media, "video")   ? rtp::Kind::video
                               : iequals(media.media, "audio") ? rtp::Kind::audio
                                                               : rtp::Kind::unknown;
        if (!codec.name.empty()) return named(type, codec.name, codec.clock_hz, kind);
    }
    if (!assigned || by.sdp.empty())
        for (const PayloadMapping& m : options_.payload_map)
            if (m.payload_type == type)
                return named(type, m.name, m.clock_hz,
                             by.video || m.clock_hz == media::video_clock_hz ? rtp::Kind::video
                                                                             : rtp::Kind::audio);
    Payload p;
    p.type = type;
    p.codec = number_of(fixed.name);
    p.clock_hz = fixed.clock_hz;
    p.kind = fixed.kind;
    return p;
}

Payload Payloads::again(const Payload& payload, const Announced& by) {
    const Payload newer = resolve(by, payload.type);
    return name(newer).empty() ? payload : newer;
}

Payload Payloads::named(std::uint8_t type, std::string_view name, std::uint32_t clock_hz,
                        rtp::Kind kind) {
    const rtp::PayloadFormat format = rtp::named_format(name);
    Payload p;
    p.type = type;
    p.codec = number_of(name);
    p.clock_hz = clock_hz != 0 ? clock_hz : format.clock_hz;
    p.kind = format.kind;
    p.redundant = iequals(name, "red");
    if (p.kind == rtp::Kind::unknown || p.redundant) p.kind = kind;
    return p;
}

// Few names occur; a sender of thousands shares the last number.
std::uint16_t Payloads::number_of(std::string_view name) {
    const auto known = std::find(names_.begin(), names_.end(), name) - names_.begin();
    const auto number = static_cast<std::size_t>(known);
    if (number == names_.size() && number < most_names) names_.emplace_back(name);
    return static_cast<std::uint16_t>(std::min(number, most_names - 1));
}

}  // namespace sipana::analysis
