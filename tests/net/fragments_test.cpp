#include "libsipana/net/fragments.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "libsipana/base/random.h"
#include "tests/net/frames.h"

using namespace sipana;
using namespace sipana::net;

namespace {

std::string long_message() {
    std::string text = "INVITE sip:900@192.0.2.2 SIP/2.0\r\n";
    while (text.size() < 4000) text += "X-" + std::to_string(text.size()) + ": filler\r\n";
    return text + "\r\n";
}

Buffer part(const Buffer& whole, std::size_t begin, std::size_t end) {
    return Buffer(whole.begin() + static_cast<std::ptrdiff_t>(begin),
                  whole.begin() + static_cast<std::ptrdiff_t>(std::min(end, whole.size())));
}

// `whole` (an IP payload) in frames of `size` bytes each.
std::vector<Buffer> in_fragments(const Buffer& whole, std::size_t size, bool v6,
                                 std::uint16_t id = 7) {
    std::vector<Buffer> frames;
    for (std::size_t at = 0; at < whole.size(); at += size) {
        const bool more = at + size < whole.size();
        const Buffer bytes = part(whole, at, at + size);
        const auto offset = static_cast<std::uint16_t>(at);
        if (v6) {
            frames.push_back(ethernet(0x86dd, ipv6_fragment(17, id, offset, more, bytes)));
        } else {
            Ipv4 ip;
            ip.id = id;
            ip.more = more;
            ip.offset = offset;
            frames.push_back(ethernet(0x0800, ipv4(17, bytes, ip)));
        }
    }
    return frames;
}

Buffer fragment_v4(const Buffer& whole, std::size_t begin, std::size_t end, bool more) {
    Ipv4 ip;
    ip.id = 7;
    ip.more = more;
    ip.offset = static_cast<std::uint16_t>(begin);
    return ethernet(0x0800, ipv4(17, part(whole, begin, end), ip));
}
Buffer fragment_v6(const Buffer& whole, std::size_t begin, std::size_t end, bool more) {
    return ethernet(0x86dd, ipv6_fragment(17, 7, static_cast<std::uint16_t>(begin), more,
                                          part(whole, begin, end)));
}

}  // namespace

TEST_CASE("trap 41: a fragmented SIP datagram is whole again, in IPv4 and IPv6, in any order") {
    const std::string message = long_message();
    const Buffer whole = udp(5060, 5060, message);
    for (const bool v6 : {false, true}) {
        std::vector<Buffer> frames = in_fragments(whole, 1480, v6);
        REQUIRE(frames.size() == 3);
        std::vector<std::size_t> order{0, 1, 2};
        do {
            Bench bench;
            CHECK(bench.decode(frames[order[0]]) == Fate::held);
            CHECK(bench.decode(frames[order[1]]) == Fate::held);
            CHECK(bench.sink.datagrams.empty());
            CHECK(bench.decode(frames[order[2]]) == Fate::delivered);
            REQUIRE(bench.sink.datagrams.size() == 1);
            const auto& d = bench.sink.datagrams[0];
            CHECK(d.text == message);
            CHECK(d.frame == 3);  // the frame that completed it
            CHECK(d.time == bench.now);
            CHECK_FALSE(d.stable);
            CHECK(d.src.port == 5060);
            CHECK(bench.sink.findings.empty());
            CHECK(bench.decoder.accounting().fragments == 3);
        } while (std::next_permutation(order.begin(), order.end()));
    }
}

TEST_CASE("trap 41: fragments behind a VLAN tag, in a tunnel, and with extension headers inside") {
    const std::string message = long_message();
    const Buffer whole = udp(5060, 5060, message);
    Bench bench;
    const std::vector<Buffer> frames = in_fragments(whole, 2000, false);
    bench.decode(frames[0]);
    // The second half arrives on another VLAN, the third in GRE: the key is the network's.
    bench.decode(ethernet(0x8100, hex("0064 0800") + part(frames[1], 14, 9999)));
    bench.decode(ethernet(0x0800, ipv4(47, hex("0000 0800") + part(frames[2], 14, 9999))));
    REQUIRE(bench.sink.datagrams.size() == 1);
    CHECK(bench.sink.datagrams[0].text == message);

    // The content of an IPv6 fragment begins with a destination header.
    const Buffer options = hex("11 00 0104 00000000") + whole;
    Bench v6;
    v6.decode(ethernet(0x86dd, ipv6_fragment(60, 1, 0, true, part(options, 0, 2000))));
    v6.decode(ethernet(0x86dd, ipv6_fragment(99, 1, 2000, false, part(options, 2000, 9999))));
    REQUIRE(v6.sink.datagrams.size() == 1);
    CHECK(v6.sink.datagrams[0].text == message);
}

