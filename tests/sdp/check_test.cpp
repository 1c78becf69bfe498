#include "libsipana/sdp/check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/sdp/samples.h"

using namespace sipana;
using namespace sipana::sdp;

namespace {

std::vector<Finding> check_text(std::string_view text) {
    const auto s = Session::parse(text);
    REQUIRE(s);
    std::vector<Finding> findings;
    check(*s, findings);
    for (const Finding& f : findings) CHECK(f.byte < text.size());
    return findings;
}

constexpr std::string_view head = "v=0|o=- 1 1 IN IP4 192.0.2.1|s=-|c=IN IP4 192.0.2.1|t=0 0|";
constexpr std::string_view audio = "m=audio 4000 RTP/AVP 0|";
constexpr std::string_view key = "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
constexpr std::string_view print =
    "sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB";

std::string cat(std::initializer_list<std::string_view> parts) {
    std::string out;
    for (const auto part : parts) out += part;
    return out;
}

struct Case {
    std::string_view rule;
    std::string text;  // with bars; the right one first, then the wrong one
    std::string wrong;
};

std::vector<Case> cases() {
    const auto media = [](std::string_view rule, std::string_view right, std::string_view wrong) {
        return Case{rule, cat({head, right}), cat({head, wrong})};
    };
    const auto attribute = [&](std::string_view rule, std::string_view right,
                               std::string_view wrong) {
        return media(rule, cat({audio, right}), cat({audio, wrong}));
    };
    const auto dynamic = [&](std::string_view rule, std::string_view right,
                             std::string_view wrong) {
        return media(rule, cat({"m=audio 4000 RTP/AVPF 96|a=rtpmap:96 ", right}),
                     cat({"m=audio 4000 RTP/AVPF 96|a=rtpmap:96 ", wrong}));
    };
    const auto savp = [&](std::string_view rule, std::string_view right, std::string_view wrong) {
        return media(rule, cat({"m=audio 4000 RTP/SAVP 0|", right}),
                     cat({"m=audio 4000 RTP/SAVP 0|", wrong}));
    };
    const std::string good = cat({head, audio, "a=sendrecv"});
    const std::string crypto = cat({"a=crypto:1 AES_CM_128_HMAC_SHA1_80 ", key});
    const std::string fingerprint = cat({"a=fingerprint:", print});
    return {
        {"sdp-version-missing", good, good.substr(4)},
        {"sdp-version", good, "v=1" + good.substr(3)},
        {"sdp-origin-missing", good, "v=0|s=-|c=IN IP4 192.0.2.1|t=0 0|m=audio 4000 RTP/AVP 0"},
        {"sdp-origin", good, "v=0|o=- 1 x IN IP4 192.0.2.1|s=-|t=0 0"},
        {"sdp-origin", good, "v=0|o=- 1 1 IN IP6 192.0.2.1|s=-|t=0 0"},
        {"sdp-origin", good, "v=0|o=- 1 1|s=-|t=0 0"},
        {"sdp-session-name-missing", good, "v=0|o=- 1 1 IN IP4 192.0.2.1|t=0 0"},
        {"sdp-session-name", "v=0|o=- 1 1 IN IP4 192.0.2.1|s= |t=0 0",
         "v=0|o=- 1 1 IN IP4 192.0.2.1|s=|t=0 0"},
        {"sdp-timing-missing", good, "v=0|o=- 1 1 IN IP4 192.0.2.1|s=-"},
        {"sdp-timing", good, "v=0|o=- 1 1 IN IP4 192.0.2.1|s=-|t=9 8"},
        {"sdp-order", good, "v=0|s=-|o=- 1 1 IN IP4 192.0.2.1|t=0 0"},
        {"sdp-order", good, cat({head, audio, "t=0 0"})},
        {"sdp-order", cat({head, audio, "c=IN IP4 192.0.2.1|a=x"}),
         cat({head, audio, "a=x|c=IN IP4 192.0.2.1"})},
        {"sdp-line-repeated", good, "v=0|v=0|o=- 1 1 IN IP4 192.0.2.1|s=-|t=0 0"},
        {"sdp-line-form", good, cat({head, audio, "what"})},
        {"sdp-type-unknown", good, cat({head, audio, "y=what"})},
        {"sdp-white-space", good, cat({head, audio, "a= sendrecv"})},
        {"sdp-connection-missing", good,
         "v=0|o=- 1 1 IN IP4 192.0.2.1|s=-|t=0 0|m=audio 4000 RTP/AVP 0"},
        attribute("sdp-connection", "c=IN IP6 2001:db8::1", "c=IN IP4 2001:db8::1"),
        attribute("sdp-connection", "c=IN IP4 a.example", "c=IN IP4"),
        attribute("sdp-connection-ttl", "c=IN IP4 224.2.1.1/127", "c=IN IP4 224.2.1.1"),
        attribute("sdp-connection-ttl", "c=IN IP6 ff15::101/3", "c=IN IP4 192.0.2.1/127"),
        attribute("sdp-bandwidth", "b=AS:64", "b=64"),
        attribute("sdp-hold-address", "a=sendonly", "c=IN IP4 0.0.0.0"),
        media("sdp-media-line", "m=audio 4000 RTP/AVP 0", "m=audio 4000 RTP/AVP"),
        media("sdp-port", "m=audio 65534 RTP/AVP 0", "m=audio 65536 RTP/AVP 0"),
        media("sdp-port-odd", "m=audio 4001 RTP/AVP 0|a=rtcp:4002", "m=audio 4001 RTP/AVP 0"),
        media("sdp-payload-type", "m=audio 4000 RTP/AVP 34", "m=audio 4000 RTP/AVP 128"),
        media("sdp-format-repeated", "m=audio 4000 RTP/AVP 0 8", "m=audio 4000 RTP/AVP 0 0"),
        dynamic("sdp-rtpmap", "iLBC/8000", "iLBC"),
        dynamic("sdp-rtpmap-unlisted", "iLBC/8000", "iLBC/8000|a=rtpmap:97 x/8000"),
        dynamic("sdp-rtpmap-repeated", "iLBC/8000", "iLBC/8000|a=rtpmap:96 x/8000"),
        media("sdp-rtpmap-missing", "m=audio 4000 RTP/AVP 0 18", "m=audio 4000 RTP/AVP 0 96"),
        attribute("sdp-rtpmap-static", "a=rtpmap:0 PCMU/8000", "a=rtpmap:0 PCMA/8000"),
        media("sdp-rtpmap-clock", "m=audio 4000 RTP/AVP 9|a=rtpmap:9 G722/8000",
              "m=audio 4000 RTP/AVP 9|a=rtpmap:9 G722/16000"),
        dynamic("sdp-opus-rtpmap", "opus/48000/2", "opus/48000"),
        dynamic("sdp-fmtp", "iLBC/8000|a=fmtp:96 mode=20", "iLBC/8000|a=fmtp:96"),
        dynamic("sdp-fmtp-unlisted", "iLBC/8000|a=fmtp:96 mode=20", "iLBC/8000|a=fmtp:97 mode=20"),
        attribute("sdp-ptime", "a=ptime:20", "a=ptime:0"),
        attribute("sdp-ptime", "a=maxptime:20", "a=maxptime:20ms"),
        attribute("sdp-ptime-above-max", "a=ptime:20|a=maxptime:20", "a=ptime:40|a=maxptime:20"),
        attribute("sdp-direction-repeated", "a=sendonly", "a=sendonly|a=sendrecv"),
        attribute("sdp-rtcp", "a=rtcp:4001 IN IP4 192.0.2.1", "a=rtcp:99999"),
        attribute("sdp-rtcp", "a=rtcp:4001", "a=rtcp:4001 IN IP4"),
        attribute("sdp-mux-only", "a=rtcp-mux|a=rtcp-mux-only", "a=rtcp-mux-only"),
        dynamic("sdp-rtcp-feedback", "iLBC/8000|a=rtcp-fb:96 nack", "iLBC/8000|a=rtcp-fb:96"),
        dynamic("sdp-rtcp-feedback-unlisted", "iLBC/8000|a=rtcp-fb:* nack",
                "iLBC/8000|a=rtcp-fb:97 nack"),
        media("sdp-rtcp-feedback-profile", "m=audio 4000 RTP/AVPF 0|a=rtcp-fb:0 nack",
              "m=audio 4000 RTP/AVP 0|a=rtcp-fb:0 nack"),
        attribute("sdp-extmap", "a=extmap:1 urn:x", "a=extmap:0 urn:x"),
        attribute("sdp-extmap-repeated", "a=extmap:1 urn:x|a=extmap:2 urn:x",
                  "a=extmap:1 urn:x|a=extmap:1 urn:y"),
        attribute("sdp-ssrc", "a=ssrc:1 cname:x", "a=ssrc:1"),
        media("sdp-mid-repeated", "m=audio 4000 RTP/AVP 0|a=mid:0|m=audio 4002 RTP/AVP 0|a=mid:1",
              "m=audio 4000 RTP/AVP 0|a=mid:0|m=audio 4002 RTP/AVP 0|a=mid:0"),
        {"sdp-group-mid", cat({head, "a=group:LS 0|", audio, "a=mid:0"}),
         cat({head, "a=group:LS 0 1|", audio, "a=mid:0"})},
        {"sdp-bundle-rtcp-mux", cat({head, "a=group:BUNDLE 0|", audio, "a=mid:0|a=rtcp-mux"}),
         cat({head, "a=group:BUNDLE 0|", audio, "a=mid:0"})},
        attribute("sdp-candidate",
                  "a=ice-ufrag:8hhY|a=ice-pwd:asd88fgpdd777uzjYhagZg|a=candidate:1 1 udp 1 "
                  "192.0.2.1 5000 typ host",
                  "a=ice-ufrag:8hhY|a=ice-pwd:asd88fgpdd777uzjYhagZg|a=candidate:1 0 udp 1 "
                  "192.0.2.1 5000 typ host"),
        attribute("sdp-ice-credentials", "a=ice-ufrag:8hhY|a=ice-pwd:asd88fgpdd777uzjYhagZg",
                  "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host"),
        attribute("sdp-ice-credentials", "a=sendrecv",
                  "a=ice-ufrag:8hh|a=ice-pwd:asd88fgpdd777uzjYhagZg"),
        attribute("sdp-ice-credentials", "a=sendrecv", "a=ice-ufrag:8hhY|a=ice-pwd:short"),
        attribute("sdp-fingerprint", cat({fingerprint, "|a=setup:active"}),
                  "a=fingerprint:sha-1 4A:AD|a=setup:active"),
        attribute("sdp-setup", "a=setup:holdconn", "a=setup:maybe"),
        attribute("sdp-setup-missing", cat({fingerprint, "|a=setup:active"}), fingerprint),
        media("sdp-fingerprint-missing",
              cat({"m=audio 4000 UDP/TLS/RTP/SAVPF 0|", fingerprint, "|a=setup:actpass"}),
              "m=audio 4000 UDP/TLS/RTP/SAVPF 0"),
        savp("sdp-crypto", crypto, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2hvcnQ="),
        savp("sdp-crypto", crypto, "a=crypto:x"),
        savp("sdp-crypto-missing", crypto, "a=sendrecv"),
        savp("sdp-crypto-tag-repeated", crypto, cat({crypto, "|", crypto})),
        {"sdp-crypto-profile", cat({head, "m=audio 4000 RTP/SAVP 0|", crypto}),
         cat({head, audio, crypto})},
    };
}

}  // namespace

TEST_CASE("each rule of check() is kept by one description and broken by another") {
    for (const Case& c : cases()) {
        CAPTURE(c.rule);
        const auto right = check_text(lines(c.text));
        CHECK_MESSAGE(!has(right, c.rule), names(right));
        const auto wrong = check_text(lines(c.wrong));
        CHECK_MESSAGE(has(wrong, c.rule), names(wrong));
    }
}

TEST_CASE("RFC 8866 9: line ends, and NUL bytes") {
    std::string text = phone_offer();
    CHECK(check_text(text).empty());
    CHECK(has(check_text(text.substr(0, text.size() - 2)), "sdp-line-unended"));
    text[text.find('-')] = '\0';
    CHECK(has(check_text(text), "sdp-nul"));
    std::string bare = phone_offer();
    bare.erase(std::remove(bare.begin(), bare.end(), '\r'), bare.end());
    const auto findings = check_text(bare);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].rule == "sdp-line-end");
    CHECK(findings[0].text == "12 line(s) end in LF alone; the rule: lines end in CR LF");
}

