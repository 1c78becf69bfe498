#include "libsipana/sip/body.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "tests/exact.h"

using namespace sipana;
using namespace sipana::sip;

namespace {

const std::string sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nm=audio 4000 RTP/AVP 0\r\n";

std::string message(const std::string& fields, const std::string& body) {
    return "INVITE sip:a SIP/2.0\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

std::optional<std::string> sdp_in(const std::string& fields, const std::string& body) {
    const Exact text(message(fields, body));
    const auto m = Message::parse(text.text());
    REQUIRE(m);
    const auto found = sdp_of(*m);
    if (!found) return std::nullopt;
    return std::string(*found);
}

const std::string mixed =
    "preamble --b1\r\n--b1x\r\n"
    "--b1\r\nContent-Type: text/plain\r\n\r\nhello --b1\r\n--b1 is not here\r\n"
    "--b1 \t\r\nc: x\r\ncontent-type: application/SDP;\r\n charset=utf-8\r\nContent-ID: "
    "<1@h>\r\n\r\n" +
    sdp + "\r\n--b1\r\n\r\nno header\r\n--b1--\r\nepilogue\r\n--b1\r\n\r\nnot a part";

}  // namespace

TEST_CASE("RFC 3261 20.15: application/sdp in any case and with parameters is the SDP") {
    CHECK(sdp_in("Content-Type: application/sdp\r\n", sdp) == sdp);
    CHECK(sdp_in("c: Application / SDP ; charset=utf-8\r\n", sdp) == sdp);
    CHECK(sdp_in(
              "Content-Type: application/sdp\r\nContent-Disposition: session;handling=required\r\n",
              sdp) == sdp);
    CHECK(sdp_in("Content-Type: application/sdp\r\nContent-Encoding: identity\r\n", sdp) == sdp);
}

TEST_CASE("trap 48: SDP words in header fields are not SDP") {
    CHECK_FALSE(sdp_in("Subject: m=audio 4000 RTP/AVP 0\r\n", ""));
    CHECK_FALSE(sdp_in("Subject: m=audio\r\nContent-Type: text/plain\r\n", "v=0\r\nm=audio"));
}

TEST_CASE(
    "trap 49: no other content type is taken for SDP, and boundaries stand at a line's beginning") {
    CHECK_FALSE(sdp_in("Content-Type: application/isup\r\n", sdp));
    CHECK_FALSE(sdp_in("Content-Type: application/sdpx\r\n", sdp));
    CHECK_FALSE(sdp_in("", sdp));
    CHECK_FALSE(sdp_in("Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", sdp));
    CHECK_FALSE(
        sdp_in("Content-Type: application/sdp\r\nContent-Disposition: early-session\r\n", sdp));
    CHECK(sdp_in("Content-Type: multipart/mixed;boundary=\"b1\"\r\n", mixed) == sdp);
}

TEST_CASE("RFC 2046 5.1.1: the parts of a multipart body, with preamble and epilogue left out") {
    const Exact text(message("Content-Type: multipart/mixed; boundary=b1\r\n", mixed));
    const auto m = Message::parse(text.text());
    REQUIRE(m);
    const auto parts = parts_of(*m);
    REQUIRE(parts.size() == 3);
    CHECK(parts[0].content_type == "text/plain");
    CHECK(parts[0].body == "hello --b1\r\n--b1 is not here");
    CHECK(parts[1].content_id == "<1@h>");
    CHECK(parts[1].body == sdp);
    CHECK(parts[2].content_type.empty());
    CHECK(parts[2].body == "no header");
    for (const Part& p : parts) {
        CHECK_FALSE(p.unfinished);
        CHECK(m->offset_of(p.body) + p.body.size() <= m->text().size());
    }
}

TEST_CASE(
    "RFC 5621 3: SDP inside a nested multipart is found; bare LF and a missing last boundary too") {
    const std::string nested =
        "--o\nContent-Type: multipart/alternative;boundary=i\n\n"
        "--i\nContent-Type: text/plain\n\nx\n--i\nContent-Type: "
        "application/sdp\n\nv=0\n--i--\n--o\nContent-Type: a/b\n\nrest";
    CHECK(sdp_in("Content-Type: multipart/mixed;boundary=o\r\n", nested) == "v=0");
    const Exact text(message("Content-Type: multipart/mixed;boundary=o\r\n", nested));
    const auto parts = parts_of(*Message::parse(text.text()));
    REQUIRE(parts.size() == 4);
    CHECK(parts[0].is_multipart);
    CHECK(parts[1].depth == 1);
    CHECK(parts[3].body == "rest");
    CHECK(parts[3].unfinished);
}

TEST_CASE("RFC 2045 6: a part in base64 is not handed out as SDP") {
    CHECK_FALSE(sdp_in("Content-Type: multipart/mixed;boundary=b\r\n",
                       "--b\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: "
                       "base64\r\n\r\ndj0w\r\n--b--\r\n"));
    CHECK(sdp_in("Content-Type: multipart/mixed;boundary=b\r\n",
                 "--b\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: "
                 "8BIT\r\n\r\nv=0\r\n--b--\r\n") == "v=0");
}

TEST_CASE("nesting and the number of parts are bounded") {
    std::string deep = "v=0";
    for (int i = 0; i < 100; ++i)
        deep =
            fmt::format("--b{}\r\nContent-Type: multipart/mixed;boundary=b{}\r\n\r\n{}\r\n--b{}--",
                        i, i - 1, deep, i);
    const Exact text(message("Content-Type: multipart/mixed;boundary=b99\r\n", deep));
    CHECK(parts_of(*Message::parse(text.text())).size() == max_part_depth);
    std::string many;
    for (int i = 0; i < 1000; ++i) many += "--b\r\n\r\nx\r\n";
    const Exact wide(message("Content-Type: multipart/mixed;boundary=b\r\n", many));
    CHECK(parts_of(*Message::parse(wide.text())).size() == max_parts);
}

TEST_CASE("a body that is no multipart is one part; no body is none") {
    const Exact text(message("Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", "x"));
    const auto parts = parts_of(*Message::parse(text.text()));
    REQUIRE(parts.size() == 1);
    CHECK(parts[0].content_encoding == "gzip");
    CHECK(parts[0].body == "x");
    const Exact none(message("Content-Type: text/plain\r\n", ""));
    CHECK(parts_of(*Message::parse(none.text())).empty());
}

TEST_CASE("every truncation of a multipart body is read inside its bytes") {
    for (std::size_t n = 0; n <= mixed.size(); ++n) {
        const Exact text(
            message("Content-Type: multipart/mixed; boundary=b1\r\n", mixed.substr(0, n)));
        const auto m = Message::parse(text.text());
        REQUIRE(m);
        for (const Part& p : parts_of(*m)) {
            CHECK(p.headers.size() <= n);
            CHECK(p.body.size() <= n);
        }
    }
}
