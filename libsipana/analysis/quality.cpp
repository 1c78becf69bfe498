#include "libsipana/analysis/quality.h"

#include <algorithm>
#include <array>

#include "libsipana/base/text.h"

namespace sipana::analysis {
namespace {

constexpr double most_narrowband = 93.2, most_wideband = 129;
constexpr double most_impairment = 95;  // G.107 7.5
constexpr double most_burst_ratio = 8;  // G.107 table 2: the range that the model was made for

// G.113 Appendix I, and Appendix IV for wideband. G.711 is taken with the
// concealment of its Appendix I, as phones have it; G.723 at 6.3 kbit/s; G.729 as Annex A with
// voice activity detection.
constexpr std::array codecs{
    Impairment{"PCMU", false, 0, 25.1},
    Impairment{"PCMA", false, 0, 25.1},
    Impairment{"G729", false, 11, 19.0},
    Impairment{"G729A", false, 11, 19.0},
    Impairment{"G723", false, 15, 16.1},
    Impairment{"GSM-EFR", false, 5, 10.0},
    Impairment{"GSM", false, 20, std::nullopt},
    Impairment{"GSM-HR-08", false, 23, std::nullopt},
    Impairment{"G728", false, 7, std::nullopt},
    Impairment{"G726-40", false, 2, std::nullopt},
    Impairment{"G726-32", false, 7, std::nullopt},
    Impairment{"G726-24", false, 25, std::nullopt},
    Impairment{"G726-16", false, 50, std::nullopt},
    Impairment{"AAL2-G726-40", false, 2, std::nullopt},
    Impairment{"AAL2-G726-32", false, 7, std::nullopt},
    Impairment{"AAL2-G726-24", false, 25, std::nullopt},
    Impairment{"AAL2-G726-16", false, 50, std::nullopt},
    Impairment{"G722", true, 13, std::nullopt},
};

}  // namespace

const Impairment* impairment_of(std::string_view codec) {
    const auto found = std::find_if(codecs.begin(), codecs.end(),
                                    [&](const Impairment& i) { return iequals(i.codec, codec); });
    return found == codecs.end() ? nullptr : &*found;
}

double delay_impairment(double delay_ms) {
    constexpr double knee_ms = 177.3;
    return 0.024 * delay_ms + 0.11 * std::max(0.0, delay_ms - knee_ms);
}

double loss_impairment(double ie, double bpl, const Hearing& h) {
    return ie + (most_impairment - ie) * h.loss_percent / (h.loss_percent / h.burst_ratio + bpl);
}

double mos_of_r(double r) {
    if (r <= 0) return 1;
    if (r >= 100) return 4.5;
    // Between 0 and 6.5 the polynomial dips below 1.
    return std::max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

std::optional<Quality> quality_of(const Impairment& codec, const Hearing& h) {
    double impairment = codec.ie;
    if (h.loss_percent > 0) {
        if (!codec.bpl) return std::nullopt;
        impairment = loss_impairment(codec.ie, *codec.bpl, h);
    }
    const double most = codec.wideband ? most_wideband : most_narrowband;
    Quality q;
    q.wideband = codec.wideband;
    q.r_factor = std::clamp(most - delay_impairment(h.delay_ms) - impairment, 0.0, most);
    q.mos = mos_of_r(codec.wideband ? q.r_factor / 1.29 : q.r_factor);
    return q;
}

Hearing hearing_of(const Stream& s) {
    Hearing h;
    h.delay_ms = buffer_ms + s.round_trip_ms.value_or(0) / 2;
    const std::uint64_t gone = s.lost + s.late;
    if (s.expected == 0 || gone == 0) return h;
    h.loss_percent = std::min(100.0, 100.0 * double(gone) / double(s.expected));
    if (s.mean_gap <= 0) return h;
    // G.107 7.5: losses at random have a mean length of 1 / (1 - p).
    h.burst_ratio = std::clamp(s.mean_gap * (1 - h.loss_percent / 100), 1.0, most_burst_ratio);
    return h;
}

void judge_quality(Stream& s) {
    s.mos.reset();
    s.r_factor.reset();
    s.wideband = false;
    if (s.media != MediaKind::audio || s.expected < least_judged) return;
    const Impairment* codec = impairment_of(s.codec);
    if (codec == nullptr) return;
    const auto quality = quality_of(*codec, hearing_of(s));
    if (!quality) return;
    s.mos = quality->mos;
    s.r_factor = quality->r_factor;
    s.wideband = quality->wideband;
}

}  // namespace sipana::analysis
