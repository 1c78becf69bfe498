// What is no call: OPTIONS, MESSAGE (RFC 3428), SUBSCRIBE and NOTIFY (RFC 6665), PUBLISH (RFC
// 3903), as far as chan_sip has them.
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/exchange_core.h"
#include "libsipana/sip/fields.h"

namespace sipana::lab {

using sip::Header;

namespace {

constexpr std::string_view event_packages = "presence, dialog, message-summary";

bool accepts(const sip::Message& m, std::string_view type) {
    for (std::string_view value : m.values(Header::accept))
        if (iequals(trim(value.substr(0, value.find(';'))), type)) return true;
    return false;
}

std::string xml_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

std::optional<std::uint32_t> expires_of(const sip::Message& m) {
    const auto value = m.header(Header::expires);
    return value ? sip::parse_number(*value) : std::nullopt;
}

}  // namespace

// The extension that a request names, in `context`. False: answered with 416, 484 or 404.
bool ExchangeCore::find_extension(const Incoming& in, const std::string& context, bool overlap,
                                  std::string& extension) {
    const auto uri = sip::parse_uri(in.message.request_uri());
    if (!uri || uri->scheme == sip::Scheme::other) {  // RFC 3261 8.2.2.1
        answer(in, 416, "Unsupported URI Scheme");
        return false;
    }
    const std::string_view user = uri->user.substr(0, uri->user.find(';'));
    extension = sip::unescaped(user.empty() ? std::string_view("s") : user);
    if (plan_.exists(context, extension)) return true;
    if (overlap && plan_.could_exist(context, extension))  // 21.4.22
        answer(in, 484, "Address Incomplete");
    else
        answer(in, 404, "Not Found");
    return false;
}

void ExchangeCore::on_options(const Incoming& in) {
    const SipPeer* peer = peer_of(in.message, in.from, in.now);
    if (sip_.authenticate_options && authenticate(in, peer) == Admission::answered) return;
    const std::string& context = peer != nullptr ? peer->context : sip_.context;
    const auto uri = sip::parse_uri(in.message.request_uri());
    std::string extension;
    // Without a user it is the exchange itself that is asked (RFC 3261 11.2).
    const bool itself = uri && uri->scheme != sip::Scheme::other && uri->user.empty();
    if (!itself && !find_extension(in, context, false, extension)) return;
    answer(in, 200, "OK",
           {{"Contact", contact_of(in.from, extension)}, {"Accept", "application/sdp"}});
}

void ExchangeCore::on_message(const Incoming& in) {
    const sip::Message& m = in.message;
    const bool inside = !m.to_tag().empty();
    const SipPeer* peer = peer_of(m, in.from, in.now);
    if (!inside && !sip_.accept_messages) return answer(in, 405, "Method Not Allowed");
    if (!inside && sip_.authenticate_messages && (peer != nullptr || !sip_.allow_guest) &&
        authenticate(in, peer) == Admission::answered)
        return;
    const auto type = sip::parse_content_type(m.header(Header::content_type).value_or(""));
    if (!type || !type->is("text", "plain"))
        return answer(in, 415, "Unsupported Media Type", {{"Accept", "text/plain"}});
    std::string extension;
    const PeerDefaults& ways = how(peer);
    const std::string& context = ways.message_context.empty() ? ways.context : ways.message_context;
    if (!inside && !find_extension(in, context, false, extension)) return;
    note(fmt::format("MESSAGE to {}: \"{}\"", printable(extension), printable(m.body())));
    answer(in, 202, "Accepted");
}

void ExchangeCore::on_subscribe(const Incoming& in) {
    const sip::Message& m = in.message;
    const auto event = sip::parse_event(m.header(Header::event).value_or(""));
    const Fields events{{"Allow-Events", std::string(event_packages)}};
    if (!event) return answer(in, 489, "Bad Event", events);
    const SipPeer* peer = peer_of(m, in.from, in.now);
    if ((peer != nullptr || !sip_.allow_guest) && authenticate(in, peer) == Admission::answered)
        return;
    const PeerDefaults& ways = how(peer);
    if (!ways.allow_subscribe) return answer(in, 403, "Forbidden (policy)");
    const std::string& context =
        ways.subscribe_context.empty() ? ways.context : ways.subscribe_context;
    const bool mail = event->package == "message-summary";
    const bool state = event->package == "presence" || event->package == "dialog";
    std::string extension;
    const auto uri = sip::parse_uri(m.request_uri());
    if (!uri || uri->scheme == sip::Scheme::other) return answer(in, 416, "Unsupported URI Scheme");
    if (!mail && !find_extension(in, context, false, extension)) return;
    if (mail && m.header(Header::accept) && !accepts(m, "application/simple-message-summary"))
        return answer(in, 406, "Not Acceptable");
    if (!mail && (!state || !m.header(Header::accept))) return answer(in, 489, "Bad Event", events);
    if (mail ? peer == nullptr || peer->mailbox.empty() : plan_.hint(context, extension) == nullptr)
        return answer(in, 404, "Not Found");
    const std::uint32_t expires = std::min(expires_of(m).value_or(3600), sip_.max_expires_s);
    if (expires != 0 && expires < sip_.min_subscription_s)  // RFC 6665 4.2.1.1
        return answer(in, 423, "Interval too small",
                      {{"Min-Expires", std::to_string(sip_.min_subscription_s)}});
    accept_subscription(in, event->package, extension, expires);
}

// The state is told once: nothing changes that could be told later.
void ExchangeCore::accept_subscription(const Incoming& in, std::string_view package,
                                       std::string_view extension, std::uint32_t expires) {
    const std::string tag = identifiers_.tag();
    auto dialog = sip::Dialog::as_callee(in.message, tag);
    sip::Builder ok = response(in.message, in.from, 200, "OK", tag);
    ok.add(Header::contact, contact_of(in.from, extension))
        .add(Header::expires, std::to_string(expires));
    respond(in.message, in.id, ok, in.now);
    if (!dialog) return;
    sip::Builder notify = dialog->request("NOTIFY");
    notify.add(Header::contact, contact_of(in.from, extension))
        .add(Header::event, package)
        .add(Header::subscription_state, expires == 0 ? std::string("terminated;reason=timeout")
                                                      : fmt::format("active;expires={}", expires));
    const std::string entity =
        fmt::format("sip:{}@{}", extension, in.from.local.address.to_string());
    if (package == "message-summary")
        notify.body("application/simple-message-summary", "Messages-Waiting: no\r\n");
    else if (package == "presence")
        notify.body("application/pidf+xml",
                    fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{}\">"
                                "<tuple id=\"t1\"><status><basic>open</basic></status></tuple>"
                                "</presence>\n",
                                xml_text(entity)));
    else
        notify.body("application/dialog-info+xml",
                    fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" "
                                "version=\"0\" state=\"full\" entity=\"{}\"/>\n",
                                xml_text(entity)));
    const auto next = sip::parse_uri(dialog->next_hop());
    const auto hop = next ? hosts_.hop_to(*next, settings.listens) : std::nullopt;
    send_request(notify, hop.value_or(in.from), 70, in.now, {Sent::For::other, 0, 0});
}

