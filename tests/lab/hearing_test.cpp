#include "libsipana/lab/hearing.h"

#include <doctest/doctest.h>

#include "libsipana/media/g711.h"

using namespace sipana;
using namespace std::chrono_literals;

TEST_CASE("RFC 3550 5.1: a source whose timestamps leap is heard on, what comes late is not") {
    for (const std::uint32_t leap : {0u, 1'913'912'736u, 0u - 1'913'912'736u}) {
        CAPTURE(leap);
        lab::Agreed agreed;
        agreed.heard.push_back({0, "PCMU", 8000, 1, {}});
        lab::Hearing hearing(false, true);
        hearing.agree(agreed);
        const media::Sound period = media::tone(440, -10);
        for (std::uint32_t n = 0; n < 150; ++n) {
            media::Sound sound;
            for (std::uint32_t i = 0; i < 160; ++i)
                sound.push_back(period[(n * 160 + i) % period.size()]);
            Buffer coded;
            media::encode(media::Law::mu, sound, coded);
            rtp::Packet p;
            p.payload = coded;
            p.sequence = static_cast<std::uint16_t>(n);
            p.timestamp = n * 160 + (n < 50 ? 0 : leap);
            p.ssrc = 7;
            hearing.on_packet(p, Time{1s} + 20ms * n);
        }
        lab::Heard heard;
        hearing.tell(heard);
        REQUIRE(heard.tone_hz_by_second.size() == 3);
        for (const double hertz : heard.tone_hz_by_second)
            CHECK(hertz == doctest::Approx(440).epsilon(0.005));
        CHECK(heard.max_jitter_ms < 1);
    }
}
