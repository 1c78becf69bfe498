#include "libsipana/analysis/pictures.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/rtcp/round_trip.h"
#include "libsipana/sip/fields.h"

namespace sipana::analysis {
namespace {

constexpr std::size_t most_requests = 10'000;  // of one stream
constexpr double longest_behind_ms = 10'000;   // beyond it the reports are no measure
constexpr double longest_apart_s = 600;        // pauses stop some senders' clocks

void add_request(Video& video, KeyRequest request) {
    if (video.requests.size() >= most_requests) return;
    const auto key =
        std::find_if(video.marks.begin(), video.marks.end(),
                     [&](const VideoFrame& mark) { return mark.key && mark.time > request.time; });
    std::int64_t ns = 0;
    if (key != video.marks.end() &&
        !__builtin_sub_overflow(key->time.count(), request.time.count(), &ns))
        request.answered_after = Duration{ns};
    const auto at =
        std::upper_bound(video.requests.begin(), video.requests.end(), request,
                         [](const KeyRequest& a, const KeyRequest& b) { return a.time < b.time; });
    video.requests.insert(at, request);
}

bool asks_for_key_frame(const sip::Message& info) {
    const auto type = sip::parse_content_type(info.header(sip::Header::content_type).value_or(""));
    return type && type->is("application", "media_control+xml") &&
           info.body().find("picture_fast_update") != info.body().npos;
}

// The INFO's receiver sends the picture: each of its streams that runs then.
void tell_info(Call& call, const SipMessage& message, std::string_view caller_tag) {
    const auto info = sip::Message::parse(message.text);
    if (!info || !asks_for_key_frame(*info)) return;
    const bool by_caller = info->from_tag() == caller_tag;
    for (Stream& s : call.streams)
        if (s.video && s.from_caller != by_caller && s.start <= message.time &&
            message.time <= s.end)
            add_request(*s.video, {message.frame, message.time, message.src, "INFO", {}});
}

void tell_infos(Call& call) {
    std::string caller_tag;
    std::vector<std::uint32_t> known;  // one request may be in the capture on several hops
    for (const SipMessage& m : call.messages) {
        if (!m.is_request()) continue;
        if (caller_tag.empty())
            if (const auto first = sip::Message::parse(m.text)) caller_tag = first->from_tag();
        if (m.method != sip::Method::info || m.retransmission || m.capture_duplicate) continue;
        const std::uint32_t number = m.transaction == none ? m.cseq : m.transaction;
        if (std::find(known.begin(), known.end(), number) != known.end()) continue;
        known.push_back(number);
        tell_info(call, m, caller_tag);
    }
}

// When the promptest packet was sampled, by the sender's clock.
std::optional<Time> sampled_at(const Stream& s) {
    const RtcpReport* nearest = nullptr;
    const auto distance = [&](const RtcpReport& r) {
        const auto apart =
            static_cast<double>(r.time.count()) - static_cast<double>(s.promptest_at.count());
        return apart < 0 ? -apart : apart;
    };
    for (const RtcpReport& r : s.reports)
        if (r.is_sender_report && r.sender_ssrc == s.ssrc && r.ntp != 0 &&
            (nearest == nullptr || distance(r) < distance(*nearest)))
            nearest = &r;
    if (nearest == nullptr || s.promptest_at == no_time || s.clock_hz == 0) return std::nullopt;
    const auto ticks = static_cast<std::int32_t>(s.promptest_timestamp - nearest->rtp_timestamp);
    return rtcp::time_of_ntp(nearest->ntp) +
           Duration{std::int64_t{ticks} * 1'000'000'000 / s.clock_hz};
}

// Between two clocks, so only the difference of two of them says something.
double way_ms(const Stream& s, Time sampled) {
    return static_cast<double>(s.promptest_at.count()) / 1e6 -
           static_cast<double>(sampled.count()) / 1e6;
}

// RFC 3550 6.5.1: one CNAME, one clock. Servers give each stream a name of its own; those that come
// from one host to one host are compared all the same.
void tell_lip_sync(Call& call) {
    for (Stream& picture : call.streams) {
        if (!picture.video) continue;
        const auto seen = sampled_at(picture);
        if (!seen) continue;
        for (const Stream& sound : call.streams) {
            if (sound.media != MediaKind::audio || sound.from_caller != picture.from_caller ||
                sound.src.address != picture.src.address ||
                sound.dst.address != picture.dst.address)
                continue;
            const auto heard = sampled_at(sound);
            if (!heard) continue;
            const double behind = way_ms(picture, *seen) - way_ms(sound, *heard);
            if (behind > longest_behind_ms || behind < -longest_behind_ms) continue;
            picture.video->behind_sound_ms = behind;
            picture.video->sound_ssrc = sound.ssrc;
            break;
        }
    }
}

// Whoever had the pictures before has them still.
void forgive_moved(Call& call) {
    for (Stream& s : call.streams) {
        if (!s.video || s.video->broken.empty() || !s.video->broken.front().joined) continue;
        const bool moved =
            std::any_of(call.streams.begin(), call.streams.end(), [&](const Stream& other) {
                return &other != &s && other.ssrc == s.ssrc && other.src == s.src &&
                       other.start < s.start;
            });
        if (!moved) continue;
        Video& v = *s.video;
        const BrokenPicture& first = v.broken.front();
        if (first.lost_packets > 0) continue;
        v.broken_for -= std::min(first.length, v.broken_for);
        v.broken_frames -= first.frames;
        --v.broken_count;
        for (VideoFrame& mark : v.marks)
            if (mark.time >= first.start && mark.time <= first.end) mark.intact = mark.complete;
        v.broken.erase(v.broken.begin());
    }
}

}  // namespace

void check_report_clock(Stream& stream) {
    if (stream.promptest_at == no_time || stream.clock_hz == 0 || stream.restarts > 0) return;
    for (const RtcpReport& r : stream.reports) {
        if (!r.is_sender_report || r.sender_ssrc != stream.ssrc || r.ntp == 0) continue;
        const double passed_s = (static_cast<double>(r.time.count()) -
                                 static_cast<double>(stream.promptest_at.count())) /
                                1e9;
        const auto ticks = static_cast<std::int32_t>(r.rtp_timestamp - stream.promptest_timestamp);
        const double apart_s = ticks / static_cast<double>(stream.clock_hz) - passed_s;
        if (apart_s < longest_apart_s && apart_s > -longest_apart_s) continue;
        stream.findings.push_back(
            {"rtcp-sender-report-clock", Severity::warning, r.frame, 0,
             fmt::format("the sender report's RTP timestamp {} is no time of its stream, which is "
                         "at about {}: receivers cannot play sound and picture in step by it",
                         r.rtp_timestamp,
                         stream.promptest_timestamp +
                             static_cast<std::uint32_t>(static_cast<std::int64_t>(
                                 std::clamp(passed_s, -1e6, 1e6) * stream.clock_hz))),
             "RFC 3550 6.4.1"});
        return;
    }
}

void tell_key_requests(Stream& stream) {
    if (!stream.video) return;
    for (const RtcpEvent& e : stream.rtcp_events)
        if (e.kind == "PLI" || e.kind == "FIR")
            add_request(*stream.video, {e.frame, e.time, e.src, e.kind, {}});
}

void tell_pictures(Call& call) {
    const bool any = std::any_of(call.streams.begin(), call.streams.end(),
                                 [](const Stream& s) { return s.video.has_value(); });
    if (!any) return;
    forgive_moved(call);
    tell_infos(call);
    tell_lip_sync(call);
}

}  // namespace sipana::analysis
