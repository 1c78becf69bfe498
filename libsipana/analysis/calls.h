// Calls: SIP messages put under calls and transactions, and the outcome (RFC 3261 12, 13, 15, 17).
//
// What is kept of a call while it is alive is small (LiveCall): how it stands, and for each transaction
// which messages were seen. The rest (dialogs, offers and answers, findings) is told from the messages
// when the call is handed on (analysis/history), and only with Detail::full.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <initializer_list>

#include "libsipana/analysis/analyzer.h"
#include "libsipana/analysis/facts.h"
#include "libsipana/analysis/table.h"

namespace sipana::analysis {

// Where a message was seen.
struct Seen {
    std::uint64_t frame = 0;
    Time time{};
    Endpoint src, dst;
    Transport transport = Transport::udp;
    bool stable = false;   // the text lives as long as the input
};

// The kind of what a method begins, or belongs to.
CallKind kind_of(sip::Method method);

// A transaction while its call lives: enough to tell retransmissions and the outcome.
struct LiveTransaction {
    std::uint64_t key = 0;  // branch, or RFC 2543's substitutes (17.2.3), with CSeq and method
    std::uint32_t branch = 0;  // hashed: a CANCEL shares it with its INVITE
    std::uint32_t cseq = 0;
    // The last messages seen, hashed to know them again (0: none), and when each was seen last, in steps
    // of 4 ms of capture time. The first two places are for requests, then four for responses, two for ACKs.
    std::uint32_t hashes[8] = {};
    std::uint16_t seen_at[8] = {};
    std::uint16_t final_code = 0;
    sip::Method method = sip::Method::other;
    bool from_caller = true;
    bool sent_again = false;  // the request
    bool acked = false;  // INVITE: the ACK of its final response passed here or further on
    bool asked() const { return hashes[0] != 0; }     // the request itself was seen
    bool answered() const { return hashes[2] != 0; }  // with any response
};

// Words of a call's messages that are told when it is over, packed into one block: looking back at the
// messages themselves would read the whole capture twice.
class Words {
public:
    enum Which : std::uint8_t {
        call_id, from_display, from_uri, to_display, to_uri, request_uri, caller_agent, event, contact,  // of the first
        reason = 0, callee_agent, reason_header  // of the final response and what ended the call
    };
    static constexpr std::size_t longest = 7000;  // of one word: the rest is cut

    void keep(std::initializer_list<std::string_view> words);  // in the order of Which; replaces the former
    std::string_view operator[](Which which) const {
        const std::size_t begin = which == 0 ? 0 : ends_[which - 1u];
        return {block_.get() + begin, ends_[which] - begin};
    }
    void fetch() const { prefetch(block_.get(), ends_[count - 1]); }
    bool empty() const { return ends_[count - 1] == 0; }
    bool has_only_first() const { return ends_[count - 1] == ends_[0]; }
    Words copy() const {
        Words words;
        const std::size_t size = ends_[count - 1];
        if (size != 0) {
            words.block_ = std::make_unique<char[]>(size);
            std::memcpy(words.block_.get(), block_.get(), size);
        }
        std::copy(std::begin(ends_), std::end(ends_), std::begin(words.ends_));
        return words;
    }
    // Gives the block away: views of words stay valid with their new owner.
    std::pair<std::unique_ptr<char[]>, std::size_t> take() { return {std::move(block_), ends_[count - 1]}; }

private:
    static constexpr std::size_t count = 9;
    std::unique_ptr<char[]> block_;
    std::uint16_t ends_[count] = {};
};

struct LiveCall {
    std::uint64_t number = 0, hash = 0;
    std::uint32_t caller_tag = 0, answered_tag = 0;  // tags, hashed; 0: none
    std::uint32_t other_tag = 0;  // of a second 2xx, from another branch of a fork (13.2.2.4)
    Words first, final;  // `first` has the Call-ID from the beginning
    Endpoint caller, callee;
    Time start{}, last{};
    Time ringing_at = no_time, answered_at = no_time, final_at = no_time, ended_at = no_time;
    std::uint32_t attempt = none;       // transaction of the initial request that counts
    std::uint32_t attempt_cseq = 0;
    std::uint32_t dropped_transactions = 0;
    std::uint32_t bytes = 0;            // of memory, as counted last; with Options::live
    std::uint32_t message_count = 0, retransmissions = 0, expires_s = 0;
    std::uint32_t asked_expires = unsaid;  // register: by the last request
    std::uint16_t final_code = 0, challenges = 0;
    CallKind kind = CallKind::other;
    CallState state = CallState::trying;
    Ended ended = Ended::unknown;
    Transport transport = Transport::udp;
    sip::Method method = sip::Method::other;  // of the initial request
    bool first_is_request = false, cancelled = false, over = false;
    bool waiting = false, lingering = false;  // stands in that queue
    bool final_is_nearest = false;  // the final code was heard by the caller itself, not further on
    bool granted = false;           // register, subscribe: a 2xx said so
    bool asked = false;             // the initial request itself was seen
    bool credentials = false;       // the last try had some
    bool referring = false;         // a REFER was accepted, whose NOTIFYs may still come (RFC 3515 2.4.4)
    std::vector<LiveTransaction> transactions;
    struct More {
        TextStore texts;  // that lie in no mapped file
        std::vector<SipMessage> messages;
        std::vector<Finding> findings;
        std::vector<std::pair<std::uint32_t, Lacks>> lacking;  // messages, by index, that were cut
        std::vector<Leg> legs;  // call_id views `texts`
    };
    std::unique_ptr<More> more;  // with Detail::full always, else where there is any
    More& extra() {
        if (!more) more = std::make_unique<More>();
        return *more;
    }

