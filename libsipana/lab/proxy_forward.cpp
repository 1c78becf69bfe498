// What a proxy forwards: requests on their route (RFC 3261 16.4, 16.6), responses back (16.7), ACK
// and CANCEL (16.10, 16.11).
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/proxy.h"
#include "libsipana/sip/credentials.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/response.h"

namespace sipana::lab {

using sip::Header;

namespace {

bool is_loose(std::string_view route) {
    const auto address = sip::parse_name_addr(route);
    const auto uri = address ? sip::parse_uri(address->uri) : std::nullopt;
    return uri && uri->param("lr").has_value();
}

std::string uri_in(std::string_view route) {
    const auto address = sip::parse_name_addr(route);
    return address ? std::string(address->uri) : std::string(route);
}

// Those whose meaning a proxy changes stand elsewhere.
bool is_rewritten(Header id) {
    return id == Header::route || id == Header::max_forwards || id == Header::content_length;
}

bool makes_dialog(sip::Method method) {
    return method == sip::Method::invite || method == sip::Method::subscribe ||
           method == sip::Method::refer;
}

// 16.7 step 6: of the lowest class, and there what tells the caller most.
int rank(int status) {
    if (status >= 600) return 0;
    const bool telling =
        status == 401 || status == 407 || status == 415 || status == 420 || status == 484;
    // 408 and 503 tell of a branch, not of the called one.
    const bool empty = status == 408 || status == 503;
    return status / 100 * 10 + (telling ? 0 : empty ? 2 : 1);
}

// A response without the Via that is ours.
std::string without_top_via(const sip::Message& m) {
    sip::Builder b = sip::Builder::response(m.status(), m.reason());
    bool removed = false;
    for (const sip::Message::Field& f : m.fields()) {
        const std::string value = m.unfolded(f);
        if (f.id == Header::via && !removed) {
            std::string_view rest = value;
            sip::next_element(rest);
            removed = true;
            while (const auto further = sip::next_element(rest)) b.add(Header::via, *further);
        } else if (f.id != Header::content_length) {
            b.add(m.name(f), value);
        }
    }
    b.body({}, m.body());
    auto text = b.write();
    return text ? std::move(*text) : std::string();
}

}  // namespace

// ---------------------------------------------------------------- requests

// 16.4: a strict router before us put our own URI into the request line; our own Route is used up.
Proxy::Routed Proxy::routed(const sip::Message& m) const {
    Routed out;
    out.uri = m.request_uri();
    for (std::string_view route : m.values(Header::route)) out.routes.emplace_back(route);
    const auto uri = sip::parse_uri(out.uri);
    if (uri && uri->param("lr") && is_ours(*uri) && !out.routes.empty()) {
        out.uri = uri_in(out.routes.back());
        out.routes.pop_back();
    }
    if (!out.routes.empty()) {
        const std::string first = uri_in(out.routes.front());
        const auto own = sip::parse_uri(first);
        if (own && is_ours(*own)) out.routes.erase(out.routes.begin());
    }
    return out;
}

// 16.6 step 8: what a loop leaves the same, in the branch.
std::string Proxy::loop_hash(const sip::Message& m, const Routed& route) const {
    std::uint64_t h = 1;
    const auto add = [&](std::string_view text) {
        for (const char c : text) h = mix(h, static_cast<unsigned char>(c));
        h = mix(h, 256);
    };
    add(route.uri);
    for (const std::string& r : route.routes) add(r);
    add(m.from_tag());
    add(m.to_tag());
    add(m.call_id());
    add(std::to_string(m.cseq() ? m.cseq()->number : 0));
    add(m.header(Header::proxy_authorization).value_or(""));
    return fmt::format(".{:016x}", h);
}

bool Proxy::has_looped(const sip::Message& m, const std::string& hash) const {
    for (std::string_view value : m.values(Header::via)) {
        const auto via = sip::parse_via(value);
        if (!via || !via->branch().ends_with(hash)) continue;
        const auto host = Address::parse(via->host);
        for (const auto& [transport, at] : settings_.listens)
            if (host && at.address == *host && at.port == via->port.value_or(5060)) return true;
    }
    return false;
}

// 16.6. nullopt: nobody knows the way.
std::optional<std::pair<std::string, sip::Hop>> Proxy::forwarded(const sip::Message& m,
                                                                 const sip::Hop& from,
                                                                 const Target& target,
                                                                 const Routed& route) {
    std::string uri = target.uri;
    std::vector<std::string> routes = route.routes;
    const std::string next = routes.empty() ? uri : uri_in(routes.front());
    if (!routes.empty() && !is_loose(routes.front())) {  // step 6: the next one is strict
        routes.push_back(fmt::format("<{}>", uri));
        uri = next;
        routes.erase(routes.begin());
    }
    const auto way = sip::parse_uri(next);
    auto hop = target.hop && route.routes.empty() ? target.hop
               : way                              ? hosts_.hop_to(*way, settings_.listens)
                                                  : std::nullopt;
    if (!hop) return std::nullopt;
    sip::Builder b = sip::Builder::request(m.method_name(), uri);
    b.add(Header::via,
          fmt::format("SIP/2.0/{} {};branch={}{}", to_string(hop->transport),
                      hop->local.to_string(), identifiers_.branch(), loop_hash(m, route)));
    if (settings_.record_route && makes_dialog(m.method()))
        b.add(Header::record_route,
              fmt::format("<sip:{}{};lr>", hop->local.to_string(),
                          hop->transport == Transport::udp
                              ? ""
                              : fmt::format(";transport={}", uri_transport(hop->transport))));
    for (const std::string& r : routes) b.add(Header::route, r);
    bool first_via = true;
    for (const sip::Message::Field& f : m.fields()) {
        if (is_rewritten(f.id)) continue;
        if (f.id == Header::proxy_authorization) {  // 22.3: ours has served its turn
            const auto given = sip::parse_credentials(m.value(f));
            const auto digest = given ? sip::digest_of(*given) : std::nullopt;
            if (settings_.authenticate && digest && digest->realm == challenger_.realm()) continue;
        }
        const std::string value = m.unfolded(f);
        if (f.id == Header::via && first_via) {
            std::string_view rest = value;
            first_via = false;
            b.add(Header::via, sip::marked_via(sip::next_element(rest).value_or(""), from));
            while (const auto further = sip::next_element(rest)) b.add(Header::via, *further);
            continue;
        }
        b.add(m.name(f), value);
    }
    const auto left = m.header(Header::max_forwards);
    const std::uint32_t hops = left ? sip::parse_number(*left).value_or(70) : 71;
    b.add(Header::max_forwards, std::to_string(std::min<std::uint32_t>(hops, 255) - 1));
    b.body({}, m.body());
    auto text = b.write();
    if (!text) return std::nullopt;
    return std::pair{std::move(*text), *hop};
}

// 16.11: an ACK to a 2xx goes its own way; one to a failure ends here.
void Proxy::on_ack(const sip::Message& m, const sip::Hop& from, Id server) {
    const auto context = contexts_.find(server);
    if (server != 0 && (context == contexts_.end() || context->second.answered >= 300)) return;
    const Routed route = routed(m);
    const auto left = m.header(Header::max_forwards);
    if (left && sip::parse_number(*left).value_or(70) == 0) return;
    const auto uri = sip::parse_uri(route.uri);
    if (route.routes.empty() && uri && is_ours(*uri)) return;  // to nobody
    auto copy = forwarded(m, from, {route.uri, std::nullopt}, route);
    if (copy) transactions_.send(std::move(copy->first), copy->second);
}

void Proxy::on_cancel(const Arrived& in, Id invite) {
    const auto context = contexts_.find(invite);
    if (context == contexts_.end()) return answer(in, 481);
    answer(in, 200);
    context->second.cancelled = true;
    cancel_branches(context->second, in.now);
}

void Proxy::cancel_branches(Context& context, Time now) {
    if (!context.invite) return;
    for (const Branch& b : context.branches)
        if (b.status == 0) transactions_.cancel(b.client, now);
}

// Contexts whose transactions are gone; looked for when there may be many.
void Proxy::sweep() {
    if (contexts_.size() < next_sweep_) return;
    for (auto at = contexts_.begin(); at != contexts_.end();) {
        const Context& c = at->second;
        const bool over = c.answered != 0 && !transactions_.alive(c.server);
        for (const Branch& b : c.branches)
            if (over) servers_.erase(b.client);
        at = over ? contexts_.erase(at) : std::next(at);
    }
    next_sweep_ = 2 * contexts_.size() + 64;
}

// ---------------------------------------------------------------- responses

void Proxy::on_response(Id client, const sip::Message& m, Time now) {
    const auto server = servers_.find(client);
    if (server == servers_.end() || m.status() == 100) return;
    const auto found = contexts_.find(server->second);
    std::string text = without_top_via(m);
    if (found == contexts_.end() || text.empty()) return;
    Context& context = found->second;
    if (m.status() < 200) {
        transactions_.respond(context.server, std::move(text), now);
        return;
    }
    for (Branch& b : context.branches) {
        if (b.client != client) continue;
        if (b.status / 100 == 2 && m.status() / 100 == 2 && context.invite) {
            // The same 2xx again: repeating it is the callee's matter, not ours.
            if (const auto* hop = transactions_.hop(context.server))
                transactions_.send(std::move(text), *hop);
            return;
        }
        return on_branch_over(context, b, m.status(), std::move(text), now);
    }
}

void Proxy::on_branch_over(Context& context, Branch& branch, int status, std::string response,
                           Time now) {
    branch.status = status;
    branch.response = std::move(response);
    if (status / 100 == 2) {  // step 5: at once, also one of several
        if (context.answered == 0) {
            transactions_.respond(context.server, branch.response, now);
            transactions_.stop_repeating(context.server);
            context.answered = status;
        } else if (const auto* hop = transactions_.hop(context.server)) {
            transactions_.send(branch.response, *hop);
        }
        return cancel_branches(context, now);
    }
    if (status >= 600) cancel_branches(context, now);
    answer_best(context, now);
}

// Steps 6 and 7, once every branch has its final response.
void Proxy::answer_best(Context& context, Time now) {
    if (context.answered != 0) return;
    const Branch* best = nullptr;
    for (const Branch& b : context.branches) {
        if (b.status == 0) return;
        if (best == nullptr || rank(b.status) < rank(best->status)) best = &b;
    }
    const auto request = sip::Message::parse(context.request);
    if (best == nullptr || !request) return;
    const auto kept = sip::Message::parse(best->response);
    std::string text = best->response;
    const int status = best->status == 503 ? 500 : best->status;
    if (!kept || status != best->status) {  // made by us, or a 503 that is not ours (step 6)
        const auto made = sip::response_to(*request, context.from, status, {}, identifiers_.tag());
        if (auto written = made.write()) text = std::move(*written);
    } else if (status == 401 || status == 407) {  // step 7: every branch's challenges
        sip::Builder b = sip::Builder::from(*kept);
        for (const Branch& other : context.branches) {
            if (&other == best || (other.status != 401 && other.status != 407)) continue;
            const auto m = sip::Message::parse(other.response);
            if (!m) continue;
            for (const sip::Message::Field& f : m->fields())
                if (f.id == Header::www_authenticate || f.id == Header::proxy_authenticate)
                    b.add(f.id, m->value(f));
        }
        if (auto written = b.write()) text = std::move(*written);
    }
    context.answered = status;
    if (text.empty())  // the request is such that nobody can answer it
        transactions_.forget(context.server);
    else
        transactions_.respond(context.server, std::move(text), now);
}

}  // namespace sipana::lab
