#include "libsipana/sdp/negotiation.h"

#include <doctest/doctest.h>

#include <set>

#include "libsipana/sdp/check.h"
#include "libsipana/sdp/session.h"
#include "tests/sdp/samples.h"
#include "tests/sdp/talk.h"

using namespace sipana;
using namespace sipana::sdp;

TEST_CASE(
    "RFC 3264 10.1: two video streams, one refused; then a port moves and a stream is added") {
    Talk t;
    t.offer(caller,
            "v=0|o=alice 2890844526 2890844526 IN IP4 host.anywhere.com|s=|c=IN IP4 "
            "host.anywhere.com|t=0 0|"
            "m=audio 49170 RTP/AVP 0|a=rtpmap:0 PCMU/8000|m=video 51372 RTP/AVP 31|a=rtpmap:31 "
            "H261/90000|"
            "m=video 53000 RTP/AVP 32|a=rtpmap:32 MPV/90000");
    CHECK(t->offer_pending());
    CHECK(t->in_force() == nullptr);
    CHECK(t->offerer() == caller);
    t.answer(callee,
             "v=0|o=bob 2890844730 2890844730 IN IP4 host.example.com|s=|c=IN IP4 "
             "host.example.com|t=0 0|"
             "m=audio 49920 RTP/AVP 0|a=rtpmap:0 PCMU/8000|m=video 0 RTP/AVP 31|"
             "m=video 53000 RTP/AVP 32|a=rtpmap:32 MPV/90000");
    CHECK_FALSE(t->offer_pending());
    REQUIRE(t->ledger().size() == 1);
    CHECK(t[0].outcome == Outcome::answered);
    CHECK(t[0].answer_message == 1u);
    CHECK(t[0].answered_at == at(1));
    REQUIRE(t[0].media.size() == 3);
    CHECK(listed(t[0].media[0].agreed) == "PCMU ");
    CHECK(t[0].media[0].direction == Direction::sendrecv);
    CHECK(t[0].media[1].refused);
    CHECK(t[0].media[1].agreed.empty());
    CHECK(t[0].media[1].direction == Direction::inactive);
    CHECK_FALSE(t[0].media[2].refused);

    t.offer(callee,
            "v=0|o=bob 2890844730 2890844731 IN IP4 host.example.com|s=|c=IN IP4 "
            "host.example.com|t=0 0|"
            "m=audio 65422 RTP/AVP 0|a=rtpmap:0 PCMU/8000|m=video 0 RTP/AVP 31|"
            "m=video 53000 RTP/AVP 32|a=rtpmap:32 MPV/90000|m=audio 51434 RTP/AVP 110|"
            "a=rtpmap:110 telephone-events/8000|a=recvonly");
    t.answer(
        caller,
        "v=0|o=alice 2890844526 2890844527 IN IP4 host.anywhere.com|s=|c=IN IP4 "
        "host.anywhere.com|t=0 0|"
        "m=audio 49170 RTP/AVP 0|a=rtpmap:0 PCMU/8000|m=video 0 RTP/AVP 31|a=rtpmap:31 H261/90000|"
        "m=video 53000 RTP/AVP 32|a=rtpmap:32 MPV/90000|m=audio 53122 RTP/AVP 110|"
        "a=rtpmap:110 telephone-events/8000|a=sendonly");
    REQUIRE(t->ledger().size() == 2);
    CHECK(t[1].offerer == callee);
    CHECK(t[1].media[3].direction == Direction::sendonly);  // Alice sends her keys
    CHECK(t[0].in_force_until == at(3));
    CHECK(t->in_force() == &t[1]);
    CHECK_MESSAGE(t->findings().empty(), t.broken());
}

