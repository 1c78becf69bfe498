#include "libsipana/rtcp/packet.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/exact.h"
#include "tests/rtcp/build.h"
#include "tests/rtp/walk.h"

using namespace sipana;
using namespace sipana::rtcp;

TEST_CASE("RFC 3550 6.4.1: each field of a sender report and its blocks") {
    const Buffer wire{0x81, 200,  0,    12,   0x6d, 0x24, 0x53, 0xea, 0xde, 0x46, 0x47, 0x5b, 0x15,
                      0x1a, 0,    0x5c, 0x66, 0xa8, 0xdd, 0x3e, 0,    0,    1,    0x0d, 0,    0,
                      0x34, 0xf5, 0x8e, 0xf8, 0x91, 0xed, 64,   0xff, 0xff, 0xfd, 0,    2,    0,
                      0xf6, 0,    0,    0,    0x7f, 1,    2,    3,    4,    0,    1,    0x80, 0};
    const Exact exact(wire);
    const Compound c = parse(exact);
    CHECK(!c.error);
    REQUIRE(c.packets.size() == 1);
    CHECK(c.packets[0].type == type_sr);
    CHECK(c.packets[0].size == wire.size());
    const auto* sr = std::get_if<SenderReport>(&c.packets[0].content);
    REQUIRE(sr);
    CHECK(sr->ssrc == 0x6d2453ea);
    CHECK(sr->ntp == 0xde46475b151a005cu);
    CHECK(sr->rtp_timestamp == 0x66a8dd3e);
    CHECK(sr->packets == 269);
    CHECK(sr->octets == 13557);
    REQUIRE(sr->blocks.size() == 1);
    const ReportBlock& b = sr->blocks[0];
    CHECK(b.ssrc == 0x8ef891ed);
    CHECK(b.fraction_lost == 64);
    CHECK(b.extended_sequence == 0x000200f6);
    CHECK(b.jitter == 127);
    CHECK(b.lsr == 0x01020304);
    CHECK(b.dlsr == 0x00018000);
    CHECK(sr->extension.empty());
}

TEST_CASE("trap 23: cumulative loss is signed, 24 bits") {
    for (const std::int32_t lost : {-3, -1, 0, 1, 0x7fffff, -0x800000}) {
        const Exact wire(written(ReceiverReport{1, {block(2, lost)}, {}}));
        const Compound c = parse(wire);
        REQUIRE(c.packets.size() == 1);
        CHECK(std::get<ReceiverReport>(c.packets[0].content).blocks[0].cumulative_lost == lost);
    }
    Buffer out;
    CHECK(!write(ReceiverReport{1, {block(2, 0x800000)}, {}}, out));
    CHECK(!write(ReceiverReport{1, {block(2, -0x800001)}, {}}, out));
    CHECK(out.empty());
}

TEST_CASE("trap 25: several report blocks, each under the SSRC that it speaks of") {
    ReceiverReport rr{1, {}, {}};
    for (std::uint32_t i = 0; i < 31; ++i) rr.blocks.push_back(block(100 + i, static_cast<int>(i)));
    const Exact wire(written(rr));
    const Compound c = parse(wire);
    REQUIRE(c.packets.size() == 1);
    const auto& blocks = std::get<ReceiverReport>(c.packets[0].content).blocks;
    REQUIRE(blocks.size() == 31);
    for (std::uint32_t i = 0; i < 31; ++i) {
        CHECK(blocks[i].ssrc == 100 + i);
        CHECK(blocks[i].cumulative_lost == static_cast<int>(i));
    }
    rr.blocks.push_back(block(200));
    Buffer out;
    CHECK(!write(rr, out));
}

TEST_CASE("parse(write(x)) writes the same bytes, for one of each content") {
    for (const Content& content : every_content()) {
        CAPTURE(content.index());
        const Buffer bytes = written(content);
        REQUIRE(!bytes.empty());
        CHECK(bytes.size() % 4 == 0);
        const Exact exact(bytes);
        const Compound c = parse(exact);
        if (c.error) MESSAGE(c.error->what);
        CHECK(!c.error);
        REQUIRE(c.packets.size() == 1);
        CHECK(c.packets[0].content.index() == content.index());
        Buffer again;
        REQUIRE(write(c.packets[0], again));
        CHECK(again == bytes);
    }
}

