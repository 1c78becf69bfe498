#include "libsipana/lab/description.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "libsipana/base/text.h"

namespace sipana::lab {
namespace {

using sdp::Codec;

struct Named {
    std::string_view name;
    std::uint8_t payload_type;
    std::string_view encoding;
    std::uint32_t clock_hz;
    std::string_view fmtp;
};
constexpr std::array known{
    Named{"pcmu", 0, "PCMU", 8000, ""},
    Named{"pcma", 8, "PCMA", 8000, ""},
    Named{"telephone-event", 101, "telephone-event", 8000, "0-16"},
    Named{"h264", 96, "H264", 90000, "profile-level-id=42e01f;packetization-mode=1"},
    Named{"h264-mode0", 98, "H264", 90000, "profile-level-id=42e01f"},
    Named{"vp8", 97, "VP8", 90000, ""},
};

bool is_event(const Codec& c) { return iequals(c.name, "telephone-event"); }

const char* family(const Address& address) { return address.is_v6() ? "IP6" : "IP4"; }

Endpoint rtcp_of(const MediaWish& wish) {
    if (wish.rtcp_mux) return wish.rtp;
    if (wish.rtcp) return *wish.rtcp;
    return {wish.rtp.address, static_cast<std::uint16_t>(wish.rtp.port + 1)};
}

void write_codecs(const MediaWish& wish, std::string& out) {
    for (const Codec& c : wish.codecs) {
        out += fmt::format("a=rtpmap:{} {}/{}", c.payload_type, c.name, c.clock_hz);
        if (c.channels > 1) out += fmt::format("/{}", c.channels);
        out += "\r\n";
        if (!c.fmtp.empty()) out += fmt::format("a=fmtp:{} {}\r\n", c.payload_type, c.fmtp);
    }
    // RFC 4585 4.2: it belongs to the AVPF profiles.
    const bool avpf = wish.protocol.find("AVPF") != std::string::npos;
    if (wish.media != "video" || !wish.feedback.value_or(avpf)) return;
    for (const Codec& c : wish.codecs)
        out += fmt::format("a=rtcp-fb:{0} nack pli\r\na=rtcp-fb:{0} ccm fir\r\n", c.payload_type);
}

void write_line(const LocalSession& ours, const MediaWish& wish, std::string& out) {
    const bool closed = wish.rtp.port == 0 || wish.codecs.empty();
    out += fmt::format("m={} {} {}", wish.media, closed ? 0 : wish.rtp.port, wish.protocol);
    // RFC 3264 6: a line that is refused lists a format still, for the grammar's sake.
    if (wish.codecs.empty())
        out += fmt::format(" {}", wish.refused_formats.empty() ? "0" : wish.refused_formats);
    for (const Codec& c : wish.codecs) out += fmt::format(" {}", c.payload_type);
    out += "\r\n";
    if (closed) return;
    if (wish.rtp.address != ours.address && !ours.address.is_unspecified())
        out +=
            fmt::format("c=IN {} {}\r\n", family(wish.rtp.address), wish.rtp.address.to_string());
    write_codecs(wish, out);
    if (wish.ptime_ms != 0 && wish.media == "audio")
        out += fmt::format("a=ptime:{}\r\n", wish.ptime_ms);
    out += fmt::format("a={}\r\n", sdp::to_string(wish.direction));
    if (wish.rtcp_mux) {
        out += "a=rtcp-mux\r\n";
    } else if (wish.rtcp && wish.rtcp->port != wish.rtp.port + 1) {
        out += fmt::format("a=rtcp:{}\r\n", wish.rtcp->port);
    }
    for (const std::string& line : wish.attributes) out += fmt::format("a={}\r\n", line);
}

// `timing`: t= as the offer has it (RFC 3264 6).
std::string described(LocalSession& ours, const std::vector<MediaWish>& lines,
                      std::string_view timing) {
    std::string rest = fmt::format("s=-\r\nc=IN {} {}\r\nt={}\r\n", family(ours.address),
                                   ours.address.to_string(), timing);
    for (const MediaWish& wish : lines) write_line(ours, wish, rest);
    // RFC 3264 8: the same words are the same version.
    if (rest != ours.said) ++ours.version;
    ours.said = rest;
    return fmt::format("v=0\r\no={} {} {} IN {} {}\r\n", ours.user, ours.id, ours.version,
                       family(ours.address), ours.address.to_string()) +
           rest;
}

// RFC 6184 8.2.2: mode and profile are the offer's to choose, and our packetiser knows both modes.
bool goes_with(const Codec& ours, const Codec& offered) {
    const sdp::Match m = sdp::match(ours, offered);
    if (m != sdp::Match::codec) return m == sdp::Match::full;
    if (!iequals(ours.name, "H264")) return false;
    const auto profile = [](const Codec& c) {
        return lowered(sdp::parameter(c.fmtp, "profile-level-id").value_or("420010")).substr(0, 2);
    };
    const auto mode = sdp::parameter(offered.fmtp, "packetization-mode").value_or("0");
    return profile(ours) == profile(offered) && (mode == "0" || mode == "1");
}

// The offered codec as our answer has it: numbered as offered (RFC 3264 6.1).
Codec answered(const Codec& ours, const Codec& offered) {
    Codec c = ours;
    c.payload_type = offered.payload_type;
    if (!iequals(ours.name, "H264")) return c;
    const auto profile = sdp::parameter(offered.fmtp, "profile-level-id").value_or("420010");
    const auto mode = sdp::parameter(offered.fmtp, "packetization-mode").value_or("0");
    c.fmtp = fmt::format("profile-level-id={}", profile);
    if (mode != "0") c.fmtp += fmt::format(";packetization-mode={}", mode);
    return c;
}

struct Common {
    std::vector<Codec> ours, theirs;  // pairwise the same
};
// In the order of `theirs`; a codec of ours is used once.
Common common(const std::vector<Codec>& ours, const std::vector<Codec>& theirs) {
    Common found;
    std::vector<bool> used(ours.size());
    for (const Codec& t : theirs)
        for (std::size_t i = 0; i < ours.size(); ++i) {
            if (used[i] || !goes_with(ours[i], t)) continue;
            used[i] = true;
            found.ours.push_back(ours[i]);
            found.theirs.push_back(t);
            break;
        }
    return found;
}

bool carries_media(const std::vector<Codec>& codecs) {
    return std::any_of(codecs.begin(), codecs.end(),
                       [](const Codec& c) { return !sdp::is_auxiliary(c.name); });
}

void read_feedback(const sdp::Media& theirs, Agreed& agreed) {
    theirs.each("rtcp-fb", [&](std::string_view value, const sdp::Line&) {
        const auto f = sdp::parse_rtcp_fb(value);
        if (!f) return;
        const std::string_view what = trim(f->what);
        agreed.pli |= iequals(what, "nack pli");
        agreed.fir |= iequals(what, "ccm fir");
        agreed.nack |= iequals(what, "nack");
    });
}

// What both sides' words make of a line whose codecs are settled.
Agreed agreement(const MediaWish& ours, const sdp::Media& theirs, Common codecs) {
    Agreed a;
    a.media = ours.media;
    a.active = ours.rtp.port != 0 && theirs.port != 0 && carries_media(codecs.theirs);
    a.local_rtp = ours.rtp;
    a.remote_rtp = theirs.rtp();
    a.rtcp_mux = ours.rtcp_mux && theirs.rtcp_mux();
    a.local_rtcp = rtcp_of(ours);
    a.remote_rtcp = a.rtcp_mux ? a.remote_rtp : theirs.rtcp_without_mux();
    if (ours.rtcp_mux && !a.rtcp_mux)
        a.local_rtcp = {ours.rtp.address, static_cast<std::uint16_t>(ours.rtp.port + 1)};
    if (a.rtcp_mux) a.local_rtcp = a.local_rtp;
    a.held = theirs.on_hold();
    const bool unheard = theirs.unspecified_address();
    a.direction = sdp::direction_of(
        sdp::sends(ours.direction) && sdp::receives(theirs.direction()) && !unheard,
        sdp::receives(ours.direction) && sdp::sends(theirs.direction()));
    if (!a.active) a.direction = sdp::Direction::inactive;
    a.ptime_ms = theirs.ptime_ms().value_or(ours.ptime_ms == 0 ? 20 : ours.ptime_ms);
    read_feedback(theirs, a);
    a.heard = std::move(codecs.ours);
    a.sent = std::move(codecs.theirs);
    return a;
}

sdp::Direction reversed(sdp::Direction d) {
    return sdp::direction_of(sdp::receives(d), sdp::sends(d));
}

// Takes the wish that answers an offered line: the one of its place, else one without a line.
MediaWish take_wish(LocalSession& ours, std::size_t index, const sdp::Media& offered) {
    MediaWish found;
    found.media = offered.media;
    const auto fits = [&](const MediaWish& w) {
        return iequals(w.media, offered.media) && !w.codecs.empty();
    };
    if (index >= max_answered_lines) return found;
    if (index < ours.lines.size() && fits(ours.lines[index])) {
        std::swap(found, ours.lines[index]);
        ours.lines[index].codecs.clear();
        return found;
    }
    for (auto* pool : {&ours.unused, &ours.lines}) {
        const auto at = std::find_if(pool->begin(), pool->end(), fits);
        if (at == pool->end()) continue;
        std::swap(found, *at);
        at->codecs.clear();
        return found;
    }
    return found;
}

// Answers one line; the wish becomes what was agreed on, so that later offers keep to it. `said`:
// what the answer says.
Agreed answer_line(MediaWish& wish, MediaWish& said, const sdp::Media& offered) {
    const bool possible = offered.is_rtp() && !offered.is_secure();
    Common codecs;
    if (possible) codecs = common(wish.codecs, sdp::codecs_of(offered));
    for (std::size_t i = 0; i < codecs.ours.size(); ++i) {
        codecs.ours[i] = answered(codecs.ours[i], codecs.theirs[i]);
        // What the parameters say of the sender's own ways stays; ours go with them.
        codecs.theirs[i].fmtp = codecs.ours[i].fmtp;
    }
    wish.protocol = offered.protocol;
    wish.refused_formats = offered.formats;
    Agreed a = agreement(wish, offered, std::move(codecs));
    said = wish;
    said.rtcp_mux = a.rtcp_mux;
    if (!a.active) {
        said.rtp.port = 0;
        said.codecs.clear();
        return a;
    }
    wish.codecs = said.codecs = a.heard;
    // RFC 3264 6.1: nothing is sent that is not received there, nor the other way round.
    const sdp::Direction most = reversed(offered.direction());
    said.direction = sdp::direction_of(sdp::sends(wish.direction) && sdp::sends(most),
                                       sdp::receives(wish.direction) && sdp::receives(most));
    said.feedback = wish.feedback.value_or(true) && (a.pli || a.fir);
    return a;
}

// Once each, in order of their first name.
void add_named(MediaWish& wish, const std::vector<std::string>& names, std::uint32_t clock_hz) {
    for (const std::string& name : names) {
        const auto codec = codec_named(name);
        if (!codec || codec->clock_hz != clock_hz) continue;
        const bool there = std::any_of(wish.codecs.begin(), wish.codecs.end(), [&](const Codec& c) {
            return c.payload_type == codec->payload_type;
        });
        if (!there) wish.codecs.push_back(*codec);
    }
}

}  // namespace

std::optional<Codec> codec_named(std::string_view name) {
    for (const Named& k : known)
        if (iequals(k.name, name))
            return Codec{k.payload_type, std::string(k.encoding), k.clock_hz, 1,
                         std::string(k.fmtp)};
    return std::nullopt;
}

MediaWish audio_wish(const std::vector<std::string>& names, const Endpoint& rtp) {
    MediaWish wish;
    wish.rtp = rtp;
    add_named(wish, names, 8000);
    const bool events = std::any_of(wish.codecs.begin(), wish.codecs.end(), is_event);
    if (!events && !wish.codecs.empty()) wish.codecs.push_back(*codec_named("telephone-event"));
    return wish;
}

MediaWish video_wish(const std::vector<std::string>& names, const Endpoint& rtp) {
    MediaWish wish;
    wish.media = "video";
    wish.rtp = rtp;
    add_named(wish, names, 90000);
    return wish;
}

const Codec* Agreed::codec() const {
    for (const Codec& c : sent)
        if (!sdp::is_auxiliary(c.name)) return &c;
    return nullptr;
}

const Codec* Agreed::events() const {
    for (const Codec& c : sent)
        if (is_event(c)) return &c;
    return nullptr;
}

std::string offer(LocalSession& ours) { return described(ours, ours.lines, "0 0"); }

Result<Answer> answer(LocalSession& ours, const sdp::Session& offer) {
    if (offer.media().empty() && !offer.origin())
        return Error{Errc::malformed, 0, "the offer can not be read (RFC 8866 5)"};
    Answer made;
    std::vector<MediaWish> lines, said;
    bool wanted = false;
    for (std::size_t i = 0; i < offer.media().size(); ++i) {
        const sdp::Media& offered = offer.media()[i];
        MediaWish wish = take_wish(ours, i, offered);
        const MediaWish before = wish;
        made.lines.push_back(answer_line(wish, said.emplace_back(), offered));
        wanted |= offered.port != 0;
        made.acceptable |= made.lines.back().active;
        if (!made.lines.back().active) {
            // Its place is taken; what we wished for waits until it is offered again.
            ours.unused.push_back(before);
            wish = said.back();
        }
        lines.push_back(std::move(wish));
    }
    made.acceptable |= !wanted;
    for (MediaWish& left : ours.lines) ours.unused.push_back(std::move(left));
    std::erase_if(ours.unused, [](const MediaWish& w) { return w.codecs.empty(); });
    ours.lines = std::move(lines);
    made.text = described(ours, said, offer.first('t').value_or("0 0"));
    return made;
}

std::vector<Agreed> settle(const LocalSession& ours, const sdp::Session& answer) {
    std::vector<Agreed> out;
    for (std::size_t i = 0; i < ours.lines.size(); ++i) {
        const MediaWish& wish = ours.lines[i];
        if (i >= answer.media().size()) {
            Agreed& missing = out.emplace_back();
            missing.media = wish.media;
            missing.direction = sdp::Direction::inactive;
            continue;
        }
        const sdp::Media& theirs = answer.media()[i];
        Common codecs;
        if (theirs.is_rtp() && !theirs.is_secure())
            codecs = common(wish.codecs, sdp::codecs_of(theirs));
        out.push_back(agreement(wish, theirs, std::move(codecs)));
    }
    return out;
}

bool open_line(LocalSession& ours, std::string_view media) {
    const auto of_medium = [&](const MediaWish& w) { return iequals(w.media, media); };
    const auto waiting = std::find_if(ours.unused.begin(), ours.unused.end(), of_medium);
    if (waiting == ours.unused.end()) return false;
    const auto closed = std::find_if(ours.lines.begin(), ours.lines.end(), [&](const MediaWish& w) {
        return of_medium(w) && w.codecs.empty();
    });
    if (closed != ours.lines.end()) {
        *closed = std::move(*waiting);
    } else {
        ours.lines.push_back(std::move(*waiting));
    }
    ours.unused.erase(waiting);
    return true;
}

void hold(LocalSession& ours, sdp::Direction direction) {
    for (MediaWish& wish : ours.lines) wish.direction = direction;
}

void resume(LocalSession& ours) { hold(ours, sdp::Direction::sendrecv); }

}  // namespace sipana::lab
