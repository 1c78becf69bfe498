#include "libsipana/lab/hearing.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libsipana/base/text.h"
#include "libsipana/rtp/payload.h"

namespace sipana::lab {
namespace {

constexpr std::size_t max_formats = 128;    // there are no more payload types
constexpr std::size_t most_samples = 4096;  // of one packet that are listened to: half a second
// A step of the timestamp up to this is silence between two packets; beyond it the clock has
// jumped.
constexpr std::int32_t longest_pause = 8000 * 3600;
constexpr std::int32_t clock_leap = 8000 * 10;  // back, of a packet that is newer

}  // namespace

void Hearing::agree(const Agreed& agreed) {
    std::vector<sdp::Codec> before = std::move(formats_);
    formats_ = agreed.heard;
    for (sdp::Codec& c : before) {
        const bool renumbered =
            std::any_of(formats_.begin(), formats_.end(),
                        [&](const sdp::Codec& f) { return f.payload_type == c.payload_type; });
        if (!renumbered && formats_.size() < max_formats) formats_.push_back(std::move(c));
    }
}

const sdp::Codec* Hearing::format_of(std::uint8_t payload_type) {
    for (const sdp::Codec& c : formats_)
        if (c.payload_type == payload_type) return &c;
    if (!formats_.empty()) return nullptr;
    // Early media may overtake the answer.
    if (assumed_.payload_type != payload_type || assumed_.name.empty()) {
        const rtp::PayloadFormat f = rtp::static_format(payload_type);
        assumed_ = {payload_type, std::string(f.name), f.clock_hz, 1, {}};
    }
    return assumed_.name.empty() ? nullptr : &assumed_;
}

Hearing::Source* Hearing::source_of(std::uint32_t ssrc) {
    if (newest_ < sources_.size() && sources_[newest_].ssrc == ssrc) return &sources_[newest_];
    for (std::size_t i = 0; i < sources_.size(); ++i)
        if (sources_[i].ssrc == ssrc) {
            newest_ = i;
            return &sources_[i];
        }
    if (sources_.size() >= max_heard_sources) return nullptr;
    newest_ = sources_.size();
    sources_.emplace_back().ssrc = ssrc;
    return &sources_.back();
}

Hearing::Noted Hearing::on_packet(const rtp::Packet& packet, Time now) {
    Noted noted;
    const sdp::Codec* codec = format_of(packet.payload_type);
    if (codec == nullptr) {
        ++other_type_;
        return noted;
    }
    const std::size_t before = newest_;
    Source* source = source_of(packet.ssrc);
    if (source == nullptr) {
        ++other_type_;
        return noted;
    }
    noted.codec = codec;
    const auto bytes = static_cast<std::uint32_t>(packet.payload.size());
    if (iequals(codec->name, "telephone-event")) {
        source->receiver.on_event_packet(packet.sequence, packet.marker, bytes, now);
        events_.set_clock(codec->clock_hz);
        events_.on_packet(packet.payload, packet.timestamp, packet.marker, now, 0);
        return noted;
    }
    source->receiver.set_clock(codec->clock_hz);
    const rtp::Place place =
        source->receiver.on_packet(packet.sequence, packet.timestamp, packet.marker, bytes, now);
    if (!measure_ || place == rtp::Place::duplicate) return noted;
    if (video_) {
        if (const auto v = media::video_codec_of(codec->name)) watch(packet, *v, place, now, noted);
    } else if (const auto law = media::law_of(codec->name)) {
        listen(packet, *law, place == rtp::Place::first || before != newest_, place);
    }
    return noted;
}

// Samples go to the meters in order of their timestamps: what is missing is a pause, what comes too
// late is not heard. A newer packet with an older timestamp is of another clock, and goes on.
void Hearing::listen(const rtp::Packet& packet, media::Law law, bool new_source, rtp::Place place) {
    const std::size_t count = std::min(packet.payload.size(), most_samples);
    std::array<std::int16_t, most_samples> samples;
    const auto& table = media::decode_table(law);
    for (std::size_t i = 0; i < count; ++i) samples[i] = table[packet.payload[i]];
    if (!ears_) ears_ = std::make_unique<Ears>();
    if (ears_->expected_timestamp && !new_source) {
        const auto step = static_cast<std::int32_t>(packet.timestamp - *ears_->expected_timestamp);
        const bool newer = place == rtp::Place::next || place == rtp::Place::ahead;
        if (step < 0 && step > (newer ? -clock_leap : -longest_pause)) return;
        if (step > 0 && step <= longest_pause) {
            ears_->tones.skip(static_cast<std::uint64_t>(step));
            ears_->dtmf.on_pause(static_cast<std::uint64_t>(step));
        }
    }
    ears_->expected_timestamp =
        packet.timestamp + static_cast<std::uint32_t>(packet.payload.size());
    const std::span<const std::int16_t> heard(samples.data(), count);
    ears_->tones.on_samples(heard);
    ears_->dtmf.on_samples(heard);
}

void Hearing::watch(const rtp::Packet& packet, media::VideoCodec codec, rtp::Place place, Time now,
                    Noted& noted) {
    if (!video_meter_) video_meter_.emplace(codec);
    video_meter_->set_codec(codec);
    video_meter_->on_packet(packet.payload, packet.sequence, packet.timestamp, packet.marker, now);
    const auto fragment = media::read_fragment(codec, packet.payload);
    noted.key_frame = fragment && fragment->key && fragment->starts;
    key_seen_ |= noted.key_frame;
    // Parameter sets come before the key frame that they belong to.
    const bool without_key = !key_seen_ && fragment && fragment->picture;
    broken_ = (broken_ && !noted.key_frame) || place == rtp::Place::ahead || without_key;
    noted.picture_lost = broken_;
}

std::vector<rtcp::Reception> Hearing::receptions() {
    std::vector<rtcp::Reception> out;
    for (Source& s : sources_) {
        const rtp::Receiver& r = s.receiver;
        if (r.packets() == s.reported) continue;
        s.reported = r.packets();
        out.push_back({s.ssrc, r.expected(), r.packets() - r.strays(), r.extended_highest(),
                       r.jitter_units()});
    }
    return out;
}

std::optional<std::uint32_t> Hearing::source() const {
    if (sources_.empty()) return std::nullopt;
    return sources_[newest_].ssrc;
}

void Hearing::tell(Heard& heard) const {
    double jitter = 0;
    std::uint64_t weight = 0;
    for (const Source& s : sources_) {
        const rtp::Receiver& r = s.receiver;
        heard.packets += r.packets();
        heard.octets += r.bytes();
        heard.expected += r.expected();
        heard.lost += r.lost();
        heard.duplicated += r.duplicated();
        heard.reordered += r.reordered();
        jitter += r.mean_jitter_ms() * static_cast<double>(r.packets());
        weight += r.packets();
        heard.max_jitter_ms = std::max(heard.max_jitter_ms, r.max_jitter_ms());
        if (heard.first == no_time || r.first_arrival() < heard.first)
            heard.first = r.first_arrival();
        heard.last = std::max(heard.last, r.last_arrival());
    }
    if (weight > 0) heard.jitter_ms = jitter / static_cast<double>(weight);
    heard.sources = static_cast<std::uint32_t>(sources_.size());
    heard.ssrc = source().value_or(0);
    heard.other_type = other_type_;
    for (const rtp::Event& e : events_.events()) heard.digits.push_back(e.digit);
    if (ears_) {
        heard.tone_hz = ears_->tones.hertz();
        heard.tone_hz_by_second = ears_->tones.hertz_by_second();
        heard.level_dbm0 = ears_->tones.level_dbm0();
        heard.inband_digits = ears_->dtmf.digits();
    }
    if (!video_meter_) return;
    media::VideoMeter meter = *video_meter_;  // frames still open count as they are
    meter.finish();
    heard.frames = meter.frames();
    heard.key_frames = meter.key_frames();
    heard.incomplete_frames = meter.incomplete_frames();
    heard.width = meter.width();
    heard.height = meter.height();
}

}  // namespace sipana::lab
