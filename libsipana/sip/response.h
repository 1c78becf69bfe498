// Responses that a user agent makes of a request (RFC 3261 8.2.6).
#pragma once

#include <string>
#include <string_view>

#include "libsipana/sip/builder.h"
#include "libsipana/sip/hop.h"
#include "libsipana/sip/message.h"

namespace sipana::sip {

// A Via with what its receiver has to say (18.2.1, RFC 3581 4): rport where it was asked for, and
// then received too; else received where the sender is not at sent-by.
std::string marked_via(std::string_view value, const Hop& from);

// Via, From, To, Call-ID and CSeq of the request, Timestamp, and Record-Route where the response
// may make a dialog (12.1.1). `to_tag` is added to a To that has none, but not in a 100. An empty
// `reason` gives the registered phrase, or that of the code's class (8.1.3.2). What the request
// lacks is lacking in the response too.
Builder response_to(const Message& request, int status, std::string_view reason = {},
                    std::string_view to_tag = {});
// The same; the topmost Via says where the request came from (18.2.1, RFC 3581 4).
Builder response_to(const Message& request, const Hop& from, int status,
                    std::string_view reason = {}, std::string_view to_tag = {});

}  // namespace sipana::sip