TEST_CASE("RFC 3264 10.2: one of several codecs, then a new one by a re-INVITE") {
    Talk t;
    t.offer(caller, alice(1,
                          "m=audio 62986 RTP/AVP 0 4 18|a=rtpmap:0 PCMU/8000|a=rtpmap:4 G723/8000|"
                          "a=rtpmap:18 G729/8000|a=inactive"));
    t.answer(
        callee,
        bob(1, "m=audio 54344 RTP/AVP 0 4|a=rtpmap:0 PCMU/8000|a=rtpmap:4 G723/8000|a=inactive"));
    CHECK(listed(t[0].media[0].agreed) == "PCMU G723 ");
    CHECK(t[0].media[0].direction == Direction::inactive);
    t.offer(caller, alice(2, "m=audio 62986 RTP/AVP 4|a=rtpmap:4 G723/8000|a=sendrecv"));
    t.answer(callee, bob(2, "m=audio 54344 RTP/AVP 4|a=rtpmap:4 G723/8000|a=sendrecv"));
    CHECK(listed(t->in_force()->media[0].agreed) == "G723 ");
    CHECK(t->in_force()->media[0].direction == Direction::sendrecv);
    CHECK_MESSAGE(t->findings().empty(), t.broken());
}

TEST_CASE("RFC 4317 2.1: audio and video, the answerer takes one codec of each") {
    Talk t;
    t.offer(
        caller,
        alice(1, "m=audio 49170 RTP/AVP 0 8 97|a=rtpmap:97 iLBC/8000|m=video 51372 RTP/AVP 31 32"));
    t.answer(callee,
             bob(1, "m=audio 49174 RTP/AVP 0|m=video 49170 RTP/AVP 32|a=rtpmap:32 MPV/90000"));
    CHECK(listed(t[0].media[0].agreed) == "PCMU ");
    CHECK(listed(t[0].media[1].agreed) == "MPV ");
    CHECK(t[0].media[1].answer->rtp.to_string() == "198.51.100.2:49170");
    CHECK_MESSAGE(t->findings().empty(), t.broken());
}

TEST_CASE("RFC 4317 2.2: the answerer prefers another codec, and its order counts") {
    Talk t;
    t.offer(caller, alice(1, "m=audio 49170 RTP/AVP 0 8 97|a=rtpmap:97 iLBC/8000"));
    t.answer(callee, bob(1, "m=audio 49172 RTP/AVP 97 0|a=rtpmap:97 iLBC/8000"));
    CHECK(listed(t[0].media[0].agreed) == "iLBC PCMU ");
    CHECK_MESSAGE(t->findings().empty(), t.broken());
}

TEST_CASE("RFC 4317 3.2: hold and resume") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu));
    t.offer(callee, bob(2, "m=audio 4000 RTP/AVP 0|a=sendonly"));
    t.answer(caller, alice(2, "m=audio 4000 RTP/AVP 0|a=recvonly"));
    CHECK(t[1].media[0].offer.on_hold);
    CHECK_FALSE(t[1].media[0].answer->on_hold);
    CHECK(t[1].media[0].direction == Direction::recvonly);  // the caller hears music, if anything
    t.offer(callee, bob(3, pcmu)).answer(caller, alice(3, pcmu));
    CHECK(t[2].media[0].direction == Direction::sendrecv);
    CHECK(t[0].in_force_until == at(3));
    CHECK(t[1].in_force_until == at(5));
    CHECK(t[2].in_force_until == no_time);
    CHECK_MESSAGE(t->findings().empty(), t.broken());
}

TEST_CASE("RFC 4317 4.1: an offer in the 200 and its answer in the ACK") {
    Talk t;
    t.offer(callee, bob(1, pcmu), true).answer(caller, alice(1, pcmu));
    CHECK(t[0].delayed);
    CHECK(t[0].offerer == callee);
    CHECK(t[0].media[0].offer.rtp.to_string() == "198.51.100.2:4000");
    CHECK(t[0].media[0].answer->rtp.to_string() == "192.0.2.1:4000");
}

TEST_CASE(
    "trap 61: a delayed offer is the callee's, and directions are the caller's all the same") {
    Talk t;
    t.offer(callee, bob(1, "m=audio 4000 RTP/AVP 0|a=sendonly"), true);
    CHECK(t->offerer() == callee);
    t.answer(caller, alice(1, "m=audio 4000 RTP/AVP 0|a=recvonly"));
    CHECK(t[0].delayed);
    CHECK(t[0].media[0].direction == Direction::recvonly);
    CHECK_MESSAGE(t->findings().empty(), t.broken());
}

