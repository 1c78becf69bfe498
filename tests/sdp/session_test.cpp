#include "libsipana/sdp/session.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "libsipana/sdp/check.h"
#include "libsipana/sdp/media_address.h"
#include "tests/exact.h"
#include "tests/sdp/samples.h"

using namespace sipana;
using namespace sipana::sdp;

namespace {

constexpr std::string_view head = "v=0|o=- 1 1 IN IP4 192.0.2.1|s=-|";

std::string with(std::string_view rest) { return lines(std::string(head) + std::string(rest)); }

// Everything that can be asked of a description, and that writing it loses nothing.
void exercise(std::string_view text) {
    const Exact exact(text);
    const auto s = Session::parse(exact.text());
    std::vector<MediaAddress> addresses(max_media);
    const std::size_t count = media_addresses(exact.text(), addresses);
    if (!s) {
        CHECK(count == 0);
        return;
    }
    REQUIRE(count == s->media().size());
    for (std::size_t i = 0; i < count; ++i) {
        const Media& m = s->media()[i];
        CHECK(addresses[i].media == m.media);
        CHECK(addresses[i].protocol == m.protocol);
        CHECK(addresses[i].rtp == m.rtp());
        CHECK(addresses[i].rtcp == m.rtcp());
        CHECK(addresses[i].rtcp_mux == m.rtcp_mux());
        codecs_of(m);
        t38_of(m);
        m.bundle();
        m.ptime_ms();
        m.on_hold();
    }
    std::vector<Finding> findings;
    check(*s, findings);
    const std::string written = write(*s);
    const auto again = Session::parse(written);
    REQUIRE(again);
    CHECK(again->media().size() == count);
    CHECK(write(*again) == written);
    for (std::size_t i = 0; i < count; ++i) {
        CHECK(again->media()[i].rtp() == s->media()[i].rtp());
        CHECK(again->media()[i].direction() == s->media()[i].direction());
        CHECK(codecs_of(again->media()[i]).size() == codecs_of(s->media()[i]).size());
    }
}

}  // namespace

TEST_CASE("RFC 8866 5: a phone's offer is read") {
    const std::string text = phone_offer();
    const auto s = Session::parse(text);
    REQUIRE(s);
    CHECK(s->lines().size() == 12);
    CHECK(s->first('v') == "0");
    CHECK(s->origin()->username == "alice");
    CHECK(s->name() == "-");
    CHECK(s->connection()->host == "192.0.2.10");
    REQUIRE(s->media().size() == 1);
    const Media& m = s->media()[0];
    CHECK(m.media == "audio");
    CHECK(m.protocol == "RTP/AVP");
    CHECK(m.is_rtp());
    CHECK_FALSE(m.is_secure());
    CHECK(m.rtp().to_string() == "192.0.2.10:49170");
    CHECK(m.rtcp().to_string() == "192.0.2.10:49171");
    CHECK(m.ptime_ms() == 20u);
    CHECK(m.direction() == Direction::sendrecv);
    CHECK_FALSE(m.on_hold());
    const auto codecs = codecs_of(m);
    REQUIRE(codecs.size() == 3);
    CHECK(codecs[2].name == "telephone-event");
    CHECK(codecs[2].fmtp == "0-16");
    CHECK(s->lines()[5].offset == text.find("m="));
}

TEST_CASE("trap 57: a media-level c= overrides the session's") {
    const std::string text = with(
        "c=IN IP4 192.0.2.1|t=0 0|m=audio 4000 RTP/AVP 0|c=IN IP6 2001:db8::5|m=video 4002 RTP/AVP "
        "31|"
        "m=audio 4004 RTP/AVP 0|c=IN IP4 host.example.com");
    const auto s = Session::parse(text);
    REQUIRE(s);
    CHECK(s->media()[0].rtp().to_string() == "[2001:db8::5]:4000");
    CHECK(s->media()[1].rtp().to_string() == "192.0.2.1:4002");
    CHECK(s->media()[2].rtp().address.empty());
    CHECK(s->media()[2].rtp().port == 4004);
    exercise(text);
}

