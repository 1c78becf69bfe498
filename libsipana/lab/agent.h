// Agent: a phone, that is a SIP user agent without I/O (RFC 3261 8 to 15): it sends what a Director
// tells it to and does the rest of a phone's work by itself.
//
// That work: transactions and their repetitions, ACK, PRACK, answers to challenges (RFC 3261 22),
// 200 to BYE, OPTIONS, NOTIFY, INFO and CANCEL (with the 487 that goes with it), 481 to what
// belongs to no dialog, 500 to what comes too late (12.2.2), offers and answers (RFC 3264), media.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "libsipana/base/random.h"
#include "libsipana/lab/conversation.h"
#include "libsipana/lab/phone_session.h"
#include "libsipana/sip/builder.h"
#include "libsipana/sip/identifiers.h"

namespace sipana::lab {

class Agent : public Node {
public:
    // Finds who a message of an unknown Call-ID is for; a conversation without director is answered
    // by housekeeping alone.
    using Casting = std::function<bool(Agent&, Conversation&, const Arrival&)>;

    struct Setting {
        const PhoneLine* line = nullptr;
        std::size_t phone = 0;  // in Script::phones
        Endpoint at;            // port 0: any
        Address media_address;  // empty: that of the signalling
        const Directory* directory = nullptr;
        Ports* ports = nullptr;
        MediaStore* store = nullptr;
        std::uint64_t seed = 1;
        sip::Timing timing;
        MediaSettings media;
        std::string folder;
        std::optional<Endpoint> parked;  // PhoneSession
        bool shares_ports = false;       // all its calls' media go through SharedPorts
    };
    explicit Agent(const Setting& setting);
    ~Agent() override;

    Status open();  // its port, through Ports
    const Endpoint& endpoint() const { return endpoint_; }
    std::size_t phone() const { return setting_.phone; }
    const PhoneLine& line() const { return line_; }
    const std::string& aor() const { return aor_; }
    const std::string& contact() const { return contact_; }
    void cast_by(Casting casting) { casting_ = std::move(casting); }
    sip::Transactions& transactions() { return transactions_; }

    // ---- for the Director
    Conversation& begin(Director& director, std::size_t part, std::string peer, std::string label);
    // The conversation that a request of this kind belongs to; nullptr: to a new one.
    Conversation* find(const Director& director, std::size_t part, std::string_view method,
                       std::string_view peer, std::string_view label, bool outside);
    Owed* find_owed(const Director& director, std::size_t part, std::string_view method,
                    std::string_view peer, std::string_view label, Conversation*& conversation);
    // An INVITE that was accepted already: another fork may answer it too (13.3.1.4).
    Owed* find_accepted(const Director& director, std::size_t part, std::string_view peer,
                        std::string_view label, Conversation*& conversation);
    struct Told {  // how the script's step wants it
        const Send* send = nullptr;
        std::size_t step = SIZE_MAX;
        bool acks_itself = true, pracks_itself = true, answers_challenges = true;
        bool tries_again = true;  // after 412, 422 and 423
        bool no_ack = false;      // nor by its transaction
        std::string_view note;
        const Fill* fill = nullptr;
    };
    Status request(Conversation& c, const Request& what, const Told& told, Time now);
    Status respond(Conversation& c, Owed& owed, const Response& what, const Told& told, Time now);
    Status raw(Conversation& c, const std::string& text, bool is_template, const Told& told,
               Time now);
    // Sends what a phone owes to a request that the script left to it.
    // `ends_invite`: a CANCEL's INVITE gets its 487 as well.
    void keep_house(Conversation& c, const Arrival& arrival, Time now, bool ends_invite = true);
    // Ends whatever is open in the director's conversations, politely.
    void hang_up(const Director& director, Time now);
    void forget(Director& director);  // its conversations end here; late messages find nobody
    // The same of those that came to a good end and have no media; of each it is kept for a while
    // what its repetitions need (13.2.2.4, 17): until forget_past(), which lets those go that ended
    // by then.
    void leave(Director& director, Time now);
    void forget_past(Time ended_by);
    bool idle() const;  // nothing is being repeated or waited for

    PhoneSession* session_of(Conversation& c) const { return c.session.get(); }
    Status play(Conversation& c, const MediaStep& media, Time now);
    void stop(Conversation& c, bool video, Time now);

    // ---- Node
    std::string_view name() const override { return line_.name; }
    void on_packet(const Packet& packet, Time now) override;
    void on_unreachable(const Endpoint& local, const Endpoint& remote, Transport transport,
                        Time now) override;
    void on_timer(Time now) override;
    std::optional<Time> deadline() const override;
    std::optional<Packet> poll() override;

