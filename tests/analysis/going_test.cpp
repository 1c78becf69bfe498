// Calls looked at while they go on, and the bound on what is kept of them (Options::live).
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::CallState;
using analysis::Detail;

namespace {

struct Seen : analysis::Sink {
    std::vector<analysis::Call> calls;
    std::vector<analysis::Stream> streams;
    std::vector<std::uint64_t> forgotten;
    void on_call(analysis::Call&& c) override { calls.push_back(std::move(c)); }
    void on_stream(analysis::Stream&& s) override { streams.push_back(std::move(s)); }
    void on_finding(Finding&&) override {}
    void on_forgotten(std::uint64_t number) override { forgotten.push_back(number); }
};

analysis::Options live_options(std::uint64_t max_bytes = 0) {
    analysis::Options options;
    options.live = true;
    options.max_bytes = max_bytes;
    return options;
}

// alice calls bob at `from` ms, speaks for two seconds and hangs up.
Wire& call(Wire& wire, std::string_view id, double from = 0) {
    const std::string invite = request({.call_id = id, .body = sdp_body("10.0.0.1", 4000)});
    const std::string bye = request({.method = "BYE", .call_id = id, .branch = "z9hG4bKb", .to_tag = "t1", .cseq = 2});
    return wire.udp(from, alice, bob, invite)
        .udp(from + 5, bob, alice, response(invite, "180 Ringing", "t1"))
        .udp(from + 100, bob, alice, response(invite, "200 OK", "t1", sdp_body("10.0.0.2", 5000)))
        .udp(from + 110, alice, bob, request({.method = "ACK", .call_id = id, .branch = "z9hG4bKc", .to_tag = "t1"}))
        .speech(from + 120, ep("10.0.0.1:4000"), ep("10.0.0.2:5000"), 100)
        .udp(from + 2200, alice, bob, bye)
        .udp(from + 2205, bob, alice, response(bye, "200 OK"));
}

}  // namespace

TEST_CASE("live: each frame says which calls it belongs to, signalling and media") {
    Wire wire;
    call(wire, "c1");
    wire.udp(50, ep("10.0.0.7:53"), ep("10.0.0.8:53"), "nothing that anybody reads");
    Seen seen;
    analysis::Analyzer analyzer(live_options(), seen);
    std::size_t of_call = 0, of_none = 0;
    wire.for_each([&](const pcap::Frame& f) {
        analyzer.on_frame(f);
        analyzer.touched().empty() ? ++of_none : ++of_call;
        for (const analysis::Going g : analyzer.touched()) CHECK(g.number == 1);
    });
    CHECK(of_call == 106);
    CHECK(of_none == 1);
}

TEST_CASE("live: RTCP belongs to the call of its RTP") {
    Wire wire;
    call(wire, "c1");
    Buffer rr;
    ByteWriter(rr).u8(0x80).u8(201).u16(1).u32(0x1234);
    wire.udp(1000, ep("10.0.0.1:4001"), ep("10.0.0.2:5001"), as_text(rr));
    Seen seen;
    analysis::Analyzer analyzer(live_options(), seen);
    bool met = false;
    wire.for_each([&](const pcap::Frame& f) {
        analyzer.on_frame(f);
        if (f.time == at(1000) && f.wire_size < 100) met = analyzer.touched().size() == 1;
    });
    CHECK(met);
}

TEST_CASE("live: a call is told as it stands, without an effect on what it will be told at its end") {
    Wire wire;
    call(wire, "c1");
    const analysis::Report unseen = call(*std::make_unique<Wire>(), "c1").play();
    Seen seen;
    analysis::Analyzer analyzer(live_options(), seen);
    std::vector<CallState> states;
    std::uint64_t packets = 0;
    wire.for_each([&](const pcap::Frame& f) {
        analyzer.on_frame(f);
        for (const analysis::Going g : analyzer.touched()) {
            const auto summary = analyzer.look(g, Detail::summary), whole = analyzer.look(g, Detail::full);
            REQUIRE(summary.has_value());
            REQUIRE(whole.has_value());
            CHECK(summary->messages.empty());
            CHECK(whole->messages.size() == whole->message_count);
            CHECK(summary->state == whole->state);
            CHECK(summary->call_id == "c1");
            CHECK(whole->from.user == "alice");
            if (states.empty() || states.back() != summary->state) states.push_back(summary->state);
            for (const analysis::Stream& s : whole->streams) packets = std::max(packets, s.packets);
        }
    });
    CHECK(states == std::vector{CallState::trying, CallState::ringing, CallState::answered, CallState::completed});
    CHECK(packets == 100);
    analyzer.finish();
    REQUIRE(seen.calls.size() == 1);
    const analysis::Call &a = seen.calls[0], &b = unseen.calls[0];
    CHECK(a.messages.size() == b.messages.size());
    CHECK(a.findings.size() == b.findings.size());
    CHECK(a.streams[0].packets == b.streams[0].packets);
    CHECK(a.streams[0].seconds.size() == b.streams[0].seconds.size());
    CHECK(a.transactions.size() == b.transactions.size());
}

