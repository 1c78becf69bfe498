#include "libsipana/sdp/check_media.h"

#include <fmt/format.h>

#include <bitset>
#include <optional>

#include "libsipana/base/text.h"

namespace sipana::sdp {
namespace {

constexpr std::uint8_t first_dynamic = 96;

class MediaCheck {
public:
    MediaCheck(const Media& media, Findings& findings) : media_(media), findings_(findings) {}

    void check() {
        media_line();
        directions();
        times();
        if (media_.unspecified_address() && media_.port != 0)
            add("sdp-hold-address", "held by address 0.0.0.0");
        if (!media_.is_rtp()) return;
        formats();
        rtpmaps();
        fmtps();
        for (std::size_t pt = first_dynamic; pt < listed_.size(); ++pt)
            // The formats of a refused m-line mean nothing (RFC 3264 6).
            if (listed_[pt] && !mapped_[pt] && media_.port != 0)
                add("sdp-rtpmap-missing", fmt::format("payload type {} has no rtpmap", pt));
        rtcp();
        feedback();
        extensions();
        sources();
    }

private:
    using Payloads = std::bitset<128>;

    void add(std::string_view rule, std::string text) {
        findings_.add(rule, media_.lines.front().value.data(), std::move(text));
    }
    void add(std::string_view rule, const Line& line, std::string text) {
        findings_.add(rule, line.value.data(), std::move(text));
    }

    void media_line() {
        std::string_view words = media_.lines.front().value;
        next_word(words);
        const std::string_view port = next_word(words);
        if (media_.protocol.empty() || media_.formats.empty())
            add("sdp-media-line", fmt::format("m={} lacks parts", media_.lines.front().value));
        if (!port.empty() && !media_.port_readable) add("sdp-port", fmt::format("port '{}'", port));
    }

    void directions() {
        std::size_t count = 0;
        for (const Line& line : media_.lines) {
            if (line.type != 'a' || !direction_of(attribute_of(line).name) || ++count < 2) continue;
            add("sdp-direction-repeated", line,
                fmt::format("a={} after another direction", line.value));
            return;
        }
    }

    void times() {
        std::optional<std::uint32_t> packet, most;
        const auto read = [&](std::string_view name, std::optional<std::uint32_t>& into) {
            media_.each(name, [&](std::string_view value, const Line& line) {
                into = parse_milliseconds(value);
                if (!into || *into == 0) add("sdp-ptime", line, fmt::format("a={}", line.value));
            });
        };
        read("ptime", packet);
        read("maxptime", most);
        if (packet && most && *packet > *most)
            add("sdp-ptime-above-max", fmt::format("ptime {} above maxptime {}", *packet, *most));
    }

    void formats() {
        std::string_view words = media_.formats;
        for (auto f = next_word(words); !f.empty() && !findings_.full(); f = next_word(words)) {
            const auto pt = to_number<std::uint8_t>(f);
            if (!pt || *pt >= listed_.size()) {
                add("sdp-payload-type", fmt::format("'{}' is no payload type", f));
                continue;
            }
            if (listed_[*pt]) add("sdp-format-repeated", fmt::format("payload type {} twice", *pt));
            listed_[*pt] = true;
        }
    }

    void rtpmaps() {
        media_.each("rtpmap", [&](std::string_view value, const Line& line) {
            const auto map = parse_rtpmap(value);
            if (!map) {
                add("sdp-rtpmap", line, fmt::format("a={}", line.value));
                return;
            }
            const std::uint8_t pt = map->payload_type;
            if (mapped_[pt])
                add("sdp-rtpmap-repeated", line, fmt::format("a second rtpmap for {}", pt));
            else if (!listed_[pt])
                add("sdp-rtpmap-unlisted", line,
                    fmt::format("the m-line has no payload type {}", pt));
            mapped_[pt] = true;
            encoding(*map, line);
        });
    }