    std::uint64_t malformed() const { return malformed_; }
    const std::string& first_malformed() const { return first_malformed_; }  // whose, and why
    std::uint64_t retransmissions() const { return retransmissions_; }       // sent
    Director* director_of(std::string_view call_id) const;
    // "alice/consult" and its Call-ID, for each of the director's.
    std::vector<std::pair<std::string, std::string>> calls_of(const Director& director) const;

private:
    struct Outgoing {
        sip::Hop hop;
        std::string text;
        std::string note;
        sip::Transactions::Text shared;  // in place of text
    };
    struct Whose {  // a transaction is
        sip::Transactions::Id id = 0;
        Conversation* conversation = nullptr;
        std::uint64_t past = 0;  // in place of a conversation: its number; 0: none
    };
    struct Past {  // what is left of a conversation
        Time ended{};
        std::size_t call = 0;  // hash of its Call-ID
        std::array<sip::Transactions::Id, 4> ids{};
        sip::Transactions::Text ack;
        sip::Hop ack_hop;
        std::string ack_tag;
    };
    struct Spoiled {  // Faults of one transaction's transmissions
        Faults faults;
        std::uint32_t sent = 0;
    };
    struct Late {
        Time at{};
        std::uint64_t order = 0;
        Outgoing packet;
        bool operator<(const Late& other) const {
            return at != other.at ? at > other.at : order > other.order;
        }
    };

    struct Due {
        Time at{};
        std::uint64_t conversation = 0;  // its number; of a session: its place
        bool operator<(const Due& other) const {
            return at != other.at ? at > other.at : conversation > other.conversation;
        }
    };

    struct SessionPlace {  // of a conversation with media
        std::uint64_t place = 0;
        Conversation* conversation = nullptr;
        PhoneSession* session = nullptr;  // the conversation's
        Time due = no_time;               // when it is to be woken, as it is queued
        bool ready = false;               // it may have something to send
    };

    // agent_request.cpp
    Status address(Conversation& c, const Request& what, const Told& told);
    sip::Builder begun(Conversation& c, const Request& what, const Told& told);
    std::string direct_uri(const Party& peer) const;
    void describe_request(Conversation& c, sip::Builder& b, std::string_view method,
                          const Told& told, Time now);
    void apply(sip::Builder& b, const Told& told) const;
    // A phone's answers to the challenges that it knows, right or as `asked` has it.
    Status authorize(Conversation& c, sip::Builder& b, Asked& asked);
    Status send_request(Conversation& c, sip::Builder& b, Asked asked, const Told& told, Time now);
    void begin_asked(Conversation& c, Asked asked, const Told& told);
    Status cancel(Conversation& c, Asked& invite, const Told& told, Time now);
    void send_ack(Conversation& c, Asked& invite, sip::Dialog& dialog, const Told& told, Time now);
    sip::Hop hop_to(std::string_view uri, const Conversation& c) const;

    // agent_response.cpp
    void dress(Conversation& c, Owed& owed, int code, sip::Builder& b, const Told& told, Time now);
    void dress_with_timer(Conversation& c, const sip::Message& request, int code, sip::Builder& b,
                          Time now);
    void follow_own_response(Conversation& c, Owed& owed, int code, std::string_view tag,
                             const std::optional<sip::CSeq>& sent, Time now);
    void end_dialog(Conversation& c, std::string_view local_tag, std::string_view remote_tag,
                    Time now);
    void end_dialogs(Conversation& c, Time now);
    int honour_replaces(Conversation& c, const sip::Message& invite, Conversation*& replaced);
    void end_replaced(Conversation& replaced, Time now);
    Status quick_response(Conversation& c, Owed& owed, int code, Time now);

    // agent_upkeep.cpp
    std::string_view setting_named(std::string_view name, std::string_view otherwise = {}) const;
    std::optional<sip::SessionTimer::Settings> timer_settings() const;
    Upkeep& upkeep(Conversation& c);
    sip::SessionTimer* session_timer(Conversation& c);
    void upkeep_changed(Conversation& c);
    void stop_upkeep(Conversation& c);
    void keep_up(Time now);
    void refresh_session(Conversation& c, Time now);
    void give_up_session(Conversation& c, Time now);
    void refresh_failed(Conversation& c, const Asked& asked, int status, Time now);
    bool interval_too_small(Conversation& c, const sip::Message& request);
    void refresh_state(Conversation& c, Time now);
    bool keep_up_with(Conversation& c, Asked& asked, const sip::Message& message, Time now);
    bool keep_state(Conversation& c, Asked& asked, sip::SoftState::Kind kind,
                    const sip::Message& message, Time now);

    // agent.cpp
    void write_names();
    void on_sip(const Packet& packet, Time now);
    void drain_events(Time now);
    void on_event(const sip::Transactions::Event& event, const sip::Message& message,
                  const sip::Hop& hop, Time now);
    void on_again(const sip::Transactions::Event& event, const sip::Message& message, Time now);

