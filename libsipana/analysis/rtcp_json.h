// RTCP as HEP agents send it (captagent, heplify, rtpengine, hep-js): reports in JSON, in HEP
// packets of type 5.
//
//   {"sender_information":{"ntp_timestamp_sec":3650797214,"ntp_timestamp_usec":1234,"rtp_timestamp":16960,
//    "packets":106,"octets":16960},"ssrc":451916597,"type":200,"report_count":1,
//    "report_blocks":[{"source_ssrc":898343773,"fraction_lost":0,"packets_lost":0,"highest_seq_no":20881,
//    "ia_jitter":1,"lsr":4711,"dlsr":7733}]}
//
// ntp_timestamp_usec is the lower half of the NTP time as it is (RFC 3550 4), whatever its name
// says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"

namespace sipana::analysis {

// One text for each sender or receiver report of the compound; the VoIP metrics of an extended
// report (RFC 3611 4.7) go with the first. None where there are no reports.
std::vector<std::string> to_rtcp_json(Bytes compound);

// The sender or receiver report that such a text tells, as RTCP. Numbers that do not fit are cut to
// their bits, as agents print them signed and unsigned. Errc::malformed: no JSON, or no report.
Result<Buffer> from_rtcp_json(std::string_view json);

}  // namespace sipana::analysis
