// Conversation: what a phone knows of one Call-ID (RFC 3261 8, 12): dialogs, what it asked, what it
// owes an answer, its session.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/lab/node.h"
#include "libsipana/lab/script.h"
#include "libsipana/lab/upkeep.h"
#include "libsipana/sip/dialog.h"
#include "libsipana/sip/message.h"
#include "libsipana/sip/reliable.h"
#include "libsipana/sip/transaction.h"

namespace sipana::lab {

class Director;
class PhoneSession;

// What our phones understand, as their Allow says.
inline constexpr std::string_view phone_allows =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE, REFER, NOTIFY, SUBSCRIBE, MESSAGE";

// Someone at the other end: a server, or another phone of the script.
struct Party {
    std::string name;
    std::string host;  // as URIs name it: "192.168.1.153", "atlanta.example.com:5080"
    std::string user;  // of a phone
    std::string aor;   // of a phone: "sip:bob@biloxi.example.com"
    Endpoint at;
    Transport transport = Transport::udp;
};

class Directory {
public:
    void add(Party peer) { peers_.push_back(std::move(peer)); }
    const Party* by_name(std::string_view name) const;
    const Party* by_endpoint(
        const Endpoint& endpoint) const;  // its port too, else the address alone
    std::deque<Party>& peers() { return peers_; }

private:
    std::deque<Party> peers_;
};

bool is_uri(std::string_view text);
std::string uri_of(std::string_view user, std::string_view host);  // "sip:900@example.com"
// Where a request goes that a line sends to `peer`: "900", "sip:900@example.com", a phone's name;
// empty: to the peer itself.
std::string target_uri(const Directory& directory, const Party& peer, const std::string& target);

// Fills in the {names} of a text.
using Fill = std::function<std::string(std::string_view)>;

// Of one realm the strongest challenge, the newest (RFC 3261 22, RFC 8760).
struct Challenge {
    std::string value, realm;
    std::uint32_t count = 0;  // requests that answered this nonce
};

// A message that was heard, once for all who keep it.
struct Letter {
    std::string text;
    sip::Message message;  // views text
};
std::shared_ptr<const Letter> letter_of(const sip::Message& message);

// A request that was sent.
struct Asked {
    sip::Transactions::Id id = 0;
    std::string method;
    sip::Transactions::Text text;
    bool as_built = false;  // no word of it is the script's own
    bool begins = false;    // a dialog: From is that of the conversation
    std::uint32_t cseq = 0;
    std::size_t step = SIZE_MAX;  // of the part; SIZE_MAX: housekeeping
    int status = 0;               // the last one heard
    bool finished = false;
    bool cancelled = false;
    bool acks_itself = true, pracks_itself = true, answers_challenges = true;
    bool tries_again = true;          // after 412, 422 and 423, with what these ask for
    bool refreshes = false;           // a phone's own, of what it keeps up
    std::uint32_t tries = 0;          // this is so many tries after the first
    std::vector<std::string> realms;  // whose challenges were answered, each time
    bool wrong_password = false, stale_nonce = false;
    // Of each dialog, by its tag: the reliable provisional responses (RFC 3262 4).
    std::vector<std::pair<std::string, sip::ReliableReceiver>> reliable;
    std::string rack;             // what acknowledges the last of them
    sip::Transactions::Text ack;  // that of a 2xx, sent again with each repetition (13.2.2.4)
    sip::Hop ack_hop;
    std::string ack_tag;   // whose 2xx it answered; others are of other forks
    bool offered = false;  // it carried our offer
};

// A request that was heard and has no final response yet (or an INVITE whose 2xx has no ACK).
struct Owed {
    explicit Owed(std::shared_ptr<const Letter> heard)
        : letter(std::move(heard)), message(letter->message) {}

    sip::Transactions::Id id = 0;
    std::shared_ptr<const Letter> letter;
    const sip::Message& message;
    sip::Hop hop;  // that it came by
    std::string to_tag;
    bool answered = false;
    bool acked = false;
    std::optional<sip::ReliableSender> reliable;  // of its provisional responses (RFC 3262 3)
    bool reliably_described = false;              // one that waits for PRACK has a description
    std::uint32_t provisional = 0;                // the last code
    std::size_t step = SIZE_MAX;                  // that expected it

