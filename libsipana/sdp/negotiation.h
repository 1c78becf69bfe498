// Offer and answer (RFC 3264): what each side proposed for each media line, and what is in force.
//
// A Negotiation is fed the descriptions of one dialog in order; the caller knows from the SIP
// message which is an offer and which an answer (RFC 3261 13.2.1, RFC 6337). It keeps the ledger:
// one Exchange an offer, with the answer once it came. It holds text of its own, so bodies need not
// outlive the call. A forked INVITE is one Negotiation a dialog, each begun as a copy of the one
// that holds the offer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/finding.h"
#include "libsipana/base/time.h"
#include "libsipana/sdp/attributes.h"
#include "libsipana/sdp/codec.h"

namespace sipana::sdp {

struct Session;  // sdp/session.h

enum class Side : std::uint8_t { caller, callee };  // of the dialog: who sent the first INVITE

// One side's words about one m-line.
struct MediaOffer {
    Endpoint rtp;   // port 0: refused or withdrawn (RFC 3264 6)
    Endpoint rtcp;  // a=rtcp, or the port above, or rtp itself with rtcp-mux
    bool rtcp_mux = false;
    Direction direction = Direction::sendrecv;
    bool on_hold = false;  // sendonly/inactive, or c=0.0.0.0 (RFC 3264 8.4)
    std::vector<Codec> codecs;
    std::optional<std::uint32_t> ptime_ms;
    std::string setup, fingerprint;       // DTLS-SRTP; fingerprint is "sha-256 AB:CD:..."
    std::vector<std::string> crypto;      // SDES suites by name; keys are never kept
    std::vector<std::string> candidates;  // ICE, as "host udp 192.0.2.1:5000"
};

// One m-line through one exchange.
struct MediaLine {
    std::uint32_t index = 0;  // position among the m-lines
    std::string media;        // "audio", "video", "image", ...
    std::string protocol;     // "RTP/AVP", "UDP/TLS/RTP/SAVPF", "udptl", ...
    std::string mid;
    std::string bundle;  // the group's tag line if this line is bundled, e.g. "0 1"
    MediaOffer offer;
    std::optional<MediaOffer> answer;
    // In force once answered (RFC 3264 6.1, 7): codecs both can use in the answer's order, and each
    // way's direction as the caller sees it.
    std::vector<Codec> agreed;
    Direction direction = Direction::inactive;  // seen from the caller
    bool refused = false;                       // answered with port 0
};

enum class Outcome : std::uint8_t {
    pending,   // no answer (yet)
    answered,  // final: in force
    early,     // answered in an unreliable or early provisional response; may still change
    refused,   // the request that carried the offer failed: what was in force before stays
    withdrawn  // the dialog ended, or the offer was cancelled
};
std::string_view to_string(Outcome outcome);

struct Exchange {
    Side offerer = Side::caller;
    std::uint32_t offer_message = 0;  // the caller's index of the message
    std::optional<std::uint32_t> answer_message;
    Time offered_at{}, answered_at = no_time;
    Time in_force_until = no_time;  // no_time: to the end of the call
    Outcome outcome = Outcome::pending;
    bool delayed = false;  // the INVITE had no offer (RFC 3261 13.2.1)
    std::vector<MediaLine> media;
    std::string
        session_version_note;  // what changed in o= and whether it should (RFC 3264 8), if odd
};

// What Negotiation keeps at most: later exchanges push out the second oldest, later findings are
// dropped.
inline constexpr std::size_t max_exchanges = 256;
inline constexpr std::size_t max_negotiation_findings = 256;

class Negotiation {
public:
    // The same description again while it is pending is one exchange: a retransmission, or a
    // request tried again after a challenge (401 and 407 need no refuse()). `delayed`: the INVITE
    // had no offer.
    void offer(Side side, const Session& session, Time now, std::uint32_t message,
               bool delayed = false);
    // `early`: in a provisional response that is not reliable, or before the final response. An
    // answer may come several times (18x, then 2xx): the first counts, and a final one confirms it
    // (RFC 3261 13.2.1).
    void answer(Side side, const Session& session, Time now, std::uint32_t message,
                bool early = false);
    // A final 3xx-6xx to the request with the pending offer; where both sides have one,
    // `offerer`'s.
    void refuse(Time now, std::optional<Side> offerer = std::nullopt);
    void withdraw(Time now);     // CANCEL, BYE or the dialog's end
    bool offer_pending() const;  // no answer yet, or one that may still change
    // Is that the offer which is pending, said again?
    bool repeats(Side side, const Session& session) const;
    // Were the same descriptions offered and answered, whatever o= says?
    bool same_words(const Negotiation& other) const;
    Side offerer() const;  // of the last offer
    // The exchange in force, if any answer came. After the end: the one that was in force until
    // then.
    const Exchange* in_force() const;

    const std::vector<Exchange>& ledger() const { return ledger_; }
    // What RFC 3264 forbids (m-lines removed, reordered, an answer's codec not offered, ...);
    // `frame` is left 0 for the caller to fill in from `byte`, which holds the message index given
    // above.
    const std::vector<Finding>& findings() const { return findings_; }

private:
    // What is remembered of an exchange beside what it shows.
    struct Record {
        std::uint64_t offered = 0, answered = 0;  // the descriptions without o=, hashed; 0: none
        std::string timing;                       // t=, which the answer repeats (RFC 3264 6)
        std::vector<Endpoint> rtcp_without_mux;   // of each m-line offered
    };
    // What one side's payload types of one m-line have stood for so far.
    struct Bound {
        std::string media;
        std::vector<Codec> codecs;
    };
    // The last description of one side.
    struct Spoken {
        std::string origin;         // o=; empty: nothing said yet
        std::uint64_t content = 0;  // the rest, hashed
        std::vector<Bound> bound;   // by m-line
    };

    std::optional<std::size_t> open_exchange(Side answerer) const;
    void answer_again(const Session& session, std::uint64_t content, Side side,
                      std::uint32_t message);
    void settle(std::size_t index, const Session& session, std::uint32_t message);
    void bring_into_force(std::size_t index, Time now);
    void end_early(std::size_t index, Outcome outcome, Time now);
    void make_room(std::uint32_t message);
    std::string check_origin(Side side, const Session& session, std::uint64_t content,
                             std::uint32_t message);
    void check_bindings(Side side, const Session& session, std::uint32_t message);
    void check_offer(const Exchange& offered, std::uint32_t message);
    void add(std::string_view rule, std::uint32_t message, std::string text);

    std::vector<Exchange> ledger_;
    std::vector<Record> records_;  // beside ledger_
    std::vector<Finding> findings_;
    Spoken spoken_[2];  // by side
    std::optional<std::size_t> in_force_;
};

}  // namespace sipana::sdp
