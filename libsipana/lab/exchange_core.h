// ExchangeCore: what lab/exchange is made of. Internal to lab/exchange*.cpp, one noun a source:
// exchange (dispatch), exchange_answers (responses and checks), exchange_registrar, exchange_peers,
// exchange_calls (INVITE both ways), exchange_plan (applications), exchange_dial, exchange_bridge
// (two legs), exchange_transfer (REFER, Replaces), exchange_media (ports and relay),
// exchange_services (OPTIONS, MESSAGE, SUBSCRIBE, PUBLISH).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libsipana/base/random.h"
#include "libsipana/lab/channel.h"
#include "libsipana/lab/exchange.h"
#include "libsipana/lab/registrar.h"
#include "libsipana/sip/digest.h"
#include "libsipana/sip/identifiers.h"

namespace sipana::lab {

// A request that came in, on its way through the exchange.
struct Incoming {
    const sip::Message& message;
    sip::Hop from;
    sip::Transactions::Id id = 0;
    Time now{};
    bool merged = false;
};

class ExchangeCore {
public:
    using Id = sip::Transactions::Id;
    using Fields = std::vector<std::pair<std::string, std::string>>;

    ExchangeCore(Node& node, ExchangeSettings settings, SipSettings sip, Dialplan plan);

    Status start(Ports& ports, Time now);
    void on_packet(const Packet& packet, Time now);
    void on_unreachable(const sip::Hop& hop, Time now);
    void on_timer(Time now);
    std::optional<Time> deadline() const;
    std::optional<Packet> poll();

    void note(std::string text);
    std::vector<std::string> notes;
    ExchangeSettings settings;
    std::size_t channel_count() const { return channels_.size(); }
    bool registered() const;

private:
    // What a client transaction of ours was for.
    struct Sent {
        enum class For : std::uint8_t { invite, reinvite, bye, registration, other } what;
        ChannelId channel = 0;
        std::size_t registration = 0;
    };
    enum class Admission : std::uint8_t { allowed, answered };
    struct Trunk {  // one register => line
        std::string call_id, tag;
        std::uint32_t cseq = 0;
        unsigned tries = 0;
        bool accepted = false, challenged = false;
        Time again = no_time;
    };
    struct MediaPlace {
        ChannelId channel = 0;
        std::size_t line = 0;
        bool rtcp = false;
    };
    struct Datagram {
        Endpoint src, dst;
        Content content = Content::rtp;
        Buffer bytes;
    };

    friend struct Applications;

    // exchange.cpp
    void on_sip(const Packet& packet, Time now);
    void on_event(const sip::Transactions::Event& event, const sip::Message* message,
                  const sip::Hop& from, Time now);
    void on_request(const Incoming& in);
    void on_outside(const Incoming& in);
    void on_inside(const Incoming& in, Channel& c);
    void on_response(Id id, const sip::Message& m, Time now);
    void on_lost(Id id, Time now);  // timed out or unreachable
    void on_cancel(const Incoming& in, Id invite);
    void on_ack(const sip::Message& m, Time now);
    Channel* find(ChannelId id);
    Channel* find(const sip::Message& in_dialog);
    Channel* find(const sip::DialogName& name);
    Channel& make_channel(const SipPeer* peer, bool incoming);
    void sweep();
    void wake_at(Channel& c, Time at);

    // exchange_answers.cpp
    sip::Builder response(const sip::Message& request, const sip::Hop& from, int status,
                          std::string_view reason, std::string_view tag);
    void answer(const Incoming& in, int status, std::string_view reason, const Fields& more = {});
    void respond(const sip::Message& request, Id id, const sip::Builder& b, Time now);
    bool refuse_malformed(const Incoming& in);
    bool refuse_requirements(const Incoming& in);
    std::string contact_of(const sip::Hop& hop, std::string_view user) const;
    void add_abilities(sip::Builder& b) const;
    Id send_request(const sip::Builder& wanted, const sip::Hop& hop, std::uint32_t max_forwards,
                    Time now, Sent what);
    std::string with_via(const sip::Builder& wanted, const sip::Hop& hop,
                         std::uint32_t max_forwards);
    sip::Hop hop_of(const sip::Dialog& dialog, const sip::Hop& otherwise) const;
    Id send_in_dialog(Channel& c, std::string_view method, const Fields& more,
                      std::string_view type, std::string_view body, Time now, Sent::For what);
    void send_ack(const sip::Dialog& dialog, const sip::Hop& otherwise, std::uint32_t cseq,
                  std::string_view body);

