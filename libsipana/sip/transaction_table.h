// TransactionTable: where the transactions are kept and how messages find them (RFC 3261 17.1.3,
// 17.2.3, 8.2.2.2, 13.3.1.4). Internal to sip/transaction.
//
// Two ways lead to a transaction: its key (branch, sent-by, method) and, to those of a server, its
// origin (Call-ID, From tag, CSeq). Slots stay where they are and are used again.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/time.h"
#include "libsipana/sip/fingerprint.h"
#include "libsipana/sip/hop.h"
#include "libsipana/sip/message.h"
#include "libsipana/sip/timers.h"

namespace sipana::sip {

// What a transaction leaves undone on purpose.
struct TransactionOptions {
    bool no_retransmission = false;  // not by timer; timeouts stay
    bool no_ack = false;             // client INVITE: failures are not acknowledged
    bool no_trying = false;          // server INVITE: no 100 of its own
    bool no_repeat = false;  // server INVITE: a 2xx goes out as often as it is given; a proxy's,
                             // whose sender repeats it (16.7)
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
    // Client INVITE: the ACK of its failure. Server INVITE: the request, while a 100 may need it.
    std::shared_ptr<const std::string> beside;
    Duration interval{};  // until it goes out again
    Timers::Ticket again = 0, end = 0;
    std::uint32_t copies = 0;
    std::uint64_t other = 0;  // client INVITE: its CANCEL; CANCEL: its INVITE; repeat: its server
    std::uint64_t first_repeat = 0, next_repeat = 0;

    std::array<Fingerprint, 2> names{};  // by_key, by_origin
    std::array<bool, 2> linked{};
    std::uint32_t slot = 0, generation = 0;
};

class TransactionTable {
public:
    enum Way : std::size_t { by_key, by_origin };

    Transaction& add();
    void remove(Transaction& t);
    Transaction* find(std::uint64_t id);
    const Transaction* find(std::uint64_t id) const;
    Transaction& at(std::uint32_t slot) { return chunks_[slot / chunk][slot % chunk]; }
    const Transaction& at(std::uint32_t slot) const { return chunks_[slot / chunk][slot % chunk]; }
    std::size_t slots() const { return slots_; }
    std::size_t size() const { return slots_ - free_.size(); }

    void link(Transaction& t, Way way, const Fingerprint& name);
    // The newest of that name.
    Transaction* find(Way way, const Fingerprint& name);

private:
    static constexpr std::uint32_t none = UINT32_MAX;
    static constexpr std::size_t chunk = 256;
    // Of a slot, kept apart from it: a walk along a chain touches no slot but the right one.
    struct Link {
        std::uint32_t next = none;
        std::uint32_t mark = 0;  // of the name
    };
    static std::uint32_t mark_of(const Fingerprint& name) {
        return static_cast<std::uint32_t>(name.second);
    }
    std::uint32_t& head(Way way, const Fingerprint& name) {
        return heads_[way][name.first & (heads_[way].size() - 1)];
    }
    void grow(Way way);

    std::vector<std::unique_ptr<Transaction[]>> chunks_;
    std::size_t slots_ = 0;  // in use or free
    std::vector<std::uint32_t> free_;
    std::array<std::vector<std::uint32_t>, 2> heads_;
    std::array<std::vector<Link>, 2> links_;  // by slot
    std::array<std::size_t, 2> linked_{};
};

// What names transactions; `seed` begins each name. Where `method` is given it is the
// transaction's: INVITE for an ACK.
class TransactionNames {
public:
    explicit TransactionNames(std::uint64_t seed) : seed_(seed) {}

    // 17.1.3: of the request, or of a response to it. nullopt: it has no Via.
    std::optional<Fingerprint> client(const Message& message) const;
    // The same by what it is made of, where the branch begins with the magic cookie.
    Fingerprint client(std::string_view method, std::string_view branch) const;
    // 17.2.3: of a request; nullopt: it has no Via.
    std::optional<Fingerprint> server(const Message& request, std::string_view method) const;
    // Requests that are one request by several ways (8.2.2.2).
    Fingerprint twins(const Message& request) const;
    // A 2xx and its ACK (13.3.1.4).
    Fingerprint success(const Message& message) const;
    // The same by the name that its INVITE has among its twins.
    Fingerprint success(Fingerprint invite, std::string_view to_tag) const;

private:
    Fingerprint begin(std::uint64_t kind) const { return {seed_, kind}; }
    std::uint64_t seed_;
};

}  // namespace sipana::sip
