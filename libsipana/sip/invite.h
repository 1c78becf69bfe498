// The two requests that are made of an INVITE itself: ACK to a failure and CANCEL.
#pragma once

#include <string>

#include "libsipana/base/result.h"
#include "libsipana/sip/message.h"

namespace sipana::sip {

// ACK to a final response of 300 to 699 (RFC 3261 17.1.1.3): the INVITE's topmost Via, and To as
// the response has it. ACK to a 2xx is the dialog's (13.2.2.4).
Result<std::string> ack_of_failure(const Message& invite, const Message& response);

// CANCEL (9.1) of any request that the caller has sent.
Result<std::string> cancel_of(const Message& request);

}  // namespace sipana::sip