TEST_CASE(
    "trap 29: every truncation of a compound keeps the packets before it and says what is wrong") {
    const auto contents = every_content();
    std::vector<std::size_t> ends;
    Buffer all;
    for (const Content& content : contents) {
        write(content, all);
        ends.push_back(all.size());
    }
    for (std::size_t n = 0; n <= all.size(); ++n) {
        const Exact cut(Bytes(all).first(n));
        const Compound c = parse(cut);
        const auto whole =
            static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), n) - ends.begin());
        CHECK(c.packets.size() == whole);
        const bool at_an_end = n > 0 && std::find(ends.begin(), ends.end(), n) != ends.end();
        CHECK(c.error.has_value() == !at_an_end);
        if (c.error) CHECK(c.error->offset <= n);
    }
}

TEST_CASE("trap 29: a packet with a broken inside does not hide those behind it") {
    Buffer wire = written(ReceiverReport{1, {}, {}});
    wire.insert(wire.end(),
                {0x81, 202, 0, 2, 0, 0, 0, 9, 1, 200, 'a', 'b'});  // an item beyond the end
    const Buffer bye = written(Goodbye{{1}, std::nullopt});
    wire.insert(wire.end(), bye.begin(), bye.end());
    const Exact exact(wire);
    const Compound c = parse(exact);
    REQUIRE(c.error);
    CHECK(c.error->offset == 16);
    REQUIRE(c.packets.size() == 3);
    CHECK(std::holds_alternative<Unknown>(c.packets[1].content));
    CHECK(c.packets[1].type == type_sdes);
    CHECK(std::holds_alternative<Goodbye>(c.packets[2].content));
}

TEST_CASE("RFC 3550 6.5: chunks and items, padded to whole words, PRIV too") {
    SourceDescription d;
    d.chunks.push_back({0x11, {{1, "abc"}, {2, ""}}, true});  // ends 3 bytes before a word
    d.chunks.push_back({0x22, {{1, "ab"}}, true});            // ends on a word: four nulls
    const Buffer bytes = written(d);
    CHECK(bytes.size() == 4 + (4 + 5 + 2 + 1) + (4 + 4 + 4));
    const Exact exact(bytes);
    const Compound c = parse(exact);
    REQUIRE(!c.error);
    const auto& again = std::get<SourceDescription>(c.packets[0].content);
    REQUIRE(again.chunks.size() == 2);
    CHECK(again.chunks[0].items[0].text == "abc");
    CHECK(again.chunks[0].items[1].text.empty());
    CHECK(again.chunks[1].ssrc == 0x22);
    CHECK(again.chunks[1].items[0].text == "ab");
    CHECK(sdes_name(1) == "CNAME");
    CHECK(sdes_name(99).empty());
}

TEST_CASE("RFC 3550 6.5: items without the null at the end are readable, and said to be so") {
    const Exact wire(Buffer{0x81, 202, 0, 2, 0, 0, 0, 5, 1, 2, 'a', 'b'});
    const Compound c = parse(wire);
    REQUIRE(!c.error);
    const auto& chunk = std::get<SourceDescription>(c.packets[0].content).chunks[0];
    CHECK(!chunk.terminated);
    CHECK(chunk.items[0].text == "ab");
    Buffer again;
    REQUIRE(write(c.packets[0], again));
    CHECK(again == Buffer(wire.bytes().begin(), wire.bytes().end()));
}

