// What a SIPp file sends, as a phone would say it: only what a phone would not do is spelled out.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libsipana/base/text.h"
#include "libsipana/lab/script_words.h"
#include "libsipana/lab/sipp_role.h"
#include "libsipana/sip/code.h"

namespace sipana::lab {
namespace {

bool is_token(std::string_view text) {
    return !text.empty() && text.size() <= 200 && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alpha(c) || is_digit(c) ||
               std::string_view("-.!%*_+`'~").find(c) != std::string_view::npos;
    });
}

bool is_method_token(std::string_view text) {
    return is_token(text) && is_alpha(text.front()) &&
           std::none_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view n) { return iequals(n, name); });
}

// What a phone writes by itself and SIPp files must spell out.
bool is_housekeeping(std::string_view name) {
    return is_one_of(
        name, {"Content-Length", "l", "Call-ID", "i", "CSeq", "Via", "v", "From", "f", "To", "t"});
}
// A phone has these of its own: they are replaced, not added.
bool is_replaced(std::string_view name) {
    return is_one_of(name,
                     {"Allow", "Supported", "k", "Expires", "Event", "o", "Subscription-State",
                      "User-Agent", "Server", "Accept", "Max-Forwards", "Refer-To", "RAck"});
}

struct Description {
    std::vector<std::string> audio, video;
    std::string direction;
};

bool has_keyword(std::string_view text) { return text.find('[') != text.npos; }

// Codecs of an m-line that our phones can name; false: some are none of theirs.
bool codecs_of(std::string_view formats,
               const std::vector<std::pair<std::string, std::string>>& maps,
               std::vector<std::string>& out) {
    static constexpr std::array known{"pcmu", "pcma", "h264", "vp8"};
    while (!formats.empty()) {
        const std::string format(trim(cut(formats, ' ')));
        if (format.empty()) continue;
        std::string name = format == "0" ? "pcmu" : format == "8" ? "pcma" : "";
        for (const auto& [number, codec] : maps)
            if (number == format) name = lowered(codec.substr(0, codec.find('/')));
        if (name == "telephone-event") continue;
        if (std::find(known.begin(), known.end(), name) == known.end()) return false;
        out.push_back(name);
    }
    return !out.empty();
}

// An SDP that one of our phones would make as well; nothing when it would not.
std::optional<Description> usual(std::string_view body) {
    Description d;
    std::vector<std::pair<std::string, std::string>> maps;
    std::vector<std::string_view> media;
    while (!body.empty()) {
        std::string_view line = trim(cut(body, '\n'));
        if (line.size() < 2 || line[1] != '=') return std::nullopt;
        const std::string_view value = line.substr(2);
        if (line[0] == 'm') {
            media.push_back(value);
        } else if (line[0] == 'c') {
            if (!has_keyword(value)) return std::nullopt;
        } else if (line[0] == 'a') {
            if (value.starts_with("rtpmap:")) {
                std::string_view rest = value.substr(7);
                const std::string_view number = cut(rest, ' ');
                maps.emplace_back(number, trim(rest));
            } else if (is_one_of(value, {"sendonly", "recvonly", "inactive"})) {
                d.direction = value;
            } else if (!value.starts_with("fmtp:") && !is_one_of(value, {"sendrecv", "ptime:20"})) {
                return std::nullopt;
            }
        } else if (std::string_view("vostb").find(line[0]) == std::string_view::npos) {
            return std::nullopt;
        }
    }
    for (std::string_view m : media) {
        const std::string_view kind = cut(m, ' '), port = cut(m, ' '), profile = cut(m, ' ');
        auto& codecs = kind == "video" ? d.video : d.audio;
        if ((kind != "audio" && kind != "video") || !has_keyword(port) || profile != "RTP/AVP" ||
            !codecs.empty() || !codecs_of(m, maps, codecs))
            return std::nullopt;
    }
    return d.audio.empty() ? std::nullopt : std::optional(d);
}

}  // namespace

// "x///[call_id]": SIPp's way to have several calls in one.
std::string SippTranslator::call_of(const SippMessage& m) {
    const SippField* f = m.find("Call-ID");
    if (!f) return {};
    const auto slashes = f->value.find("///");
    if (slashes == std::string::npos) return {};
    const std::string name = label(std::string_view(f->value).substr(0, slashes));
    return is_name(name) ? name : "other";
}

