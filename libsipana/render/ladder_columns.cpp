#include "libsipana/render/ladder_columns.h"

#include <algorithm>
#include <tuple>

#include "libsipana/base/text.h"

namespace sipana::render {
namespace {

using analysis::Call;
using analysis::CallKind;
using analysis::SipMessage;
using analysis::Stream;

sip::Method method_of(CallKind kind) {
    switch (kind) {
        case CallKind::invite:
            return sip::Method::invite;
        case CallKind::register_:
            return sip::Method::register_;
        case CallKind::subscribe:
            return sip::Method::subscribe;
        case CallKind::message:
            return sip::Method::message;
        case CallKind::options:
            return sip::Method::options;
        case CallKind::other:
            break;
    }
    return sip::Method::other;
}

// The port that the topmost Via of a request names (RFC 3261 18.2.2), if it names this host.
std::optional<std::uint16_t> sent_by_port(const sip::Message& message, const Address& host) {
    const auto vias = message.values(sip::Header::via);
    if (vias.empty()) return std::nullopt;
    std::string_view rest = vias.front();
    cut(rest, ' ');
    const std::string_view sent_by = trim(cut(rest, ';'));
    if (const auto end = Endpoint::parse(sent_by); end && end->address == host) return end->port;
    if (const auto address = Address::parse(sent_by); address && *address == host)
        return std::uint16_t{5060};
    return std::nullopt;
}

// Begins a call of this kind: not within a dialog (RFC 3261 12.1).
bool is_initial(const Call& call, const SipMessage& m, const sip::Message& parsed) {
    if (!m.is_request() || !parsed.to_tag().empty()) return false;
    return call.kind == CallKind::other ? m.method != sip::Method::ack
                                        : m.method == method_of(call.kind);
}

}  // namespace

Columns::Columns(std::span<const Call* const> calls,
                 std::span<const std::pair<Address, std::string>> names) {
    learn_split_hosts(calls);
    learn_sip_columns(calls);
    learn_media_columns(calls);
    if (keys_.empty()) add({});  // calls without anything to draw
    number();
    learn_parts(calls);
    name_participants(calls, names);
}

Endpoint Columns::key_of(const Endpoint& endpoint) const {
    if (split_.count(endpoint.address) == 0) return {endpoint.address, 0};
    const auto alias = aliases_.find(endpoint);
    return alias == aliases_.end() ? endpoint : alias->second;
}

void Columns::add(const Endpoint& endpoint) {
    const Endpoint key = key_of(endpoint);
    if (index_.count(key) != 0 || beyond_.count(key) != 0) return;
    if (keys_.size() + 1 >= max_ladder_columns) {  // the last one is for everybody else
        beyond_.insert(key);
        return;
    }
    index_[key] = static_cast<std::uint32_t>(keys_.size());
    keys_.push_back(key);
}

void Columns::number() {
    for (std::uint32_t i = 0; i < keys_.size(); ++i) index_[keys_[i]] = i;
    if (!beyond_.empty()) keys_.push_back({});
    for (const Endpoint& key : beyond_) index_[key] = static_cast<std::uint32_t>(keys_.size() - 1);
    parts_.resize(keys_.size());
}

std::optional<std::uint32_t> Columns::find(const Endpoint& endpoint) const {
    const auto it = index_.find(key_of(endpoint));
    return it == index_.end() ? std::nullopt : std::optional(it->second);
}

std::uint32_t Columns::of(const Endpoint& endpoint) const { return find(endpoint).value_or(0); }

std::uint32_t Columns::callee_of(const Call& call) const {
    const auto it = callee_.find(&call);
    return it == callee_.end() ? of(call.callee) : it->second;
}

// Two ports of one host that talk to each other are two participants. Over TCP the sender's port is
// the connection's, so the port that its Via names stands for it.
void Columns::learn_split_hosts(std::span<const Call* const> calls) {
    for (const Call* call : calls)
        for (const SipMessage& m : call->messages)
            if (m.src.address == m.dst.address && m.src.port != m.dst.port)
                split_.insert(m.src.address);
    if (split_.empty()) return;
    sip::Message parsed;
    for (const Call* call : calls)
        for (const SipMessage& m : call->messages) {
            if (!m.is_request() || m.transport == Transport::udp ||
                split_.count(m.src.address) == 0 || aliases_.count(m.src) != 0 ||
                !parsed.read(m.text))
                continue;
            if (const auto port = sent_by_port(parsed, m.src.address); port && *port != m.src.port)
                aliases_[m.src] = {m.src.address, *port};
        }
}

// Along the flow: first those that requests passed through, in order of time, then the rest.
void Columns::learn_sip_columns(std::span<const Call* const> calls) {
    struct Hop {
        Time time;
        std::uint64_t frame;
        const SipMessage* message;
    };
    std::vector<Hop> hops;
    for (const Call* call : calls) {
        std::set<std::pair<Endpoint, Endpoint>> seen;  // one hop a direction is enough
        for (const SipMessage& m : call->messages)
            if (m.is_request() && seen.size() < 4 * max_ladder_columns &&
                seen.insert({m.src, m.dst}).second)
                hops.push_back({m.time, m.frame, &m});
    }
    std::stable_sort(hops.begin(), hops.end(), [](const Hop& a, const Hop& b) {
        return std::pair(a.time, a.frame) < std::pair(b.time, b.frame);
    });
    for (const Hop& hop : hops) {
        add(hop.message->src);
        add(hop.message->dst);
    }
    for (const Call* call : calls) {
        if (!call->caller.address.empty()) add(call->caller);
        if (!call->callee.address.empty()) add(call->callee);
        for (const SipMessage& m : call->messages) {
            add(m.src);
            add(m.dst);
        }
    }
}

// Who announced this media address in its SDP: the endpoint that sent the message.
std::optional<Endpoint> Columns::announcer(const Call& call, const Endpoint& media) const {
    const auto sender = [&call](std::uint32_t message) -> std::optional<Endpoint> {
        if (message >= call.messages.size()) return std::nullopt;
        return call.messages[message].src;
    };
    for (const auto& ledger : call.ledgers)
        for (const auto& exchange : ledger.exchanges)
            for (const auto& line : exchange.media) {
                if (line.offer.rtp == media) return sender(exchange.offer_message);
                if (line.answer && line.answer->rtp == media && exchange.answer_message)
                    return sender(*exchange.answer_message);
            }
    return std::nullopt;
}

// A host that speaks RTP only gets a column between those that it speaks with.
void Columns::learn_media_columns(std::span<const Call* const> calls) {
    const auto place = [this](const Endpoint& end, const Endpoint& peer) {
        const Endpoint key = key_of(end);
        if (split_.count(end.address) != 0 || index_.count(key) != 0 || beyond_.count(key) != 0)
            return;
        if (keys_.size() + 1 >= max_ladder_columns) {
            beyond_.insert(key);
            return;
        }
        const auto at = std::find(keys_.begin(), keys_.end(), key_of(peer));
        const std::size_t after = static_cast<std::size_t>(at - keys_.begin()) + 1;
        const std::size_t spot =
            keys_.size() < 2 ? keys_.size() : std::min(after, keys_.size() - 1);
        keys_.insert(keys_.begin() + static_cast<std::ptrdiff_t>(spot), key);
        index_[key] = 0;  // number() sets it right
    };
    for (const Call* call : calls)
        for (const Stream& stream : call->streams) {
            place(stream.src, stream.dst);
            place(stream.dst, stream.src);
        }
}

std::uint32_t Columns::media_column(const Call& call, const Endpoint& end, bool of_caller) const {
    if (split_.count(end.address) == 0)
        if (const auto column = find(end)) return *column;
    if (const auto column = index_.find(end); column != index_.end()) return column->second;
    if (const auto sender = announcer(call, end)) return of(*sender);
    return of_caller ? caller_of(call) : callee_of(call);
}

std::uint32_t Columns::source_of(const Call& call, const Stream& stream) const {
    return media_column(call, stream.src, stream.from_caller);
}

std::uint32_t Columns::target_of(const Call& call, const Stream& stream) const {
    return media_column(call, stream.dst, !stream.from_caller);
}

void Columns::learn_parts(std::span<const Call* const> calls) {
    sip::Message parsed;
    for (std::uint32_t c = 0; c < calls.size(); ++c) {
        const Call& call = *calls[c];
        bool initial_seen = false;
        // Responses seen already, by CSeq, code and To tag: what follows was passed on.
        std::set<std::tuple<std::uint32_t, std::uint16_t, std::string_view>> forwarded;
        std::set<std::tuple<Endpoint, Endpoint, bool>> hops;
        std::size_t read = 0;
        for (const SipMessage& m : call.messages) {
            Part& src = parts_[of(m.src)];
            Part& dst = parts_[of(m.dst)];
            if (!src.sip) src.first_call = c;
            if (!dst.sip) dst.first_call = c;
            src.sip = dst.sip = true;
            const auto keep_port = [](Part& part, std::uint16_t port) {
                if (part.ports.size() < 2) part.ports.insert(port);
            };
            keep_port(src, m.src.port);
            keep_port(dst, m.dst.port);
            // The roles are plain after the first requests; a long flow need not be parsed whole.
            const bool first_here = hops.size() < 4 * max_ladder_columns &&
                                    hops.insert({m.src, m.dst, m.is_request()}).second;
            if (((m.retransmission || m.capture_duplicate) && !first_here) || ++read > 1000 ||
                !parsed.read(m.text))
                continue;
            if (is_initial(call, m, parsed)) {
                initial_seen = true;
                src.began.insert(c);
                dst.received.insert(c);
                callee_[&call] = of(m.dst);
            }
            // Proxies pass these fields on, so only who sent a message first is told by them. A 100
            // is never passed on (RFC 3261 16.7).
            const auto agent =
                parsed.header(m.is_request() ? sip::Header::user_agent : sip::Header::server);
            const auto other = parsed.header(sip::Header::user_agent);
            const std::string_view text = agent ? *agent : other.value_or(std::string_view{});
            const bool first =
                m.is_request()
                    ? parsed.values(sip::Header::via).size() <= 1
                    : m.code == 100 || forwarded.insert({m.cseq, m.code, parsed.to_tag()}).second;
            if (first && src.agent.empty()) src.agent = text;
        }
        if (!initial_seen) {  // the capture began in the middle, or there are no messages
            parts_[caller_of(call)].began.insert(c);
            parts_[of(call.callee)].received.insert(c);
            for (const std::uint32_t column : {caller_of(call), of(call.callee)})
                parts_[column].sip = true;
            if (parts_[caller_of(call)].agent.empty())
                parts_[caller_of(call)].agent = call.caller_agent;
            if (parts_[of(call.callee)].agent.empty())
                parts_[of(call.callee)].agent = call.callee_agent;
            if (!call.caller.empty()) parts_[caller_of(call)].ports.insert(call.caller.port);
            if (!call.callee.empty()) parts_[of(call.callee)].ports.insert(call.callee.port);
        }
    }
}

// Who calls and is called there, where it is always the same one; empty: several.
std::string_view Columns::only_user(const Part& part, std::span<const Call* const> calls) {
    const std::string_view user = calls[*part.began.begin()]->from.user;
    const bool one = std::all_of(part.began.begin(), part.began.end(),
                                 [&](std::uint32_t c) { return calls[c]->from.user == user; }) &&
                     std::all_of(part.received.begin(), part.received.end(),
                                 [&](std::uint32_t c) { return calls[c]->to.user == user; });
    return one ? user : std::string_view{};
}

void Columns::name_participants(std::span<const Call* const> calls,
                                std::span<const std::pair<Address, std::string>> names) {
    const auto intersects = [](const std::set<std::uint32_t>& a, const std::set<std::uint32_t>& b) {
        return std::any_of(a.begin(), a.end(), [&b](std::uint32_t x) { return b.count(x) != 0; });
    };
    std::map<std::string, int> unnamed;  // "proxy" -> how many so far
    for (std::uint32_t i = 0; i < keys_.size(); ++i) {
        const Part& part = parts_[i];
        Participant p;
        const Endpoint& key = keys_[i];
        std::string_view user;
        if (!beyond_.empty() && i + 1 == keys_.size()) {
            p.role = Role::others;
            p.others = static_cast<std::uint32_t>(beyond_.size());
            p.name = std::to_string(beyond_.size()) + " others";
            participants_.push_back(std::move(p));
            continue;
        }
        p.agent = part.agent;
        if (part.sip && key.port == 0 && part.ports.size() == 1)
            p.address = Endpoint{key.address, *part.ports.begin()}.to_string();
        else
            p.address = key.port == 0 ? key.address.to_string() : key.to_string();
        const CallKind kind = calls.empty() ? CallKind::other : calls[part.first_call]->kind;
        if (!part.sip) {
            p.role = Role::media;
        } else if (intersects(part.began, part.received)) {
            p.role = Role::proxy;
        } else if (!part.began.empty() && !part.received.empty()) {
            user = only_user(part, calls);  // a telephone that is called back, or transferred
            p.role = user.empty()                                   ? Role::b2bua
                     : *part.began.begin() < *part.received.begin() ? Role::caller
                                                                    : Role::callee;
        } else if (!part.began.empty()) {
            p.role = Role::caller;
            user = calls[*part.began.begin()]->from.user;
        } else if (kind == CallKind::register_) {
            p.role = Role::registrar;
        } else if (kind == CallKind::invite || kind == CallKind::message) {
            p.role = Role::callee;
            const auto call = part.received.empty() ? part.first_call : *part.received.begin();
            user = calls[call]->to.user;
        } else {
            p.role = Role::server;
        }
        const auto known = std::find_if(names.begin(), names.end(), [&key](const auto& name) {
            return name.first == key.address;
        });
        if (!user.empty()) {
            p.name = user;
        } else if (known != names.end() && !key.address.empty()) {
            p.name = known->second;
        } else {
            p.name = to_string(p.role);
            const int n = ++unnamed[p.name];
            if (n > 1) p.name += " " + std::to_string(n);
        }
        participants_.push_back(std::move(p));
    }
}

}  // namespace sipana::render
