// RTP payload encodings and their format parameters (a=fmtp).
#include <fmt/format.h>

#include <array>

#include "libsipana/base/text.h"
#include "libsipana/render/explain.h"

namespace sipana::render {
namespace {

constexpr Topic codecs[] = {
    {"PCMU", "G.711 mu-law: telephone audio at 64 kbit/s, North America and Japan.",
     "RFC 3551 4.5.14"},
    {"PCMA", "G.711 A-law: telephone audio at 64 kbit/s, the rest of the world.",
     "RFC 3551 4.5.14"},
    {"G722",
     "Wideband audio at 64 kbit/s. Its RTP clock runs at 8000 although it samples at 16 kHz.",
     "RFC 3551 4.5.2"},
    {"G723", "Narrowband audio at 5.3 or 6.3 kbit/s, 30 ms frames.", "RFC 3551 4.5.3"},
    {"G726-16", "ADPCM audio at 16 kbit/s.", "RFC 3551 4.5.4"},
    {"G726-24", "ADPCM audio at 24 kbit/s.", "RFC 3551 4.5.4"},
    {"G726-32", "ADPCM audio at 32 kbit/s, as cordless phones use.", "RFC 3551 4.5.4"},
    {"G726-40", "ADPCM audio at 40 kbit/s.", "RFC 3551 4.5.4"},
    {"G728", "Narrowband audio at 16 kbit/s with little delay.", "RFC 3551 4.5.5"},
    {"G729", "Narrowband audio at 8 kbit/s, 10 ms frames.", "RFC 3551 4.5.6"},
    {"GSM", "GSM full rate: narrowband audio at 13 kbit/s.", "RFC 3551 4.5.8"},
    {"GSM-EFR", "GSM enhanced full rate: narrowband audio at 12.2 kbit/s.", "RFC 3551 4.5.9"},
    {"iLBC", "Narrowband audio made to bear lost packets, 13.3 or 15.2 kbit/s.", "RFC 3952"},
    {"speex", "An older free speech codec.", "RFC 5574"},
    {"opus", "Speech and music, 6 to 510 kbit/s. Its RTP clock is always 48000.", "RFC 7587"},
    {"AMR", "The narrowband codec of mobile phones, eight bit rates.", "RFC 4867"},
    {"AMR-WB", "The wideband codec of mobile phones (HD voice).", "RFC 4867"},
    {"EVS", "The newest codec of mobile phones.", "3GPP TS 26.445"},
    {"SILK", "The speech half of Opus, before it was Opus.", "draft-spittka-silk-payload-format"},
    {"L16", "Uncompressed 16-bit audio.", "RFC 3551 4.5.11"},
    {"DVI4", "IMA ADPCM audio.", "RFC 3551 4.5.1"},
    {"LPC", "An experimental speech codec.", "RFC 3551 4.5.12"},
    {"QCELP", "Speech of CDMA phones.", "RFC 3551 4.5.15"},
    {"CN", "Comfort noise: describes the hiss to play while nobody speaks.", "RFC 3389"},
    {"RED", "Carries older audio again beside the new, against loss.", "RFC 2198"},
    {"telephone-event", "Key presses (DTMF) and tones as events instead of sound.", "RFC 4733"},
    {"H261", "The first video codec for telephones.", "RFC 4587"},
    {"H263", "An older video codec.", "RFC 2190"},
    {"H263-1998", "H.263+: an older video codec.", "RFC 4629"},
    {"H264", "The video codec most phones share.", "RFC 6184"},
    {"H265", "HEVC: half the bit rate of H.264.", "RFC 7798"},
    {"VP8", "Google's free video codec.", "RFC 7741"},
    {"VP9", "The successor of VP8.", "RFC 9628"},
    {"AV1", "A free video codec of the Alliance for Open Media.", "AV1 RTP specification"},
    {"rtx", "Retransmissions of lost packets of another payload type.", "RFC 4588"},
    {"ulpfec", "Parity packets, from which lost ones can be computed.", "RFC 5109"},
    {"flexfec-03", "Parity packets over rows and columns of packets.", "RFC 8627"},
    {"t140", "Text, typed and seen letter by letter.", "RFC 4103"},
    {"JPEG", "Motion JPEG.", "RFC 2435"},
    {"MPV", "MPEG-1 or MPEG-2 video.", "RFC 2250"},
    {"MP2T", "An MPEG transport stream.", "RFC 2250"},
};

struct Parameter {
    std::string_view name, value;
};
std::vector<Parameter> parameters_of(std::string_view text) {
    std::vector<Parameter> out;
    while (!text.empty() && out.size() < 64) {
        std::string_view one = trim(cut(text, ';'));
        if (one.empty()) continue;
        const std::string_view name = trim(cut(one, '='));
        out.push_back({name, trim(one)});
    }
    return out;
}

int hex_pair(std::string_view text, std::size_t at) {
    int value = 0;
    for (const char c : text.substr(at, 2)) {
        const int digit = is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10;
        value = value * 16 + digit;
    }
    return value;
}

// profile-level-id: profile_idc, profile-iop and level_idc, two hexadecimal digits each (RFC
// 6184 8.1).
std::string h264_profile(std::string_view value) {
    if (value.size() != 6) return {};
    for (const char c : value)
        if (!is_hex(c)) return {};
    const int profile = hex_pair(value, 0), iop = hex_pair(value, 2), level = hex_pair(value, 4);
    // RFC 6184 table 5: the constraint flags turn one profile into another.
    std::string name;
    switch (profile) {
        case 0x42:
            name = (iop & 0x40) != 0 ? "constrained baseline" : "baseline";
            break;
        case 0x4d:
            name = (iop & 0x80) != 0 ? "constrained baseline" : "main";
            break;
        case 0x58:
            name = (iop & 0xc0) == 0xc0 ? "constrained baseline"
                   : (iop & 0x80) != 0  ? "baseline"
                                        : "extended";
            break;
        case 0x64:
            name = (iop & 0x0c) == 0x0c ? "constrained high" : "high";
            break;
        case 0x6e:
            name = "high 10";
            break;
        case 0x7a:
            name = "high 4:2:2";
            break;
        case 0xf4:
            name = "high 4:4:4 predictive";
            break;
        default:
            return fmt::format("profile {}, level {:.2g}", profile, level / 10.0);
    }
    const bool level_1b = level == 11 && (iop & 0x10) != 0 && profile < 0x64;
    return fmt::format("{} profile, level {}", name,
                       level_1b ? "1b" : fmt::format("{}.{}", level / 10, level % 10));
}

// RFC 4733 2.4.1: a list of events and ranges of events.
std::string events(std::string_view list) {
    std::string out;
    while (!list.empty()) {
        std::string_view range = trim(cut(list, ','));
        const auto first = to_number(cut(range, '-'));
        const auto last = range.empty() ? first : to_number(range);
        if (!first || !last) return {};
        if (!out.empty()) out += ", ";
        if (*first == 0 && *last == 15)
            out += "the keys 0-9 * # A-D";
        else if (*first == 0 && *last == 16)
            out += "the keys 0-9 * # A-D and flash";
        else if (*first == 0 && *last == 11)
            out += "the keys 0-9 * #";
        else if (*first == *last)
            out += fmt::format("event {}", *first);
        else
            out += fmt::format("events {} to {}", *first, *last);
    }
    return out;
}

struct Word {
    std::string_view codec, name, value;  // an empty value: any
    std::string_view text;                // with {} for the value
};
constexpr Word words[] = {
    {"H264", "packetization-mode", "0", "one NAL unit a packet"},
    {"H264", "packetization-mode", "1", "NAL units may be split over packets"},
    {"H264", "packetization-mode", "2", "NAL units interleaved"},
    {"H264", "level-asymmetry-allowed", "1", "each way may have its own level"},
    {"H264", "sprop-parameter-sets", "", "picture parameters given ahead"},
    {"H264", "max-br", "", "up to {} kbit/s"},
    {"H264", "max-mbps", "", "up to {} macroblocks a second"},
    {"H264", "max-fs", "", "frames up to {} macroblocks"},
    {"H265", "profile-id", "1", "main profile"},
    {"H265", "profile-id", "2", "main 10 profile"},
    {"H265", "tx-mode", "SRST", "one stream"},
    {"VP8", "max-fr", "", "up to {} frames a second"},
    {"VP8", "max-fs", "", "frames up to {} macroblocks"},
    {"VP9", "profile-id", "", "profile {}"},
    {"AV1", "profile", "", "profile {}"},
    {"opus", "useinbandfec", "1", "spare data against loss wanted"},
    {"opus", "useinbandfec", "0", "no spare data against loss"},
    {"opus", "usedtx", "1", "silence is not sent"},
    {"opus", "usedtx", "0", "silence is sent"},
    {"opus", "stereo", "1", "stereo wanted"},
    {"opus", "stereo", "0", "mono wanted"},
    {"opus", "sprop-stereo", "1", "will probably send stereo"},
    {"opus", "sprop-stereo", "0", "will probably send mono"},
    {"opus", "maxplaybackrate", "", "plays up to {} Hz"},
    {"opus", "sprop-maxcapturerate", "", "records up to {} Hz"},
    {"opus", "maxaveragebitrate", "", "at most {} bit/s"},
    {"opus", "minptime", "", "packets of at least {} ms"},
    {"opus", "cbr", "1", "constant bit rate"},
    {"G729", "annexb", "no", "silence is sent as speech (no Annex B)"},
    {"G729", "annexb", "yes", "silence may be left out (Annex B)"},
    {"iLBC", "mode", "20", "20 ms frames, 15.2 kbit/s"},
    {"iLBC", "mode", "30", "30 ms frames, 13.3 kbit/s"},
    {"AMR", "octet-align", "1", "fields padded to whole bytes"},
    {"AMR", "octet-align", "0", "fields packed bit by bit"},
    {"AMR", "mode-set", "", "bit-rate modes {} only"},
    {"AMR-WB", "octet-align", "1", "fields padded to whole bytes"},
    {"AMR-WB", "octet-align", "0", "fields packed bit by bit"},
    {"AMR-WB", "mode-set", "", "bit-rate modes {} only"},
    {"speex", "vbr", "on", "variable bit rate"},
    {"speex", "mode", "", "mode {}"},
    {"rtx", "apt", "", "repeats packets of payload type {}"},
    {"rtx", "rtx-time", "", "keeps packets for {} ms"},
    {"H263", "QCIF", "", "176x144 pictures"},
    {"H263", "CIF", "", "352x288 pictures"},
    {"H263-1998", "QCIF", "", "176x144 pictures"},
    {"H263-1998", "CIF", "", "352x288 pictures"},
};

}  // namespace

Topic codec_topic(std::string_view name) {
    for (const Topic& row : codecs)
        if (iequals(row.name, name)) return row;
    return {};
}

std::string fmtp_meaning(std::string_view codec, std::string_view text) {
    if (iequals(codec, "telephone-event")) return events(trim(text));
    if (iequals(codec, "RED")) return "carries payload types " + printable(trim(text));
    std::string out;
    for (const Parameter& p : parameters_of(text)) {
        std::string part;
        if (iequals(codec, "H264") && iequals(p.name, "profile-level-id"))
            part = h264_profile(p.value);
        if (iequals(codec, "H265") && iequals(p.name, "level-id")) {
            const auto level = to_number(p.value);  // thirty times the level (RFC 7798 7.1)
            if (level && *level < 1000) part = fmt::format("level {:.3g}", *level / 30.0);
        }
        for (const Word& w : words) {
            if (!part.empty() || !iequals(w.codec, codec) || !iequals(w.name, p.name)) continue;
            if (!w.value.empty() && !iequals(w.value, p.value)) continue;
            part = w.text;
            if (const auto at = part.find("{}"); at != part.npos)
                part.replace(at, 2, printable(p.value.substr(0, 40)));
        }
        if (part.empty()) continue;
        if (!out.empty()) out += "; ";
        out += part;
    }
    return out;
}

}  // namespace sipana::render
