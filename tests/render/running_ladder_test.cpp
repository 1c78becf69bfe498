#include "libsipana/render/running_ladder.h"

#include <doctest/doctest.h>

#include "libsipana/base/text.h"
#include "tests/render/sample.h"

using namespace sipana;
using lab::Content;
using lab::Fate;
using render::RunningLadder;

namespace {

const Endpoint alice = sample::ep("192.0.2.1:5060"), bob = sample::ep("192.0.2.2:5060"),
               server = sample::ep("192.0.2.9:5060");

struct Played {
    RunningLadder ladder;
    std::string out;
    explicit Played(const render::Style& style) : ladder({"alice", "A", "bob"}, style) {
        ladder.place(alice, 0);
        ladder.place(server, 1);
        ladder.place(bob, 2);
        out = ladder.head();
    }
    void sip(double seconds, const Endpoint& from, const Endpoint& to, std::string_view text,
             Fate fate = Fate::delivered) {
        out += ladder.on_packet({from, to, Transport::udp, Content::sip, as_bytes(text), {}},
                                sample::at(seconds), fate, false);
    }
    void rtp(double seconds, const Endpoint& from, const Endpoint& to) {
        const std::uint8_t bytes[16] = {0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7};
        out += ladder.on_packet({from, to, Transport::udp, Content::rtp, bytes, {}},
                                sample::at(seconds), Fate::delivered, false);
    }
};

const std::string invite = sample::sip(
    {"INVITE sip:900@a.example SIP/2.0", "CSeq: 1 INVITE", "Content-Type: application/sdp"},
    "v=0\r\n");
const std::string busy = sample::sip({"SIP/2.0 486 Busy Here", "CSeq: 1 INVITE"});

std::string played(const render::Style& style) {
    Played p(style);
    p.sip(0, alice, server, invite);
    p.sip(0.25, server, bob, invite, Fate::dropped);
    p.sip(1.5, bob, alice, busy);
    p.sip(1.6, sample::ep("198.51.100.1:9"), bob, "\x1b[2Jnoise\r\nmore");
    Endpoint media = alice, heard = bob;
    media.port = heard.port = 4000;
    p.rtp(2, media, heard);
    p.rtp(2.02, media, heard);
    return p.out;
}

}  // namespace

TEST_CASE("The ladder as it happens: arrows between columns, words for strangers") {
    CHECK(played({.width = 80, .unicode = false}) ==
          "          alice                             A                              bob\n"
          "   0.000    |------ INVITE 900 (SDP) ------>|                               |\n"
          "   0.250    |                               |--- INVITE 900 (SDP) (lost) --x|\n"
          "   1.500    |<----------------------- 486 Busy Here ------------------------|\n"
          "   1.600 198.51.100.1:9 -> bob  not SIP: \\x1b[2Jnoise\n"
          "   2.000    |~~~~~~~~~~~~~~~~~~~~~ RTP, payload type 0 ~~~~~~~~~~~~~~~~~~~~>|\n");
}

TEST_CASE("The ladder as it happens: a narrow terminal gets words") {
    CHECK(played({.width = 40}) ==
          "   0.000 alice -> A  INVITE 900 (SDP)\n"
          "   0.250 A -> bob  INVITE 900 (SDP) (lo\xe2\x80\xa6\n"
          "   1.500 bob -> alice  486 Busy Here\n"
          "   1.600 198.51.100.1:9 -> bob  not SIP\xe2\x80\xa6\n"
          "   2.000 alice => bob  RTP, payload typ\xe2\x80\xa6\n");
}

TEST_CASE(
    "The ladder as it happens: no line is wider than the terminal, colours only where asked") {
    for (std::size_t width = 40; width <= 200; width += 7) {
        CAPTURE(width);
        const std::string text = played({.width = width});
        CHECK(text.find('\x1b') == text.npos);
        std::string_view rest = text;
        while (!rest.empty()) CHECK(columns(cut(rest, '\n')) <= width);
    }
    CHECK(played({.width = 80, .color = true}).find("\x1b[31m") != std::string::npos);
}
