// Relayed: whose sound comes out of a host again. A media server that bridges two calls often keeps
// neither SSRC nor sequence, but where both sides speak one codec it passes the payload on as it
// is.
//
// To be cheap it listens for a quarter of the time, to the first samples of a packet only, and
// remembers them for an instant. One match says nothing (tones repeat themselves): several must
// name the same source, and a sound that two sources made at once is nobody's.
#pragma once

#include <cstdint>
#include <vector>

#include "libsipana/analysis/model.h"
#include "libsipana/base/bytes.h"

namespace sipana::analysis {

class Relayed {
public:
    static bool listens(Time at) { return at.count() / listening % 4 == 0; }

    // An audio packet of a stream of a call, in order of time, while it listens. Says which stream
    // this one repeats, once as soon as it is certain, else `none`. A stream that is said may be
    // over, and its number another's.
    std::uint32_t on_packet(std::uint32_t stream, std::uint32_t call, const Address& src,
                            const Address& dst, Bytes payload, Time at);
    void forget(std::uint32_t stream);  // its number will be another's

private:
    static constexpr std::int64_t listening = 320'000'000;

    struct Heard {  // overwritten by collisions, so it never grows
        std::uint64_t fact = 0;
        Time at = no_time;
        std::uint32_t stream = none, call = none;
        bool several = false;
    };
    struct Guess {
        std::uint32_t source = none;
        std::uint32_t matches = 0;
    };

    std::vector<Heard> heard_;    // made with the first packet
    std::vector<Guess> guesses_;  // by stream
};

}  // namespace sipana::analysis
