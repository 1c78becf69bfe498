#include "libsipana/lab/phone_session.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/prefetch.h"
#include "libsipana/base/text.h"

namespace sipana::lab {
namespace {

constexpr int port_tries = 64;

// Two calls' offers of one phone differ in their o= alone.
std::string without_origin(std::string_view text) {
    const auto begin = text.find("\no=");
    const auto end = begin == text.npos ? begin : text.find('\n', begin + 1);
    if (end == text.npos) return std::string(text);
    return std::string(text.substr(0, begin)).append(text.substr(end));
}

std::optional<sdp::Direction> direction_named(std::string_view name) {
    using enum sdp::Direction;
    for (const auto& [word, direction] :
         {std::pair{"sendrecv", sendrecv}, std::pair{"sendonly", sendonly},
          std::pair{"recvonly", recvonly}, std::pair{"inactive", inactive}})
        if (name == word) return direction;
    return std::nullopt;
}

std::string_view setting_of(const PhoneLine& line, std::string_view name) {
    for (const auto& [key, value] : line.settings)
        if (key == name) return value;
    return {};
}

// RFC 4585 4.2 has feedback in the AVPF profile alone; `avp` is what many phones do all the same.
void ask_feedback(const PhoneLine& line, MediaWish& wish) {
    const std::string_view how = setting_of(line, "feedback");
    if (how == "avpf") wish.protocol = "RTP/AVPF";
    if (how == "avp" || how == "avpf") wish.feedback = true;
    if (how == "none") wish.feedback = false;
}

bool names(const std::vector<std::string>& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

KeyRequests key_requests_of(const PhoneLine& line) {
    const std::string_view how = setting_of(line, "feedback");
    if (how == "info") return KeyRequests::signalled;
    return how == "always" ? KeyRequests::always : KeyRequests::agreed;
}

PhoneSession::PhoneSession(const Setting& setting, std::uint64_t number)
    : setting_(setting), number_(number) {
    ours_.user = setting.line->user.empty() ? "-" : setting.line->user;
    ours_.address = setting.address;
    ours_.id = setting.random->below(1u << 30) + 1;
    ours_.version = ours_.id;
}

PhoneSession::~PhoneSession() {
    for (Line& line : lines_) {
        if (setting_.parked) continue;
        if (setting_.shared != nullptr) {
            leave_shared(line);
            continue;
        }
        setting_.ports->close(Transport::udp, line.rtp);
        setting_.ports->close(Transport::udp, line.rtcp);
        if (setting_.closed) {
            setting_.closed(line.rtp);
            setting_.closed(line.rtcp);
        }
    }
}

PhoneSession::Line* PhoneSession::line(bool video) {
    for (Line& one : lines_)
        if (one.video == video) return &one;
    return nullptr;
}

const MediaSession* PhoneSession::media(bool video) const {
    for (const Line& one : lines_)
        if (one.video == video && one.media) return &*one.media;
    return nullptr;
}

// RTP on an even port, RTCP on the next one (RFC 3550 11).
Status PhoneSession::open_ports(Line& line) const {
    if (setting_.shared != nullptr) {
        const auto pair = setting_.shared->pair(line.video);
        if (!pair) return pair.error();
        line.rtp = pair->rtp;
        line.rtcp = pair->rtcp;
        return Done{};
    }
    for (int i = 0; i < port_tries && line.rtp.port == 0; ++i) {
        const auto rtp =
            setting_.ports->open(Transport::udp, {setting_.address, 0}, *setting_.owner);
        if (!rtp) return rtp.error();
        if (rtp->port % 2 == 0 && rtp->port != 65534) {
            const Endpoint wish{setting_.address, static_cast<std::uint16_t>(rtp->port + 1)};
            if (const auto rtcp = setting_.ports->open(Transport::udp, wish, *setting_.owner);
                rtcp) {
                line.rtp = *rtp;
                line.rtcp = *rtcp;
                if (setting_.opened) {
                    setting_.opened(*rtp, number_);
                    setting_.opened(*rtcp, number_);
                }
                continue;
            }
        }
        setting_.ports->close(Transport::udp, *rtp);
    }
    if (line.rtp.port == 0) return Error{Errc::io, 0, "no pair of free ports for media"};
    return Done{};
}

void PhoneSession::leave_shared(Line& line) const {
    for (Endpoint* from : {&line.from_rtp, &line.from_rtcp}) {
        if (!from->empty()) setting_.shared->leave(*from);
        *from = {};
    }
}

void PhoneSession::join_shared(Line& line, const Agreed& agreed) const {
    leave_shared(line);
    line.from_rtp = agreed.remote_rtp;
    if (agreed.remote_rtcp != agreed.remote_rtp) line.from_rtcp = agreed.remote_rtcp;
    for (const Endpoint& from : {line.from_rtp, line.from_rtcp})
        if (!from.empty()) setting_.shared->join(from, number_);
}

Status PhoneSession::open_line(bool video) {
    Line made;
    made.video = video;
    if (setting_.parked) {
        made.rtp = made.rtcp = *setting_.parked;
        made.rtcp.port++;
        lines_.push_back(std::move(made));
        return Done{};
    }
    if (Status s = open_ports(made); !s) return s;
    made.media.emplace(video ? MediaSession::Kind::video : MediaSession::Kind::audio, made.rtp,
                       *setting_.random, *setting_.store, setting_.media);
    lines_.push_back(std::move(made));
    return Done{};
}

// The m-lines that a phone has: those of its line in the script, once; a later wish may name other
// codecs or leave a medium out.
Status PhoneSession::prepare(const SdpWish& wish) {
    if (recalled_ != nullptr) {
        ours_ = *recalled_;
        recalled_ = nullptr;
    }
    for (const bool video : {false, true}) {
        const auto& codecs = video ? setting_.line->video : setting_.line->audio;
        const char* kind = video ? "video" : "audio";
        const bool wanted = wish.media.empty() ? !codecs.empty() : names(wish.media, kind);
        if (!wanted || line(video) != nullptr) continue;
        if (Status s = open_line(video); !s) return s;
        const Line& made = lines_.back();
        if (std::any_of(ours_.lines.begin(), ours_.lines.end(),
                        [kind](const MediaWish& one) { return one.media == kind; }))
            continue;  // recalled
        const std::vector<std::string>& used =
            !codecs.empty() ? codecs : std::vector<std::string>{video ? "h264" : "pcmu"};
        ours_.lines.push_back(video ? video_wish(used, made.rtp) : audio_wish(used, made.rtp));
        if (video) ask_feedback(*setting_.line, ours_.lines.back());
        if (made.rtcp.port != made.rtp.port + 1) ours_.lines.back().rtcp = made.rtcp;
    }
    apply(wish);
    return Done{};
}

void PhoneSession::apply(const SdpWish& wish) {
    const auto direction = direction_named(wish.direction);
    for (auto* list : {&ours_.lines, &ours_.unused}) {
        for (MediaWish& one : *list) {
            if (one.media != "audio" && one.media != "video") continue;
            if (direction) one.direction = *direction;
            const bool video = one.media == "video";
            std::vector<std::string> chosen;
            for (const std::string& name : wish.codecs) {
                const auto codec = codec_named(name);
                if (codec && (codec->clock_hz == 90000) == video) chosen.push_back(name);
            }
            if (!chosen.empty())
                one.codecs =
                    (video ? video_wish(chosen, one.rtp) : audio_wish(chosen, one.rtp)).codecs;
            const Line* own = line(video);
            if (own != nullptr)  // left out: port 0, until it is wanted again (RFC 3264 8.2)
                one.rtp = wish.media.empty() || names(wish.media, one.media)
                              ? own->rtp
                              : Endpoint{own->rtp.address, 0};
        }
    }
}

bool PhoneSession::by_heart(const SdpWish& wish) const {
    return setting_.words != nullptr && wish.direction.empty() && wish.codecs.empty() &&
           wish.media.empty() && wish.kind != SdpKind::text;
}

Result<std::string> PhoneSession::offer(const SdpWish& wish) {
    if (by_heart(wish) && !agreed_) {
        if (setting_.words->offer.empty()) {
            if (Status s = prepare(wish); !s) return s.error();
            setting_.words->offer = lab::offer(ours_);
            setting_.words->offered = std::make_shared<LocalSession>(ours_);
        }
        recalled_ = setting_.words->offered;
        offered_ = true;
        return setting_.words->offer;
    }
    if (wish.kind == SdpKind::text) {
        offered_ = true;
        return wish.text;
    }
    if (Status s = prepare(wish); !s) return s.error();
    // What the other side's offer had no m-line for gets one when the script names it.
    for (const std::string& medium : wish.media) (void)lab::open_line(ours_, medium);
    offered_ = true;
    return lab::offer(ours_);
}

Result<std::string> PhoneSession::answer(const SdpWish& wish, Time now) {
    if (wish.kind == SdpKind::text) {
        their_offer_.clear();
        return wish.text;
    }
    if (their_offer_.empty())
        return last_answer_.empty()
                   ? Result<std::string>(Error{Errc::malformed, 0, "there is no offer to answer"})
                   : Result<std::string>(last_answer_);
    const bool by_heart = this->by_heart(wish) && !agreed_;
    std::string asked = by_heart ? without_origin(their_offer_) : std::string();
    if (by_heart && asked == setting_.words->asked) {
        their_offer_.clear();
        agreed_ = true;
        recalled_ = setting_.words->answered;
        return last_answer_ = setting_.words->answer;
    }
    const auto theirs = sdp::Session::parse(their_offer_);
    if (!theirs) return Error{Errc::unsupported, 0, theirs.error().what};
    if (Status s = prepare(wish); !s) return s.error();
    auto made = lab::answer(ours_, *theirs);
    if (!made) return made.error();
    if (!made->acceptable)
        return Error{Errc::unsupported, 0, "the offer has no codec in common with us (RFC 3264 6)"};
    agree(made->lines, now);
    their_offer_.clear();
    last_answer_ = made->text;
    if (by_heart) {
        setting_.words->asked = std::move(asked);
        setting_.words->answer = last_answer_;
        setting_.words->answered = std::make_shared<LocalSession>(ours_);
    }
    return last_answer_;
}

void PhoneSession::on_offer(std::string_view text) {
    their_offer_ = text;
    last_answer_.clear();
}

Status PhoneSession::on_answer(std::string_view text, Time now) {
    if (!offered_) return Done{};
    if (recalled_ != nullptr) {  // said by heart, and nothing will be sent
        offered_ = false;
        agreed_ = true;
        return Done{};
    }
    const auto theirs = sdp::Session::parse(text);
    if (!theirs) return theirs.error();
    offered_ = false;
    if (!ours_.said.empty()) agree(settle(ours_, *theirs), now);
    return Done{};
}

void PhoneSession::refused() {
    offered_ = false;
    their_offer_.clear();
}

void PhoneSession::agree(const std::vector<Agreed>& lines, Time now) {
    agreed_ = true;
    for (const Agreed& one : lines) {
        Line* own = line(one.media == "video");
        if (own != nullptr && own->media && (one.media == "audio" || one.media == "video")) {
            own->media->agree(one, now);
            if (setting_.shared != nullptr) join_shared(*own, one);
            own->media->echo(setting_of(*setting_.line, "echo") == "yes");
        }
    }
}

Status PhoneSession::start(const MediaStep& step, Time now) {
    Line* own = line(step.video);
    if (own == nullptr || !own->media)
        return Error{Errc::malformed, 0,
                     fmt::format("there is no {} in this call", step.video ? "video" : "audio")};
    MediaPlan plan;
    using enum MediaStep::Source;
    switch (step.source) {
        case tone:
            plan.source = MediaPlan::Source::tone;
            break;
        case silence:
        case none:
            plan.source = MediaPlan::Source::silence;
            break;
        case file:
            plan.source = MediaPlan::Source::file;
            break;
        case digits:
            plan.source = MediaPlan::Source::digits;
            break;
    }
    if (step.source == none) return Done{};
    plan.hertz = step.hertz;
    plan.file = step.file.empty() || step.file.front() == '/' || setting_.folder.empty()
                    ? step.file
                    : setting_.folder + "/" + step.file;
    plan.digits = step.digits;
    plan.inband = step.digits_by == MediaStep::DigitsBy::inband;
    if (step.source != digits && !step.go_on) plan.duration = step.duration;
    return own->media->start(plan, now);
}

void PhoneSession::stop(bool video, Time now) {
    if (Line* own = line(video); own != nullptr && own->media) own->media->stop(now);
}

bool PhoneSession::take_key_request() {
    Line* own = line(true);
    return own != nullptr && own->media && own->media->take_key_request();
}

void PhoneSession::send_key_frame() {
    if (Line* own = line(true); own != nullptr && own->media) own->media->send_key_frame();
}

void PhoneSession::end(Time now) {
    if (ended_) return;
    ended_ = true;
    for (Line& one : lines_)
        if (one.media) one.media->end(now);
}

bool PhoneSession::on_packet(const Packet& packet, Time now) {
    for (Line& one : lines_) {
        const bool rtcp = packet.dst == one.rtcp;
        if (!rtcp && packet.dst != one.rtp) continue;
        if (one.media) one.media->on_packet(packet.payload, rtcp, packet.src, now);
        return true;
    }
    return false;
}

void PhoneSession::on_timer(Time now) {
    for (Line& one : lines_)
        if (one.media)
            if (const auto due = one.media->deadline(); due && *due <= now)
                one.media->on_timer(now);
}

std::optional<Time> PhoneSession::deadline() const {
    std::optional<Time> first;
    for (const Line& one : lines_) {
        const auto at = one.media ? one.media->deadline() : std::nullopt;
        if (at && (!first || *at < *first)) first = at;
    }
    return first;
}

std::optional<Packet> PhoneSession::poll() {
    for (Line& one : lines_) {
        if (!one.media) continue;
        if (const auto out = one.media->poll())
            return Packet{out->local, out->remote, Transport::udp, out->content, out->bytes, {}};
    }
    return std::nullopt;
}

void PhoneSession::fetch(unsigned step) const {
    if (step == 0) prefetch(this, sizeof(*this));
    if (step == 1) prefetch(lines_.data(), sizeof(Line));
    if (step < 2) return;
    for (const Line& one : lines_)
        if (one.media) one.media->fetch(step - 2);
}

const Endpoint& PhoneSession::media_endpoint() {
    static const Endpoint nothing;
    if (lines_.empty()) (void)prepare({});
    return lines_.empty() ? nothing : lines_.front().rtp;
}

}  // namespace sipana::lab
