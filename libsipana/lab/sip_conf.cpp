#include "libsipana/lab/sip_conf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "libsipana/base/text.h"

namespace sipana::lab {
namespace {

// Names as allow= has them; payload types as Asterisk assigns them.
const std::array codec_table{
    AllowedCodec{"ulaw", false, {0, "PCMU", 8000, 1, ""}},
    AllowedCodec{"alaw", false, {8, "PCMA", 8000, 1, ""}},
    AllowedCodec{"gsm", false, {3, "GSM", 8000, 1, ""}},
    AllowedCodec{"g723", false, {4, "G723", 8000, 1, ""}},
    AllowedCodec{"g722", false, {9, "G722", 8000, 1, ""}},
    AllowedCodec{"g729", false, {18, "G729", 8000, 1, "annexb=no"}},
    AllowedCodec{"g726", false, {111, "G726-32", 8000, 1, ""}},
    AllowedCodec{"ilbc", false, {97, "iLBC", 8000, 1, "mode=30"}},
    AllowedCodec{"speex", false, {110, "speex", 8000, 1, ""}},
    AllowedCodec{"speex16", false, {117, "speex", 16000, 1, ""}},
    AllowedCodec{"slin", false, {118, "L16", 8000, 1, ""}},
    AllowedCodec{"opus", false, {107, "opus", 48000, 2, ""}},
    AllowedCodec{"h261", true, {31, "H261", 90000, 1, ""}},
    AllowedCodec{"h263", true, {34, "H263", 90000, 1, ""}},
    AllowedCodec{"h263p", true, {98, "H263-1998", 90000, 1, ""}},
    AllowedCodec{
        "h264", true, {99, "H264", 90000, 1, "profile-level-id=42e01f;packetization-mode=1"}},
    AllowedCodec{"vp8", true, {100, "VP8", 90000, 1, ""}},
    AllowedCodec{"vp9", true, {108, "VP9", 90000, 1, ""}},
};

// disallow=all, allow=ulaw,alaw, allow=!all,ulaw
void change_codecs(std::vector<const AllowedCodec*>& codecs, std::string_view list, bool allow,
                   ConfigFile& file, std::uint32_t line) {
    while (!list.empty()) {
        std::string_view name = trim(cut(list, ','));
        bool add = allow;
        if (name.starts_with('!')) {
            add = !add;
            name.remove_prefix(1);
        }
        const AllowedCodec* named = allowed_codec(name);
        if (iequals(name, "all")) {
            codecs.clear();
            if (add)
                for (const AllowedCodec& c : codec_table) codecs.push_back(&c);
        } else if (named == nullptr) {
            file.note(line, fmt::format("unknown codec \"{}\"", printable(name.substr(0, 40))));
        } else {
            std::erase(codecs, named);
            if (add && codecs.size() < max_codecs_a_peer) codecs.push_back(named);
        }
    }
}

std::uint64_t groups_of(std::string_view list, ConfigFile& file, std::uint32_t line) {
    std::uint64_t mask = 0;
    while (!list.empty()) {
        std::string_view range = trim(cut(list, ','));
        const auto first = to_number(trim(cut(range, '-')));
        const auto last = range.empty() ? first : to_number(trim(range));
        if (!first || !last || *first > 63 || *last > 63) {
            file.note(line, "a group is a number from 0 to 63");
            continue;
        }
        for (auto g = *first; g <= *last; ++g) mask |= std::uint64_t{1} << g;
    }
    return mask;
}

// "Name" <number>, Name <number>, number
void read_caller_id(SipPeer& peer, std::string_view value) {
    const auto open = value.find('<');
    if (open == value.npos) {
        peer.caller_number = trim(value);
        return;
    }
    std::string_view name = trim(value.substr(0, open));
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"')
        name = name.substr(1, name.size() - 2);
    peer.caller_name = name;
    peer.caller_number = trim(value.substr(open + 1, value.find('>', open) - open - 1));
}

class SipConfReader {
public:
    explicit SipConfReader(ConfigFile& file) : file_(file) {}

