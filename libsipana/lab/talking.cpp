#include "libsipana/lab/talking.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libsipana/base/text.h"
#include "libsipana/media/dtmf.h"
#include "libsipana/rtp/events.h"

namespace sipana::lab {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000, ns_per_second = 1'000'000'000;
constexpr std::uint32_t shortest_ptime_ms = 5, longest_ptime_ms = 200;
constexpr std::uint8_t event_volume = 10;   // -10 dBm0
constexpr std::uint64_t repeated_ends = 2;  // RFC 4733 2.5.1.4: three with E in all
constexpr Duration longest_event = std::chrono::seconds{8};  // its duration has 16 bits

std::uint8_t event_of(char digit) {  // RFC 4733 3.2
    if (is_digit(digit)) return static_cast<std::uint8_t>(digit - '0');
    if (digit == '*') return 10;
    if (digit == '#') return 11;
    return static_cast<std::uint8_t>(to_lower(digit) - 'a' + 12);
}

}  // namespace

void Talking::agree(const Agreed& agreed) {
    const sdp::Codec* codec = agreed.codec();
    const sdp::Codec* events = agreed.events();
    payload_type_ = codec ? std::optional(codec->payload_type) : std::nullopt;
    event_type_ = events ? std::optional(events->payload_type) : std::nullopt;
    if (codec == nullptr) {
        stop();
        return;
    }
    ptime_ms_ = std::clamp(agreed.ptime_ms, shortest_ptime_ms, longest_ptime_ms);
    const bool other = !iequals(codec->name, codec_.name) || codec->fmtp != codec_.fmtp;
    codec_ = *codec;
    clock_hz_ = codec->clock_hz == 0 ? media::audio_clock_hz : codec->clock_hz;
    if (!other) return;
    // A plan under way goes on where it is, in the new codec.
    if (now_.source != Source::none && !prepare(now_)) now_ = {};
    if (beneath_ && !prepare(*beneath_)) beneath_.reset();
}

void Talking::stop() {
    now_ = {};
    beneath_.reset();
}

std::uint64_t Talking::ticks_at(Time time) const {
    if (!origin_ || time <= *origin_) return 0;
    __extension__ using Wide = unsigned __int128;
    const auto elapsed = static_cast<std::uint64_t>((time - *origin_).count());
    return static_cast<std::uint64_t>(Wide{elapsed} * clock_hz_ / ns_per_second);
}

Status Talking::start(const MediaPlan& plan, Time now) {
    if (!payload_type_) return Error{Errc::unsupported, 0, "no codec has been agreed on"};
    Playing p;
    p.plan = plan;
    p.ptime_ms = ptime_ms_;
    if (Status made = prepare(p); !made) {
        stop();
        return made;
    }
    if (!origin_) origin_ = now;
    p.begun = now;
    p.first_ticks = ticks_at(now);
    limit(p);
    const bool over = plan.source == MediaPlan::Source::digits && now_.source == Source::sound &&
                      now_.plan.source != MediaPlan::Source::digits;
    if (over) {
        beneath_ = std::move(now_);
    } else if (plan.source != MediaPlan::Source::digits) {
        beneath_.reset();
    }
    now_ = std::move(p);
    if (now_.source == Source::sound && plan.source == MediaPlan::Source::digits)
        for (const char d : plan.digits.substr(0, max_plan_digits))
            if (media::is_dtmf(d)) sent_.digits.push_back(d);
    return Done{};
}

Status Talking::prepare(Playing& p) const {
    if (video_) return prepare_clip(p);
    if (p.plan.source == MediaPlan::Source::digits && !p.plan.inband) return prepare_events(p);
    return prepare_sound(p);
}

Status Talking::prepare_sound(Playing& p) const {
    const auto law = media::law_of(codec_.name);
    if (!law)
        return Error{Errc::unsupported, 0, fmt::format("{} is no codec that we code", codec_.name)};
    switch (p.plan.source) {
        case MediaPlan::Source::silence:
            p.sound = store_.silence(*law);
            break;
        case MediaPlan::Source::tone:
            p.sound = store_.tone(*law, p.plan.hertz, p.plan.level_dbm0);
            break;
        case MediaPlan::Source::file: {
            auto read = store_.sound(*law, p.plan.file);
            if (!read) return read.error();
            p.sound = std::move(*read);
            break;
        }
        case MediaPlan::Source::digits: {
            const std::string digits = p.plan.digits.substr(0, max_plan_digits);
            p.sound = store_.digits(*law, digits, std::min(p.plan.digit_length, longest_event),
                                    std::min(p.plan.digit_gap, longest_event));
            const std::size_t each = media::audio_clock_hz / 1000 * p.ptime_ms;
            p.total = (p.sound->samples() + each - 1) / each;
            break;
        }
    }
    p.source = Source::sound;
    return Done{};
}