    // exchange_peers.cpp
    const PeerDefaults& how(const SipPeer* peer) const;
    const SipPeer* peer_of(const sip::Message& m, const sip::Hop& from, Time now) const;
    const SipPeer* peer_at(const sip::Hop& from, Time now) const;
    Admission authenticate(const Incoming& in, const SipPeer* peer);
    void challenge(const Incoming& in, bool stale);
    std::vector<std::pair<std::string, sip::Hop>> ways_to(const SipPeer& peer, Time now) const;
    std::pair<std::string, std::string> credentials_for(const sip::Message& response,
                                                        std::string_view method,
                                                        std::string_view uri, std::string_view user,
                                                        std::string_view secret);

    // exchange_registrar.cpp
    void on_register(const Incoming& in);
    void register_there(std::size_t index, Time now, const sip::Message* challenged);
    void on_registered(std::size_t index, const sip::Message* response, Time now);

    // exchange_services.cpp
    bool find_extension(const Incoming& in, const std::string& context, bool overlap,
                        std::string& extension);
    void on_options(const Incoming& in);
    void on_message(const Incoming& in);
    void on_subscribe(const Incoming& in);
    void accept_subscription(const Incoming& in, std::string_view package,
                             std::string_view extension, std::uint32_t expires);
    void on_publish(const Incoming& in);
    void on_notify(const Incoming& in);

    // exchange_calls.cpp
    void on_invite(const Incoming& in);
    Channel& begin_incoming(const Incoming& in, const SipPeer* peer, std::string offer,
                            std::string_view extension);
    void count(Channel& c, bool begins);
    bool accept_timer(const Incoming& in, const PeerDefaults& ways, std::uint32_t& seconds);
    bool accept_offer(const Incoming& in, const PeerDefaults& ways, std::string& offer);
    void respond_call(Channel& c, int status, std::string_view reason, const Fields& more,
                      std::string_view sdp, Time now);
    void provisional(Channel& c, int status, std::string_view reason, bool with_media, Time now);
    void answer_call(Channel& c, Time now);
    Fields session_fields(Channel& c, Time now);
    void refuse_call(Channel& c, int status, std::string_view reason, const Fields& more, Time now);
    void hang_up(Channel& c, int cause, Time now);
    void leave(Channel& c, Time now);
    void end(Channel& c, Time now);
    void on_bye(const Incoming& in, Channel& c);
    void on_reinvite(const Incoming& in, Channel& c);
    void on_reinvite_response(Channel& c, const sip::Message& m, Time now);

    // exchange_plan.cpp
    void enter(Channel& c, std::string_view context, std::string_view extension,
               std::uint32_t priority);
    void run(Channel& c, Time now);
    bool execute(Channel& c, const Application& app, const std::string& arguments, Time now);
    void fall_through(Channel& c, Time now);
    void on_wake(Channel& c, Time now);
    std::optional<std::string> variable(const Channel& c, std::string_view name) const;
    bool go_to(Channel& c, std::string_view place);
    void set_variable(Channel& c, std::string_view assignment);

    // exchange_dial.cpp
    bool dial(Channel& c, std::string_view arguments, Time now);
    void end_dial(Channel& c, std::string_view status);
    void dial_target(Channel& c, std::string_view target, Time now);
    bool call_out(Channel& c, const SipPeer& peer, std::string_view uri, const sip::Hop& hop,
                  Time now);
    void send_invite(Channel& leg, const std::string& field, const std::string& value, Time now);
    void on_invite_response(Channel& leg, const sip::Message& m, Time now);
    void on_progress(Channel& leg, const sip::Message& m, Time now);
    void on_answered(Channel& leg, const sip::Message& m, Time now);
    void on_refused(Channel& leg, int status, const sip::Message* m, Time now);
    void redirect(Channel& c, const Channel& leg, const sip::Message& m, Time now);
    void stop_dialling(Channel& c, ChannelId but, Time now);
    void dial_over(Channel& c, std::string_view status, Time now);

