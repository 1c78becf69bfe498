// What is known of a call's pictures only when its streams, RTCP and messages are there: who asked
// for key frames and when they came (RFC 4585 6.3.1, RFC 5104 4.3.1, RFC 5168), and lip sync by the
// sender reports (RFC 3550 6.4.1).
#pragma once

#include "libsipana/analysis/model.h"

namespace sipana::analysis {

// By RTCP; of a stream with its reports.
void tell_key_requests(Stream& stream);
// A sender report whose RTP timestamp is none of its stream's.
void check_report_clock(Stream& stream);
// By INFO, too. A stream that was moved here while it ran (directmedia) did not begin broken.
void tell_pictures(Call& call);

}  // namespace sipana::analysis
