#include "libsipana/rtp/redundancy.h"

namespace sipana::rtp {

Result<RedundantBlock> primary_of_redundant(Bytes payload) {
    ByteReader in(payload);
    std::size_t before = 0;  // bytes of the blocks before the primary
    while (true) {
        const std::uint8_t first = in.u8();
        if ((first & 0x80) == 0) {
            in.skip(before);
            if (!in.ok()) break;
            return RedundantBlock{first, in.rest()};
        }
        before += in.u24() & 0x3ff;
    }
    return Error{Errc::truncated, payload.size(), "redundant blocks run past the end (RFC 2198 3)"};
}

}  // namespace sipana::rtp