Status Talking::prepare_events(Playing& p) const {
    if (!event_type_)
        return Error{Errc::unsupported, 0, "telephone-event has not been agreed on (RFC 4733 2.4)"};
    p.digits.clear();
    for (const char d : p.plan.digits)
        if (media::is_dtmf(d) && p.digits.size() < max_plan_digits) p.digits.push_back(d);
    const auto packets = [&](Duration d) {
        const std::int64_t each = p.ptime_ms * ns_per_ms;
        const std::int64_t length = std::clamp(d, Duration{}, longest_event).count();
        return static_cast<std::uint64_t>((length + each - 1) / each);
    };
    p.event_packets = std::max<std::uint64_t>(packets(p.plan.digit_length), 1);
    p.event_slot = p.event_packets + std::max(packets(p.plan.digit_gap), repeated_ends);
    p.total = p.digits.size() * p.event_slot;
    p.source = Source::events;
    return Done{};
}

Status Talking::prepare_clip(Playing& p) const {
    if (p.plan.source != MediaPlan::Source::file)
        return Error{Errc::unsupported, 0, "video is sent from a file"};
    auto read = store_.clip(p.plan.file);
    if (!read) return read.error();
    const auto wanted = media::video_codec_of(codec_.name);
    if (!wanted || *wanted != (*read)->codec)
        return Error{Errc::unsupported, 0,
                     fmt::format("{} holds {}, but {} has been agreed on", p.plan.file,
                                 media::to_string((*read)->codec), codec_.name)};
    p.clip = std::move(*read);
    // RFC 6184 8.1: without the parameter it is mode 0.
    const auto mode = sdp::parameter(codec_.fmtp, "packetization-mode").value_or("0");
    p.packetiser.emplace(p.clip->codec, mode == "0" ? 0u : 1u, video_payload_);
    p.source = Source::clip;
    return Done{};
}

// As many packets as begin within the plan's duration; digits have their own end.
void Talking::limit(Playing& p) const {
    if (!p.plan.duration || p.total) return;
    const Duration wanted = std::max(*p.plan.duration, Duration{1});
    // Begun one too low, for rates that are no whole number of nanoseconds.
    const Duration each = due_at(p, 1) - p.begun;
    auto n = static_cast<std::uint64_t>(wanted / std::max(each, Duration{1}));
    n -= n > 0;
    while (due_at(p, n) - p.begun < wanted) ++n;
    p.total = n;
}

Time Talking::due_at(const Playing& p, std::uint64_t n) {
    if (p.source != Source::clip)
        return p.begun + Duration{static_cast<std::int64_t>(n) * p.ptime_ms * ns_per_ms};
    const double seconds = static_cast<double>(n) / p.clip->fps;
    return p.begun + Duration{static_cast<std::int64_t>(seconds * 1e9)};
}

std::optional<Time> Talking::due() const {
    if (now_.source == Source::none) return std::nullopt;
    return due_at(now_, now_.next);
}

void Talking::on_due(Time now, Outlet& outlet) {
    for (std::size_t done = 0; now_.source != Source::none && due_at(now_, now_.next) <= now;) {
        if (now_.total && now_.next >= *now_.total) {
            come_to_end(now);
            continue;
        }
        // What could not be sent in time is left out: the clock goes on, and nobody gets a flood.
        if (done++ >= max_catch_up) {
            ++sent_.late;
            skip_to(now_, now);
            continue;
        }
        if (now_.source == Source::sound) {
            send_sound(outlet);
        } else if (now_.source == Source::events) {
            send_event(outlet);
        } else {
            send_frame(outlet);
        }
        ++now_.next;
    }
}

void Talking::come_to_end(Time now) {
    if (!beneath_) {
        now_ = {};
        return;
    }
    now_ = std::move(*beneath_);
    beneath_.reset();
    now_.went_on = true;
    // Packets that were due meanwhile are gone; the one that is due now is not.
    skip_to(now_, now - Duration{1});
}

