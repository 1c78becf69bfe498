// Channel: one leg of a call through the exchange, and where its dialplan stands. Internal to
// lab/exchange.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libsipana/lab/description.h"
#include "libsipana/lab/dialplan.h"
#include "libsipana/lab/media.h"
#include "libsipana/lab/sip_conf.h"
#include "libsipana/sip/dialog.h"
#include "libsipana/sip/transaction.h"

namespace sipana::lab {

using ChannelId = std::uint64_t;  // 0: none

// One m-line of a leg: our ports, and what was agreed.
struct MediaLeg {
    std::string kind;    // "audio", "video"
    Endpoint rtp, rtcp;  // ours; no port: none could be had
    Agreed agreed;
    std::unique_ptr<MediaSession> session;  // plays or echoes; empty while packets are relayed
    Time wake = no_time;                    // when the session wants to be woken
};

// Where a channel is in the dialplan.
struct PlanPlace {
    bool active = false;
    std::string context, extension;
    std::uint32_t priority = 1;
    std::uint32_t line = 0;  // of extensions.conf, for what the exchange says
    unsigned steps = 0;      // against loops
    std::map<std::string, std::string> variables;
};

// A Dial() that waits for one of its legs.
struct Dialling {
    std::vector<ChannelId> legs;  // still alive
    std::size_t tried = 0;
    bool go_on = false;  // option g
    unsigned busy = 0, congested = 0, unreachable = 0;
    bool early_media = false;  // a leg's 183 was passed on
};

// A REFER that was accepted: its subscription (RFC 3515 2.4.4).
struct Transferring {
    std::uint32_t cseq = 0;  // the event's id
    bool pending = false;    // no final NOTIFY yet
};

struct Channel {
    enum class State : std::uint8_t { down, ringing, up, ended };
    enum class Doing : std::uint8_t {
        nothing,
        waiting,
        dialling,
        playing,
        echoing,
        bridged,
        transferred,  // it transferred the other side away and has yet to hang up
    };

    ChannelId id = 0;
    std::string name;               // "SIP/alice-00000001"
    const SipPeer* peer = nullptr;  // nullptr: a guest
    bool incoming = false;
    State state = State::down;
    Doing doing = Doing::nothing;
    std::string context, caller_number, caller_name;
    int cause = 0;  // Q.850; 0: none given
    std::uint32_t max_forwards = 70;
    bool counted = false;  // against call-limit

    // Signalling.
    sip::Hop hop;
    sip::Transactions::Id invite = 0;  // the INVITE without final response; of either side
    sip::Transactions::Id served = 0;  // the last INVITE that came, answered or not
    std::string request;               // the INVITE as it came, or as it went out last
    std::string call_id, local_tag;
    std::string target;    // Request-URI of ours
    std::string own_user;  // of our Contact
    std::uint32_t cseq = 0;
    std::optional<sip::Dialog> dialog;
    sip::Transactions::Id reinvite = 0;   // of ours, pending
    bool challenged = false;              // the INVITE was tried with credentials
    bool acknowledged = true;             // no 2xx of ours waits for its ACK
    bool leaving = false;                 // hung up; CANCEL's or BYE's turn has yet to come
    std::uint32_t session_expires_s = 0;  // RFC 4028; 0: no timer
    Time session_ends = no_time;

    // Media.
    LocalSession local;
    std::vector<MediaLeg> media;  // by m-line of the first description
    std::string offered;          // their offer, not answered yet
    std::string described;        // our description that answers or offers
    bool negotiated = false;      // offer and answer are complete
    bool direct = false;          // its media goes to the other leg's phone

    // Who it belongs to.
    ChannelId parent = 0;  // whose Dial() made it
    ChannelId bridge = 0;  // whom it talks to
    PlanPlace plan;
    Dialling dial;
    Transferring transfer;
    Time wake = no_time;

    bool dead() const { return state == State::ended; }
    bool is_up() const { return state == State::up; }
};

// A final response: what a Q.850 cause becomes where the leg was never answered.
struct Refusal {
    int code = 0;
    std::string_view phrase;
};

}  // namespace sipana::lab
