#include "libsipana/rtp/payload.h"

#include <doctest/doctest.h>

#include "libsipana/base/text.h"

using namespace sipana;
using rtp::Kind;

TEST_CASE("trap 18: G.722 counts at 8000 Hz, Opus at 48000 Hz") {
    CHECK(rtp::static_format(9).name == "G722");
    CHECK(rtp::static_format(9).clock_hz == 8000);
    CHECK(rtp::named_format("g722").clock_hz == 8000);
    CHECK(rtp::named_format("OPUS").clock_hz == 48000);
    CHECK(rtp::named_format("red").clock_hz == 0);  // that of what it carries
}

TEST_CASE("RFC 3551 tables 4 and 5: clocks and kinds of the static payload types") {
    struct Row {
        int type;
        const char* name;
        std::uint32_t clock;
        Kind kind;
    };
    const Row rows[] = {{0, "PCMU", 8000, Kind::audio},   {3, "GSM", 8000, Kind::audio},
                        {4, "G723", 8000, Kind::audio},   {6, "DVI4", 16000, Kind::audio},
                        {8, "PCMA", 8000, Kind::audio},   {10, "L16", 44100, Kind::audio},
                        {11, "L16", 44100, Kind::audio},  {13, "CN", 8000, Kind::comfort_noise},
                        {14, "MPA", 90000, Kind::audio},  {15, "G728", 8000, Kind::audio},
                        {16, "DVI4", 11025, Kind::audio}, {17, "DVI4", 22050, Kind::audio},
                        {18, "G729", 8000, Kind::audio},  {26, "JPEG", 90000, Kind::video},
                        {31, "H261", 90000, Kind::video}, {32, "MPV", 90000, Kind::video},
                        {33, "MP2T", 90000, Kind::video}, {34, "H263", 90000, Kind::video}};
    for (const Row& row : rows) {
        const auto format = rtp::static_format(static_cast<std::uint8_t>(row.type));
        CHECK(format.name == row.name);
        CHECK(format.clock_hz == row.clock);
        CHECK(format.kind == row.kind);
    }
}

TEST_CASE("trap 15: a dynamic, unassigned or reserved payload type says nothing of itself") {
    for (int type : {1, 20, 24, 27, 29, 30, 35, 63, 72, 95, 96, 97, 98, 111, 127}) {
        CAPTURE(type);
        const auto format = rtp::static_format(static_cast<std::uint8_t>(type));
        CHECK(format.name.empty());
        CHECK(format.clock_hz == 0);
        CHECK(format.kind == Kind::unknown);
    }
    CHECK(rtp::is_dynamic(96));
    CHECK(rtp::is_dynamic(45));
    CHECK(!rtp::is_dynamic(34));
    CHECK(!rtp::is_dynamic(64));
    CHECK(rtp::is_reserved(72));
    CHECK(rtp::is_reserved(76));
    CHECK(!rtp::is_reserved(77));
}

TEST_CASE("every static name is also known as a name, under the same clock or none") {
    for (int type = 0; type < 128; ++type) {
        const auto format = rtp::static_format(static_cast<std::uint8_t>(type));
        if (format.name.empty()) continue;
        const auto named = rtp::named_format(lowered(format.name));
        CAPTURE(type);
        CHECK(named.kind == format.kind);
        CHECK((named.clock_hz == 0 || named.clock_hz == format.clock_hz));
    }
    CHECK(rtp::named_format("telephone-event").kind == Kind::event);
    CHECK(rtp::named_format("no-such-codec").kind == Kind::unknown);
    CHECK(rtp::named_format("").kind == Kind::unknown);
}
