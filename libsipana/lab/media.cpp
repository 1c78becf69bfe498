#include "libsipana/lab/media.h"

#include <algorithm>
#include <utility>

#include "libsipana/base/prefetch.h"
#include "libsipana/base/text.h"
#include "libsipana/lab/hearing.h"
#include "libsipana/lab/talking.h"
#include "libsipana/rtcp/packet.h"
#include "libsipana/rtcp/reporter.h"
#include "libsipana/rtcp/round_trip.h"

namespace sipana::lab {
namespace {

constexpr std::size_t max_waiting = 4096;  // datagrams that nobody polls
constexpr Duration between_key_requests = std::chrono::milliseconds{500};
constexpr std::size_t max_feedback = 64;  // packets of one compound that are looked at

}  // namespace

class MediaSession::State : public Outlet {
public:
    State(Kind kind, const Endpoint& local_rtp, Random& random, MediaStore& store,
          MediaSettings settings)
        : video_(kind == Kind::video),
          settings_(std::move(settings)),
          talking_(video_, settings_, random, store),
          hearing_(video_, settings_.measure),
          reporter_(talking_.sender().ssrc(), settings_.cname, settings_.rtcp_minimum,
                    random.next()) {
        agreed_.local_rtp = local_rtp;
    }

    void agree(const Agreed& agreed, Time now);
    Status start(const MediaPlan& plan, Time now);
    void end(Time now);
    void ask_key_frame(Time now);
    void on_packet(Bytes datagram, bool rtcp, Time now);
    void on_timer(Time now);
    std::optional<Time> deadline() const;
    std::optional<Output> poll();
    void fetch(unsigned step) const;
    Heard heard() const;

    // Datagrams lie one behind the other; those given out are let go when the next one is made.
    Buffer& begin() override {
        if (next_ == waiting_.size() || waiting_.size() >= max_waiting) {
            waiting_.clear();
            bytes_.clear();
            next_ = 0;
        }
        from_ = bytes_.size();
        return bytes_;
    }
    void end() override { close(Content::rtp); }

    bool echo_ = false, key_request_ = false;
    Talking& talking() { return talking_; }
    const Talking& talking() const { return talking_; }

private:
    struct Waiting {
        std::size_t from = 0, size = 0;
        Content content = Content::rtp;
    };
    void close(Content content) {
        waiting_.push_back({from_, bytes_.size() - from_, content});
        if (content == Content::rtcp) {
            ++talking_.sent().rtcp_packets;
            reporter_.on_compound(bytes_.size() - from_);
        }
    }
    void on_rtp(Bytes datagram, Time now);
    void on_rtcp(Bytes datagram, Time now);
    void on_blocks(const std::vector<rtcp::ReportBlock>& blocks, Time now);
    void on_feedback(const rtcp::PayloadFeedback& feedback);
    std::optional<rtcp::Sending> sending(Time now) const;
    void miss_picture(Time now);
    void report(Time now);
    void goodbye(Time now);
    bool reporting() const { return settings_.rtcp && agreed_.active && !ended_; }

    bool video_, ended_ = false;
    MediaSettings settings_;
    Talking talking_;
    Hearing hearing_;
    rtcp::Reporter reporter_;
    Agreed agreed_;
    std::uint64_t packets_reported_ = 0;  // of ours, at the report before
    Time key_asked_ = no_time;
    Heard noted_;  // what Hearing does not know: RTCP and what could not be read

