#include "libsipana/sdp/attributes.h"

#include <doctest/doctest.h>

#include <string>

using namespace sipana;
using namespace sipana::sdp;

TEST_CASE("RFC 8866 5.2: o= is six words; three are enough to be told apart") {
    const auto o = parse_origin("jdoe 3724394400 3724394405 IN IP6 2001:db8::1");
    REQUIRE(o);
    CHECK(o->username == "jdoe");
    CHECK(o->session_id == "3724394400");
    CHECK(o->session_version == "3724394405");
    CHECK(o->nettype == "IN");
    CHECK(o->addrtype == "IP6");
    CHECK(o->host == "2001:db8::1");
    CHECK(parse_origin("a 1 2"));
    CHECK_FALSE(parse_origin("a 1"));
    CHECK_FALSE(parse_origin(""));
}

TEST_CASE("trap 57: c= of IP4 with TTL, IP6 with count, names and 0.0.0.0") {
    auto c = parse_connection("IN IP4 224.2.36.42/127/3");
    REQUIRE(c);
    CHECK(c->host == "224.2.36.42");
    CHECK(c->address.to_string() == "224.2.36.42");
    CHECK(c->ttl == 127u);
    CHECK(c->count == 3);
    c = parse_connection("IN IP6 ff15::101/3");
    REQUIRE(c);
    CHECK(c->address.is_v6());
    CHECK_FALSE(c->ttl);
    CHECK(c->count == 3);
    c = parse_connection("IN  IP4\t192.0.2.1 ");
    REQUIRE(c);
    CHECK(c->address.to_string() == "192.0.2.1");
    CHECK_FALSE(c->unspecified);
    c = parse_connection("IN IP4 host.example.com");
    REQUIRE(c);
    CHECK(c->address.empty());
    CHECK(c->host == "host.example.com");
    CHECK(parse_connection("IN IP4 0.0.0.0")->unspecified);
    CHECK(parse_connection("IN IP6 ::")->unspecified);
    CHECK_FALSE(parse_connection("IN IP4"));
    const std::string nul("IN IP4 192.0.2.1\0x", 18);
    REQUIRE(parse_connection(nul));
    CHECK(parse_connection(nul)->address.empty());
}

TEST_CASE("RFC 8866 5.14: m= has a port, a number of ports, a protocol and formats") {
    auto m = parse_media("video 49170/2 RTP/AVP 31 99");
    CHECK(m.media == "video");
    CHECK(m.port == 49170);
    CHECK(m.port_count == 2);
    CHECK(m.port_readable);
    CHECK(m.protocol == "RTP/AVP");
    CHECK(m.formats == "31 99");
    m = parse_media("audio 70000 RTP/AVP 0");
    CHECK(m.port == 0);
    CHECK_FALSE(m.port_readable);
    m = parse_media("X");
    CHECK(m.media == "X");
    CHECK(m.protocol.empty());
    CHECK(m.formats.empty());
}

TEST_CASE("RFC 8866 5.8 to 5.12: b= t= r= k=") {
    REQUIRE(parse_bandwidth("AS:64"));
    CHECK(parse_bandwidth("AS:64")->type == "AS");
    CHECK(parse_bandwidth("TIAS:64000")->value == 64000);
    CHECK_FALSE(parse_bandwidth("64"));
    REQUIRE(parse_timing("2873397496 2873404696"));
    CHECK(parse_timing("2873397496 2873404696")->stop == 2873404696u);
    CHECK_FALSE(parse_timing("0"));
    CHECK(parse_typed_time("7d") == 604800);
    CHECK(parse_typed_time("-1h") == -3600);
    CHECK(parse_typed_time("90") == 90);
    CHECK_FALSE(parse_typed_time("7y"));
    CHECK_FALSE(parse_typed_time(""));
    const auto r = parse_repeat("7d 1h 0 25h");
    REQUIRE(r);
    CHECK(r->interval == 604800);
    CHECK(r->duration == 3600);
    CHECK(r->offsets == "0 25h");
    CHECK(parse_key("clear:abc").method == "clear");
    CHECK(parse_key("clear:abc").secret == "abc");
    CHECK(parse_key("prompt").secret.empty());
}

TEST_CASE("RFC 8866 6.6: rtpmap with and without channels") {
    auto r = parse_rtpmap("111 opus/48000/2");
    REQUIRE(r);
    CHECK(r->payload_type == 111);
    CHECK(r->encoding == "opus");
    CHECK(r->clock_hz == 48000);
    CHECK(r->channels == 2);
    r = parse_rtpmap("0  PCMU/8000 ");
    REQUIRE(r);
    CHECK(r->channels == 1);
    CHECK(r->clock_hz == 8000);
    CHECK_FALSE(parse_rtpmap("0 PCMU"));
    CHECK_FALSE(parse_rtpmap("128 X/8000"));
    CHECK_FALSE(parse_rtpmap("99999999999999999999 X/8000"));
    CHECK_FALSE(parse_rtpmap("-1 X/8000"));
    CHECK_FALSE(parse_rtpmap(""));
}

