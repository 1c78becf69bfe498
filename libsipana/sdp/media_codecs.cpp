// The codecs of one m-line: its formats, a=rtpmap, a=fmtp and the static table of RFC 3551.
#include <array>
#include <bitset>

#include "libsipana/sdp/session.h"

namespace sipana::sdp {
namespace {

constexpr std::size_t payload_types = 128;

// What the attributes of an m-line say of each payload type, gathered in one pass. The first rtpmap
// of a payload type counts; a second is a finding of sdp/check.
class PayloadMap {
public:
    explicit PayloadMap(const Media& media) : media_(media) {
        media.each("rtpmap", [&](std::string_view value, const Line&) {
            const std::string_view whole = value;
            const auto pt = payload_type(value);
            if (pt && maps_[*pt].empty()) maps_[*pt] = whole;
        });
        media.each("fmtp", [&](std::string_view value, const Line&) {
            const auto pt = payload_type(value);
            if (!pt) return;
            const std::string_view parameters = trim(value);
            if (fmtps_[*pt].empty())
                fmtps_[*pt] = parameters;
            else
                several_[*pt] = true;
        });
    }

    Codec codec(std::uint8_t pt) const {
        Codec c;
        c.payload_type = pt;
        if (pt >= payload_types) return c;
        if (const auto map = parse_rtpmap(maps_[pt])) {
            c.name = map->encoding;
            const std::uint32_t fixed = fixed_clock_hz(map->encoding);
            c.clock_hz = fixed != 0 ? fixed : map->clock_hz;
            c.channels = map->channels;
        } else if (const StaticPayload* known = static_payload(pt)) {
            c.name = known->name;
            c.clock_hz = known->clock_hz;
            c.channels = known->channels;
        }
        c.fmtp = several_[pt] ? joined(pt) : std::string(fmtps_[pt]);
        return c;
    }

private:
    // Takes the payload type off the value of an rtpmap or fmtp.
    static std::optional<std::uint8_t> payload_type(std::string_view& value) {
        const auto pt = to_number<std::uint8_t>(next_word(value));
        return pt && *pt < payload_types ? pt : std::nullopt;
    }
    std::string joined(std::uint8_t pt) const {
        std::string all;
        media_.each("fmtp", [&](std::string_view value, const Line&) {
            if (payload_type(value) != pt || trim(value).empty()) return;
            if (!all.empty()) all += ';';
            all += trim(value);
        });
        return all;
    }

    const Media& media_;
    std::array<std::string_view, payload_types> maps_, fmtps_;  // values of the attributes
    std::bitset<payload_types> several_;
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
    const PayloadMap map(media);
    std::array<bool, payload_types> seen{};
    out.reserve(8);
    for (auto f = next_word(formats); !f.empty(); f = next_word(formats)) {
        const auto pt = to_number<std::uint8_t>(f);
        if (!pt || *pt >= payload_types || seen[*pt]) continue;
        seen[*pt] = true;
        out.push_back(map.codec(*pt));
    }
    return out;
}

}  // namespace sipana::sdp