void SippTranslator::send(const SippElement& e) {
    const SippMessage m = take_apart(e.text);
    if (m.start_line.empty()) return note(e, "a <send> without a message is left out");
    if (e.has("retrans") && e.get("retrans") != "500")
        note(e, fmt::format("retrans=\"{}\": requests are repeated by RFC 3261's timers",
                            printable(e.get("retrans"))));
    call_ = call_of(m);
    if (m.start_line.starts_with("SIP/2.0 "))
        response(e, m);
    else if (!request(e, m))
        as_template(e, m);
}

// The message as it stands, for what a phone would not say.
void SippTranslator::as_template(const SippElement& e, const SippMessage& m) {
    Raw raw;
    raw.text = role_.words.convert(m.start_line) + "\r\n";
    for (const SippField& f : m.fields) {
        std::string line = f.name.empty() ? f.value : f.name + ": " + f.value;
        if (f.name.empty() && f.value.starts_with("[last_")) {
            const auto end = f.value.find_first_of(":]");
            line = f.value.substr(6, end - 6) + ": " + f.value;
        }
        raw.text += role_.words.convert(line) + "\r\n";
    }
    raw.text += "\r\n" + role_.words.convert(m.body);
    std::string_view rest = raw.text;
    raw.is_template = is_method_token(cut(rest, ' '));
    note(e, "this message is sent as it stands");
    Step& step = add(e);
    step.peer = role_.partner;
    Send send;
    send.what = std::move(raw);
    step.what = std::move(send);
}

// Who the phone is: by the From of the first request that it sends.
void SippTranslator::identify(const SippMessage& m) {
    const SippField* from = m.find("From");
    if (identified_ || !from) return;
    identified_ = true;
    const SippAddress a = address_of(from->value);
    if (!a.good || has_keyword(a.user)) return;
    if (!a.user.empty()) role_.phone.user = a.user;
    if (!has_keyword(a.display) && a.display != a.user) role_.phone.display = a.display;
    const std::string host = a.host.substr(0, a.host.find_first_of(":;"));
    if (!is_keyword_host(a.host) && !has_keyword(host)) role_.phone.domain = host;
}

std::string SippTranslator::target_of(std::string_view uri, std::string_view method,
                                      bool in_dialog) {
    if (in_dialog || uri.starts_with("[next_url]") || method == "CANCEL" || method == "ACK")
        return {};
    const SippAddress a = address_of(uri);
    if (!a.good) return role_.words.convert(uri);
    if (!is_keyword_host(a.host)) return role_.words.convert(uri);
    if (method == "REGISTER") return {};
    if (role_.partner_is_phone && (a.user == "[service]" || a.user.empty())) return {};
    return role_.words.convert(a.user);
}

bool SippTranslator::request(const SippElement& e, const SippMessage& m) {
    std::string_view rest = m.start_line;
    const std::string method(cut(rest, ' '));
    const std::string_view uri = cut(rest, ' ');
    if (!is_method_token(method) || trim(rest) != "SIP/2.0" || uri.empty()) return false;
    for (const SippField& f : m.fields)
        if (!f.name.empty() && !is_token(f.name)) return false;
    if (method == "ACK" && last_final_ >= 300) return true;  // the transaction's own (17.1.1.3)
    identify(m);
    const SippField* to = m.find("To");
    const auto tag = to ? to->value.find(";tag=") : std::string::npos;
    const bool tagged =
        tag != std::string::npos || (to && to->value.find("[peer_tag_param]") != std::string::npos);
    const bool in_dialog = tagged && has_dialog_;
    Send send;
    send.what = Request{method, target_of(uri, method, in_dialog)};
    const bool described = is_one_of(method, {"INVITE", "UPDATE", "PRACK", "ACK"});
    body(m, send, method == "INVITE",
         described && method != "ACK" ? SdpKind::offer : SdpKind::answer);
    request_fields(m, send, in_dialog);
    if (tag != std::string::npos && !in_dialog)
        send.to_tag = role_.words.convert(std::string_view(to->value).substr(tag + 5));
    if (method == "INVITE") last_final_ = 0;
    cancelled_ = method == "CANCEL" || (cancelled_ && method != "INVITE");
    if (method != "ACK") asked_.push_back(method);
    Step& step = add(e);
    step.peer = role_.partner;
    step.what = std::move(send);
    return true;
}

