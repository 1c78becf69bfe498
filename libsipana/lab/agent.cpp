#include "libsipana/lab/agent.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/sip/credentials.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/response.h"
#include "libsipana/sip/uri.h"

namespace sipana::lab {

// Room for the calls alive at a time.
constexpr std::size_t usual_under_load = 1u << 12;

Agent::Agent(const Setting& setting)
    : setting_(setting),
      line_(*setting.line),
      directory_(*setting.directory),
      identifiers_(setting.seed),
      transactions_(setting.timing, setting.seed),
      timer_(timer_settings()) {}

Agent::~Agent() = default;

Status Agent::open() {
    auto opened = setting_.ports->open(line_.transport, setting_.at, *this);
    if (!opened) return opened.error();
    endpoint_ = *opened;
    write_names();
    if (setting_.parked) {  // under load: not grown step by step while time is measured
        conversations_.reserve(usual_under_load);
        of_.reserve(8 * usual_under_load);
    }
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
    conversations_.insert_or_assign(c.call_id, std::move(made));
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

Owed* Agent::find_accepted(const Director& director, std::size_t part, std::string_view peer,
                           std::string_view label, Conversation*& conversation) {
    for (Conversation* c : director.conversations) {
        if (c->part != part || c->label != label || c->peer != peer) continue;
        Owed* owed = c->accepted_invite();
        if (owed == nullptr) continue;
        conversation = c;
        return owed;
    }
    return nullptr;
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
                follow_own_response(c, *owed, message->status(), message->to_tag(), message->cseq(),
                                    now);
                if (transactions_.respond(owed->id, text, now)) return Done{};
            }
        } else if (message->method() != sip::Method::ack) {
            Asked asked;
            asked.method = message->method_name();
            asked.text = std::make_shared<const std::string>(text);
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
        stop_upkeep(*c);
        c->ended = true;
    }
}

void Agent::forget(Director& director) {
    std::erase_if(director.conversations, [&](Conversation* c) {
        const auto found = conversations_.find(c->call_id);
        if (found == conversations_.end() || found->second.get() != c) return false;
        const auto let_go = [&](sip::Transactions::Id id) {
            transactions_.forget(id);
            if (whose(id).conversation == c) own(id, nullptr);
            notes_.erase(id);
            spoiled_.erase(id);
        };
        for (const Asked& asked : c->asked) let_go(asked.id);
        for (const auto& owed : c->owed) let_go(owed->id);
        leave_place(*c);
        stop_upkeep(*c);
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

Director* Agent::director_of(std::string_view call_id) const {
    const Conversation* c = known(call_id);
    return c == nullptr ? nullptr : c->director;
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
    now_ = now;
    if (packet.dst == endpoint_) {
        on_sip(packet, now);
        return;
    }
    SessionPlace* at = nullptr;
    if (shared_ports_ && shared_ports_->has(packet.dst)) {
        at = session_at(shared_ports_->call_of(packet));
    } else if (const auto port = ports_.find(packet.dst); port != ports_.end()) {
        at = session_at(port->second);
    }
    if (at == nullptr) return;
    (void)at->session->on_packet(packet, now);
    // A request may begin a call, which may move the places.
    Conversation& c = *at->conversation;
    if (at->session->take_key_request()) ask_key_frame(c, now);
    session_changed(c);
}

void Agent::on_sip(const Packet& packet, Time now) {
    if (const Status read = message_.read(as_text(packet.payload)); !read) {
        if (malformed_++ == 0)
            first_malformed_ = fmt::format("{}: {}", packet.src.to_string(), read.error().what);
        return;
    }
    const sip::Hop hop{endpoint_, packet.src, packet.transport};
    letter_.reset();
    sip::Transactions::Text kept;
    if (message_.is_request() && message_.method() == sip::Method::invite)
        kept = {letter(), &letter()->text};
    const auto event = transactions_.on_message(message_, hop, now, kept);
    on_event(event, message_, hop, now);
    drain_events(now);
}

void Agent::drain_events(Time now) {
    auto event = transactions_.poll_event();
    if (!event) return;
    // Their transactions are gone, and new ones may get their places: first whose they were.
    std::vector<std::pair<sip::Transactions::Event, Conversation*>> lost;
    for (; event; event = transactions_.poll_event())
        lost.emplace_back(std::move(*event), whose(event->id).conversation);
    for (const auto& [one, c] : lost) on_lost(one, c, now);
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
        case absorbed:
            on_again(event, message, now);
            break;
        case unusable:
            ++malformed_;
            break;
        default:
            break;
    }
}

void Agent::on_again(const sip::Transactions::Event& event, const sip::Message& message, Time now) {
    const Conversation* c = whose(event.id).conversation;
    if (c == nullptr || c->director == nullptr) return;
    if (message.method() == sip::Method::ack) return;
    c->director->on_again(event.id, message.is_request() ? 0 : message.status(), now);
}

void Agent::own(sip::Transactions::Id id, Conversation* c, std::uint64_t past) {
    if (id == 0) return;  // sent outside any
    const std::size_t slot = sip::Transactions::slot_of(id);
    if (slot >= of_.size()) of_.resize(slot + 1);
    of_[slot] = {id, c, past};
}

Agent::Whose Agent::whose(sip::Transactions::Id id) const {
    const std::size_t slot = sip::Transactions::slot_of(id);
    return id != 0 && slot < of_.size() && of_[slot].id == id ? of_[slot] : Whose{};
}

Conversation* Agent::known(std::string_view call_id) const {
    const auto found = conversations_.find(call_id);
    return found == conversations_.end() ? nullptr : found->second.get();
}

void Agent::on_unreachable(const Endpoint& local, const Endpoint& remote, Transport transport,
                           Time now) {
    if (local != endpoint_) return;
    transactions_.on_unreachable({local, remote, transport}, now);
    drain_events(now);
}

void Agent::on_timer(Time now) {
    now_ = now;
    transactions_.on_timer(now);
    drain_events(now);
    keep_up(now);
    wake_sessions(now);
    while (!late_.empty() && late_.top().at <= now) {
        outgoing_.push_back(late_.top().packet);
        late_.pop();
    }
}

std::optional<Time> Agent::deadline() const {
    std::optional<Time> first = transactions_.deadline();
    const auto consider = [&](std::optional<Time> at) {
        if (at && (!first || *at < *first)) first = at;
    };
    if (!dues_.empty()) consider(dues_.top().at);
    if (!late_.empty()) consider(late_.top().at);
    if (!upkeep_dues_.empty()) consider(upkeep_dues_.top().at);
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
            const std::string& text = current_.shared ? *current_.shared : current_.text;
            return Packet{current_.hop.local, current_.hop.remote, current_.hop.transport,
                          Content::sip,       as_bytes(text),      current_.note};
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
        if (SessionPlace* at = session_at(ready_.front())) {
            if (auto packet = at->session->poll()) return packet;
            at->ready = false;
        }
        ready_.pop_front();
    }
    return std::nullopt;
}

}  // namespace sipana::lab
