#include "libsipana/render/ladder_words.h"

#include <fmt/format.h>

#include "libsipana/base/text.h"
#include "libsipana/render/rows.h"

namespace sipana::render {
namespace {

constexpr std::size_t max_summary_lines = 100;  // of a voice mail box
constexpr std::size_t max_outcome = 60;         // of a status line

std::string codec_names(const std::vector<sdp::Codec>& codecs) {
    std::string out;
    for (const auto& codec : codecs) {
        // Payload type numbers say nothing to a reader; neither does a name that is there twice.
        const std::string name =
            codec.name.empty() ? fmt::format("PT {}", codec.payload_type) : codec.name;
        if (codec.name == "telephone-event" || (" " + out + " ").find(" " + name + " ") != out.npos)
            continue;
        out += (out.empty() ? "" : " ") + name;
    }
    return out;
}

// Of a voice mail box (RFC 3842 5.2): "Voice-Message: new/old (urgent)". Empty: it is about
// something else.
std::string mail_of(const sip::Message& notify) {
    const auto type = notify.header(sip::Header::content_type);
    if (!type || !istarts_with(*type, "application/simple-message-summary")) return {};
    std::string waiting;
    std::string_view body = notify.body();
    for (std::size_t line = 0; line < max_summary_lines && !body.empty(); ++line) {
        std::string_view value = cut(body, '\n');
        const std::string_view name = trim(cut(value, ':'));
        value = trim(value);
        if (iequals(name, "Messages-Waiting"))
            waiting = iequals(value, "yes") ? "messages waiting" : "no messages waiting";
        if (!iequals(name, "Voice-Message")) continue;
        const auto fresh = to_number<std::uint32_t>(trim(cut(value, '/')));
        const auto old = to_number<std::uint32_t>(trim(cut(value, ' ')));
        if (fresh && old) return fmt::format("{} new, {} old", *fresh, *old);
    }
    return waiting;
}

// Of a REFER that somebody carries out (RFC 3515 2.4.4): "200 OK", the response that he had so far.
std::string outcome_of(const sip::Message& notify) {
    const auto type = notify.header(sip::Header::content_type);
    if (!type || !istarts_with(*type, "message/sipfrag")) return {};
    std::string_view body = notify.body();
    std::string_view line = trim(cut(body, '\n'));
    if (!istarts_with(line, "SIP/2.0 ")) return {};
    line = trim(line.substr(8));
    return std::string(line.substr(0, max_outcome));
}

}  // namespace

std::string_view to_string(Role role) {
    switch (role) {
        case Role::caller:
            return "caller";
        case Role::callee:
            return "callee";
        case Role::proxy:
            return "proxy";
        case Role::b2bua:
            return "PBX";
        case Role::registrar:
            return "registrar";
        case Role::server:
            return "server";
        case Role::media:
            return "media";
        case Role::others:
            return "others";
    }
    return "others";
}

Tone tone_of(int code) {
    if (code == 0) return Tone::request;
    if (code < 200) return Tone::provisional;
    if (code < 300) return Tone::success;
    if (code < 400) return Tone::redirect;
    return code == 401 || code == 407 ? Tone::challenge : Tone::failure;
}

std::string_view to_string(Tone tone) {
    switch (tone) {
        case Tone::request:
            return "request";
        case Tone::provisional:
            return "provisional";
        case Tone::success:
            return "success";
        case Tone::redirect:
            return "redirect";
        case Tone::challenge:
            return "challenge";
        case Tone::failure:
            return "failure";
    }
    return "failure";
}

std::string short_duration(Duration length) {
    if (length < Duration{})
        return "-" + short_duration(length == Duration::min() ? Duration::max() : -length);
    const double ms = to_milliseconds(length), s = to_seconds(length);
    if (ms < 9.995) return fmt::format("{:.2f} ms", ms);
    if (ms < 999.5) return fmt::format("{:.0f} ms", ms);
    if (s < 59.95) return fmt::format("{:.1f} s", s);
    const auto whole = (length.count() / 1'000'000 + 500) / 1000;
    if (whole < 3600) return fmt::format("{}:{:02} min", whole / 60, whole % 60);
    return fmt::format("{}:{:02}:{:02} h", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string describe(std::string_view word, const sdp::Exchange& exchange, bool answer) {
    std::string out;
    for (const auto& line : exchange.media) {
        const sdp::MediaOffer* side = answer ? line.answer ? &*line.answer : nullptr : &line.offer;
        if (side == nullptr) continue;
        out += fmt::format("{} {}", out.empty() ? fmt::format("{}:", word) : ",", line.media);
        if (side->rtp.port == 0) {
            out += answer ? " refused" : " off";
            continue;
        }
        if (const std::string codecs = codec_names(side->codecs); !codecs.empty())
            out += " " + codecs;
        if (side->direction != sdp::Direction::sendrecv)
            out += fmt::format(" {}", to_string(side->direction));
    }
    return out;
}

std::string detail_of(const analysis::SipMessage& m, const sip::Message& parsed) {
    const auto named = [&parsed](sip::Header id, std::string_view name) -> std::string {
        const auto value = parsed.header(id);
        return value ? fmt::format("{}: {}", name, *value) : std::string{};
    };
    switch (m.is_request() ? m.method : sip::Method::other) {
        case sip::Method::refer:
            return named(sip::Header::refer_to, "Refer-To");
        case sip::Method::bye:
        case sip::Method::cancel:
            return named(sip::Header::reason, "Reason");
        case sip::Method::subscribe:
            return named(sip::Header::event, "Event");
        case sip::Method::notify: {
            std::string event = named(sip::Header::event, "Event");
            if (const std::string outcome = outcome_of(parsed); !outcome.empty())
                event += (event.empty() ? "" : ", ") + outcome;
            const std::string state = named(sip::Header::subscription_state, "state");
            std::string out = event.empty() || state.empty() ? event + state : event + ", " + state;
            if (const std::string mail = mail_of(parsed); !mail.empty()) out += ", " + mail;
            return out;
        }
        case sip::Method::info:  // RFC 5168
            return parsed.body().find("picture_fast_update") != parsed.body().npos
                       ? "asks for a key frame"
                       : std::string{};
        default:
            break;
    }
    if (m.code >= 300 && m.code < 400) return named(sip::Header::contact, "Contact");
    if (m.code >= 400) {
        const std::string reason = named(sip::Header::reason, "Reason");
        return reason.empty() ? named(sip::Header::warning, "Warning") : reason;
    }
    return {};
}

std::string title_of(const analysis::Call& call) {
    const auto who = [](const analysis::Party& party) {
        return !party.user.empty() ? party.user : !party.uri.empty() ? party.uri : party.host;
    };
    std::string out =
        call.kind == analysis::CallKind::register_
            ? fmt::format("{} registers: {}", who(call.to), to_string(call.state))
            : fmt::format("{} -> {}: {}", who(call.from), who(call.to), to_string(call.state));
    if (call.final_code != 0) out += ", " + final_words(call);
    if (call.duration) out += fmt::format(", {}", short_duration(*call.duration));
    return out;
}

}  // namespace sipana::render