    // RFC 3262 3: no second reliable response before the PRACK of the first, and no 2xx while one
    // with a description waits for it.
    bool wants_reliable() const;  // the INVITE requires it (4)
    bool waits_for_prack(int code, bool reliably) const;
};

struct Conversation {
    std::uint64_t number = 0;  // at its phone
    std::string call_id, local_tag;
    std::string local, remote;       // From and To of a first request, without tags
    std::string phone, peer, label;  // of the script
    Director* director = nullptr;
    std::size_t part = 0;
    bool incoming = false;
    std::uint32_t cseq = 0;
    sip::Hop hop;  // where the last request came from or went
    // Lists: what they hold stays where it is, and an empty one costs nothing.
    std::list<sip::Dialog> dialogs;
    std::list<Asked> asked;
    std::vector<std::unique_ptr<Owed>> owed;
    std::vector<Challenge> challenges, proxy_challenges;  // one a realm
    std::string registered_uri;                           // a REGISTER's Request-URI
    std::shared_ptr<PhoneSession> session;                // of an INVITE dialog
    std::uint64_t session_place = 0;                      // among the phone's sessions
    bool ended = false;                                   // BYE, a final failure, or 481
    std::unique_ptr<Upkeep> upkeep;                       // nullptr: nothing is kept up

    sip::Dialog* live_dialog();
    sip::Dialog* confirmed_dialog();
    bool has_invite() const;  // it is, or was to be, a call
    Asked* pending_invite();
    // Did the last such request end in a way that another try follows (challenged, 422, 423, ...)?
    bool tries_again(std::string_view method) const;
    Asked* asked_as(sip::Transactions::Id id);
    Owed* owed_by(sip::Transactions::Id id);
    Owed* owed_for(std::string_view method);  // the oldest unanswered; empty: of any method but ACK
    Owed* accepted_invite();                  // the newest that has its 2xx
};

// A message that a phone heard, or what came instead of one.
struct Arrival {
    enum class Kind : std::uint8_t { message, timed_out, unreachable } kind = Kind::message;
    Arrival();  // of no message
    explicit Arrival(std::shared_ptr<const Letter> heard)
        : letter(std::move(heard)), message(letter->message) {}

    std::shared_ptr<const Letter> letter;
    const sip::Message& message;  // empty where none came
    Conversation* conversation = nullptr;
    sip::Transactions::Id transaction = 0;
    std::string method;               // of the request that it is or answers
    std::size_t asked_by = SIZE_MAX;  // the step whose request it answers
    Time at{};
    bool taken = false;  // an expectation was met by it
    int refusal = 200;   // of a PRACK: what its answer is (RFC 3262 3)
};

// Who decides what a phone does beyond its housekeeping: lab/play.
class Director {
public:
    virtual ~Director() = default;
    std::vector<Conversation*> conversations;  // of all its phones, as they began
    // Will the script itself do something about this? Then the phone leaves it alone.
    virtual bool wants(const Conversation& conversation, const Arrival& arrival) = 0;
    virtual void on_arrival(std::unique_ptr<Arrival> arrival, Time now) = 0;
    // The housekeeping found something wrong: a final failure that nobody spoke of.
    virtual void on_failure(const Conversation& conversation, std::size_t step, std::string why,
                            Time now) = 0;
    // A request of that step has its final response.
    virtual void on_finished(std::size_t part, std::size_t step, Time now) = 0;
    // A program has sent that step's message.
    virtual void on_sent(std::size_t part, std::size_t step, Time now) = 0;
    // The request (status 0) or response of that transaction was heard once more.
    virtual void on_again(sip::Transactions::Id id, int status, Time now) = 0;
    virtual void on_prack(Time now) = 0;  // a response need no longer wait for it
};

}  // namespace sipana::lab
