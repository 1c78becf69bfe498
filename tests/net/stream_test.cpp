#include "libsipana/net/stream.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "libsipana/base/random.h"
#include "libsipana/net/encoder.h"
#include "tests/net/frames.h"

using namespace sipana;
using namespace sipana::net;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const std::string client = "192.0.2.1:40000", server = "192.0.2.2:5060";

// Segments between a client and a server, timed by themselves.
class Wire {
public:
    explicit Wire(StreamLimits limits = {})
        : findings(sink, accounting), streams(sink, findings, accounting, limits) {}

    Fate from(const std::string& src, std::uint32_t seq, std::uint8_t flags, std::string_view text,
              std::uint32_t ack = 0, std::size_t absent = 0) {
        const Exact exact(text);
        Segment s;
        s.src = *Endpoint::parse(src);
        s.dst = *Endpoint::parse(src == client ? server : client);
        s.seq = seq;
        s.ack = ack;
        s.flags = flags;
        s.payload = exact;
        s.absent = absent;
        s.frame = ++frame;
        s.time = now += step;
        streams.expire(now);
        return streams.add(s);
    }
    Fate syn(const std::string& src, std::uint32_t seq) { return from(src, seq, tcp_syn, ""); }
    // Payload from the client; no ACK, so that the peer's position stays unknown.
    Fate send(std::uint32_t seq, std::string_view text) { return from(client, seq, 0, text); }
    std::string text() const { return sink.stream(client); }

    Collected sink;
    Accounting accounting;
    Findings findings;
    Streams streams;
    std::uint64_t frame = 0;
    Time now = seconds{1'700'000'000};
    Duration step = milliseconds{1};
};

}  // namespace

TEST_CASE("RFC 9293 3.5: from SYN to FIN, each direction by itself") {
    Wire wire;
    wire.syn(client, 100);
    wire.from(server, 500, tcp_syn | tcp_ack, "", 101);
    wire.from(client, 101, tcp_ack, "", 501);
    CHECK(wire.from(client, 101, tcp_ack | tcp_psh, "REGISTER", 501) == Fate::delivered);
    CHECK(wire.from(server, 501, tcp_ack | tcp_psh, "200 OK", 109) == Fate::delivered);
    wire.from(client, 109, tcp_ack | tcp_fin, "", 507);
    wire.from(server, 507, tcp_ack | tcp_fin, "bye", 110);
    REQUIRE(wire.sink.chunks.size() == 5);
    const auto& first = wire.sink.chunks[0];
    CHECK(first.text == "REGISTER");
    CHECK(first.first);
    CHECK(first.from_start);
    CHECK(first.missing == 0);
    CHECK_FALSE(first.last);
    CHECK(first.frame == 4);
    CHECK(first.src.to_string() == client);
    CHECK(first.dst.to_string() == server);
    CHECK(wire.sink.chunks[1].connection != first.connection);
    CHECK(wire.sink.chunks[2].last);
    CHECK(wire.sink.chunks[2].connection == first.connection);
    CHECK(wire.sink.stream(server) == "200 OKbye");
    CHECK(wire.sink.chunks[4].last);
    CHECK(wire.accounting.retransmitted_segments == 0);
}

TEST_CASE("trap 31: two messages in one segment are one chunk, with both in it") {
    Wire wire;
    wire.syn(client, 0);
    wire.send(1, "MESSAGE 1\r\n\r\nMESSAGE 2\r\n\r\n");
    REQUIRE(wire.sink.chunks.size() == 1);
    CHECK(wire.sink.chunks[0].text == "MESSAGE 1\r\n\r\nMESSAGE 2\r\n\r\n");
}

TEST_CASE("trap 32: the sequence number wraps, in order, out of order and inside a segment") {
    for (const std::uint32_t isn : {0xfffffffau, 0xfffffff0u, 0xffffffffu, 0xfffffffbu}) {
        Wire wire;
        wire.syn(client, isn);
        wire.send(isn + 1, "hello ");
        wire.send(isn + 13, "here");
        wire.send(isn + 7, "again ");
        CHECK(wire.text() == "hello again here");
        CHECK(wire.accounting.missing_bytes == 0);
    }
    Wire mid;  // without a SYN
    mid.send(0xfffffffc, "abcdefgh");
    mid.send(4, "ijkl");
    mid.send(8, "mnop");
    CHECK(mid.text() == "abcdefghijklmnop");
}