TEST_CASE("trap 41: a repeated fragment is ignored, also after the datagram is complete") {
    const std::string message = long_message();
    for (const bool v6 : {false, true}) {
        Bench bench;
        for (const Buffer& frame : in_fragments(udp(1, 2, message), 1480, v6)) {
            bench.decode(frame);
            CHECK(bench.decode(frame) == Fate::delivered);
        }
        CHECK(bench.sink.datagrams.size() == 1);
        CHECK(bench.sink.findings.empty());
        bench.decoder.finish();
        CHECK(bench.decoder.accounting().fragments_expired == 0);
    }
}

TEST_CASE("an identification used again begins a new datagram") {
    Bench bench;
    for (const char c : {'a', 'b', 'c'})
        for (const Buffer& frame : in_fragments(udp(1, 2, std::string(3000, c)), 1480, false))
            bench.decode(frame);
    REQUIRE(bench.sink.datagrams.size() == 3);
    CHECK(bench.sink.datagrams[2].text == std::string(3000, 'c'));
}

TEST_CASE("trap 41: RFC 791: of overlapping IPv4 fragments the bytes that came first stay") {
    const Buffer first = udp(1, 2, std::string(1000, 'a'));
    const Buffer second = udp(1, 2, std::string(1000, 'b'));
    Bench bench;
    CHECK(bench.decode(fragment_v4(first, 0, 400, true)) == Fate::held);
    CHECK(bench.decode(fragment_v4(first, 600, 800, true)) == Fate::held);
    CHECK(bench.decode(fragment_v4(second, 200, 1008, false)) == Fate::delivered);
    REQUIRE(bench.sink.datagrams.size() == 1);
    CHECK(bench.sink.datagrams[0].text == std::string(392, 'a') + std::string(200, 'b') +
                                              std::string(200, 'a') + std::string(208, 'b'));
    CHECK(bench.sink.found("ip-fragment-overlap"));
}

TEST_CASE("RFC 5722 4: an IPv6 datagram with overlapping fragments is dropped") {
    const Buffer whole = udp(1, 2, std::string(1000, 'a'));
    Bench bench;
    CHECK(bench.decode(fragment_v6(whole, 0, 400, true)) == Fate::held);
    CHECK(bench.decode(fragment_v6(whole, 392, 800, true)) == Fate::bad_header);
    CHECK(bench.decode(fragment_v6(whole, 400, 800, true)) == Fate::bad_header);
    CHECK(bench.decode(fragment_v6(whole, 800, 1008, false)) == Fate::bad_header);
    CHECK(bench.sink.datagrams.empty());
    CHECK(bench.sink.found("ip-fragment-overlap"));
    bench.decoder.finish();
    CHECK(bench.sink.datagrams.empty());
}

TEST_CASE("fragments that contradict each other or the protocol are findings") {
    const Buffer whole = udp(1, 2, std::string(1000, 'a'));
    Bench bench;
    CHECK(bench.decode(fragment_v4(whole, 0, 401, true)) == Fate::bad_header);  // not of eights
    CHECK(bench.decode(fragment_v4(whole, 8, 8, true)) == Fate::bad_header);    // empty
    CHECK(bench.sink.found("ip-fragment-length"));
    CHECK(bench.decode(fragment_v4(Buffer(70000), 65528, 65568, false)) == Fate::bad_header);
    CHECK(bench.sink.found("ip-fragment-end"));
    CHECK(bench.decode(fragment_v4(whole, 400, 800, false)) == Fate::held);
    CHECK(bench.decode(fragment_v4(whole, 800, 1008, false)) == Fate::bad_header);
    CHECK(bench.decode(fragment_v4(whole, 800, 808, true)) == Fate::bad_header);
    CHECK(bench.adds_up());
}

TEST_CASE("trap 42: where a filter dropped the later fragments, the beginning is handed on") {
    const std::string message = long_message();
    const std::vector<Buffer> frames = in_fragments(udp(5060, 5060, message), 1480, false);
    Bench bench;
    CHECK(bench.decode(frames[0]) == Fate::held);
    const Time first = bench.now;
    bench.now += std::chrono::seconds{31};
    CHECK(bench.decode(ethernet(0x0800, sip_v4())) == Fate::delivered);
    REQUIRE(bench.sink.datagrams.size() == 2);
    const auto& d = bench.sink.datagrams[0];
    CHECK(d.text == message.substr(0, 1472));
    CHECK(d.cut);
    CHECK(d.frame == 1);
    CHECK(d.time == first);
    CHECK(bench.sink.findings.size() == 1);
    CHECK(bench.sink.found("ip-fragments-missing"));
    CHECK(bench.decoder.accounting().fragments_expired == 1);
    CHECK(bench.adds_up());

    Bench headless;  // without its beginning there is nothing to hand on
    headless.decode(frames[1]);
    headless.decode(frames[2]);
    headless.decoder.finish();
    CHECK(headless.sink.datagrams.empty());
    CHECK(headless.sink.found("ip-fragments-missing"));
    CHECK(headless.decoder.accounting().fragments_expired == 2);
}

