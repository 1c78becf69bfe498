#include "libsipana/lab/proxy.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/sip/credentials.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/response.h"

namespace sipana::lab {

using sip::Header;
using Kind = sip::Transactions::Kind;

namespace {

constexpr Duration timer_c = std::chrono::minutes{4};  // 16.6 step 11: more than three

sip::Timing with_timer_c(sip::Timing timing) {
    if (timing.c == Duration{}) timing.c = timer_c;
    timing.trying = {};  // the proxy's own 100 goes out at once
    return timing;
}

sip::Challenger::Settings challenger_settings(const ProxySettings& s) {
    sip::Challenger::Settings out;
    out.realm = !s.realm.empty() ? s.realm : !s.domains.empty() ? s.domains.front() : s.name;
    out.algorithms = s.algorithms;
    return out;
}

std::string from_host(const sip::Message& m) {
    const auto from = sip::parse_name_addr(m.header(Header::from).value_or(""));
    return from ? lowered(sip::host_of(from->uri)) : std::string();
}

}  // namespace

Result<ProxySettings> proxy_settings(
    const std::vector<std::pair<std::string, std::string>>& settings,
    const std::map<std::string, Endpoint>& hosts) {
    ProxySettings out;
    out.hosts = hosts;
    out.algorithms.clear();
    for (const auto& setting : settings) {
        const std::string &key = setting.first, &value = setting.second;
        std::string_view rest = value;
        const auto wrong = [&](std::string_view expected) {
            return Error{Errc::malformed, 0,
                         fmt::format("{} {}: expected {}", key, printable(value), expected)};
        };
        if (key == "domain") {
            out.domains.push_back(lowered(value));
        } else if (key == "realm") {
            out.realm = value;
        } else if (key == "auth") {
            out.authenticate = true;
        } else if (key == "record-route") {
            out.record_route = true;
        } else if (key == "next") {
            const std::string domain = lowered(cut(rest, '='));
            const auto known = hosts.find(std::string(rest));
            const auto given = Endpoint::parse(rest);
            if (domain.empty() || (known == hosts.end() && !given)) return wrong("DOMAIN=SERVER");
            out.next[domain] = given ? *given : known->second;
        } else if (key == "user") {
            const auto name = cut(rest, value.find(':') == value.npos ? '=' : ':');
            if (name.empty()) return wrong("NAME:PASSWORD");
            out.users[std::string(name)] = rest;
        } else if (key == "algorithm") {
            const auto algorithm = sip::parse_algorithm(value);
            if (!algorithm) return wrong("MD5, SHA-256 or SHA-512-256");
            out.algorithms.push_back(*algorithm);
        } else {
            return wrong("nothing of that name");
        }
    }
    if (out.algorithms.empty()) out.algorithms.push_back({});
    return out;
}

Proxy::Proxy(ProxySettings settings)
    : settings_(std::move(settings)),
      identifiers_(settings_.seed),
      transactions_(with_timer_c(settings_.timing), settings_.seed),
      challenger_(challenger_settings(settings_), settings_.seed + 1),
      registrar_(Registrar::Policy{}) {
    for (const auto& [name, at] : settings_.hosts) hosts_.add(name, at);
    for (const auto& [domain, at] : settings_.next) hosts_.add(domain, at);
}

Proxy::~Proxy() = default;

Status Proxy::start(Ports& ports) {
    for (auto& [transport, at] : settings_.listens) {
        auto opened = ports.open(transport, at, *this);
        if (!opened) return opened.error();
        at = *opened;
    }
    return Done{};
}

void Proxy::on_packet(const Packet& packet, Time now) {
    if (packet.content != Content::sip) return;
    const auto message = sip::Message::parse(as_text(packet.payload));
    if (!message) return;
    const sip::Hop from{packet.dst, packet.src, packet.transport};
    on_event(transactions_.on_message(*message, from, now), &*message, from, now);
}

void Proxy::on_unreachable(const Endpoint& local, const Endpoint& remote, Transport transport,
                           Time now) {
    transactions_.on_unreachable({local, remote, transport}, now);
    while (const auto event = transactions_.poll_event()) on_event(*event, nullptr, {}, now);
}

void Proxy::on_timer(Time now) {
    transactions_.on_timer(now);
    while (const auto event = transactions_.poll_event()) on_event(*event, nullptr, {}, now);
    sweep();
}

std::optional<Packet> Proxy::poll() {
    auto out = transactions_.poll();
    if (!out) return std::nullopt;
    output_ = std::move(*out);
    return Packet{output_.hop.local, output_.hop.remote,      output_.hop.transport,
                  Content::sip,      as_bytes(*output_.text), {}};
}

void Proxy::on_event(const sip::Transactions::Event& event, const sip::Message* message,
                     const sip::Hop& from, Time now) {
    switch (event.kind) {
        case Kind::request:
            return on_request({*message, from, event.id, now});
        case Kind::cancel:
            return on_cancel({*message, from, event.id, now}, event.invite);
        case Kind::ack:
            return on_ack(*message, from, event.id);
        case Kind::response:
            return on_response(event.id, *message, now);
        case Kind::timer_c:  // 16.8
            transactions_.cancel(event.id, now);
            return;
        case Kind::timed_out:
        case Kind::unreachable: {
            const auto server = servers_.find(event.id);
            if (server == servers_.end()) {
                contexts_.erase(event.id);  // the server's side is gone
                return;
            }
            const auto context = contexts_.find(server->second);
            servers_.erase(server);
            if (context == contexts_.end()) return;
            for (Branch& b : context->second.branches)  // 16.9: as if it had answered so
                if (b.client == event.id)
                    return on_branch_over(context->second, b,
                                          event.kind == Kind::timed_out ? 408 : 503, {}, now);
            return;
        }
        case Kind::absorbed:
        case Kind::stray:
        case Kind::unusable:
            return;
    }
}

// ---------------------------------------------------------------- requests

void Proxy::on_request(const Arrived& in) {
    if (refuse(in)) return;
    const sip::Message& m = in.message;
    const Routed route = routed(m);
    if (const std::string hash = loop_hash(m, route); has_looped(m, hash)) return answer(in, 482);
    if (m.method() != sip::Method::register_ && refuse_strangers(in)) return;
    std::vector<Target> targets;
    if (!targets_of(in, route, targets)) return;
    Context context;
    context.server = in.id;
    context.request = m.text();
    context.from = in.from;
    context.invite = m.method() == sip::Method::invite;
    if (context.invite) answer(in, 100);
    for (const Target& target : targets) {
        auto copy = forwarded(m, in.from, target, route);
        Branch branch;
        if (copy)
            branch.client = transactions_.request(std::move(copy->first), copy->second, in.now);
        if (branch.client == 0)
            branch.status = 503;
        else
            servers_[branch.client] = in.id;
        context.branches.push_back(std::move(branch));
    }
    Context& kept = contexts_[in.id] = std::move(context);
    answer_best(kept, in.now);
}

// 16.3: what cannot or must not be forwarded.
bool Proxy::refuse(const Arrived& in) {
    const sip::Message& m = in.message;
    const bool complete = m.header(Header::to) && m.header(Header::from) && !m.call_id().empty() &&
                          m.cseq() && m.cseq()->method_name == m.method_name();
    const auto uri = sip::parse_uri(m.request_uri());
    const auto left = m.header(Header::max_forwards);
    if (!complete) {
        answer(in, 400);
    } else if (!uri || (uri->scheme != sip::Scheme::sip && uri->scheme != sip::Scheme::sips)) {
        answer(in, 416);
    } else if (left && sip::parse_number(*left).value_or(70) == 0) {
        answer(in, 483);
    } else if (const auto wanted = m.values(Header::proxy_require); !wanted.empty()) {
        std::string all;
        for (std::string_view tag : wanted)
            if (sip::is_token(tag)) all += fmt::format("{}{}", all.empty() ? "" : ", ", tag);
        answer(in, 420, {{"Unsupported", all.empty() ? "none" : all}});
    } else {
        return false;
    }
    return true;
}

std::string Proxy::credentials_of(const sip::Message& m, Header field) const {
    for (const sip::Message::Field& f : m.fields()) {
        if (f.id != field) continue;
        const auto parsed = sip::parse_credentials(m.value(f));
        const auto digest = parsed ? sip::digest_of(*parsed) : std::nullopt;
        if (digest && digest->realm == challenger_.realm()) return std::string(m.value(f));
    }
    return {};
}

// 22.3: our own users show who they are when they begin something. True: challenged or refused.
bool Proxy::refuse_strangers(const Arrived& in) {
    const sip::Message& m = in.message;
    const bool registers = m.method() == sip::Method::register_;
    if (!settings_.authenticate || !m.to_tag().empty()) return false;
    const std::string host = from_host(m);
    const auto& domains = settings_.domains;
    if (!registers && std::find(domains.begin(), domains.end(), host) == domains.end())
        return false;
    const std::string given =
        credentials_of(m, registers ? Header::authorization : Header::proxy_authorization);
    bool stale = false;
    if (!given.empty()) {
        const auto user = settings_.users.find(sip::Challenger::username(given));
        const sip::Challenger::Attempt attempt{m.method_name(), m.body(), given, {}};
        const auto verdict = user == settings_.users.end()
                                 ? sip::Challenger::Verdict::wrong
                                 : challenger_.verify(attempt, user->second, in.now);
        if (verdict == sip::Challenger::Verdict::ok) return false;
        if (verdict == sip::Challenger::Verdict::wrong) {
            answer(in, 403);
            return true;
        }
        stale = verdict != sip::Challenger::Verdict::malformed;
    }
    Fields fields;
    for (std::string& value : challenger_.challenges(in.now, stale))
        fields.emplace_back(registers ? "WWW-Authenticate" : "Proxy-Authenticate",
                            std::move(value));
    answer(in, registers ? 401 : 407, fields);
    return true;
}

void Proxy::on_register(const Arrived& in) {
    if (refuse_strangers(in)) return;
    const auto to = sip::parse_name_addr(in.message.header(Header::to).value_or(""));
    const std::string user = to ? sip::unescaped(sip::user_of(to->uri)) : std::string();
    if (user.empty()) return answer(in, 400);
    if (!settings_.users.empty() && !settings_.users.contains(user)) return answer(in, 404);
    const int status = registrar_.apply(user, in.message, in.from, in.now);
    if (status == 423)
        return answer(in, 423, {{"Min-Expires", std::to_string(registrar_.policy().min_s)}});
    if (status != 200) return answer(in, status);
    sip::Builder b = sip::response_to(in.message, in.from, 200, {}, identifiers_.tag());
    registrar_.write(user, b, in.now);
    if (auto text = b.write()) transactions_.respond(in.id, std::move(*text), in.now);
}

void Proxy::answer(const Arrived& in, int status, const Fields& more) {
    sip::Builder b = sip::response_to(in.message, in.from, status, {},
                                      status == 100 ? std::string() : identifiers_.tag());
    for (const auto& [name, value] : more) b.add(name, value);
    if (auto text = b.write()) transactions_.respond(in.id, std::move(*text), in.now);
}

// 16.5. False: answered.
bool Proxy::targets_of(const Arrived& in, const Routed& route, std::vector<Target>& targets) {
    const auto uri = sip::parse_uri(route.uri);
    if (!uri) return answer(in, 416), false;
    if (!route.routes.empty() || !is_ours(*uri)) {
        targets.push_back({route.uri, std::nullopt});
        return true;
    }
    if (in.message.method() == sip::Method::register_) return on_register(in), false;
    if (uri->user.empty()) {  // the proxy itself
        if (in.message.method() == sip::Method::options)
            answer(in, 200, {{"Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER"}});
        else
            answer(in, 404);
        return false;
    }
    const std::string user = sip::unescaped(uri->user);
    for (const Binding& b : registrar_.bindings(user, in.now)) {
        const auto contact = sip::parse_uri(b.uri);
        const auto hop = contact ? hosts_.hop_to(*contact, settings_.listens) : std::nullopt;
        if (targets.size() < max_targets) targets.push_back({b.uri, hop.value_or(b.from)});
    }
    if (!targets.empty()) return true;
    return answer(in, settings_.users.contains(user) ? 480 : 404), false;
}

bool Proxy::is_ours(const sip::Uri& uri) const {
    const std::string host = lowered(uri.host);
    if (std::find(settings_.domains.begin(), settings_.domains.end(), host) !=
        settings_.domains.end())
        return true;
    const auto address = Address::parse(uri.host);
    return address &&
           std::any_of(settings_.listens.begin(), settings_.listens.end(), [&](const auto& l) {
               return l.second.address == *address &&
                      l.second.port == uri.port.value_or(default_port(l.first));
           });
}

}  // namespace sipana::lab
