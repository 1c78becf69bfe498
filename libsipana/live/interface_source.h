// InterfaceSource: a network interface as a Source (pcap/live).
//
// Opened in the network namespace of the calling thread, before rights are given up.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "libsipana/live/device_drops.h"
#include "libsipana/live/source.h"
#include "libsipana/pcap/filter.h"
#include "libsipana/pcap/live.h"

namespace sipana::live {

class InterfaceSource final : public Source {
public:
    // With a filter the kernel lets pass what matches and later fragments; of these only what
    // belongs to a datagram that matched is given out, and counted.
    static Result<std::unique_ptr<InterfaceSource>> open(const std::string& name,
                                                         pcap::LiveSettings settings);
    int descriptor() const override { return live_.descriptor(); }
    bool next(pcap::Frame& frame) override {
        if (filter_) return next_wanted(frame);
        return live_.next(frame);
    }
    bool ended() const override { return !live_.status(); }
    const Status& status() const override { return live_.status(); }
    const pcap::Interface& interface() const override { return live_.interface(); }
    SourceCounts counts() override;

private:
    static constexpr unsigned skipped_at_once = 1000;

    InterfaceSource(pcap::Live live, std::optional<pcap::Filter> filter, DeviceDrops drops)
        : live_(std::move(live)), filter_(std::move(filter)), drops_(std::move(drops)) {}
    bool next_wanted(pcap::Frame& frame);
    bool wanted(const pcap::Frame& frame);

    pcap::Live live_;
    std::optional<pcap::Filter> filter_;
    DeviceDrops drops_;
    Buffer untagged_;
    std::uint64_t skipped_ = 0;
};

}  // namespace sipana::live
