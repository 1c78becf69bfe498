#include "libsipana/sip/reliable.h"

#include <doctest/doctest.h>

#include "libsipana/sip/builder.h"

using namespace sipana;
using namespace sipana::sip;

namespace {

std::string provisional(std::uint32_t rseq, unsigned cseq = 1, int status = 183) {
    return *Builder::response(status, "x")
                .add(Header::cseq, std::to_string(cseq) + " INVITE")
                .add(Header::require, "100rel")
                .add(Header::rseq, std::to_string(rseq))
                .write();
}
std::string prack(std::string_view rack) {
    Builder b = Builder::request("PRACK", "sip:a");
    b.add(Header::cseq, "2 PRACK");
    if (!rack.empty()) b.add(Header::rack, rack);
    return *b.write();
}

}  // namespace

TEST_CASE("RFC 3262 3: numbers rise by one, and a PRACK acknowledges what it names") {
    ReliableSender s(100);
    CHECK(s.ready());
    CHECK(s.next(1) == 100);
    CHECK_FALSE(s.ready());
    const auto on = [&](std::string_view rack) {
        const std::string text = prack(rack);
        return s.on_prack(*Message::parse(text));
    };
    CHECK(on("99 1 INVITE") == 481);
    CHECK(on("100 2 INVITE") == 481);
    CHECK(on("100 1 OPTIONS") == 481);
    CHECK(on("") == 400);
    CHECK(on("x y") == 400);
    CHECK(s.pending() == 100u);
    CHECK(on("100 1 INVITE") == 200);
    CHECK(on("100 1 INVITE") == 481);
    CHECK(s.next(1) == 101);
}

TEST_CASE("RFC 3262 4: copies and what comes out of order ask for no PRACK") {
    ReliableReceiver r;
    const auto on = [&](const std::string& text) {
        return r.on_provisional(*Message::parse(text));
    };
    CHECK(on(provisional(7)) == "7 1 INVITE");
    CHECK_FALSE(on(provisional(7)));
    CHECK_FALSE(on(provisional(9)));
    CHECK(on(provisional(8)) == "8 1 INVITE");
    CHECK(on(provisional(9)) == "9 1 INVITE");
    CHECK(on(provisional(3, 2)) == "3 2 INVITE");  // of the next INVITE
    CHECK_FALSE(on(provisional(4, 2, 200)));
    CHECK_FALSE(on(provisional(4, 2, 100)));
    CHECK_FALSE(on("SIP/2.0 183 x\r\nCSeq: 2 INVITE\r\nRSeq: 4\r\n\r\n"));
    CHECK_FALSE(on("SIP/2.0 183 x\r\nCSeq: 2 INVITE\r\nRequire: 100rel\r\n\r\n"));
}