// To the first packet that is due after `now`, or the end.
void Talking::skip_to(Playing& p, Time now) {
    while (due_at(p, p.next) <= now && !(p.total && p.next >= *p.total)) {
        const Duration behind = now - due_at(p, p.next);
        const Duration each = due_at(p, p.next + 1) - due_at(p, p.next);
        p.next += static_cast<std::uint64_t>(behind / std::max(each, Duration{1})) + 1;
    }
    if (p.total) p.next = std::min(p.next, *p.total);
}

void Talking::send_sound(Outlet& outlet) {
    const std::size_t each = media::audio_clock_hz / 1000 * now_.ptime_ms;
    const std::uint64_t position = now_.next * each;
    const Time at = due_at(now_, now_.next);
    // RFC 3551 4.1: the marker stands at the begin of a talk spurt.
    const bool marker = spoken_ == no_time || at > spoken_;
    send(*payload_type_, marker, now_.first_ticks + position, now_.sound->cut(position, each), at,
         outlet);
}

void Talking::send_event(Outlet& outlet) {
    const std::uint64_t digit = now_.next / now_.event_slot, k = now_.next % now_.event_slot;
    const char key = now_.digits[digit];
    if (k == 0) sent_.digits.push_back(key);
    if (k >= now_.event_packets + repeated_ends || !event_type_) return;
    const std::uint64_t each = clock_hz_ / 1000 * now_.ptime_ms;
    rtp::EventBlock block;
    block.event = event_of(key);
    block.end = k + 1 >= now_.event_packets;
    block.volume = event_volume;
    block.duration = static_cast<std::uint16_t>(
        std::min<std::uint64_t>(std::min(k + 1, now_.event_packets) * each, 0xffff));
    Buffer payload;
    rtp::write(block, payload);
    send(*event_type_, k == 0, now_.first_ticks + digit * now_.event_slot * each, payload,
         due_at(now_, now_.next), outlet);
}

void Talking::send_frame(Outlet& outlet) {
    Playing& p = now_;
    if (key_wanted_) p.frame = p.clip->next_key(p.frame);
    const media::ClipFrame& frame = p.clip->frames[p.frame];
    // Who hears again after a while needs a key frame to begin with.
    key_wanted_ = muted_;
    if (!muted_) {
        const double seconds = static_cast<double>(p.next) / p.clip->fps;
        const auto ticks = p.first_ticks + static_cast<std::uint64_t>(seconds * clock_hz_);
        const auto& payloads = p.packetiser->cut(*p.clip, frame);
        for (std::size_t i = 0; i < payloads.size(); ++i)
            send(*payload_type_, i + 1 == payloads.size(), ticks, payloads[i], due_at(p, p.next),
                 outlet);
        ++sent_.frames;
        sent_.key_frames += frame.key;
    }
    p.frame = (p.frame + 1) % p.clip->frames.size();
}

void Talking::send(std::uint8_t payload_type, bool marker, std::uint64_t ticks, Bytes payload,
                   Time at, Outlet& outlet) {
    if (muted_) return;
    sender_.write(payload_type, marker, ticks, payload, outlet.begin());
    outlet.end();
    ++sent_.packets;
    sent_.octets += payload.size();
    if (sent_.first == no_time) sent_.first = at;
    sent_.last = at;
    spoken_ = at + Duration{now_.ptime_ms * ns_per_ms};
}

void Talking::echo(const rtp::Packet& packet, std::uint8_t payload_type, Time now, Outlet& outlet) {
    if (!origin_) origin_ = now;
    if (echoed_ssrc_ != packet.ssrc) {
        echoed_ssrc_ = packet.ssrc;
        echoed_timestamp_ = packet.timestamp;
        echo_ticks_ = std::max(ticks_at(now), echo_ticks_);
    }
    // Their clock, moved to ours; events keep the timestamp of their begin that way.
    const auto step = static_cast<std::int32_t>(packet.timestamp - echoed_timestamp_);
    const auto ticks = static_cast<std::int64_t>(echo_ticks_) + step;
    send(payload_type, packet.marker, static_cast<std::uint64_t>(ticks), packet.payload, now,
         outlet);
    if (step > 0) {
        echoed_timestamp_ = packet.timestamp;
        echo_ticks_ = static_cast<std::uint64_t>(ticks);
    }
}

}  // namespace sipana::lab