    Result<SipSettings> read() {
        for (std::string_view name : {"ulaw", "alaw", "gsm", "h263", "h264", "vp8"})
            settings_.codecs.push_back(allowed_codec(name));
        // What [general] says holds for every peer, wherever it stands.
        for (const auto& section : sections("general"))
            for (const ConfigLine& line : section->lines) general(line);
        for (const ConfigSection& section : file_.sections) {
            if (section.is_template || iequals(section.name, "general")) continue;
            if (iequals(section.name, "authentication")) {
                file_.note(section.line, "[authentication] has no effect here");
                continue;
            }
            if (settings_.peers.size() >= max_peers)
                return Error{Errc::too_large, 0,
                             fmt::format("{}: more than {} peers", file_.name, max_peers)};
            peer(section);
        }
        return std::move(settings_);
    }

private:
    std::vector<const ConfigSection*> sections(std::string_view name) const {
        std::vector<const ConfigSection*> found;
        for (const ConfigSection& s : file_.sections)
            if (!s.is_template && iequals(s.name, name)) found.push_back(&s);
        return found;
    }
    void no_effect(const ConfigLine& line) {
        file_.note(line.line,
                   fmt::format("{} has no effect here", printable(line.key.substr(0, 60))));
    }
    template <typename Number>
    void number(const ConfigLine& line, Number& into) {
        if (const auto n = to_number<Number>(line.value))
            into = *n;
        else
            file_.note(line.line, fmt::format("{} is no number that it could be",
                                              printable(line.value.substr(0, 60))));
    }

    // What a peer and [general] have in common.
    bool common_key(PeerDefaults& d, const ConfigLine& line) {
        const std::string key = lowered(line.key);
        const std::string& value = line.value;
        if (key == "context")
            d.context = value;
        else if (key == "allow")
            change_codecs(d.codecs, value, true, file_, line.line);
        else if (key == "disallow")
            change_codecs(d.codecs, value, false, file_, line.line);
        else if (key == "videosupport")
            d.video = is_true(value) || iequals(value, "always");
        else if (key == "directmedia" || key == "canreinvite")
            d.direct_media = !iequals(value, "no") && !iequals(value, "off") &&
                             !iequals(value, "false") && value != "0";
        else if (key == "allowsubscribe")
            d.allow_subscribe = is_true(value);
        else if (key == "allowtransfer")
            d.allow_transfer = is_true(value);
        else if (key == "allowoverlap")
            d.allow_overlap = is_true(value);
        else if (key == "subscribecontext")
            d.subscribe_context = value;
        else if (key == "outofcall_message_context")
            d.message_context = value;
        else if (key == "session-expires")
            number(line, d.session_expires_s);
        else if (key == "session-minse")
            number(line, d.min_se_s);
        else if (key == "dtmfmode")
            d.dtmf = iequals(value, "info")     ? DtmfMode::info
                     : iequals(value, "inband") ? DtmfMode::inband
                                                : DtmfMode::rfc2833;
        else if (key == "session-timers")
            d.session_timers = iequals(value, "refuse")      ? SessionTimers::refuse
                               : iequals(value, "originate") ? SessionTimers::originate
                                                             : SessionTimers::accept;
        else
            return false;
        return true;
    }

    void general(const ConfigLine& line) {
        SipSettings& s = settings_;
        if (common_key(s, line)) return;
        const std::string key = lowered(line.key);
        const std::string& value = line.value;
        if (key == "realm")
            s.realm = value;
        else if (key == "allowguest")
            s.allow_guest = is_true(value);
        else if (key == "alwaysauthreject")
            s.always_auth_reject = is_true(value);
        else if (key == "pedantic")
            s.pedantic = is_true(value);
        else if (key == "accept_outofcall_message")
            s.accept_messages = is_true(value);
        else if (key == "auth_message_requests")
            s.authenticate_messages = is_true(value);
        else if (key == "auth_options_requests")
            s.authenticate_options = is_true(value);
        else if (key == "minexpiry")
            number(line, s.min_expires_s);
        else if (key == "maxexpiry")
            number(line, s.max_expires_s);
        else if (key == "defaultexpiry")
            number(line, s.default_expires_s);
        else if (key == "minsubexpiry" || key == "subminexpiry")
            number(line, s.min_subscription_s);
        else if (key == "bindport" || key == "port")
            number(line, s.bind_port);
        else if (key == "domain")
            s.domains.emplace_back(trim(value.substr(0, value.find(','))));
        else if (key == "register")
            registration(line);
        else if (key != "bindaddr" && key != "udpbindaddr" && key != "transport" &&
                 key != "tcpenable" && key != "language")
            no_effect(line);
    }

    void peer(const ConfigSection& section) {
        SipPeer p;
        static_cast<PeerDefaults&>(p) = settings_;
        p.name = section.name;
        p.line = section.line;
        bool typed = false;
        for (const ConfigLine& line : section.lines) {
            if (iequals(line.key, "type"))
                typed = type(p, line);
            else if (!common_key(p, line) && !peer_key(p, line))
                no_effect(line);
        }
        if (!typed)
            file_.note(section.line, fmt::format("[{}] has no type=: not a peer",
                                                 printable(p.name.substr(0, 60))));
        else if (settings_.peer(p.name) != nullptr)
            file_.note(section.line,
                       fmt::format("[{}] is there already", printable(p.name.substr(0, 60))));
        else
            settings_.peers.push_back(std::move(p));
    }

