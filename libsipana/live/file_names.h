// What files of a live run are called, and how they begin.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"
#include "libsipana/base/time.h"
#include "libsipana/pcap/summary.h"

namespace sipana::live {

// What stands at the beginning of each file that a live run writes.
struct CaptureHead {
    std::string application = "sipana live";
    std::vector<std::string> comments;
    std::vector<pcap::Interface> interfaces;  // Frame::interface counts them
};
// Section and interfaces as pcapng; `more` are further comments of the section.
Result<Buffer> head_of(const CaptureHead& head, const std::vector<std::string>& more = {});

// "20261126-040301", UTC.
std::string stamp(Time time);
// `text` from the wire as a part of a file's name: letters, digits and + - _ . stay, a point not in
// front; what else there is becomes one _ a row. At most 40 bytes; `otherwise` where nothing is
// left.
std::string harmless(std::string_view text, std::string_view otherwise = "unknown");

}  // namespace sipana::live
