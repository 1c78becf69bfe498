// What the value of a SIP header field means (RFC 3261 20 and the extensions).
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "libsipana/base/text.h"
#include "libsipana/render/explain.h"
#include "libsipana/sip/params.h"

namespace sipana::render {
namespace {

constexpr std::size_t longest_quote = 200;  // of wire text within a meaning
constexpr std::size_t most_parameters = 64, most_values = 64, most_elements = 8;

std::string quoted(std::string_view text) {
    std::string out = printable(text.substr(0, longest_quote));
    return text.size() > longest_quote ? out + "…" : out;
}

// Cuts `rest` at the first separator that stands neither in a quoted string nor in angle brackets.
std::string_view cut_outside(std::string_view& rest, char separator) {
    bool in_string = false;
    int depth = 0;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        const char c = rest[i];
        if (in_string) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == '"')
            in_string = true;
        else if (c == '<')
            ++depth;
        else if (c == '>' && depth > 0)
            --depth;
        else if (c == separator && depth == 0) {
            const std::string_view head = rest.substr(0, i);
            rest.remove_prefix(i + 1);
            return head;
        }
    }
    return std::exchange(rest, {});
}

std::string_view unquoted(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
        return text.substr(1, text.size() - 2);
    return text;
}

struct Parameter {
    std::string_view name, value;
};

// A value and what follows it: "token;name=value;name".
class Parameterized {
public:
    explicit Parameterized(std::string_view text, char separator = ';') {
        value_ = trim(cut_outside(text, separator));
        read(text, separator);
    }
    std::string_view value() const { return value_; }
    const std::vector<Parameter>& parameters() const { return parameters_; }
    std::optional<std::string_view> operator[](std::string_view name) const {
        for (const Parameter& p : parameters_)
            if (iequals(p.name, name)) return p.value;
        return std::nullopt;
    }

private:
    void read(std::string_view text, char separator) {
        while (!text.empty() && parameters_.size() < most_parameters) {
            std::string_view one = trim(cut_outside(text, separator));
            if (one.empty()) continue;
            const std::string_view name = trim(cut(one, '='));
            parameters_.push_back({name, unquoted(trim(one))});
        }
    }
    std::string_view value_;
    std::vector<Parameter> parameters_;
};

// "scheme:user@host" without parameters, and the display name, of name-addr or addr-spec.
struct Named {
    std::string_view display, uri;
};
Named named(std::string_view value) {
    const auto open = [&] {
        bool in_string = false;
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (value[i] == '\\' && in_string)
                ++i;
            else if (value[i] == '"')
                in_string = !in_string;
            else if (value[i] == '<' && !in_string)
                return i;
        }
        return value.npos;
    }();
    if (open == value.npos) return {{}, trim(value)};
    const auto close = value.find('>', open);
    return {unquoted(trim(value.substr(0, open))),
            trim(value.substr(open + 1, close == value.npos ? close : close - open - 1))};
}

std::string uri_meaning(std::string_view uri) {
    std::string out;
    std::string_view rest = uri;
    const std::string_view scheme = cut(rest, ':');
    const Parameterized all(rest);
    std::string_view address = all.value();
    address = address.substr(0, address.find('?'));
    if (iequals(scheme, "tel")) {
        out = "telephone number " + quoted(address);
    } else if (iequals(scheme, "sip") || iequals(scheme, "sips")) {
        const auto at = address.rfind('@');
        if (at == address.npos) {
            out = "host " + quoted(address);
        } else {
            std::string_view user = address.substr(0, at);
            out = fmt::format("user {} at {}", quoted(cut(user, ':')),
                              quoted(address.substr(at + 1)));
        }
        if (iequals(scheme, "sips")) out += ", over TLS on every hop";
    } else {
        return quoted(uri);
    }
    if (const auto transport = all["transport"]) out += ", over " + quoted(*transport);
    if (all["lr"]) out += ", loose routing (lr)";
    if (all["ob"]) out += ", reached over the connection it opened (ob)";
    if (all["gr"]) out += ", one certain device (gr)";
    if (const auto user = all["user"]; user && iequals(*user, "phone"))
        out += ", a telephone number";
    return out;
}

