// The exchange's own media ports: offers and answers of each leg (RFC 3264), RTP and RTCP relayed
// between two, tones and echo where there is only one.
//
// Packets keep their SSRC, sequence number and timestamp on the way, so RTCP still speaks of what
// the other side sees. Payload types are numbered anew where the two legs agreed on other ones, and
// G.711 of one law becomes the other.
#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/exchange_core.h"
#include "libsipana/media/g711.h"
#include "libsipana/rtp/packet.h"
#include "libsipana/sdp/session.h"

namespace sipana::lab {
namespace {

constexpr unsigned max_port_tries = 1000;
constexpr std::size_t max_datagrams = 100'000;  // waiting to be sent

bool same_codec(const sdp::Codec& a, const sdp::Codec& b) {
    return iequals(a.name, b.name) && a.clock_hz == b.clock_hz;
}

const sdp::Codec* find_codec(const std::vector<sdp::Codec>& in, const sdp::Codec& like) {
    const auto at = std::find_if(in.begin(), in.end(),
                                 [&](const sdp::Codec& c) { return same_codec(c, like); });
    return at == in.end() ? nullptr : &*at;
}

MediaLeg* leg_of(Channel& c, std::string_view kind) {
    for (MediaLeg& leg : c.media)
        if (leg.kind == kind) return &leg;
    return nullptr;
}

MediaWish* wish_of(Channel& c, std::string_view kind) {
    for (auto* wishes : {&c.local.lines, &c.local.unused})
        for (MediaWish& w : *wishes)
            if (w.media == kind && !w.codecs.empty()) return &w;
    return nullptr;
}

}  // namespace

// ---------------------------------------------------------------- offers and answers

std::vector<MediaWish> ExchangeCore::wishes_of(const PeerDefaults& ways) const {
    MediaWish audio, video;
    video.media = "video";
    for (const AllowedCodec* allowed : ways.codecs)
        (allowed->video ? video : audio).codecs.push_back(allowed->codec);
    std::vector<MediaWish> wishes;
    if (!audio.codecs.empty()) {
        if (ways.dtmf == DtmfMode::rfc2833) audio.codecs.push_back(*codec_named("telephone-event"));
        wishes.push_back(std::move(audio));
    }
    if (ways.video && !video.codecs.empty()) wishes.push_back(std::move(video));
    return wishes;
}

// Is there a line of the offer with a codec that is allowed?
bool ExchangeCore::has_common(std::string_view offer, const PeerDefaults& ways) const {
    const auto session = sdp::Session::parse(offer);
    if (!session) return false;
    for (const sdp::Media& m : session->media()) {
        if (!m.is_rtp() || m.is_secure() || m.port == 0) continue;
        for (const sdp::Codec& offered : sdp::codecs_of(m))
            for (const AllowedCodec* allowed : ways.codecs)
                if (same_codec(allowed->codec, offered) &&
                    m.media == (allowed->video ? "video" : "audio") &&
                    (ways.video || !allowed->video))
                    return true;
    }
    return false;
}

// What a leg that `c` dials can be offered: what both `c` and the peer can, as `c` named it.
std::vector<MediaWish> ExchangeCore::wishes_for(Channel& c, const SipPeer& peer) const {
    std::vector<MediaWish> wishes = wishes_of(peer);
    const auto offered = sdp::Session::parse(c.offered);
    for (MediaWish& wish : wishes) {
        std::vector<sdp::Codec> theirs;
        MediaLeg* leg = leg_of(c, wish.media);
        if (c.negotiated) {
            if (leg != nullptr && leg->agreed.active) theirs = leg->agreed.heard;
        } else if (!c.offered.empty() && offered) {
            const MediaWish* ours = wish_of(c, wish.media);
            for (const sdp::Media& m : offered->media())
                if (m.media == wish.media && m.port != 0)
                    for (const sdp::Codec& codec : sdp::codecs_of(m))
                        if (ours != nullptr && find_codec(ours->codecs, codec) != nullptr)
                            theirs.push_back(codec);
        } else if (const MediaWish* ours = wish_of(c, wish.media)) {
            theirs = ours->codecs;
        }
        std::erase_if(theirs, [&](const sdp::Codec& codec) {
            return find_codec(wish.codecs, codec) == nullptr;
        });
        wish.codecs = std::move(theirs);
        if (leg == nullptr || leg->rtp.port == 0) wish.codecs.clear();
    }
    std::erase_if(wishes, [](const MediaWish& w) {
        return std::all_of(w.codecs.begin(), w.codecs.end(),
                           [](const sdp::Codec& codec) { return sdp::is_auxiliary(codec.name); });
    });
    return wishes;
}

// Before it describes anything itself, `c` comes down to what the other leg has agreed to.
void ExchangeCore::restrict_to(Channel& c, Channel& other) {
    if (!c.described.empty()) return;
    for (MediaLeg& leg : c.media) {
        MediaWish* wish = wish_of(c, leg.kind);
        const MediaLeg* theirs = leg_of(other, leg.kind);
        if (wish == nullptr) continue;
        const bool active = theirs != nullptr && theirs->agreed.active;
        std::erase_if(wish->codecs, [&](const sdp::Codec& codec) {
            return !active || find_codec(theirs->agreed.sent, codec) == nullptr;
        });
        // What they prefer comes first.
        if (active)
            std::stable_sort(wish->codecs.begin(), wish->codecs.end(),
                             [&](const sdp::Codec& a, const sdp::Codec& b) {
                                 return find_codec(theirs->agreed.sent, a) <
                                        find_codec(theirs->agreed.sent, b);
                             });
    }
}

bool ExchangeCore::describe_answer(Channel& c, Time now) {
    const auto session = sdp::Session::parse(c.offered);
    auto made = session ? lab::answer(c.local, *session) : Result<Answer>(session.error());
    if (!made) return false;
    c.described = std::move(made->text);
    agree(c, made->lines, now);
    return true;
}

std::string ExchangeCore::describe_offer(Channel& c) { return lab::offer(c.local); }

// False: nothing in it can be used.
bool ExchangeCore::settle_answer(Channel& c, std::string_view text, Time now) {
    const auto session = sdp::Session::parse(text);
    if (!session) return false;
    const auto lines = lab::settle(c.local, *session);
    agree(c, lines, now);
    return std::any_of(lines.begin(), lines.end(), [](const Agreed& a) { return a.active; });
}

void ExchangeCore::agree(Channel& c, const std::vector<Agreed>& lines, Time now) {
    c.negotiated = true;
    c.offered.clear();
    for (MediaLeg& leg : c.media) {
        leg.agreed = {};
        for (const Agreed& a : lines)
            if (a.active && !leg.agreed.active && a.media == leg.kind) leg.agreed = a;
        if (leg.session) leg.session->agree(leg.agreed, now);
    }
}

// ---------------------------------------------------------------- ports

void ExchangeCore::open_media(Channel& c, std::vector<MediaWish> wishes, const Address& address) {
    c.local.address = address;
    for (MediaWish& wish : wishes) {
        MediaLeg leg;
        leg.kind = wish.media;
        wish.rtp = leg.rtp = open_pair(address);
        leg.rtcp = {address, static_cast<std::uint16_t>(leg.rtp.port + 1)};
        if (leg.rtp.port == 0) {
            note("no media port is free");
            wish.codecs.clear();
        } else {
            media_[leg.rtp] = {c.id, c.media.size(), false};
            media_[leg.rtcp] = {c.id, c.media.size(), true};
        }
        c.media.push_back(std::move(leg));
        c.local.lines.push_back(std::move(wish));
    }
}

// RTP at an even port, RTCP above it (RFC 3550 11). Port 0: none is free.
Endpoint ExchangeCore::open_pair(const Address& address) {
    if (ports_ == nullptr) return {address, 0};
    const unsigned first = (settings.media_first + 1u) & ~1u, last = settings.media_last;
    for (unsigned i = 0; i < max_port_tries; ++i) {
        if (next_port_ < first || next_port_ + 1u > last) next_port_ = first;
        const auto port = static_cast<std::uint16_t>(next_port_);
        next_port_ += 2;
        if (port + 1u > last || media_.contains({address, port})) continue;
        if (!ports_->open(Transport::udp, {address, port}, node_)) continue;
        const Endpoint above{address, static_cast<std::uint16_t>(port + 1)};
        if (ports_->open(Transport::udp, above, node_)) return {address, port};
        ports_->close(Transport::udp, {address, port});
    }
    return {address, 0};
}

void ExchangeCore::close_media(Channel& c, Time now) {
    silence(c, now);
    for (MediaLeg& leg : c.media) {
        if (leg.rtp.port == 0) continue;
        media_.erase(leg.rtp);
        media_.erase(leg.rtcp);
        closing_.push_back(leg.rtp);
        closing_.push_back(leg.rtcp);
    }
    c.media.clear();
}

// Ports close once what was to leave by them has left.
void ExchangeCore::close_ports() {
    for (const Endpoint& local : closing_)
        if (ports_ != nullptr && !media_.contains(local)) ports_->close(Transport::udp, local);
    closing_.clear();
}

// ---------------------------------------------------------------- directmedia

// Each phone is told the other's address: the packets need not come by here any more.
void ExchangeCore::go_direct(Channel& c, Time now) {
    Channel* other = find(c.bridge);
    const auto ready = [&](const Channel* x) {
        return x != nullptr && x->is_up() && x->acknowledged && x->negotiated && !x->leaving &&
               x->reinvite == 0 && !x->direct && how(x->peer).direct_media;
    };
    if (!ready(&c) || !ready(other)) return;
    point_at(c, other, now);
    point_at(*other, &c, now);
}

// Offers `c` the other's media, or the exchange's own again (nullptr).
void ExchangeCore::point_at(Channel& c, Channel* other, Time now) {
    if (!c.dialog || !c.is_up()) return;
    c.direct = other != nullptr;
    for (MediaWish& wish : c.local.lines) {
        const MediaLeg* own = leg_of(c, wish.media);
        const MediaLeg* theirs = other != nullptr ? leg_of(*other, wish.media) : nullptr;
        if (own == nullptr || wish.codecs.empty()) continue;
        const bool useful = theirs != nullptr && theirs->agreed.active;
        wish.rtp = useful ? theirs->agreed.remote_rtp : own->rtp;
        wish.rtcp.reset();
        if (useful) wish.rtcp = theirs->agreed.remote_rtcp;
        wish.direction = sdp::Direction::sendrecv;
        // We speak for the other: what it sends and hears.
        if (useful)
            wish.direction = sdp::direction_of(sdp::receives(theirs->agreed.direction),
                                               sdp::sends(theirs->agreed.direction));
    }
    c.described = describe_offer(c);
    c.reinvite =
        send_in_dialog(c, "INVITE", {}, "application/sdp", c.described, now, Sent::For::reinvite);
}

// ---------------------------------------------------------------- sounds

// One session for as long as the leg is alone: its SSRC stays while what is played changes.
void ExchangeCore::play(Channel& c, bool echo, double hertz, Time now) {
    for (MediaLeg& leg : c.media) {
        const bool video = leg.kind == "video";
        if (!leg.agreed.active || (video && !echo)) continue;
        if (!leg.session) {
            MediaSettings how_to;
            how_to.cname = "exchange@" + leg.rtp.address.to_string();
            how_to.measure = false;
            leg.session = std::make_unique<MediaSession>(
                video ? MediaSession::Kind::video : MediaSession::Kind::audio, leg.rtp, random_,
                store_, how_to);
            leg.session->agree(leg.agreed, now);
        }
        leg.session->echo(echo);
        MediaPlan plan;
        plan.source = MediaPlan::Source::tone;
        plan.hertz = hertz;
        if (!echo)
            if (const auto started = leg.session->start(plan, now); !started)
                note(started.error().what);
        drain(leg);
    }
}

// Nothing is played any more; the session stays.
void ExchangeCore::hush(Channel& c, Time now) {
    for (MediaLeg& leg : c.media) {
        if (!leg.session) continue;
        leg.session->stop(now);
        leg.session->echo(false);
        drain(leg);
    }
}

void ExchangeCore::silence(Channel& c, Time now) {
    for (MediaLeg& leg : c.media) {
        if (!leg.session) continue;
        leg.session->end(now);
        drain(leg);
        media_wakes_.erase({leg.wake, leg.rtp});
        leg.wake = no_time;
        leg.session.reset();
    }
}

// Takes what a session has to send, and when it wants to be woken.
void ExchangeCore::drain(MediaLeg& leg) {
    while (const auto out = leg.session->poll())
        put(out->local, out->remote, out->content, out->bytes);
    const Time wake = leg.session->deadline().value_or(no_time);
    if (wake == leg.wake) return;
    media_wakes_.erase({leg.wake, leg.rtp});
    leg.wake = wake;
    if (wake != no_time) media_wakes_.insert({wake, leg.rtp});
}

void ExchangeCore::on_media_timer(Time now) {
    while (!media_wakes_.empty() && media_wakes_.begin()->first <= now) {
        const auto place = media_.find(media_wakes_.begin()->second);
        media_wakes_.erase(media_wakes_.begin());
        Channel* c = place == media_.end() ? nullptr : find(place->second.channel);
        if (c == nullptr) continue;
        MediaLeg& leg = c->media[place->second.line];
        leg.wake = no_time;
        if (!leg.session) continue;
        leg.session->on_timer(now);
        drain(leg);
    }
}

// ---------------------------------------------------------------- packets

std::uint8_t* ExchangeCore::put(const Endpoint& src, const Endpoint& dst, Content content,
                                Bytes bytes) {
    if (datagrams_.size() >= max_datagrams || dst.port == 0) return nullptr;
    Datagram& d = datagrams_.emplace_back();
    if (!spare_.empty()) {
        d.bytes = std::move(spare_.back());
        spare_.pop_back();
    }
    d.src = src;
    d.dst = dst;
    d.content = content;
    d.bytes.assign(bytes.begin(), bytes.end());
    return d.bytes.data();
}

// Whom the packets of `c` go to: its bridge, or whoever it is early media for.
Channel* ExchangeCore::listener_of(const Channel& c) {
    if (c.bridge != 0) return find(c.bridge);
    if (c.parent != 0) {
        Channel* caller = find(c.parent);
        return caller != nullptr && caller->dial.early_media ? caller : nullptr;
    }
    return c.dial.early_media && c.dial.legs.size() == 1 ? find(c.dial.legs.front()) : nullptr;
}

void ExchangeCore::on_media(const Packet& packet, Time now) {
    const auto place = media_.find(packet.dst);
    Channel* c = place == media_.end() ? nullptr : find(place->second.channel);
    if (c == nullptr) return;
    MediaLeg& leg = c->media[place->second.line];
    if (leg.session) {
        leg.session->on_packet(packet.payload, place->second.rtcp, packet.src, now);
        return drain(leg);
    }
    Channel* other = listener_of(*c);
    MediaLeg* out = other != nullptr ? leg_of(*other, leg.kind) : nullptr;
    if (out == nullptr || !out->agreed.active) return;
    if (place->second.rtcp)
        put(out->rtcp, out->agreed.remote_rtcp, Content::rtcp, packet.payload);
    else if (sdp::sends(out->agreed.direction))
        relay(packet.payload, leg.agreed, *out);
}

void ExchangeCore::relay(Bytes bytes, const Agreed& in, const MediaLeg& out) {
    if (bytes.size() < 12) return;
    const std::uint8_t type = bytes[1] & 0x7f;
    const auto heard = std::find_if(in.heard.begin(), in.heard.end(),
                                    [&](const sdp::Codec& c) { return c.payload_type == type; });
    if (heard == in.heard.end()) return;
    const sdp::Codec* to = find_codec(out.agreed.sent, *heard);
    const auto law = media::law_of(heard->name);
    if (to == nullptr && law) to = out.agreed.codec();  // G.711 of the other law
    if (to == nullptr) return;
    const auto wanted = media::law_of(to->name);
    if (!same_codec(*heard, *to) && !(law && wanted)) return;
    std::uint8_t* copy = put(out.rtp, out.agreed.remote_rtp, Content::rtp, bytes);
    if (copy == nullptr) return;
    copy[1] = static_cast<std::uint8_t>((copy[1] & 0x80) | to->payload_type);
    if (!law || law == wanted) return;
    rtp::Packet packet;
    if (!rtp::read(bytes, packet)) return;
    const auto begin = static_cast<std::size_t>(packet.payload.data() - bytes.data());
    for (std::size_t i = 0; i < packet.payload.size(); ++i)
        copy[begin + i] = media::encode(*wanted, media::decode(*law, packet.payload[i]));
}

}  // namespace sipana::lab
