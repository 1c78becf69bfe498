// Framer: cuts HEP3 packets out of a stream (TCP, TLS) by their total length.
//
// Out of step (bytes lost, garbage) it passes over everything up to the next "HEP3" that a
// generic chunk of a believable length follows, and counts what it passed over.
#pragma once

#include <optional>

#include "libsipana/base/bytes.h"

namespace sipana::hep {

// Do these bytes begin a packet, as far as they are there? `strict`: with a generic chunk first, as
// every agent has it, so that it is not taken for one by chance.
bool begins_packet(Bytes bytes, bool strict);

class Framer {
public:
    // The next bytes; whole packets are viewed where they lie, so poll() until it is empty while
    // they live.
    void feed(Bytes bytes);
    void lost();  // bytes were never seen here
    // Lives until the next call of a member that is not const.
    std::optional<Bytes> poll();
    // Nothing follows: the beginning of a packet whose end never came, once.
    std::optional<Bytes> finish();

    std::uint64_t skipped() const { return skipped_; }  // bytes that were no packet, in all
    std::size_t kept() const {
        return kept_.size();
    }  // of an unfinished packet: below 65,536 bytes

private:
    std::optional<Bytes> from_kept();
    void resume();
    void skip(std::size_t bytes);

    Buffer kept_;            // the beginning of a packet
    Bytes bytes_;            // not looked at yet
    std::size_t given_ = 0;  // of kept_: the packet given out last
    std::uint64_t skipped_ = 0;
    bool in_step_ = true;
};

}  // namespace sipana::hep