TEST_CASE("padding: read, written again, and refused where it cannot be") {
    Packet p;
    p.content = ReceiverReport{1, {}, {}};
    p.padding = 8;
    Buffer bytes;
    REQUIRE(write(p, bytes));
    CHECK(bytes.size() == 16);
    const Exact exact(bytes);
    Compound c = parse(exact);
    REQUIRE(!c.error);
    CHECK(c.packets[0].padding == 8);
    CHECK(std::get<ReceiverReport>(c.packets[0].content).extension.empty());
    for (const std::uint8_t count : {std::uint8_t{0}, std::uint8_t{13}, std::uint8_t{255}}) {
        bytes.back() = count;
        const Exact bad(bytes);
        c = parse(bad);
        REQUIRE(c.error);
        CHECK(c.error->offset == 15);
    }
    p.padding = 3;
    Buffer out;
    CHECK(!write(p, out));
    CHECK(out.empty());
}

TEST_CASE("RFC 3550 6.6 and 6.7: BYE with a reason, APP with its content") {
    const Exact bye(written(Goodbye{{1, 2}, "camera malfunction"}));
    const Compound c = parse(bye);
    const auto& g = std::get<Goodbye>(c.packets.at(0).content);
    CHECK(g.ssrcs == std::vector<std::uint32_t>{1, 2});
    CHECK(g.reason == "camera malfunction");
    const Exact app(written(Application{31, 5, {'P', 'T', 'T', '1'}, eight_bytes}));
    const Compound a = parse(app);
    const auto& application = std::get<Application>(a.packets.at(0).content);
    CHECK(application.subtype == 31);
    CHECK(application.ssrc == 5);
    CHECK(std::string_view(application.name.data(), 4) == "PTT1");
    CHECK(application.content.size() == 8);
    Buffer out;
    CHECK(!write(Application{32, 5, {}, {}}, out));
    CHECK(!write(Application{1, 5, {}, six_bytes}, out));
    CHECK(!write(Goodbye{{1}, std::string_view("x", 1).empty() ? "" : std::string_view()}, out) ==
          false);
}

TEST_CASE("RFC 3550 6.1: a whole compound has lengths that add up to the datagram") {
    Buffer two;
    REQUIRE(rtcp::write(rtcp::ReceiverReport{4, {block(5)}, {}}, two));
    const std::size_t first = two.size();
    REQUIRE(rtcp::write(rtcp::Goodbye{{4}, "bye"}, two));
    CHECK(rtcp::is_whole(Exact(two)));
    for (std::size_t n = 0; n < two.size(); ++n) {
        const Exact part(Bytes(two).first(n));
        CHECK(rtcp::is_whole(part) == (n == first));
        CHECK(rtcp::is_whole(part, true) == (n >= 4));
    }
    two[first] = 0x41;  // version 1
    CHECK_FALSE(rtcp::is_whole(Exact(two)));
}

TEST_CASE("a type that nobody reads is kept as it is") {
    const Exact wire(Buffer{0x85, 199, 0, 1, 1, 2, 3, 4});
    const Compound c = parse(wire);
    REQUIRE(!c.error);
    CHECK(std::get<Unknown>(c.packets[0].content).body.size() == 4);
    Buffer again;
    REQUIRE(write(c.packets[0], again));
    CHECK(again == Buffer(wire.bytes().begin(), wire.bytes().end()));
    CHECK(!write(Content{Unknown{eight_bytes}}, again));
}

TEST_CASE(
    "RFC 3711 3.4: an SRTCP packet shows its SSRC, E bit and index, and its text where E is 0") {
    Buffer wire = written(ReceiverReport{0xabcd, {}, {}});
    wire.insert(wire.end(), {0x80, 0, 0, 7});
    wire.insert(wire.end(), 10, 0xee);
    Exact exact(wire);
    auto s = parse_srtcp(exact);
    REQUIRE(s);
    CHECK(s->type == type_rr);
    CHECK(s->ssrc == 0xabcd);
    CHECK(s->encrypted);
    CHECK(s->index == 7);
    CHECK(s->plain.empty());
    wire[8] = 0;
    const Exact clear(wire);
    s = parse_srtcp(clear);
    REQUIRE(s);
    CHECK(!s->encrypted);
    CHECK(parse(s->plain).packets.size() == 1);
    for (std::size_t n = 0; n < 22; ++n) CHECK(!parse_srtcp(Exact(Bytes(wire).first(n))));
    CHECK(parse_srtcp(clear, 4, 0));
    CHECK(!parse_srtcp(clear, 10, 1));
}

