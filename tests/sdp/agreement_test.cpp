#include <doctest/doctest.h>

#include "tests/sdp/talk.h"

using namespace sipana;
using namespace sipana::sdp;

TEST_CASE("RFC 3264 6.1: directions of both ways, from either offerer") {
    using enum Direction;
    struct Way {
        Direction offer, answer, seen;
    };
    for (const Way w : {Way{sendrecv, sendrecv, sendrecv}, Way{sendonly, recvonly, sendonly},
                        Way{recvonly, sendonly, recvonly}, Way{sendrecv, sendonly, recvonly},
                        Way{sendrecv, inactive, inactive}, Way{inactive, inactive, inactive},
                        Way{sendonly, sendrecv, sendonly}}) {
        const auto media = [](Direction d) {
            return "m=audio 4000 RTP/AVP 0|a=" + std::string(to_string(d));
        };
        Talk by_caller, by_callee;
        by_caller.offer(caller, alice(1, media(w.offer))).answer(callee, bob(1, media(w.answer)));
        by_callee.offer(callee, bob(1, media(w.offer))).answer(caller, alice(1, media(w.answer)));
        CHECK(by_caller[0].media[0].direction == w.seen);
        CHECK(by_callee[0].media[0].direction == direction_of(receives(w.seen), sends(w.seen)));
        CHECK(by_caller.broke("sdp-answer-direction") ==
              (w.offer == sendonly && w.answer == sendrecv));
    }
}

TEST_CASE("RFC 3264 6: an answer without an offer, and one of another shape") {
    Talk t;
    t.answer(callee, bob(1, pcmu));
    CHECK(t.broke("sdp-answer-without-offer"));
    CHECK(t->ledger().empty());
    CHECK(after("m=audio 4000 RTP/AVP 0|m=video 4002 RTP/AVP 31", pcmu)
              .find("sdp-answer-media-count(") == 0);
    CHECK(after(pcmu, "m=audio 4000 RTP/AVP 0|m=video 4002 RTP/AVP 31")
              .find("sdp-answer-media-count(") == 0);
    CHECK(after(pcmu, "m=video 4000 RTP/AVP 0").find("sdp-answer-media-type(") == 0);
    CHECK(after("m=audio 4000 RTP/SAVP 0", pcmu).find("sdp-answer-protocol(") == 0);
    CHECK(after("m=audio 0 RTP/AVP 0", pcmu).find("sdp-answer-revived(") == 0);
    Talk timing;
    timing.offer(caller, alice(1, pcmu))
        .answer(callee, "v=0|o=- 1 1 IN IP4 192.0.2.1|s=-|t=1 2|m=audio 4000 RTP/AVP 0");
    CHECK(timing.broke("sdp-answer-timing"));
}

TEST_CASE("RFC 3264 6.1: codecs of an answer against those offered") {
    CHECK(after("m=audio 4000 RTP/AVP 0 8", "m=audio 4000 RTP/AVP 18")
              .find("sdp-answer-no-common-codec(") == 0);
    CHECK(after("m=audio 4000 RTP/AVP 0 8", "m=audio 4000 RTP/AVP 8 18")
              .find("sdp-answer-codec-not-offered(") == 0);
    CHECK(after("m=audio 4000 RTP/AVP 96|a=rtpmap:96 iLBC/8000",
                "m=audio 4000 RTP/AVP 97|a=rtpmap:97 iLBC/8000")
              .find("sdp-answer-payload-type(") == 0);
    CHECK(after("m=audio 4000 RTP/AVP 0 96|a=rtpmap:96 telephone-event/8000",
                "m=audio 4000 RTP/AVP 96|a=rtpmap:96 telephone-event/8000")
              .find("sdp-answer-auxiliary-only(") == 0);
    CHECK(after("m=video 4000 RTP/AVP 96|a=rtpmap:96 H264/90000|a=fmtp:96 packetization-mode=1",
                "m=video 4000 RTP/AVP 96|a=rtpmap:96 H264/90000")
              .find("sdp-answer-codec-parameters(") == 0);
    // The rtpmap of a static payload type may be left out on one side.
    CHECK(
        after("m=audio 4000 RTP/AVP 18|a=rtpmap:18 G729/8000", "m=audio 4000 RTP/AVP 18").empty());
    // H264 offered twice: the one of the same payload type is meant.
    CHECK(after("m=video 4000 RTP/AVP 96 97|a=rtpmap:96 H264/90000|a=rtpmap:97 H264/90000",
                "m=video 4000 RTP/AVP 97|a=rtpmap:97 H264/90000")
              .empty());
}

