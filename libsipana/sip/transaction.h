// Transactions of one SIP element (RFC 3261 17, as RFC 6026 corrects it): client and server, INVITE
// and not, over unreliable and reliable transports. No I/O and no clock.
//
// A message or the time goes in, an Event comes out; then poll() gives what is to be sent and
// poll_event() what ran out. Texts that must be repeated are kept once and shared. One object
// serves a phone as well as a load generator: nothing here costs more for many transactions alive.
//
//   client INVITE   calling --1xx--> proceeding --2xx--> accepted --M--> gone
//                                    (or calling) --3xx-6xx--> completed --D--> gone   makes the
//                                    ACK
//   client other    trying --1xx--> proceeding --final--> completed --K--> gone
//   server INVITE   proceeding --2xx--> accepted --L--> gone
//                   --3xx-6xx--> completed --ACK--> confirmed --I--> gone
//   server other    trying --1xx--> proceeding --final--> completed --J--> gone
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/time.h"
#include "libsipana/sip/hop.h"
#include "libsipana/sip/message.h"
#include "libsipana/sip/timers.h"
#include "libsipana/sip/transaction_table.h"

namespace sipana::sip {

// Table 4 of RFC 3261. A, E and G begin with T1; B, F, H, J, L and M are 64 times T1; I and K are
// T4; D, I, J and K are zero over a reliable transport.
struct Timing {
    Duration t1 = std::chrono::milliseconds{500};
    Duration t2 = std::chrono::seconds{4};
    Duration t4 = std::chrono::seconds{5};
    Duration d = std::chrono::seconds{32};
    Duration c = {};  // of a proxy: more than three minutes; zero: none
    // 17.2.1: an INVITE that its user has not answered by then is answered with 100; zero: never.
    Duration trying = std::chrono::milliseconds{200};
    Duration sixty_four() const { return 64 * t1; }
};

class Transactions {
public:
    using Id = std::uint64_t;  // never 0, never reused
    using Text = std::shared_ptr<const std::string>;
    using Options = TransactionOptions;

    enum class Kind : std::uint8_t {
        request,    // of the new server transaction `id`
        cancel,     // the new server transaction `id` wants `invite` ended; 0: there is none (481)
        ack,        // of the final response of server transaction `id`; 0: of a 2xx that is no
                    // longer repeated. `retransmission`: not the first
        response,   // of client transaction `id`; every 2xx of an INVITE, which its user must ACK
        absorbed,   // a retransmission, dealt with
        stray,      // a response that belongs to no transaction
        unusable,   // a request without a Via to answer to, or one too many (max_servers)
        timed_out,  // `id` got no answer: `timer` says which
        timer_c,    // `id` proceeds for too long (16.8): cancel it, or wait on
        unreachable,  // what `id` sent cannot get there (17.1.4, 17.2.4): it is gone
    };
    enum class Timer : std::uint8_t {
        none,
        b,          // INVITE without any response
        f,          // another request without final response
        h,          // a failure of an INVITE without ACK
        ack,        // a 2xx without ACK (13.3.1.4)
        prack,      // a reliable provisional response without PRACK (RFC 3262 3)
        cancelled,  // an INVITE without final response 64*T1 after its CANCEL (9.1)
    };
    struct Event {
        Kind kind = Kind::stray;
        Id id = 0;
        Id invite = 0;  // cancel: what is to end; response of a CANCEL: what was to end
        Id merged = 0;  // request: arrived already by another way as this one (8.2.2.2: 482)
        Timer timer = Timer::none;
        bool retransmission = false;
        Text request{};  // of a client that ends with this event: what it had sent
    };
    struct Output {
        Hop hop;
        Text text;
        Id id = 0;  // 0: of no transaction
        bool retransmission = false;
        std::uint32_t copy = 0;  // how many times this text went out before
    };

    // `seed` keeps strangers from choosing what collides; the same events come for every seed.
    explicit Transactions(Timing timing = {}, std::uint64_t seed = 0);

    // Starts a client transaction. 0: `text` has no branch or cannot be read, and was sent outside
    // any. The ACK to a 2xx goes by send().
    Id request(std::string text, const Hop& hop, Time now, Options options = {});
    // The same of a text that its writer knows: its topmost branch, which begins with the magic
    // cookie, and its method, which is not ACK. It is not read again.
    struct Named {
        std::string_view method, branch;
    };
    Id request(Text text, const Named& name, const Hop& hop, Time now, Options options = {});
    // CANCEL of that INVITE, made from it where `text` is empty: sent at once, or with the first
    // provisional response (9.1). 0: it has a final response already, or is no INVITE.
    Id cancel(Id invite, Time now, std::string text = {});