void SippTranslator::request_fields(const SippMessage& m, Send& send, bool in_dialog) {
    using How = HeaderChange::How;
    const PhoneLine& p = role_.phone;
    const std::string method = std::get<Request>(send.what).method;
    const bool derived = is_one_of(method, {"ACK", "CANCEL"});
    for (std::string_view name : {"Via", "From", "To", "Call-ID", "CSeq"})
        if (!m.find(name) && !m.find(name.substr(0, 1)) &&
            std::none_of(m.fields.begin(), m.fields.end(), [&](const SippField& f) {
                return f.name.empty() && istarts_with(f.value, fmt::format("[last_{}", name));
            }))
            send.headers.push_back({How::strip, std::string(name), {}});
    for (const SippField& f : m.fields) {
        if (iequals(f.name, "From") && !derived) {
            const SippAddress a = address_of(f.value);
            const bool named = a.display == p.display || a.display == p.user;
            const bool same =
                a.good && (in_dialog || (named && a.user == p.user && !has_keyword(a.user)));
            if (same) continue;
            const auto tag = f.value.find(";tag=");
            send.headers.push_back(
                {How::set, "From",
                 role_.words.convert(f.value.substr(0, tag)) + ";tag={local_tag}"});
        } else if (iequals(f.name, "Via") && f.value.find("[branch") == std::string::npos) {
            send.headers.push_back({How::set, "Via", role_.words.convert(f.value)});
        } else {
            other_field(f, send);
        }
    }
}

void SippTranslator::other_field(const SippField& f, Send& send) {
    using How = HeaderChange::How;
    if (f.name.empty()) return keyword_line(f, send);
    if (iequals(f.name, "Contact") || iequals(f.name, "m")) return contact(f, send);
    if (is_housekeeping(f.name) || is_one_of(f.name, {"Content-Type", "c"})) return;
    if (iequals(f.name, "Max-Forwards") && f.value == "70") return;
    if (iequals(f.name, "Route") && f.value.find("[routes]") != std::string::npos) return;
    // A value that is nothing but a keyword we cannot follow says nothing.
    send.headers.push_back({is_replaced(f.name) ? How::set : How::add, f.name,
                            std::string(trim(role_.words.convert(f.value)))});
}

// "[field2]": what the dataset's first row has there.
std::string_view SippTranslator::first_field(std::string_view keyword) const {
    if (!keyword.starts_with("[field")) return {};
    keyword.remove_prefix(6);
    const auto n =
        to_number<std::size_t>(keyword.substr(0, keyword.find_first_not_of("0123456789")));
    return n && *n < role_.first_row.size() ? std::string_view(role_.first_row[*n])
                                            : std::string_view{};
}

// [authentication username=joe password=schmo]: the phone has them on its own line.
void SippTranslator::authentication(std::string_view line) {
    PhoneLine& p = role_.phone;
    const bool of_row = has_keyword(line.substr(1));
    const auto value = [&](std::string_view key) -> std::string {
        const auto at = line.find(key);
        if (at == line.npos) return {};
        const std::string_view rest = line.substr(at + key.size());
        const std::string_view field = first_field(rest);
        return std::string(field.empty() ? rest.substr(0, rest.find_first_of(" ]")) : field);
    };
    const std::string user = value("username="), password = value("password=");
    if (password.empty() || has_keyword(user) || has_keyword(password)) {
        role_.words.note(fmt::format("give the phone {} a password", p.name));
        return;
    }
    if (of_row) role_.words.note("the credentials are those of the dataset's first row");
    p.password = password;
    if (user != p.user) p.auth_user = user;
}

// A line that is one keyword: [routes], [authentication ...], [last_Subject:], [$1].
void SippTranslator::keyword_line(const SippField& f, Send& send) {
    const std::string_view v = f.value;
    if (v.starts_with("[routes]")) return;
    if (v.starts_with("[authentication")) return authentication(v);
    if (first_field(v).starts_with("[authentication")) return authentication(first_field(v));
    if (v.starts_with("[last_")) {
        const std::string name(v.substr(6, v.find_first_of(":]") - 6));
        if (is_housekeeping(name) || iequals(name, "Record-Route") || !is_token(name)) return;
        send.headers.push_back({is_replaced(name) ? HeaderChange::How::set : HeaderChange::How::add,
                                name, fmt::format("{{last {}}}", name)});
        return;
    }
    if (v.starts_with("[$") && v.back() == ']') {
        const std::string name(v.substr(2, v.size() - 3));
        if (bodies_.count(name) > 0) {
            send.body_type = "application/sdp";
            send.body = fmt::format("{{{}}}", role_.words.variable(name));
            send.sdp = {};
            return;
        }
    }
    role_.words.note(fmt::format("the line \"{}\" is left out", printable(v.substr(0, 60))));
}