TEST_CASE("a finding says where in the text it is") {
    const std::string text = phone_offer() + "a=rtpmap:97 X/8000\r\n";
    const auto findings = check_text(text);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].rule == "sdp-rtpmap-unlisted");
    CHECK(findings[0].byte == text.find("rtpmap:97"));
    CHECK(findings[0].severity == Severity::warning);
    CHECK(findings[0].clause == "RFC 8866 6.6");
}

TEST_CASE("RFC 3264 6: a refused m-line need not say what its formats are") {
    CHECK(check_text(lines(cat({head, "m=video 0 RTP/AVP 119"}))).empty());
}

TEST_CASE("no finding shows a key") {
    const auto findings =
        check_text(lines(cat({head, "m=audio 4000 RTP/AVP 0|a=crypto:1 X ", key, "|a=crypto:", key,
                              "|a=crypto:1 AES_CM_128_HMAC_SHA1_80 ", key, "AAAA"})));
    CHECK(has(findings, "sdp-crypto"));
    for (const Finding& f : findings) CHECK(f.text.find("PS1u") == std::string::npos);
}

TEST_CASE("findings are few and short, however much is wrong") {
    std::string text = lines(head) + "m=audio 4000 RTP/AVP";
    for (int i = 0; i < 20000; ++i) text += " 999";
    text += "\r\n";
    for (int i = 0; i < 1000; ++i) text += "a=rtpmap:" + std::string(1000, 'x') + "\r\n";
    const auto findings = check_text(text);
    CHECK(findings.size() == max_findings);
    for (const Finding& f : findings) CHECK(f.text.size() < 500);
}

TEST_CASE("rules are in order of name, and each is tested somewhere") {
    std::set<std::string_view> tested{"sdp-nul", "sdp-line-end", "sdp-line-unended",
                                      "sdp-cut-short"};
    for (const Case& c : cases()) tested.insert(c.rule);
    std::string_view last;
    for (const Rule& r : rules()) {
        CHECK(r.name > last);
        last = r.name;
        CHECK(r.name.starts_with("sdp-"));
        CHECK_FALSE(r.summary.empty());
        CHECK((!r.clause.empty() || r.name == "sdp-cut-short" || r.name == "sdp-ledger-full"));
        // Those of Negotiation are negotiation_test's.
        const bool of_negotiation =
            r.name.starts_with("sdp-answer-") || r.name.starts_with("sdp-offer") ||
            r.name.starts_with("sdp-origin-") || r.name == "sdp-payload-type-remapped" ||
            r.name == "sdp-ledger-full";
        CHECK_MESSAGE((of_negotiation || tested.count(r.name) == 1), r.name);
    }
    CHECK(rules().size() >= 80);
}
