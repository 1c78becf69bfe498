// Metrics: what a Prometheus is told of a live run, as OpenMetrics text. docs/live.md lists it.
//
// Told by the thread that reads packets; text() from any thread. Label sets are
// closed: methods and codes that are registered, "other" for the rest, so no input can make them
// grow.
#pragma once

#include <array>
#include <mutex>
#include <string>
#include <string_view>

#include "libsipana/analysis/performance.h"
#include "libsipana/live/observer.h"
#include "libsipana/live/openmetrics.h"
#include "libsipana/live/totals.h"

namespace sipana::live {

class Metrics : public Observer {
public:
    explicit Metrics(std::string version = {}) : version_(std::move(version)) {}

    void on_message(const analysis::SipMessage& message, std::string_view call_id) override;
    // A call that is over, with its streams and findings.
    void on_call(const analysis::Call& call) override;
    // A stream of no call that is over, with its findings.
    void on_stream(const analysis::Stream& stream) override;
    // A finding of no call or stream.
    void on_finding(const Finding& finding) override;

    std::string text(const Totals& totals) const;

private:
    static constexpr std::size_t methods =
        static_cast<std::size_t>(sip::Method::update) + 1;  // 0: other
    static constexpr std::size_t classes = 8;               // requests, 1xx to 6xx, other
    static constexpr std::size_t states = static_cast<std::size_t>(analysis::CallState::done) + 1;
    static constexpr std::size_t codes = 128;  // places of sip::codes(), the last for all others
    static constexpr std::size_t kinds = 3;    // MediaKind

    struct OfStreams {  // that are over, of one kind of media
        std::uint64_t streams = 0, packets = 0, expected = 0, lost = 0, late = 0, duplicated = 0,
                      reordered = 0;
    };
    struct Tallies {
        std::array<std::array<std::uint64_t, classes>, methods> messages{};
        std::array<std::uint64_t, methods> retransmissions{};
        std::array<std::uint64_t, codes> responses{};
        std::uint64_t copies = 0;
        std::array<std::uint64_t, states> calls{};
        std::array<OfStreams, kinds> streams{};
        std::array<std::uint64_t, 3> findings{};  // by severity
        std::uint64_t frames = 0, key_frames = 0, incomplete_frames = 0, frozen_streams = 0,
                      broken = 0;
        double broken_s = 0;
        analysis::Performance performance;
        Histogram setup, post_dial_delay, request_delay, failed_request_delay, disconnect_delay,
            duration, registration_delay, jitter, video_jitter, freeze, mos, wideband_mos;
        Tallies();
    };
    static void count(Tallies& t, const analysis::Stream& stream);
    static void count(Tallies& t, const std::vector<Finding>& findings);
    static void write_signalling(Exposition& out, const Tallies& t, const Totals& totals);
    static void write_performance(Exposition& out, const Tallies& t);
    static void write_media(Exposition& out, const Tallies& t, const Totals& totals);

    std::string version_;
    mutable std::mutex mutex_;
    Tallies tallies_;
    analysis::Registrations registrations_;  // of the reading thread
};

}  // namespace sipana::live