TEST_CASE("RFC 3264 8.4: hold by address 0.0.0.0 stops the way to the holder") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu));
    t.offer(caller,
            "v=0|o=alice 1 2 IN IP4 192.0.2.1|s=-|c=IN IP4 0.0.0.0|t=0 0|m=audio 4000 RTP/AVP 0");
    t.answer(callee, bob(1, pcmu));
    CHECK(t[1].media[0].offer.on_hold);
    CHECK(t[1].media[0].direction == Direction::sendonly);
    CHECK_MESSAGE(t->findings().empty(), t.broken());
}

TEST_CASE("RFC 3261 13.2.1: an early answer is confirmed by the same words in the 200") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu), true);
    CHECK(t[0].outcome == Outcome::early);
    CHECK(t->offer_pending());
    CHECK(t->in_force() == &t[0]);
    t.answer(callee, bob(1, pcmu), true).answer(callee, bob(1, pcmu));
    REQUIRE(t->ledger().size() == 1);
    CHECK(t[0].outcome == Outcome::answered);
    CHECK(t[0].answered_at == at(1));
    CHECK(t[0].answer_message == 1u);
    CHECK_FALSE(t->offer_pending());
    CHECK_MESSAGE(t->findings().empty(), t.broken());
}

TEST_CASE("RFC 3261 13.2.1: other words in the 200 than in the 183") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu), true);
    t.answer(callee, bob(2, "m=audio 6000 RTP/AVP 0"));
    REQUIRE(t->ledger().size() == 1);
    CHECK(t[0].media[0].answer->rtp.port == 6000);
    CHECK(t[0].outcome == Outcome::answered);
    REQUIRE(t->findings().size() == 1);
    CHECK(t->findings()[0].rule == "sdp-answer-changed");
    CHECK(t->findings()[0].byte == 2);
    CHECK(t->findings()[0].frame == 0);
    CHECK(t->findings()[0].clause == "RFC 3261 13.2.1");
}

TEST_CASE("RFC 3262 5: after a reliable answer the 200 may repeat it; another is ignored") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu)).answer(callee, bob(1, pcmu));
    CHECK_MESSAGE(t->findings().empty(), t.broken());
    t.answer(callee, bob(2, "m=audio 6000 RTP/AVP 0"));
    CHECK(t[0].media[0].answer->rtp.port == 4000);
    CHECK(t.broke("sdp-answer-changed"));
}

TEST_CASE("RFC 3311 5.1: an UPDATE before the 200, which then repeats what the 183 said") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu));
    t.offer(caller, alice(2, "m=audio 4002 RTP/AVP 0"))
        .answer(callee, bob(2, "m=audio 5002 RTP/AVP 0"));
    t.answer(callee, bob(2, "m=audio 5002 RTP/AVP 0"));
    CHECK(t->ledger().size() == 2);
    CHECK(t->in_force() == &t[1]);
    CHECK(t[0].in_force_until == at(3));
    CHECK_MESSAGE(t->findings().empty(), t.broken());
}

TEST_CASE("RFC 3264 4: a refused re-INVITE leaves in force what was") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu));
    t.offer(callee, bob(2, "m=audio 4000 RTP/AVP 0|m=video 4002 RTP/AVP 31")).refuse();
    CHECK(t[1].outcome == Outcome::refused);
    CHECK_FALSE(t[1].answer_message);
    CHECK(t->in_force() == &t[0]);
    CHECK(t[0].in_force_until == no_time);
    CHECK_FALSE(t->offer_pending());
    t.offer(callee, bob(3, pcmu)).answer(caller, alice(1, pcmu));
    CHECK_MESSAGE(t->findings().empty(), t.broken());
}

TEST_CASE("RFC 3264 4: an early answer to a re-INVITE that is then refused gives way again") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu));
    t.offer(caller, alice(2, "m=audio 4002 RTP/AVP 0"))
        .answer(callee, bob(2, "m=audio 5002 RTP/AVP 0"), true);
    CHECK(t->in_force() == &t[1]);
    CHECK(t[0].in_force_until == at(3));
    t.refuse();
    CHECK(t->in_force() == &t[0]);
    CHECK(t[0].in_force_until == no_time);
    CHECK(t[1].in_force_until == at(4));
    CHECK(t[1].outcome == Outcome::refused);
}

