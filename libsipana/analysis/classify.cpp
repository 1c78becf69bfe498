#include "libsipana/analysis/classify.h"

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/hep/packet.h"
#include "libsipana/sip/message.h"

namespace sipana::analysis {
namespace {

// RFC 8489 5: two zero bits, a length in fours that fits, and the magic cookie.
bool is_stun(Bytes b) {
    return b.size() >= 20 && load_be32(b.data() + 4) == 0x2112a442 && b[3] % 4 == 0 &&
           load_be16(b.data() + 2) + 20u <= b.size();
}

// RFC 6347 4.1: content types 20 to 25 and a DTLS version; RFC 9147 for 1.3's unified header.
bool is_dtls(Bytes b) {
    if (b[0] >= 32 && b[0] <= 63) return b.size() >= 5;
    return b[0] >= 20 && b[0] <= 26 && b.size() >= 13 && b[1] == 0xfe && b[2] >= 0xfc;
}

}  // namespace

Content classify(Bytes b) {
    if (b.empty()) return Content::keep_alive;
    const std::uint8_t first = b[0];
    if ((first & 0xc0) == 0x80) return Content::media;
    if (is_alpha(static_cast<char>(first))) {
        if (first == 'H' && hep::looks_like_hep(b)) return Content::hep;
        if (sip::looks_like_sip(as_text(b))) return Content::sip;
    }
    if (b.size() <= 8 && std::all_of(b.begin(), b.end(), [](std::uint8_t c) {
            return c == 0 || is_space(static_cast<char>(c));
        }))
        return Content::keep_alive;
    // Before STUN's zero bits: a name of an extension method, or leading CRLFs, may begin with anything.
    if (first >= 0x20 || first == '\r' || first == '\n') {
        if (sip::looks_like_sip(as_text(b))) return Content::sip;
    }
    if (first < 4 && is_stun(b)) return Content::stun;
    if (first >= 16 && first <= 19 && b.size() >= 12 && load_be32(b.data() + 4) == 0x5a525450)
        return Content::zrtp;
    if (first >= 20 && first <= 63 && is_dtls(b)) return Content::dtls;
    if (first >= 64 && first <= 79 && b.size() >= 4 && load_be16(b.data() + 2) + 4u <= b.size())
        return Content::turn_channel;
    if ((first == 1 || first == 2) && hep::looks_like_hep(b)) return Content::hep;
    return Content::other;
}

}  // namespace sipana::analysis
