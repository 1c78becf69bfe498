#include "libsipana/rtcp/reporter.h"

#include <algorithm>
#include <utility>

#include "libsipana/rtcp/round_trip.h"

namespace sipana::rtcp {
namespace {

constexpr double senders_share = 0.25;        // RFC 3550 6.2: of the RTCP bandwidth
constexpr double compensation = 1.21828;      // e - 3/2 (6.3.1)
constexpr double size_gain = 1.0 / 16;        // 6.3.3
constexpr std::size_t udp_and_ip = 28;        // 6.3.3: lower layers count
constexpr std::int64_t most_lost = 0x7fffff;  // 24 bits, signed

Duration seconds(double s) { return Duration{static_cast<std::int64_t>(s * 1e9)}; }

}  // namespace

Duration interval(const Membership& m, Random& random) {
    const double minimum = to_seconds(m.minimum) * (m.initial ? 0.5 : 1);
    double bandwidth = m.bandwidth;
    unsigned n = m.members;
    if (m.senders <= m.members * senders_share) {
        bandwidth *= m.we_sent ? senders_share : 1 - senders_share;
        n = m.we_sent ? m.senders : m.members - m.senders;
    }
    const double t = std::max(m.average_size * n / std::max(bandwidth, 1.0), minimum);
    return seconds(t * (random.unit() + 0.5) / compensation);
}

Reporter::Reporter(std::uint32_t ssrc, std::string cname, Duration minimum, std::uint64_t seed)
    : ssrc_(ssrc), cname_(std::move(cname)), random_(seed) {
    if (cname_.size() > 255) cname_.resize(255);
    membership_.minimum = minimum;
}

void Reporter::begin(Time now) {
    if (due_) return;
    last_ = now;
    due_ = now + interval(membership_, random_);
}

bool Reporter::expire(Time now, unsigned members, unsigned senders, bool we_sent) {
    membership_.members = std::max(members, 1u);
    membership_.senders = std::min(senders, membership_.members);
    membership_.we_sent = we_sent;
    const Time considered = last_ + interval(membership_, random_);
    if (considered > now) {
        due_ = considered;
        return false;
    }
    last_ = now;
    membership_.initial = false;
    due_ = now + interval(membership_, random_);
    return true;
}

void Reporter::on_compound(std::size_t octets) {
    const auto size = static_cast<double>(octets + udp_and_ip);
    membership_.average_size += size_gain * (size - membership_.average_size);
}

Reporter::Source* Reporter::source(std::uint32_t ssrc) {
    const auto at = std::find_if(sources_.begin(), sources_.end(),
                                 [&](const Source& s) { return s.ssrc == ssrc; });
    if (at != sources_.end()) return &*at;
    // The oldest makes room: SSRCs are the other side's to choose, and to change.
    if (sources_.size() >= max_reported) sources_.erase(sources_.begin());
    Source& made = sources_.emplace_back();
    made.ssrc = ssrc;
    return &made;
}

void Reporter::on_sender_report(std::uint32_t ssrc, std::uint64_t ntp, Time now) {
    Source* s = source(ssrc);
    s->last_report = middle(ntp);
    s->reported_at = now;
}

// RFC 3550 6.4.1 and A.3.
ReportBlock Reporter::block(const Reception& r, Time now) {
    Source* s = source(r.ssrc);
    ReportBlock b;
    b.ssrc = r.ssrc;
    const auto expected = static_cast<std::int64_t>(r.expected - s->expected);
    const auto lost = expected - static_cast<std::int64_t>(r.received - s->received);
    if (expected > 0 && lost > 0)
        b.fraction_lost =
            static_cast<std::uint8_t>(std::min<std::int64_t>(lost * 256 / expected, 255));
    const auto all = static_cast<std::int64_t>(r.expected) - static_cast<std::int64_t>(r.received);
    b.cumulative_lost = static_cast<std::int32_t>(std::clamp(all, -most_lost - 1, most_lost));
    b.extended_sequence = r.extended_sequence;
    b.jitter = r.jitter;
    s->expected = r.expected;
    s->received = r.received;
    if (s->last_report != 0) {
        b.lsr = s->last_report;
        b.dlsr = static_cast<std::uint32_t>(to_seconds(now - s->reported_at) * 65536);
    }
    return b;
}

void Reporter::write_report(const std::optional<Sending>& sending,
                            std::span<const Reception> receptions, Time now, Buffer& out) {
    std::vector<ReportBlock> blocks;
    for (const Reception& r : receptions.first(std::min(receptions.size(), max_reported)))
        blocks.push_back(block(r, now));
    if (sending) {
        SenderReport sr;
        sr.ssrc = ssrc_;
        sr.ntp = ntp_of(now);
        sr.rtp_timestamp = sending->rtp_timestamp;
        sr.packets = static_cast<std::uint32_t>(sending->packets);
        sr.octets = static_cast<std::uint32_t>(sending->octets);
        sr.blocks = std::move(blocks);
        write(Content(std::move(sr)), out);
    } else {
        write(Content(ReceiverReport{ssrc_, std::move(blocks), {}}), out);
    }
    SourceDescription names;
    names.chunks.push_back({ssrc_, {{1, cname_}}, true});
    write(Content(std::move(names)), out);
    membership_.initial = false;
}

void Reporter::write_goodbye(const std::optional<Sending>& sending,
                             std::span<const Reception> receptions, Time now, Buffer& out) {
    write_report(sending, receptions, now, out);
    write(Content(Goodbye{{ssrc_}, std::nullopt}), out);
    due_.reset();
}

void Reporter::write_pli(std::uint32_t media_ssrc, Buffer& out) const {
    PayloadFeedback pli;
    pli.sender_ssrc = ssrc_;
    pli.media_ssrc = media_ssrc;
    pli.content = Pli{};
    write(Content(std::move(pli)), out);
}

void Reporter::write_fir(std::uint32_t media_ssrc, Buffer& out) {
    PayloadFeedback fir;
    fir.sender_ssrc = ssrc_;
    fir.content = Fir{{{media_ssrc, fir_++}}};
    write(Content(std::move(fir)), out);
}

}  // namespace sipana::rtcp