TEST_CASE("RFC 3261 21.4: a call refused after early media has nothing in force") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu), true).refuse();
    CHECK(t[0].outcome == Outcome::refused);
    CHECK(t[0].in_force_until == at(2));
    CHECK(t->in_force() == nullptr);
    t.refuse();
    CHECK(t->ledger().size() == 1);
}

TEST_CASE("RFC 3261 22.2: the same offer again after a challenge is one exchange") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu));
    CHECK(t->ledger().size() == 1);
    CHECK(t[0].offer_message == 0);
    CHECK_MESSAGE(t->findings().empty(), t.broken());
}

TEST_CASE(
    "trap 63: a T.38 re-INVITE, repeated while pending, is one exchange; again later it is a "
    "second") {
    const auto fax = [](int version) {
        return bob(version,
                   "m=image 5000 udptl t38|a=T38FaxVersion:0|a=T38FaxUdpEC:t38UDPRedundancy");
    };
    constexpr std::string_view accepted = "m=image 4002 udptl t38|a=T38FaxVersion:0";
    Talk t;
    t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu));
    t.offer(callee, fax(2))
        .offer(callee, fax(2))
        .offer(callee, fax(2))
        .answer(caller, alice(2, accepted));
    REQUIRE(t->ledger().size() == 2);
    CHECK(t[1].offer_message == 2);
    CHECK(t[1].media[0].media == "image");
    CHECK(listed(t[1].media[0].agreed) == "t38 ");
    t.offer(callee, fax(2)).answer(caller, alice(2, accepted));
    CHECK(t->ledger().size() == 3);
    CHECK_MESSAGE(t->findings().empty(), t.broken());
}

TEST_CASE("RFC 3264 4: crossed offers are both refused and tried again") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu));
    t.offer(caller, alice(2, "m=audio 4002 RTP/AVP 0"))
        .offer(callee, bob(2, "m=audio 5002 RTP/AVP 0"));
    CHECK(t.broke("sdp-offers-crossed"));
    CHECK(t->offer_pending());
    t.refuse();
    CHECK(t->offer_pending());
    t.refuse();
    CHECK_FALSE(t->offer_pending());
    CHECK(t->in_force() == &t[0]);
    t.offer(callee, bob(2, "m=audio 5002 RTP/AVP 0"))
        .answer(caller, alice(2, "m=audio 4002 RTP/AVP 0"));
    CHECK(t->ledger().size() == 4);
    CHECK(t->in_force() == &t[3]);
    CHECK_FALSE(t.broke("sdp-offer-before-answer"));
}

TEST_CASE("RFC 3264 4: of crossed offers an answer takes the other side's") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).offer(callee, bob(1, pcmu)).answer(callee, bob(1, pcmu));
    CHECK(t[0].outcome == Outcome::answered);
    CHECK(t[1].outcome == Outcome::pending);
}

TEST_CASE("RFC 3261 14.1: of crossed offers one is refused, and the other may still be answered") {
    for (const Side refused : {caller, callee}) {
        Talk t;
        t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu));
        t.offer(caller, alice(2, "m=audio 4002 RTP/AVP 0"));
        t.offer(callee, bob(2, "m=audio 5002 RTP/AVP 0"));
        t.refuse(refused);
        if (refused == caller)
            t.answer(caller, alice(2, pcmu));
        else
            t.answer(callee, bob(2, pcmu));
        CHECK(t[refused == caller ? 1 : 2].outcome == Outcome::refused);
        CHECK(t[refused == caller ? 2 : 1].outcome == Outcome::answered);
        CHECK_FALSE(t.broke("sdp-answer-without-offer"));
    }
}

TEST_CASE("RFC 3264 5: the same words on two hops are known, whatever their o= says") {
    Talk one, same, relayed;
    one.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu));
    same.offer(caller, alice(7, pcmu)).answer(callee, bob(8, pcmu));
    relayed.offer(caller, alice(1, "m=audio 6000 RTP/AVP 0")).answer(callee, bob(1, pcmu));
    CHECK(one->same_words(*same));
    CHECK_FALSE(one->same_words(*relayed));
    relayed.offer(caller, alice(2, pcmu));
    CHECK_FALSE(relayed->same_words(*one));
}

