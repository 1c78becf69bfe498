// sip.conf: what the exchange knows of itself and of its peers, as chan_sip reads it.
//
// The subset that a lab needs. Keys that have no effect here are noted with file:line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/lab/asterisk.h"
#include "libsipana/sdp/codec.h"

namespace sipana::lab {

// A codec that allow= names.
struct AllowedCodec {
    std::string_view name;  // "ulaw"
    bool video = false;
    sdp::Codec codec;
};
// nullptr: none of that name.
const AllowedCodec* allowed_codec(std::string_view name);

enum class DtmfMode : std::uint8_t { rfc2833, info, inband };
enum class SessionTimers : std::uint8_t { accept, originate, refuse };

// What [general] sets for every peer, and a peer for itself.
struct PeerDefaults {
    std::string context = "default";
    std::vector<const AllowedCodec*> codecs;  // in order of preference
    bool video = false;                       // videosupport
    bool direct_media = true;                 // directmedia, canreinvite
    bool allow_subscribe = true, allow_transfer = true, allow_overlap = false;
    DtmfMode dtmf = DtmfMode::rfc2833;
    SessionTimers session_timers = SessionTimers::accept;
    std::uint32_t session_expires_s = 1800, min_se_s = 90;  // RFC 4028
    std::string subscribe_context, message_context;
};

struct SipPeer : PeerDefaults {
    std::uint32_t line = 0;
    std::string name;
    bool is_peer = true, is_user = true;  // type: peer can be called, user may call, friend both
    std::string secret, md5_secret;       // md5: H(A1) in hex. Never shown
    std::string auth_user;                // defaultuser, username: what we call ourselves there
    std::string from_user, from_domain, mailbox;
    bool dynamic = false;  // host=dynamic: it registers
    std::string host;      // else where it is
    std::uint16_t port = 0;
    std::string caller_name, caller_number;  // callerid="Name" <number>
    bool insecure_port = false, insecure_invite = false;
    std::uint64_t call_groups = 0, pickup_groups = 0;            // a bit a group, 0 to 63
    std::uint32_t call_limit = 0;                                // 0: none
    std::vector<std::pair<std::string, std::string>> variables;  // setvar
};

// register => user[@domain][:secret[:authuser]]@host[:port][/extension][~expiry]
struct Registration {
    std::uint32_t line = 0;
    std::string user, domain, secret, auth_user;
    std::string host;
    std::uint16_t port = 0;
    std::string extension = "s";
    std::uint32_t expires_s = 120;
};

struct SipSettings : PeerDefaults {
    std::string realm = "asterisk";
    bool allow_guest = true, always_auth_reject = true, pedantic = true;
    bool accept_messages = true, authenticate_messages = true;  // out of calls
    bool authenticate_options = false;
    std::uint32_t min_expires_s = 60, max_expires_s = 3600, default_expires_s = 120;
    std::uint32_t min_subscription_s = 60;
    std::uint16_t bind_port = 5060;
    std::vector<std::string> domains;  // domain=; empty: every one is ours
    std::vector<SipPeer> peers;
    std::vector<Registration> registrations;

    const SipPeer* peer(std::string_view name) const;
};

inline constexpr std::size_t max_peers = 2000;
inline constexpr std::size_t max_registrations = 100;
inline constexpr std::size_t max_codecs_a_peer = 64;

// Notes go into `file`.
Result<SipSettings> read_sip_conf(ConfigFile& file);

}  // namespace sipana::lab