std::string seconds_meaning(std::string_view text) {
    const auto n = to_number(trim(text));
    if (!n) return {};
    if (*n == 0) return "0 s";
    if (*n % 3600 == 0) return fmt::format("{} s ({} h)", *n, *n / 3600);
    if (*n % 60 == 0) return fmt::format("{} s ({} min)", *n, *n / 60);
    return fmt::format("{} s", *n);
}

void append(std::string& out, std::string_view part, std::string_view separator = ", ") {
    if (part.empty()) return;
    if (!out.empty()) out += separator;
    out += part;
}

// ---- one function a kind of field

std::string party_meaning(std::string_view value) {
    const Parameterized all(value);
    const Named who = named(all.value());
    std::string out = uri_meaning(who.uri);
    if (!who.display.empty()) out = fmt::format("\"{}\", {}", quoted(who.display), out);
    if (const auto tag = all["tag"])
        out += fmt::format("; this side of the dialog is {}", quoted(*tag));
    return out;
}

std::string to_meaning(std::string_view value) {
    std::string out = party_meaning(value);
    if (!Parameterized(value)["tag"]) out += "; no tag yet: not answered by anybody";
    return out;
}

std::string via_meaning(std::string_view value) {
    const Parameterized all(value);
    std::string_view rest = all.value();
    cut(rest, '/');
    cut(rest, '/');
    std::string_view sent_by = trim(rest);
    const std::string_view transport = cut(sent_by, ' ');
    std::string out = fmt::format("sent from {} over {}", quoted(trim(sent_by)), quoted(transport));
    const auto received = all["received"], rport = all["rport"];
    if (received) {
        out += fmt::format("; really came from {}{}: there is NAT between", quoted(*received),
                           rport && !rport->empty() ? " port " + quoted(*rport) : "");
    } else if (rport && rport->empty()) {
        out += "; wants the answer at the port it came from (rport, RFC 3581)";
    } else if (rport) {
        out += fmt::format("; came from port {}", quoted(*rport));
    }
    if (const auto branch = all["branch"]) {
        out +=
            branch->starts_with("z9hG4bK")
                ? fmt::format("; transaction {}", quoted(branch->substr(7)))
                : fmt::format("; branch {} is of the old kind, before RFC 3261", quoted(*branch));
    }
    if (const auto maddr = all["maddr"]) out += "; answer to " + quoted(*maddr);
    if (all["alias"]) out += "; the connection may be used both ways (RFC 5923)";
    return out;
}

std::string contact_meaning(std::string_view value) {
    if (trim(value) == "*") return "every binding of this user is removed";
    const Parameterized all(value);
    std::string out = uri_meaning(named(all.value()).uri);
    if (const auto expires = all["expires"]) {
        out += *expires == "0" ? "; this binding is removed"
                               : "; remembered for " + seconds_meaning(*expires);
    }
    if (const auto q = all["q"]) out += "; preference " + quoted(*q);
    if (const auto instance = all["+sip.instance"]) out += "; device " + quoted(*instance);
    if (const auto reg = all["reg-id"]) out += "; connection " + quoted(*reg) + " of that device";
    if (all["isfocus"]) out += "; a conference server";
    return out;
}

std::string route_meaning(std::string_view value) {
    return uri_meaning(named(Parameterized(value).value()).uri);
}

std::string cseq_meaning(std::string_view value) {
    std::string_view rest = value;
    const std::string_view number = trim(cut(rest, ' '));
    const std::string_view method = trim(rest);
    if (!to_number(number)) return {};
    if (method == "ACK" || method == "CANCEL")
        return fmt::format("{} for the INVITE with number {}", method, number);
    return fmt::format("request number {} of its sender, {}", number, quoted(method));
}