TEST_CASE("trap 57: 0.0.0.0 is hold, but not where ICE has yet to find addresses") {
    auto text = with("c=IN IP4 0.0.0.0|t=0 0|m=audio 4000 RTP/AVP 0");
    CHECK(Session::parse(text)->media()[0].on_hold());
    text = webrtc_offer();
    CHECK_FALSE(Session::parse(text)->media()[0].on_hold());
    text = with(
        "c=IN IP4 192.0.2.1|t=0 0|a=inactive|m=audio 4000 RTP/AVP 0|m=audio 4002 RTP/AVP "
        "0|a=recvonly");
    const auto s = Session::parse(text);
    CHECK(s->media()[0].on_hold());
    CHECK(s->media()[0].direction() == Direction::inactive);
    CHECK_FALSE(s->media()[1].on_hold());
    CHECK(s->media()[1].direction() == Direction::recvonly);
}

TEST_CASE("RFC 8866 9: lines end in CRLF, LF or CR, and the last may lack its end") {
    for (const std::string_view end : {"\r\n", "\n", "\r", "\r\r\n"}) {
        std::string text;
        for (const char* line :
             {"v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "t=0 0", "m=audio 4000 RTP/AVP 0"})
            text += std::string(line) + std::string(end);
        text += "a=sendonly";
        const auto s = Session::parse(text);
        REQUIRE(s);
        CHECK(s->lines().size() == 6);
        CHECK(s->media()[0].direction() == Direction::sendonly);
        CHECK(s->media()[0].formats == "0");
        CHECK(s->lines()[5].end == LineEnd::none);
        exercise(text);
    }
}

TEST_CASE("RFC 8866 5: any order is read, and unknown lines are kept") {
    const std::string text = lines(
        "junk|m=audio 4000 RTP/AVP 0|y=what|a=x-own:1|o=- 1 1 IN IP4 192.0.2.1| c = IN IP4 "
        "192.0.2.7|t=0 0|v=0");
    const auto s = Session::parse(text);
    REQUIRE(s);
    CHECK(s->lines()[0].type == 0);
    CHECK(s->lines()[0].value == "junk");
    CHECK(s->first('v') == "0");
    CHECK(s->first('t') == "0 0");
    CHECK_FALSE(s->first('s'));
    CHECK(s->media()[0].first('y')->value == "what");
    CHECK(s->media()[0].attribute("X-Own") == "1");
    CHECK(s->media()[0].rtp().to_string() == "192.0.2.7:4000");
    CHECK(write(*s) ==
          lines("v=0|o=- 1 1 IN IP4 192.0.2.1|t=0 0|junk|m=audio 4000 RTP/AVP 0|c=IN IP4 192.0.2.7|"
                "a=x-own:1|y=what"));
    exercise(text);
}

TEST_CASE("RFC 8866 5: text without m= and o= is refused") {
    CHECK(Session::parse("").error().code == Errc::truncated);
    for (const char* text : {"\r\n\r\n", "v=0\r\ns=-\r\n", "INVITE sip:a@b SIP/2.0\r\n", "mo", "="})
        CHECK(Session::parse(text).error().code == Errc::malformed);
    CHECK(Session::parse("o=").has_value());
    CHECK(Session::parse("m=").has_value());
}

TEST_CASE("trap 59: m=X at the end of the buffer") {
    for (const char* tail :
         {"m=", "m=X", "m=audio", "m=audio ", "m=audio 4000", "m=audio 4000 RTP/AVP", "m"}) {
        const std::string text = with("t=0 0|") + "m=audio 4000 RTP/AVP 0\r\n" + tail;
        exercise(text);
        const Exact exact(text);
        const auto s = Session::parse(exact.text());
        REQUIRE(s);
        CHECK(s->media().size() == (std::string_view(tail) == "m" ? 1 : 2));
        CHECK(codecs_of(s->media().back()).size() == (std::string_view(tail) == "m" ? 1 : 0));
    }
}

TEST_CASE("trap 59: huge payload types and NUL bytes neither crash nor become codecs") {
    std::string text = with(
        "t=0 0|m=audio 4000 RTP/AVP 4294967296 99999999999999999999 256 0|"
        "a=rtpmap:4294967296 X/8000|a=fmtp:256 x|a=fmtp:0 a@b");
    text[text.find('@')] = '\0';
    exercise(text);
    const auto s = Session::parse(text);
    const auto codecs = codecs_of(s->media()[0]);
    REQUIRE(codecs.size() == 1);
    CHECK(codecs[0].fmtp == std::string("a\0b", 3));
    std::vector<Finding> findings;
    check(*s, findings);
    CHECK(has(findings, "sdp-payload-type"));
    CHECK(has(findings, "sdp-nul"));
}

TEST_CASE("trap 60: UDP/TLS/RTP/SAVPF with its own RTCP port") {
    const std::string text = with(
        "c=IN IP4 192.0.2.1|t=0 0|m=audio 4000 UDP/TLS/RTP/SAVPF 0|a=rtcp:5001 IN IP4 192.0.2.9");
    const auto s = Session::parse(text);
    CHECK(s->media()[0].is_rtp());
    CHECK(s->media()[0].is_secure());
    CHECK(s->media()[0].rtcp().to_string() == "192.0.2.9:5001");
    MediaAddress one;
    CHECK(media_addresses(text, {&one, 1}) == 1);
    CHECK(one.protocol == "UDP/TLS/RTP/SAVPF");
    CHECK(one.rtcp.to_string() == "192.0.2.9:5001");
}

TEST_CASE("RFC 9143, 5761, 8839: a browser's offer, attribute by attribute") {
    const std::string text = webrtc_offer();
    const auto s = Session::parse(text);
    REQUIRE(s);
    REQUIRE(s->media().size() == 2);
    const Media &audio = s->media()[0], &video = s->media()[1];
    CHECK(audio.mid() == "0");
    CHECK(audio.bundle() == "0 1");
    CHECK(audio.rtcp_mux());
    CHECK(audio.rtcp() == audio.rtp());
    CHECK(audio.attributes("candidate").size() == 3);
    CHECK(audio.attribute("setup") == "actpass");
    CHECK(parse_fingerprint(*audio.attribute("fingerprint"))->hash == "sha-256");
    CHECK(audio.attributes("extmap").size() == 2);
    CHECK(audio.attribute("ice-ufrag") == "8hhY");
    CHECK(video.attributes("rtcp-fb").size() == 4);
    CHECK(video.direction() == Direction::sendonly);
    CHECK(video.attribute("simulcast") == "send h;l");
    CHECK(video.attribute("tls-id") == "abc3dl8f");
    CHECK(video.attribute("label") == "7");
    CHECK(video.has("rtcp-rsize"));
    CHECK_FALSE(video.has("rtcp-r"));
    CHECK_FALSE(video.has("rtcp-rsizes"));
    CHECK(s->level().attribute("msid-semantic") == " WMS stream1");
    const auto codecs = codecs_of(audio);
    REQUIRE(codecs.size() == 5);
    CHECK(codecs[0].clock_hz == 48000);
    CHECK(codecs[1].clock_hz == 8000);
    std::vector<Finding> findings;
    check(*s, findings);
    CHECK_MESSAGE(findings.empty(), names(findings));
    exercise(text);
}

TEST_CASE("ITU-T T.38 D.2.3: the parameters of fax over UDPTL") {
    const std::string text = with(
        "c=IN IP4 192.0.2.1|t=0 0|m=image 4000 udptl t38|a=T38FaxVersion:0|a=T38MaxBitRate:14400|"
        "a=T38FaxFillBitRemoval:0|a=T38FaxTranscodingMMR|a=T38FaxRateManagement:transferredTCF|"
        "a=T38FaxMaxBuffer:200|a=t38faxmaxdatagram:72|a=T38FaxUdpEC:t38UDPRedundancy");
    const auto s = Session::parse(text);
    const auto t = t38_of(s->media()[0]);
    REQUIRE(t);
    CHECK(t->version == 0u);
    CHECK(t->max_bit_rate == 14400u);
    CHECK_FALSE(t->fill_bit_removal);
    CHECK(t->transcoding_mmr);
    CHECK_FALSE(t->transcoding_jbig);
    CHECK(t->rate_management == "transferredTCF");
    CHECK(t->max_buffer == 200u);
    CHECK(t->max_datagram == 72u);
    CHECK(t->error_correction == "t38UDPRedundancy");
    const std::string audio = phone_offer();
    CHECK_FALSE(t38_of(Session::parse(audio)->media()[0]));
}

TEST_CASE("RFC 8866 5: a Session reads one text after another and may be moved") {
    const std::string first = webrtc_offer(), second = phone_offer();
    Session s;
    REQUIRE(s.read(first));
    REQUIRE(s.read(second));
    CHECK(s.media().size() == 1);
    Session moved = std::move(s);
    CHECK(moved.media()[0].rtp().to_string() == "192.0.2.10:49170");
    CHECK_FALSE(moved.read("nothing"));
    CHECK(moved.media().empty());
    CHECK(moved.lines().size() == 1);
}

TEST_CASE("caps: lines and m-lines beyond the limits are left out and said to be") {
    std::string many = with("t=0 0");
    for (std::size_t i = 0; i < max_media + 10; ++i) many += "m=audio 4000 RTP/AVP 0\r\n";
    auto s = Session::parse(many);
    REQUIRE(s);
    CHECK(s->media().size() == max_media);
    CHECK(s->cut_short());
    std::string tall = with("t=0 0|m=audio 4000 RTP/AVP 0");
    for (std::size_t i = 0; i < max_lines; ++i) tall += "a=x\r\n";
    s = Session::parse(tall);
    REQUIRE(s);
    CHECK(s->lines().size() == max_lines);
    CHECK(s->cut_short());
    std::vector<Finding> findings;
    check(*s, findings);
    CHECK(has(findings, "sdp-cut-short"));
    exercise(many);
    exercise(tall);
    CHECK(Session::parse(std::string(max_text + 1, 'm')).error().code == Errc::too_large);
}

TEST_CASE("RFC 8866 5.10: each r= stays behind its t=") {
    const std::string text = with("t=1 2|r=7d 1h 0|t=3 4|r=1d 1h 0|z=0 -1h");
    CHECK(write(*Session::parse(text)) == text);
}

TEST_CASE(
    "every truncation of a browser's offer is read or refused, and what is read is written alike") {
    const std::string text = webrtc_offer();
    for (std::size_t n = 0; n <= text.size(); ++n) exercise(std::string_view(text).substr(0, n));
}

TEST_CASE("media addresses: more m-lines than fit are counted") {
    const std::string text = webrtc_offer();
    MediaAddress one;
    CHECK(media_addresses(text, {&one, 1}) == 2);
    CHECK(one.media == "audio");
    CHECK(media_addresses(text, {}) == 2);
    CHECK(media_addresses("", {&one, 1}) == 0);
}

TEST_CASE("descriptions that broke other parsers are read or refused") {
    const std::filesystem::path seeds = "../shared/torture/fuzz-seeds";
    if (!std::filesystem::is_directory(seeds)) {
        MESSAGE("SKIP: no " << seeds.string());
        return;
    }
    std::size_t count = 0, read = 0;
    for (const auto& entry : std::filesystem::directory_iterator(seeds)) {
        if (entry.path().filename().string().find("sdp_fuzzer") == std::string::npos) continue;
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        exercise(text);
        ++count;
        read += Session::parse(text).has_value();
    }
    CHECK(count > 50);
    CHECK(read > 50);
}
