#include <doctest/doctest.h>

#include "libsipana/base/random.h"
#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::Report;

namespace {

const analysis::Call& named(const Report& r, std::string_view id) {
    for (const analysis::Call& c : r.calls)
        if (c.call_id == id) return c;
    FAIL("no such call");
    return r.calls.front();
}

// alice -> pbx (call a), pbx -> bob (call b) `delay` later, with `extra` headers in both.
Wire through_pbx(double delay, std::string_view extra_a = "", std::string_view extra_b = "",
                 std::string_view called_b = "<sip:bob@b.example>", std::string_view caller_b = "<sip:alice@a.example>") {
    const std::string a = request({.call_id = "a", .body = sdp_body("10.0.0.1", 4000), .extra = extra_a});
    std::string b = request({.call_id = "b", .branch = "z9hG4bKb", .body = sdp_body("10.0.0.9", 6000), .from_tag = "f2",
                             .extra = extra_b, .from = caller_b, .to = called_b, .via = "10.0.0.9:5060"});
    if (called_b.find("bob") == called_b.npos) b.replace(b.find("sip:bob"), 7, "sip:xyz");
    return Wire()
        .udp(0, alice, pbx, a)
        .udp(delay, pbx, bob, b)
        .udp(delay + 50, bob, pbx, response(b, "200 OK", "tb", sdp_body("10.0.0.2", 5000)))
        .udp(delay + 55, pbx, alice, response(a, "200 OK", "ta", sdp_body("10.0.0.9", 6002)));
}

// A packet of 20 ms whose sound is `seed`'s.
std::string sound(std::uint16_t n, std::uint32_t ssrc, std::uint32_t seed, std::size_t size = 160) {
    std::string out = rtp(n, 160u * n, ssrc, 0, false, size);
    Random random(seed * 1000 + n);
    for (std::size_t i = 12; i < out.size(); ++i) out[i] = static_cast<char>(random.below(256));
    return out;
}

// Four seconds of media in the calls of through_pbx(): in from alice, out to bob under another SSRC.
Wire bridged(std::uint32_t in, std::uint32_t out, double late = 1) {
    Wire w = through_pbx(4000, "", "", "<sip:xyz@b.example>", "<sip:other@a.example>");
    for (std::uint16_t n = 0; n < 200; ++n) {
        w.udp(4100 + 20 * n, ep("10.0.0.1:4000"), ep("10.0.0.9:6002"), sound(n, 0xabc, in));
        w.udp(4100 + 20 * n + late, ep("10.0.0.9:6000"), ep("10.0.0.2:5000"), sound(n, 0xdef, out));
    }
    return w;
}

}  // namespace

TEST_CASE("the host that got an INVITE and sends one on at once for the same number makes two legs") {
    const Report r = through_pbx(12).play();
    REQUIRE(r.calls.size() == 2);
    REQUIRE(named(r, "a").legs.size() == 1);
    CHECK(named(r, "a").legs[0].call_id == "b");
    CHECK(named(r, "a").legs[0].evidence.find("12 ms") != std::string::npos);
    CHECK(named(r, "b").legs.at(0).call_id == "a");
}

