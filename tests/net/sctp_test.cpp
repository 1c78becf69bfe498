#include "libsipana/net/sctp.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "libsipana/base/random.h"
#include "tests/net/frames.h"

using namespace sipana;
using namespace sipana::net;

namespace {

constexpr std::uint8_t begin = 2, end = 1, whole = 3;

Buffer chunk(std::uint32_t tsn, std::uint8_t flags, std::string_view text,
             std::uint16_t stream = 0) {
    Buffer out;
    ByteWriter w(out);
    w.u8(0).u8(flags).u16(16 + text.size()).u32(tsn).u16(stream).u16(0).u32(0).put(text);
    while (out.size() % 4 != 0) w.u8(0);
    return out;
}
Buffer packet(const Buffer& chunks) {
    Buffer out;
    ByteWriter(out).u16(5060).u16(5061).u32(1).u32(0).put(Bytes(chunks));
    return ethernet(0x0800, ipv4(132, out));
}

}  // namespace

TEST_CASE("RFC 9260 3.3.1: an unfragmented user message is a datagram") {
    Bench bench;
    CHECK(bench.decode(packet(chunk(1, whole, options_text))) == Fate::delivered);
    REQUIRE(bench.sink.datagrams.size() == 1);
    const auto& d = bench.sink.datagrams[0];
    CHECK(d.text == options_text);
    CHECK(d.transport == Transport::sctp);
    CHECK(d.src.to_string() == "192.0.2.1:5060");
    CHECK(d.dst.to_string() == "192.0.2.2:5061");
}

TEST_CASE("RFC 9260 6.10: bundled chunks, control chunks between them") {
    Bench bench;
    const Buffer sack = hex("03 00 0010 00000001 00001000 0000 0000");
    bench.decode(packet(sack + chunk(1, whole, "one") + chunk(2, whole, "two!!")));
    REQUIRE(bench.sink.datagrams.size() == 2);
    CHECK(bench.sink.datagrams[0].text == "one");
    CHECK(bench.sink.datagrams[1].text == "two!!");
    CHECK(bench.decode(packet(sack)) == Fate::delivered);
    CHECK(bench.sink.datagrams.size() == 2);
}