std::string event_meaning(std::string_view value) {
    const Parameterized all(value);
    struct Package {
        std::string_view name, text;
    };
    constexpr Package packages[] = {
        {"presence", "whether somebody is there (RFC 3856)"},
        {"dialog", "which calls a phone is in: the busy lamp (RFC 4235)"},
        {"message-summary", "messages waiting in the mail box (RFC 3842)"},
        {"refer", "the progress of a transfer (RFC 3515)"},
        {"reg", "a user's registrations (RFC 3680)"},
        {"conference", "who is in a conference (RFC 4575)"},
        {"ua-profile", "a phone's configuration (RFC 6080)"},
        {"check-sync", "makes a phone fetch its configuration; not registered"},
        {"keep-alive", "only to keep the connection; not registered"},
        {"talk", "makes a phone take the call; not registered"},
        {"hold", "makes a phone hold the call; not registered"},
        {"kpml", "keys pressed (RFC 4730)"},
        {"vq-rtcpxr", "reports of voice quality (RFC 6035)"},
    };
    std::string out;
    for (const Package& p : packages)
        if (iequals(p.name, all.value())) out = p.text;
    if (const auto id = all["id"]) append(out, "subscription " + quoted(*id), "; ");
    return out;
}

std::string subscription_meaning(std::string_view value) {
    const Parameterized all(value);
    std::string out;
    if (iequals(all.value(), "active")) out = "it stands";
    if (iequals(all.value(), "pending")) out = "not yet decided upon";
    if (iequals(all.value(), "terminated")) out = "it has ended";
    if (const auto expires = all["expires"])
        append(out, "for another " + seconds_meaning(*expires));
    if (const auto reason = all["reason"]) {
        struct Cause {
            std::string_view name, text;
        };
        constexpr Cause causes[] = {
            {"deactivated", "subscribe again at once"},
            {"probation", "subscribe again later"},
            {"rejected", "refused"},
            {"timeout", "not renewed in time"},
            {"giveup", "nobody decided upon it in time"},
            {"noresource", "what was watched is gone"},
            {"invariant", "nothing will ever change"},
        };
        for (const Cause& c : causes)
            if (iequals(c.name, *reason)) append(out, c.text);
    }
    if (const auto retry = all["retry-after"])
        append(out, "try again in " + seconds_meaning(*retry));
    return out;
}

std::string session_expires_meaning(std::string_view value) {
    const Parameterized all(value);
    std::string out = seconds_meaning(all.value());
    if (out.empty()) return out;
    out = "refreshed at least every " + out;
    if (const auto who = all["refresher"]) {
        if (iequals(*who, "uac")) out += ", by the side that sent the request";
        if (iequals(*who, "uas")) out += ", by the side that answered it";
    }
    return out;
}

std::string reason_meaning(std::string_view value) {
    const Parameterized all(value);
    const auto text = all["cause"];
    const auto cause = text ? to_number<int>(*text) : std::nullopt;
    if (!cause) return {};
    if (iequals(all.value(), "Q.850")) {
        const std::string meaning = q850_meaning(*cause);
        return meaning.empty() ? fmt::format("telephone network cause {}", *cause)
                               : fmt::format("telephone network cause {}: {}", *cause, meaning);
    }
    if (iequals(all.value(), "SIP")) {
        const Topic topic = code_topic(*cause);
        return topic.name.empty() ? "" : fmt::format("status {} {}", *cause, topic.name);
    }
    return {};
}

std::string warning_meaning(std::string_view value) {
    struct Code {
        int code;
        std::string_view text;
    };
    constexpr Code codes[] = {
        {300, "incompatible network protocol"},
        {301, "incompatible network address formats"},
        {302, "incompatible transport protocol"},
        {303, "incompatible bandwidth units"},
        {304, "media type not available"},
        {305, "incompatible media format"},
        {306, "attribute not understood"},
        {307, "session description parameter not understood"},
        {330, "multicast not available"},
        {331, "unicast not available"},
        {370, "insufficient bandwidth"},
        {380, "SIPS not allowed"},
        {381, "SIPS required"},
        {399, "see its text"},
    };
    std::string_view rest = trim(value);
    const auto code = to_number<int>(cut(rest, ' '));
    if (!code) return {};
    const std::string_view agent = cut(rest, ' ');
    for (const Code& c : codes) {
        if (c.code == *code)
            return fmt::format("{}{}", c.text, agent.empty() ? "" : ", says " + quoted(agent));
    }
    return "a code that is not registered";
}

