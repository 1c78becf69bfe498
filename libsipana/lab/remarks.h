// Remarks: what is said in a capture of the SIP messages in it: which line of the script sent them,
// which one expected them.
//
// A capture taken on the wire knows nothing of the script, so the comments are joined to its frames
// when the run is over: the messages are found by what they say and whom they go to. A comment
// stands at the frame that completes its message.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libsipana/lab/capture_file.h"
#include "libsipana/lab/result.h"

namespace sipana::lab {

inline constexpr std::size_t longest_remark = 4096;  // of one frame; more is cut

struct Remarks {
    std::span<const SentMessage> sent;  // each transmission, in order
    std::span<const MetMessage> met;
};

// The capture anew, in the order of time, with comments and with what `head` says. A file takes the
// old one's place when it is complete: if that fails the old one stays, and the error says so. What
// is no regular file is left alone.
Status annotate(const std::string& path, const CaptureHead& head, const Remarks& remarks);
// The same in memory.
Status annotate(Buffer& capture, const CaptureHead& head, const Remarks& remarks);

}  // namespace sipana::lab
