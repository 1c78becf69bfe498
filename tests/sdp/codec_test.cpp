#include "libsipana/sdp/codec.h"

#include <doctest/doctest.h>

#include "libsipana/sdp/session.h"
#include "tests/sdp/samples.h"

using namespace sipana;
using namespace sipana::sdp;

namespace {

std::vector<Codec> codecs(std::string_view section) {
    const std::string text =
        lines("v=0|o=- 1 1 IN IP4 192.0.2.1|s=-|t=0 0|" + std::string(section));
    const auto s = Session::parse(text);
    REQUIRE(s);
    return codecs_of(s->media().front());
}

Codec codec(int payload_type, std::string_view name, std::uint32_t clock,
            std::uint32_t channels = 1, std::string_view fmtp = "") {
    return {static_cast<std::uint8_t>(payload_type), std::string(name), clock, channels,
            std::string(fmtp)};
}

}  // namespace

TEST_CASE("RFC 3551 6: the static payload types") {
    CHECK(static_payloads().size() == 24);
    std::uint8_t last = 0;
    for (const StaticPayload& p : static_payloads()) {
        CHECK((p.payload_type == 0 || p.payload_type > last));
        last = p.payload_type;
        CHECK(static_payload(p.payload_type) == &p);
    }
    CHECK(static_payload(18)->name == "G729");
    CHECK(static_payload(10)->channels == 2);
    CHECK(static_payload(17)->clock_hz == 22050);
    CHECK(static_payload(1) == nullptr);
    CHECK(static_payload(19) == nullptr);
    CHECK(static_payload(96) == nullptr);
    CHECK(static_payload(255) == nullptr);
}

TEST_CASE(
    "trap 15: 15 is G728, 16 is DVI4, and a dynamic payload type without rtpmap is not known") {
    CHECK(static_payload(15)->name == "G728");
    CHECK(static_payload(16)->name == "DVI4");
    CHECK(static_payload(16)->clock_hz == 11025);
    const auto c = codecs("m=audio 4000 RTP/AVP 97 98 111");
    REQUIRE(c.size() == 3);
    for (const Codec& unknown : c) {
        CHECK(unknown.name.empty());
        CHECK(unknown.clock_hz == 0);
    }
    const auto video = codecs("m=video 4000 RTP/AVP 97|a=rtpmap:97 H264/90000");
    CHECK(video[0].clock_hz == 90000);
}

TEST_CASE("trap 18: G722 runs at 8000 and opus at 48000, whatever the rtpmap says") {
    auto c = codecs(
        "m=audio 4000 RTP/AVP 9 111 96|a=rtpmap:9 G722/16000|a=rtpmap:111 OPUS/16000|"
        "a=rtpmap:96 opus/48000/2");
    REQUIRE(c.size() == 3);
    CHECK(c[0].clock_hz == 8000);
    CHECK(c[1].clock_hz == 48000);
    CHECK(c[2].channels == 2);
    c = codecs("m=audio 4000 RTP/AVP 9");
    CHECK(c[0].name == "G722");
    CHECK(c[0].clock_hz == 8000);
}

TEST_CASE("RFC 8866 6.6: rtpmap first, static table second") {
    const auto c = codecs("m=audio 4000 RTP/AVP 0 18 4|a=rtpmap:4 X-OWN/16000|a=fmtp:18 annexb=no");
    REQUIRE(c.size() == 3);
    CHECK(c[0].name == "PCMU");
    CHECK(c[1].fmtp == "annexb=no");
    CHECK(c[2].name == "X-OWN");
    CHECK(c[2].clock_hz == 16000);
}

TEST_CASE("RFC 8866 5.14: formats twice, out of range or no numbers are left out") {
    const auto c = codecs("m=audio 4000 RTP/AVP 0 0 128 99999999999999999999 x 8");
    REQUIRE(c.size() == 2);
    CHECK(c[1].payload_type == 8);
}