    static constexpr std::uint32_t unsaid = 0xffffffffu;
    std::string_view call_id() const { return first[Words::call_id]; }
};

// What place() found out about a message.
struct Placed {
    std::uint32_t call = none;     // number in the pool; none: no Call-ID
    bool is_new_call = false;
    bool late = false;             // of a call that was handed on already
    bool ended_call = false;       // with this message the call is over, until a further try
    bool sent_by_caller = true;    // the message itself, not its transaction
    SipMessage record;             // its text is kept if the call keeps it, else the caller's
};

class Calls {
public:
    // Who is asked and told when a call is over.
    class Owner {
    public:
        virtual ~Owner() = default;
        virtual void on_over(std::uint32_t call) = 0;  // the LiveCall is gone afterwards
        virtual void on_evicted(std::uint32_t call) = 0;  // the same, but nobody is told
        virtual Time last_media(std::uint32_t call) const = 0;  // its last RTP packet, or no_time
        // Asks for the memory of its streams, in two steps (0, 1) some time apart.
        virtual void fetch_media(std::uint32_t call, unsigned step) const = 0;
    };

    Calls(const Options& options, Owner& owner);

    // Puts a message under its call. Capture time moves on: calls whose linger is over are handed on.
    Placed place(const sip::Message& message, const Facts& facts, const Seen& seen);
    // Asks for the memory that placing a message will need, in three steps (0 to 2) some time apart.
    // `key` is Facts::call.
    void fetch(std::uint64_t key, unsigned step) const;
    // Lets capture time move on without a message.
    void advance(Time now);
    void finish();

    LiveCall& operator[](std::uint32_t call) { return pool_[call]; }
    const LiveCall& operator[](std::uint32_t call) const { return pool_[call]; }
    bool alive(std::uint32_t call) const { return pool_.alive(call); }
    std::uint32_t count() const { return pool_.count(); }  // of those alive
    // A call whose Call-ID may be the one with that hash; none if there is none.
    std::uint32_t peek(std::uint64_t key) const { return by_id_.peek(key); }
    // The call of that Call-ID; none if it is not alive.
    std::uint32_t find(std::string_view call_id) const;
    // Keeps text for as long as the call lives; stable text stays where it is.
    static std::string_view keep(LiveCall& call, std::string_view text, bool stable);
    Time now() const { return now_; }
    // The rest is of Options::live. About how much memory calls take.
    std::uint64_t bytes() const { return bytes_; }
    // What the call takes has changed.
    void weigh(std::uint32_t call);
    // Forgets the oldest call or request that nobody has answered, without handing it on: a flood of them
    // costs as little as can be. False: there is none.
    bool evict_attempt();
    bool evict_oldest();  // hands it on

private:
    // The Call-ID of a call that was handed on, hashed: what is retransmitted later makes no new call.
    struct Grave {
        std::uint64_t hash = 0;
        Time until{};
    };
    bool is_late(const sip::Message& message, const Facts& facts) const;
    struct Due {
        Time at;
        std::uint32_t call;
        std::uint64_t number;
    };
    std::uint32_t open(std::string_view call_id, const sip::Message& message, const Facts& facts,
                       const Seen& seen);
    std::uint32_t transaction_of(LiveCall& call, const Facts& facts, bool from_caller);
    bool repeated(LiveTransaction& transaction, const Facts& facts, const Seen& seen, SipMessage& record);
    void on_request(LiveCall& call, const sip::Message& message, const Facts& facts, const Seen& seen,
                    const SipMessage& record, bool from_caller);
    void begin(LiveCall& call, const sip::Message& message, const Facts& facts, const Seen& seen,
               bool& from_caller);
    void on_try(LiveCall& call, const sip::Message& message, const SipMessage& record);
    void on_bye(LiveCall& call, const sip::Message& message, Time now, bool from_caller);
    void on_notify(LiveCall& call, const sip::Message& message);
    void on_response(LiveCall& call, const sip::Message& message, const Seen& seen,
                     const SipMessage& record, bool to_caller);
    void on_other_response(LiveCall& call, const SipMessage& record, bool to_caller);
    void on_final(LiveCall& call, const sip::Message& message, const Seen& seen);
    void on_granted(LiveCall& call, const sip::Message& message);
    bool expects_more(const LiveCall& call) const;
    Duration wait_of(const LiveCall& call) const;
    void queue_if_over(std::uint32_t call);
    void drain(std::deque<Due>& queue);
    void fetch_end(std::uint32_t call, unsigned step) const;
    void hand_on_all(const std::vector<std::pair<std::uint64_t, std::uint32_t>>& calls);
    void sweep();
    void forget_gone();
    Duration patience(const LiveCall& call) const;
    void hand_on(std::uint32_t call);
    void forget_answered();
    void bury(std::uint64_t hash);
    void bury(const LiveCall& call);
    void forget(std::uint32_t call);

    const Options& options_;
    Owner& owner_;
    Pool<LiveCall> pool_;
    HashIndex by_id_;
    std::deque<Grave> graves_;             // in order of time
    HashIndex buried_;
    std::deque<Due> lingering_, waiting_;  // over; over unless more follows
    std::deque<std::pair<std::uint32_t, std::uint64_t>> oldest_;  // in order of number
    std::deque<std::pair<std::uint32_t, std::uint64_t>> attempts_;  // those that nobody had answered, likewise
    std::uint64_t bytes_ = 0;
    Time now_{Time::min()}, next_sweep_{Time::min()};
    std::uint64_t next_number_ = 1;
};

}  // namespace sipana::analysis
