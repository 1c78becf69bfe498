// Claims: which call has announced an address for its media, and under which m-line (RFC 3264 5, 6).
//
// An address may be claimed by several calls, one after the other or by two legs at once: the latest claim
// is tried first, and the call that also claims the other end wins.
#pragma once

#include <span>

#include "libsipana/analysis/calls.h"
#include "libsipana/analysis/table.h"
#include "libsipana/sdp/media_address.h"

namespace sipana::analysis {

class Claims {
public:
    struct Claim {
        Endpoint at;
        std::string_view sdp;  // lives as long as the call
        std::uint32_t call = none, older = none, newer = none, next_of_call = none;
        sdp::PayloadTypes formats;    // that the m-line names
        std::uint16_t line = 0;       // m-line index
        bool by_caller = true;        // the caller receives here
        bool encrypted = false, keys = false, fax = false, video = false;
        std::uint32_t signalled_to = 0;  // who got the SDP
        Time said{};  // when that was
    };
    // What the claims say of a packet from `src` to `dst`.
    struct Match {
        std::uint32_t claim = none;    // number for operator[]; none: nobody claims either address
        bool by_destination = true;    // the claim is the destination's, otherwise the source's
    };

    // Adds the addresses of an SDP. Other calls that claim one of them by an SDP that the sender of this
    // one got just before are told to `rival`: it passes the SDP on. Private addresses and ports used again
    // are claimed by strangers, too.
    template <typename Rival>
    void add(std::uint32_t call, bool by_caller, std::string_view sdp, std::span<const sdp::MediaAddress> media,
             const Seen& seen, Rival rival);
    void release(std::uint32_t call);

    Match match(const Endpoint& src, const Endpoint& dst) const;
    // Ask for the memory that match() will need, the one some time before the other.
    void fetch_index(const Endpoint& src, const Endpoint& dst) const;
    void fetch(const Endpoint& src, const Endpoint& dst) const;
    // The latest claim on an address; none if there is none.
    std::uint32_t latest(const Endpoint& at) const;
    bool is_fax(const Endpoint& at) const;
    // Does the m-line name that payload type?
    static bool names(const Claim& claim, std::uint8_t payload_type) {
        return payload_type < claim.formats.size() && claim.formats.test(payload_type);
    }
    bool any_encrypted() const { return any_encrypted_; }  // has any been, so far
    // The claim as another m-line of its SDP makes it.
    static Claim on_line(const Claim& claim, std::uint16_t line, const sdp::MediaAddress& media);
    const Claim& operator[](std::uint32_t claim) const { return pool_[claim]; }
    // Calls visit(const Claim&) for each claim of a call.
    template <typename Visit>
    void of_call(std::uint32_t call, Visit visit) const {
        if (call >= heads_.size()) return;
        for (std::uint32_t i = heads_[call]; i != none; i = pool_[i].next_of_call) visit(pool_[i]);
    }

private:
    static constexpr unsigned most_rivals = 16;     // claims on one address that are looked at
    static constexpr Duration passed_on_within = std::chrono::seconds{5};
    // An end of the signalling, hashed: a host, or where both ends are on one, the port too.
    static std::uint32_t party(const Endpoint& end, const Seen& seen) {
        const bool one_host = seen.src.address == seen.dst.address;
        return static_cast<std::uint32_t>(one_host ? hash(end) : hash(end.address));
    }
    void claim(std::uint32_t call, bool by_caller, std::string_view sdp, std::uint16_t line,
               const sdp::MediaAddress& media, const Seen& seen);

    void add_candidates(std::uint32_t call, bool by_caller, std::string_view sdp,
                        std::span<const sdp::MediaAddress> media, const Seen& seen);

    Pool<Claim> pool_;
    HashIndex by_address_;               // the latest claim on each address
    std::vector<std::uint32_t> heads_;   // first claim, by call
    bool any_encrypted_ = false;
};

template <typename Rival>
void Claims::add(std::uint32_t call, bool by_caller, std::string_view sdp,
                 std::span<const sdp::MediaAddress> media, const Seen& seen, Rival rival) {
    const std::uint32_t sender = party(seen.src, seen);
    for (std::uint16_t line = 0; line < media.size(); ++line) {
        const Endpoint& at = media[line].rtp;
        if (at.port == 0 || at.address.is_unspecified()) continue;
        unsigned looked = 0;
        for (std::uint32_t i = latest(at); i != none && looked < most_rivals; i = pool_[i].older, ++looked)
            if (pool_[i].call != call && pool_[i].signalled_to == sender &&
                seen.time - pool_[i].said <= passed_on_within) {
                rival(pool_[i].call, at);
                break;
            }
        claim(call, by_caller, sdp, line, media[line], seen);
    }
    for (const sdp::MediaAddress& m : media)
        if (m.ice) return add_candidates(call, by_caller, sdp, media, seen);
}

}  // namespace sipana::analysis