std::string length_meaning(std::string_view value) {
    const auto bytes = to_number(trim(value));
    if (!bytes) return {};
    return *bytes == 0 ? "no body" : fmt::format("{} bytes of body", *bytes);
}

std::string retry_after_meaning(std::string_view value) {
    const Parameterized all(value);
    std::string_view number = all.value();
    std::string out = seconds_meaning(trim(cut(number, '(')));
    if (!out.empty()) out = "in " + out;
    if (const auto duration = all["duration"])
        append(out, "reachable then for " + seconds_meaning(*duration));
    return out;
}

std::string dialog_meaning(std::string_view value) {  // Replaces, Join, Target-Dialog
    const Parameterized all(value);
    std::string out = "the call " + quoted(all.value());
    if (all["early-only"]) out += ", only while it rings";
    return out;
}

std::string diversion_meaning(std::string_view value) {
    const Parameterized all(value);
    std::string out = "forwarded by " + uri_meaning(named(all.value()).uri);
    if (const auto reason = all["reason"]) append(out, "because: " + quoted(*reason));
    if (const auto counter = all["counter"]) append(out, quoted(*counter) + " times so far");
    return out;
}

std::string history_meaning(std::string_view value) {
    const Parameterized all(value);
    std::string out = uri_meaning(named(all.value()).uri);
    if (const auto index = all["index"]) append(out, "step " + quoted(*index));
    if (const auto rc = all["rc"]) append(out, "changed within step " + quoted(*rc));
    if (const auto mp = all["mp"]) append(out, "retargeted from step " + quoted(*mp));
    return out;
}

std::string content_type_meaning(std::string_view value) {
    struct Kind {
        std::string_view name, text;
    };
    constexpr Kind kinds[] = {
        {"application/sdp", "a session description: an offer or an answer"},
        {"application/dtmf-relay", "a key press"},
        {"application/dtmf", "a key press"},
        {"application/simple-message-summary", "messages waiting"},
        {"application/pidf+xml", "presence"},
        {"application/dialog-info+xml", "the calls of a phone"},
        {"application/reginfo+xml", "registrations"},
        {"application/conference-info+xml", "the state of a conference"},
        {"application/media_control+xml", "a command for media, such as a request for a key frame"},
        {"application/sdpfrag", "a piece of SDP, such as ICE candidates"},
        {"application/trickle-ice-sdpfrag", "ICE candidates"},
        {"application/rs-metadata+xml", "who is being recorded"},
        {"application/isup", "a message of the telephone network"},
        {"message/sipfrag", "a piece of a SIP message: how the transfer goes"},
        {"multipart/mixed", "several bodies"},
        {"multipart/alternative", "the same in several formats"},
        {"text/plain", "text"},
    };
    const Parameterized all(value);
    for (const Kind& kind : kinds)
        if (iequals(kind.name, all.value())) return std::string(kind.text);
    return {};
}

