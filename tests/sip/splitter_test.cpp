#include "libsipana/sip/splitter.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "libsipana/base/random.h"
#include "tests/exact.h"

using namespace sipana;
using sip::Message;
using sip::Splitter;

namespace {

struct Got {
    std::string text;
    std::uint64_t skipped;
    bool incomplete;
    bool operator==(const Got&) const = default;
};

std::string request(const std::string& id, const std::string& body = "",
                    const std::string& more = "") {
    return "MESSAGE sip:a SIP/2.0\r\nCall-ID: " + id + "\r\n" + more +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Feeds a copy that is gone when the pieces have been read.
void feed(Splitter& s, std::string_view bytes, std::vector<Got>& out, bool from_start = true) {
    const auto copy = std::make_unique<Exact>(bytes);
    s.feed(copy->bytes(), from_start);
    while (const auto piece = s.poll())
        out.push_back({std::string(piece->text), piece->skipped_before, piece->incomplete});
}

void finish(Splitter& s, std::vector<Got>& out) {
    s.finish();
    while (const auto piece = s.poll())
        out.push_back({std::string(piece->text), piece->skipped_before, piece->incomplete});
}

std::vector<Got> split(std::string_view stream, bool from_start = true) {
    Splitter s;
    std::vector<Got> out;
    feed(s, stream, out, from_start);
    finish(s, out);
    return out;
}

}  // namespace

TEST_CASE("trap 31: two messages in one segment are two messages") {
    const std::string a = request("a", "body of a"), b = request("b");
    const auto got = split(a + b);
    REQUIRE(got.size() == 2);
    CHECK(got[0] == Got{a, 0, false});
    CHECK(got[1] == Got{b, 0, false});
}

TEST_CASE("RFC 3261 18.3: a message split at any byte is one message") {
    const std::string a = request("a", "v=0\r\n\r\nx"), b = request("b", "y");
    const std::string stream = a + b;
    for (std::size_t n = 0; n <= stream.size(); ++n) {
        Splitter s;
        std::vector<Got> got;
        feed(s, std::string_view(stream).substr(0, n), got);
        feed(s, std::string_view(stream).substr(n), got);
        REQUIRE(got.size() == 2);
        CHECK(got[0].text == a);
        CHECK(got[1].text == b);
    }
    Splitter s;
    std::vector<Got> got;
    for (const char& c : stream) feed(s, {&c, 1}, got);
    REQUIRE(got.size() == 2);
    CHECK(got[1].text == b);
}

TEST_CASE("a whole message in a chunk is viewed where it lies") {
    const std::string a = request("a", "x");
    const Exact text(a + a);
    Splitter s;
    s.feed(text.bytes(), true);
    const auto first = s.poll();
    REQUIRE(first);
    CHECK(first->text.data() == text.text().data());
    const auto second = s.poll();
    REQUIRE(second);
    CHECK(second->text.data() == text.text().data() + a.size());
    CHECK_FALSE(s.poll());
}

TEST_CASE("trap 35: CRLF keep-alives between messages are passed over (RFC 5626 3.5.1)") {
    const std::string a = request("a", "x");
    Splitter s;
    std::vector<Got> got;
    feed(s, "\r\n\r\n", got);
    CHECK(got.empty());
    feed(s, "\r\n" + a + "\r\n\r\n\r", got);
    feed(s, "\n" + a, got);
    REQUIRE(got.size() == 2);
    CHECK(got[0] == Got{a, 0, false});
    CHECK(got[1] == Got{a, 0, false});
    CHECK(s.keepalives() == 12);
    CHECK(s.skipped() == 0);
}

TEST_CASE("trap 39: the short form of Content-Length, folded or not") {
    const std::string a = "OPTIONS sip:a SIP/2.0\r\nl  :\r\n 4\r\n\r\nbody", b = request("b");
    const auto got = split(a + b);
    REQUIRE(got.size() == 2);
    CHECK(got[0] == Got{a, 0, false});
}

TEST_CASE("trap 39: without Content-Length there is no body, unless a Content-Type announces one") {
    const std::string bare = "SIP/2.0 200 OK\r\nCall-ID: a\r\n\r\n", b = request("b");
    Splitter s;
    std::vector<Got> got;
    feed(s, bare, got);
    REQUIRE(got.size() == 1);  // at once, not when the next one comes
    CHECK(got[0] == Got{bare, 0, false});
    const std::string typed =
        "SIP/2.0 200 OK\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=-\r\n";
    const auto open = split(typed + b);
    REQUIRE(open.size() == 2);
    CHECK(open[0] == Got{typed, 0, false});
    CHECK(open[1] == Got{b, 0, false});
    const auto last = split(typed);
    REQUIRE(last.size() == 1);
    CHECK(last[0] == Got{typed, 0, false});
}

TEST_CASE("trap 79: a Content-Length of 4294967328 does not shift the messages behind it") {
    const std::string a = "MESSAGE sip:a SIP/2.0\r\nContent-Length: 4294967328\r\n\r\n" +
                          std::string(32, 'x') + "\r\nSIP/ not yet\r\n";
    for (const char* length : {"4294967328", "-999", "18446744073709551616", "99999999", "x", ""}) {
        std::string odd = a;
        odd.replace(odd.find("4294967328"), 10, length);
        const auto got = split(odd + request("b") + request("c"));
        REQUIRE(got.size() == 3);
        CHECK(got[0] == Got{odd, 0, false});
        CHECK(got[1].text == request("b"));
        CHECK(got[2].text == request("c"));
    }
}

TEST_CASE("a Content-Length that is too small leaves bytes that are passed over and counted") {
    const std::string a = request("a", "body"), b = request("b");
    const auto got = split(a + "tail\r\nmore: x\r\n" + b);
    REQUIRE(got.size() == 2);
    CHECK(got[0] == Got{a, 0, false});
    CHECK(got[1] == Got{b, 15, false});
}

TEST_CASE("trap 36: a stream joined in the middle is taken up at the next message") {
    const std::string a = request("a", "body"), b = request("b");
    for (std::size_t cut = 1; cut < a.size(); ++cut) {
        const auto got = split((a + b).substr(cut), false);
        REQUIRE(got.size() == 1);
        CHECK(got[0].text == b);
        CHECK(got[0].skipped == a.size() - cut);
    }
    const auto whole = split(a + b, false);
    REQUIRE(whole.size() == 2);
    CHECK(whole[0] == Got{a, 0, false});
}

TEST_CASE(
    "trap 36: behind a declared gap the next start line is found, and what was cut is given out") {
    const std::string a = request("a", "the body of a"), b = request("b"), c = request("c");
    for (std::size_t n = 0; n <= a.size(); ++n) {
        Splitter s;
        std::vector<Got> got;
        feed(s, c + a.substr(0, n), got);
        s.lost(100);
        feed(s, "end of something\r\nX: y\r\n\r\n" + b, got);
        REQUIRE(got.size() >= 2);
        CHECK(got.front() == Got{c, 0, false});
        CHECK(got.back().text == b);
        CHECK_FALSE(got.back().incomplete);
        if (got.size() == 3 && n < a.size()) {
            CHECK(got[1].text == a.substr(0, n));
            CHECK(got[1].incomplete);
        }
    }
}

TEST_CASE("a gap right before a start line loses nothing more") {
    Splitter s;
    std::vector<Got> got;
    s.lost(10);
    feed(s, request("a"), got, true);
    REQUIRE(got.size() == 1);
    CHECK(got[0] == Got{request("a"), 0, false});
}

TEST_CASE("a start line inside the header of another message begins a new one") {
    const std::string cut = "MESSAGE sip:a SIP/2.0\r\nCall-ID: x\r\n", b = request("b");
    const auto got = split(cut + b);
    REQUIRE(got.size() == 2);
    CHECK(got[0] == Got{cut, 0, true});
    CHECK(got[1] == Got{b, 0, false});
    const std::string subject = request("a", "", "Subject : hello SIP/2.0\r\n");
    CHECK(split(subject).size() == 1);
}

TEST_CASE("a body that looks like a message is a body (RFC 3420 message/sipfrag)") {
    const std::string a = request("a", "SIP/2.0 100 Trying\r\n"), b = request("b");
    const auto got = split(a + b);
    REQUIRE(got.size() == 2);
    CHECK(got[0].text == a);
}

TEST_CASE("finish() gives out the rest as incomplete") {
    const std::string a = request("a", "body");
    for (std::size_t n = 1; n < a.size(); ++n) {
        const auto got = split(a.substr(0, n));
        if (n < a.find("\r\n") + 2) {
            CHECK(got.empty());
            continue;
        }
        REQUIRE(got.size() == 1);
        CHECK(got[0] == Got{a.substr(0, n), 0, true});
    }
    CHECK(split("").empty());
}

TEST_CASE("garbage without an end is bounded and passed over") {
    Splitter s;
    std::vector<Got> got;
    const std::string noise(64 << 10, 'x');
    for (int i = 0; i < 64; ++i) feed(s, noise, got);
    CHECK(got.empty());
    CHECK(s.skipped() >= 2u << 20);
    feed(s, "\r\n" + request("a"), got);
    REQUIRE(got.size() == 1);
    CHECK(got[0].skipped == 64u * noise.size() + 2);
    Splitter endless;
    feed(endless, "MESSAGE sip:a SIP/2.0\r\n", got);
    for (int i = 0; i < 64; ++i) feed(endless, "A: " + noise + "\r\n", got);
    CHECK(endless.skipped() > Splitter::max_head);
    feed(endless, request("b"), got);
    CHECK(got.back().text == request("b"));
}

TEST_CASE("any way of cutting a stream into chunks gives the same messages") {
    std::string stream;
    Random random(7);
    for (int i = 0; i < 40; ++i) {
        stream += request(std::to_string(i), std::string(random.below(200), 'b'));
        if (random.chance(0.3)) stream += "\r\n\r\n";
        if (random.chance(0.2)) stream += "garbage line\r\n";
        if (random.chance(0.2)) stream += "SIP/2.0 200 OK\r\nc: a/b\r\n\r\nopen body\r\n";
    }
    const auto whole = split(stream);
    CHECK(whole.size() > 40);
    for (int round = 0; round < 50; ++round) {
        Splitter s;
        std::vector<Got> got;
        for (std::size_t at = 0; at < stream.size();) {
            const std::size_t n =
                std::min<std::size_t>(1 + random.below(round < 25 ? 20 : 900), stream.size() - at);
            feed(s, std::string_view(stream).substr(at, n), got);
            at += n;
        }
        finish(s, got);
        CHECK(got == whole);
    }
}
