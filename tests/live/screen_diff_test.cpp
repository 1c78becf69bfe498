#include "libsipana/live/screen_diff.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/exact.h"

using namespace sipana;
using namespace sipana::live;
using Kind = DiffLine::Kind;

namespace {

std::string told(std::string_view before, std::string_view after) {
    std::string out;
    for (const DiffLine& d : diff_of(before, after)) {
        if (d.kind == Kind::same) out += " " + std::string(d.text);
        if (d.kind == Kind::added) out += "+" + std::string(d.text);
        if (d.kind == Kind::removed) out += "-" + std::string(d.old);
        if (d.kind == Kind::changed)
            out += "~" + std::string(d.text.substr(0, d.from)) + "[" +
                   std::string(d.text.substr(d.from, d.to - d.from)) + "]" +
                   std::string(d.text.substr(d.to)) + " was [" +
                   std::string(d.old.substr(d.old_from, d.old_to - d.old_from)) + "]";
        out += "\n";
    }
    return out;
}

}  // namespace

TEST_CASE("Diff: what is the same, added, removed and changed") {
    CHECK(told("INVITE sip:b SIP/2.0\r\nVia: one\r\nCSeq: 1 INVITE\r\nRoute: x\r\n\r\n",
               "INVITE sip:b SIP/2.0\r\nVia: two\r\nCSeq: 2 INVITE\r\nSubject: y\r\n\r\n") ==
          " INVITE sip:b SIP/2.0\n~Via: [two] was [one]\n~CSeq: [2] INVITE was [1]\n-Route: "
          "x\n+Subject: y\n \n");
}

TEST_CASE("Diff: SDP lines are known by their type and attribute") {
    CHECK(told("v=0\nm=audio 4000 RTP/AVP 0\na=sendrecv\na=ptime:20\n",
               "v=0\nm=audio 4000 RTP/AVP 0 8\na=sendonly\na=ptime:20\n") ==
          " v=0\n~m=audio 4000 RTP/AVP 0[ 8] was []\n-a=sendrecv\n+a=sendonly\n a=ptime:20\n");
}

TEST_CASE("Diff: a change never cuts a character in two") {
    const auto lines = diff_of("Subject: caf\xc3\xa9\n", "Subject: caf\xc3\xa8\n");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].text.substr(lines[0].from, lines[0].to - lines[0].from) == "\xc3\xa8");
}

TEST_CASE("Diff: equal texts, empty texts and texts cut off at every length") {
    CHECK(told("", "").empty());
    CHECK(told("a\nb", "a\nb") == " a\n b\n");
    const std::string text = "INVITE sip:b SIP/2.0\r\nVia: one\r\n\r\nv=0\r\nm=audio\r\n";
    for (std::size_t n = 0; n <= text.size(); ++n) {
        const Exact part(std::string_view(text).substr(0, n));
        std::size_t same = 0;
        for (const DiffLine& d : diff_of(text, part.text())) same += d.kind == Kind::same ? 1 : 0;
        CHECK(same <= 6);
    }
}

TEST_CASE("Diff: two long texts that have nothing in common do not take for ever") {
    std::string before, after;
    for (int i = 0; i < 3000; ++i) {
        before += "X-" + std::to_string(i) + ": a\n";
        after += "Y-" + std::to_string(i) + ": b\n";
    }
    CHECK(diff_of(before, after).size() == 6000);
}
