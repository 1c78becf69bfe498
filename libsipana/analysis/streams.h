// Streams: RTP and RTCP put under streams, and streams under the calls whose SDP announced them.
//
// One hash look-up a packet: the flow (source, destination) knows its streams (SSRCs). An address
// that an SDP claims makes its first packet a stream; anywhere else three packets in a row must
// agree first. Until its second packet a stream keeps no more than the first.
#pragma once

#include "libsipana/analysis/calls.h"
#include "libsipana/analysis/candidates.h"
#include "libsipana/analysis/chains.h"
#include "libsipana/analysis/claims.h"
#include "libsipana/analysis/legs.h"
#include "libsipana/analysis/payloads.h"
#include "libsipana/analysis/relayed.h"
#include "libsipana/analysis/reports.h"
#include "libsipana/analysis/secured.h"
#include "libsipana/analysis/stream_meter.h"
#include "libsipana/rtp/packet.h"

namespace sipana::analysis {

class Streams {
public:
    Streams(const Options& options, Legs& legs, Counts& counts, Sink& sink);

    // Of the flow from `src` to `dst`.
    static std::uint64_t hash_of_flow(const Endpoint& src, const Endpoint& dst) {
        return mix(hash(src), hash(dst) + 1);
    }
    // Asks for the memory that on_packet() will need, in three steps (0 to 2) some time apart.
    // `key` is the flow's hash.
    void fetch(const net::Datagram& datagram, std::uint64_t key, unsigned step) const;
    // The same for claim().
    void fetch_claims(std::span<const sdp::MediaAddress> media) const;
    // The same for release_claims().
    void fetch_claims_of(std::uint32_t call) const {
        claims_.of_call(call, [this](const Claims::Claim& c) { claims_.fetch_index(c.at, c.at); });
    }
    // The same for release() of a call, in two steps.
    void fetch_of(std::uint32_t call, unsigned step) const;
    // A datagram whose first two bits are 10. False: it is neither RTP nor RTCP.
    bool on_packet(const net::Datagram& datagram);
    // ZRTP or DTLS between two endpoints.
    void on_keys(const net::Datagram& datagram);
    // An SDP said where media is to be received. `sdp` lives as long as the call.
    void claim(std::uint32_t call, bool by_caller, std::string_view sdp,
               std::span<const sdp::MediaAddress> media, const Seen& seen);
    // An SDP announced T.38 (image) at the datagram's source or destination.
    bool is_fax(const net::Datagram& datagram) const;
    // Arrival of the call's last RTP packet; no_time if it has none.
    Time last_media(std::uint32_t call) const;
    // The call is over: its addresses may be claimed by others. Its streams go on being its own.
    void release_claims(std::uint32_t call) { claims_.release(call); }
    // Gives the call's streams to the model and forgets its claims.
    void release(std::uint32_t call, Call& into);
    // The call's streams as they stand now.
    void look(std::uint32_t call, Call& into, Detail detail) const;
    // The call of the last packet that on_packet() took; none: of no call. With Options::live.
    std::uint32_t last_call() const { return last_call_; }
    // Was the last packet that might be RTCP (by its second byte) that, and not encrypted?
    bool last_is_report() const { return last_is_report_; }
    // About how much memory streams take; those of no call can be handed on early, the least first.
    std::uint64_t bytes() const;
    std::size_t count() const { return streams_.count(); }
    std::uint32_t orphans() const { return orphans_; }
    // Gives up the so many streams of no call that have the fewest packets; those that are hardly begun are not
    // handed on, so that a flood of them costs little.
    std::uint32_t evict(std::uint32_t at_most);
    // Hands on the streams of no call that have been silent.
    void advance(Time now);
    void finish();

private:
    struct Live {
        Early first;
        Payload payload;  // of the first packet
        Announced by;
        std::uint32_t ssrc = 0, call = none, flow = none;
        std::uint32_t next_in_flow = none, next_of_call = none;
        bool from_caller = false;
        std::uint32_t counted = 0;           // bytes of its meter in meter_bytes_
        std::unique_ptr<StreamMeter> meter;  // from the second packet on
    };
    struct Flow {
        Address src_address, dst_address;
        std::uint16_t src_port = 0, dst_port = 0;
        std::uint32_t last = none;   // the stream that spoke last
        std::uint32_t first = none;  // all of them, chained
        std::uint32_t count = 0;
        Endpoint src() const { return {src_address, src_port}; }
        Endpoint dst() const { return {dst_address, dst_port}; }
    };