// Only call completion has a state agent in chan_sip, and nobody here has any (RFC 3903 6).
void ExchangeCore::on_publish(const Incoming& in) {
    const sip::Message& m = in.message;
    const auto event = sip::parse_event(m.header(Header::event).value_or(""));
    if (!event || event->package != "call-completion")
        return answer(in, 489, "Bad Event", {{"Allow-Events", std::string(event_packages)}});
    const SipPeer* peer = peer_of(m, in.from, in.now);
    if ((peer != nullptr || !sip_.allow_guest) && authenticate(in, peer) == Admission::answered)
        return;
    const auto expires = expires_of(m);
    if (expires && *expires != 0 && *expires < sip_.min_expires_s)
        return answer(in, 423, "Interval Too Brief",
                      {{"Min-Expires", std::to_string(sip_.min_expires_s)}});
    if (!m.header(Header::sip_if_match) && m.body().empty()) return answer(in, 400, "Bad Request");
    answer(in, 412, "Conditional Request Failed");
}

void ExchangeCore::on_notify(const Incoming& in) {
    const auto event = sip::parse_event(in.message.header(Header::event).value_or(""));
    const bool known = event && (event->package == "refer" || event->package == "message-summary");
    if (!known)
        return answer(in, 489, "Bad Event", {{"Allow-Events", std::string(event_packages)}});
    if (event->package == "refer" && in.message.to_tag().empty())
        return answer(in, 481, "Call leg/transaction does not exist");
    const auto type = sip::parse_content_type(in.message.header(Header::content_type).value_or(""));
    if (event->package == "refer" && (!type || !type->is("message", "sipfrag")))
        return answer(in, 400, "Bad request");
    answer(in, 200, "OK");
}

}  // namespace sipana::lab