TEST_CASE("trap 33: the first pair of segments swapped, with the SYN seen") {
    Wire wire;
    wire.syn(client, 0);
    CHECK(wire.send(6, "world") == Fate::held);
    CHECK(wire.sink.chunks.empty());
    CHECK(wire.send(1, "hello") == Fate::delivered);
    CHECK(wire.text() == "helloworld");
    CHECK(wire.sink.chunks[0].from_start);
    CHECK(wire.sink.chunks[1].frame == 3);  // what made it readable
}

TEST_CASE("trap 33: the first pair of segments swapped, no SYN in the capture") {
    Wire wire;
    CHECK(wire.send(1006, "world") == Fate::held);
    CHECK(wire.send(1001, "hello") == Fate::held);
    CHECK(wire.send(1011, "!") == Fate::delivered);  // enough of them
    CHECK(wire.text() == "helloworld!");
    CHECK(wire.sink.chunks[0].first);
    CHECK_FALSE(wire.sink.chunks[0].from_start);
    CHECK(wire.sink.chunks[0].missing == 0);

    Wire alone;  // nothing more comes: the wait at the start is short
    alone.send(1006, "world");
    alone.send(1001, "hello");
    alone.now += milliseconds{250};
    alone.streams.expire(alone.now);
    CHECK(alone.text() == "helloworld");
}

TEST_CASE("trap 33: the SYN is captured after the first segment") {
    Wire wire;
    wire.send(101, "hello");
    wire.syn(client, 100);
    CHECK(wire.text() == "hello");
    CHECK(wire.sink.chunks[0].from_start);
}

TEST_CASE("trap 34: a segment with PSH ahead of a gap waits for the gap to be filled") {
    Wire wire;
    wire.syn(client, 0);
    wire.from(client, 1, tcp_ack, "INVITE sip:");
    CHECK(wire.from(client, 19, tcp_ack | tcp_psh, " SIP/2.0\r\n\r\n") == Fate::held);
    wire.from(client, 12, tcp_ack, "900@B x");
    CHECK(wire.text() == "INVITE sip:900@B x SIP/2.0\r\n\r\n");
}

TEST_CASE("trap 36: joined in the middle: the peer's ACK tells where the stream is") {
    Wire wire;
    CHECK(wire.from(client, 5000, tcp_ack | tcp_psh, "OPTIONS", 900) == Fate::held);
    // The server's number 900 is expected: its first segment is known to be the next.
    CHECK(wire.from(server, 900, tcp_ack | tcp_psh, "200 OK", 5007) == Fate::delivered);
    REQUIRE(wire.sink.chunks.size() == 2);
    CHECK(wire.sink.chunks[0].text == "OPTIONS");
    CHECK(wire.sink.chunks[0].frame == 1);  // where its bytes stood
    CHECK(wire.sink.chunks[0].time == wire.now - milliseconds{1});
    CHECK(wire.sink.chunks[0].missing == 0);
    CHECK_FALSE(wire.sink.chunks[0].from_start);
    CHECK(wire.sink.chunks[1].text == "200 OK");
}

TEST_CASE("trap 36: joined in the middle, one direction only, one message: it comes at the end") {
    Wire wire;
    wire.send(77, "NOTIFY");
    CHECK(wire.sink.chunks.empty());
    wire.streams.finish();
    REQUIRE(wire.sink.chunks.size() == 2);
    CHECK(wire.sink.chunks[0].text == "NOTIFY");
    CHECK(wire.sink.chunks[1].last);
}

