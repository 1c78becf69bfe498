#include "libsipana/render/explain.h"
#include "libsipana/sip/code.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "libsipana/base/text.h"
#include "libsipana/sip/message.h"
#include "tests/exact.h"

using namespace sipana;
using namespace sipana::render;

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

const ExplainedLine* line_with(const std::vector<ExplainedLine>& lines, std::string_view part) {
    for (const ExplainedLine& line : lines)
        if (has(line.raw, part)) return &line;
    return nullptr;
}

}  // namespace

TEST_CASE("every header field that the code knows is explained, with its clause") {
    for (int i = 1; i <= static_cast<int>(sip::Header::www_authenticate); ++i) {
        const auto name = sip::to_string(static_cast<sip::Header>(i));
        CAPTURE(name);
        const Topic topic = header_topic(name);
        CHECK(topic.name == name);
        CHECK(topic.what.size() > 10);
        CHECK(!topic.clause.empty());
    }
}

TEST_CASE("the table of header fields is in order, so that every row is found") {
    for (const Topic& row : header_topics()) {
        CAPTURE(row.name);
        CHECK(header_topic(row.name).what == row.what);
        CHECK(header_topic(lowered(row.name)).name == row.name);
        CHECK(!row.clause.empty());
        CHECK(row.what.back() == '.');
    }
}

TEST_CASE("RFC 3261 7.3.3: compact forms are the same fields") {
    constexpr std::pair<char, std::string_view> forms[] = {{'a', "Accept-Contact"},
                                                           {'b', "Referred-By"},
                                                           {'c', "Content-Type"},
                                                           {'e', "Content-Encoding"},
                                                           {'f', "From"},
                                                           {'i', "Call-ID"},
                                                           {'k', "Supported"},
                                                           {'l', "Content-Length"},
                                                           {'m', "Contact"},
                                                           {'o', "Event"},
                                                           {'r', "Refer-To"},
                                                           {'s', "Subject"},
                                                           {'t', "To"},
                                                           {'u', "Allow-Events"},
                                                           {'v', "Via"},
                                                           {'x', "Session-Expires"},
                                                           {'y', "Identity"}};
    for (const auto& form : forms) {
        const char letter = form.first;
        CHECK(header_topic({&letter, 1}).name == form.second);
    }
    CHECK(header_topic("q").name.empty());
    CHECK(header_topic("").name.empty());
    CHECK(header_topic("X-Unknown").name.empty());
}

TEST_CASE("IANA SIP parameters: every registered status code has its phrase and a plain meaning") {
    constexpr int registered[] = {100, 180, 181, 182, 183, 199, 200, 202, 204, 300, 301, 302, 305,
                                  380, 400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 412, 413,
                                  414, 415, 416, 417, 420, 421, 422, 423, 424, 425, 428, 429, 430,
                                  433, 436, 437, 438, 439, 440, 469, 470, 480, 481, 482, 483, 484,
                                  485, 486, 487, 488, 489, 491, 493, 494, 500, 501, 502, 503, 504,
                                  505, 513, 555, 580, 600, 603, 604, 606, 607, 608};
    CHECK(code_topics().size() == std::size(registered));
    for (const int code : registered) {
        CAPTURE(code);
        CHECK(!sip::reason_phrase(code).empty());
        CHECK(code_topic(code).name == sip::reason_phrase(code));
        CHECK(code_topic(code).what.size() > 10);
        CHECK(has(code_topic(code).clause, "RFC"));
    }
    CHECK(sip::reason_phrase(486) == "Busy Here");
    CHECK(sip::reason_phrase(487) == "Request Terminated");
}

TEST_CASE("RFC 3261 7.2: a code that is not registered is explained by its class") {
    for (int code = 100; code < 700; ++code) CHECK(!code_topic(code).what.empty());
    CHECK(code_topic(499).name == "Request failure");
    CHECK(code_topic(99).name.empty());
    CHECK(code_topic(700).name.empty());
    CHECK(sip::reason_phrase(499).empty());
}

