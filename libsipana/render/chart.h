// Small SVG charts of a stream over time: jitter, loss, bitrate, and marks for video frames.
//
// All charts of one stream share their time axis, so that they can be read one above another. Their
// colours come from the page's style sheet (page/figure.css), by class. Empty where there is
// nothing to draw: no seconds, or nothing but zeros where zeros say nothing.
#pragma once

#include <string>

#include "libsipana/analysis/model.h"

namespace sipana::render {

std::string jitter_chart(
    const analysis::Stream& stream);  // line, ms (RFC 3550 A.8), and RTCP's claims
std::string loss_chart(const analysis::Stream& stream);  // bars: lost, late, duplicated, reordered
std::string bitrate_chart(const analysis::Stream& stream);  // area, kbit/s of RTP payload
std::string frames_chart(
    const analysis::Stream& stream);  // video: sizes, key frames, what was broken

// A step of 1, 2 or 5 times a power of ten that divides `span` into at most `parts`.
double nice_step(double span, int parts);

}  // namespace sipana::render
