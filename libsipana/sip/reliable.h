// Reliable provisional responses (RFC 3262): the numbers of those who send them and of those who
// acknowledge them with PRACK. Repeating them is Transactions::respond_reliably.
//
// One object of either kind for each dialog that an INVITE makes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libsipana/sip/fields.h"
#include "libsipana/sip/message.h"

namespace sipana::sip {

// The server's numbers (3). `first` is from 1 to 2^31 - 1, by chance.
class ReliableSender {
public:
    explicit ReliableSender(std::uint32_t first = 1) : next_(first) {}

    // May another one be sent? Not before the first was acknowledged (3).
    bool ready() const { return !pending_; }
    // The RSeq of the next response to the INVITE of that CSeq number.
    std::uint32_t next(std::uint32_t invite_cseq);
    // 200: it acknowledges what waits; 481: nothing of the kind waits (3); 400: it has no RAck.
    int on_prack(const Message& prack);
    std::optional<std::uint32_t> pending() const { return pending_; }

private:
    std::uint32_t next_;
    std::uint32_t invite_ = 0;
    std::optional<std::uint32_t> pending_;
};

// The client's side of one dialog (4): which of what comes is new and in order.
class ReliableReceiver {
public:
    // The RAck of the PRACK that this response asks for; nullopt: it is not reliable, was there
    // before, or came out of order and has to come again.
    std::optional<std::string> on_provisional(const Message& response);
    std::optional<std::uint32_t> last() const { return last_; }

private:
    std::optional<std::uint32_t> last_;  // RSeq
    std::uint32_t invite_ = 0;           // CSeq
};

bool is_reliable_provisional(const Message& response);  // 101..199, Require: 100rel, RSeq

}  // namespace sipana::sip