    bool accept(const net::Datagram& datagram, const rtp::Packet& packet, std::uint64_t hash);
    bool plausible(const net::Datagram& datagram, const rtp::Packet& packet, std::uint64_t hash,
                   const Early& early);
    std::uint32_t find_flow(const Endpoint& src, const Endpoint& dst, std::uint64_t hash) const;
    std::uint32_t open(const net::Datagram& datagram, std::uint32_t ssrc, std::uint64_t hash,
                       const Early& first);
    void attach(std::uint32_t stream, std::uint32_t claim, bool by_destination);
    bool has_most_streams(std::uint32_t call) const;
    void watch_orphan(std::uint32_t stream);
    void forget_orphan(std::uint32_t stream);
    void relearn(std::uint32_t stream);
    void learn(Live& stream, const Claims::Match& match);
    Claims::Claim line_of(std::uint32_t claim, std::uint8_t payload_type) const;
    void join_legs(std::uint32_t stream);
    void join_by_sound(std::uint32_t stream, const rtp::Packet& packet, Time at);
    void adopt(std::uint32_t call);

    void update(Live& stream, const rtp::Packet& packet, const net::Datagram& datagram);
    void check(Live& stream, const rtp::Packet& packet, const net::Datagram& datagram) const;
    bool unreadable(const net::Datagram& datagram);
    void begin_meter(Live& stream, Bytes payload);
    void weigh(Live& stream);
    void count(Live& stream, const Early& packet, Bytes payload);
    // What is known of the RTP that an RTCP datagram speaks of.
    struct Bearer {
        bool known = false, encrypted = false;
    };
    Bearer bearer_of(const net::Datagram& rtcp) const;
    bool on_rtcp(const net::Datagram& datagram);
    std::vector<Way> siblings_of(std::uint32_t stream) const;
    bool was_elsewhere(const Live& stream, Time since) const;

    void drop(std::uint32_t stream);
    void hand_on(std::uint32_t stream);
    void tell(std::uint32_t stream, Stream& into, Detail detail) const;
    void describe(std::uint32_t stream, Stream& into);
    std::uint32_t call_of_rtcp(const net::Datagram& datagram) const;
    static void describe_first(const Live& stream, Stream& into);
    static Time last_of(const Live& stream) {
        return stream.meter ? stream.meter->last_arrival() : stream.first.at;
    }

    // Streams of one call: packets of others are put down to nobody.
    static constexpr std::uint32_t most_streams_of_call = 4096;
    // Streams of one SSRC: so many are looked at, the newest first.
    static constexpr std::uint32_t most_same_ssrc = 64;
    static std::uint64_t hash_of_ssrc(std::uint32_t ssrc) { return mix(ssrc, 7); }

    Endpoint src_of(const Live& stream) const { return flows_[stream.flow].src(); }
    Endpoint dst_of(const Live& stream) const { return flows_[stream.flow].dst(); }

    const Options& options_;
    Legs& legs_;
    Counts& counts_;
    Sink& sink_;
    Claims claims_;
    Secured secured_;
    Pool<Flow> flows_;
    HashIndex by_addresses_;
    Pool<Live> streams_;
    Chains by_ssrc_;
    Relayed relayed_;
    struct OfCall {
        std::uint32_t first = none, last = none, count = 0;
    };
    std::vector<OfCall> of_call_;  // its streams, chained
    std::uint32_t orphans_ = 0;  // streams of no call
    Chains orphans_by_source_, orphans_by_destination_;
    Payloads payloads_;
    Candidates candidates_;
    std::uint32_t unreadable_ = 0;
    bool any_encrypted_ = false;  // some stream is, or may come to be
    Reports reports_;
    std::uint32_t last_call_ = none;
    bool last_is_report_ = false;
    std::uint64_t meter_bytes_ = 0;  // of meters, as they were when they began or at the last sweep
    Time next_sweep_ = Time::min();
};

}  // namespace sipana::analysis
