// Two media sessions and a link between them, in virtual time, for the tests of lab/media.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "libsipana/base/random.h"
#include "libsipana/lab/media.h"

namespace sipana {

inline Endpoint at(const char* text) { return *Endpoint::parse(text); }

inline lab::Agreed agreed_of(const Endpoint& local, const Endpoint& remote,
                             const std::vector<std::string>& codecs, bool video = false) {
    const lab::MediaWish wish =
        video ? lab::video_wish(codecs, local) : lab::audio_wish(codecs, local);
    lab::Agreed a;
    a.active = true;
    a.media = video ? "video" : "audio";
    a.sent = a.heard = wish.codecs;
    a.local_rtp = local;
    a.remote_rtp = remote;
    a.local_rtcp = {local.address, static_cast<std::uint16_t>(local.port + 1)};
    a.remote_rtcp = {remote.address, static_cast<std::uint16_t>(remote.port + 1)};
    a.pli = a.fir = video;
    return a;
}

// Carries datagrams, each with a delay and what `jitter` adds to it. `loses`: asked for each RTP
// datagram. `tap`: sees each one that arrives, when it does.
struct MediaLink {
    struct Flying {
        Time arrives{};
        lab::MediaSession* to = nullptr;
        lab::MediaSession::Output what;
        Buffer bytes;
    };
    lab::MediaSession &a, &b;
    Duration delay = std::chrono::milliseconds{10};
    std::function<Duration()> jitter = [] { return Duration{}; };
    std::function<bool(Bytes)> loses = [](Bytes) { return false; };
    std::function<void(const lab::MediaSession::Output&, Time)> tap{};
    std::deque<Flying> flying{};
    std::uint64_t lost = 0;

    void drain(lab::MediaSession& from, lab::MediaSession& to, Time now) {
        while (const auto out = from.poll()) {
            if (out->content == lab::Content::rtp && loses(out->bytes)) {
                ++lost;
                continue;
            }
            const Time arrives = now + delay + jitter();
            const auto place =
                std::upper_bound(flying.begin(), flying.end(), arrives,
                                 [](Time t, const Flying& f) { return t < f.arrives; });
            flying.insert(place,
                          {arrives, &to, *out, Buffer(out->bytes.begin(), out->bytes.end())});
        }
    }
    // Plays until `end`; at most so many steps that a mistake does not hang.
    Time run(Time now, Time end) {
        for (unsigned steps = 0; steps < 2'000'000; ++steps) {
            drain(a, b, now);
            drain(b, a, now);
            Time next = end;
            for (auto* s : {&a, &b})
                if (s->deadline()) next = std::min(next, std::max(now, *s->deadline()));
            if (!flying.empty()) next = std::min(next, flying.front().arrives);
            if (next >= end) return end;
            now = next;
            while (!flying.empty() && flying.front().arrives <= now) {
                Flying f = std::move(flying.front());
                flying.pop_front();
                f.what.bytes = f.bytes;
                if (tap) tap(f.what, now);
                f.to->on_packet(f.bytes, f.what.content == lab::Content::rtcp, f.what.local, now);
            }
            for (auto* s : {&a, &b})
                if (s->deadline() && *s->deadline() <= now) s->on_timer(now);
        }
        return end;
    }
};

inline constexpr Time call_begins{1'700'000'000'000'000'000};

}  // namespace sipana