TEST_CASE("RFC 8866 6.15: fmtp and the parameters in it") {
    const auto f =
        parse_fmtp("98 level-asymmetry-allowed=1; packetization-mode=1;profile-level-id=42e01f");
    REQUIRE(f);
    CHECK(f->format == "98");
    CHECK(parameter(f->parameters, "packetization-mode") == "1");
    CHECK(parameter(f->parameters, "Profile-Level-ID") == "42e01f");
    CHECK_FALSE(parameter(f->parameters, "level"));
    CHECK(parameter("0-16", "0-16") == "");
}

TEST_CASE("trap 59: a NUL in fmtp is one byte like another") {
    const std::string value(
        "101 0-\0"
        "16",
        9);
    const auto f = parse_fmtp(value);
    REQUIRE(f);
    CHECK(f->parameters == std::string_view("0-\0"
                                            "16",
                                            5));
}

TEST_CASE("RFC 3605 2.1: a=rtcp with and without an address") {
    auto r = parse_rtcp("53020");
    REQUIRE(r);
    CHECK(r->port == 53020);
    CHECK_FALSE(r->connection);
    r = parse_rtcp("53020 IN IP6 2001:2345:6789:ABCD:EF01:2345:6789:ABCD");
    REQUIRE(r);
    REQUIRE(r->connection);
    CHECK(r->connection->address.is_v6());
    CHECK_FALSE(parse_rtcp("65536"));
}

TEST_CASE("trap 60: RTCP goes where a=rtcp says, else to the next port, which 65535 has not") {
    const Endpoint rtp = *Endpoint::parse("192.0.2.1:4000");
    CHECK(rtcp_endpoint(rtp, std::nullopt).to_string() == "192.0.2.1:4001");
    CHECK(rtcp_endpoint(rtp, parse_rtcp("53020")).to_string() == "192.0.2.1:53020");
    CHECK(rtcp_endpoint(rtp, parse_rtcp("53020 IN IP4 192.0.2.9")).to_string() ==
          "192.0.2.9:53020");
    CHECK(rtcp_endpoint({rtp.address, 65535}, std::nullopt).port == 0);
    CHECK(rtcp_endpoint({rtp.address, 0}, parse_rtcp("53020")).port == 0);
    CHECK(rtcp_endpoint_with_mux(rtp, std::nullopt) == rtp);
    CHECK(rtcp_endpoint_with_mux(rtp, parse_rtcp("9 IN IP4 0.0.0.0")) == rtp);
    CHECK(rtcp_endpoint_with_mux(rtp, parse_rtcp("4001")).port == 4001);
}

TEST_CASE("RFC 4585 4.2: rtcp-fb for one payload type and for all") {
    CHECK(parse_rtcp_fb("96 nack pli")->payload_type == std::uint8_t{96});
    CHECK(parse_rtcp_fb("96 nack pli")->what == "nack pli");
    CHECK_FALSE(parse_rtcp_fb("* ccm fir")->payload_type);
    CHECK_FALSE(parse_rtcp_fb("96"));
    CHECK_FALSE(parse_rtcp_fb("x nack"));
}

TEST_CASE("RFC 8866 6.4, 6.13: ptime and framerate may have a fraction") {
    CHECK(parse_milliseconds("20") == 20u);
    CHECK(parse_milliseconds(" 2.5") == 3u);
    CHECK_FALSE(parse_milliseconds("20ms"));
    CHECK_FALSE(parse_milliseconds("-20"));
    CHECK_FALSE(parse_milliseconds("1e300"));
    CHECK(parse_framerate("29.97") == doctest::Approx(29.97));
    CHECK_FALSE(parse_framerate("nan"));
}

TEST_CASE("RFC 8285 5, RFC 6236 3.1: extmap and imageattr") {
    const auto e = parse_extmap("2/sendonly urn:x:y short arg");
    REQUIRE(e);
    CHECK(e->id == 2);
    CHECK(e->direction == Direction::sendonly);
    CHECK(e->uri == "urn:x:y");
    CHECK(e->attributes == "short arg");
    CHECK_FALSE(parse_extmap("1"));
    const auto i = parse_imageattr("97 recv [x=800,y=640] [x=480,y=320] send *");
    REQUIRE(i);
    CHECK(i->payload_type == std::uint8_t{97});
    CHECK(i->recv == "[x=800,y=640] [x=480,y=320]");
    CHECK(i->send == "*");
    CHECK_FALSE(parse_imageattr("97"));
    CHECK_FALSE(parse_imageattr("97 [x=1]"));
}