TEST_CASE("every method that the code knows is explained") {
    for (int i = 1; i <= static_cast<int>(sip::Method::update); ++i) {
        const auto name = sip::to_string(static_cast<sip::Method>(i));
        CAPTURE(name);
        CHECK(method_topic(name).name == name);
    }
    CHECK(method_topic("invite").name.empty());  // methods are case-sensitive
}

TEST_CASE("RFC 8866 5: every line type of SDP is explained") {
    for (const char type : std::string_view{"vosiuepcbtrzkam"}) {
        CAPTURE(type);
        CHECK(sdp_topic(type).what.size() > 10);
        CHECK(has(sdp_topic(type).clause, "RFC 8866 5"));
    }
    CHECK(sdp_topic('x').name.empty());
    std::set<std::string> seen;
    for (const Topic& row : attribute_topics()) CHECK(seen.insert(lowered(row.name)).second);
    for (const std::string_view name : {"rtpmap", "fmtp", "ptime", "rtcp", "rtcp-mux", "candidate",
                                        "fingerprint", "setup", "crypto", "group", "mid", "rtcp-fb",
                                        "ssrc", "sendonly", "T38FaxVersion", "extmap", "msid"})
        CHECK(!attribute_topic(name).name.empty());
}

TEST_CASE("header values are said in plain words") {
    CHECK(has(
        header_meaning(
            "Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKabc;received=203.0.113.7;rport=1024"),
        "really came from 203.0.113.7 port 1024: there is NAT between"));
    CHECK(has(header_meaning("v", "SIP/2.0/TCP a.example;branch=z9hG4bK77"),
              "over TCP; transaction 77"));
    CHECK(has(header_meaning("Via", "SIP/2.0/UDP a;branch=1"), "before RFC 3261"));
    CHECK(has(header_meaning("Contact", "<sip:a@192.0.2.1;transport=tcp>;expires=3600"),
              "remembered for 3600 s (1 h)"));
    CHECK(has(header_meaning("Contact", "*"), "every binding"));
    CHECK(has(header_meaning("Contact", "<sip:a@b>;expires=0"), "this binding is removed"));
    CHECK(header_meaning("Session-Expires", "1800;refresher=uac") ==
          "refreshed at least every 1800 s (30 min), by the side that sent the request");
    CHECK(header_meaning("Reason", "Q.850;cause=16;text=\"x;y\"") ==
          "telephone network cause 16: normal call clearing");
    CHECK(header_meaning("Reason", "SIP;cause=200, Q.850;cause=17") ==
          "status 200 OK; then telephone network cause 17: user busy");
    CHECK(has(header_meaning("Warning", "305 a.example \"Incompatible media format\""),
              "incompatible media format"));
    CHECK(has(header_meaning("To", "<sip:bob@b.example>"), "no tag yet"));
    CHECK(has(header_meaning("From", "\"sip:evil@x <\" <sip:al@a.example>;tag=7"),
              "user al at a.example"));
    CHECK(has(header_meaning("CSeq", "4 CANCEL"), "for the INVITE with number 4"));
    CHECK(has(header_meaning("Event", "message-summary"), "mail box"));
    CHECK(has(header_meaning("Subscription-State", "terminated;reason=timeout"),
              "not renewed in time"));
    CHECK(has(header_meaning("Refer-To", "<sip:c@c.example?Replaces=1%40a>"), "attended transfer"));
    CHECK(has(header_meaning("Supported", "100rel, timer"), "100rel: provisional responses"));
    CHECK(has(header_meaning("RAck", "1 2 INVITE"), "RSeq 1 of the request 2 INVITE"));
    CHECK(header_meaning("X-Anything", "value").empty());
}

TEST_CASE("credentials are explained without repeating what is secret") {
    const std::string meaning =
        header_meaning("Authorization",
                       "Digest username=\"900\", realm=\"pbx\", nonce=\"n0nce\", "
                       "response=\"5ecret\", qop=auth, nc=1");
    CHECK(has(meaning, "login as 900 in the realm pbx"));
    CHECK(!has(meaning, "5ecret"));
    CHECK(!has(meaning, "n0nce"));
    CHECK(has(header_meaning("WWW-Authenticate", "Digest realm=\"pbx\", nonce=\"1\", stale=TRUE"),
              "nonce is too old"));
}

