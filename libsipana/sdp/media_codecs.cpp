// The codecs of one m-line: its formats, a=rtpmap, a=fmtp and the static table of RFC 3551.
#include <array>

#include "libsipana/sdp/session.h"

namespace sipana::sdp {
namespace {

constexpr std::size_t payload_types = 128;

// What the attributes of an m-line say of each payload type, gathered in one pass. The first rtpmap
// of a payload type counts; a second is a finding of sdp/check.
class PayloadMap {
public:
    explicit PayloadMap(const Media& media) {
        media.each("rtpmap", [&](std::string_view value, const Line&) {
            const auto map = parse_rtpmap(value);
            if (map && !maps_[map->payload_type]) maps_[map->payload_type] = *map;
        });
        media.each("fmtp", [&](std::string_view value, const Line&) {
            const auto fmtp = parse_fmtp(value);
            const auto pt = fmtp ? to_number<std::uint8_t>(fmtp->format) : std::nullopt;
            if (!pt || *pt >= payload_types) return;
            std::string& all = fmtps_[*pt];
            if (!all.empty()) all += ';';
            all += fmtp->parameters;
        });
    }

    Codec codec(std::uint8_t payload_type) {
        Codec c;
        c.payload_type = payload_type;
        if (payload_type >= payload_types) return c;
        if (const auto& map = maps_[payload_type]) {
            c.name = map->encoding;
            const std::uint32_t fixed = fixed_clock_hz(map->encoding);
            c.clock_hz = fixed != 0 ? fixed : map->clock_hz;
            c.channels = map->channels;
        } else if (const StaticPayload* known = static_payload(payload_type)) {
            c.name = known->name;
            c.clock_hz = known->clock_hz;
            c.channels = known->channels;
        }
        c.fmtp = std::move(fmtps_[payload_type]);
        return c;
    }

private:
    std::array<std::optional<Rtpmap>, payload_types> maps_;
    std::array<std::string, payload_types> fmtps_;
};

}  // namespace

Codec codec_of(const Media& media, std::uint8_t payload_type) {
    return PayloadMap(media).codec(payload_type);
}

std::vector<Codec> codecs_of(const Media& media) {
    std::vector<Codec> out;
    std::string_view formats = media.formats;
    if (!media.is_rtp()) {
        for (auto f = next_word(formats); !f.empty() && out.size() < max_codecs;
             f = next_word(formats))
            if (f != "*") out.emplace_back().name = f;
        return out;
    }
    PayloadMap map(media);
    std::array<bool, payload_types> seen{};
    for (auto f = next_word(formats); !f.empty(); f = next_word(formats)) {
        const auto pt = to_number<std::uint8_t>(f);
        if (!pt || *pt >= payload_types || seen[*pt]) continue;
        seen[*pt] = true;
        out.push_back(map.codec(*pt));
    }
    return out;
}

}  // namespace sipana::sdp
