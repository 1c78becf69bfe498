// What the exchange writes: responses, requests, and the checks that every request goes through.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libsipana/base/text.h"
#include "libsipana/lab/exchange_core.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/response.h"

namespace sipana::lab {
namespace {

using sip::Header;

constexpr std::string_view product = "sipana-lab-exchange (stand-in for a lab, not a PBX)";
constexpr std::string_view methods =
    "INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE";
constexpr std::string_view extensions = "replaces, timer";

struct CauseRow {
    int cause, status;
    std::string_view phrase;
};
// ITU-T Q.850 to SIP where chan_sip maps it; every other cause is 603.
constexpr std::array causes{
    CauseRow{1, 404, "Not Found"},
    CauseRow{2, 404, "Not Found"},
    CauseRow{3, 404, "Not Found"},
    CauseRow{17, 486, "Busy Here"},
    CauseRow{18, 408, "Request Timeout"},
    CauseRow{19, 480, "Temporarily unavailable"},
    CauseRow{20, 480, "Temporarily unavailable"},
    CauseRow{21, 403, "Forbidden"},
    CauseRow{22, 410, "Gone"},
    CauseRow{27, 502, "Bad Gateway"},
    CauseRow{28, 484, "Address incomplete"},
    CauseRow{29, 501, "Not Implemented"},
    CauseRow{31, 480, "Temporarily unavailable"},
    CauseRow{34, 503, "Service Unavailable"},
    CauseRow{38, 500, "Server internal failure"},
    CauseRow{42, 503, "Service Unavailable"},
    CauseRow{58, 488, "Not Acceptable Here"},
    CauseRow{66, 503, "Service Unavailable"},
    CauseRow{127, 500, "Server internal failure"},
};

struct StatusRow {
    int status, cause;
};
// The other way, for what a called phone answered.
constexpr std::array statuses{
    StatusRow{401, 21}, StatusRow{403, 21}, StatusRow{404, 1},   StatusRow{407, 21},
    StatusRow{408, 18}, StatusRow{409, 41}, StatusRow{410, 22},  StatusRow{420, 3},
    StatusRow{480, 19}, StatusRow{483, 19}, StatusRow{484, 28},  StatusRow{485, 1},
    StatusRow{486, 17}, StatusRow{488, 58}, StatusRow{500, 38},  StatusRow{501, 29},
    StatusRow{502, 27}, StatusRow{503, 34}, StatusRow{504, 102}, StatusRow{600, 17},
    StatusRow{603, 21}, StatusRow{604, 1},  StatusRow{606, 58},
};

bool is_supported(std::string_view tag) {
    return iequals(tag, "replaces") || iequals(tag, "timer");
}

}  // namespace

Refusal status_of_cause(int cause) {
    for (const CauseRow& row : causes)
        if (row.cause == cause) return {row.status, row.phrase};
    return {603, "Declined"};
}

int cause_of_status(int status) {
    for (const StatusRow& row : statuses)
        if (row.status == status) return row.cause;
    if (status >= 500 && status < 600) return 34;
    return status >= 400 ? 127 : 16;
}

// ---------------------------------------------------------------- responses

// What every response has beside what the request gave it.
sip::Builder ExchangeCore::response(const sip::Message& request, const sip::Hop& from, int status,
                                    std::string_view reason, std::string_view tag) {
    sip::Builder b = sip::response_to(request, from, status, reason, tag);
    b.add(Header::server, product);
    add_abilities(b);
    return b;
}

void ExchangeCore::answer(const Incoming& in, int status, std::string_view reason,
                          const Fields& more) {
    sip::Builder b = response(in.message, in.from, status, reason, identifiers_.tag());
    // 2xx that may make or refresh a dialog need a Contact (RFC 3261 8.1.1.8, RFC 6665 8.2).
    const auto method = in.message.method();
    if (status / 100 == 2 && (method == sip::Method::subscribe || method == sip::Method::refer))
        b.add(Header::contact, contact_of(in.from, sip::user_of(in.message.request_uri())));
    for (const auto& [name, value] : more) b.add(name, value);
    respond(in.message, in.id, b, in.now);
}

void ExchangeCore::respond(const sip::Message& request, Id id, const sip::Builder& b, Time now) {
    auto text = b.write();
    if (!text) {  // the request is such that nobody can answer it
        note("could not write a response: " + text.error().what);
        return transactions_.forget(id);
    }
    if (!request.to_tag().empty())
        if (Channel* c = find(request); c != nullptr)
            if (const auto sent = sip::Message::parse(*text)) c->dialog->on_sent(*sent);
    transactions_.respond(id, std::move(*text), now);
}

// What chan_sip looks at before it asks what is wanted. True: that was the request's end.
bool ExchangeCore::refuse_malformed(const Incoming& in) {
    const sip::Message& m = in.message;
    // RFC 3261 8.1.1: To, From, Call-ID and CSeq are never absent, and CSeq has a number.
    const bool complete = m.header(Header::to) && m.header(Header::from) && !m.call_id().empty() &&
                          m.cseq() && m.cseq()->method_name == m.method_name();
    if (!complete) {
        answer(in, 400, "Bad Request");
        return true;
    }
    // 8.1.1.3: a From without a tag names no dialog; chan_sip does not answer to it.
    if (sip_.pedantic && m.from_tag().empty()) {
        note("dropped a request without From tag");
        transactions_.forget(in.id);
        return true;
    }
    // 8.2.2.2: the same request by another way.
    if (in.merged) {
        answer(in, 482, "(Loop Detected)");
        return true;
    }
    if (m.method() == sip::Method::other) {  // 8.2.1 has 405 for it, chan_sip 501 (21.5.2)
        answer(in, 501, "Method Not Implemented");
        return true;
    }
    return false;
}

// RFC 3261 8.2.2.3. True: refused.
bool ExchangeCore::refuse_requirements(const Incoming& in) {
    std::string unsupported;
    for (std::string_view tag : in.message.values(Header::require))
        if (!is_supported(tag) && sip::is_token(tag))
            unsupported += fmt::format("{}{}", unsupported.empty() ? "" : ", ", tag);
    if (unsupported.empty()) return false;
    answer(in, 420, "Bad Extension", {{"Unsupported", unsupported}});
    return true;
}

// ---------------------------------------------------------------- requests

std::string ExchangeCore::contact_of(const sip::Hop& hop, std::string_view user) const {
    const std::string at = user.empty() ? "" : fmt::format("{}@", user);
    const std::string transport = hop.transport == Transport::udp
                                      ? ""
                                      : fmt::format(";transport={}", uri_transport(hop.transport));
    return fmt::format("<sip:{}{}{}>", at, hop.local.to_string(), transport);
}

// Via and what else is needed on the way stands in front (RFC 3261 7.3.1).
ExchangeCore::Id ExchangeCore::send_request(const sip::Builder& wanted, const sip::Hop& hop,
                                            std::uint32_t max_forwards, Time now, Sent what) {
    const auto text = with_via(wanted, hop, max_forwards);
    if (text.empty()) return 0;
    const Id id = transactions_.request(text, hop, now);
    if (id != 0) sent_.emplace(id, what);
    return id;
}

std::string ExchangeCore::with_via(const sip::Builder& wanted, const sip::Hop& hop,
                                   std::uint32_t max_forwards) {
    const auto draft = wanted.write();
    const auto m = draft ? sip::Message::parse(*draft) : Result<sip::Message>(draft.error());
    if (!m) {
        note("could not write a request: " + m.error().what);
        return {};
    }
    sip::Builder b = sip::Builder::request(m->method_name(), m->request_uri());
    b.add(Header::via, fmt::format("SIP/2.0/{} {};branch={};rport", to_string(hop.transport),
                                   hop.local.to_string(), identifiers_.branch()));
    b.add(Header::max_forwards, std::to_string(max_forwards));
    for (const sip::Message::Field& f : m->fields())
        if (f.id != Header::content_length && f.id != Header::content_type)
            b.add(m->name(f), m->value(f));
    b.add(Header::user_agent, product);
    if (!m->body().empty()) b.body(m->header(Header::content_type).value_or(""), m->body());
    auto text = b.write();
    return text ? std::move(*text) : std::string();
}

sip::Hop ExchangeCore::hop_of(const sip::Dialog& dialog, const sip::Hop& otherwise) const {
    const auto uri = sip::parse_uri(dialog.next_hop());
    const auto hop = uri ? hosts_.hop_to(*uri, settings.listens) : std::nullopt;
    return hop.value_or(otherwise);
}

void ExchangeCore::add_abilities(sip::Builder& b) const {
    const bool no_timer = sip_.session_timers == SessionTimers::refuse;
    b.add(Header::allow, methods).add(Header::supported, no_timer ? "replaces" : extensions);
}

ExchangeCore::Id ExchangeCore::send_in_dialog(Channel& c, std::string_view method,
                                              const Fields& more, std::string_view type,
                                              std::string_view body, Time now, Sent::For what) {
    if (!c.dialog) return 0;
    sip::Builder b = c.dialog->request(method);
    const sip::Hop hop = hop_of(*c.dialog, c.hop);
    if (method != "BYE" && method != "INFO") b.add(Header::contact, contact_of(hop, c.own_user));
    if (method == "INVITE") add_abilities(b);
    for (const auto& [name, value] : more) b.add(name, value);
    if (!body.empty()) b.body(type, body);
    return send_request(b, hop, 70, now, {what, c.id, 0});
}

// To a 2xx, once for each that comes (RFC 3261 13.2.2.4).
void ExchangeCore::send_ack(const sip::Dialog& dialog, const sip::Hop& otherwise,
                            std::uint32_t cseq, std::string_view body) {
    sip::Builder b = dialog.ack(cseq);
    if (!body.empty()) b.body("application/sdp", body);
    const sip::Hop way = hop_of(dialog, otherwise);
    if (auto text = with_via(b, way, 70); !text.empty()) transactions_.send(std::move(text), way);
}

}  // namespace sipana::lab