    // A response of the user. A 2xx to INVITE is repeated until its ACK. Each may be followed by
    // others as 17.2 allows; false: there is no such transaction, or it has its final response, or
    // it is none of an INVITE and 64*T1 old (RFC 4320 4.2).
    bool respond(Id server, std::string text, Time now);
    // The same of a text whose writer knows it: it has the status, this To tag, and all else as its
    // request has it.
    struct Answered {
        int status = 0;
        std::string_view to_tag;
    };
    bool respond(Id server, Text text, const Answered& as, Time now);
    // A provisional response that is repeated until stop_repeating (RFC 3262 3).
    bool respond_reliably(Id server, std::string text, Time now);
    // PRACK came, or BYE before the ACK: what is repeated, is so no longer.
    void stop_repeating(Id server);
    void stop_repeating_provisional(Id server);

    void send(std::string text, const Hop& hop);
    void set(Id id, Options options);
    void forget(Id id);  // at once and silently

    // `kept`: the message's text, where somebody keeps it already.
    Event on_message(const Message& message, const Hop& from, Time now, const Text& kept = {});
    // Nobody is there, or the connection broke: an event for each transaction that needs the way.
    void on_unreachable(const Hop& hop, Time now);
    void on_timer(Time now);
    std::optional<Event> poll_event();
    std::optional<Output> poll();
    // No earlier than needed: a deadline passes only for what still counts.
    std::optional<Time> deadline() const;

    // Of those alive each has another one; small, and used again when its transaction is gone.
    static std::uint32_t slot_of(Id id) { return static_cast<std::uint32_t>(id); }
    bool alive(Id id) const { return table_.find(id) != nullptr; }
    const Hop* hop(Id id) const;  // of a server transaction: where its responses go
    Text text(Id id) const;       // the request of a client that waits for its final response
    std::size_t size() const { return table_.size(); }
    // Those that still wait: clients for a final response, servers for their user or for ACK. The
    // others linger only to absorb what comes again.
    std::size_t waiting() const { return waiting_; }

    static constexpr std::size_t max_servers = 1u << 20;  // what strangers can make us keep

private:
    using State = Transaction::State;
    using Role = Transaction::Role;

    Event on_response(const Message& m, Time now);
    Event on_invite_response(Transaction& t, const Message& m, Time now);
    Event on_other_response(Transaction& t, const Message& m, Time now);
    Event on_ack(const Message& m, Time now);
    Event on_ack_of_failure(Transaction& t, Time now);
    Event on_ack_of_success(const Message& m);
    Event on_request_again(Transaction& t);
    Event on_new_request(const Message& m, const Fingerprint& name, const Hop& from, Time now,
                         const Text& kept);

    void start(Transaction& t, Time now);
    void send_cancel(Transaction& invite, Time now);
    void finish_invite(Transaction& t, const Message& response, Time now);
    Id begin_client(Text text, const Fingerprint& name, bool invite, const Hop& hop, Time now,
                    Options options);
    bool respond(Transaction& t, Text text, int status, const std::string_view* to_tag, Time now);
    bool repeat(Transaction& server, Text text, Time now);
    void repeat(Transaction& server, Text text, const Fingerprint& name, Time now);
    void end_repeats(Transaction& server, bool provisional_only);
    void respond_finally(Transaction& t, int status, Time now);
    void fire(Transaction& t, Timers::Ticket ticket, Time now);
    void fire_again(Transaction& t, Time now);
    void fire_end(Transaction& t, Time now);
    void send_trying(Transaction& t);

    void put(const Transaction& t, const Text& text, std::uint32_t copy);
    void again_after(Transaction& t, Time now, Duration delay);
    void end_after(Transaction& t, Time now, Duration delay);
    void linger(Transaction& t, State state, Time now, Duration delay);
    void waits(Transaction& t, bool waiting);
    void release(Transaction& t);
    void give_up(Transaction& t, Kind kind, Timer timer);
    bool counts(const Timers::Timer& timer) const;

    Timing timing_;
    TransactionTable table_;
    mutable Timers timers_;        // deadline() throws away what no longer counts
    std::vector<Output> outputs_;  // from next_output_ on
    std::size_t next_output_ = 0;
    std::deque<Event> events_;
    Message scratch_;
    TransactionNames names_;
    std::size_t waiting_ = 0, servers_ = 0;
};

}  // namespace sipana::sip
