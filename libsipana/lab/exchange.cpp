#include "libsipana/lab/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "libsipana/base/text.h"
#include "libsipana/lab/exchange_core.h"
#include "libsipana/sip/body.h"
#include "libsipana/sip/fields.h"

namespace sipana::lab {

using Kind = sip::Transactions::Kind;

namespace {

constexpr std::size_t max_notes = 10'000;

sip::Challenger::Settings challenger_settings(const SipSettings& sip) {
    sip::Challenger::Settings s;
    s.realm = sip.realm;
    s.qop.clear();  // as chan_sip: RFC 2069
    s.nonce_lifetime = std::chrono::seconds{32};
    s.once = true;
    return s;
}

Registrar::Policy registrar_policy(const SipSettings& sip) {
    Registrar::Policy p;
    p.min_s = sip.min_expires_s;
    p.max_s = sip.max_expires_s;
    p.default_s = sip.default_expires_s;
    p.raise = true;  // chan_sip gives what it can instead of 423
    return p;
}

}  // namespace

Status read_folder(const std::string& folder, ExchangeSettings& settings) {
    const std::pair<const char*, std::string*> files[] = {
        {"sip.conf", &settings.sip_conf}, {"extensions.conf", &settings.extensions_conf}};
    for (const auto& [name, text] : files) {
        const std::string path = folder + "/" + name;
        std::ifstream in(path, std::ios::binary);
        if (!in) return Error{Errc::not_found, 0, fmt::format("{}: cannot be read", path)};
        text->resize(max_config_text + 1);
        in.read(text->data(), static_cast<std::streamsize>(text->size()));
        if (in.bad()) return Error{Errc::io, 0, fmt::format("{}: cannot be read", path)};
        text->resize(static_cast<std::size_t>(in.gcount()));
    }
    return Done{};
}

// ---------------------------------------------------------------- the node

Exchange::Exchange(ExchangeSettings) {}
Exchange::~Exchange() = default;

Result<std::unique_ptr<Exchange>> Exchange::load(ExchangeSettings settings) {
    auto sip_file = parse_config(settings.sip_conf, "sip.conf");
    if (!sip_file) return sip_file.error();
    auto sip = read_sip_conf(*sip_file);
    if (!sip) return sip.error();
    auto plan_file = parse_config(settings.extensions_conf, "extensions.conf");
    if (!plan_file) return plan_file.error();
    auto plan = Dialplan::read(*plan_file);
    if (!plan) return plan.error();
    if (settings.listens.empty()) return Error{Errc::malformed, 0, "the exchange listens nowhere"};
    std::unique_ptr<Exchange> made(new Exchange({}));
    made->core_ = std::make_unique<ExchangeCore>(*made, std::move(settings), std::move(*sip),
                                                 std::move(*plan));
    for (ConfigFile* file : {&*sip_file, &*plan_file})
        for (std::string& note : file->notes) made->core_->note(std::move(note));
    return made;
}

Status Exchange::start(Ports& ports, Time now) { return core_->start(ports, now); }
const Hosts::Listens& Exchange::listens() const { return core_->settings.listens; }
std::string_view Exchange::name() const { return core_->settings.name; }
void Exchange::on_packet(const Packet& packet, Time now) { core_->on_packet(packet, now); }
void Exchange::on_unreachable(const Endpoint& local, const Endpoint& remote, Transport transport,
                              Time now) {
    core_->on_unreachable({local, remote, transport}, now);
}
void Exchange::on_timer(Time now) { core_->on_timer(now); }
std::optional<Time> Exchange::deadline() const { return core_->deadline(); }
std::optional<Packet> Exchange::poll() { return core_->poll(); }
std::vector<std::string> Exchange::take_notes() { return std::exchange(core_->notes, {}); }
bool Exchange::registered() const { return core_->registered(); }
std::size_t Exchange::channels() const { return core_->channel_count(); }

// ---------------------------------------------------------------- packets and time

ExchangeCore::ExchangeCore(Node& node, ExchangeSettings given, SipSettings sip, Dialplan plan)
    : settings(std::move(given)),
      node_(node),
      sip_(std::move(sip)),
      plan_(std::move(plan)),
      random_(settings.seed),
      identifiers_(random_.next()),
      transactions_(settings.timing, random_.next()),
      challenger_(challenger_settings(sip_), random_.next()),
      registrar_(registrar_policy(sip_)) {
    for (const auto& [name, at] : settings.hosts) hosts_.add(name, at);
    trunks_.resize(sip_.registrations.size());
    note("a stand-in for the lab, no PBX");
}

Status ExchangeCore::start(Ports& ports, Time now) {
    ports_ = &ports;
    for (auto& [transport, at] : settings.listens) {
        auto opened = ports.open(transport, at, node_);
        if (!opened) return opened.error();
        at = *opened;
    }
    for (std::size_t i = 0; i < trunks_.size(); ++i) register_there(i, now, nullptr);
    return Done{};
}

void ExchangeCore::note(std::string text) {
    if (notes.size() < max_notes) notes.push_back(std::move(text));
}

void ExchangeCore::on_packet(const Packet& packet, Time now) {
    if (packet.content == Content::sip)
        on_sip(packet, now);
    else
        on_media(packet, now);
    sweep();
}

void ExchangeCore::on_sip(const Packet& packet, Time now) {
    const auto message = sip::Message::parse(as_text(packet.payload));
    if (!message) return note("dropped what is no SIP message: " + message.error().what);
    const sip::Hop from{packet.dst, packet.src, packet.transport};
    on_event(transactions_.on_message(*message, from, now), &*message, from, now);
}

void ExchangeCore::on_event(const sip::Transactions::Event& event, const sip::Message* message,
                            const sip::Hop& from, Time now) {
    switch (event.kind) {
        case Kind::request:
            return on_request({*message, from, event.id, now, event.merged != 0});
        case Kind::cancel:
            return on_cancel({*message, from, event.id, now, false}, event.invite);
        case Kind::ack:
            return on_ack(*message, now);
        case Kind::response:
            return on_response(event.id, *message, now);
        case Kind::timed_out:
            // A 2xx that nobody acknowledges ends the call (RFC 3261 13.3.1.4).
            if (event.timer == sip::Transactions::Timer::ack) {
                const auto served = served_.find(event.id);
                Channel* c = served == served_.end() ? nullptr : find(served->second);
                if (c == nullptr) return;
                c->acknowledged = true;
                c->leaving = false;
                return hang_up(*c, 102, now);
            }
            [[fallthrough]];
        case Kind::unreachable:
            return on_lost(event.id, now);
        case Kind::absorbed:
        case Kind::stray:
        case Kind::unusable:
        case Kind::timer_c:
            return;
    }
}

void ExchangeCore::on_unreachable(const sip::Hop& hop, Time now) {
    transactions_.on_unreachable(hop, now);
    while (const auto event = transactions_.poll_event()) on_event(*event, nullptr, {}, now);
    sweep();
}

void ExchangeCore::on_timer(Time now) {
    transactions_.on_timer(now);
    while (const auto event = transactions_.poll_event()) on_event(*event, nullptr, {}, now);
    while (!wakes_.empty() && wakes_.begin()->first <= now) {
        const ChannelId id = wakes_.begin()->second;
        wakes_.erase(wakes_.begin());
        Channel* c = find(id);
        if (c == nullptr) continue;
        c->wake = no_time;
        on_wake(*c, now);
    }
    for (std::size_t i = 0; i < trunks_.size(); ++i)
        if (trunks_[i].again != no_time && trunks_[i].again <= now) register_there(i, now, nullptr);
    on_media_timer(now);
    sweep();
}

std::optional<Time> ExchangeCore::deadline() const {
    std::optional<Time> first = transactions_.deadline();
    const auto sooner = [&](Time t) {
        if (t != no_time && (!first || t < *first)) first = t;
    };
    if (!wakes_.empty()) sooner(wakes_.begin()->first);
    if (!media_wakes_.empty()) sooner(media_wakes_.begin()->first);
    for (const Trunk& trunk : trunks_) sooner(trunk.again);
    return first;
}

std::optional<Packet> ExchangeCore::poll() {
    if (auto out = transactions_.poll()) {
        output_ = std::move(*out);
        return Packet{output_.hop.local, output_.hop.remote,      output_.hop.transport,
                      Content::sip,      as_bytes(*output_.text), {}};
    }
    if (datagrams_.empty()) {
        close_ports();
        return std::nullopt;
    }
    if (spare_.size() < 64) spare_.push_back(std::move(current_.bytes));
    current_ = std::move(datagrams_.front());
    datagrams_.pop_front();
    return Packet{current_.src, current_.dst, Transport::udp, current_.content, current_.bytes, {}};
}

// ---------------------------------------------------------------- requests and responses

void ExchangeCore::on_request(const Incoming& in) {
    if (refuse_malformed(in)) return;
    if (!in.message.to_tag().empty()) {
        Channel* c = find(in.message);
        if (c != nullptr && c->dialog) return on_inside(in, *c);
        // RFC 3261 12.2.2: a dialog that is not known.
        return answer(in, 481, "Call/Transaction Does Not Exist");
    }
    on_outside(in);
}

void ExchangeCore::on_outside(const Incoming& in) {
    switch (in.message.method()) {
        case sip::Method::register_:
            return on_register(in);
        case sip::Method::invite:
            return on_invite(in);
        case sip::Method::options:
            return on_options(in);
        case sip::Method::message:
            return on_message(in);
        case sip::Method::subscribe:
            return on_subscribe(in);
        case sip::Method::publish:
            return on_publish(in);
        case sip::Method::notify:
            return on_notify(in);
        case sip::Method::refer:
            return answer(in, 603, "Declined (No dialog)");
        case sip::Method::bye:
        case sip::Method::info:
        case sip::Method::update:
        case sip::Method::prack:
            return answer(in, 481, "Call leg/transaction does not exist");
        case sip::Method::ack:
        case sip::Method::cancel:
            return;
        case sip::Method::other:
            return answer(in, 501, "Method Not Implemented");
    }
}

void ExchangeCore::on_inside(const Incoming& in, Channel& c) {
    const sip::Method method = in.message.method();
    const bool refreshes = method == sip::Method::invite;
    // RFC 3261 14.2 asks for 500 here; chan_sip says 491 until its 2xx is acknowledged.
    const bool newer = in.message.cseq()->number > c.dialog->remote_cseq().value_or(0);
    if (refreshes && newer && ((c.incoming && !c.is_up()) || !c.acknowledged))
        return answer(in, 491, "Request Pending");
    const int verdict = c.dialog->on_request(in.message);
    if (verdict == 491) return answer(in, 491, "Request Pending");
    if (verdict == 500 && refreshes)  // RFC 3261 14.2
        return answer(in, 500, "Server error",
                      {{"Retry-After", std::to_string(1 + random_.below(10))}});
    if (verdict != 0) return answer(in, verdict, verdict == 500 ? "Server error" : "Bad Request");
    switch (method) {
        case sip::Method::invite:
            return on_reinvite(in, c);
        case sip::Method::bye:
            return on_bye(in, c);
        case sip::Method::info:
            return on_info(in, c);
        case sip::Method::refer:
            return on_refer(in, c);
        case sip::Method::options:
            return answer(in, 200, "OK", {{"Accept", "application/sdp"}});
        case sip::Method::message:
            return on_message(in);
        case sip::Method::subscribe:
            return answer(in, 403, "Forbidden (within existing dialog)");
        case sip::Method::notify:
            return on_notify(in);
        case sip::Method::publish:
            return on_publish(in);
        default:
            return answer(in, 501, "Method Not Implemented");
    }
}

void ExchangeCore::on_response(Id id, const sip::Message& m, Time now) {
    const auto at = sent_.find(id);
    if (at == sent_.end()) return;
    const Sent what = at->second;
    // An INVITE can have several 2xx (RFC 3261 13.2.2.4): it is forgotten with its channel.
    if (m.status() >= 200 && what.what != Sent::For::invite) sent_.erase(at);
    if (what.what == Sent::For::registration) return on_registered(what.registration, &m, now);
    Channel* c = find(what.channel);
    if (c == nullptr) return;
    if (what.what == Sent::For::invite) return on_invite_response(*c, m, now);
    if (c->dialog) c->dialog->on_response(m);
    if (what.what == Sent::For::reinvite) on_reinvite_response(*c, m, now);
}

void ExchangeCore::on_lost(Id id, Time now) {
    const auto at = sent_.find(id);
    if (at == sent_.end()) return;
    const Sent what = at->second;
    sent_.erase(at);
    if (what.what == Sent::For::registration) return on_registered(what.registration, nullptr, now);
    Channel* c = find(what.channel);
    if (c == nullptr) return;
    if (what.what == Sent::For::invite && !c->is_up()) return on_refused(*c, 408, nullptr, now);
    if (what.what == Sent::For::reinvite) hang_up(*c, 102, now);
}

void ExchangeCore::on_cancel(const Incoming& in, Id invite) {
    const auto served = served_.find(invite);
    Channel* c = served == served_.end() ? nullptr : find(served->second);
    if (invite == 0 || (c == nullptr && !transactions_.alive(invite)))
        return answer(in, 481, "Call leg does not exist");
    if (c == nullptr) return answer(in, 200, "OK");
    // RFC 3261 9.2: the To tag is the one of the INVITE's responses.
    sip::Builder ok = response(in.message, in.from, 200, "OK", c->local_tag);
    if (auto text = ok.write()) transactions_.respond(in.id, std::move(*text), in.now);
    if (c->is_up() || c->dead()) return;
    refuse_call(*c, 487, "Request Terminated", {}, in.now);
    end(*c, in.now);
}

void ExchangeCore::on_ack(const sip::Message& m, Time now) {
    Channel* c = find(m);
    if (c == nullptr) return;
    const bool first = !c->acknowledged;
    c->acknowledged = true;
    // The answer to what our 2xx offered (RFC 3261 13.2.1).
    if (first && !c->negotiated)
        if (const auto sdp = sip::sdp_of(m)) settle_answer(*c, *sdp, now);
    if (c->leaving) {
        c->leaving = false;
        return hang_up(*c, c->cause, now);
    }
    if (first) go_direct(*c, now);
}

// ---------------------------------------------------------------- channels

Channel* ExchangeCore::find(ChannelId id) {
    const auto at = channels_.find(id);
    return at == channels_.end() || at->second.dead() ? nullptr : &at->second;
}

Channel* ExchangeCore::find(const sip::Message& m) {
    const auto at = by_call_id_.find(m.call_id());
    if (at == by_call_id_.end()) return nullptr;
    for (const ChannelId id : at->second) {
        Channel* c = find(id);
        if (c != nullptr && c->dialog && c->dialog->matches(m)) return c;
    }
    return nullptr;
}

Channel& ExchangeCore::make_channel(const SipPeer* peer, bool incoming) {
    Channel& c = channels_[++last_channel_];
    c.id = last_channel_;
    c.peer = peer;
    c.incoming = incoming;
    c.context = peer != nullptr ? peer->context : sip_.context;
    c.name = fmt::format("SIP/{}-{:08x}", peer != nullptr ? peer->name : "guest", c.id);
    c.local_tag = identifiers_.tag();
    c.local.user = "root";
    c.local.id = random_.below(1u << 30);
    c.local.version = c.local.id;
    return c;
}

void ExchangeCore::wake_at(Channel& c, Time at) {
    if (c.wake != no_time) wakes_.erase({c.wake, c.id});
    c.wake = at;
    if (at != no_time) wakes_.insert({at, c.id});
}

// Channels end inside functions that still hold them; they are taken away afterwards.
void ExchangeCore::sweep() {
    for (const ChannelId id : dead_) {
        const auto at = channels_.find(id);
        if (at == channels_.end()) continue;
        const auto same_call = by_call_id_.find(at->second.call_id);
        if (same_call != by_call_id_.end()) {
            std::erase(same_call->second, id);
            if (same_call->second.empty()) by_call_id_.erase(same_call);
        }
        served_.erase(at->second.served);
        sent_.erase(at->second.invite);
        channels_.erase(at);
    }
    dead_.clear();
    if (datagrams_.empty()) close_ports();
}

}  // namespace sipana::lab
