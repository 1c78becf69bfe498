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
    // Another codec cannot carry what was coded for the one before.
    if (!iequals(codec->name, codec_.name) || codec->fmtp != codec_.fmtp) stop();
    codec_ = *codec;
    clock_hz_ = codec->clock_hz == 0 ? media::audio_clock_hz : codec->clock_hz;
    // A plan under way keeps its packet time.
    if (source_ == Source::none)
        ptime_ms_ = std::clamp(agreed.ptime_ms, shortest_ptime_ms, longest_ptime_ms);
}

std::uint64_t Talking::ticks_at(Time time) const {
    if (!origin_ || time <= *origin_) return 0;
    __extension__ using Wide = unsigned __int128;
    const auto elapsed = static_cast<std::uint64_t>((time - *origin_).count());
    return static_cast<std::uint64_t>(Wide{elapsed} * clock_hz_ / ns_per_second);
}

Status Talking::start(const MediaPlan& plan, bool video, MediaStore& store,
                      const MediaSettings& settings, Time now) {
    stop();
    total_.reset();
    if (!payload_type_) return Error{Errc::unsupported, 0, "no codec has been agreed on"};
    Status made = video ? start_clip(plan, store, settings)
                  : plan.source == MediaPlan::Source::digits && !plan.inband
                      ? start_events(plan)
                      : start_sound(plan, store);
    if (!made) {
        stop();
        return made;
    }
    if (!origin_) origin_ = now;
    begun_ = now;
    next_ = 0;
    first_ticks_ = ticks_at(now);
    if (plan.duration && source_ != Source::events && !(sound_ && !sound_->endless())) {
        // As many packets as begin within the duration.
        const auto wanted = std::max(plan.duration->count(), std::int64_t{1});
        std::uint64_t n = source_ == Source::clip
                              ? static_cast<std::uint64_t>(to_seconds(*plan.duration) * clip_->fps)
                              : static_cast<std::uint64_t>(wanted / (ptime_ms_ * ns_per_ms));
        while (due_at(n) - begun_ < Duration{wanted}) ++n;
        total_ = n;
    }
    return made;
}

Status Talking::start_sound(const MediaPlan& plan, MediaStore& store) {
    const auto law = media::law_of(codec_.name);
    if (!law)
        return Error{Errc::unsupported, 0, fmt::format("{} is no codec that we code", codec_.name)};
    switch (plan.source) {
        case MediaPlan::Source::silence:
            sound_ = store.silence(*law);
            break;
        case MediaPlan::Source::tone:
            sound_ = store.tone(*law, plan.hertz, plan.level_dbm0);
            break;
        case MediaPlan::Source::file: {
            auto read = store.sound(*law, plan.file);
            if (!read) return read.error();
            sound_ = std::move(*read);
            break;
        }
        case MediaPlan::Source::digits: {
            const std::string digits = plan.digits.substr(0, max_plan_digits);
            sound_ = store.digits(*law, digits, std::min(plan.digit_length, longest_event),
                                  std::min(plan.digit_gap, longest_event));
            const std::size_t each = media::audio_clock_hz / 1000 * ptime_ms_;
            total_ = (sound_->samples() + each - 1) / each;
            for (const char d : digits)
                if (media::is_dtmf(d)) sent_.digits.push_back(d);
            break;
        }
    }
    source_ = Source::sound;
    return Done{};
}

Status Talking::start_events(const MediaPlan& plan) {
    if (!event_type_)
        return Error{Errc::unsupported, 0, "telephone-event has not been agreed on (RFC 4733 2.4)"};
    sound_.reset();
    digits_.clear();
    for (const char d : plan.digits)
        if (media::is_dtmf(d) && digits_.size() < max_plan_digits) digits_.push_back(d);
    const auto packets = [&](Duration d) {
        const std::int64_t each = ptime_ms_ * ns_per_ms;
        return static_cast<std::uint64_t>(
            (std::clamp(d, Duration{}, longest_event).count() + each - 1) / each);
    };
    event_packets_ = std::max<std::uint64_t>(packets(plan.digit_length), 1);
    event_slot_ = event_packets_ + std::max(packets(plan.digit_gap), repeated_ends);
    total_ = digits_.size() * event_slot_;
    source_ = Source::events;
    return Done{};
}