TEST_CASE("ten seconds later the same number is a new call, not a leg") {
    CHECK(named(through_pbx(10'000).play(), "a").legs.empty());
}

TEST_CASE("other numbers are not legs") {
    CHECK(named(through_pbx(12, "", "", "<sip:xyz@b.example>", "<sip:other@a.example>").play(), "a").legs.empty());
}

TEST_CASE("RFC 7989: calls with one Session-ID are legs, whatever their numbers") {
    const char* id = "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000\r\n";
    const Report r = through_pbx(8000, id, id, "<sip:xyz@b.example>", "<sip:other@a.example>").play();
    REQUIRE(named(r, "a").legs.size() == 1);
    CHECK(named(r, "a").legs[0].evidence.find("7989") != std::string::npos);
}

TEST_CASE("a header that carries the other Call-ID joins, and so does Replaces (RFC 3891)") {
    for (const char* header : {"X-Call-ID: a\r\n", "Replaces: a;to-tag=1;from-tag=2\r\n"}) {
        const Report r = through_pbx(4000, "", header, "<sip:xyz@b.example>", "<sip:other@a.example>").play();
        CHECK(named(r, "b").legs.size() == 1);
    }
}

TEST_CASE("RFC 3911: Join names the call that is joined") {
    const Report r = through_pbx(4000, "", "Join: a;to-tag=1;from-tag=2\r\n", "<sip:xyz@b.example>", "<sip:other@a.example>").play();
    REQUIRE(named(r, "b").legs.size() == 1);
    CHECK(named(r, "b").legs[0].evidence.find("3911") != std::string::npos);
}

TEST_CASE("RFC 3515: the call that a REFER asked for is a leg, another one that follows is not") {
    const std::string a = request({.call_id = "a"});
    const std::string refer = request({.method = "REFER", .call_id = "a", .branch = "z9hG4bKr", .to_tag = "t1", .cseq = 2,
                                       .extra = "Refer-To: \"Carol\" <sip:carol@c.example>\r\n"});
    for (const char* called : {"carol", "dave"}) {
        const std::string b = fmt::format("INVITE sip:{}@c.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKb\r\n"
                                          "From: <sip:bob@b.example>;tag=x\r\nTo: <sip:{}@c.example>\r\nCall-ID: b\r\nCSeq: 1 INVITE\r\n\r\n",
                                          called, called);
        const Report r = Wire()
                             .udp(0, alice, bob, a)
                             .udp(100, bob, alice, response(a, "200 OK", "t1"))
                             .udp(9000, alice, bob, refer)
                             .udp(9010, bob, alice, response(refer, "202 Accepted"))
                             .udp(12000, bob, pbx, b)
                             .play();
        CHECK(named(r, "b").legs.size() == (called[0] == 'c' ? 1 : 0));
    }
}

TEST_CASE("RFC 3515: a PBX that was asked to call a number calls a phone in the name of the transferred") {
    const std::string a = request({.call_id = "a"});
    const std::string refer = request({.method = "REFER", .call_id = "a", .branch = "z9hG4bKr", .to_tag = "t1", .cseq = 2,
                                       .extra = "Refer-To: <sip:101@b.example>\r\n"});
    for (const char* caller : {"bob", "dave"}) {
        const std::string b = fmt::format("INVITE sip:carol@10.0.0.3 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKb\r\n"
                                          "From: <sip:{}@10.0.0.9>;tag=x\r\nTo: <sip:carol@10.0.0.3>\r\nCall-ID: b\r\n"
                                          "CSeq: 1 INVITE\r\n\r\n",
                                          caller);
        const Report r = Wire()
                             .udp(0, alice, pbx, a)
                             .udp(100, pbx, alice, response(a, "200 OK", "t1"))
                             .udp(9000, alice, pbx, refer)
                             .udp(9010, pbx, ep("10.0.0.3:5060"), b)
                             .play();
        CHECK(named(r, "b").legs.size() == (caller[0] == 'b' ? 1 : 0));
    }
}

TEST_CASE("RFC 3891: the call that a Refer-To replaces is a leg; one that nobody knows breaks nothing") {
    const std::string a = request({.call_id = "a"});
    const std::string b = request({.call_id = "b@10.0.0.1", .branch = "z9hG4bKb", .from_tag = "f2", .to = "<sip:101@c.example>"});
    for (const char* id : {"b%4010.0.0.1", "c%4010.0.0.1", "", "%"}) {
        const std::string refer = request(
            {.method = "REFER", .call_id = "a", .branch = "z9hG4bKr", .to_tag = "t1", .cseq = 2,
             .extra = fmt::format("Refer-To: <sip:101@c.example?Replaces={}%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n", id)});
        const Report r = Wire().udp(0, alice, pbx, a).udp(5000, alice, pbx, b).udp(9000, alice, pbx, refer).play();
        CHECK(named(r, "a").legs.size() == (id[0] == 'b' ? 1 : 0));
    }
}

TEST_CASE("RFC 3323: two calls of people who show no number are not legs for that") {
    const Report r = through_pbx(12, "", "", "<sip:xyz@b.example>", "<sip:anonymous@anonymous.invalid>").play();
    CHECK(named(r, "a").legs.empty());
    const std::string a = request({.call_id = "a", .from = "<sip:anonymous@anonymous.invalid>"});
    std::string b = request({.call_id = "b", .branch = "z9hG4bKb", .from_tag = "f2", .from = "<sip:Anonymous@anonymous.invalid>",
                             .to = "<sip:xyz@b.example>", .via = "10.0.0.9:5060"});
    b.replace(b.find("sip:bob"), 7, "sip:xyz");
    CHECK(named(Wire().udp(0, alice, pbx, a).udp(10, pbx, bob, b).play(), "b").legs.empty());
}

TEST_CASE("an SDP that a host passes on unchanged makes legs; the same private address elsewhere does not") {
    const std::string sdp = sdp_body("192.168.1.2", 8000);
    const auto invite = [&](const char* id, const char* number) {
        std::string text = request({.call_id = id, .branch = id, .body = sdp, .from_tag = id, .from = fmt::format("<sip:{}@x>", id),
                                    .to = fmt::format("<sip:{}@x>", number)});
        return text.replace(text.find("sip:bob"), 7, fmt::format("sip:{}", number));
    };
    const Report r = Wire()
                         .udp(0, alice, pbx, invite("a", "1"))
                         .udp(20, pbx, bob, invite("b", "2"))
                         .udp(40, ep("10.0.0.77:5060"), pbx, invite("c", "3"))
                         .udp(9000, pbx, ep("10.0.0.5:5060"), invite("d", "4"))
                         .play();
    REQUIRE(named(r, "a").legs.size() == 1);
    CHECK(named(r, "a").legs[0].call_id == "b");
    CHECK(named(r, "a").legs[0].evidence == "both SDPs name 192.168.1.2:8000 for media");
    CHECK(named(r, "c").legs.empty());
    CHECK(named(r, "d").legs.empty());
    // Phones of one host, which all have its address.
    const Endpoint one = ep("127.0.0.1:5060"), two = ep("127.0.0.1:5070"), three = ep("127.0.0.1:5080");
    const Report local = Wire()
                             .udp(0, one, two, invite("a", "1"))
                             .udp(20, two, three, invite("b", "2"))
                             .udp(40, one, three, invite("c", "3"))
                             .play();
    CHECK(named(local, "b").legs.size() == 1);
    CHECK(named(local, "c").legs.empty());
}

TEST_CASE("one RTP stream that passes through a host joins the calls on both sides") {
    Wire w = through_pbx(4000, "", "", "<sip:xyz@b.example>", "<sip:other@a.example>");
    for (int i = 0; i < 20; ++i) {
        const auto n = static_cast<std::uint16_t>(i);
        w.udp(4100 + 20 * i, ep("10.0.0.1:4000"), ep("10.0.0.9:6002"), rtp(n, 160u * n, 0xabc));
        w.udp(4101 + 20 * i, ep("10.0.0.9:6000"), ep("10.0.0.2:5000"), rtp(n, 160u * n, 0xabc));
    }
    const Report r = w.play();
    REQUIRE(named(r, "a").legs.size() == 1);
    CHECK(named(r, "a").legs[0].evidence.find("0x00000abc") != std::string::npos);
}

TEST_CASE("a sound that a host passes on under another SSRC joins the calls on both sides") {
    const Report r = bridged(1, 1).play();
    REQUIRE(named(r, "a").legs.size() == 1);
    CHECK(named(r, "a").legs[0].call_id == "b");
    CHECK(named(r, "b").legs.at(0).evidence == "10.0.0.9 passes on to 10.0.0.2 the sound of 10.0.0.1");
    CHECK(named(bridged(1, 2).play(), "a").legs.empty());
    // Half a second later it is a recording that is played again.
    CHECK(named(bridged(1, 1, 500).play(), "a").legs.empty());
}

TEST_CASE("a sound that two sources make at once, and silence, join nothing") {
    Wire w = bridged(1, 1);
    const std::string c = request({.call_id = "c", .branch = "z9hG4bKc", .body = sdp_body("10.0.0.7", 4000), .from_tag = "f3",
                                   .from = "<sip:carol@c.example>", .to = "<sip:music@c.example>", .via = "10.0.0.7:5060"});
    w.udp(10, ep("10.0.0.7:5060"), pbx, c);
    w.udp(20, pbx, ep("10.0.0.7:5060"), response(c, "200 OK", "tc", sdp_body("10.0.0.9", 6004)));
    for (std::uint16_t n = 0; n < 200; ++n)
        w.udp(4099 + 20 * n, ep("10.0.0.7:4000"), ep("10.0.0.9:6004"), sound(n, 0x777, 1));
    const Report r = w.play();
    for (const analysis::Call& call : r.calls) CHECK(call.legs.empty());

    // The host itself makes that sound, and says it to both.
    Wire echo = bridged(1, 1);
    for (std::uint16_t n = 0; n < 200; ++n)
        echo.udp(4100.5 + 20 * n, ep("10.0.0.9:6002"), ep("10.0.0.1:4000"), sound(n, 0x888, 1));
    CHECK(named(echo.play(), "a").legs.empty());

    Wire still = through_pbx(4000, "", "", "<sip:xyz@b.example>", "<sip:other@a.example>");
    still.speech(4100, ep("10.0.0.1:4000"), ep("10.0.0.9:6002"), 200, 1, 0xabc);
    still.speech(4101, ep("10.0.0.9:6000"), ep("10.0.0.2:5000"), 200, 1, 0xdef);
    CHECK(named(still.play(), "a").legs.empty());
}

TEST_CASE("two calls that fit equally well are both left alone") {
    const std::string a1 = request({.call_id = "a1"}), a2 = request({.call_id = "a2", .branch = "z9hG4bK2", .from_tag = "f9"});
    const std::string b = request({.call_id = "b", .branch = "z9hG4bKb", .from_tag = "f2", .via = "10.0.0.9:5060"});
    const Report r = Wire().udp(0, alice, pbx, a1).udp(1, ep("10.0.0.7:5060"), pbx, a2).udp(10, pbx, bob, b).play();
    CHECK(named(r, "b").legs.empty());
}