    // agent_heard.cpp
    void on_request(const sip::Transactions::Event& event, const sip::Message& message,
                    const sip::Hop& hop, Time now);
    bool accept_in_dialog(Conversation& c, Owed& owed, const sip::Transactions::Event& event,
                          bool wanted, Time now);
    bool subscribed_by(Conversation& c, const sip::Message& notify);
    void follow_notify(Conversation& c, const sip::Message& notify, Time now);
    int take_prack(Conversation& c, const sip::Message& prack);
    void on_ack(const sip::Transactions::Event& event, const sip::Message& message, Time now);

    // agent_picture.cpp
    void ask_key_frame(Conversation& c, Time now);
    void heed_media_control(Conversation& c, const sip::Message& info);

    // agent_answered.cpp
    void on_response(const sip::Transactions::Event& event, const sip::Message& message, Time now);
    void on_lost(const sip::Transactions::Event& event, Conversation* c, Time now);
    using Changes = std::vector<std::pair<std::string, std::string>>;  // an empty value: without it
    bool again_reliably(const Asked& asked, const sip::Message& message);
    bool take_challenges(Conversation& c, const Asked& asked, const sip::Message& message);
    void take_next_nonce(Conversation& c, const sip::Message& message);
    bool resend(Conversation& c, Asked& asked, const Changes& changes, Time now);
    void follow_dialog(Conversation& c, Asked& asked, const sip::Message& message, Time now);
    void follow_answer(Conversation& c, std::string_view method, const sip::Message& message,
                       Time now);
    void acknowledge_provisional(Conversation& c, Asked& asked, sip::Dialog& dialog,
                                 const sip::Message& message, Time now);
    Asked* asked(sip::Transactions::Id id, Conversation*& conversation);
    Conversation* known(std::string_view call_id) const;
    const std::shared_ptr<const Letter>& letter();
    std::unique_ptr<Arrival> arrival_of(Conversation& c, sip::Transactions::Id id, Time now);
    void own(sip::Transactions::Id id, Conversation* c, std::uint64_t past = 0);
    Whose whose(sip::Transactions::Id id) const;
    // agent_past.cpp
    bool settled(const Conversation& c) const;
    bool ended_lately(std::string_view call_id) const;
    void on_late_response(const Past& past, const sip::Message& message, Time now);
    bool spoil(const sip::Transactions::Output& output);

    // agent_sessions.cpp
    void write_session_setting();
    PhoneSession& session(Conversation& c);
    void session_changed(Conversation& c);
    void session_changed(SessionPlace& at);
    void wake_sessions(Time now);
    SessionPlace* session_at(std::uint64_t place);
    void take_place(Conversation& c);
    void leave_place(Conversation& c);
    void end_session(Conversation& c, Time now);

    Setting setting_;
    ParkedWords parked_words_;
    PhoneLine line_;
    const Directory& directory_;
    sip::Identifiers identifiers_;
    Endpoint endpoint_;
    std::string aor_, contact_, via_;  // as they stand in messages
    sip::Transactions transactions_;
    Casting casting_;
    // Before the conversations, whose sessions tell it of their ports to their end.
    std::unordered_map<Endpoint, std::uint64_t, EndpointHash> ports_;
    std::unique_ptr<SharedPorts> shared_ports_;
    std::unique_ptr<PhoneSession::Setting> session_setting_;
    std::unordered_map<std::string_view, std::unique_ptr<Conversation>> conversations_;
    // A place is an index and, above it, a number of its own.
    std::vector<SessionPlace> sessions_;
    std::vector<std::uint32_t> free_sessions_;
    std::priority_queue<Due> dues_;  // of sessions; those that changed since are passed over
    std::optional<sip::SessionTimer::Settings> timer_;  // where the phone knows session timers
    std::unordered_map<std::uint64_t, Conversation*> kept_up_;  // those with upkeep
    std::priority_queue<Due> upkeep_dues_;
    bool refreshing_ = false;  // the request being made is a refresh
    std::deque<std::uint64_t> ready_;
    std::uint64_t conversation_count_ = 0;
    sip::Message message_;                  // the one being read
    std::shared_ptr<const Letter> letter_;  // the same, where somebody keeps it
    Time now_{};
    std::vector<Whose> of_;  // by the transaction's slot
    std::deque<Past> past_;  // from number first_past_ on
    std::uint64_t first_past_ = 1;
    mutable std::string hop_uri_;  // the last that named an address, and which
    mutable Endpoint hop_remote_;
    std::map<sip::Transactions::Id, Spoiled> spoiled_;
    std::map<sip::Transactions::Id, std::string> notes_;
    std::deque<Outgoing> outgoing_;
    std::priority_queue<Late> late_;
    std::uint64_t late_count_ = 0;
    Outgoing current_;
    std::string first_malformed_;
    std::uint64_t malformed_ = 0, retransmissions_ = 0;
};

// RFC 6665 4.1.3
bool ends_subscription(const sip::Message& notify);

}  // namespace sipana::lab
