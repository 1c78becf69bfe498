#include "libsipana/rtp/payload.h"

#include <array>

#include "libsipana/base/text.h"

namespace sipana::rtp {

namespace {

struct Row {
    std::uint8_t payload_type;
    PayloadFormat format;
};

constexpr auto audio = Kind::audio;
constexpr auto video = Kind::video;

// RFC 3551 table 4 and 5. MPA, CelB, JPEG, nv, H261, MPV, MP2T and H263 run at 90 kHz; G722 at
// 8000 Hz though it samples at 16000 (4.5.2, trap 18).
constexpr std::array<Row, 26> static_table{{
    {0, {"PCMU", 8000, audio}},
    {2, {"G726-32", 8000, audio}},
    {3, {"GSM", 8000, audio}},
    {4, {"G723", 8000, audio}},
    {5, {"DVI4", 8000, audio}},
    {6, {"DVI4", 16000, audio}},
    {7, {"LPC", 8000, audio}},
    {8, {"PCMA", 8000, audio}},
    {9, {"G722", 8000, audio}},
    {10, {"L16", 44100, audio}},
    {11, {"L16", 44100, audio}},
    {12, {"QCELP", 8000, audio}},
    {13, {"CN", 8000, Kind::comfort_noise}},
    {14, {"MPA", 90000, audio}},
    {15, {"G728", 8000, audio}},
    {16, {"DVI4", 11025, audio}},
    {17, {"DVI4", 22050, audio}},
    {18, {"G729", 8000, audio}},
    {19, {"CN", 8000, Kind::comfort_noise}},
    {25, {"CelB", 90000, video}},
    {26, {"JPEG", 90000, video}},
    {28, {"nv", 90000, video}},
    {31, {"H261", 90000, video}},
    {32, {"MPV", 90000, video}},
    {33, {"MP2T", 90000, video}},
    {34, {"H263", 90000, video}},
}};

// Names as the media type registry spells them, with the clock their RTP payload format fixes.
constexpr PayloadFormat named_table[] = {
    {"PCMU", 8000, audio},
    {"PCMA", 8000, audio},
    {"G722", 8000, audio},
    {"G729", 8000, audio},
    {"G723", 8000, audio},
    {"GSM", 8000, audio},
    {"GSM-EFR", 8000, audio},
    {"GSM-HR-08", 8000, audio},
    {"opus", 48000, audio},
    {"iLBC", 8000, audio},
    {"AMR", 8000, audio},
    {"AMR-WB", 16000, audio},
    {"EVS", 16000, audio},
    {"G726-16", 8000, audio},
    {"G726-24", 8000, audio},
    {"G726-32", 8000, audio},
    {"G726-40", 8000, audio},
    {"AAL2-G726-16", 8000, audio},
    {"AAL2-G726-24", 8000, audio},
    {"AAL2-G726-32", 8000, audio},
    {"AAL2-G726-40", 8000, audio},
    {"G728", 8000, audio},
    {"LPC", 8000, audio},
    {"QCELP", 8000, audio},
    {"BV16", 8000, audio},
    {"BV32", 16000, audio},
    {"G7221", 0, audio},
    {"G719", 48000, audio},
    {"G729D", 8000, audio},
    {"G729E", 8000, audio},
    {"MPA", 90000, audio},
    {"SPEEX", 0, audio},
    {"SILK", 0, audio},
    {"L8", 0, audio},
    {"L16", 0, audio},
    {"L24", 0, audio},
    {"DVI4", 0, audio},
    {"mpeg4-generic", 0, audio},
    {"MP4A-LATM", 0, audio},
    {"red", 0, audio},
    {"telephone-event", 0, Kind::event},
    {"tone", 0, Kind::event},
    {"CN", 0, Kind::comfort_noise},
    {"H261", 90000, video},
    {"H263", 90000, video},
    {"H263-1998", 90000, video},
    {"H263-2000", 90000, video},
    {"H264", 90000, video},
    {"H264-SVC", 90000, video},
    {"H265", 90000, video},
    {"H266", 90000, video},
    {"VP8", 90000, video},
    {"VP9", 90000, video},
    {"AV1", 90000, video},
    {"MP4V-ES", 90000, video},
    {"MPV", 90000, video},
    {"MP2T", 90000, video},
    {"JPEG", 90000, video},
    {"CelB", 90000, video},
    {"nv", 90000, video},
    {"theora", 90000, video},
    {"ulpfec", 90000, video},
    {"flexfec", 90000, video},
    {"rtx", 0, video},
};

}  // namespace

PayloadFormat static_format(std::uint8_t payload_type) {
    for (const Row& row : static_table)
        if (row.payload_type == payload_type) return row.format;
    return {};
}

PayloadFormat named_format(std::string_view name) {
    for (const PayloadFormat& format : named_table)
        if (iequals(format.name, name)) return format;
    return {};
}

}  // namespace sipana::rtp