TEST_CASE("RFC 5761 5.1.1: RTCP is multiplexed where both want it") {
    Talk both, one;
    const std::string mux = "m=audio 4000 RTP/AVP 0|a=rtcp-mux|a=rtcp:4001";
    both.offer(caller, alice(1, mux)).answer(callee, bob(1, "m=audio 5000 RTP/AVP 0|a=rtcp-mux"));
    CHECK(both[0].media[0].offer.rtcp.port == 4000);
    CHECK(both[0].media[0].answer->rtcp.port == 5000);
    one.offer(caller, alice(1, "m=audio 4000 RTP/AVP 0|a=rtcp-mux"));
    CHECK(one[0].media[0].offer.rtcp.port == 4000);
    one.answer(callee, bob(1, "m=audio 5000 RTP/AVP 0"));
    CHECK(one[0].media[0].offer.rtcp.port == 4001);
    CHECK(one[0].media[0].answer->rtcp.port == 5001);
    CHECK(after(pcmu, "m=audio 4000 RTP/AVP 0|a=rtcp-mux").find("sdp-answer-rtcp-mux(") == 0);
}

TEST_CASE("RFC 4145 4.1, RFC 5763 5: DTLS roles") {
    const auto setup = [](std::string_view role) {
        return "m=audio 4000 RTP/AVP 0|a=setup:" + std::string(role);
    };
    CHECK(after(setup("actpass"), setup("active")).empty());
    CHECK(after(setup("actpass"), setup("passive")).empty());
    CHECK(after(setup("active"), setup("passive")).empty());
    CHECK(after(setup("actpass"), setup("actpass")).find("sdp-answer-setup(") == 0);
    CHECK(after(setup("active"), setup("active")).find("sdp-answer-setup(") == 0);
    Talk t;
    t.offer(caller,
            alice(1, "a=setup:actpass|a=fingerprint:sha-1 4A:AD|m=audio 4000 UDP/TLS/RTP/SAVP 0"));
    CHECK(t[0].media[0].offer.setup == "actpass");
    CHECK(t[0].media[0].offer.fingerprint == "sha-1 4A:AD");
}

TEST_CASE("RFC 4568 5.1.2: an answer chooses one suite of those offered, and no key is kept") {
    const std::string offer =
        "m=audio 4000 RTP/SAVP 0|a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRET|"
        "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:SECRET";
    const auto suite = [](std::string_view name) {
        return "m=audio 4000 RTP/SAVP 0|a=crypto:1 " + std::string(name) + " inline:SECRET";
    };
    CHECK(after(offer, suite("AES_CM_128_HMAC_SHA1_32")).empty());
    CHECK(after(offer, suite("F8_128_HMAC_SHA1_80")).find("sdp-answer-crypto(") == 0);
    CHECK(after(offer, offer).find("sdp-answer-crypto(") == 0);
    CHECK(after(offer, "m=audio 4000 RTP/SAVP 0").find("sdp-answer-crypto(") == 0);
    CHECK(after(offer, "m=audio 0 RTP/SAVP 0").empty());
    Talk t;
    t.offer(caller, alice(1, offer));
    const auto& kept = t[0].media[0].offer.crypto;
    CHECK(kept == std::vector<std::string>{"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"});
}

TEST_CASE("RFC 5888 9: mids and groups of an answer are the offer's") {
    const std::string offer =
        "a=group:BUNDLE a|m=audio 4000 RTP/AVP 0|a=mid:a|a=rtcp-mux|m=video 4002 RTP/AVP "
        "31|a=mid:v";
    CHECK(after(offer, offer).empty());
    CHECK(after(offer, "m=audio 4000 RTP/AVP 0|a=mid:x|m=video 4002 RTP/AVP 31|a=mid:v")
              .find("sdp-answer-mid(") == 0);
    CHECK(after(offer,
                "a=group:BUNDLE a v|m=audio 4000 RTP/AVP 0|a=mid:a|a=rtcp-mux|m=video 4002 RTP/AVP "
                "31|a=mid:v")
              .find("sdp-answer-bundle(") == 0);
}
