// RTCP packets with every field set, for round trips and truncations.
#pragma once

#include <string>
#include <vector>

#include "libsipana/rtcp/packet.h"

namespace sipana {

inline rtcp::ReportBlock block(std::uint32_t ssrc, std::int32_t lost = 7) {
    return {ssrc, 64, lost, 0x00021234, 321, 0xaabbccdd, 0x8000};
}

inline const Buffer eight_bytes{1, 2, 3, 4, 5, 6, 7, 8};
inline const Buffer six_bytes{9, 8, 7, 6, 5, 4};

// One of each kind of content.
inline std::vector<rtcp::Content> every_content() {
    using namespace rtcp;
    std::vector<Content> all;
    all.push_back(SenderReport{
        1, 0xe8c5'0000'8000'0000u, 160'000, 1000, 160'000, {block(2), block(3, -3)}, eight_bytes});
    all.push_back(SenderReport{1, 5, 6, 7, 8, {}, {}});
    all.push_back(ReceiverReport{4, {block(5, -0x800000), block(6, 0x7fffff)}, eight_bytes});
    all.push_back(ReceiverReport{4, {}, {}});
    SourceDescription d;
    d.chunks.push_back(
        {7, {{1, "alice@a.example"}, {2, "Alice"}, {8, "\x03xyzvalue"}, {15, "0"}}, true});
    d.chunks.push_back({8, {}, true});
    d.chunks.push_back({9, {{6, ""}, {7, "abc"}}, true});
    all.push_back(d);
    all.push_back(SourceDescription{});
    all.push_back(Goodbye{{10, 11}, "see you"});
    all.push_back(Goodbye{{12}, ""});
    all.push_back(Goodbye{{}, std::nullopt});
    all.push_back(Application{5, 13, {'a', 'b', 'c', 'd'}, eight_bytes});
    all.push_back(TransportFeedback{1, 1, 2, Nack{{{100, 0x8001}, {200, 0}}}});
    all.push_back(TransportFeedback{3, 1, 0, Tmmb{false, {{3, 63, 0x1ffff, 0x1ff}, {4, 1, 2, 3}}}});
    all.push_back(TransportFeedback{4, 1, 0, Tmmb{true, {{3, 5, 1000, 40}}}});
    TransportCc cc;
    cc.base = 65530;
    cc.count = 60;
    cc.reference_time = -5;
    cc.feedback_count = 9;
    for (int i = 0; i < 40; i += 3)
        cc.arrivals.push_back(
            {static_cast<std::uint16_t>(65530 + i), i % 2 ? -300 : 17, i % 2 != 0});
    all.push_back(TransportFeedback{15, 1, 2, cc});
    CongestionControl ccfb;
    ccfb.blocks.push_back({20, 7, {{true, 1, 33}, {false, 0, 0}, {true, 3, 0x1fff}}});
    ccfb.blocks.push_back({21, 65535, {{true, 0, 1}, {true, 0, 2}}});
    ccfb.timestamp = 0x12345678;
    all.push_back(TransportFeedback{11, 1, 20, ccfb});
    all.push_back(TransportFeedback{7, 1, 2, UnknownFeedback{eight_bytes}});
    all.push_back(PayloadFeedback{1, 1, 2, Pli{}});
    all.push_back(PayloadFeedback{2, 1, 2, Sli{{{0x1fff, 1, 63}, {0, 0x1fff, 0}}}});
    all.push_back(PayloadFeedback{3, 1, 2, Rpsi{96, 4, six_bytes}});
    all.push_back(PayloadFeedback{4, 1, 0, Fir{{{2, 255}, {3, 0}}}});
    all.push_back(PayloadFeedback{15, 1, 0, Remb{18, 0x3ffff, {2, 3}}});
    all.push_back(PayloadFeedback{15, 1, 2, UnknownFeedback{eight_bytes}});
    ExtendedReport xr;
    xr.ssrc = 30;
    xr.blocks.push_back(RunLengths{false, 1, 31, 10, 500, {0x4010, 0xffff, 0x8001, 0}});
    xr.blocks.push_back(RunLengths{true, 0, 31, 65000, 100, {0x3fff, 0}});
    xr.blocks.push_back(ReceiptTimes{2, 31, 1, 4, {1000, 2000}});
    xr.blocks.push_back(ReferenceTime{0x1122334455667788});
    xr.blocks.push_back(DelaySinceReference{{{32, 1, 2}, {33, 3, 4}}});
    xr.blocks.push_back(
        StatisticsSummary{true, false, true, 2, 31, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    xr.blocks.push_back(VoipMetrics{31,  1,  2,  3,   4,  500, 600,  70, 80, -20, -70,
                                    127, 16, 93, 127, 42, 41,  0xb1, 40, 80, 200});
    xr.blocks.push_back(UnknownBlock{200, 3, eight_bytes});
    all.push_back(xr);
    return all;
}

inline Buffer written(const rtcp::Content& content) {
    Buffer out;
    rtcp::write(content, out);
    return out;
}

inline Buffer joined(const std::vector<rtcp::Content>& contents) {
    Buffer out;
    for (const auto& content : contents) rtcp::write(content, out);
    return out;
}

}  // namespace sipana