    bool type(SipPeer& p, const ConfigLine& line) {
        const bool both = iequals(line.value, "friend");
        p.is_peer = both || iequals(line.value, "peer");
        p.is_user = both || iequals(line.value, "user");
        if (p.is_peer || p.is_user) return true;
        file_.note(line.line, "type is friend, peer or user");
        return false;
    }

    bool peer_key(SipPeer& p, const ConfigLine& line) {
        const std::string key = lowered(line.key);
        const std::string& value = line.value;
        if (key == "secret")
            p.secret = value;
        else if (key == "md5secret")
            p.md5_secret = value;
        else if (key == "defaultuser" || key == "username")
            p.auth_user = value;
        else if (key == "fromuser")
            p.from_user = value;
        else if (key == "fromdomain")
            p.from_domain = value;
        else if (key == "mailbox")
            p.mailbox = value;
        else if (key == "callerid")
            read_caller_id(p, value);
        else if (key == "host") {
            p.dynamic = iequals(value, "dynamic");
            p.host = p.dynamic ? "" : value;
        } else if (key == "port")
            number(line, p.port);
        else if (key == "call-limit")
            number(line, p.call_limit);
        else if (key == "callgroup")
            p.call_groups = groups_of(value, file_, line.line);
        else if (key == "pickupgroup")
            p.pickup_groups = groups_of(value, file_, line.line);
        else if (key == "setvar") {
            if (p.variables.size() < 64)
                p.variables.emplace_back(
                    trim(value.substr(0, value.find('='))),
                    value.find('=') == value.npos ? "" : value.substr(value.find('=') + 1));
        } else if (key == "insecure")
            for (const std::string& word : arguments_of(value)) {
                p.insecure_port |= iequals(word, "port") || iequals(word, "very");
                p.insecure_invite |= iequals(word, "invite") || iequals(word, "very");
            }
        else
            return key == "transport" || key == "nat" || key == "qualify" || key == "language";
        return true;
    }

    void registration(const ConfigLine& line) {
        if (settings_.registrations.size() >= max_registrations)
            return file_.note(line.line, "too many register lines");
        Registration r;
        r.line = line.line;
        r.expires_s = settings_.default_expires_s;
        std::string_view text = line.value;
        const auto at = text.rfind('@');
        if (at == text.npos || at == 0)
            return file_.note(line.line,
                              "register => user[:secret[:authuser]]@host[:port][/extension]");
        std::string_view who = text.substr(0, at), where = text.substr(at + 1);
        if (const auto scheme = who.find("://"); scheme != who.npos) who.remove_prefix(scheme + 3);
        std::string_view user = cut(who, ':');
        r.user = cut(user, '@');
        r.domain = user;
        r.secret = cut(who, ':');
        r.auth_user = who.empty() ? r.user : std::string(who);
        std::string_view place = cut(where, '~');
        if (const auto n = to_number(trim(where))) r.expires_s = *n;
        std::string_view host = cut(place, '/');
        if (!place.empty()) r.extension = trim(place);
        r.host = trim(host);
        // host:port, but an IPv6 address stands in brackets.
        if (const auto colon = host.rfind(':');
            colon != host.npos && host.find(']', colon) == host.npos) {
            if (const auto port = to_number<std::uint16_t>(trim(host.substr(colon + 1)))) {
                r.port = *port;
                r.host = trim(host.substr(0, colon));
            }
        }
        if (r.user.empty() || r.host.empty())
            return file_.note(line.line, "register => names no user or no host");
        settings_.registrations.push_back(std::move(r));
    }

    ConfigFile& file_;
    SipSettings settings_;
};

}  // namespace

const AllowedCodec* allowed_codec(std::string_view name) {
    if (iequals(name, "h263plus")) name = "h263p";
    const auto at = std::find_if(codec_table.begin(), codec_table.end(),
                                 [&](const AllowedCodec& c) { return iequals(c.name, name); });
    return at == codec_table.end() ? nullptr : &*at;
}

const SipPeer* SipSettings::peer(std::string_view name) const {
    const auto at = std::find_if(peers.begin(), peers.end(),
                                 [&](const SipPeer& p) { return iequals(p.name, name); });
    return at == peers.end() ? nullptr : &*at;
}

Result<SipSettings> read_sip_conf(ConfigFile& file) { return SipConfReader(file).read(); }

}  // namespace sipana::lab
