// Quality: how well speech would be heard, by the E-model: ITU-T G.107 for narrowband, G.107.1 for
// wideband, with the planning values of G.113 for each codec. docs/streams.md says what goes in.
//
//   R = Rmax - Id - Ie,eff      Rmax: 93.2, wideband 129 (all other parameters at their defaults)
//   MOS = 1 + 0.035 R + R (R - 60) (100 - R) 7e-6      (G.107 Annex B; wideband: of R / 1.29)
//
// The two scales do not mix: 4.3 on one is not 4.3 on the other. A codec without a published value
// has none here.
#pragma once

#include <optional>
#include <string_view>

#include "libsipana/analysis/model.h"

namespace sipana::analysis {

struct Impairment {
    std::string_view codec;  // as SDP names it; compare without case
    bool wideband = false;
    double ie = 0;              // equipment impairment without loss
    std::optional<double> bpl;  // robustness against loss; none: not published
};
const Impairment* impairment_of(std::string_view codec);  // nullptr: nothing is published

// What reaches the ear.
struct Hearing {
    double loss_percent = 0;  // packets that were not there in time
    double burst_ratio =
        1;                // G.107 7.5: mean length of losses over that of random ones; at least 1
    double delay_ms = 0;  // from mouth to ear
};
struct Quality {
    double r_factor = 0, mos = 1;
    bool wideband = false;
};

double delay_impairment(double delay_ms);                               // Id
double loss_impairment(double ie, double bpl, const Hearing& hearing);  // Ie,eff
double mos_of_r(double r_factor);                                       // of the narrowband scale
std::optional<Quality> quality_of(const Impairment& codec, const Hearing& hearing);

inline constexpr double poor_mos =
    3.6;  // below: "many users dissatisfied" or worse (G.107 Annex B)
inline constexpr double buffer_ms = 60;  // of the player that is assumed; as rtp::late_after
inline constexpr std::uint64_t least_judged = 50;  // packets expected: fewer are no conversation
// Needs the stream's counts, mean gap and round trip.
Hearing hearing_of(const Stream& stream);
void judge_quality(Stream& stream);  // sets mos, r_factor and wideband

}  // namespace sipana::analysis
