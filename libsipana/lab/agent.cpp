#include "libsipana/lab/agent.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/sip/credentials.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/response.h"
#include "libsipana/sip/uri.h"

namespace sipana::lab {
namespace {

// A phone of the lab talks to few others; strangers cannot make it keep more than this.
constexpr std::size_t max_conversations = 1u << 20;
constexpr std::uint32_t max_tries = 2;  // with credentials, the second for a stale nonce

bool has_sdp(const sip::Message& m) {
    if (m.body().empty()) return false;
    const auto type = sip::parse_content_type(m.header(sip::Header::content_type).value_or(""));
    return type && type->is("application", "sdp");
}

}  // namespace

Agent::Agent(const Setting& setting)
    : setting_(setting),
      line_(*setting.line),
      directory_(*setting.directory),
      identifiers_(setting.seed),
      transactions_(setting.timing, setting.seed) {}

Agent::~Agent() = default;

Status Agent::open() {
    auto opened = setting_.ports->open(line_.transport, setting_.at, *this);
    if (!opened) return opened.error();
    endpoint_ = *opened;
    write_names();
    return Done{};
}

// What is the same in every message is written once.
void Agent::write_names() {
    std::string host = endpoint_.to_string();
    if (!line_.domain.empty()) {
        const Party* server = directory_.by_name(line_.domain);
        host = server != nullptr ? server->host : line_.domain;
    }
    const std::string user = line_.user.empty() ? "" : line_.user + "@";
    aor_ = fmt::format("sip:{}{}", user, host);
    const std::string transport =
        line_.transport == Transport::udp
            ? ""
            : fmt::format(";transport={}", lowered(to_string(line_.transport)));
    contact_ = fmt::format("<sip:{}{}{}>", user, endpoint_.to_string(), transport);
    via_ = fmt::format("SIP/2.0/{} {};rport;branch=", to_string(line_.transport),
                       endpoint_.to_string());
}

Conversation& Agent::begin(Director& director, std::size_t part, std::string peer,
                           std::string label) {
    auto made = std::make_unique<Conversation>();
    made->phone = line_.name;
    made->call_id = identifiers_.call_id(endpoint_.address.to_string());
    made->local_tag = identifiers_.tag();
    made->director = &director;
    made->part = part;
    made->peer = std::move(peer);
    made->label = std::move(label);
    made->number = ++conversation_count_;
    Conversation& c = *made;
    director.conversations.push_back(made.get());
    conversations_[c.call_id] = std::move(made);
    return c;
}

// A request belongs to the call that the script's line names: the same phone and label, the same
// other end if there is one, for what goes within a dialog any other end.
Conversation* Agent::find(const Director& director, std::size_t part, std::string_view method,
                          std::string_view peer, std::string_view label, bool outside) {
    if (outside) return nullptr;
    const bool within = method == "ACK" || method == "BYE" || method == "CANCEL" ||
                        method == "PRACK" || method == "UPDATE" || method == "INFO" ||
                        method == "REFER" || method == "NOTIFY";
    Conversation* other_end = nullptr;
    const auto& all = director.conversations;
    for (auto one = all.rbegin(); one != all.rend(); ++one) {
        Conversation& c = **one;
        if (c.part != part || c.label != label) continue;
        if (method == "REGISTER") {
            if (!c.registered_uri.empty() && c.peer == peer) return &c;
            continue;
        }
        if (!c.registered_uri.empty()) continue;
        const bool open =
            c.live_dialog() != nullptr || c.pending_invite() != nullptr || c.tries_again(method);
        if (!open) continue;
        if (c.peer == peer) return &c;
        if (within && other_end == nullptr) other_end = &c;
    }
    return other_end;
}

Owed* Agent::find_owed(const Director& director, std::size_t part, std::string_view method,
                       std::string_view peer, std::string_view label, Conversation*& conversation) {
    Owed* other_end = nullptr;
    for (Conversation* c : director.conversations) {
        if (c->part != part || c->label != label) continue;
        Owed* owed = c->owed_for(method);
        if (owed == nullptr) continue;
        if (c->peer == peer) {
            conversation = c;
            return owed;
        }
        if (other_end == nullptr) {
            other_end = owed;
            conversation = c;
        }
    }
    return other_end;
}

PhoneSession& Agent::session(Conversation& c) {
    if (!c.session) {
        PhoneSession::Setting s;
        s.line = &line_;
        s.address = setting_.media_address.empty() ? endpoint_.address : setting_.media_address;
        s.owner = this;
        s.ports = setting_.ports;
        s.random = &identifiers_.random();
        s.store = setting_.store;
        s.media = setting_.media;
        s.media.cname = fmt::format("{}@sipana.invalid", line_.name);
        s.folder = setting_.folder;
        s.parked = setting_.parked;
        if (setting_.parked) s.words = &parked_words_;
        s.opened = [this, number = c.number](const Endpoint& port) { ports_[port] = number; };
        s.closed = [this](const Endpoint& port) { ports_.erase(port); };
        c.session = std::make_shared<PhoneSession>(s);
        if (!setting_.parked) sessions_[c.number] = &c;
    }
    return *c.session;
}

// After anything that may move a session's deadline or give it something to send.
void Agent::session_changed(Conversation& c) {
    if (!c.session || setting_.parked) return;
    if (!c.session_ready) {
        c.session_ready = true;
        ready_.push_back(c.number);
    }
    const auto due = c.session->deadline();
    if (!due || *due == c.session_due) return;
    c.session_due = *due;
    dues_.push({*due, c.number});
}

Conversation* Agent::session_numbered(std::uint64_t number) const {
    const auto found = sessions_.find(number);
    return found == sessions_.end() ? nullptr : found->second;
}

void Agent::end_session(Conversation& c, Time now) {
    if (!c.session) return;
    c.session->end(now);
    session_changed(c);
}

Status Agent::raw(Conversation& c, const std::string& text, bool is_template, const Told& told,
                  Time now) {
    const Party* peer = directory_.by_name(c.peer);
    if (peer != nullptr && c.hop.remote.empty()) c.hop = {endpoint_, peer->at, line_.transport};
    const auto message = sip::Message::parse(text);
    if (is_template && message) {
        if (message->is_response()) {
            Owed* owed = c.owed_for(message->method_name());
            if (owed != nullptr) {
                follow_own_response(c, *owed, message->status(), message->to_tag(), text, now);
                if (transactions_.respond(owed->id, text, now)) return Done{};
            }
        } else if (message->method() != sip::Method::ack) {
            Asked asked;
            asked.method = message->method_name();
            asked.text = text;
            asked.cseq = message->cseq() ? message->cseq()->number : 0;
            asked.step = told.step;
            asked.acks_itself = told.acks_itself;
            asked.answers_challenges = false;
            c.cseq = asked.cseq;
            asked.id = transactions_.request(text, c.hop, now);
            begin_asked(c, std::move(asked), told);
            return Done{};
        }
    }
    outgoing_.push_back({c.hop, text, std::string(told.note), {}});
    return Done{};
}

void Agent::hang_up(const Director& director, Time now) {
    const std::vector<Conversation*> all = director.conversations;
    for (Conversation* c : all) {
        if (known(c->call_id) != c) continue;  // another phone's
        if (Asked* invite = c->pending_invite(); invite != nullptr)
            (void)cancel(*c, *invite, {.note = "clean-up"}, now);
        if (Owed* invite = c->owed_for("INVITE"); invite != nullptr)
            (void)respond(*c, *invite, {480, {}}, {.note = "clean-up"}, now);
        sip::Dialog* dialog = c->live_dialog();
        if (dialog != nullptr && dialog->state() == sip::Dialog::State::confirmed && c->session &&
            !c->ended)
            (void)request(*c, {"BYE", {}}, {.note = "clean-up"}, now);
        end_session(*c, now);
        c->ended = true;
    }
}

void Agent::forget(Director& director) {
    std::erase_if(director.conversations, [&](Conversation* c) {
        const auto found = conversations_.find(c->call_id);
        if (found == conversations_.end() || found->second.get() != c) return false;
        const auto leave = [&](sip::Transactions::Id id) {
            transactions_.forget(id);
            of_.erase(id);
            notes_.erase(id);
            spoiled_.erase(id);
        };
        for (const Asked& asked : c->asked) leave(asked.id);
        for (const auto& owed : c->owed) leave(owed->id);
        sessions_.erase(c->number);
        conversations_.erase(found);
        return true;
    });
}

std::vector<std::pair<std::string, std::string>> Agent::calls_of(const Director& director) const {
    std::vector<std::pair<std::string, std::string>> out;
    for (const Conversation* c : director.conversations)
        if (const auto found = conversations_.find(c->call_id);
            found != conversations_.end() && found->second.get() == c)
            out.emplace_back(c->label.empty() ? line_.name : line_.name + "/" + c->label,
                             c->call_id);
    return out;
}

Director* Agent::director_of(const std::string& call_id) const {
    const auto found = conversations_.find(call_id);
    return found == conversations_.end() ? nullptr : found->second->director;
}

bool Agent::idle() const {
    return transactions_.waiting() == 0 && outgoing_.empty() && late_.empty();
}

Status Agent::play(Conversation& c, const MediaStep& media, Time now) {
    if (!c.session) return Error{Errc::malformed, 0, "there is no call to send media in"};
    const Status status = c.session->start(media, now);
    session_changed(c);
    return status;
}

void Agent::stop(Conversation& c, bool video, Time now) {
    if (!c.session) return;
    c.session->stop(video, now);
    session_changed(c);
}

// ---------------------------------------------------------------- Node

void Agent::on_packet(const Packet& packet, Time now) {
    if (packet.dst == endpoint_) {
        on_sip(packet, now);
        return;
    }
    const auto port = ports_.find(packet.dst);
    if (port == ports_.end()) return;
    Conversation* c = session_numbered(port->second);
    if (c == nullptr) return;
    (void)c->session->on_packet(packet, now);
    session_changed(*c);
}

void Agent::on_sip(const Packet& packet, Time now) {
    if (const Status read = message_.read(as_text(packet.payload)); !read) {
        if (malformed_++ == 0)
            first_malformed_ = fmt::format("{}: {}", packet.src.to_string(), read.error().what);
        return;
    }
    const sip::Hop hop{endpoint_, packet.src, packet.transport};
    const auto event = transactions_.on_message(message_, hop, now);
    on_event(event, message_, hop, now);
    drain_events(now);
}

void Agent::drain_events(Time now) {
    while (const auto event = transactions_.poll_event()) on_lost(*event, now);
}

void Agent::on_event(const sip::Transactions::Event& event, const sip::Message& message,
                     const sip::Hop& hop, Time now) {
    using enum sip::Transactions::Kind;
    switch (event.kind) {
        case sip::Transactions::Kind::request:
        case sip::Transactions::Kind::cancel:
            on_request(event, message, hop, now);
            break;
        case ack:
            on_ack(event, message, now);
            break;
        case response:
            on_response(event, message, now);
            break;
        case unusable:
            ++malformed_;
            break;
        default:
            break;
    }
}

Conversation* Agent::known(std::string_view call_id) {
    const auto found = conversations_.find(std::string(call_id));
    return found == conversations_.end() ? nullptr : found->second.get();
}

std::unique_ptr<Arrival> Agent::arrival_of(Conversation& c, const sip::Message& message,
                                           sip::Transactions::Id id, Time now) const {
    auto out = std::make_unique<Arrival>();
    out->text = message.text();
    out->message = message.over(out->text);
    out->conversation = &c;
    out->transaction = id;
    out->method = message.method_name();
    out->at = now;
    return out;
}

void Agent::on_request(const sip::Transactions::Event& event, const sip::Message& message,
                       const sip::Hop& hop, Time now) {
    Conversation* c = known(message.call_id());
    const bool fresh = c == nullptr;
    if (fresh) {
        if (conversations_.size() >= max_conversations) return;
        auto made = std::make_unique<Conversation>();
        made->phone = line_.name;
        made->number = ++conversation_count_;
        made->call_id = message.call_id();
        made->local_tag = identifiers_.tag();
        made->incoming = true;
        const Party* peer = directory_.by_endpoint(hop.remote);
        if (peer != nullptr) made->peer = peer->name;
        c = made.get();
        conversations_[made->call_id] = std::move(made);
    }
    c->hop = hop;
    auto owed = std::make_unique<Owed>();
    owed->id = event.id;
    owed->text = message.text();
    owed->message = message.over(owed->text);
    owed->hop = hop;
    of_[event.id] = c;
    c->owed.push_back(std::move(owed));
    Owed& mine = *c->owed.back();
    if (event.kind == sip::Transactions::Kind::request && event.merged != 0) {
        (void)quick_response(*c, mine, 482, now);  // RFC 3261 8.2.2.2
        return;
    }
    auto arrival = arrival_of(*c, message, event.id, now);
    if (fresh && casting_ && casting_(*this, *c, *arrival)) c->director->conversations.push_back(c);
    const bool wanted = c->director != nullptr && c->director->wants(*c, *arrival);
    if (!accept_in_dialog(*c, mine, event, wanted, now)) return;
    if (has_sdp(message) &&
        (message.method() == sip::Method::invite || message.method() == sip::Method::update ||
         message.method() == sip::Method::prack)) {
        PhoneSession& s = session(*c);
        if (!s.awaits_answer())
            s.on_offer(message.body());
        else
            (void)s.on_answer(message.body(), now);
    }
    if (message.method() == sip::Method::prack) stop_reliable(*c, message);
    if (wanted)
        c->director->on_arrival(std::move(arrival), now);
    else
        keep_house(*c, *arrival, now);
}

// RFC 3261 12.2.2 and 9.2: false where the request was refused.
bool Agent::accept_in_dialog(Conversation& c, Owed& owed, const sip::Transactions::Event& event,
                             bool wanted, Time now) {
    const sip::Message& m = owed.message;
    if (event.kind == sip::Transactions::Kind::cancel) {
        if (event.invite != 0) return true;
        (void)quick_response(c, owed, 481, now);
        return false;
    }
    if (m.to_tag().empty()) return true;
    for (sip::Dialog& dialog : c.dialogs) {
        if (dialog.id().local_tag != m.to_tag()) continue;
        const int refusal = dialog.on_request(m);
        if (refusal == 0) return true;
        (void)quick_response(c, owed, refusal, now);
        return false;
    }
    if (wanted) return true;
    (void)quick_response(c, owed, 481, now);
    return false;
}

void Agent::stop_reliable(Conversation& c, const sip::Message& prack) {
    const auto rack = sip::parse_rack(prack.header(sip::Header::rack).value_or(""));
    for (const auto& owed : c.owed)
        if (rack && owed->rseq == rack->rseq && owed->message.method() == sip::Method::invite)
            transactions_.stop_repeating_provisional(owed->id);
}

void Agent::on_ack(const sip::Transactions::Event& event, const sip::Message& message, Time now) {
    Conversation* c = known(message.call_id());
    if (c == nullptr) return;
    for (const auto& owed : c->owed)
        if (owed->id == event.id) owed->acked = true;
    if (event.retransmission) return;
    if (has_sdp(message) && c->session && c->session->awaits_answer()) {
        (void)c->session->on_answer(message.body(), now);
        session_changed(*c);
    }
    if (c->director == nullptr) return;
    auto arrival = arrival_of(*c, message, event.id, now);
    if (c->director->wants(*c, *arrival)) c->director->on_arrival(std::move(arrival), now);
}

Asked* Agent::asked(sip::Transactions::Id id, Conversation*& conversation) {
    const auto found = of_.find(id);
    if (found == of_.end()) return nullptr;
    conversation = found->second;
    for (Asked& one : conversation->asked)
        if (one.id == id) return &one;
    return nullptr;
}

void Agent::on_response(const sip::Transactions::Event& event, const sip::Message& message,
                        Time now) {
    Conversation* c = nullptr;
    Asked* one = asked(event.id, c);
    if (one == nullptr) return;
    const int status = message.status();
    if (one->finished && status >= 200) {  // a 2xx again, or one of another fork (13.2.2.4)
        if (one->method == "INVITE" && status < 300) follow_dialog(*c, *one, message, now);
        return;
    }
    one->status = status;
    one->finished = status >= 200;
    if ((status == 401 || status == 407) && one->method != "CANCEL") {
        auto& kept = status == 401 ? c->challenges : c->proxy_challenges;
        kept.clear();
        for (const auto value : message.values(status == 401 ? sip::Header::www_authenticate
                                                             : sip::Header::proxy_authenticate))
            kept.emplace_back(value);
        if (one->answers_challenges && retry_with_credentials(*c, *one, message, now)) return;
    }
    const std::size_t step = one->step;
    const std::string method = one->method;
    const bool given_up = one->cancelled && status == 487;
    // Told before the ACK goes out: the script's order is that of the ladder.
    auto arrival = arrival_of(*c, message, event.id, now);
    arrival->asked_by = step;
    arrival->method = method;
    if (method == "INVITE" || method == "SUBSCRIBE" || method == "REFER")
        follow_dialog(*c, *one, message, now);
    else
        follow_answer(*c, method, message, now);
    if (status >= 200 && method == "BYE") end_dialogs(*c, now);
    if (c->director == nullptr) return;
    const bool wanted = c->director->wants(*c, *arrival);
    if (wanted) c->director->on_arrival(std::move(arrival), now);
    if (status < 200 || step == SIZE_MAX) return;
    if (!wanted && status >= 300 && !given_up)
        c->director->on_failure(*c, step, fmt::format("{} {} came", status, message.reason()), now);
    else
        c->director->on_finished(c->part, step, now);
}

// Offers and answers in responses to requests other than INVITE (RFC 3311, RFC 3262 5).
void Agent::follow_answer(Conversation& c, std::string_view method, const sip::Message& message,
                          Time now) {
    if (message.status() < 200 || !c.session) return;
    if (method != "UPDATE" && method != "PRACK") return;
    if (message.status() >= 300)
        c.session->refused();
    else if (has_sdp(message))
        (void)c.session->on_answer(message.body(), now);
    for (sip::Dialog& d : c.dialogs)
        if (d.id().remote_tag == message.to_tag()) d.on_response(message);
}

// What a response to INVITE makes: dialogs (12.1.2), the session, PRACK and ACK.
void Agent::follow_dialog(Conversation& c, Asked& asked, const sip::Message& message, Time now) {
    const int status = message.status();
    const bool invites = asked.method == "INVITE";
    if (status >= 300) {
        if (!invites) return;
        if (c.session) c.session->refused();
        const bool first = std::none_of(
            c.dialogs.begin(), c.dialogs.end(),
            [](const sip::Dialog& d) { return d.state() == sip::Dialog::State::confirmed; });
        if (!first) return;
        for (sip::Dialog& d : c.dialogs) d.terminate();
        if (status != 401 && status != 407) end_session(c, now);
        return;
    }
    if (status <= 100) return;
    sip::Dialog* dialog = nullptr;
    for (sip::Dialog& d : c.dialogs)
        if (d.id().remote_tag == message.to_tag()) dialog = &d;
    if (dialog == nullptr) {
        const auto request = sip::Message::parse(asked.text);
        if (request)
            if (auto made = sip::Dialog::as_caller(*request, message)) {
                c.dialogs.push_back(std::move(*made));
                dialog = &c.dialogs.back();
            }
    }
    if (dialog != nullptr) dialog->on_response(message);
    if (!invites) return;
    if (has_sdp(message)) {
        PhoneSession& s = session(c);
        if (s.awaits_answer())
            (void)s.on_answer(message.body(), now);
        else if (!s.described())
            s.on_offer(message.body());
        else if (status >= 200 && !asked.offered)
            s.on_offer(message.body());
    }
    if (dialog == nullptr) return;
    if (status < 200)
        acknowledge_provisional(c, asked, *dialog, message, now);
    else if (!asked.ack.empty() && message.to_tag() == asked.ack_tag) {
        outgoing_.push_back({asked.ack_hop, asked.ack, {}, {}});
    } else if (asked.acks_itself) {
        const bool again = !asked.ack.empty();  // another fork's: it is let go (13.2.2.4)
        asked.ack_tag = message.to_tag();
        send_ack(c, asked, *dialog, {}, now);
        if (again) {
            sip::Builder bye = dialog->request("BYE");
            Asked last;
            last.method = "BYE";
            (void)send_request(c, bye, std::move(last), {}, now);
            dialog->terminate();
        }
    }
}

// RFC 3262 4: in order, each once.
void Agent::acknowledge_provisional(Conversation& c, Asked& asked, sip::Dialog& dialog,
                                    const sip::Message& message, Time now) {
    const auto rseq = sip::parse_number(message.header(sip::Header::rseq).value_or(""));
    if (!rseq || !sip::lists(message, sip::Header::require, "100rel")) return;
    if (asked.rseq != 0 && *rseq <= asked.rseq) return;
    asked.rseq = *rseq;
    asked.rack = fmt::format("{} {} INVITE", *rseq, asked.cseq);
    if (!asked.pracks_itself) return;
    sip::Builder b = dialog.request("PRACK");
    c.hop = hop_to(dialog.next_hop(), c);
    b.add(sip::Header::rack, asked.rack);
    if (c.session && c.session->owes_answer())
        if (const auto text = c.session->answer({}, now); text) b.body("application/sdp", *text);
    Asked prack;
    prack.method = "PRACK";
    (void)send_request(c, b, std::move(prack), {}, now);
}

bool Agent::retry_with_credentials(Conversation& c, Asked& asked, const sip::Message& message,
                                   Time now) {
    if (line_.password.empty() || asked.tries >= max_tries) return false;
    bool stale = false;
    for (const auto id : {sip::Header::www_authenticate, sip::Header::proxy_authenticate})
        for (const auto value : message.values(id))
            if (const auto credentials = sip::parse_credentials(value))
                if (const auto digest = sip::digest_of(*credentials))
                    stale = stale || digest->stale;
    if (asked.tries > 0 && !stale) return false;
    const auto request = sip::Message::parse(asked.text);
    if (!request) return false;
    auto b = sip::Builder::from(*request);
    b.strip("Authorization").strip("Proxy-Authorization");
    sip::Dialog* dialog = request->to_tag().empty() ? nullptr : c.live_dialog();
    const std::uint32_t number =
        dialog != nullptr ? dialog->local_cseq().value_or(0) + 1 : ++c.cseq;
    if (dialog != nullptr) dialog->set_local_cseq(number);
    b.set("CSeq", fmt::format("{} {}", number, asked.method));
    b.set("Via", via_ + identifiers_.branch());
    if (const Status s = authorize(c, b, {}); !s) return false;
    auto text = b.write();
    if (!text) return false;
    Asked again = asked;
    again.status = 0;
    again.finished = false;
    again.tries++;
    again.cseq = number;
    again.text = *text;
    asked.step = SIZE_MAX;
    const auto note = notes_.find(asked.id);
    const std::string kept = note == notes_.end() ? "" : note->second;
    again.id = transactions_.request(std::move(*text), c.hop, now);
    begin_asked(c, std::move(again), {.note = kept});
    return true;
}

// A transaction that ended without an answer.
void Agent::on_lost(const sip::Transactions::Event& event, Time now) {
    Conversation* c = nullptr;
    Asked* one = asked(event.id, c);
    using Timer = sip::Transactions::Timer;
    std::string why = event.kind == sip::Transactions::Kind::unreachable
                          ? "nobody is there (port closed, or connection refused)"
                          : "no answer in time";
    if (one == nullptr) {
        if (event.kind != sip::Transactions::Kind::timed_out) return;
        const auto whose = of_.find(event.id);
        if (whose == of_.end()) return;
        Conversation& other = *whose->second;
        const Owed* owed = other.owed_by(event.id);
        if (owed != nullptr && other.director != nullptr && !other.ended)
            other.director->on_failure(other, owed->step,
                                       event.timer == Timer::prack
                                           ? "no PRACK came (RFC 3262 3)"
                                           : "no ACK came (RFC 3261 13.3.1.4, timer H)",
                                       now);
        return;
    }
    if (one->finished) return;
    one->finished = true;
    const std::size_t step = one->step;
    if (c->session && one->method == "INVITE") c->session->refused();
    if (one->method == "BYE") end_dialogs(*c, now);
    if (c->director == nullptr) return;
    auto arrival = std::make_unique<Arrival>();
    arrival->kind = event.kind == sip::Transactions::Kind::unreachable ? Arrival::Kind::unreachable
                                                                       : Arrival::Kind::timed_out;
    arrival->conversation = c;
    arrival->transaction = event.id;
    arrival->method = one->method;
    arrival->asked_by = step;
    arrival->at = now;
    if (c->director->wants(*c, *arrival))
        c->director->on_arrival(std::move(arrival), now);
    else if (step != SIZE_MAX)
        c->director->on_failure(*c, step, std::move(why), now);
}

void Agent::on_unreachable(const Endpoint& local, const Endpoint& remote, Transport transport,
                           Time now) {
    if (local != endpoint_) return;
    transactions_.on_unreachable({local, remote, transport}, now);
    drain_events(now);
}

void Agent::on_timer(Time now) {
    transactions_.on_timer(now);
    drain_events(now);
    while (!dues_.empty() && dues_.top().at <= now) {
        const Due due = dues_.top();
        dues_.pop();
        Conversation* c = session_numbered(due.conversation);
        if (c == nullptr || c->session_due != due.at) continue;
        c->session_due = no_time;
        c->session->on_timer(now);
        session_changed(*c);
    }
    while (!late_.empty() && late_.top().at <= now) {
        outgoing_.push_back(late_.top().packet);
        late_.pop();
    }
    now_ = now;
}

std::optional<Time> Agent::deadline() const {
    std::optional<Time> first = transactions_.deadline();
    const auto consider = [&](std::optional<Time> at) {
        if (at && (!first || *at < *first)) first = at;
    };
    if (!dues_.empty()) consider(dues_.top().at);
    if (!late_.empty()) consider(late_.top().at);
    return first;
}

// ---------------------------------------------------------------- what goes out

// The faults of the step that a transmission belongs to: false where it does not go out now.
bool Agent::spoil(const sip::Transactions::Output& output) {
    if (output.id == 0 || spoiled_.empty()) return true;
    const auto found = spoiled_.find(output.id);
    if (found == spoiled_.end()) return true;
    Spoiled& s = found->second;
    ++s.sent;
    if (s.sent <= s.faults.drop) return false;
    Outgoing packet{output.hop, *output.text, {}, {}};
    if (const auto note = notes_.find(output.id); note != notes_.end()) packet.note = note->second;
    if (s.faults.cut) packet.text.resize(std::min<std::size_t>(packet.text.size(), *s.faults.cut));
    for (std::uint32_t i = 0; i <= s.faults.duplicate; ++i) {
        if (s.faults.delay > Duration{})
            late_.push({now_ + s.faults.delay, ++late_count_, packet});
        else
            outgoing_.push_back(packet);
    }
    return false;
}

std::optional<Packet> Agent::poll() {
    for (;;) {
        if (!outgoing_.empty()) {
            current_ = std::move(outgoing_.front());
            outgoing_.pop_front();
            return Packet{current_.hop.local, current_.hop.remote,     current_.hop.transport,
                          Content::sip,       as_bytes(current_.text), current_.note};
        }
        auto output = transactions_.poll();
        if (!output) break;
        if (output->retransmission) ++retransmissions_;
        if (!spoil(*output)) continue;
        current_.shared = std::move(output->text);
        current_.note.clear();
        if (!notes_.empty())
            if (const auto note = notes_.find(output->id); note != notes_.end())
                current_.note = note->second;
        return Packet{output->hop.local, output->hop.remote,         output->hop.transport,
                      Content::sip,      as_bytes(*current_.shared), current_.note};
    }
    while (!ready_.empty()) {
        Conversation* c = session_numbered(ready_.front());
        if (c != nullptr)
            if (auto packet = c->session->poll()) return packet;
        if (c != nullptr) {
            c->session_ready = false;
        }
        ready_.pop_front();
    }
    return std::nullopt;
}

}  // namespace sipana::lab