std::string options_meaning(std::string_view value) {
    struct Tag {
        std::string_view name, text;
    };
    constexpr Tag tags[] = {
        {"100rel", "provisional responses can be made sure (PRACK)"},
        {"timer", "session timers"},
        {"replaces", "a call can take another's place"},
        {"norefersub", "transfers without progress reports"},
        {"outbound", "kept connections"},
        {"path", "Path in registrations"},
        {"gruu", "addresses of single devices"},
        {"from-change", "the caller's name may change"},
        {"precondition", "reservation before ringing"},
        {"ice", "ICE"},
        {"trickle-ice", "ICE candidates one by one"},
        {"eventlist", "lists of subscriptions"},
        {"join", "joining calls"},
        {"histinfo", "History-Info"},
        {"privacy", "Privacy"},
        {"sec-agree", "agreement on the first hop's protection"},
        {"tdialog", "Target-Dialog"},
        {"answermode", "answering by itself"},
        {"multiple-refer", "transfers to several"},
        {"siprec", "recording"},
        {"199", "ends of forked branches are told"},
        {"uui", "user-to-user data"},
        {"sdp-anat", "alternative addresses in SDP"},
    };
    std::string out;
    std::size_t count = 0;
    while (!value.empty() && count++ < most_values) {
        const std::string_view name = trim(cut(value, ','));
        for (const Tag& tag : tags)
            if (iequals(tag.name, name))
                append(out, fmt::format("{}: {}", tag.name, tag.text), "; ");
    }
    return out;
}

std::string privacy_meaning(std::string_view value) {
    struct Kind {
        std::string_view name, text;
    };
    constexpr Kind kinds[] = {
        {"none", "hide nothing"},
        {"id", "hide the asserted identity"},
        {"header", "hide addresses in the header"},
        {"session", "hide media addresses"},
        {"user", "hide the caller's name and address"},
        {"history", "hide the history"},
        {"critical", "refuse the call if that is not possible"},
    };
    std::string out;
    std::size_t count = 0;
    while (!value.empty() && count++ < most_values) {
        const std::string_view name = trim(cut(value, ';'));
        for (const Kind& kind : kinds)
            if (iequals(kind.name, name)) append(out, kind.text);
    }
    return out;
}

// Digest and its parameters (RFC 8760, RFC 7616); the values themselves are secrets and not
// repeated.
std::string digest_meaning(std::string_view value, bool challenge) {
    std::string_view rest = trim(value);
    const std::string_view scheme = cut(rest, ' ');
    if (!iequals(scheme, "Digest"))
        return iequals(scheme, "Bearer") ? "a bearer token (RFC 8898)" : "";
    const Parameterized all(rest, ',');
    std::vector<Parameter> parameters = all.parameters();
    std::string_view first = all.value();
    const std::string_view first_name = trim(cut(first, '='));
    parameters.push_back({first_name, unquoted(trim(first))});
    const auto find = [&](std::string_view name) -> std::optional<std::string_view> {
        for (const Parameter& p : parameters)
            if (iequals(p.name, name)) return p.value;
        return std::nullopt;
    };
    std::string out;
    if (challenge) {
        out = "a login is wanted";
        if (const auto realm = find("realm")) out += " for the realm " + quoted(*realm);
    } else {
        out = "login";
        if (const auto user = find("username")) out += " as " + quoted(*user);
        if (const auto realm = find("realm")) out += " in the realm " + quoted(*realm);
    }
    if (const auto algorithm = find("algorithm"))
        append(out, quoted(*algorithm));
    else
        append(out, "MD5, as nothing else is said");
    if (const auto stale = find("stale"); stale && iequals(*stale, "true"))
        append(out, "the password was right, only the nonce is too old");
    if (const auto nc = find("nc"); nc && !challenge)
        append(out, "use number " + quoted(*nc) + " of the nonce");
    if (const auto qop = find("qop"); qop && iequals(*qop, "auth-int"))
        append(out, "covers the body too");
    return out;
}

std::string rack_meaning(std::string_view value) {
    std::string_view rest = trim(value);
    const std::string_view rseq = cut(rest, ' ');
    if (!to_number(rseq) || trim(rest).empty()) return {};
    return fmt::format("acknowledges RSeq {} of the request {}", rseq, quoted(trim(rest)));
}

std::string identity_meaning(std::string_view value) {
    const Parameterized all(value);
    std::string out = "a signed token";
    if (const auto ppt = all["ppt"]) out += ", kind " + quoted(*ppt);
    if (const auto where = all["info"]) out += ", certificate at " + quoted(*where);
    return out;
}

