// Streams: RTP and RTCP put under streams, and streams under the calls whose SDP announced them.
//
// One hash look-up a packet: the flow (source, destination) knows its streams (SSRCs). An address that an
// SDP claims makes its first packet a stream; anywhere else three packets in a row must agree first.
// What a stream keeps is small until its second packet comes.
#pragma once

#include <array>

#include "libsipana/analysis/calls.h"
#include "libsipana/analysis/legs.h"
#include "libsipana/media/frames.h"
#include "libsipana/rtp/events.h"
#include "libsipana/rtp/packet.h"
#include "libsipana/rtp/receiver.h"
#include "libsipana/sdp/session.h"

namespace sipana::analysis {

// What a payload type stands for on one stream.
struct PayloadKind {
    enum class Use : std::uint8_t { audio, video, event, comfort_noise, other };
    Use use = Use::other;
    std::uint32_t clock_hz = 0;  // 0: unknown
    std::string codec;
};

class Streams {
public:
    Streams(const Options& options, Calls& calls, Legs& legs, Counts& counts, Sink& sink);

    // A datagram whose first two bits are 10. False: it is neither RTP nor RTCP.
    bool on_packet(const net::Datagram& datagram);
    // An SDP said where media is to be received. `sdp` lives as long as the call.
    void claim(std::uint32_t call, bool by_caller, std::string_view sdp, const Seen& seen);
    // True if an SDP announced T.38 at the datagram's source or destination.
    bool is_fax(const net::Datagram& datagram) const;
    // Arrival of the call's last RTP packet; no_time if none.
    Time last_media(std::uint32_t call) const;
    // Gives the call's streams to the model and forgets its claims.
    void release(std::uint32_t call, Call& into);
    // Hands streams on that belong to no call and have been silent.
    void advance(Time now);
    void finish();

private:
    struct Claim {
        Endpoint at;
        std::string_view sdp;
        std::uint32_t call = none, older = none, newer = none, next_of_call = none;
        std::uint16_t line = 0;
        bool by_caller = true, encrypted = false, fax = false, rtcp = false;
        Address signalled_from;
    };
    struct First {  // the first packet, until a second one makes a Receiver worth it
        Time at{};
        std::uint32_t timestamp = 0, bytes = 0, ip_bytes = 0;
        std::uint16_t sequence = 0;
        bool marker = false;
    };
    struct Depth {  // what only some streams need
        rtp::Receiver receiver;
        std::uint64_t bytes = 0, ip_bytes = 0;
        std::array<std::uint32_t, 4> packets_of{};
        std::vector<std::pair<std::uint8_t, PayloadKind>> kinds;  // payload types, in order of appearance
        std::vector<std::uint64_t> packets_by_kind;
        std::uint32_t kind = 0;  // of the last packet
        std::unique_ptr<media::VideoMeter> video;
        std::unique_ptr<rtp::EventDecoder> events;
        std::unique_ptr<rtp::Seconds> seconds;
        std::vector<RtcpReport> reports;
        std::vector<RtcpEvent> rtcp_events;
        std::string cname;
    };
    struct Live {
        Endpoint src, dst;
        std::uint64_t first_frame = 0;
        std::string_view sdp;  // that tells its payload types; empty if none
        std::uint32_t ssrc = 0;
        std::uint32_t call = none, flow = none;
        std::uint32_t next_in_flow = none, next_of_call = none;
        std::uint16_t line = 0;
        std::uint8_t payload_type = 0;
        bool by_caller = false, encrypted = false;
        First first;
        std::unique_ptr<Depth> depth;
    };
    struct Flow {
        Endpoint src, dst;
        std::uint32_t stream = none;  // the one that spoke last
        std::uint32_t first = none, count = 0;
    };

    const Options& options_;
    Calls& calls_;
    Legs& legs_;
    Counts& counts_;
    Sink& sink_;
};

}  // namespace sipana::analysis
