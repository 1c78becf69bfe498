// Facts: what the trackers ask of every SIP message, told once, while the message is at hand.
//
// Most are hashes: they say which call, transaction and side a message belongs to without a second look
// at its text. Views look into the message's text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "libsipana/sdp/media_address.h"
#include "libsipana/sip/message.h"

namespace sipana::analysis {

// What was not captured of a message.
enum class Lacks : std::uint8_t { nothing, end_of_body, end_of_head };

// A user part that calls are matched by, as legs.h says; empty if there is none.
struct Number {
    std::string_view user;
    std::uint64_t hash = 0;
};

// What a From or To value names; empty where it cannot be read.
struct Named {
    std::string_view display, uri;
};

struct Facts {
    std::string_view call_id;
    sip::CSeq cseq;            // number 0 and the message's own method where it cannot be read
    std::uint64_t call = 0;    // the Call-ID
    std::uint64_t branch = 0;  // which client transaction: the branch, or RFC 2543's substitutes (17.2.3)
    std::uint32_t from_tag = 0, to_tag = 0;  // 0: none
    // What tells it from the other messages of its kind in its transaction, beside who sends it: of
    // a response the code, To tag, RSeq and body's size, of an ACK the branch and To tag.
    std::uint64_t version = 0;
    std::string_view sdp;  // the session description in its body
    bool has_sdp = false;
    std::uint32_t first_media = 0, media_count = 0;  // of the SDP, in the list given to facts_of()
    Named from, to;  // of a request without a To tag
    // Of such an INVITE:
    Number target, called, calling;   // of the Request-URI, To and From
    bool may_name_a_leg = false;      // a Replaces, Join, Session-ID or X- field is there
};

Named named(const std::optional<std::string_view>& name_addr);
// The number in a From, To or Refer-To value.
Number number_of(const std::optional<std::string_view>& name_addr);
// The hash that Facts gives a tag.
std::uint32_t hash_of_tag(std::string_view tag);

// Appends the SDP's addresses to `media`.
Facts facts_of(const sip::Message& message, std::vector<sdp::MediaAddress>& media);

}  // namespace sipana::analysis