TEST_CASE("live: what was told of a call outlives the call") {
    Wire wire;
    call(wire, "c1");
    std::optional<analysis::Call> told;
    {
        Seen seen;
        analysis::Analyzer analyzer(live_options(), seen);
        wire.for_each([&](const pcap::Frame& f) {
            analyzer.on_frame(f);
            if (!analyzer.touched().empty()) told = analyzer.look(analyzer.touched()[0], Detail::full);
        });
    }
    REQUIRE(told.has_value());
    CHECK(told->call_id == "c1");
    CHECK(told->messages[0].text.starts_with("INVITE sip:bob@b.example SIP/2.0\r\n"));
    CHECK(told->messages[0].method_name == "INVITE");
}

TEST_CASE("live: nothing is known of a call that is over, nor of one that never was") {
    Wire wire;
    call(wire, "c1");
    Seen seen;
    analysis::Analyzer analyzer(live_options(), seen);
    analysis::Going first;
    wire.for_each([&](const pcap::Frame& f) {
        analyzer.on_frame(f);
        if (!analyzer.touched().empty()) first = analyzer.touched()[0];
    });
    CHECK(analyzer.look(first, Detail::summary).has_value());
    analyzer.finish();
    CHECK_FALSE(analyzer.look(first, Detail::summary).has_value());
    CHECK_FALSE(analyzer.look({}, Detail::full).has_value());
}

TEST_CASE("live: time goes on without a frame, and calls that are over are handed on") {
    Wire wire;
    call(wire, "c1");
    Seen seen;
    analysis::Analyzer analyzer(live_options(), seen);
    wire.for_each([&](const pcap::Frame& f) { analyzer.on_frame(f); });
    CHECK(seen.calls.empty());
    analyzer.advance(at(2205 + 400));
    CHECK(seen.calls.empty());
    analyzer.advance(at(2205 + 600));
    CHECK(seen.calls.size() == 1);
    CHECK(analyzer.last() == at(2205));  // the capture's, not the clock's
}

