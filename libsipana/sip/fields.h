// Typed values of header fields: what stands behind the colon, taken apart (RFC 3261 20 and the RFC
// named at each).
//
// Each parser takes one value: of a list field, one element (Message::values). Results view that
// value. Reading is lenient and gives nullopt only where nothing of use stands there; sip/check.h
// judges. Credentials and Identity have their own header, sip/credentials.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libsipana/base/time.h"
#include "libsipana/sip/message.h"
#include "libsipana/sip/params.h"

namespace sipana::sip {

// Via (20.42): SIP / 2.0 / UDP host:port ;branch=...
struct Via {
    std::string_view protocol, version, transport;  // "SIP", "2.0", "UDP"
    std::string_view host;                          // without the brackets of an IPv6 reference
    std::optional<std::uint16_t> port;
    Params params;
    bool is_ipv6 = false;
    bool bad_port = false;

    std::string_view branch() const { return params.find("branch").value_or(""); }
    std::string_view received() const { return params.find("received").value_or(""); }
    std::optional<std::string_view> rport() const { return params.find("rport"); }  // often empty
    std::string_view maddr() const { return params.find("maddr").value_or(""); }
    std::optional<std::uint8_t> ttl() const;
};
std::optional<Via> parse_via(std::string_view value);

// What From, To, Contact, Route, Record-Route, Path, Service-Route, Refer-To, Referred-By,
// Reply-To, P-Asserted-Identity, Diversion, History-Info and their like hold: a name-addr or an
// addr-spec, and parameters. Without brackets, parameters belong to the field, not to the URI
// (20.10).
struct NameAddr {
    std::string_view display;  // without quotes; escapes are still in it
    std::string_view uri;      // "*" in Contact: *
    Params params;             // of the field
    bool display_quoted = false;
    bool bracketed = false;

    bool is_star() const { return uri == "*"; }
    std::optional<std::string_view> param(std::string_view name) const { return params.find(name); }
    std::string_view tag() const { return params.find("tag").value_or(""); }
    std::string display_name() const;  // as a reader should see it
};
std::optional<NameAddr> parse_name_addr(std::string_view value);

std::optional<CSeq> parse_cseq(std::string_view value);  // 20.16

struct RAck {  // RFC 3262 7.2
    std::uint32_t rseq = 0;
    CSeq cseq;
};
std::optional<RAck> parse_rack(std::string_view value);

// Replaces (RFC 3891 6.1) and Join (RFC 3911 7.1) name a dialog in the same way.
struct DialogName {
    std::string_view call_id, to_tag, from_tag;
    bool early_only = false;
    Params params;
};
std::optional<DialogName> parse_replaces(std::string_view value);
std::optional<DialogName> parse_join(std::string_view value);

struct Event {                 // RFC 6665 8.2.1
    std::string_view package;  // with its templates: "presence.winfo"
    Params params;
    std::string_view id() const { return params.find("id").value_or(""); }
};
std::optional<Event> parse_event(std::string_view value);

struct SubscriptionState {   // RFC 6665 8.2.3
    std::string_view state;  // "active", "pending", "terminated"
    Params params;
    std::string_view reason() const { return params.find("reason").value_or(""); }
    std::optional<std::uint32_t> expires() const;
    std::optional<std::uint32_t> retry_after() const;
};
std::optional<SubscriptionState> parse_subscription_state(std::string_view value);

struct SessionExpires {  // RFC 4028 4; Min-SE (5) has the same form and no refresher
    std::uint32_t seconds = 0;
    Params params;
    std::string_view refresher() const { return params.find("refresher").value_or(""); }
};
std::optional<SessionExpires> parse_session_expires(std::string_view value);

struct RetryAfter {  // 20.33
    std::uint32_t seconds = 0;
    std::string_view comment;  // without the outer parentheses
    Params params;
    std::optional<std::uint32_t> duration() const;
};
std::optional<RetryAfter> parse_retry_after(std::string_view value);

struct Reason {                 // RFC 3326 2
    std::string_view protocol;  // "SIP", "Q.850"
    Params params;
    std::optional<std::uint16_t> cause() const;
    std::string_view text() const { return params.find("text").value_or(""); }
};
std::optional<Reason> parse_reason(std::string_view value);

struct Warning {  // 20.43: 399 agent "text"; any of the three may be wanting
    std::optional<std::uint16_t> code;
    std::string_view agent;
    std::string_view text;  // without quotes; escapes are still in it
    bool text_quoted = false;
};
std::optional<Warning> parse_warning(std::string_view value);

struct ContentType {  // 20.15
    std::string_view type, subtype;
    Params params;
    bool is(std::string_view type_name, std::string_view subtype_name) const;  // any case
};
std::optional<ContentType> parse_content_type(std::string_view value);

struct ContentDisposition {  // 20.11
    std::string_view type;   // "session", "render", "early-session" (RFC 3959)
    Params params;
    std::string_view handling() const { return params.find("handling").value_or(""); }
};
std::optional<ContentDisposition> parse_content_disposition(std::string_view value);

struct Timestamp {  // 20.38, in seconds
    double sent = 0;
    std::optional<double> delay;
};
std::optional<Timestamp> parse_timestamp(std::string_view value);

// Max-Forwards, Expires, Min-Expires, RSeq, Content-Length: the whole value as a number.
std::optional<std::uint32_t> parse_number(std::string_view value);

// Date (20.17): RFC 1123 form, GMT only: "Sat, 13 Nov 2010 23:29:00 GMT".
std::optional<Time> parse_date(std::string_view value);

// Does a list of tokens (Supported, Require, Allow, ...) name `token`? Option tags and methods are
// compared in any case, which is more than RFC 3261 asks.
bool lists(const Message& message, Header id, std::string_view token);

}  // namespace sipana::sip