    Buffer bytes_;
    std::vector<Waiting> waiting_;
    std::size_t next_ = 0, from_ = 0;
};

void MediaSession::State::agree(const Agreed& agreed, Time now) {
    if (ended_) return;
    if (agreed_.active && !agreed.active) goodbye(now);  // while it is known where to
    const Endpoint local = agreed_.local_rtp;
    agreed_ = agreed;
    if (agreed_.local_rtp.empty()) agreed_.local_rtp = local;
    if (agreed_.local_rtcp.empty()) {
        agreed_.local_rtcp = agreed_.local_rtp;
        if (!agreed_.rtcp_mux) ++agreed_.local_rtcp.port;
    }
    talking_.agree(agreed_);
    talking_.mute(!agreed_.active || !sdp::sends(agreed_.direction) ||
                  agreed_.remote_rtp.port == 0 || agreed_.remote_rtp.address.is_unspecified());
    hearing_.agree(agreed_);
    if (reporting()) reporter_.begin(now);
}

Status MediaSession::State::start(const MediaPlan& plan, Time now) {
    if (ended_) return Error{Errc::unsupported, 0, "the session has ended"};
    const Status started = talking_.start(plan, now);
    if (started) talking_.on_due(now, *this);
    return started;
}

void MediaSession::State::end(Time now) {
    if (ended_) return;
    talking_.stop();
    goodbye(now);
    ended_ = true;
}

std::optional<rtcp::Sending> MediaSession::State::sending(Time now) const {
    const rtp::Sender& s = talking_.sender();
    if (s.packets() == 0) return std::nullopt;
    return rtcp::Sending{s.timestamp(talking_.ticks_at(now)), s.packets(), s.octets()};
}

void MediaSession::State::report(Time now) {
    // RFC 3550 6.4: a sender report where packets were sent since the last report, or the one
    // before.
    const std::uint64_t packets = talking_.sender().packets();
    auto ours = sending(now);
    if (packets == packets_reported_) ours.reset();
    packets_reported_ = packets;
    reporter_.write_report(ours, hearing_.receptions(), now, begin());
}

void MediaSession::State::goodbye(Time now) {
    // RFC 3550 6.6: who has sent neither RTP nor RTCP says no BYE.
    if (!reporting() || (talking_.sender().packets() == 0 && !reporter_.sent_any())) return;
    reporter_.write_goodbye(sending(now), hearing_.receptions(), now, begin());
    close(Content::rtcp);
}

void MediaSession::State::ask_key_frame(Time now) {
    const auto source = hearing_.source();
    if (!reporting() || !source) return;
    key_asked_ = now;
    report(now);
    if (agreed_.fir && !agreed_.pli) {
        reporter_.write_fir(*source, bytes_);
    } else {
        reporter_.write_pli(*source, bytes_);
    }
    ++talking_.sent().pli;
    close(Content::rtcp);
}

void MediaSession::State::miss_picture(Time now) {
    if (key_asked_ != no_time && now - key_asked_ < between_key_requests) return;
    if (agreed_.pli || agreed_.fir || settings_.key_requests == KeyRequests::always) {
        ask_key_frame(now);
    } else if (settings_.key_requests == KeyRequests::signalled && !ended_) {
        key_asked_ = now;
        key_request_ = true;
    }
}

void MediaSession::State::on_packet(Bytes datagram, bool rtcp, Time now) {
    if (rtp::is_rtcp(datagram)) {
        on_rtcp(datagram, now);
    } else if (!rtcp) {
        on_rtp(datagram, now);
    } else {
        ++noted_.malformed;
    }
}

void MediaSession::State::on_rtp(Bytes datagram, Time now) {
    rtp::Packet packet;
    if (datagram.empty() || datagram[0] >> 6 != 2 || !rtp::read(datagram, packet)) {
        ++noted_.malformed;
        return;
    }
    const Hearing::Noted noted = hearing_.on_packet(packet, now);
    if (noted.codec == nullptr) return;
    if (noted.picture_lost && !noted.key_frame) miss_picture(now);
    if (!echo_ || ended_) return;
    // As the other side numbers that codec.
    for (const sdp::Codec& c : agreed_.sent)
        if (sdp::match(c, *noted.codec) != sdp::Match::none) {
            talking_.echo(packet, c.payload_type, now, *this);
            return;
        }
}

void MediaSession::State::on_rtcp(Bytes datagram, Time now) {
    const rtcp::Compound compound = rtcp::parse(datagram);
    if (compound.packets.empty()) {
        ++noted_.malformed;
        return;
    }
    ++noted_.rtcp_packets;
    reporter_.on_compound(datagram.size());
    for (std::size_t i = 0; i < std::min(compound.packets.size(), max_feedback); ++i) {
        const rtcp::Content& content = compound.packets[i].content;
        if (const auto* sr = std::get_if<rtcp::SenderReport>(&content)) {
            ++noted_.sender_reports;
            reporter_.on_sender_report(sr->ssrc, sr->ntp, now);
            on_blocks(sr->blocks, now);
        } else if (const auto* rr = std::get_if<rtcp::ReceiverReport>(&content)) {
            ++noted_.receiver_reports;
            on_blocks(rr->blocks, now);
        } else if (std::holds_alternative<rtcp::Goodbye>(content)) {
            ++noted_.byes;
        } else if (const auto* feedback = std::get_if<rtcp::PayloadFeedback>(&content)) {
            on_feedback(*feedback);
        } else if (const auto* t = std::get_if<rtcp::TransportFeedback>(&content)) {
            noted_.nack += std::holds_alternative<rtcp::Nack>(t->content);
        } else if (compound.packets[i].type == rtcp::full_intra_request) {
            ++noted_.fir;
            talking_.send_key_frame();
        }
    }
}

void MediaSession::State::on_blocks(const std::vector<rtcp::ReportBlock>& blocks, Time now) {
    for (const rtcp::ReportBlock& b : blocks) {
        if (b.ssrc != talking_.sender().ssrc()) continue;
        noted_.reported_fraction_lost = b.fraction_lost / 256.0;
        noted_.reported_lost = b.cumulative_lost;
        const auto trip = rtcp::round_trip(rtcp::middle(rtcp::ntp_of(now)), b.lsr, b.dlsr);
        if (trip) noted_.round_trip = trip;
    }
}

// RFC 4585 6.3.1, RFC 5104 4.3.1: both are answered by a key frame.
void MediaSession::State::on_feedback(const rtcp::PayloadFeedback& feedback) {
    const std::uint32_t ours = talking_.sender().ssrc();
    if (std::holds_alternative<rtcp::Pli>(feedback.content) && feedback.media_ssrc == ours) {
        ++noted_.pli;
        talking_.send_key_frame();
    } else if (const auto* fir = std::get_if<rtcp::Fir>(&feedback.content)) {
        const bool meant = std::any_of(fir->entries.begin(), fir->entries.end(),
                                       [&](const auto& entry) { return entry.ssrc == ours; });
        if (!meant) return;
        ++noted_.fir;
        talking_.send_key_frame();
    }
}

void MediaSession::State::on_timer(Time now) {
    if (ended_) return;
    talking_.on_due(now, *this);
    if (!reporting() || !reporter_.due() || *reporter_.due() > now) return;
    const bool we_send = talking_.sender().packets() != packets_reported_;
    const auto others = static_cast<unsigned>(std::max<std::size_t>(hearing_.sources(), 1));
    if (!reporter_.expire(now, 1 + others, others + we_send, we_send)) return;
    report(now);
    close(Content::rtcp);
}

std::optional<Time> MediaSession::State::deadline() const {
    if (ended_) return std::nullopt;
    const auto media = talking_.due();
    const auto report = reporting() ? reporter_.due() : std::nullopt;
    if (!media || !report) return media ? media : report;
    return std::min(*media, *report);
}

std::optional<MediaSession::Output> MediaSession::State::poll() {
    if (next_ == waiting_.size()) return std::nullopt;
    const Waiting& w = waiting_[next_++];
    const bool rtcp = w.content == Content::rtcp;
    return Output{rtcp ? agreed_.local_rtcp : agreed_.local_rtp,
                  rtcp ? agreed_.remote_rtcp : agreed_.remote_rtp, w.content,
                  Bytes(bytes_).subspan(w.from, w.size)};
}

void MediaSession::State::fetch(unsigned step) const {
    if (step == 0) {
        prefetch(&settings_.rtcp);
        prefetch(&talking_, sizeof(talking_));
        prefetch(&reporter_, sizeof(reporter_));
        // To the end: what is agreed, and the datagrams.
        prefetch(&agreed_, sizeof(agreed_));
        prefetch(&bytes_, sizeof(bytes_) + sizeof(waiting_) + sizeof(next_) + sizeof(from_));
    } else {
        constexpr std::size_t usual_packet = 172;
        prefetch(bytes_.data(), usual_packet);
        prefetch(waiting_.data());
    }
}

Heard MediaSession::State::heard() const {
    Heard heard = noted_;
    hearing_.tell(heard);
    return heard;
}

MediaSession::MediaSession(Kind kind, const Endpoint& local_rtp, Random& random, MediaStore& store,
                           MediaSettings settings)
    : state_(std::make_unique<State>(kind, local_rtp, random, store, std::move(settings))) {}
MediaSession::~MediaSession() = default;
MediaSession::MediaSession(MediaSession&&) noexcept = default;

void MediaSession::agree(const Agreed& agreed, Time now) { state_->agree(agreed, now); }
Status MediaSession::start(const MediaPlan& plan, Time now) { return state_->start(plan, now); }
void MediaSession::stop(Time) { state_->talking().stop(); }
void MediaSession::end(Time now) { state_->end(now); }
void MediaSession::echo(bool on) { state_->echo_ = on; }
bool MediaSession::playing() const { return state_->talking().playing(); }
void MediaSession::send_key_frame() { state_->talking().send_key_frame(); }
void MediaSession::ask_key_frame(Time now) { state_->ask_key_frame(now); }
bool MediaSession::take_key_request() { return std::exchange(state_->key_request_, false); }
void MediaSession::on_packet(Bytes datagram, bool rtcp, const Endpoint&, Time now) {
    state_->on_packet(datagram, rtcp, now);
}
void MediaSession::on_timer(Time now) { state_->on_timer(now); }
std::optional<Time> MediaSession::deadline() const { return state_->deadline(); }
std::optional<MediaSession::Output> MediaSession::poll() { return state_->poll(); }
void MediaSession::fetch(unsigned step) const { state_->fetch(step); }
Heard MediaSession::heard() const { return state_->heard(); }
const Sent& MediaSession::sent() const { return state_->talking().sent(); }

}  // namespace sipana::lab
