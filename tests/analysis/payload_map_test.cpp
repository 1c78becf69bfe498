#include "libsipana/analysis/payload_map.h"

#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::parse_payload_mapping;
using analysis::Report;

TEST_CASE("RFC 8866 6.6: a mapping is a payload type and an encoding as in an rtpmap") {
    const auto video = parse_payload_mapping("96=H264/90000");
    REQUIRE(video);
    CHECK(video->payload_type == 96);
    CHECK(video->name == "H264");
    CHECK(video->clock_hz == 90000);
    const auto stereo = parse_payload_mapping("111=opus/48000/2");
    REQUIRE(stereo);
    CHECK(stereo->name == "opus");
    CHECK(parse_payload_mapping("0=x-vendor.codec_1/8000"));
}

TEST_CASE("RFC 3551 4.5.2: a mapping cannot change the clock of G.722") {
    CHECK(parse_payload_mapping("96=G722/16000")->clock_hz == 8000);
}

TEST_CASE("RFC 8866 6.6: what is no mapping is refused") {
    for (const char* text :
         {"", "=", "96", "96=", "96=H264", "96=H264/", "96=H264/x", "96=H264/0", "128=H264/90000",
          "-1=H264/90000", "x=H264/90000", "96=/90000", "96=H 264/90000", "96=H264/90000/",
          "96=H264/90000/0", "96=H264/90000/2/2", "96 =H264/90000", "96=H264/99999999999"}) {
        CAPTURE(text);
        const auto mapping = parse_payload_mapping(text);
        REQUIRE_FALSE(mapping);
        CHECK(mapping.error().what.find("96=H264/90000") != std::string::npos);  // how it should be
    }
}

TEST_CASE("a mapping tells the codec of streams without an SDP, and of those only") {
    analysis::Options options;
    options.payload_map = {*parse_payload_mapping("97=speex/16000"),
                           *parse_payload_mapping("0=L16/44100")};
    Wire w;
    for (int i = 0; i < 5; ++i) {
        const auto n = static_cast<std::uint16_t>(i);
        w.udp(20 * i, ep("10.0.0.1:4000"), ep("10.0.0.2:5000"), rtp(n, n * 320u, 0xa, 97));
        w.udp(20 * i, ep("10.0.0.1:4002"), ep("10.0.0.2:5002"), rtp(n, n * 882u, 0xb, 0));
        w.udp(1020 + 20 * i, ep("10.0.0.3:4000"), ep("10.0.0.9:5000"), rtp(n, n * 160u, 0xc, 0));
    }
    w.udp(1000, alice, bob, request({.body = sdp_body("10.0.0.3", 4000)}));
    const Report r = w.play(options);
    REQUIRE(r.streams.size() == 2);
    CHECK(r.streams[0].codec == "speex");
    CHECK(r.streams[0].clock_hz == 16000);
    CHECK(r.streams[0].max_jitter_ms == doctest::Approx(0));
    CHECK(r.streams[1].codec == "L16");
    CHECK(r.streams[1].max_jitter_ms == doctest::Approx(0));
    REQUIRE(r.calls.size() == 1);
    REQUIRE(r.calls[0].streams.size() == 1);
    CHECK(r.calls[0].streams[0].codec == "PCMU");
}
