// InterfaceSource: a network interface as a Source (pcap/live).
#pragma once

#include <memory>
#include <string>

#include "libsipana/live/source.h"
#include "libsipana/pcap/live.h"

namespace sipana::live {

class InterfaceSource final : public Source {
public:
    static Result<std::unique_ptr<InterfaceSource>> open(const std::string& name, const pcap::LiveSettings& settings) {
        auto opened = pcap::Live::open(name, settings);
        if (!opened) return opened.error();
        return std::unique_ptr<InterfaceSource>(new InterfaceSource(std::move(*opened)));
    }
    int descriptor() const override { return live_.descriptor(); }
    bool next(pcap::Frame& frame) override { return live_.next(frame); }
    bool ended() const override { return !live_.status(); }
    const Status& status() const override { return live_.status(); }
    const pcap::Interface& interface() const override { return live_.interface(); }
    SourceCounts counts() override {
        const pcap::Live::Counts c = live_.counts();
        SourceCounts counts;
        // libpcap's own figure counts what it drops itself on a loopback interface, where all goes by twice.
        counts.received = c.read + c.dropped;
        counts.read = c.read;
        counts.dropped_by_kernel = c.dropped;
        return counts;
    }

private:
    explicit InterfaceSource(pcap::Live live) : live_(std::move(live)) {}
    pcap::Live live_;
};

}  // namespace sipana::live
