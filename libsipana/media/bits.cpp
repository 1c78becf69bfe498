#include "libsipana/media/bits.h"

namespace sipana::media {

Buffer without_emulation_prevention(Bytes nal) {
    Buffer out;
    out.reserve(nal.size());
    unsigned zeros = 0;
    for (const std::uint8_t byte : nal) {
        if (zeros >= 2 && byte == 3) {
            zeros = 0;
            continue;
        }
        zeros = byte == 0 ? zeros + 1 : 0;
        out.push_back(byte);
    }
    return out;
}

}  // namespace sipana::media
