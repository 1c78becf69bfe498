// TransactionTable: where the transactions are kept and how messages find them (RFC 3261 17.1.3,
// 17.2.3, 8.2.2.2, 13.3.1.4). Internal to sip/transaction.
//
// Two ways lead to a transaction: its key (branch, sent-by, method) and, to those of a server, its
// origin (Call-ID, From tag, CSeq number). Slots stay where they are and are used again, with the
// memory of their strings.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/time.h"
#include "libsipana/sip/hop.h"
#include "libsipana/sip/message.h"
#include "libsipana/sip/timers.h"

namespace sipana::sip {

// What a transaction leaves undone on purpose.
struct TransactionOptions {
    bool no_retransmission = false;  // not by timer; timeouts stay
    bool no_ack = false;             // client INVITE: failures are not acknowledged
    bool no_trying = false;          // server INVITE: no 100 of its own
};

struct Transaction {
    enum class Role : std::uint8_t {
        client,
        server,
        repeat,  // one response of a server that is repeated until it is acknowledged
    };
    enum class State : std::uint8_t {
        unsent,   // a CANCEL that waits for a provisional response
        calling,  // of other methods: trying
        proceeding,
        completed,
        confirmed,
        accepted,
        acknowledged,  // a repeat
    };

    std::uint64_t id = 0;  // 0: the slot is free
    Role role = Role::client;
    State state = State::calling;
    bool invite = false, cancelled = false, waiting = false, reliable_provisional = false;
    TransactionOptions options;
    Hop hop;
    std::shared_ptr<const std::string> text;  // client: the request; server: the last response
    std::shared_ptr<const std::string> ack;   // client INVITE: of its failure
    std::string request;                      // server INVITE: until a 100 needs it no longer
    Duration interval{};                      // until it goes out again
    Timers::Ticket again = 0, end = 0;
    std::uint32_t copies = 0;
    std::uint64_t other = 0;  // client INVITE: its CANCEL; CANCEL: its INVITE; repeat: its server
    std::uint64_t first_repeat = 0, next_repeat = 0;

    std::string key, origin;  // of a repeat, key is the To tag
    std::array<std::uint64_t, 2> hash{};
    std::array<std::uint32_t, 2> next{};
    std::array<bool, 2> linked{};
    std::uint32_t slot = 0, generation = 0;
};

class TransactionTable {
public:
    enum Way : std::size_t { by_key, by_origin };

    explicit TransactionTable(std::uint64_t seed) : seed_(seed) {}

    Transaction& add();
    void remove(Transaction& t);
    Transaction* find(std::uint64_t id);
    const Transaction* find(std::uint64_t id) const;
    Transaction& at(std::uint32_t slot) { return slots_[slot]; }
    const Transaction& at(std::uint32_t slot) const { return slots_[slot]; }
    std::size_t slots() const { return slots_.size(); }
    std::size_t size() const { return slots_.size() - free_.size(); }

    // Files `t` under its key or origin; the newest is found first.
    void link(Transaction& t, Way way);
    // The first one filed under `text` that `fits`.
    template <typename Fits>
    Transaction* find(Way way, std::string_view text, Fits fits) {
        if (heads_[way].empty()) return nullptr;
        const std::uint64_t hash = hash_of(text);
        for (std::uint32_t at = heads_[way][hash & (heads_[way].size() - 1)]; at != none;
             at = slots_[at].next[way]) {
            Transaction& t = slots_[at];
            if (t.hash[way] == hash && filed_as(t, way) == text && fits(t)) return &t;
        }
        return nullptr;
    }

private:
    static constexpr std::uint32_t none = UINT32_MAX;
    static std::string_view filed_as(const Transaction& t, Way way) {
        return way == by_key ? t.key : t.origin;
    }
    std::uint64_t hash_of(std::string_view text) const;
    void grow(Way way);

    std::uint64_t seed_;
    std::deque<Transaction> slots_;
    std::vector<std::uint32_t> free_;
    std::array<std::vector<std::uint32_t>, 2> heads_;
    std::array<std::size_t, 2> linked_{};
};

// What a client's responses (17.1.3) and a server's requests (17.2.3) are found by; `method` that
// of the transaction: INVITE for an ACK. Replaces `out`. False: the request has no Via.
bool client_key(const Message& message, std::string& out);
bool server_key(const Message& request, std::string_view method, std::string& out);
bool is_of_method(const Transaction& server, std::string_view method);  // by its server_key
// Call-ID, From tag and CSeq number of a request, or of the response to it.
void origin_key(const Message& message, std::string& out);

}  // namespace sipana::sip