TEST_CASE("raw RTCP packets of ../shared/torture: a verdict for each") {
    struct Verdict {
        const char* name;
        bool good;
        std::size_t packets;
    };
    const Verdict verdicts[] = {
        {"rtcp_bye.bin", true, 1},
        {"rtcp_bye_invalid.bin", false, 1},
        {"rtcp_bye_no_sources.bin", true, 1},  // "valid, but useless": RFC 3550 6.6
        {"rtcp_bye_padding.bin", true, 1},
        {"rtcp_psfb_invalid.bin", false, 1},
        {"rtcp_psfb_pli.bin", true, 1},
        {"rtcp_rr.bin", true, 1},
        {"rtcp_rr_invalid.bin", false, 1},
        {"rtcp_rtpfb.bin", true, 1},
        {"rtcp_rtpfb_invalid.bin", false, 1},
        {"rtcp_sdes.bin", true, 1},
        {"rtcp_sdes_item_truncated.bin", false, 1},
        {"rtcp_sdes_source_truncated.bin", false, 1},
        {"rtcp_sr.bin", true, 1},
        {"rtcp_sr_invalid.bin", false, 1},
    };
    const auto folder = shared_folder / "torture" / "rtp-rtcp";
    if (!std::filesystem::exists(folder)) {
        MESSAGE("skipped: ../shared/torture is not here");
        return;
    }
    for (const Verdict& v : verdicts) {
        CAPTURE(v.name);
        const Exact wire(contents(folder / v.name));
        const Compound c = parse(wire);
        CHECK(!c.error.has_value() == v.good);
        CHECK(c.packets.size() == v.packets);
        for (std::size_t n = 0; n < wire.bytes().size(); ++n)
            CHECK(parse(Exact(wire.bytes().first(n))).error);
    }
    const Exact nack(contents(folder / "rtcp_rtpfb.bin"));
    const Compound c = parse(nack);
    const auto& feedback = std::get<TransportFeedback>(c.packets.at(0).content);
    CHECK(std::get<Nack>(feedback.content).pairs.size() == 10);
    const Exact sdes(contents(folder / "rtcp_sdes.bin"));
    const Compound s = parse(sdes);
    CHECK(std::get<SourceDescription>(s.packets.at(0).content).chunks.at(0).items.at(0).text ==
          "{63f459ea-41fe-4474-9d33-9707c9ee79d1}");
}

// tshark says 11 of type 207 in the first: two datagrams that begin with XR are no RTCP to it.
TEST_CASE("captures: RTCP packets by type as tshark counts them") {
    struct Row {
        const char* file;
        std::vector<std::size_t> by_type;  // 200 to 207
    };
    const Row rows[] = {{"str0m-h265.pcap", {8, 6, 8, 0, 0, 0, 1, 13}},
                        {"sipnab-rtp-protocol.pcap", {2, 0, 2, 0, 0, 0, 0, 0}},
                        {"sipnab-sip-over-tcp.pcap", {2, 0, 2, 0, 0, 0, 0, 0}},
                        {"sngrep-aaa.pcap", {1, 0, 1, 1, 0, 0, 0, 0}}};
    if (walk(rows[0].file).empty()) {
        MESSAGE("skipped: ../shared/captures is not here");
        return;
    }
    for (const Row& row : rows) {
        std::vector<std::size_t> counts(8);
        for (const Walked& d : walk(row.file)) {
            if (d.payload.size() < 8 || d.payload[0] >> 6 != 2 || d.payload[1] < 200 ||
                d.payload[1] > 207)
                continue;
            const Exact wire(d.payload);
            const Compound c = parse(wire);
            if (c.packets.empty()) continue;  // something else under these bytes
            CHECK(!c.error);
            for (const Packet& p : c.packets) ++counts.at(p.type - 200u);
        }
        CAPTURE(row.file);
        CHECK(counts == row.by_type);
    }
}