TEST_CASE("SDP lines are said in plain words, payload types by the codec they stand for") {
    const auto lines = explain_message(
        "INVITE sip:b@b SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 1 2 IN IP4 "
        "192.0.2.1\r\ns=-\r\n"
        "c=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 "
        "telephone-event/8000\r\n"
        "a=fmtp:101 0-15\r\nm=video 4002 RTP/SAVPF 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 "
        "profile-level-id=42e01f;packetization-mode=1\r\na=rtcp-fb:96 nack pli\r\na=sendonly\r\n");
    CHECK(line_with(lines, "m=audio")->meaning ==
          "audio to port 4000; PCMU, PCMA, telephone-event");
    CHECK(line_with(lines, "m=video")->meaning ==
          "video to port 4002, encrypted (SRTP), with early RTCP feedback; H264");
    CHECK(line_with(lines, "fmtp:101")->meaning == "telephone-event: the keys 0-9 * # A-D");
    CHECK(line_with(lines, "fmtp:96")->meaning ==
          "H264: constrained baseline profile, level 3.1; NAL units may be split over packets");
    CHECK(line_with(lines, "rtcp-fb")->meaning == "H264: can be asked for a key frame (PLI)");
    CHECK(line_with(lines, "sendonly")->topic.clause == "RFC 8866 6.7.3");
    CHECK(line_with(lines, "c=IN")->meaning == "media to 192.0.2.1 (IPv4)");
    CHECK(sdp_meaning('c', "IN IP4 0.0.0.0", {}) ==
          "no address: an old way to say hold (RFC 3264 8.4)");
    CHECK(sdp_meaning('m', "video 0 RTP/AVP 96", {}) ==
          "video: refused or switched off (port 0); 96");
    CHECK(has(sdp_meaning('a', "candidate:1 1 UDP 2130706431 192.0.2.1 5000 typ srflx", {}),
              "server reflexive"));
    CHECK(sdp_meaning('b', "TIAS:64000", {}) ==
          "at most 64000 bit/s, lower layers not counted (RFC 3890)");
}

TEST_CASE("RFC 6184 8.1: profile-level-id names profile and level") {
    CHECK(fmtp_meaning("H264", "profile-level-id=42e01f") ==
          "constrained baseline profile, level 3.1");
    CHECK(fmtp_meaning("h264", "profile-level-id=42000d") == "baseline profile, level 1.3");
    CHECK(fmtp_meaning("H264", "profile-level-id=640028") == "high profile, level 4.0");
    CHECK(fmtp_meaning("H264", "profile-level-id=640c1f") == "constrained high profile, level 3.1");
    CHECK(fmtp_meaning("H264", "profile-level-id=42f00b") ==
          "constrained baseline profile, level 1b");
    CHECK(fmtp_meaning("H264", "profile-level-id=zz").empty());
    CHECK(fmtp_meaning("opus", "useinbandfec=1; maxaveragebitrate=20000") ==
          "spare data against loss wanted; at most 20000 bit/s");
}

TEST_CASE("a message's lines together are the message") {
    const std::string_view text =
        "\r\nSIP/2.0 486 Busy Here\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1\r\nSubject: "
        "folded\r\n\tmore\r\nf:x\n\nbody\r\n";
    const auto lines = explain_message(text);
    REQUIRE(lines.size() == 6);
    CHECK(lines[0].topic.name == "Busy Here");
    CHECK(lines[1].topic.name == "Via");
    CHECK(lines[2].raw == "Subject: folded\r\n\tmore");
    CHECK(lines[3].topic.name == "From");
    CHECK(lines[4].raw.empty());
    CHECK(lines[5].raw == "body");
    CHECK(lines[5].body);
}