TEST_CASE("trap 80: a flood of unique Call-IDs does not grow memory, and an answered call in it is told right") {
    constexpr std::uint64_t limit = 2 << 20;
    Wire wire;
    call(wire, "normal", 1000);
    for (int i = 0; i < 20'000; ++i)
        wire.udp(0.2 * i, ep("10.6.6.6:5060"), bob,
                 request({.call_id = fmt::format("flood-{}", i), .branch = fmt::format("z9hG4bK{}", i)}));
    Seen seen;
    analysis::Analyzer analyzer(live_options(limit), seen);
    std::uint64_t most = 0;
    wire.for_each([&](const pcap::Frame& f) {
        analyzer.on_frame(f);
        most = std::max(most, analyzer.bytes());
    });
    CHECK(most < limit + limit / 8);
    CHECK(analyzer.evictions().attempts > 15'000);
    CHECK(analyzer.evictions().attempts == seen.forgotten.size());
    CHECK(analyzer.evictions().calls == 0);
    analyzer.finish();
    const auto normal = std::find_if(seen.calls.begin(), seen.calls.end(),
                                     [](const analysis::Call& c) { return c.call_id == "normal"; });
    REQUIRE(normal != seen.calls.end());
    CHECK(normal->state == CallState::completed);
    CHECK(normal->message_count == 6);
    REQUIRE(normal->streams.size() == 1);
    CHECK(normal->streams[0].packets == 100);
    CHECK(seen.calls.size() + seen.forgotten.size() == 20'001);
}

TEST_CASE("trap 80: a flood of unique SSRCs does not grow memory; streams of no call go before calls do") {
    constexpr std::uint64_t limit = 2 << 20;
    Wire wire;
    call(wire, "normal", 100);
    for (int i = 0; i < 4000; ++i)
        wire.speech(0.5 * i, ep(fmt::format("10.7.{}.{}:4000", i / 250, 1 + i % 250)), ep("10.0.0.3:7000"), 4, 1,
                    0x10000u + static_cast<std::uint32_t>(i));
    Seen seen;
    analysis::Analyzer analyzer(live_options(limit), seen);
    std::uint64_t most = 0;
    wire.for_each([&](const pcap::Frame& f) {
        analyzer.on_frame(f);
        most = std::max(most, analyzer.bytes());
    });
    CHECK(most < limit + limit / 4);
    CHECK(analyzer.evictions().streams > 300);
    CHECK(analyzer.evictions().calls == 0);
    analyzer.finish();
    REQUIRE(seen.calls.size() == 1);
    CHECK(seen.calls[0].streams.at(0).packets == 100);
    CHECK(analyzer.counts().rtp_packets + analyzer.counts().undecided == 16'100);
    // What was hardly begun is counted, and not told.
    std::uint64_t packets = 0;
    for (const analysis::Stream& s : seen.streams) packets += s.packets;
    CHECK(seen.streams.size() + analyzer.evictions().streams == 4000);
    CHECK(packets == 4 * seen.streams.size());
}

TEST_CASE("live: a stream of no call that was long under way is told when it is given up") {
    constexpr std::uint64_t limit = 200'000;
    Wire wire;
    for (int i = 0; i < 400; ++i)
        wire.speech(0.5 * i, ep(fmt::format("10.7.{}.{}:4000", i / 250, 1 + i % 250)), ep("10.0.0.3:7000"), 60, 1,
                    0x10000u + static_cast<std::uint32_t>(i));
    Seen seen;
    analysis::Analyzer analyzer(live_options(limit), seen);
    wire.for_each([&](const pcap::Frame& f) { analyzer.on_frame(f); });
    analyzer.finish();
    CHECK(analyzer.evictions().streams > 0);
    std::uint64_t packets = 0;
    for (const analysis::Stream& s : seen.streams) packets += s.packets;
    CHECK(packets > 0);
}

TEST_CASE("live: what was weighed of streams that are gone weighs no more, so that nothing else goes for it") {
    constexpr std::uint64_t limit = 2 << 20;
    Wire wire;
    const std::string invite = request({.call_id = "long"});
    wire.udp(0, alice, bob, invite).udp(5, bob, alice, response(invite, "200 OK", "t1"));
    for (int i = 0; i < 8000; ++i)  // over half a minute, so that there are sweeps
        wire.speech(4.0 * i, ep(fmt::format("10.7.{}.{}:4000", i / 250, 1 + i % 250)), ep("10.0.0.3:7000"), 4, 1,
                    0x10000u + static_cast<std::uint32_t>(i));
    Seen seen;
    analysis::Analyzer analyzer(live_options(limit), seen);
    wire.for_each([&](const pcap::Frame& f) { analyzer.on_frame(f); });
    CHECK(analyzer.evictions().streams > 1000);
    CHECK(analyzer.evictions().calls == 0);
    CHECK(analyzer.streams_going_on() > 100);
    CHECK(seen.calls.empty());
    analyzer.finish();
    CHECK(analyzer.bytes() == 0);
}

TEST_CASE("live: streams at one call's address are capped, and the rest is put down to nobody") {
    Wire wire;
    const std::string invite = request({.call_id = "c1", .body = sdp_body("10.0.0.1", 4000)});
    wire.udp(0, alice, bob, invite).udp(5, bob, alice, response(invite, "180 Ringing", "t1"));
    for (int i = 0; i < 5000; ++i)
        wire.udp(10 + 0.1 * i, ep(fmt::format("10.8.{}.{}:4000", i / 250, 1 + i % 250)), ep("10.0.0.1:4000"),
                 rtp(1, 160, 0x20000u + static_cast<std::uint32_t>(i)));
    const analysis::Report r = wire.play(live_options());
    REQUIRE(r.calls.size() == 1);
    CHECK(r.calls[0].streams.size() == 4096);
    CHECK(r.counts.rtp_packets == 4096);
    CHECK(r.counts.rtp_packets + r.counts.undecided + r.counts.other_datagrams == 5000);
}
