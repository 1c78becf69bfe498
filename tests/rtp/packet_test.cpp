#include "libsipana/rtp/packet.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/exact.h"
#include "tests/rtp/walk.h"

using namespace sipana;
using rtp::Content;

namespace {

bool same(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

bool same(const rtp::Packet& a, const rtp::Packet& b) {
    return same(a.payload, b.payload) && same(a.csrcs, b.csrcs) && same(a.extension, b.extension) &&
           a.timestamp == b.timestamp && a.ssrc == b.ssrc && a.sequence == b.sequence &&
           a.payload_type == b.payload_type && a.padding == b.padding && a.marker == b.marker;
}

// V=2 P X CC=1, marker, PT 8, an extension of one word, three bytes of payload, three of padding.
const Buffer everything{0xb1, 0x88, 0x12, 0x34, 0, 0, 0,    160,  0xde, 0xad,
                        0xbe, 0xef, 1,    2,    3, 4, 0xbe, 0xde, 0,    1,
                        0x10, 0xff, 0,    0,    9, 8, 7,    0,    0,    3};

Buffer plain(std::uint8_t first, std::uint8_t second, std::size_t payload = 20) {
    Buffer b{first, second, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3};
    b.resize(b.size() + payload, 0x55);
    return b;
}

}  // namespace

TEST_CASE("RFC 3550 5.1: each field of the header is read") {
    const Exact wire(everything);
    const auto p = rtp::parse(wire);
    REQUIRE(p);
    CHECK(p->marker);
    CHECK(p->payload_type == 8);
    CHECK(p->sequence == 0x1234);
    CHECK(p->timestamp == 160);
    CHECK(p->ssrc == 0xdeadbeef);
    CHECK(p->csrcs.size() == 4);
    CHECK(p->extension.size() == 8);
    CHECK(same(p->payload, Buffer{9, 8, 7}));
    CHECK(p->padding == 3);
    Buffer out;
    REQUIRE(rtp::write(*p, out));
    CHECK(out == everything);
}

TEST_CASE("RFC 3550 5.1: every truncation is an error or a shorter packet") {
    Buffer unpadded = everything;
    unpadded[0] = 0x91;
    for (std::size_t n = 0; n < unpadded.size(); ++n) {
        const Exact cut(Bytes(unpadded).first(n));
        const auto p = rtp::parse(cut);
        CHECK(p.has_value() == (n >= 24));
        rtp::Packet fast;
        CHECK(rtp::read(cut, fast) == p.has_value());
        if (!p) {
            CHECK(p.error().offset <= n);
            CHECK(!p.error().what.empty());
        }
    }
}

TEST_CASE("trap 17: impossible padding, CSRC count and extension length are errors") {
    struct Bad {
        const char* what;
        std::size_t at;
        std::uint8_t value;
        std::size_t offset;  // of the error
    };
    const Bad all[] = {{"padding of no bytes", 29, 0, 29},
                       {"padding beyond the payload", 29, 7, 29},
                       {"padding beyond the packet", 29, 255, 29},
                       {"fifteen CSRCs", 0, 0xbf, 12},
                       {"extension of 257 words", 18, 1, 16},
                       {"version 1", 0, 0x71, 0},
                       {"version 3", 0, 0xf1, 0}};
    for (const Bad& bad : all) {
        CAPTURE(bad.what);
        Buffer wire = everything;
        wire[bad.at] = bad.value;
        const Exact exact(wire);
        const auto p = rtp::parse(exact);
        REQUIRE(!p);
        CHECK(p.error().offset == bad.offset);
    }
}

TEST_CASE("RFC 3550 5.1: padding may be all there is") {
    Buffer wire = plain(0xa0, 96, 0);
    wire.insert(wire.end(), {0, 0, 0, 4});
    const Exact exact(wire);
    const auto p = rtp::parse(exact);
    REQUIRE(p);
    CHECK(p->payload.empty());
    CHECK(p->padding == 4);
    wire.resize(12);
    CHECK(!rtp::parse(Exact(wire)));
}

TEST_CASE("a packet that the snap length cut is read without its padding count") {
    const Exact cut(Bytes(everything).first(26));
    rtp::Packet p;
    CHECK(!rtp::read(cut, p));
    REQUIRE(rtp::read_cut(cut, p));
    CHECK(p.sequence == 0x1234);
    CHECK(p.payload.size() == 2);
    CHECK(!rtp::read_cut(Exact(Bytes(everything).first(11)), p));
}

TEST_CASE("write refuses what parse would refuse") {
    rtp::Packet p;
    Buffer out;
    const Buffer six(6), many(64), extension{0xbe, 0xde, 0, 2, 0, 0, 0, 0};
    p.csrcs = six;
    CHECK(!rtp::write(p, out));
    p.csrcs = many;
    CHECK(!rtp::write(p, out));
    p.csrcs = {};
    p.extension = extension;
    CHECK(!rtp::write(p, out));
    p.extension = {};
    p.payload_type = 128;
    CHECK(!rtp::write(p, out));
    CHECK(out.empty());
}

TEST_CASE("RFC 8285 4.2: one-byte elements, padding between them, 15 ends the list") {
    const Buffer wire{0xbe, 0xde, 0, 3, 0x10, 0xaa, 0, 0x21, 1, 2, 0, 0, 0xf0, 0x30, 7, 7};
    const Exact exact(wire);
    rtp::ExtensionElements elements(exact);
    CHECK(elements.known_form());
    auto e = elements.next();
    REQUIRE(e);
    CHECK(e->id == 1);
    CHECK(same(e->value, Buffer{0xaa}));
    e = elements.next();
    REQUIRE(e);
    CHECK(e->id == 2);
    CHECK(same(e->value, Buffer{1, 2}));
    CHECK(!elements.next());
    CHECK(elements.ok());
}

TEST_CASE("RFC 8285 4.3: two-byte elements may be empty") {
    const Buffer wire{0x10, 0x05, 0, 2, 1, 0, 0, 200, 3, 9, 8, 7};
    const Exact exact(wire);
    rtp::ExtensionElements elements(exact);
    auto e = elements.next();
    REQUIRE(e);
    CHECK(e->id == 1);
    CHECK(e->value.empty());
    e = elements.next();
    REQUIRE(e);
    CHECK(e->id == 200);
    CHECK(same(e->value, Buffer{9, 8, 7}));
    CHECK(!elements.next());
    CHECK(elements.ok());
}

TEST_CASE("RFC 8285 4.2: an element that runs past the end, or padding with a length, is broken") {
    for (const Buffer& wire :
         {Buffer{0xbe, 0xde, 0, 1, 0x13, 1, 2, 3}, Buffer{0xbe, 0xde, 0, 1, 1, 1, 2, 3},
          Buffer{0x10, 0, 0, 1, 1, 3, 1, 2}, Buffer{0x10, 0, 0, 1, 1, 0, 5}}) {
        const Exact exact(wire);
        rtp::ExtensionElements elements(exact);
        while (elements.next()) {
        }
        CHECK(!elements.ok());
    }
    const Exact other(Buffer{0xab, 0xcd, 0, 1, 1, 2, 3, 4});
    rtp::ExtensionElements elements(other);
    CHECK(!elements.known_form());
    CHECK(!elements.next());
    CHECK(elements.ok());
}

TEST_CASE("trap 19: STUN, DTLS, ZRTP and TURN channels on a media port are not RTP") {
    Buffer stun{0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42};
    stun.resize(28);
    Buffer old_stun{0, 1, 0, 0};
    old_stun.resize(20, 7);
    Buffer dtls{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2};
    Buffer zrtp{0x10, 0, 0, 9, 'Z', 'R', 'T', 'P', 0, 0, 0, 1};
    Buffer channel{0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0};
    Buffer dtls13{0x2c, 0, 1, 0, 16};
    dtls13.resize(21);
    CHECK(rtp::classify(Exact(stun)) == Content::stun);
    CHECK(rtp::classify(Exact(old_stun)) == Content::stun);
    CHECK(rtp::classify(Exact(dtls)) == Content::dtls);
    CHECK(rtp::classify(Exact(dtls13)) == Content::dtls);
    CHECK(rtp::classify(Exact(zrtp)) == Content::zrtp);
    CHECK(rtp::classify(Exact(channel)) == Content::turn_channel);
    CHECK(rtp::classify(Exact(plain(0x80, 0))) == Content::rtp);
    CHECK(rtp::classify({}) == Content::other);
    for (const char* text : {"INVITE sip:a@b SIP/2.0\r\n", "BYE sip:a@b SIP/2.0\r\n", "\r\n\r\n",
                             "OPTIONS sip:a SIP/2.0\r\n", "0123456789", "<xml/>          "})
        CHECK(rtp::classify(Exact(std::string_view(text))) == Content::other);
    for (const Buffer& whole : {stun, dtls, dtls13, zrtp, channel})
        for (std::size_t n = 0; n < whole.size(); ++n) {
            const auto content = rtp::classify(Exact(Bytes(whole).first(n)));
            CHECK(content != Content::rtp);
            CHECK(content != Content::rtcp);
        }
}

TEST_CASE("trap 26: RTCP on the RTP port is told by its packet type (RFC 5761 4)") {
    for (int type : {200, 201, 202, 203, 204, 205, 206, 207, 192, 195, 213}) {
        Buffer wire{0x80, static_cast<std::uint8_t>(type), 0, 1, 0, 0, 0, 9};
        CHECK(rtp::classify(Exact(wire)) == Content::rtcp);
        // Cut short it is still RTCP, not a packet of payload type 72 with the marker.
        wire[3] = 6;
        CHECK(rtp::classify(Exact(wire)) == Content::rtcp);
        wire.resize(16);
        CHECK(!rtp::looks_like_rtp(Exact(wire)));
    }
    // Without the marker 72 is RTP by RFC 5761, yet nothing that one would take for it.
    CHECK(rtp::classify(Exact(plain(0x80, 72))) == Content::rtp);
    CHECK(!rtp::looks_like_rtp(Exact(plain(0x80, 72))));
    // Payload type 70 with the marker: an RTCP type that nobody uses, and the length tells.
    Buffer odd = plain(0x80, 0x80 | 70);
    odd[2] = 0x77;
    CHECK(rtp::classify(Exact(odd)) == Content::rtp);
    CHECK(rtp::looks_like_rtp(Exact(odd)));
    // 191 and 224 are the neighbours of the range.
    CHECK(rtp::classify(Exact(plain(0x80, 191))) == Content::rtp);
    CHECK(rtp::classify(Exact(plain(0x80, 224))) == Content::rtp);
}

TEST_CASE("raw RTP packets of ../shared/torture: a verdict for each") {
    struct Verdict {
        const char* name;
        Content content;
        std::size_t payload, padding, csrcs, extension;
    };
    const Verdict verdicts[] = {
        {"rtp.bin", Content::rtp, 160, 0, 0, 0},
        {"rtp_dtmf.bin", Content::rtp, 4, 0, 0, 0},
        {"rtp_only_padding.bin", Content::rtp, 0, 224, 0, 0},
        {"rtp_only_padding_with_header_extensions.bin", Content::rtp, 0, 224, 0, 8},
        {"rtp_with_csrc.bin", Content::rtp, 160, 0, 2, 0},
        {"rtp_with_sdes_mid.bin", Content::rtp, 54, 0, 0, 8},
    };
    const auto folder = shared_folder / "torture" / "rtp-rtcp";
    if (!std::filesystem::exists(folder)) {
        MESSAGE("skipped: ../shared/torture is not here");
        return;
    }
    for (const Verdict& v : verdicts) {
        CAPTURE(v.name);
        const Exact wire(contents(folder / v.name));
        CHECK(rtp::classify(wire) == v.content);
        const auto p = rtp::parse(wire);
        REQUIRE(p);
        CHECK(p->payload.size() == v.payload);
        CHECK(p->padding == v.padding);
        CHECK(p->csrcs.size() == v.csrcs * 4);
        CHECK(p->extension.size() == v.extension);
        for (std::size_t n = 0; n < wire.bytes().size(); ++n)
            (void)rtp::parse(Exact(wire.bytes().first(n)));
        Buffer out;
        REQUIRE(rtp::write(*p, out));
        const auto again = rtp::parse(out);
        REQUIRE(again);
        CHECK(same(*again, *p));
    }
}
