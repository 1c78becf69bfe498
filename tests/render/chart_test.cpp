#include "libsipana/render/chart.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/render/sample.h"

using namespace sipana;
using namespace sipana::render;

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

analysis::Stream lossy() {
    return sample::stream("192.0.2.10:9078", "198.51.100.20:10002", 1, "H264", 0, 12, 5, "x", true,
                          1);
}

}  // namespace

TEST_CASE("axes step by 1, 2 or 5 times a power of ten") {
    CHECK(nice_step(10, 5) == doctest::Approx(2));
    CHECK(nice_step(12, 5) == doctest::Approx(5));
    CHECK(nice_step(0.9, 3) == doctest::Approx(0.5));
    CHECK(nice_step(3600, 5) == doctest::Approx(1000));
    CHECK(nice_step(1e-9, 3) > 0);
    CHECK(nice_step(0, 3) == 1);
    CHECK(nice_step(10, 0) == 1);
}

TEST_CASE("a chart says what it shows, with units, and what RTCP claims beside it") {
    const auto stream = lossy();
    const std::string jitter = jitter_chart(stream);
    CHECK(has(jitter, "aria-label=\"Jitter, ms: highest 0.9 ms\""));
    CHECK(has(jitter, "class=\"claim\""));
    CHECK(has(loss_chart(stream), "5 lost, 0 late"));
    CHECK(has(loss_chart(stream), "class=\"bar lost\""));
    CHECK(!has(loss_chart(stream), "class=\"bar late\""));
    CHECK(has(bitrate_chart(stream), "Bit rate, kbit/s"));
    const std::string frames = frames_chart(stream);
    CHECK(has(frames, "stick keyframe"));
    CHECK(has(frames, "class=\"cross\""));
    CHECK(has(frames, "class=\"broken\""));
}

TEST_CASE("the rest of a second at a stream's end is no fall of its bit rate") {
    auto stream = lossy();
    stream.end = stream.start + std::chrono::milliseconds{12'100};
    stream.seconds.resize(13);
    for (auto& second : stream.seconds) second.bytes = 8000;
    const std::string whole = bitrate_chart(stream);
    stream.seconds.back().bytes = 800;
    CHECK(bitrate_chart(stream) == whole);
    stream.end = stream.start + std::chrono::milliseconds{12'500};
    stream.seconds.back().bytes = 4000;
    CHECK(has(bitrate_chart(stream), "highest 64 kbit/s"));
}

TEST_CASE("nothing to show is no chart") {
    const analysis::Stream none;
    CHECK(jitter_chart(none).empty());
    CHECK(loss_chart(none).empty());
    CHECK(bitrate_chart(none).empty());
    CHECK(frames_chart(none).empty());
    auto perfect =
        sample::stream("192.0.2.1:4000", "192.0.2.2:4000", 1, "PCMU", 0, 10, 0, "x", true, 1);
    CHECK(loss_chart(perfect).empty());
}

TEST_CASE("a chart of a day is no larger than one of five minutes") {
    auto stream = lossy();
    const auto second = stream.seconds.front();
    stream.seconds.assign(300, second);
    stream.end = stream.start + std::chrono::seconds{300};
    const auto minutes = bitrate_chart(stream).size();
    stream.seconds.assign(86400, second);
    stream.end = stream.start + std::chrono::hours{24};
    CHECK(bitrate_chart(stream).size() < minutes + 500);
    for (int i = 0; i < 100000; ++i)
        stream.video->marks.push_back({stream.start, 0, 1000, 1, false, true});
    CHECK(frames_chart(stream).size() < 20000);
}

TEST_CASE("odd figures do no harm: no time between packets, not a number, out of range") {
    auto stream = lossy();
    stream.end = stream.start;
    stream.seconds.resize(1);
    stream.seconds[0].jitter_ms = 1e30f;
    stream.seconds[0].lost = 0xffffffffu;
    stream.video->marks[0].time = stream.start - std::chrono::hours{1};
    for (auto& report : stream.reports) report.jitter_ms = 1e300;
    for (const std::string& chart :
         {jitter_chart(stream), loss_chart(stream), bitrate_chart(stream), frames_chart(stream)}) {
        CHECK(!has(chart, "nan"));
        CHECK(chart.size() < 100000);
    }
}
