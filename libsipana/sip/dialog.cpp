#include "libsipana/sip/dialog.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "libsipana/base/text.h"
#include "libsipana/sip/params.h"
#include "libsipana/sip/uri.h"

namespace sipana::sip {
namespace {

constexpr std::size_t most_routes = 64;  // more than any path has

bool is_loose(std::string_view route) {
    const auto address = parse_name_addr(route);
    const auto uri = address ? parse_uri(address->uri) : std::nullopt;
    return !uri || uri->param("lr").has_value() || uri->scheme == Scheme::other;
}

std::string unfolded_value(const Message& m, Header id) {
    for (const Message::Field& f : m.fields())
        if (f.id == id) return m.unfolded(f);
    return {};
}

bool is_sips(std::string_view uri) { return istarts_with(uri, "sips:"); }

// A strict router's URI as a Request-URI: without what may not stand there (19.1.1, table 1).
std::string as_request_uri(std::string_view text) {
    const auto uri = parse_uri(text);
    if (!uri || (uri->scheme != Scheme::sip && uri->scheme != Scheme::sips))
        return std::string(text);
    std::string out(text.substr(0, text.find('?')));
    const auto method = uri->params.find("method");
    if (!method) return out;
    const std::size_t begin = out.find(uri->params.text());
    if (begin == out.npos) return out;
    std::string params;
    for (const Param& p : uri->params)
        if (!iequals(p.name, "method"))
            params +=
                p.has_value ? fmt::format(";{}={}", p.name, p.value) : fmt::format(";{}", p.name);
    return out.substr(0, begin) + params;
}

std::string_view uri_of(std::string_view name_addr) {
    const auto address = parse_name_addr(name_addr);
    return address ? address->uri : std::string_view{};
}

}  // namespace

bool refreshes_target(Method method) {
    switch (method) {
        case Method::invite:
        case Method::update:
        case Method::subscribe:
        case Method::notify:
        case Method::refer:
            return true;
        default:
            return false;
    }
}

DialogId DialogId::of_request(const Message& m) {
    return {std::string(m.call_id()), std::string(m.to_tag()), std::string(m.from_tag())};
}

DialogId DialogId::of_response(const Message& m) {
    return {std::string(m.call_id()), std::string(m.from_tag()), std::string(m.to_tag())};
}

std::optional<Dialog> Dialog::as_caller(const Message& request, const Message& response) {
    const auto cseq = request.cseq();
    if (!cseq) return std::nullopt;
    const std::string from = unfolded_value(request, Header::from);
    return as_caller(Sent{request.call_id(), from, request.from_tag(), request.request_uri(),
                          cseq->number, request.method()},
                     response);
}

std::optional<Dialog> Dialog::as_caller(const Sent& request, const Message& response) {
    if (response.status() <= 100 || response.status() >= 300) return std::nullopt;
    const std::string_view to_tag = response.to_tag();
    if (to_tag.empty() || request.call_id.empty()) return std::nullopt;
    std::optional<Dialog> made{Dialog()};
    Dialog& d = *made;
    d.is_caller_ = true;
    d.id_ = {std::string(request.call_id), std::string(request.from_tag), std::string(to_tag)};
    d.local_ = request.from;
    d.remote_ = unfolded_value(response, Header::to);
    d.target_ = request.uri;  // until a Contact says better
    d.local_cseq_ = d.first_cseq_ = request.cseq;
    d.first_method_ = request.method;
    d.secure_ = is_sips(request.uri);
    if (request.method == Method::invite) d.local_invite_ = request.cseq;
    d.take_routes(response, true);
    d.on_response(response);
    return made;
}

std::optional<Dialog> Dialog::as_callee(const Message& request, std::string_view local_tag) {
    const auto cseq = request.cseq();
    if (!cseq || local_tag.empty() || request.call_id().empty()) return std::nullopt;
    Dialog d;
    d.id_ = {std::string(request.call_id()), std::string(local_tag),
             std::string(request.from_tag())};
    d.local_ = unfolded_value(request, Header::to);
    if (request.to_tag().empty()) d.local_.append(";tag=").append(local_tag);
    d.remote_ = unfolded_value(request, Header::from);
    d.target_ = uri_of(d.remote_);
    d.remote_cseq_ = d.first_cseq_ = cseq->number;
    d.first_method_ = request.method();
    d.secure_ = is_sips(request.request_uri());
    if (request.method() == Method::invite) d.remote_invite_ = cseq->number;
    d.take_routes(request, false);
    d.take_target(request);
    return d;
}

std::optional<Dialog> Dialog::as_subscriber(const Message& subscribe, const Message& notify) {
    const auto ours = subscribe.cseq(), theirs = notify.cseq();
    if (!ours || !theirs || notify.from_tag().empty()) return std::nullopt;
    if (subscribe.call_id() != notify.call_id() || subscribe.from_tag() != notify.to_tag())
        return std::nullopt;
    Dialog d;
    d.is_caller_ = true;
    d.state_ = State::confirmed;
    d.id_ = DialogId::of_request(notify);
    d.local_ = unfolded_value(subscribe, Header::from);
    d.remote_ = unfolded_value(notify, Header::from);
    d.target_ = uri_of(d.remote_);
    d.local_cseq_ = d.first_cseq_ = ours->number;
    d.remote_cseq_ = theirs->number;
    d.first_method_ = subscribe.method();
    d.secure_ = is_sips(subscribe.request_uri());
    d.take_routes(notify, false);
    d.take_target(notify);
    return d;
}

bool Dialog::matches(const Message& m) const {
    if (m.call_id() != id_.call_id) return false;
    return m.is_request() ? m.to_tag() == id_.local_tag && m.from_tag() == id_.remote_tag
                          : m.from_tag() == id_.local_tag && m.to_tag() == id_.remote_tag;
}

void Dialog::take_routes(const Message& message, bool reversed) {
    routes_.clear();
    for (const Message::Field& f : message.fields()) {
        if (f.id != Header::record_route) continue;
        const std::string value = message.unfolded(f);
        std::string_view rest = value;
        while (const auto route = next_element(rest))
            if (routes_.size() < most_routes) routes_.emplace_back(*route);
    }
    if (reversed) std::reverse(routes_.begin(), routes_.end());
}

void Dialog::take_target(const Message& message) {
    std::string unfolded;
    std::string_view rest;
    for (const Message::Field& f : message.fields()) {
        if (f.id != Header::contact) continue;
        rest = message.value(f);
        if (f.folded) rest = unfolded = message.unfolded(f);
        break;
    }
    const auto contact = parse_name_addr(next_element(rest).value_or(""));
    if (contact && !contact->uri.empty() && !contact->is_star()) target_ = contact->uri;
}

void Dialog::on_response(const Message& m) {
    const auto cseq = m.cseq();
    if (!cseq) return;
    const int status = m.status();
    const bool first = is_caller_ && cseq->number == first_cseq_ && cseq->method == first_method_;
    // Also by the answer to a later one: the same INVITE again, with credentials.
    if (status >= 200 && cseq->method == Method::invite && local_invite_ <= cseq->number)
        local_invite_.reset();
    if (status > 100 && status < 300) {
        // 12.1.2 fixes the route set, and 13.2.2.4 has the 2xx compute it anew.
        if (first && state_ == State::early && status >= 200) take_routes(m, true);
        if (refreshes_target(cseq->method) && (status >= 200 || state_ == State::early))
            take_target(m);
        if (first && status >= 200 && state_ == State::early) state_ = State::confirmed;
        return;
    }
    if (status < 300) return;
    if (first && state_ == State::early) state_ = State::terminated;             // 12.3
    if (!first && (status == 481 || status == 408)) state_ = State::terminated;  // 12.2.1.2
}

int Dialog::on_request(const Message& m) {
    const auto cseq = m.cseq();
    if (!cseq) return 400;
    if (m.method() == Method::ack || m.method() == Method::cancel) return 0;
    if (remote_cseq_ && cseq->number < *remote_cseq_) return 500;
    remote_cseq_ = cseq->number;
    if (m.method() == Method::invite) {
        if (remote_invite_) return 500;
        if (local_invite_) return 491;
        remote_invite_ = cseq->number;
    }
    if (refreshes_target(m.method())) take_target(m);
    if (m.method() == Method::bye) state_ = State::terminated;
    return 0;
}

void Dialog::on_sent(const Message& m) {
    if (const auto cseq = m.cseq()) on_sent(*cseq, m.status());
}

void Dialog::on_sent(const CSeq& cseq, int status) {
    if (status < 200) return;
    if (cseq.method == Method::invite && remote_invite_ == cseq.number) remote_invite_.reset();
    const bool first = !is_caller_ && cseq.number == first_cseq_ && cseq.method == first_method_;
    if (!first || state_ != State::early) return;
    state_ = status < 300 ? State::confirmed : State::terminated;
}

Builder Dialog::request(std::string_view method) {
    const Method kind = method_of(method);
    if (kind == Method::ack || kind == Method::cancel)
        return std::as_const(*this).request(method, local_cseq_.value_or(first_cseq_));
    local_cseq_ = local_cseq_.value_or(0) + 1;
    if (kind == Method::invite) local_invite_ = *local_cseq_;
    return std::as_const(*this).request(method, *local_cseq_);
}

Builder Dialog::request(std::string_view method, std::uint32_t cseq) const {
    const bool strict = !routes_.empty() && !is_loose(routes_.front());
    Builder out =
        Builder::request(method, strict ? as_request_uri(uri_of(routes_.front())) : target_);
    for (std::size_t i = strict ? 1 : 0; i < routes_.size(); ++i)
        out.add(Header::route, routes_[i]);
    if (strict) out.add(Header::route, fmt::format("<{}>", target_));
    char number[12];
    char* end = std::to_chars(number, number + sizeof number, cseq).ptr;
    *end++ = ' ';
    const std::string_view begin(number, static_cast<std::size_t>(end - number));
    out.add(Header::from, local_).add(Header::to, remote_).add(Header::call_id, id_.call_id);
    out.add(Header::cseq, begin, method);
    return out;
}

std::string_view Dialog::next_hop() const {
    return routes_.empty() ? std::string_view(target_) : uri_of(routes_.front());
}

std::string Dialog::replaces() const {
    return fmt::format("{};to-tag={};from-tag={}", id_.call_id, id_.remote_tag, id_.local_tag);
}

bool Dialog::named_by(const DialogName& name) const {
    // RFC 3891 3: "0" names a peer without a tag, as RFC 2543 has them.
    const auto same = [](std::string_view wanted, std::string_view tag) {
        return wanted == tag || (wanted == "0" && tag.empty());
    };
    return name.call_id == id_.call_id && same(name.to_tag, id_.local_tag) &&
           same(name.from_tag, id_.remote_tag);
}

}  // namespace sipana::sip
