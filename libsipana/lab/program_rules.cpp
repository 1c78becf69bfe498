#include "libsipana/lab/program_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/baresip.h"
#include "libsipana/lab/script_words.h"

namespace sipana::lab {
namespace {

bool among(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

Error cannot(std::string_view what) {
    return {Errc::unsupported, 0, fmt::format("baresip cannot {}", what)};
}

Status can_send(const Request& request, const Send& send) {
    if (!among(request.method,
               {"INVITE", "REGISTER", "ACK", "BYE", "CANCEL", "REFER", "OPTIONS", "MESSAGE"}))
        return cannot(fmt::format("be told to send {}", printable(request.method)));
    if (send.sdp.kind == SdpKind::none || send.sdp.kind == SdpKind::text ||
        send.sdp.kind == SdpKind::answer || !send.sdp.codecs.empty() || !send.sdp.media.empty())
        return cannot("change what it offers");
    if (!among(send.sdp.direction, {"", "sendrecv", "sendonly"}))
        return cannot(fmt::format("offer {}: it can hold (sendonly) and resume (sendrecv)",
                                  send.sdp.direction));
    if (!send.replaces.empty()) return cannot("transfer to a call that it has (Replaces)");
    if (request.method == "MESSAGE") {
        if (!send.body_type.empty() && send.body_type != "text/plain")
            return cannot("send a MESSAGE of another type than text/plain");
        if (send.body.empty()) return cannot("send a MESSAGE without a text");
        return Done{};
    }
    if (!send.body.empty()) return cannot("put a body into a request");
    return Done{};
}

Status can_send(const Response& response, const Send& send) {
    const bool to_invite = send.to.empty() || send.to == "INVITE";
    const bool by_itself = among(fmt::format("{}", response.code), {"100", "200", "202", "487"});
    if (!by_itself && !(to_invite && (response.code == 180 || response.code == 486)))
        return cannot(
            fmt::format("send {}: it rings (180), answers (200) and refuses (486)", response.code));
    if (!response.reason.empty()) return cannot("choose the reason phrase");
    if (send.sdp.kind == SdpKind::none || send.sdp.kind == SdpKind::text ||
        !send.sdp.direction.empty() || !send.sdp.codecs.empty() || !send.sdp.media.empty())
        return cannot("change what it answers");
    if (!send.body.empty()) return cannot("put a body into a response");
    if (send.reliable) return cannot("send reliable responses (RFC 3262)");
    return Done{};
}

// Of a NOTIFY that it sends by itself; what it says besides its body is its own.
bool reports_transfer(const Send& send) {
    const auto* request = std::get_if<Request>(&send.what);
    return request != nullptr && request->method == "NOTIFY" && send.body_type == "message/sipfrag";
}

Status can_send(const Send& send) {
    if (!(send.faults == Faults{})) return cannot("do anything wrong on purpose");
    if (!send.headers.empty() && !unregisters(send) && !reports_transfer(send))
        return cannot("change header fields");
    if (send.cseq || send.cseq_add || !send.to_tag.empty()) return cannot("choose a CSeq or a tag");
    if (reports_transfer(send)) return Done{};
    if (const auto* request = std::get_if<Request>(&send.what)) return can_send(*request, send);
    if (const auto* response = std::get_if<Response>(&send.what)) return can_send(*response, send);
    return cannot("send raw bytes");
}

Status can_play(const MediaStep& media) {
    using Source = MediaStep::Source;
    if (media.source == Source::digits && media.digits_by != MediaStep::DigitsBy::rfc4733)
        return cannot("send digits but as RFC 4733 says");
    if (media.source == Source::tone && !media.video && (media.hertz < 10 || media.hertz > 3999))
        return cannot("play a tone below 10 Hz or above 3999 Hz");
    return Done{};
}

}  // namespace

bool unregisters(const Send& send) {
    const auto* request = std::get_if<Request>(&send.what);
    return request != nullptr && request->method == "REGISTER" && send.headers.size() == 1 &&
           send.headers.front().how == HeaderChange::How::set &&
           iequals(send.headers.front().name, "Expires") && send.headers.front().value == "0";
}

Status program_can(const PhoneLine& phone) {
    if (phone.program.empty()) return Done{};
    if (phone.transport != Transport::udp && phone.transport != Transport::tcp)
        return cannot("speak here but over udp and tcp");
    for (const std::string& codec : phone.audio)
        if (!among(codec, {"pcmu", "pcma"})) return cannot("speak here but pcmu and pcma");
    if (phone.audio.empty()) return cannot("do without audio");
    for (const std::string& codec : phone.video)
        if (codec != "h264") return cannot("show here but h264");
    for (const std::string* value : {&phone.user, &phone.domain, &phone.password, &phone.auth_user})
        if (!baresip::usable(*value))
            return cannot(
                "have a user, domain or password with blanks, quotes, commas, brackets "
                "or semicolons");
    const bool plain = std::all_of(phone.display.begin(), phone.display.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 && byte != 0x7f && c != '"' && c != '\\' && c != '<' && c != '>';
    });
    if (!plain) return cannot("have quotes, brackets or controls in its display name");
    for (const auto& [name, value] : phone.settings) {
        if (!among(name, {"sound", "picture", "expires"}))
            return cannot(fmt::format("be told \"{}\"", printable(name)));
        if (name == "expires" && !to_number<std::uint32_t>(value))
            return Error{Errc::malformed, 0, "expires: expected a number of seconds"};
        if (name == "sound")
            if (const auto hertz = hertz_of(value); hertz && (*hertz < 10 || *hertz > 3999))
                return cannot("play a tone below 10 Hz or above 3999 Hz");
        if (name == "picture" && phone.video.empty())
            return cannot("show a picture without \"video h264\"");
    }
    return Done{};
}

Status program_can(const PhoneLine& phone, const Step& step) {
    if (phone.program.empty()) return Done{};
    if (const auto* send = std::get_if<Send>(&step.what)) return can_send(*send);
    if (const auto* media = std::get_if<MediaStep>(&step.what)) {
        if (media->video && media->source == MediaStep::Source::file &&
            setting_of(phone, "picture") != media->file)
            return cannot("show another file than its phone line's (picture FILE)");
        return can_play(*media);
    }
    if (const auto* expect = std::get_if<Expect>(&step.what)) {
        if (expect->copies > 1) return cannot("tell of repeated messages");
        if (expect->no_ack) return cannot("leave out its ACK");
    }
    return Done{};
}

std::string setting_of(const PhoneLine& phone, std::string_view name) {
    for (const auto& [key, value] : phone.settings)
        if (key == name) return value;
    return {};
}

std::optional<double> hertz_of(std::string_view text) {
    if (!text.ends_with("Hz")) return std::nullopt;
    return parse_real(text.substr(0, text.size() - 2));
}

}  // namespace sipana::lab
