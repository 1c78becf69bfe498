#include "libsipana/sdp/codec.h"

#include <algorithm>
#include <array>

#include "libsipana/base/text.h"
#include "libsipana/sdp/attributes.h"

namespace sipana::sdp {
namespace {

// RFC 3551 6. MPA may be mono or stereo; the stream says. 1, 2 and 19 are reserved.
constexpr std::array table{
    StaticPayload{0, "PCMU", 8000, 1},   StaticPayload{3, "GSM", 8000, 1},
    StaticPayload{4, "G723", 8000, 1},   StaticPayload{5, "DVI4", 8000, 1},
    StaticPayload{6, "DVI4", 16000, 1},  StaticPayload{7, "LPC", 8000, 1},
    StaticPayload{8, "PCMA", 8000, 1},   StaticPayload{9, "G722", 8000, 1},
    StaticPayload{10, "L16", 44100, 2},  StaticPayload{11, "L16", 44100, 1},
    StaticPayload{12, "QCELP", 8000, 1}, StaticPayload{13, "CN", 8000, 1},
    StaticPayload{14, "MPA", 90000, 1},  StaticPayload{15, "G728", 8000, 1},
    StaticPayload{16, "DVI4", 11025, 1}, StaticPayload{17, "DVI4", 22050, 1},
    StaticPayload{18, "G729", 8000, 1},  StaticPayload{25, "CelB", 90000, 1},
    StaticPayload{26, "JPEG", 90000, 1}, StaticPayload{28, "nv", 90000, 1},
    StaticPayload{31, "H261", 90000, 1}, StaticPayload{32, "MPV", 90000, 1},
    StaticPayload{33, "MP2T", 90000, 1}, StaticPayload{34, "H263", 90000, 1},
};

// The parameters that choose between bit streams which do not mix, and what holds without them.
struct Deciding {
    std::string_view encoding, parameter, otherwise;
    std::size_t compared;  // leading characters that matter; npos: all
};
constexpr auto all = std::string_view::npos;
constexpr std::array deciding{
    Deciding{"H264", "packetization-mode", "0", all},   // RFC 6184 8.2.2
    Deciding{"H264", "profile-level-id", "420010", 2},  // profile_idc; the level may differ
    Deciding{"H265", "profile-id", "1", all},           // RFC 7798 7.2.2
    Deciding{"VP9", "profile-id", "0", all},            // RFC 9628 6.1
    Deciding{"AV1", "profile", "0", all},
    Deciding{"AMR", "octet-align", "0", all},  // RFC 4867 8.3.1
    Deciding{"AMR", "crc", "0", all},
    Deciding{"AMR", "robust-sorting", "0", all},
    Deciding{"AMR-WB", "octet-align", "0", all},
    Deciding{"AMR-WB", "crc", "0", all},
    Deciding{"AMR-WB", "robust-sorting", "0", all},
    Deciding{"G7221", "bitrate", "", all},       // RFC 5577 4.2
    Deciding{"MPEG4-GENERIC", "mode", "", all},  // RFC 3640 4.1
    Deciding{"MPEG4-GENERIC", "config", "", all},
};

bool parameters_agree(const Codec& a, const Codec& b) {
    for (const Deciding& d : deciding) {
        if (!iequals(a.name, d.encoding)) continue;
        const auto x = parameter(a.fmtp, d.parameter).value_or(d.otherwise);
        const auto y = parameter(b.fmtp, d.parameter).value_or(d.otherwise);
        if (!iequals(x.substr(0, d.compared), y.substr(0, d.compared))) return false;
    }
    return true;
}

const Codec* repaired_by(const Codec& rtx, std::span<const Codec> codecs) {
    const auto apt = to_number<std::uint8_t>(parameter(rtx.fmtp, "apt").value_or(""));
    if (!apt) return nullptr;
    const auto at = std::find_if(codecs.begin(), codecs.end(),
                                 [&](const Codec& c) { return c.payload_type == *apt; });
    return at == codecs.end() || iequals(at->name, "rtx") ? nullptr : &*at;
}

}  // namespace

std::span<const StaticPayload> static_payloads() { return table; }

const StaticPayload* static_payload(std::uint8_t payload_type) {
    const auto at =
        std::lower_bound(table.begin(), table.end(), payload_type,
                         [](const StaticPayload& p, std::uint8_t n) { return p.payload_type < n; });
    return at != table.end() && at->payload_type == payload_type ? &*at : nullptr;
}

std::uint32_t fixed_clock_hz(std::string_view encoding) {
    if (iequals(encoding, "G722")) return 8000;
    if (iequals(encoding, "opus")) return 48000;
    return 0;
}

Match match(const Codec& a, const Codec& b) {
    if (!iequals(a.name, b.name) || a.clock_hz != b.clock_hz || a.channels != b.channels)
        return Match::none;
    // Without a name both are unknown; only the number is left to go by.
    if (a.name.empty()) return a.payload_type == b.payload_type ? Match::full : Match::none;
    return parameters_agree(a, b) ? Match::full : Match::codec;
}

Match match(const Codec& a, std::span<const Codec> codecs_of_a, const Codec& b,
            std::span<const Codec> codecs_of_b) {
    const Match m = match(a, b);
    if (m == Match::none || !iequals(a.name, "rtx")) return m;
    const Codec* x = repaired_by(a, codecs_of_a);
    const Codec* y = repaired_by(b, codecs_of_b);
    if (x == nullptr || y == nullptr) return Match::codec;
    return match(*x, *y);
}

bool is_auxiliary(std::string_view encoding) {
    static constexpr std::array<std::string_view, 8> names{
        "telephone-event", "tone", "CN", "rtx", "red", "ulpfec", "flexfec", "flexfec-03"};
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view name) { return iequals(name, encoding); });
}

}  // namespace sipana::sdp