TEST_CASE("RFC 3264 4: one open offer a side") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).offer(caller, alice(2, "m=audio 4002 RTP/AVP 0"));
    CHECK(t.broke("sdp-offer-before-answer"));
    t.answer(callee, bob(1, pcmu));
    CHECK(t[0].outcome == Outcome::withdrawn);
    CHECK(t[1].outcome == Outcome::answered);
    CHECK_FALSE(t->offer_pending());
}

TEST_CASE("RFC 3261 15: the end is the end of what was in force, and of an open offer") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu)).withdraw();
    CHECK(t[0].in_force_until == at(2));
    CHECK(t[0].outcome == Outcome::answered);
    CHECK(t->in_force() == &t[0]);
    Talk cancelled;
    cancelled.offer(caller, alice(1, pcmu)).withdraw();
    CHECK(cancelled[0].outcome == Outcome::withdrawn);
    CHECK(cancelled->in_force() == nullptr);
}

TEST_CASE("RFC 3261 9.1: a CANCEL that crosses the 200 does not undo the answer") {
    for (const bool early_first : {false, true}) {
        Talk t;
        t.offer(caller, alice(1, pcmu));
        if (early_first) t.answer(callee, bob(1, pcmu), true);
        t.withdraw().answer(callee, bob(1, pcmu));
        CHECK(t->ledger().size() == 1);
        CHECK(t[0].outcome == Outcome::answered);
        CHECK(t[0].in_force_until == no_time);
        CHECK(t->in_force() == &t[0]);
        CHECK_MESSAGE(t->findings().empty(), t.broken());
    }
}

TEST_CASE("RFC 3261 9.1: a cancelled re-INVITE leaves in force what was") {
    Talk t;
    t.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu));
    t.offer(caller, alice(2, "m=audio 4002 RTP/AVP 0")).withdraw();
    CHECK(t[1].outcome == Outcome::withdrawn);
    CHECK(t->in_force() == &t[0]);
    CHECK(t[0].in_force_until == no_time);
}

TEST_CASE("RFC 3261 12: a forked offer is answered once in each dialog") {
    Negotiation base;
    const std::string offered = lines(alice(1, pcmu));
    const auto o = Session::parse(offered);
    base.offer(caller, *o, at(0), 0);
    Negotiation first = base, second = base;
    const std::string a = lines(bob(1, pcmu)), b = lines(bob(7, "m=audio 7000 RTP/AVP 0"));
    first.answer(callee, *Session::parse(a), at(1), 1, true);
    second.answer(callee, *Session::parse(b), at(2), 2);
    CHECK(base.offer_pending());
    CHECK(first.ledger()[0].media[0].answer->rtp.port == 4000);
    CHECK(second.ledger()[0].media[0].answer->rtp.port == 7000);
    CHECK(second.findings().empty());
}