TEST_CASE("RFC 5576 4: ssrc and ssrc-group") {
    const auto s = parse_ssrc("3570614608 msid:stream1 track a:b");
    REQUIRE(s);
    CHECK(s->ssrc == 3570614608u);
    CHECK(s->attribute == "msid");
    CHECK(s->value == "stream1 track a:b");
    CHECK_FALSE(parse_ssrc("4294967296 cname:x"));
    const auto g = parse_group("FID 1 2 3");
    REQUIRE(g);
    CHECK(g->semantics == "FID");
    CHECK(g->members == "1 2 3");
    CHECK(parse_group("BUNDLE")->members.empty());
}

TEST_CASE("RFC 8830, 8851, 8853: msid, rid and simulcast") {
    CHECK(parse_msid("s1 t1")->appdata == "t1");
    CHECK(parse_msid("s1")->appdata.empty());
    CHECK_FALSE(parse_msid(" "));
    CHECK(parse_rid("h send pt=96;max-width=1280")->restrictions == "pt=96;max-width=1280");
    CHECK_FALSE(parse_rid("l recv")->send);
    CHECK_FALSE(parse_rid("l"));
    const auto s = parse_simulcast("recv 1;~2,3 send 4");
    REQUIRE(s);
    CHECK(s->recv == "1;~2,3");
    CHECK(s->send == "4");
    CHECK_FALSE(parse_simulcast("1;2"));
}

TEST_CASE("RFC 8839 5.1: candidates of addresses, names and relays") {
    auto c = parse_candidate(
        "1853887674 2 UDP 1518280447 203.0.113.7 36768 typ srflx raddr 192.168.0.196 rport 36769 "
        "generation 0");
    REQUIRE(c);
    CHECK(c->foundation == "1853887674");
    CHECK(c->component == 2);
    CHECK(c->priority == 1518280447u);
    CHECK(c->endpoint.to_string() == "203.0.113.7:36768");
    CHECK(c->type == "srflx");
    CHECK(c->related_host == "192.168.0.196");
    CHECK(c->related_port == 36769);
    CHECK(c->extensions == "generation 0");
    CHECK(to_string(*c) == "srflx udp 203.0.113.7:36768");
    c = parse_candidate("3 1 udp 1 x.local 50000 typ host");
    REQUIRE(c);
    CHECK(to_string(*c) == "host udp x.local:50000");
    c = parse_candidate("3 1 tcp 1 2001:db8::1 9 typ host tcptype active");
    REQUIRE(c);
    CHECK(to_string(*c) == "host tcp [2001:db8::1]:9");
    CHECK(c->extensions == "tcptype active");
    CHECK_FALSE(parse_candidate("3 1 udp 1 192.0.2.1 50000 host"));
    CHECK_FALSE(parse_candidate("3 1 udp 1 192.0.2.1 65536 typ host"));
    CHECK_FALSE(parse_candidate(""));
}

TEST_CASE("RFC 8122 5: a fingerprint is a hash function and its octets") {
    const auto f = parse_fingerprint("sha-256 19:E2");
    REQUIRE(f);
    CHECK(f->hash == "sha-256");
    CHECK(f->value == "19:E2");
    CHECK(fingerprint_octets("SHA-256") == 32);
    CHECK(fingerprint_octets("crc32") == 0);
}

TEST_CASE("RFC 4568 9.1: a=crypto shows its suite and keeps its key apart") {
    constexpr std::string_view value =
        "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:4 "
        "UNENCRYPTED_SRTCP";
    const auto c = parse_crypto(value);
    REQUIRE(c);
    CHECK(c->tag == 1);
    CHECK(c->suite == "AES_CM_128_HMAC_SHA1_80");
    CHECK(c->secret == "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:4");
    CHECK(c->session_parameters == "UNENCRYPTED_SRTCP");
    CHECK_FALSE(parse_crypto("1 AES_CM_128_HMAC_SHA1_80"));
}

TEST_CASE("RFC 4568 7: the secret of a line is found also where the line is broken") {
    CHECK(secret_of("crypto", "1 S inline:KEY x") == "inline:KEY x");
    CHECK(secret_of("Crypto", "inline:KEY") == "inline:KEY");
    CHECK(secret_of("crypto", "1 S inline: KEY") == "inline: KEY");
    CHECK(secret_of("crypto", "1 S KEY") == "KEY");
    CHECK(secret_of("ice-pwd", " abc ") == "abc");
    CHECK(secret_of("key-mgmt", "mikey AQAF") == "AQAF");
    CHECK(secret_of("ice-ufrag", "abc").empty());
    CHECK(secret_of("crypto", "").empty());
}

TEST_CASE("RFC 8866 6.7: directions by name and by what they do") {
    CHECK(direction_of("SendOnly") == Direction::sendonly);
    CHECK_FALSE(direction_of("send"));
    for (const Direction d :
         {Direction::sendrecv, Direction::sendonly, Direction::recvonly, Direction::inactive}) {
        CHECK(direction_of(to_string(d)) == d);
        CHECK(direction_of(sends(d), receives(d)) == d);
    }
}
