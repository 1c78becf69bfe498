#include "libsipana/analysis/rtcp_json.h"

#include <doctest/doctest.h>

#include "libsipana/rtcp/packet.h"
#include "tests/exact.h"

using namespace sipana;

namespace {

Buffer bytes_of(std::initializer_list<rtcp::Packet> packets) {
    Buffer out;
    for (const rtcp::Packet& p : packets) REQUIRE(rtcp::write(p, out));
    return out;
}

rtcp::Packet sender_report() {
    rtcp::SenderReport sr{0x1234, 0x8000000112345678, 160, 50, 8000, {}, {}};
    sr.blocks.push_back({0x9abc, 25, -3, 70'000, 12, 0xfedcba98, 65536});
    sr.blocks.push_back({0x9abd, 0, 8'388'607, 1, 0, 0, 0});
    rtcp::Packet packet;
    packet.content = std::move(sr);
    return packet;
}

}  // namespace

TEST_CASE("RTCP in JSON: a report that is told is read back the same, negative loss too") {
    const Buffer sr = bytes_of({sender_report()});
    const auto texts = analysis::to_rtcp_json(Exact(sr));
    REQUIRE(texts.size() == 1);
    CHECK(texts[0].find("\"packets_lost\":-3") != std::string::npos);
    CHECK(*analysis::from_rtcp_json(Exact(texts[0]).text()) == sr);

    rtcp::Packet rr;
    rr.content = rtcp::ReceiverReport{7, {{8, 1, 2, 3, 4, 5, 6}}, {}};
    rtcp::Packet xr;
    xr.content = rtcp::ExtendedReport{7, {rtcp::VoipMetrics{8, 12}}};
    const auto with_metrics = analysis::to_rtcp_json(bytes_of({rr, xr}));
    REQUIRE(with_metrics.size() == 1);
    CHECK(with_metrics[0].find("\"report_blocks_xr\":{\"type\":7,\"id\":8,\"fraction_lost\":12,") !=
          std::string::npos);
    CHECK(*analysis::from_rtcp_json(with_metrics[0]) == bytes_of({rr}));
    CHECK(analysis::to_rtcp_json(bytes_of({xr})).empty());
}

TEST_CASE(
    "RTCP in JSON: as agents print it: unsigned loss, signed times, numbers too large, other "
    "keys") {
    const auto read = analysis::from_rtcp_json(
        R"( {"sender_information" : {"ntp_timestamp_sec":1,"packets":106,"ntp_timestamp_usec":13217348104192,)"
        R"("octets":16960,"rtp_timestamp":1.696e4},"ssrc":451916597,"type":202,"report_blocks":[{"source_ssrc":9,)"
        R"("packets_lost":16777213,"lsr":-1097006646,"dlsr":7733,"text":"a\"b","none":null}],"report_count":0})");
    REQUIRE(read);
    const rtcp::Compound compound = rtcp::parse(*read);
    REQUIRE(compound.packets.size() == 1);
    const auto& sr = std::get<rtcp::SenderReport>(compound.packets[0].content);
    CHECK(sr.ssrc == 451916597);
    CHECK(sr.packets == 106);
    CHECK(sr.rtp_timestamp == 16960);
    REQUIRE(sr.blocks.size() == 1);
    CHECK(sr.blocks[0].cumulative_lost == -3);
    CHECK(sr.blocks[0].lsr == 3197960650u);
}

TEST_CASE("RTCP in JSON: what is cut, deep or no report is an error value") {
    const std::string whole = analysis::to_rtcp_json(bytes_of({sender_report()})).at(0);
    for (std::size_t n = 0; n < whole.size(); ++n)
        CHECK(!analysis::from_rtcp_json(Exact(whole.substr(0, n)).text()));
    CHECK(!analysis::from_rtcp_json("{}"));
    CHECK(!analysis::from_rtcp_json(R"({"type":201,"ssrc":5})"));
    CHECK(!analysis::from_rtcp_json("[1]"));
    CHECK(!analysis::from_rtcp_json(R"({"type":1e999})"));
    std::string deep = "{\"a\":";
    for (int i = 0; i < 10'000; ++i) deep += '[';
    CHECK(!analysis::from_rtcp_json(deep));
}