TEST_CASE("RFC 9143: a browser's offer and its answer, and what the ledger keeps of ICE") {
    Negotiation n;
    const std::string offered = webrtc_offer();
    n.offer(caller, *Session::parse(offered), at(0), 0);
    const MediaLine& line = n.ledger()[0].media[0];
    CHECK(line.mid == "0");
    CHECK(line.bundle == "0 1");
    CHECK(line.protocol == "UDP/TLS/RTP/SAVPF");
    CHECK_FALSE(line.offer.on_hold);
    CHECK(line.offer.candidates ==
          std::vector<std::string>{"host udp 192.168.0.196:46243", "srflx udp 203.0.113.7:36768",
                                   "host udp 4f8d2e0a-0b5b-4b1d-9d3e-0123456789ab.local:50000"});
    const std::string answered = lines(
        "v=0|o=- 7 1 IN IP4 0.0.0.0|s=-|t=0 0|a=group:BUNDLE 0 1|m=audio 9 UDP/TLS/RTP/SAVPF 111 "
        "126|"
        "c=IN IP4 0.0.0.0|a=mid:0|a=ice-ufrag:abcd|a=rtcp-mux|a=setup:active|a=rtpmap:111 "
        "opus/48000/2|"
        "a=rtpmap:126 telephone-event/8000|m=video 9 UDP/TLS/RTP/SAVPF 96 97|c=IN IP4 "
        "0.0.0.0|a=mid:1|"
        "a=ice-ufrag:abcd|a=rtcp-mux|a=setup:active|a=recvonly|a=rtpmap:96 VP8/90000|a=rtpmap:97 "
        "rtx/90000|"
        "a=fmtp:97 apt=96");
    n.answer(callee, *Session::parse(answered), at(1), 1);
    CHECK_MESSAGE(n.findings().empty(), names(n.findings()));
    CHECK(listed(n.in_force()->media[0].agreed) == "opus telephone-event ");
    CHECK(listed(n.in_force()->media[1].agreed) == "VP8 rtx ");
    CHECK(n.in_force()->media[1].direction == Direction::sendonly);
}

TEST_CASE("RFC 3264 8: m-lines are neither taken away nor moved") {
    const std::string both = "m=audio 4000 RTP/AVP 0|m=video 4002 RTP/AVP 31";
    Talk t;
    t.offer(caller, alice(1, both)).answer(callee, bob(1, both));
    CHECK(t->findings().empty());
    t.offer(caller, alice(2, pcmu)).refuse();
    CHECK(t.broke("sdp-offer-media-removed"));
    CHECK_FALSE(t.broke("sdp-offer-media-reordered"));
    t.offer(caller, alice(3, "m=video 4002 RTP/AVP 31|m=audio 4000 RTP/AVP 0"));
    CHECK(t.broke("sdp-offer-media-reordered"));

    const auto mids = [](char a, char b) {
        return std::string("m=audio 4000 RTP/AVP 0|a=mid:") + a +
               "|m=audio 4002 RTP/AVP 0|a=mid:" + b;
    };
    Talk by_mid;
    by_mid.offer(caller, alice(1, mids('x', 'y'))).answer(callee, bob(1, mids('x', 'y')));
    by_mid.offer(callee, bob(2, mids('y', 'x')));
    CHECK(by_mid.broke("sdp-offer-media-reordered"));

    Talk added;
    added.offer(caller, alice(1, pcmu)).answer(callee, bob(1, pcmu));
    added.offer(caller, alice(2, both))
        .answer(callee, bob(2, "m=audio 4000 RTP/AVP 0|m=video 0 RTP/AVP 31"));
    added.offer(callee, bob(3, "m=audio 4000 RTP/AVP 0|m=video 0 RTP/AVP 31"))
        .answer(caller, alice(3, "m=audio 4000 RTP/AVP 0|m=video 0 RTP/AVP 31"));
    CHECK_MESSAGE(added->findings().empty(), added.broken());
}

TEST_CASE("RFC 3264 8: the version in o= grows by one with each change, and nothing else changes") {
    const auto second = [](std::string_view text) {
        Talk t;
        t.offer(caller, alice(5, pcmu)).answer(callee, bob(1, pcmu)).offer(caller, text);
        return t.broken() + "/" + t[1].session_version_note;
    };
    CHECK(second(alice(5, pcmu)) == "/");
    CHECK(second(alice(6, "m=audio 4002 RTP/AVP 0")) == "/");
    CHECK(second(alice(5, "m=audio 4002 RTP/AVP 0")) ==
          "sdp-origin-same-version(the description changed, its version 5 did not; the rule: the "
          "version in o= grows when the description changes) "
          "/the description changed, its version 5 did not");
    CHECK(second(alice(8, pcmu)).find("sdp-origin-version-skipped(") == 0);
    CHECK(second(alice(4, pcmu)).find("sdp-origin-version-back(") == 0);
    CHECK(
        second(
            "v=0|o=alice 9 6 IN IP4 192.0.2.1|s=-|c=IN IP4 192.0.2.1|t=0 0|m=audio 4000 RTP/AVP 0")
            .find("sdp-origin-changed(") == 0);
    Talk t;
    t.offer(caller, alice(5, pcmu)).answer(callee, bob(1, pcmu));
    t.offer(caller, alice(6, pcmu)).answer(callee, bob(4, pcmu));
    CHECK(t[1].session_version_note == "answer: version went from 1 to 4");
}

