#include "libsipana/analysis/report_words.h"

#include <fmt/format.h>

#include <algorithm>

namespace sipana::analysis {
namespace {

constexpr std::size_t most_listed = 16;  // sequence numbers
constexpr int level_unavailable = 127;   // RFC 3611 4.7.4

}  // namespace

std::string words_of(const rtcp::Nack& nack) {
    const std::vector<std::uint16_t> numbers = nack.lost();
    const std::size_t n = std::min(numbers.size(), most_listed);
    std::string text = fmt::format(
        "lost {}",
        fmt::join(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(n), ", "));
    if (n < numbers.size()) text += fmt::format(" and {} more", numbers.size() - n);
    return text;
}

std::string words_of(const rtcp::TransportCc& cc) {
    return fmt::format("{} of {} packets from {} on arrived", cc.arrivals.size(), cc.count,
                       cc.base);
}

std::string words_of(const rtcp::CongestionControl::Block& block) {
    const auto arrived = std::count_if(block.metrics.begin(), block.metrics.end(),
                                       [](const auto& m) { return m.received; });
    return fmt::format("{} of {} packets from {} on arrived", arrived, block.metrics.size(),
                       block.begin);
}

std::string words_of(const rtcp::Tmmb::Entry& entry) {
    return fmt::format("at most {:.0f} kbit/s", entry.bitrate() / 1000);
}

std::string words_of(const rtcp::Sli& sli) {
    if (sli.slices.empty()) return {};
    std::string text = fmt::format("{} macroblocks from {} on were lost", sli.slices.front().number,
                                   sli.slices.front().first);
    if (sli.slices.size() > 1) text += fmt::format(", and {} more slices", sli.slices.size() - 1);
    return text;
}

std::string words_of(const rtcp::Remb& remb) {
    return fmt::format("at most {:.0f} kbit/s", remb.bitrate() / 1000);
}

std::string words_of(const rtcp::RunLengths& runs) {
    const std::vector<bool> bits = runs.bits();
    const auto unset = std::count(bits.begin(), bits.end(), false);
    return fmt::format("{}: {} of {} packets from {} on {}", rtcp::name_of(runs), unset,
                       bits.size(), runs.begin, runs.duplicates ? "came twice" : "lost");
}

std::string words_of(const rtcp::StatisticsSummary& s) {
    std::string text = fmt::format("{}: packets {} to {}", rtcp::name_of(s), s.begin,
                                   static_cast<std::uint16_t>(s.end - 1));
    if (s.has_loss) text += fmt::format(", lost {}", s.lost);
    if (s.has_duplicates) text += fmt::format(", duplicates {}", s.duplicates);
    if (s.has_jitter)
        text += fmt::format(", jitter {} to {}, mean {} (timestamp units)", s.min_jitter,
                            s.max_jitter, s.mean_jitter);
    if (s.ttl_kind != 0)
        text += fmt::format(", {} {} to {}", s.ttl_kind == 1 ? "TTL" : "hop limit", s.min_ttl,
                            s.max_ttl);
    return text;
}

std::string words_of(const rtcp::VoipMetrics& v) {
    std::string text = fmt::format("{}: loss {:.1f} %, discarded {:.1f} %", rtcp::name_of(v),
                                   v.loss_rate / 2.56, v.discard_rate / 2.56);
    if (v.burst_duration_ms != 0)
        text += fmt::format(", bursts of {} ms with {:.1f} % missing", v.burst_duration_ms,
                            v.burst_density / 2.56);
    if (v.round_trip_ms != 0) text += fmt::format(", round trip {} ms", v.round_trip_ms);
    if (v.end_system_delay_ms != 0)
        text += fmt::format(", end system {} ms", v.end_system_delay_ms);
    if (const auto mos = v.mos_lq()) text += fmt::format(", MOS-LQ {:.1f}", *mos);
    if (const auto mos = v.mos_cq()) text += fmt::format(", MOS-CQ {:.1f}", *mos);
    if (const auto factor = v.r()) text += fmt::format(", R {}", *factor);
    if (v.signal_level_dbm0 != level_unavailable)
        text += fmt::format(", signal {} dBm0", v.signal_level_dbm0);
    if (v.noise_level_dbm0 != level_unavailable)
        text += fmt::format(", noise {} dBm0", v.noise_level_dbm0);
    if (v.rerl_db != level_unavailable) text += fmt::format(", echo return loss {} dB", v.rerl_db);
    if (v.jb_nominal_ms != 0)
        text +=
            fmt::format(", jitter buffer {} ms, at most {} ms", v.jb_nominal_ms, v.jb_maximum_ms);
    return text;
}

}  // namespace sipana::analysis