TEST_CASE("RFC 9260 6.9: a fragmented message is put together, in any order of arrival") {
    std::vector<Buffer> frames{packet(chunk(0xffffffff, begin, "INVITE ")),
                               packet(chunk(0, 0, "sip:900@B ")), packet(chunk(1, end, "SIP/2.0")),
                               packet(chunk(2, whole, "next"))};
    std::vector<std::size_t> order{0, 1, 2, 3};
    do {
        Bench bench;
        for (const std::size_t i : order) bench.decode(frames[i]);
        REQUIRE(bench.sink.datagrams.size() == 2);
        const bool first = bench.sink.datagrams[0].text != "next";
        CHECK(bench.sink.datagrams[first ? 0 : 1].text == "INVITE sip:900@B SIP/2.0");
        CHECK(bench.decoder.accounting()[Fate::held] == 2);
        CHECK(bench.adds_up());
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("RFC 9260 6.9: where a fragment never comes, the beginning is handed on and told") {
    const Buffer first = packet(chunk(10, begin, "INVITE ")),
                 second = packet(chunk(11, 0, "sip:900@B ")),
                 last = packet(chunk(13, end, "lost before")),
                 other = packet(chunk(90, whole, "other"));
    SUBCASE("at the end of the capture") {
        Bench bench;
        for (const Buffer& frame : {first, second, last}) bench.decode(frame);
        CHECK(bench.sink.datagrams.empty());
        bench.decoder.finish();
        REQUIRE(bench.sink.datagrams.size() == 1);
        const auto& d = bench.sink.datagrams[0];
        CHECK(d.text == "INVITE sip:900@B ");
        CHECK(d.cut);
        CHECK(d.transport == Transport::sctp);
        CHECK(d.frame == 1);
        CHECK(d.src.to_string() == "192.0.2.1:5060");
        CHECK(d.dst.to_string() == "192.0.2.2:5061");
        CHECK(bench.sink.findings.size() == 2);  // and of the headless one
        CHECK(bench.sink.found("sctp-fragments-missing"));
        CHECK(bench.adds_up());
    }
    SUBCASE("when the wait is over and something comes") {
        Bench bench;
        bench.decode(first);
        bench.now += std::chrono::seconds{9};
        bench.decode(other);
        CHECK(bench.sink.datagrams.size() == 1);
        bench.now += std::chrono::seconds{1};
        bench.decode(packet(chunk(91, whole, "later")));
        REQUIRE(bench.sink.datagrams.size() == 3);
        CHECK(bench.sink.datagrams[1].text == "INVITE ");
        CHECK(bench.sink.datagrams[1].cut);
        CHECK(bench.sink.datagrams[2].text == "later");
    }
    SUBCASE("when the association begins anew") {
        Bench bench;
        bench.decode(first);
        bench.decode(packet(hex("01 00 0014 00000001 00001000 0001 0001 00000007")));
        REQUIRE(bench.sink.datagrams.size() == 1);
        CHECK(bench.sink.datagrams[0].cut);
    }
}

TEST_CASE("fragments of different streams do not mix") {
    Bench bench;
    bench.decode(packet(chunk(1, begin, "a", 1)));
    bench.decode(packet(chunk(2, end, "b", 2)));
    CHECK(bench.sink.datagrams.empty());
}

TEST_CASE("RFC 9260 6.2: a TSN that was seen before is ignored") {
    Bench bench;
    for (int i = 0; i < 3; ++i) bench.decode(packet(chunk(7, whole, "once")));
    bench.decode(packet(chunk(5, whole, "late")));
    bench.decode(packet(chunk(5, whole, "late")));
    CHECK(bench.sink.datagrams.size() == 2);
    // The same ports after an INIT: a new association, its numbers may be the same.
    bench.decode(packet(hex("01 00 0014 00000001 00001000 0001 0001 00000007")));
    bench.decode(packet(chunk(7, whole, "once")));
    CHECK(bench.sink.datagrams.size() == 3);
}

TEST_CASE("RFC 9260 3.2: chunk lengths that cannot be are findings; every truncation is harmless") {
    Bench bench;
    CHECK(bench.decode(packet(hex("00 03 0003"))) == Fate::bad_header);
    CHECK(bench.decode(packet(hex("00 03 0100 00000001"))) == Fate::bad_header);
    CHECK(bench.sink.found("sctp-chunk-length"));
    CHECK(bench.decode(ethernet(0x0800, ipv4(132, Buffer(11)))) == Fate::cut_short);
    const Buffer frame = packet(chunk(1, whole, "one") + chunk(2, whole, options_text));
    for (std::size_t size = 14; size < frame.size(); ++size) {
        Bench snapped, broken;
        snapped.decode(frame, 1, frame.size() - size);
        broken.decode_short(frame, size);
        CHECK(snapped.adds_up());
        CHECK(broken.adds_up());
        if (!snapped.sink.datagrams.empty())
            CHECK((snapped.sink.datagrams.back().cut ||
                   snapped.sink.datagrams.back().text == "one" ||
                   snapped.sink.datagrams.back().text == options_text));
    }
}

TEST_CASE("trap 70: associations and fragments that never complete stay within their caps") {
    Collected sink;
    Accounting accounting;
    Findings findings(sink, accounting);
    SctpLimits limits;
    limits.associations = 20;
    limits.held_bytes = 10'000;
    SctpMessages messages(sink, findings, accounting, limits);
    Random random(70);
    for (unsigned i = 0; i < 20'000; ++i) {
        Datagram as;
        as.frame = i;
        as.src.address = Address::v4(static_cast<std::uint32_t>(random.below(100)));
        const Buffer frame =
            packet(chunk(static_cast<std::uint32_t>(random.below(5000)), 0, "fragment"));
        messages.add(Bytes(frame).subspan(34), 0, as, 0);
        REQUIRE(messages.associations() <= limits.associations);
        REQUIRE(messages.held_bytes() <= limits.held_bytes);
    }
}