TEST_CASE("RFC 3264 8.3.2: a dynamic payload type keeps its codec") {
    Talk t;
    t.offer(caller, alice(1, "m=audio 4000 RTP/AVP 0 96|a=rtpmap:96 iLBC/8000"))
        .answer(callee, bob(1, pcmu));
    t.offer(caller, alice(2, pcmu)).answer(callee, bob(1, pcmu));
    CHECK(t->findings().empty());
    t.offer(caller, alice(3, "m=audio 4000 RTP/AVP 0 96|a=rtpmap:96 opus/48000/2"));
    CHECK(t.broke("sdp-payload-type-remapped"));
    // The other side has numbers of its own.
    Talk sides;
    sides.offer(caller, alice(1, "m=audio 4000 RTP/AVP 0 96|a=rtpmap:96 iLBC/8000"))
        .answer(callee, bob(1, pcmu));
    sides.offer(callee, bob(2, "m=audio 4000 RTP/AVP 0 96|a=rtpmap:96 opus/48000/2"));
    CHECK_MESSAGE(sides->findings().empty(), sides.broken());
}

TEST_CASE("caps: a dialog of many exchanges keeps the first and the latest") {
    Talk t;
    for (int i = 0; i < 600; ++i)
        t.offer(caller, alice(i, "m=audio " + std::to_string(4000 + 2 * i) + " RTP/AVP 0"))
            .answer(callee, bob(1, pcmu));
    CHECK(t->ledger().size() == max_exchanges);
    CHECK(t[0].media[0].offer.rtp.port == 4000);
    CHECK(t->in_force()->media[0].offer.rtp.port == 4000 + 2 * 599);
    CHECK(t->in_force() == &t->ledger().back());
    CHECK(t.broken().find("sdp-ledger-full(") == 0);
    CHECK(t->findings().size() == 1);
}

TEST_CASE("caps: what a description says is kept up to a limit, its findings too") {
    std::string media;
    for (int i = 0; i < 100; ++i) {
        media += std::string(i == 0 ? "" : "|") + "m=audio 4000 RTP/AVP";
        for (int pt = 0; pt < 128; ++pt) media += " " + std::to_string(pt);
    }
    Talk t;
    t.offer(caller, alice(1, media));
    std::size_t kept = 0;
    for (const MediaLine& line : t[0].media) kept += line.offer.codecs.size();
    CHECK(t[0].media.size() == 100);
    CHECK(kept == 1024);
    for (int i = 0; i < 300; ++i)
        t.answer(callee, bob(i, "m=video " + std::to_string(4000 + i) + " RTP/AVP 99"), true);
    CHECK(t->findings().size() == max_negotiation_findings);
}

TEST_CASE(
    "caps: a group of many members is neither copied to each m-line nor compared with itself") {
    std::string text = "a=group:BUNDLE";
    for (int i = 0; i < 30000; ++i) text += " 0";
    for (int i = 0; i < 100; ++i) text += "|m=audio 4000 RTP/AVP 0|a=mid:0|a=rtcp-mux";
    Talk t;
    t.offer(caller, alice(1, text)).answer(callee, bob(1, text));
    CHECK(t[0].media[99].bundle.size() == 1024);
    const std::string whole = lines(alice(1, text));
    std::vector<Finding> findings;
    check(*Session::parse(whole), findings);
    CHECK(has(findings, "sdp-mid-repeated"));
    CHECK_FALSE(has(findings, "sdp-group-mid"));
}

TEST_CASE("each rule of Negotiation has its row") {
    std::set<std::string_view> known;
    for (const Rule& r : rules()) known.insert(r.name);
    for (const char* name : {"sdp-answer-bundle", "sdp-ledger-full", "sdp-offers-crossed"})
        CHECK(known.count(name) == 1);
    CHECK(to_string(Outcome::withdrawn) == "withdrawn");
}
