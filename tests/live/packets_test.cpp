#include "libsipana/live/packets.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "libsipana/net/encoder.h"
#include "tests/exact.h"
#include "tests/live/recordings.h"

using namespace sipana;
using namespace sipana::live;
using namespace std::chrono_literals;
using analysis::Going;

namespace {

constexpr Time begun{1'764'129'781'000'000'000};
const Endpoint alice = *Endpoint::parse("10.0.0.1:5060"), bob = *Endpoint::parse("10.0.0.2:5060"),
               alice_rtp = *Endpoint::parse("10.0.0.1:4000"),
               bob_rtp = *Endpoint::parse("10.0.0.2:4000");

CaptureHead one_interface() {
    CaptureHead head;
    head.interfaces.resize(1);
    head.interfaces[0].link = pcap::LinkType::ethernet;
    return head;
}

PacketsSettings small(std::uint64_t most_bytes) {
    PacketsSettings settings;
    settings.most_bytes = most_bytes;
    settings.early_bytes = 64u << 10;
    return settings;
}

// Frames for a Packets, numbered, a millisecond apart.
class Feed {
public:
    explicit Feed(Packets& packets) : packets_(packets) {}

    std::uint64_t frame(const Result<Buffer>& bytes,
                        std::initializer_list<std::uint64_t> calls = {}) {
        REQUIRE(bytes);
        const Exact exact{Bytes(*bytes)};
        pcap::Frame f;
        f.number = ++number_;
        f.time = begun + number_ * 1ms + skipped;
        f.bytes = exact;
        f.wire_size = static_cast<std::uint32_t>(f.bytes.size());
        f.link = pcap::LinkType::ethernet;
        std::vector<Going> going;
        for (const std::uint64_t call : calls)
            going.push_back({static_cast<std::uint32_t>(call % 1000), call});
        packets_.on_frame(f, going);
        return number_;
    }
    std::uint64_t udp(const Endpoint& src, const Endpoint& dst, std::string_view payload,
                      std::initializer_list<std::uint64_t> calls = {}) {
        return frame(net::udp_frame(src, dst, as_bytes(payload)), calls);
    }
    std::uint64_t tcp(std::uint32_t seq, std::string_view payload,
                      std::initializer_list<std::uint64_t> calls = {},
                      std::uint8_t flags = net::tcp_ack) {
        return frame(net::tcp_frame(alice, bob, {seq, 1, flags, 65535}, as_bytes(payload)), calls);
    }
    std::uint64_t rtp(std::initializer_list<std::uint64_t> calls = {}) {
        std::string payload(172, '\x55');
        payload[0] = '\x80';
        return udp(alice_rtp, bob_rtp, payload, calls);
    }
    std::uint64_t number() const { return number_; }
    Duration skipped{};

private:
    Packets& packets_;
    std::uint64_t number_ = 0;
};

std::vector<std::string> comments_of(const Packets& packets, std::uint64_t call) {
    const auto capture = packets.pcapng(call);
    REQUIRE(capture);
    return pcap::Reading{Exact(Bytes(*capture))}.file.comments;
}

// The frames' numbers, by their times.
std::vector<std::uint64_t> numbers(const Packets& packets,
                                   std::initializer_list<std::uint64_t> calls) {
    const std::vector<std::uint64_t> wanted(calls);
    const auto capture = packets.pcapng(wanted);
    REQUIRE_MESSAGE(capture, (capture ? "" : capture.error().what));
    const pcap::Reading read{Exact(Bytes(*capture))};
    CHECK_FALSE(read.file.damaged);
    std::vector<std::uint64_t> found;
    for (const pcap::Copy& copy : read.frames)
        found.push_back(static_cast<std::uint64_t>((copy.frame.time - begun) / 1ms));
    return found;
}

using Numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("packets: of each call its own, in order of time, each once") {
    Packets packets(small(8u << 20), one_interface());
    Feed feed(packets);
    feed.udp(alice, bob, "INVITE sip:b SIP/2.0\r\n\r\n", {1});
    feed.udp(alice, bob, "INVITE sip:c SIP/2.0\r\n\r\n", {2});
    feed.udp(alice, bob, "of nobody");
    feed.rtp({1, 2});
    feed.rtp({1});
    CHECK(numbers(packets, {1}) == Numbers{1, 4, 5});
    CHECK(numbers(packets, {2}) == Numbers{2, 4});
    CHECK(numbers(packets, {2, 1}) == Numbers{1, 2, 4, 5});
    CHECK_FALSE(packets.pcapng(3));
    CHECK(packets.pcapng(3).error().code == Errc::not_found);
    packets.over(1, false);
    CHECK_FALSE(packets.has(1));
    feed.udp(alice, bob, "BYE sip:b SIP/2.0\r\n\r\n", {1});  // late: the call does not come back
    CHECK_FALSE(packets.has(1));
    packets.over(2, true);
    CHECK(numbers(packets, {2}) == Numbers{2, 4});
    CHECK(packets.totals().calls == 1);
    CHECK(packets.totals().packets == 2);
}

TEST_CASE("packets: media that came before its answer is taken over when it is known whose it is") {
    Packets packets(small(8u << 20), one_interface());
    Feed feed(packets);
    feed.rtp();
    feed.skipped = 11s;  // too long ago
    feed.udp(alice, bob, "INVITE sip:b SIP/2.0\r\n\r\n", {1});
    feed.rtp();
    feed.udp(bob_rtp, alice_rtp, "\x80 the other way");
    feed.udp(bob, alice, "SIP/2.0 200 OK\r\n\r\n", {1});
    feed.rtp({1});
    feed.rtp({1});
    CHECK(numbers(packets, {1}) == Numbers{11'002, 11'003, 11'005, 11'006, 11'007});
}

TEST_CASE("packets: fragments before the last one belong to the call of their datagram") {
    Packets packets(small(8u << 20), one_interface());
    Feed feed(packets);
    net::FrameShape shape;
    const auto fragment = [&](std::uint16_t id, bool last) {
        shape.id = id;
        auto frame = net::udp_frame(alice, bob, as_bytes(std::string(64, 'x')), shape);
        REQUIRE(frame);
        (*frame)[20] = last ? 0x00 : 0x20;  // more fragments
        (*frame)[21] = last ? 0x09 : 0x00;
        return frame;
    };
    feed.frame(fragment(7, false));
    feed.frame(fragment(8, false));
    feed.frame(fragment(7, true), {1});
    CHECK(numbers(packets, {1}) == Numbers{1, 3});
    feed.frame(fragment(8, true), {2});
    CHECK(numbers(packets, {2}) == Numbers{2, 4});
}

TEST_CASE("packets: of a connection that many calls share each gets its own segments") {
    Packets packets(small(8u << 20), one_interface());
    Feed feed(packets);
    const std::string first = "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n", rest(100, 'b');
    std::uint32_t seq = 1000;
    const auto next = [&](std::string_view text, std::initializer_list<std::uint64_t> calls = {}) {
        const std::uint32_t at = seq;
        seq += static_cast<std::uint32_t>(text.size());
        return feed.tcp(at, text, calls);
    };
    feed.tcp(seq - 1, "", {}, net::tcp_syn);   // 1
    next(first);                               // 2
    next(rest, {1});                           // 3: completes it
    next(first + "\r\n", {2});                 // 4: in one segment
    next(first);                               // 5
    next(rest + "\r\nINVITE", {3});            // 6: and the next one begins
    next(" sip:z SIP/2.0\r\nVia", {4});        // 7
    feed.tcp(seq - 10, std::string(10, 'b'));  // 8: sent again
    next(first + "\r\n", {2});                 // 9
    CHECK(numbers(packets, {1}) == Numbers{1, 2, 3});
    CHECK(numbers(packets, {2}) == Numbers{4, 9});
    CHECK(numbers(packets, {3}) == Numbers{5, 6});
    const Numbers fourth = numbers(packets, {4});
    CHECK(std::find(fourth.begin(), fourth.end(), 6) != fourth.end());
    CHECK(fourth.back() == 7);
}

TEST_CASE("packets: segments that came out of order are all there") {
    Packets packets(small(8u << 20), one_interface());
    Feed feed(packets);
    const std::string first = "INVITE sip:b SIP/2.0\r\n";
    const auto at = static_cast<std::uint32_t>(first.size());
    feed.tcp(UINT32_MAX - 9 + at, std::string(10, 'b'));  // the sequence number wraps in between
    feed.tcp(UINT32_MAX - 9 + at + 10, std::string(10, 'c'));
    feed.tcp(UINT32_MAX - 9, first, {1});
    CHECK(numbers(packets, {1}) == Numbers{1, 2, 3});
}

TEST_CASE(
    "packets: a message behind a gap belongs to its call, not the frame that told that time is "
    "up") {
    Packets packets(small(8u << 20), one_interface());
    Feed feed(packets);
    const std::uint64_t behind_gap = feed.tcp(5000, "INVITE sip:b SIP/2.0\r\n\r\n");
    packets.on_message(behind_gap);
    feed.rtp({1});
    CHECK(numbers(packets, {1}) == Numbers{behind_gap});
    packets.on_message(3);
    feed.udp(alice, bob, "BYE sip:b SIP/2.0\r\n\r\n", {1});
    CHECK(numbers(packets, {1}) == Numbers{behind_gap, 3});
}

TEST_CASE(
    "packets: when memory is short the oldest media goes, the signalling stays, and the file says "
    "so") {
    Packets packets(small(512u << 10), one_interface());
    Feed feed(packets);
    feed.udp(alice, bob, "INVITE sip:b SIP/2.0\r\n\r\n", {1});
    feed.udp(alice, bob, "INVITE sip:c SIP/2.0\r\n\r\n", {2});
    for (int i = 0; i < 5000; ++i) feed.rtp({1});
    feed.rtp({2});
    const std::uint64_t bye = feed.udp(alice, bob, "BYE sip:b SIP/2.0\r\n\r\n", {1});
    CHECK(packets.totals().bytes < (512u << 10) + (2u << 20));
    const auto totals = packets.totals();
    CHECK(totals.given_up_packets > 2000);
    CHECK(totals.packets + totals.given_up_packets == feed.number());
    const Numbers kept = numbers(packets, {1});
    CHECK(kept.front() == 1);
    CHECK(kept[1] > 2000);
    CHECK(kept.back() == bye);
    CHECK(numbers(packets, {2}) == Numbers{2, bye - 1});
    const auto comments = comments_of(packets, 1);
    REQUIRE(comments.size() == 1);
    CHECK(comments[0] ==
          fmt::format("incomplete: {} packets from {} to {} were given up for want of memory",
                      totals.given_up_packets, to_rfc3339(begun + 3ms),
                      to_rfc3339(begun + (totals.given_up_packets + 2) * 1ms)));
    CHECK(comments_of(packets, 2).empty());
}

TEST_CASE("packets: calls that are over go before those that go on") {
    Packets packets(small(512u << 10), one_interface());
    Feed feed(packets);
    for (std::uint64_t call = 1; call <= 8; ++call) {
        for (int i = 0; i < 300; ++i) feed.rtp({call});
        if (call <= 6) packets.over(call, true);
    }
    CHECK_FALSE(packets.has(1));
    CHECK(packets.has(7));
    CHECK(numbers(packets, {7}).size() == 300);
    CHECK(numbers(packets, {8}).size() == 300);
    CHECK(packets.totals().given_up_calls > 0);
    packets.limit(1);
    CHECK_FALSE(packets.has(6));
    CHECK(packets.totals().packets == 0);
    feed.rtp({8});
    CHECK(packets.totals().packets <= 1);
}

TEST_CASE("packets: a flood of calls stays within bounds") {
    Packets packets(small(1u << 20), one_interface());
    Feed feed(packets);
    for (std::uint64_t call = 1; call <= 20'000; ++call) {
        feed.udp(alice, bob, "INVITE sip:b SIP/2.0\r\n\r\n", {call});
        if (call % 512 == 0) CHECK(packets.totals().bytes < (1u << 20) + (2u << 20) + call * 512);
        if (call > 500) packets.over(call - 500, false);  // the analyzer has a bound of its own
    }
    CHECK(packets.totals().calls == 500);
    CHECK(packets.totals().packets + packets.totals().given_up_packets <= 20'000);
}

TEST_CASE("packets: with a spool folder nothing is given up, and its files are gone afterwards") {
    const TestFolder folder;
    PacketsSettings settings = small(512u << 10);
    auto opened = live::Folder::open(folder.path());
    REQUIRE(opened);
    settings.spool = *opened;
    {
        Packets packets(settings, one_interface());
        Feed feed(packets);
        feed.udp(alice, bob, "INVITE sip:b SIP/2.0\r\n\r\n", {1});
        for (int i = 0; i < 5000; ++i) feed.rtp({1, 2});
        CHECK(packets.totals().given_up_packets == 0);
        CHECK(packets.totals().spooled_bytes > (1u << 20));
        CHECK(packets.totals().bytes < (512u << 10) + (2u << 20));
        REQUIRE(names_in(folder).size() == 2);
        for (const std::string& name : names_in(folder)) {  // what a kill would leave
            const Recording part(folder.path(name));
            CHECK_FALSE(part.damaged);
            CHECK(part.frames.size() > 1000);
        }
        Numbers all(5001);
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = i + 1;
        CHECK(numbers(packets, {1}) == all);
        CHECK(numbers(packets, {1, 2}) == all);
        CHECK(comments_of(packets, 1).empty());
        for (int i = 0; i < 3000; ++i) feed.rtp({1});
        CHECK(numbers(packets, {1}).size() == 8001);
        packets.over(2, true);  // what is over takes no disk
        CHECK_FALSE(packets.has(2));
        CHECK(names_in(folder).size() == 1);
    }
    CHECK(names_in(folder).empty());
}

TEST_CASE("trap 74: where the spool's disk is full packets are given up, which is said") {
    const TestFolder folder;
    PacketsSettings settings = small(512u << 10);
    auto opened = live::Folder::open(folder.path(), small_disk(folder, 300'000));
    REQUIRE(opened);
    settings.spool = *opened;
    Packets packets(settings, one_interface());
    Feed feed(packets);
    for (int i = 0; i < 8000; ++i) feed.rtp({1});
    CHECK_FALSE(packets.spool_status());
    CHECK(packets.totals().given_up_packets > 0);
    CHECK(packets.totals().packets + packets.totals().given_up_packets == 8000);
    CHECK(numbers(packets, {1}).size() == packets.totals().packets);
    CHECK(packets.totals().bytes < (512u << 10) + (2u << 20));
}

TEST_CASE("Speed: what a packet of a known call and one of nobody cost" * doctest::skip()) {
    Packets packets({}, one_interface());
    constexpr std::uint64_t calls = 1000, rounds = 1000;
    std::vector<Buffer> frames;
    for (std::uint64_t call = 0; call < calls; ++call) {
        Endpoint src = alice_rtp, dst = bob_rtp;
        src.port = static_cast<std::uint16_t>(10'000 + 2 * call);
        std::string payload(172, '\x55');
        payload[0] = '\x80';
        frames.push_back(*net::udp_frame(src, dst, as_bytes(payload)));
    }
    for (const bool known : {true, false}) {
        const std::clock_t before = std::clock();
        std::uint64_t number = 0;
        for (std::uint64_t round = 0; round < rounds; ++round)
            for (std::uint64_t call = 0; call < calls; ++call) {
                pcap::Frame f;
                f.number = ++number;
                f.time = begun + round * 20ms;
                f.bytes = frames[call];
                f.wire_size = static_cast<std::uint32_t>(f.bytes.size());
                f.link = pcap::LinkType::ethernet;
                const Going going{static_cast<std::uint32_t>(call), call + 1};
                packets.on_frame(f, known ? std::span(&going, 1) : std::span<const Going>());
            }
        const std::clock_t took = std::clock() - before;
        const auto each =
            took * (1'000'000'000 / CLOCKS_PER_SEC) / static_cast<std::clock_t>(calls * rounds);
        MESSAGE(fmt::format("{} ns of CPU a packet of 214 bytes, {}", each,
                            known ? "of 1000 calls" : "of no call"));
    }
}