TEST_CASE("trap 37: equal or zero times lose nothing and change no order") {
    for (const Time t : {Time{0}, Time{seconds{1'700'000'000}}}) {
        Wire wire;
        wire.step = Duration{0};
        wire.now = t;
        wire.syn(client, 0);
        wire.send(1, "one ");
        wire.send(9, "three");
        wire.send(5, "two ");
        CHECK(wire.text() == "one two three");
        for (const auto& chunk : wire.sink.chunks) CHECK(chunk.time == t);
    }
}

TEST_CASE("trap 38: retransmitted and partly repeated segments give each byte once") {
    Wire wire;
    wire.syn(client, 0);
    wire.send(1, "hello");
    wire.send(1, "hello");
    wire.send(3, "llo w");
    wire.send(8, "orld");
    wire.send(1, "hello world");
    CHECK(wire.text() == "hello world");
    CHECK(wire.accounting.retransmitted_segments == 2);
    // Repetitions of what waits count as well.
    wire.send(20, "later");
    CHECK(wire.send(20, "later") == Fate::delivered);
    CHECK(wire.accounting.retransmitted_segments == 3);
}

TEST_CASE("where segments overlap, the bytes that came first stay") {
    Wire wire;
    wire.syn(client, 0);
    wire.send(5, "EFGH");
    wire.send(3, "cdefghij");
    wire.send(1, "12345");
    CHECK(wire.text() == "12cdEFGHij");
}

TEST_CASE("a hole is declared when it is two seconds old") {
    Wire wire;
    wire.syn(client, 0);
    wire.send(1, "one");
    CHECK(wire.send(14, "three") == Fate::held);
    const Time held = wire.now;
    CHECK(wire.streams.deadline() == held + seconds{2});
    wire.streams.expire(held + milliseconds{1999});
    CHECK(wire.text() == "one");
    wire.streams.expire(held + seconds{2});
    CHECK(wire.text() == "one<10>three");
    CHECK(wire.sink.chunks[1].missing == 10);
    CHECK(wire.sink.chunks[1].time == held);
    CHECK(wire.accounting.missing_bytes == 10);
    // It comes after all: too late, and no harm.
    CHECK(wire.send(4, "0123456789") == Fate::delivered);
    wire.send(19, "four");
    CHECK(wire.text() == "one<10>threefour");
}

TEST_CASE("a hole that the peer has acknowledged is declared three segments later") {
    Wire wire;
    wire.syn(client, 0);
    wire.from(server, 0, tcp_syn | tcp_ack, "", 1);
    wire.send(1, "a");
    wire.send(12, "c");
    wire.from(server, 1, tcp_ack, "", 13);  // the peer has what we have not
    CHECK(wire.send(13, "d") == Fate::held);
    CHECK(wire.send(14, "e") == Fate::held);
    CHECK(wire.send(15, "f") == Fate::delivered);
    CHECK(wire.text() == "a<10>cdef");
}

TEST_CASE("several holes are each declared where they stand") {
    Wire wire;
    wire.syn(client, 0);
    wire.send(3, "b");
    wire.send(6, "c");
    wire.send(10, "d");
    wire.streams.finish();
    CHECK(wire.text() == "<2>b<2>c<3>d");
    CHECK(wire.sink.chunks[0].from_start);
    CHECK(wire.sink.chunks.back().last);
    CHECK(wire.streams.connections() == 0);
    CHECK(wire.streams.held_bytes() == 0);
}

TEST_CASE("a tail that the peer acknowledged and nobody captured is declared at the end") {
    Wire wire;
    wire.syn(client, 0);
    wire.from(server, 0, tcp_syn | tcp_ack, "", 1);
    wire.send(1, "abc");
    wire.from(server, 1, tcp_ack, "", 24);
    wire.streams.finish();
    CHECK(wire.text() == "abc<20>");
    CHECK(wire.accounting.missing_bytes == 20);
}

TEST_CASE("bytes cut off by the snap length are missing before the next") {
    Wire wire;
    wire.syn(client, 0);
    wire.from(client, 1, 0, "abc", 0, 100);
    wire.send(104, "def");
    CHECK(wire.text() == "abc<100>def");
    CHECK(wire.sink.chunks.size() == 2);
    wire.from(client, 110, 0, "later", 0, 5);  // and where the segment had to wait
    wire.send(107, "...");
    wire.send(120, "end");
    CHECK(wire.text() == "abc<100>def...later<5>end");
}

TEST_CASE("RFC 9293 3.8.4: keep-alive probes give nothing and are no retransmissions") {
    Wire wire;
    wire.syn(client, 0);
    wire.send(1, "hello");
    wire.from(client, 5, tcp_ack, std::string(1, '\0'));
    wire.from(client, 5, tcp_ack, "");
    wire.send(6, "world");
    CHECK(wire.text() == "helloworld");
    CHECK(wire.accounting.retransmitted_segments == 0);

    Wire mid;  // the first thing seen of a connection
    mid.from(client, 99, tcp_ack, std::string(1, '\0'));
    mid.send(100, "NOTIFY");
    CHECK(mid.text() == "NOTIFY");
    CHECK(mid.accounting.missing_bytes == 0);
}

TEST_CASE("RFC 9293 3.8.6.1: a zero-window probe's byte counts once") {
    Wire wire;
    wire.syn(client, 0);
    wire.send(1, "h");
    wire.send(2, "e");  // the probe
    wire.send(2, "ello");
    CHECK(wire.text() == "hello");
}

TEST_CASE("RST ends both directions, and hands on what waits") {
    Wire wire;
    wire.syn(client, 0);
    wire.from(server, 0, tcp_syn | tcp_ack, "", 1);
    wire.from(server, 1, tcp_ack, "100", 1);
    wire.send(1, "one");
    wire.send(10, "two");
    wire.from(server, 4, tcp_rst, "");
    CHECK(wire.text() == "one<6>two");
    REQUIRE(wire.sink.chunks.size() == 5);
    CHECK(wire.sink.chunks[2].last);
    CHECK(wire.sink.chunks[2].src.to_string() == server);
    CHECK(wire.sink.chunks[4].last);
    CHECK(wire.sink.chunks[4].src.to_string() == client);
    // Forged from afar, it ends nothing.
    Wire forged;
    forged.syn(client, 0);
    forged.send(1, "one");
    forged.from(client, 0x7fff0000, tcp_rst, "");
    forged.send(4, "two");
    CHECK(forged.text() == "onetwo");
}

TEST_CASE("the same addresses and ports again are a new connection") {
    Wire wire;
    wire.syn(client, 0);
    wire.send(1, "first");
    wire.send(20, "waiting");
    wire.syn(client, 700'000);
    wire.syn(client, 700'000);  // repeated: still the same
    wire.send(700'001, "second");
    CHECK(wire.text() == "first<14>waitingsecond");
    REQUIRE(wire.sink.chunks.size() == 4);
    CHECK(wire.sink.chunks[2].last);
    CHECK(wire.sink.chunks[3].first);
    CHECK(wire.sink.chunks[3].from_start);
    CHECK(wire.sink.chunks[3].connection != wire.sink.chunks[0].connection);

    // After an orderly end, and without a SYN in the capture.
    Wire again;
    again.syn(client, 0);
    again.from(client, 1, tcp_fin, "bye");
    CHECK(again.sink.chunks.back().last);
    again.send(1, "bye");  // late repetition
    again.send(900'000, "hello");
    again.send(900'005, "there");
    again.streams.finish();
    CHECK(again.text() == "byehellothere");
}

TEST_CASE("a sequence number far out of the window is left out, unless the next goes on from it") {
    Wire wire;
    wire.syn(client, 0);
    wire.send(1, "one");
    CHECK(wire.send(0x70000000, "forged") == Fate::bad_header);
    wire.send(4, "two");
    CHECK(wire.text() == "onetwo");
    CHECK(wire.sink.found("tcp-sequence"));
    // A new connection whose SYN was not captured.
    wire.send(0x90000000, "lost");
    wire.send(0x90000004, "found");
    wire.streams.finish();
    CHECK(wire.text() == "onetwofound");
}

TEST_CASE("FIN before the bytes that it follows") {
    Wire wire;
    wire.syn(client, 0);
    CHECK(wire.from(client, 6, tcp_fin, "world") == Fate::held);
    wire.send(1, "hello");
    CHECK(wire.text() == "helloworld");
    CHECK(wire.sink.chunks.back().last);
    Wire lost;  // and they never come
    lost.syn(client, 0);
    lost.send(1, "hello");
    lost.from(client, 11, tcp_fin, "");
    lost.now += seconds{3};
    lost.streams.expire(lost.now);
    CHECK(lost.text() == "hello<5>");
    CHECK(lost.sink.chunks.back().last);
}

TEST_CASE("RFC 7413: bytes on the SYN are the first of the stream") {
    Wire wire;
    wire.from(client, 100, tcp_syn, "fast");
    wire.send(105, "open");
    CHECK(wire.text() == "fastopen");
}

TEST_CASE("an idle connection is given up, and its end told") {
    Wire wire;
    wire.syn(client, 0);
    wire.send(1, "one");
    wire.streams.expire(wire.now + std::chrono::hours{2});
    CHECK(wire.streams.connections() == 0);
    CHECK(wire.sink.chunks.back().last);
}

TEST_CASE("trap 70, trap 80: connections and held bytes stay within their caps") {
    StreamLimits limits;
    limits.connections = 50;
    limits.held_bytes = 20'000;
    limits.held_bytes_a_direction = 5'000;
    limits.held_segments_a_direction = 10;
    Wire wire(limits);
    Random random(70);
    const std::string text(300, 'x');
    for (unsigned i = 0; i < 20'000; ++i) {
        Segment s;
        s.src = {Address::v4(0x0a000000u + static_cast<std::uint32_t>(random.below(5'000))), 5060};
        s.dst = *Endpoint::parse(server);
        s.seq = static_cast<std::uint32_t>(random.below(1'000'000));
        s.flags = random.chance(0.2) ? tcp_syn : std::uint8_t{0};
        s.payload = as_bytes(text);
        s.frame = i;
        s.time = wire.now;  // no time passes: only the caps help
        wire.streams.add(s);
        REQUIRE(wire.streams.connections() <= limits.connections);
        REQUIRE(wire.streams.held_bytes() <= limits.held_bytes);
    }
    wire.streams.finish();
    CHECK(wire.streams.connections() == 0);
    CHECK(wire.streams.held_bytes() == 0);
}

TEST_CASE("one direction that only has holes stays within its caps") {
    StreamLimits limits;
    limits.held_segments_a_direction = 16;
    Wire wire(limits);
    wire.syn(client, 0);
    wire.step = Duration{0};
    for (std::uint32_t i = 0; i < 1000; ++i) wire.send(10 + 2 * i, "x");
    CHECK(wire.sink.chunks.size() == 1000 - 16);
    wire.streams.finish();
    CHECK(wire.accounting.missing_bytes == 9 + 999);
}

TEST_CASE("any order, overlap and repetition of segments gives the bytes once and in order") {
    Random random(9293);
    for (int round = 0; round < 300; ++round) {
        std::string text;
        while (text.size() < 500) text += std::to_string(text.size()) + ' ';
        const auto isn = static_cast<std::uint32_t>(random.next());
        struct Piece {
            std::size_t begin, size;
        };
        std::vector<Piece> pieces;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t size = std::min(text.size() - at, 1 + random.below(60));
            pieces.push_back({at, size});
            if (random.chance(0.3))
                pieces.push_back({at / 2, std::min(size * 2, text.size() - at / 2)});
            at += size;
        }
        for (std::size_t i = pieces.size(); i > 1; --i)
            std::swap(pieces[i - 1], pieces[random.below(i)]);
        Wire wire;
        wire.syn(client, isn);
        for (const Piece& p : pieces)
            wire.send(isn + 1 + static_cast<std::uint32_t>(p.begin), text.substr(p.begin, p.size));
        CHECK(wire.text() == text);
        CHECK(wire.accounting.missing_bytes == 0);
        CHECK(wire.streams.held_bytes() == 0);
    }
}
