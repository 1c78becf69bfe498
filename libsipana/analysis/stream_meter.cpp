#include "libsipana/analysis/stream_meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "libsipana/rtp/check.h"
#include "libsipana/rtp/redundancy.h"

namespace sipana::analysis {
namespace {

constexpr std::uint32_t usual_event_clock_hz = 8000;
constexpr std::int64_t longest_step_s = 10;  // of a timestamp; beyond it the clock began anew

}  // namespace

StreamMeter::StreamMeter(Payloads& payloads, const Payload& first, const Announced& by, bool full)
    : payloads_(payloads), full_(full) {
    if (full) seconds_ = std::make_unique<rtp::Seconds>();
    add(first);
    use(by);
}

void StreamMeter::count(const Early& p, Bytes payload, const Announced& by) {
    if (used_[now_].type != p.payload_type) {
        now_ = number_of(p.payload_type, by);
        use(by);
    }
    Used& now = used_[now_];
    ++now.packets;
    now.in_red = false;
    rtp_bytes_ += p.rtp_bytes;
    if (now.kind == rtp::Kind::event)
        receiver_.on_event_packet(p.sequence, p.marker, p.payload_bytes, p.at);
    else
        receiver_.on_packet(p.sequence, p.timestamp, p.marker, p.payload_bytes, p.at);
    if (seconds_) seconds_->on_packet(receiver_, p.payload_bytes, p.at);
    if (full_ && now.kind != rtp::Kind::event && now.clock_hz != 0) note_transit(p);
    if (by.encrypted) return;
    if (now.kind == rtp::Kind::event && !payload.empty())
        events_->on_packet(payload, p.timestamp, p.marker, p.at, p.frame);
    if (video_ || now.kind == rtp::Kind::video) count_video(p, payload, by);
}

// A packet without a picture (FEC, padding, another format) fills its place, so that it is not
// missing.
void StreamMeter::count_video(const Early& p, Bytes payload, const Announced& by) {
    const bool kept = payload.size() + p.absent >= p.payload_bytes;
    std::size_t content = now_;
    if (used_[content].redundant && kept) {
        if (const auto primary = rtp::primary_of_redundant(payload)) {
            content = number_of(primary->payload_type, by);
            payload = primary->payload;
            ++used_[content].packets;
        }
    }
    const auto& picture = used_[content].picture;
    if (picture && !video_) video_ = std::make_unique<media::VideoMeter>(*picture, full_);
    if (!video_) return;
    if (picture && kept) {
        video_->set_codec(*picture);
        video_->on_packet(payload, p.sequence, p.timestamp, p.marker, p.at, p.absent);
    } else {
        video_->on_other_packet(p.sequence, p.timestamp, p.marker, p.at);
    }
}

// Arrival less media time is the way here, but for a constant; where it is least, the way was
// free. A clock that begins anew or runs away is no measure any more.
void StreamMeter::note_transit(const Early& p) {
    const std::int64_t clock_hz = used_[now_].clock_hz;
    Transit& t = transit_;
    const auto step = static_cast<std::int32_t>(p.timestamp - t.newest);
    const bool anew =
        t.first == no_time || step > longest_step_s * clock_hz || step < -longest_step_s * clock_hz;
    if (anew) t = {p.at, p.at, p.timestamp, p.timestamp, 0, 0};
    if (!anew) t.ticks += step;
    t.newest = p.timestamp;
    std::int64_t ns = 0;
    if (__builtin_sub_overflow(p.at.count(), t.first.count(), &ns)) return;
    ns -= t.ticks / clock_hz * 1'000'000'000 + t.ticks % clock_hz * 1'000'000'000 / clock_hz;
    if (ns >= t.least_ns) return;
    t.least_ns = ns;
    t.least_at = p.at;
    t.least_timestamp = p.timestamp;
}

void StreamMeter::check(const net::Datagram& d, Bytes payload, const Announced& by) {
    checked_ = true;
    note(rtp::check(d.payload, by.encrypted), d.frame);
    if (used_[now_].kind == rtp::Kind::event && !by.encrypted)
        note(rtp::check_event(payload), d.frame);
}

void StreamMeter::note(std::vector<Finding> findings, std::uint64_t frame) {
    for (Finding& f : findings) {
        auto fault = std::find_if(faults_.begin(), faults_.end(),
                                  [&](const Fault& known) { return known.first.rule == f.rule; });
        if (fault == faults_.end()) {
            f.frame = frame;
            fault = faults_.insert(fault, {std::move(f), 0});
        }
        ++fault->count;
    }
}

std::size_t StreamMeter::add(const Payload& payload) {
    Used& used = used_.emplace_back();
    static_cast<Payload&>(used) = payload;
    if (used.kind == rtp::Kind::video)
        used.picture = media::video_codec_of(payloads_.name(payload));
    return used_.size() - 1;
}

// The place in used_ of a payload type. A new one counts as met in redundant packets until it has a
// packet of its own.
std::size_t StreamMeter::number_of(std::uint8_t type, const Announced& by) {
    for (std::size_t i = 0; i < used_.size(); ++i)
        if (used_[i].type == type) return i;
    const std::size_t i = add(payloads_.resolve(by, type));
    used_[i].in_red = true;
    return i;
}

// Sets what the packets of the current payload type need.
void StreamMeter::use(const Announced& by) {
    const Used& now = used_[now_];
    const bool tells = now.kind != rtp::Kind::audio && now.kind != rtp::Kind::unknown;
    plain_ = !seconds_ && !tells && (by.encrypted || !video_);
    if (now.kind == rtp::Kind::event) {
        if (!events_) events_ = std::make_unique<rtp::EventDecoder>();
        events_->set_clock(now.clock_hz == 0 ? usual_event_clock_hz : now.clock_hz);
        return;
    }
    if (now.clock_hz != 0) receiver_.set_clock(now.clock_hz);
}

void StreamMeter::relearn(const Announced& by) {
    std::vector<Used> before;
    before.swap(used_);
    for (const Used& u : before) {
        Used& again = used_[add(payloads_.again(u, by))];
        again.packets = u.packets;
        again.in_red = u.in_red;
    }
    use(by);
}

void StreamMeter::encrypt() {
    video_.reset();
    const Used& now = used_[now_];
    plain_ = !seconds_ && (now.kind == rtp::Kind::audio || now.kind == rtp::Kind::unknown);
}

const Payload& StreamMeter::main() const {
    const auto weight = [](const Used& u) {
        const bool beside = u.kind == rtp::Kind::event || u.kind == rtp::Kind::comfort_noise;
        return std::tuple(!beside, u.packets, u.picture.has_value());
    };
    return *std::max_element(used_.begin(), used_.end(),
                             [&](const Used& a, const Used& b) { return weight(a) < weight(b); });
}

// ---------------------------------------------------------------- to the model

void StreamMeter::describe(Stream& out, Detail detail) const {
    const rtp::Receiver& r = receiver_;
    out.end = r.last_arrival();
    for (const Used& u : used_)
        if (!u.in_red) out.payload_types.push_back(u.type);
    out.packets = r.packets();
    out.expected = r.expected();
    out.lost = r.lost();
    out.late = r.late();
    out.duplicated = r.duplicated();
    out.reordered = r.reordered();
    out.bytes = r.bytes();
    out.ip_bytes = rtp_bytes_;
    out.mean_jitter_ms = r.mean_jitter_ms();
    out.max_jitter_ms = r.max_jitter_ms();
    out.max_delta_ms = to_milliseconds(r.max_delta());
    out.mean_delta_ms = to_milliseconds(r.mean_delta());
    out.bitrate_kbps = r.bitrate_kbps();
    // Pictures are sent out of the order of their timestamps: a step ahead is no silence.
    out.silences = main().kind == rtp::Kind::video ? 0 : r.silences();
    out.markers = r.markers();
    out.restarts = r.restarts();
    out.first_sequence = r.first_sequence();
    out.last_sequence = r.last_sequence();
    out.promptest_at = transit_.least_at;
    out.promptest_timestamp = transit_.least_timestamp;
    double missing = 0, gaps = 0;
    for (const rtp::Gap& g : r.gaps()) {
        missing += g.packets;
        gaps += g.packets > 0;
    }
    out.mean_gap = gaps > 0 ? missing / gaps : 0;
    if (detail == Detail::full) {
        for (const rtp::Gap& g : r.gaps())
            if (g.packets > 0) out.gaps.push_back({g.after, g.length, g.packets});
        describe_seconds(out);
        if (checked_) describe_faults(out);
    }
    if (events_)
        for (const rtp::Event& e : events_->events())
            out.digits.push_back({e.digit, DigitSource::rtp_event, e.start, e.duration,
                                  e.volume_dbm0, e.ended, e.frame});
    if (video_) describe_video(out, detail);
}

void StreamMeter::describe_faults(Stream& out) const {
    for (const Fault& fault : faults_) {
        Finding& f = out.findings.emplace_back(fault.first);
        if (fault.count > 1) f.text += fmt::format(" (the first of {} packets)", fault.count);
    }
    for (Finding& f : rtp::check(receiver_, main().kind == rtp::Kind::audio)) {
        f.frame = out.first_frame;
        out.findings.push_back(std::move(f));
    }
}

void StreamMeter::describe_seconds(Stream& out) const {
    if (!seconds_) return;
    for (const rtp::Second& s : seconds_->series()) {
        StreamSecond& to = out.seconds.emplace_back();
        to.packets = s.packets;
        to.lost = s.lost;
        to.late = s.late;
        to.duplicated = s.duplicated;
        to.reordered = s.reordered;
        to.bytes = s.bytes;
        to.jitter_ms = s.jitter_ms;
        to.max_delta_ms = s.max_delta_ms;
    }
}

namespace {

void tell_totals(const media::VideoMeter& meter, Video& v) {
    v.frames = meter.frames();
    v.key_frames = meter.key_frames();
    v.incomplete_frames = meter.incomplete_frames();
    v.width = meter.width();
    v.height = meter.height();
    v.fps = meter.fps();
    v.longest_freeze = meter.longest_freeze();
    v.broken_count = meter.breakage_count();
    v.broken_frames = meter.broken_frames();
    v.broken_for = meter.broken_for();
}

}  // namespace

// The frames still open are closed in a copy: the stream may go on.
void StreamMeter::describe_video(Stream& out, Detail detail) const {
    Video& v = out.video.emplace();
    if (detail == Detail::summary) return tell_totals(*video_, v);
    media::VideoMeter meter = *video_;
    meter.finish();
    tell_totals(meter, v);
    for (const media::Breakage& b : meter.breakages())
        v.broken.push_back(
            {b.start, b.end, b.length(), b.frames, b.lost_packets, b.joined, b.mended});
    for (const media::FrameMark& m : meter.marks()) {
        v.marks.push_back({m.time, m.timestamp, m.bytes, m.packets, m.key, m.complete, m.intact});
        if (!seconds_ || out.seconds.empty()) continue;
        StreamSecond& second =
            out.seconds[std::min(seconds_->index(m.time), out.seconds.size() - 1)];
        ++second.frames;
        second.key_frames += m.key;
        second.incomplete_frames += !m.complete;
    }
}

std::uint64_t StreamMeter::bytes() const {
    std::uint64_t bytes = sizeof(*this) + used_.size() * sizeof(Used) + faults_.size() * sizeof(Fault);
    if (seconds_) bytes += sizeof(*seconds_) + seconds_->series().capacity() * sizeof(rtp::Second);
    if (video_) bytes += sizeof(*video_) + video_->marks().capacity() * sizeof(media::FrameMark);
    if (events_) bytes += sizeof(*events_) + events_->events().capacity() * sizeof(rtp::Event);
    return bytes;
}

}  // namespace sipana::analysis
