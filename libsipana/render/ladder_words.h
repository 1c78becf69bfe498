// What a ladder says: internal to render/ladder, with the names of its roles, tones and durations.
#pragma once

#include <string>
#include <string_view>

#include "libsipana/render/ladder.h"
#include "libsipana/sip/message.h"

namespace sipana::render {

// "offer: audio PCMU PCMA, video H264 sendonly"; `word` goes before the colon.
std::string describe(std::string_view word, const sdp::Exchange& exchange, bool answer);
// What is worth telling of a message that has no SDP to tell of: "Refer-To: sip:..."; or "".
std::string detail_of(const analysis::SipMessage& m, const sip::Message& parsed);
// "alice -> bob: completed, 200 OK, 12.3 s"
std::string title_of(const analysis::Call& call);

}  // namespace sipana::render