TEST_CASE("a fragment cut by the snap length cuts the datagram there") {
    const std::string message = long_message();
    const std::vector<Buffer> frames = in_fragments(udp(5060, 5060, message), 1480, false);
    Bench bench;
    bench.decode(frames[0]);
    bench.decode(frames[1], 1, 1000);
    CHECK(bench.decode(frames[2]) == Fate::delivered);
    REQUIRE(bench.sink.datagrams.size() == 1);
    CHECK(bench.sink.datagrams[0].cut);
    CHECK(bench.sink.datagrams[0].text == message.substr(0, 1472 + 480));
}

TEST_CASE("trap 70: a flow of fragments that never complete stays within its caps") {
    Collected sink;
    Accounting accounting;
    Findings findings(sink, accounting);
    FragmentLimits limits;
    limits.datagrams = 100;
    limits.bytes = 50'000;
    Fragments fragments(findings, accounting, limits);
    const Buffer bytes(800);
    std::optional<Whole> whole;
    for (std::uint32_t id = 0; id < 10'000; ++id) {
        Fragment f;
        f.src = f.dst = Address::v4(id);
        f.id = id;
        f.more = true;
        f.bytes = bytes;
        CHECK(fragments.add(f, whole) == Fate::held);
        CHECK(fragments.datagrams() <= limits.datagrams);
        CHECK(fragments.bytes() <= limits.bytes);
        while (fragments.take_abandoned()) continue;
    }
    fragments.finish();
    CHECK(fragments.bytes() == 0);
    CHECK(fragments.datagrams() == 0);
    CHECK(accounting.fragments_expired == 10'000);
}

TEST_CASE("one datagram in countless pieces stays within its cap") {
    Bench bench;
    const Buffer whole(16'384, 'x');
    for (std::size_t at = 0; at + 16 < whole.size(); at += 16)
        bench.decode(fragment_v4(whole, at, at + 8, true));
    CHECK(bench.decoder.accounting()[Fate::over_cap] > 0);
    CHECK(bench.adds_up());
}

TEST_CASE("bytes that come again after their datagram was complete are a repetition, however cut") {
    const std::string message = long_message();
    const Buffer whole = udp(1, 2, message);
    Bench bench;
    for (const Buffer& frame : in_fragments(whole, 800, false)) bench.decode(frame);
    REQUIRE(bench.sink.datagrams.size() == 1);
    bench.decode(fragment_v4(whole, 0, 64, true));
    bench.decode(fragment_v4(whole, 400, 1'600, true));
    bench.decode(fragment_v4(whole, 2'000, whole.size(), false));
    CHECK(bench.sink.datagrams.size() == 1);
    // Other bytes in their place begin another datagram.
    Buffer other = whole;
    other[1'000] ^= 1;
    bench.decode(fragment_v4(other, 400, 1'600, true));
    bench.decode(fragment_v4(other, 0, 400, true));
    bench.decode(fragment_v4(other, 1'600, other.size(), false));
    bench.decoder.finish();
    CHECK(bench.sink.datagrams.size() == 2);
    CHECK(bench.sink.findings.empty());
    CHECK(bench.adds_up());
}

TEST_CASE("any order, repetition and size of fragments gives the datagram once") {
    Random random(41);
    for (int round = 0; round < 200; ++round) {
        const bool v6 = random.chance(0.5);
        const std::string message(200 + random.below(3000), static_cast<char>('a' + round % 26));
        auto frames = in_fragments(udp(1, 2, message), 8 * (1 + random.below(25)), v6);
        for (std::size_t i = frames.size(); i > 1; --i)
            std::swap(frames[i - 1], frames[random.below(i)]);
        Bench bench;
        for (const Buffer& frame : frames) {
            bench.decode(frame);
            if (random.chance(0.3)) bench.decode(frame);
        }
        bench.decoder.finish();
        REQUIRE(bench.sink.datagrams.size() == 1);
        CHECK(bench.sink.datagrams[0].text == message);
        CHECK(bench.sink.findings.empty());
        CHECK(bench.adds_up());
    }
}