Status Talking::start_clip(const MediaPlan& plan, MediaStore& store,
                           const MediaSettings& settings) {
    if (plan.source != MediaPlan::Source::file)
        return Error{Errc::unsupported, 0, "video is sent from a file"};
    auto read = store.clip(plan.file);
    if (!read) return read.error();
    const auto wanted = media::video_codec_of(codec_.name);
    if (!wanted || *wanted != (*read)->codec)
        return Error{Errc::unsupported, 0,
                     fmt::format("{} holds {}, but {} has been agreed on", plan.file,
                                 media::to_string((*read)->codec), codec_.name)};
    clip_ = std::move(*read);
    sound_.reset();
    // RFC 6184 8.1: without the parameter it is mode 0.
    const auto mode = sdp::parameter(codec_.fmtp, "packetization-mode").value_or("0");
    packetiser_.emplace(clip_->codec, mode == "0" ? 0u : 1u, settings.video_payload);
    frame_ = 0;
    key_wanted_ = false;
    source_ = Source::clip;
    return Done{};
}

Time Talking::due_at(std::uint64_t n) const {
    if (source_ != Source::clip)
        return begun_ + Duration{static_cast<std::int64_t>(n) * ptime_ms_ * ns_per_ms};
    return begun_ + Duration{static_cast<std::int64_t>(static_cast<double>(n) * 1e9 / clip_->fps)};
}

std::optional<Time> Talking::due() const {
    if (source_ == Source::none) return std::nullopt;
    return due_at(next_);
}

void Talking::on_due(Time now, Outlet& outlet) {
    for (std::size_t done = 0; source_ != Source::none && due_at(next_) <= now; ++done) {
        if (total_ && next_ >= *total_) {
            stop();
            return;
        }
        if (done >= max_catch_up) {
            catch_up(now);
            return;
        }
        if (source_ == Source::sound) {
            send_sound(outlet);
        } else if (source_ == Source::events) {
            send_event(outlet);
        } else {
            send_frame(outlet);
        }
        ++next_;
    }
}

// What could not be sent in time is left out: the clock goes on, and nobody gets a flood.
void Talking::catch_up(Time now) {
    ++sent_.late;
    while (due_at(next_) <= now && !(total_ && next_ >= *total_)) {
        const auto behind = now - due_at(next_);
        const auto each = due_at(next_ + 1) - due_at(next_);
        next_ += static_cast<std::uint64_t>(behind / std::max(each, Duration{1})) + 1;
    }
}

void Talking::send_sound(Outlet& outlet) {
    const std::size_t each = media::audio_clock_hz / 1000 * ptime_ms_;
    const std::uint64_t position = next_ * each;
    const Time at = due_at(next_);
    // RFC 3551 4.1: the marker stands at the begin of a talk spurt.
    const bool marker = spoken_ == no_time || at > spoken_;
    send(*payload_type_, marker, first_ticks_ + position, sound_->cut(position, each), at, outlet);
}

void Talking::send_event(Outlet& outlet) {
    const std::uint64_t digit = next_ / event_slot_, k = next_ % event_slot_;
    const Time at = due_at(next_);
    if (k == 0) sent_.digits.push_back(digits_[digit]);
    if (k >= event_packets_ + repeated_ends || !event_type_) return;
    const std::uint64_t each = clock_hz_ / 1000 * ptime_ms_;
    rtp::EventBlock block;
    block.event = event_of(digits_[digit]);
    block.end = k + 1 >= event_packets_;
    block.volume = event_volume;
    block.duration = static_cast<std::uint16_t>(
        std::min<std::uint64_t>(std::min(k + 1, event_packets_) * each, 0xffff));
    Buffer payload;
    rtp::write(block, payload);
    send(*event_type_, k == 0, first_ticks_ + digit * event_slot_ * each, payload, at, outlet);
}

void Talking::send_frame(Outlet& outlet) {
    if (key_wanted_) frame_ = clip_->next_key(frame_);
    key_wanted_ = false;
    const media::ClipFrame& frame = clip_->frames[frame_];
    const auto ticks = first_ticks_ + static_cast<std::uint64_t>(static_cast<double>(next_) *
                                                                 clock_hz_ / clip_->fps);
    const auto& payloads = packetiser_->cut(*clip_, frame);
    const Time at = due_at(next_);
    for (std::size_t i = 0; i < payloads.size(); ++i)
        send(*payload_type_, i + 1 == payloads.size(), ticks, payloads[i], at, outlet);
    if (!muted_) {
        ++sent_.frames;
        sent_.key_frames += frame.key;
    } else {
        key_wanted_ = true;  // who hears again needs one to begin with
    }
    frame_ = (frame_ + 1) % clip_->frames.size();
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
    spoken_ = at + Duration{ptime_ms_ * ns_per_ms};
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
