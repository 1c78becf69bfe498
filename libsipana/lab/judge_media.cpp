// What is claimed of media: as the receiver would have measured it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "libsipana/base/text.h"
#include "libsipana/lab/judge.h"
#include "libsipana/media/dtmf.h"
#include "libsipana/media/tone_meter.h"

namespace sipana::lab {
namespace {

using analysis::Stream;
using What = Claim::What;

constexpr std::size_t max_tone_seconds = 600;
constexpr std::size_t piece_samples = media::audio_clock_hz / 5;
constexpr double least_share_of_tone = 0.1;  // of all power: to be heard among others
constexpr double quietest_sound_dbm0 = -45;  // softer than any voice; comfort noise is below it

std::string_view unit_of(What what) {
    switch (what) {
        case What::loss:
            return " %";
        case What::jitter:
        case What::gap:
            return " ms";
        default:
            return "";
    }
}

// What is in a sound, by whole seconds and the one that it ends with.
struct Listened {
    std::size_t fitting = 0;  // seconds in which it is as was claimed
    std::string what;         // what was claimed, as it was heard in the first of them
    bool tone = false;        // in any of them
    std::string loudest;      // of all: "440 Hz", "no tone"
};

// The loudest tone of each second.
void listen_for_one(const media::ToneMeter& meter, const Span& span, Listened& out) {
    for (const double hertz : meter.hertz_by_second())
        if (hertz > 0 && span.holds(hertz) && ++out.fitting == 1)
            out.what = fmt::format("{:.0f} Hz", hertz);
}

// Whether these tones are in a piece of sound, however loud others are; for `no` one is enough.
bool is_in(std::span<const std::int16_t> piece, const std::vector<double>& tones, bool any) {
    media::ToneMeter meter(1);
    meter.on_samples(piece);
    if (meter.level_dbm0() < quietest_sound_dbm0) return false;
    const auto heard = [&](double hertz) {
        return media::share_of_tone(piece, hertz) >= least_share_of_tone;
    };
    return any ? std::any_of(tones.begin(), tones.end(), heard)
               : std::all_of(tones.begin(), tones.end(), heard);
}

// Seconds are listened to in pieces: two tones that follow one another are not heard at once.
void listen_within(const media::Sound& sound, const Claim& claim, Listened& out) {
    std::vector<double> tones;  // none: whatever is loud enough
    const auto add = [&](const Span& s) { tones.push_back((s.least + s.most) / 2); };
    if (claim.what != What::hears_sound) {
        add(claim.span);
        for (const Span& s : claim.also) add(s);
    }
    const bool any = claim.what == What::hears_no;
    const std::size_t needed = any ? 2 : tones.empty() ? 3 : 4;  // of a second's pieces
    out.what = tones.empty() ? "sound" : fmt::format("{:.0f} Hz", fmt::join(tones, " and "));
    for (std::size_t second = 0; second < sound.size(); second += media::audio_clock_hz) {
        const std::size_t end = std::min<std::size_t>(second + media::audio_clock_hz, sound.size());
        std::size_t fitting = 0;
        for (std::size_t at = second; at + piece_samples <= end; at += piece_samples)
            fitting += is_in(std::span(sound).subspan(at, piece_samples), tones, any);
        out.fitting += fitting >= needed;
    }
}

Listened listen(const media::Sound& sound, const Claim& claim) {
    Listened out;
    media::ToneMeter meter(max_tone_seconds);
    meter.on_samples(sound);
    const auto seconds = meter.hertz_by_second();
    out.tone = std::any_of(seconds.begin(), seconds.end(), [](double hertz) { return hertz > 0; });
    out.loudest = meter.hertz() > 0 ? fmt::format("{:.0f} Hz", meter.hertz()) : "no tone";
    const bool one = claim.what == What::hears && claim.also.empty();
    if (one)
        listen_for_one(meter, claim.span, out);
    else if (claim.what == What::hears || claim.what == What::hears_no ||
             claim.what == What::hears_sound)
        listen_within(sound, claim, out);
    return out;
}

}  // namespace

// Of one end: what arrives there.
std::vector<const Stream*> Judge::streams_of(const Subject& subject,
                                             std::optional<bool> video) const {
    std::vector<const Stream*> out;
    std::vector<std::string_view> call_ids;
    if (!subject.call.empty())
        for (const analysis::Call* c : calls_of(subject, false)) call_ids.push_back(c->call_id);
    for (const Stream* s : reading_.streams()) {
        if (video && *video != (s->media == analysis::MediaKind::video)) continue;
        if (subject.is_way() ? !concerns(subject, s->src, s->dst)
                             : !subject.empty() && !is(subject.name, s->dst))
            continue;
        if (!subject.call.empty() &&
            std::find(call_ids.begin(), call_ids.end(), s->call_id) == call_ids.end())
            continue;
        out.push_back(s);
    }
    return out;
}

std::vector<const Stream*> Judge::heard_by(const Claim& claim) const {
    std::vector<const Stream*> out;
    for (const Stream* s : streams_of(claim.subject, false))
        if (claim.from.empty() || is(claim.from, s->src)) out.push_back(s);
    return out;
}

Ruling Judge::hears(const Claim& claim) const {
    const auto streams = heard_by(claim);
    if (streams.empty())
        return {claim.what == What::hears_nothing || claim.what == What::hears_no,
                "nothing arrives"};
    std::uint64_t packets = 0;
    for (const Stream* s : streams) packets += s->packets;
    if (claim.what == What::hears_nothing)
        return {false, fmt::format("{} arrive", counted(packets, "packet"))};
    std::vector<std::string> heard;
    bool tone = false, forbidden = false;
    for (const Stream* s : streams) {
        const media::Sound sound = reading_.sound_of(*s);
        if (sound.empty()) {
            heard.push_back(fmt::format("{}, which is not listened to", s->codec));
            continue;
        }
        const Listened listened = listen(sound, claim);
        tone |= listened.tone;
        forbidden |= claim.what == What::hears_no && listened.fitting > 0;
        // A running second counts as one: what is asked for is whole ones.
        const std::size_t needed =
            std::max<std::size_t>(1, static_cast<std::size_t>(to_seconds(claim.length)));
        const bool wanted = claim.what == What::hears || claim.what == What::hears_sound;
        if (wanted && listened.fitting >= needed)
            return {true,
                    fmt::format("{} for {}", listened.what, counted(listened.fitting, "second"))};
        heard.push_back(forbidden ? listened.what : listened.loudest);
    }
    const std::string all = fmt::format("{}", fmt::join(heard, ", "));
    if (claim.what == What::hears_no) return {!forbidden, all};
    return {claim.what == What::hears_silence && !tone, all};
}

Ruling Judge::digits(const Claim& claim) const {
    std::string events, info, inband;
    for (const Stream* s : heard_by(claim)) {
        for (const analysis::Digit& d : s->digits) events += d.digit;
        media::DtmfDetector detector;
        detector.on_samples(reading_.sound_of(*s));
        inband += detector.digits();
    }
    for (const analysis::Call* c : calls_of(claim.subject, true))
        for (const analysis::Digit& d : c->digits) {
            const auto m = std::find_if(c->messages.begin(), c->messages.end(),
                                        [&](const auto& x) { return x.frame == d.frame; });
            if (m != c->messages.end() && is(claim.subject.name, m->dst) &&
                (claim.from.empty() || is(claim.from, m->src)))
                info += d.digit;
        }
    const struct {
        const std::string& digits;
        std::string_view how;
    } ways[] = {{events, "RFC 4733"}, {info, "INFO"}, {inband, "tones"}};
    std::string found;
    for (const auto& way : ways) {
        if (way.digits == claim.text) return {true, fmt::format("by {}", way.how)};
        if (!way.digits.empty())
            found += fmt::format("{}'{}' by {}", found.empty() ? "" : ", ", way.digits, way.how);
    }
    return {false, found.empty() ? "no digits" : found};
}

// Counts are added up; what is measured must hold for each stream.
Ruling Judge::measure(const Claim& claim, const std::vector<const Stream*>& streams) const {
    double sum = 0, worst = 0;
    bool all = true;
    for (const Stream* s : streams) {
        double x = 0;
        switch (claim.what) {
            case What::loss:
                x = s->expected == 0
                        ? 0
                        : 100.0 * static_cast<double>(s->lost) / static_cast<double>(s->expected);
                break;
            case What::jitter:
                x = s->mean_jitter_ms;
                break;
            case What::gap:
                x = s->max_delta_ms;
                break;
            case What::packets:
                x = static_cast<double>(s->packets);
                break;
            case What::frames:
                x = s->video ? s->video->frames : 0;
                break;
            case What::key_frames:
                x = s->video ? s->video->key_frames : 0;
                break;
            default:
                break;
        }
        sum += x;
        if (!claim.span.holds(x) && all) {
            all = false;
            worst = x;
        }
        if (all) worst = std::max(worst, x);
    }
    if (unit_of(claim.what).empty()) return {claim.span.holds(sum), fmt::format("{:.0f}", sum)};
    if (streams.empty()) return {false, "no stream"};
    return {all, fmt::format("{:.2f}{}", worst, unit_of(claim.what))};
}

// Reports and events that the subject sent (of a way), or that speak to one end.
Ruling Judge::rtcp(const Claim& claim) const {
    std::uint64_t n = 0;
    const std::string kind = claim.text;
    std::vector<std::uint64_t> reports;  // frames: a report about two streams is one
    for (const Stream* s : reading_.streams()) {
        for (const analysis::RtcpReport& r : s->reports) {
            const bool meant = claim.subject.is_way() || claim.subject.empty()
                                   ? concerns(claim.subject, r.src, r.dst)
                                   : is(claim.subject.name, r.dst);
            if (meant && iequals(kind, r.is_sender_report ? "SR" : "RR"))
                reports.push_back(r.frame);
        }
        for (const analysis::RtcpEvent& e : s->rtcp_events) {
            const bool meant = claim.subject.is_way() || claim.subject.empty()
                                   ? concerns(claim.subject, e.src, e.dst)
                                   : is(claim.subject.name, e.dst);
            n += meant && iequals(kind, e.kind);
        }
    }
    std::sort(reports.begin(), reports.end());
    n += static_cast<std::uint64_t>(
        std::distance(reports.begin(), std::unique(reports.begin(), reports.end())));
    return {claim.span.holds(static_cast<double>(n)), fmt::format("{} {}", n, kind)};
}

Ruling Judge::media(const Claim& claim) const {
    switch (claim.what) {
        case What::hears:
        case What::hears_no:
        case What::hears_sound:
        case What::hears_nothing:
        case What::hears_silence:
            return hears(claim);
        case What::heard_digits:
            return digits(claim);
        case What::rtcp:
            return rtcp(claim);
        default:
            break;
    }
    const auto streams = streams_of(claim.subject, claim.video);
    if (claim.what != What::codec) return measure(claim, streams);
    if (streams.empty()) return {false, "no stream"};
    for (const Stream* s : streams)
        if (!iequals(s->codec, claim.text)) return {false, s->codec};
    return {true, streams.front()->codec};
}

}  // namespace sipana::lab