    // exchange_bridge.cpp
    void join(Channel& a, Channel& b, Time now);
    void part(Channel& c);
    void come_back(Channel& c, Time now);
    void other_gone(Channel& c, Time now);
    void on_info(const Incoming& in, Channel& c);
    void pick_up(Channel& c, Time now);
    void take_ringing(Channel& c, Channel& caller, Time now);

    // exchange_transfer.cpp
    void on_refer(const Incoming& in, Channel& c);
    void notify_transfer(Channel& c, int status, std::string_view reason, Time now);
    void release(Channel& c, Time now);
    void transfer_blind(Channel& c, std::string_view extension, Time now);
    void transfer_attended(Channel& c, std::string_view replaces, Time now);
    void take_over(Channel& c, std::string_view replaces, Time now);

    // exchange_media.cpp
    std::vector<MediaWish> wishes_of(const PeerDefaults& ways) const;
    bool has_common(std::string_view offer, const PeerDefaults& ways) const;
    std::vector<MediaWish> wishes_for(Channel& c, const SipPeer& peer) const;
    void restrict_to(Channel& c, Channel& other);
    bool describe_answer(Channel& c, Time now);
    std::string describe_offer(Channel& c);
    bool settle_answer(Channel& c, std::string_view text, Time now);
    void agree(Channel& c, const std::vector<Agreed>& lines, Time now);
    void open_media(Channel& c, std::vector<MediaWish> wishes, const Address& address);
    Endpoint open_pair(const Address& address);
    void close_media(Channel& c, Time now);
    void close_ports();
    void go_direct(Channel& c, Time now);
    void point_at(Channel& c, Channel* other, Time now);
    void play(Channel& c, bool echo, double hertz, Time now);
    void hush(Channel& c, Time now);
    void silence(Channel& c, Time now);
    void drain(MediaLeg& leg);
    void on_media_timer(Time now);
    std::uint8_t* put(const Endpoint& src, const Endpoint& dst, Content content, Bytes bytes);
    Channel* listener_of(const Channel& c);
    void on_media(const Packet& packet, Time now);
    void relay(Bytes bytes, const Agreed& in, const MediaLeg& out);

    Node& node_;
    SipSettings sip_;
    Dialplan plan_;
    Ports* ports_ = nullptr;
    Hosts hosts_;
    Random random_;
    sip::Identifiers identifiers_;
    sip::Transactions transactions_;
    sip::Challenger challenger_;
    Registrar registrar_;
    MediaStore store_;

    ChannelId last_channel_ = 0;
    std::map<ChannelId, Channel> channels_;
    std::map<std::string, std::vector<ChannelId>, std::less<>> by_call_id_;
    std::map<Id, Sent> sent_;
    std::map<Id, ChannelId> served_;  // INVITEs to us: whose
    std::set<std::pair<Time, ChannelId>> wakes_;
    std::vector<ChannelId> dead_;
    std::vector<Trunk> trunks_;
    std::map<std::string, std::uint32_t, std::less<>> calls_of_;  // by peer, against call-limit

    std::unordered_map<Endpoint, MediaPlace, EndpointHash> media_;
    std::set<std::pair<Time, Endpoint>> media_wakes_;
    std::deque<Datagram> datagrams_;
    std::vector<Buffer> spare_;
    std::vector<Endpoint> closing_;
    Datagram current_;
    sip::Transactions::Output output_;
    unsigned next_port_ = 0;
};

// exchange_answers.cpp: chan_sip's tables between Q.850 causes and SIP.
Refusal status_of_cause(int cause);
int cause_of_status(int status);

}  // namespace sipana::lab
