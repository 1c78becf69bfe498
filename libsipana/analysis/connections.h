// Connections: what each direction of a TCP connection carries (content decides, ports last), and the SIP
// messages in it: plain (RFC 3261 18.3) or in WebSocket frames (RFC 7118); or the packets of a HEP agent.
// TLS is recognised and counted.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "libsipana/base/endpoint.h"
#include "libsipana/hep/framer.h"
#include "libsipana/net/datagram.h"
#include "libsipana/net/websocket.h"
#include "libsipana/sip/splitter.h"

namespace sipana::analysis {

// A SIP message, or HEP packet, cut out of a stream. The text lives until the next call of any member.
struct Cut {
    std::string_view text;
    Transport transport = Transport::tcp;
    std::uint64_t skipped = 0;  // bytes before it that were none
    bool incomplete = false;    // the stream ended or lost bytes within it
    bool joined = false;        // shares a WebSocket message with the one before (RFC 7118 5: must not)
    bool hep = false;
};

class Connections {
public:
    // What is unfinished, of all directions together: bytes. Beyond it those that hold most are given up, and
    // read again from where they stand.
    static constexpr std::size_t most_held = 64u << 20;
    explicit Connections(std::size_t at_most = most_held) : most_held_(at_most) {}

    // The next bytes of a direction; afterwards poll() until it is empty.
    void feed(const net::Chunk& chunk);
    std::optional<Cut> poll();
    // What stops, or leaves out, WebSocket messages of the direction fed last; told once.
    std::optional<Error> fault();
    std::uint64_t tls_directions() const { return tls_; }
    std::size_t held() const { return held_; }
    // Directions given up since the last call.
    std::uint64_t take_given_up() { return std::exchange(given_up_, 0); }

private:
    enum class Kind : std::uint8_t { unknown, sip, websocket, hep, other };
    struct Direction {
        Kind kind = Kind::unknown;
        bool from_start = false;  // nothing came before its first byte
        Buffer head;  // the first bytes, until it is clear what they are
        std::unique_ptr<sip::Splitter> splitter;
        std::unique_ptr<net::WebSocketReader> frames;
        std::unique_ptr<hep::Framer> packets;
        std::uint64_t skipped = 0;  // of what `packets` passed over: told
        bool fault_told = false;
        std::size_t held = 0;  // as counted in held_
    };
    Kind recognise(Direction& direction, Bytes bytes, bool from_start, bool last);
    std::optional<Cut> from_frames(net::WebSocketReader& frames);
    std::optional<Cut> from_packets(Direction& direction);

    void weigh(Direction& direction);
    void give_up_most(const Direction& but);

    std::unordered_map<std::uint64_t, Direction> directions_;
    std::size_t held_ = 0, most_held_;
    std::uint64_t given_up_ = 0;
    Direction* fed_ = nullptr;       // whose messages poll() gives out
    std::string_view rest_;          // of the WebSocket message at hand: another SIP message
    sip::Message message_;           // read for its length
    std::uint64_t ended_ = 0;        // direction to be forgotten before the next feed()
    std::uint64_t tls_ = 0;
};

}  // namespace sipana::analysis