TEST_CASE("SDP keywords within a header or another body are not taken for SDP") {
    const auto lines = explain_message(
        "MESSAGE sip:b SIP/2.0\r\nSubject: m=audio 1 RTP/AVP 0\r\n\r\nm=audio is a text\r\n");
    CHECK(lines[1].topic.name == "Subject");
    CHECK(lines[3].topic.name.empty());
}

TEST_CASE("every truncation of a message is explained without harm, and within the cap of lines") {
    const std::string text =
        "INVITE sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP \"a\\\";branch=z9hG4bK1;rport\r\nContact: "
        "\"x\" <sip:a@b;lr>;q=1, *\r\n"
        "Authorization: Digest username=\"u\", realm=\"\\\"\r\nSession-Expires: "
        "90;refresher=\r\nWarning: 3\r\n"
        "Reason: Q.850;cause=\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- "
        "1\r\nc=IN\r\nm=audio\r\n"
        "a=rtpmap:999 x\r\na=rtpmap:96\r\na=fmtp:96 x\r\na=candidate:1 1 "
        "UDP\r\na=curr:qos\r\na=ssrc:9\r\na=\r\n=\r\n";
    for (std::size_t n = 0; n <= text.size(); ++n) {
        const Exact exact(std::string_view(text).substr(0, n));
        for (const ExplainedLine& line : explain_message(exact.text())) CHECK(line.raw.size() <= n);
    }
    std::string many = "INVITE sip:b SIP/2.0\r\n";
    for (int i = 0; i < 5000; ++i) many += "X: y\r\n";
    CHECK(explain_message(many).size() == max_lines + 1);
}

TEST_CASE("RFC 3261 7.3.1: a field that no RFC defines is said to be one") {
    const auto lines = explain_message(
        "INVITE sip:b@b SIP/2.0\r\nX-Orig-Record: TRUE\r\nno field at all\r\n: empty\r\n"
        "Content-Length: 0\r\nl: 12\r\n\r\n");
    CHECK(has(line_with(lines, "X-Orig")->topic.what, "No RFC"));
    CHECK(line_with(lines, "no field")->topic.name.empty());
    CHECK(line_with(lines, ": empty")->topic.name.empty());
    CHECK(line_with(lines, "Content-Length")->meaning == "no body");
    CHECK(line_with(lines, "l: 12")->meaning == "12 bytes of body");
}

TEST_CASE("a key press in an INFO is explained, other bodies are left as they are") {
    const std::string head = "INFO sip:b@b SIP/2.0\r\nContent-Type: ";
    const std::string body = "\r\n\r\nSignal= 11\r\nDuration=250\r\nelse\r\n";
    const std::string keys = head + "application/dtmf-relay" + body,
                      text = head + "text/plain" + body;
    const auto lines = explain_message(keys);
    CHECK(line_with(lines, "Signal")->topic.what == "The key that was pressed.");
    CHECK(line_with(lines, "Signal")->meaning == "the key #");
    CHECK(has(line_with(lines, "Duration")->topic.what, "milliseconds"));
    CHECK(line_with(lines, "else")->topic.name.empty());
    const auto plain = explain_message(text);
    CHECK(line_with(plain, "Signal")->topic.name.empty());
}

TEST_CASE("RFC 8866 5.9: the times of t= are read as dates") {
    CHECK(sdp_meaning('t', "0 0", {}) == "no fixed times");
    CHECK(sdp_meaning('t', "2873397496 2873404696", {}) ==
          "from 1991-01-20 21:58:16 to 1991-01-20 23:58:16 UTC");
    CHECK(sdp_meaning('t', "3034423619 0", {}) ==
          "from 1996-02-27 15:26:59 UTC, with no fixed end");
    CHECK(sdp_meaning('t', "1 99999999999999999999", {}).empty());
    CHECK(sdp_meaning('t', "4294967296 0", {}) ==  // beyond 32 bits
          "from 2036-02-07 06:28:16 UTC, with no fixed end");
    CHECK(sdp_meaning('t', "18446744073709551615 0", {}).empty());
    CHECK(sdp_meaning('t', "x", {}).empty());
}