TEST_CASE("RFC 8866 6.6: the first of two rtpmaps counts, and fmtp lines add up") {
    const auto c = codecs(
        "m=video 4000 RTP/AVP 96|a=rtpmap:96 H264/90000|a=rtpmap:96 VP8/90000|"
        "a=fmtp:96 packetization-mode=1|a=fmtp:96 profile-level-id=42e01f");
    REQUIRE(c.size() == 1);
    CHECK(c[0].name == "H264");
    CHECK(c[0].fmtp == "packetization-mode=1;profile-level-id=42e01f");
}

TEST_CASE("RFC 8866 5.14: without RTP the formats are names") {
    CHECK(codecs("m=image 4000 udptl t38").at(0).name == "t38");
    CHECK(codecs("m=application 9 UDP/DTLS/SCTP webrtc-datachannel").at(0).name ==
          "webrtc-datachannel");
    CHECK(codecs("m=message 7654 TCP/MSRP *").empty());
}

TEST_CASE("trap 58: m=video has its own codecs and does not take the audio's") {
    const std::string text = lines(
        "v=0|o=- 1 1 IN IP4 192.0.2.1|s=-|c=IN IP4 192.0.2.1|t=0 0|m=audio 4000 RTP/AVP 96|"
        "a=rtpmap:96 iLBC/8000|m=video 4002 RTP/AVP 96|a=rtpmap:96 H264/90000|m=audio 4004 RTP/AVP "
        "96");
    const auto s = Session::parse(text);
    REQUIRE(s);
    CHECK(codecs_of(s->media()[0]).at(0).name == "iLBC");
    CHECK(codecs_of(s->media()[1]).at(0).name == "H264");
    CHECK(codecs_of(s->media()[2]).at(0).name.empty());
    CHECK(codec_of(s->media()[1], 96).clock_hz == 90000);
    CHECK(codec_of(s->media()[1], 200).name.empty());
}

TEST_CASE("RFC 3264 6.1: the same codec is the same name, clock and channels") {
    CHECK(match(codec(0, "PCMU", 8000), codec(0, "pcmu", 8000)) == Match::full);
    CHECK(match(codec(96, "L16", 8000), codec(97, "L16", 16000)) == Match::none);
    CHECK(match(codec(96, "opus", 48000, 2), codec(96, "opus", 48000, 1)) == Match::none);
    CHECK(match(codec(96, "", 0), codec(96, "", 0)) == Match::full);
    CHECK(match(codec(96, "", 0), codec(97, "", 0)) == Match::none);
}

TEST_CASE("RFC 6184 8.2.2: H264 agrees on packetization mode and profile, not on the level") {
    const auto h264 = [](std::string_view fmtp) { return codec(96, "H264", 90000, 1, fmtp); };
    CHECK(match(h264("profile-level-id=42e01f"), h264("profile-level-id=42801e")) == Match::full);
    CHECK(match(h264("profile-level-id=42e01f;packetization-mode=1"),
                h264("profile-level-id=42e01f")) == Match::codec);
    CHECK(match(h264("profile-level-id=64001f"), h264("profile-level-id=42e01f")) == Match::codec);
    CHECK(match(h264(""), h264("packetization-mode=0; profile-level-id=42000a")) == Match::full);
    CHECK(match(codec(96, "AMR", 8000, 1, "octet-align=1"), codec(96, "AMR", 8000)) ==
          Match::codec);
    CHECK(match(codec(96, "telephone-event", 8000, 1, "0-16"),
                codec(96, "telephone-event", 8000)) == Match::full);
}

TEST_CASE("RFC 4588 8: rtx is the same if it repairs the same codec") {
    const std::vector<Codec> a{codec(96, "VP8", 90000), codec(97, "rtx", 90000, 1, "apt=96")};
    const std::vector<Codec> b{codec(100, "H264", 90000), codec(101, "rtx", 90000, 1, "apt=100"),
                               codec(102, "VP8", 90000), codec(103, "rtx", 90000, 1, "apt=102"),
                               codec(104, "rtx", 90000, 1, "apt=104")};
    CHECK(match(a[1], a, b[1], b) == Match::none);
    CHECK(match(a[1], a, b[3], b) == Match::full);
    CHECK(match(a[1], a, b[4], b) == Match::codec);
}