std::string refer_to_meaning(std::string_view value) {
    const std::string_view uri = named(Parameterized(value).value()).uri;
    std::string out = "call " + uri_meaning(uri);
    const auto replaces = lowered(uri).find("replaces=");
    if (replaces != std::string::npos)
        out += ", taking the place of a call that exists (attended transfer)";
    return out;
}

std::string count_meaning(std::string_view value, std::string_view one, std::string_view many) {
    const auto n = to_number(trim(value));
    if (!n) return {};
    return *n == 1 ? fmt::format("1 {}", one) : fmt::format("{} {}", *n, many);
}

using Meaning = std::string (*)(std::string_view);

std::string each_meaning(Meaning meaning, std::string_view list) {
    std::string out;
    std::size_t count = 0;
    while (const auto element = sip::next_element(list)) {
        if (++count > most_elements) return out + "; and more";
        append(out, meaning(*element), "; then ");
    }
    return out;
}

}  // namespace

std::string request_meaning(std::string_view method, std::string_view uri) {
    const Topic topic = method_topic(method);
    if (topic.name.empty()) return "a method that is not registered, for " + uri_meaning(uri);
    return "for " + uri_meaning(uri);
}

std::string header_meaning(std::string_view written, std::string_view value) {
    const std::string_view name = header_topic(written).name;
    struct Row {
        std::string_view name;
        Meaning meaning;
        bool each = false;  // of a comma-separated list (RFC 3261 7.3.1)
    };
    static constexpr Row rows[] = {
        {"From", party_meaning},
        {"To", to_meaning},
        {"Via", via_meaning, true},
        {"Contact", contact_meaning, true},
        {"Route", route_meaning, true},
        {"Record-Route", route_meaning, true},
        {"Path", route_meaning, true},
        {"Service-Route", route_meaning, true},
        {"P-Asserted-Identity", party_meaning, true},
        {"P-Preferred-Identity", party_meaning},
        {"Remote-Party-ID", party_meaning},
        {"P-Called-Party-ID", party_meaning},
        {"Reply-To", party_meaning},
        {"Referred-By", party_meaning},
        {"Refer-To", refer_to_meaning},
        {"CSeq", cseq_meaning},
        {"RAck", rack_meaning},
        {"Event", event_meaning},
        {"Subscription-State", subscription_meaning},
        {"Session-Expires", session_expires_meaning},
        {"Reason", reason_meaning, true},
        {"Warning", warning_meaning, true},
        {"Retry-After", retry_after_meaning},
        {"Replaces", dialog_meaning},
        {"Join", dialog_meaning},
        {"Target-Dialog", dialog_meaning},
        {"Diversion", diversion_meaning, true},
        {"History-Info", history_meaning, true},
        {"Content-Type", content_type_meaning},
        {"Content-Length", length_meaning},
        {"Supported", options_meaning},
        {"Require", options_meaning},
        {"Proxy-Require", options_meaning},
        {"Unsupported", options_meaning},
        {"Privacy", privacy_meaning},
        {"Identity", identity_meaning},
        {"Expires", seconds_meaning},
        {"Min-Expires", seconds_meaning},
        {"Flow-Timer", seconds_meaning},
        {"Min-SE", [](std::string_view v) { return seconds_meaning(Parameterized(v).value()); }},
        {"Authorization", [](std::string_view v) { return digest_meaning(v, false); }},
        {"Proxy-Authorization", [](std::string_view v) { return digest_meaning(v, false); }},
        {"WWW-Authenticate", [](std::string_view v) { return digest_meaning(v, true); }},
        {"Proxy-Authenticate", [](std::string_view v) { return digest_meaning(v, true); }},
        {"Max-Forwards",
         [](std::string_view v) { return count_meaning(v, "more hop", "more hops"); }},
    };
    for (const Row& row : rows)
        if (row.name == name)
            return row.each ? each_meaning(row.meaning, value) : row.meaning(value);
    return {};
}

}  // namespace sipana::render