void SippTranslator::contact(const SippField& f, Send& send) {
    const SippAddress a = address_of(f.value);
    const auto semicolon = f.value.find('>') == std::string::npos
                               ? f.value.npos
                               : f.value.find(';', f.value.find('>'));
    const bool plain = a.good && a.host.starts_with("[local_ip") &&
                       semicolon == std::string::npos &&
                       (a.user.empty() || a.user == role_.phone.user || !has_keyword(a.user) ||
                        a.user == "[service]");
    if (!plain)
        send.headers.push_back({HeaderChange::How::set, "Contact", role_.words.convert(f.value)});
}

void SippTranslator::response(const SippElement& e, const SippMessage& m) {
    std::string_view rest = std::string_view(m.start_line).substr(8);
    const auto code = to_number<int>(cut(rest, ' '));
    const bool fields_good = std::all_of(m.fields.begin(), m.fields.end(), [](const SippField& f) {
        return f.name.empty() || is_token(f.name);
    });
    if (!code || *code < 100 || *code > 699 || !fields_good) return as_template(e, m);
    Send send;
    Response r{*code, {}};
    if (trim(rest) != sip::reason_phrase(*code)) r.reason = role_.words.convert(trim(rest));
    send.what = std::move(r);
    // Whose response it is: CSeq says so where it is not that of the last request.
    std::string method = owed_.empty() ? std::string{} : owed_.back();
    if (const SippField* cseq = m.find("CSeq")) {
        const std::string_view word =
            std::string_view(cseq->value).substr(cseq->value.rfind(' ') + 1);
        if (is_method_token(word)) method = word;
    }
    if (*code == 487) method = "INVITE";
    if (owed_.size() > 1 || (*code == 487 && cancelled_)) send.to = method;
    const bool invite = method == "INVITE";
    const bool wants = invite && (*code / 100 == 2 || *code == 183);
    body(m, send, wants, SdpKind::answer);
    response_fields(m, send);
    if (*code >= 200) {
        if (invite) last_final_ = *code;
        const auto it = std::find(owed_.rbegin(), owed_.rend(), method);
        if (it != owed_.rend()) owed_.erase(std::next(it).base());
    }
    Step& step = add(e);
    step.peer = role_.partner;
    step.what = std::move(send);
}

void SippTranslator::response_fields(const SippMessage& m, Send& send) {
    for (const SippField& f : m.fields) other_field(f, send);
}

// SDP by the phone itself where it would say the same; as it stands where not.
void SippTranslator::body(const SippMessage& m, Send& send, bool wants_sdp, SdpKind kind) {
    const SippField* type = m.find("Content-Type");
    if (!type) type = m.find("c");
    if (m.body.empty()) {
        if (wants_sdp) send.sdp.kind = SdpKind::none;
        return;
    }
    const std::string media_type = type ? role_.words.convert(type->value) : "application/sdp";
    if (!istarts_with(media_type, "application/sdp")) {
        send.body_type = media_type.find('/') == std::string::npos ? "text/plain" : media_type;
        send.body = role_.words.convert(m.body);
        return;
    }
    PhoneLine& p = role_.phone;
    const auto d = usual(m.body);
    if (!d) {
        send.sdp.kind = SdpKind::text;
        send.sdp.text = role_.words.convert(m.body);
        return;
    }
    if (!described_) {
        p.audio = d->audio;
        p.video = d->video;
    }
    described_ = true;
    send.sdp.direction = d->direction;
    if (d->audio != p.audio) send.sdp.codecs = d->audio;
    if (d->video.empty() && !p.video.empty()) send.sdp.media = {"audio"};
    if (!wants_sdp) send.sdp.kind = kind;
}

}  // namespace sipana::lab