    void encoding(const Rtpmap& map, const Line& line) {
        if (iequals(map.encoding, "G722") && map.clock_hz != 8000)
            add("sdp-rtpmap-clock", line, fmt::format("G722 with clock {}", map.clock_hz));
        if (iequals(map.encoding, "opus") && (map.clock_hz != 48000 || map.channels != 2))
            add("sdp-opus-rtpmap", line, fmt::format("opus/{}/{}", map.clock_hz, map.channels));
        const StaticPayload* known = static_payload(map.payload_type);
        if (known == nullptr) return;
        const bool same_clock =
            known->clock_hz == map.clock_hz || fixed_clock_hz(known->name) == known->clock_hz;
        if (!iequals(known->name, map.encoding) || !same_clock)
            add("sdp-rtpmap-static", line,
                fmt::format("payload type {} is {}/{}", map.payload_type, known->name,
                            known->clock_hz));
    }

    void fmtps() {
        media_.each("fmtp", [&](std::string_view value, const Line& line) {
            const auto fmtp = parse_fmtp(value);
            const auto pt = fmtp ? to_number<std::uint8_t>(fmtp->format) : std::nullopt;
            if (!fmtp || fmtp->parameters.empty() || !pt)
                add("sdp-fmtp", line, fmt::format("a={}", line.value));
            else if (*pt >= listed_.size() || !listed_[*pt])
                add("sdp-fmtp-unlisted", line,
                    fmt::format("the m-line has no payload type {}", *pt));
        });
    }

    void rtcp() {
        media_.each("rtcp", [&](std::string_view value, const Line& line) {
            const auto said = parse_rtcp(value);
            next_word(value);
            if (!said || (!trim(value).empty() && !said->connection))
                add("sdp-rtcp", line, fmt::format("a={}", line.value));
        });
        if (media_.port % 2 == 1 && !media_.has("rtcp") && !media_.rtcp_mux())
            add("sdp-port-odd", fmt::format("RTP on port {}", media_.port));
        if (media_.has("rtcp-mux-only") && !media_.rtcp_mux())
            add("sdp-mux-only", "rtcp-mux-only without rtcp-mux");
        if (!media_.rtcp_mux() && media_.port != 0 && !media_.bundle().empty())
            add("sdp-bundle-rtcp-mux", "bundled without rtcp-mux");
    }

    void feedback() {
        bool wrong_profile = false;
        media_.each("rtcp-fb", [&](std::string_view value, const Line& line) {
            const auto f = parse_rtcp_fb(value);
            if (!f)
                add("sdp-rtcp-feedback", line, fmt::format("a={}", line.value));
            else if (f->payload_type && !listed_[*f->payload_type])
                add("sdp-rtcp-feedback-unlisted", line,
                    fmt::format("the m-line has no payload type {}", *f->payload_type));
            if (wrong_profile || media_.protocol.empty() || to_lower(media_.protocol.back()) == 'f')
                return;
            wrong_profile = true;
            add("sdp-rtcp-feedback-profile", line,
                fmt::format("in an m-line of {}", media_.protocol));
        });
    }

    void extensions() {
        std::bitset<4352> taken;
        media_.each("extmap", [&](std::string_view value, const Line& line) {
            const auto e = parse_extmap(value);
            const bool in_range =
                e && ((e->id >= 1 && e->id <= 255) || (e->id >= 4096 && e->id <= 4351));
            if (!in_range) {
                add("sdp-extmap", line, fmt::format("a={}", line.value));
                return;
            }
            if (taken[e->id])
                add("sdp-extmap-repeated", line, fmt::format("number {} again", e->id));
            taken[e->id] = true;
        });
    }

    void sources() {
        media_.each("ssrc", [&](std::string_view value, const Line& line) {
            const auto s = parse_ssrc(value);
            if (!s || s->attribute.empty()) add("sdp-ssrc", line, fmt::format("a={}", line.value));
        });
    }

    const Media& media_;
    Findings& findings_;
    Payloads listed_, mapped_;
};

}  // namespace

void check_media(const Media& media, Findings& findings) {
    MediaCheck(media, findings).check();
    check_security(media, findings);
}

}  // namespace sipana::sdp
