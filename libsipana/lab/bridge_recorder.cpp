#include "libsipana/lab/bridge_recorder.h"

#include <fmt/format.h>

#include <utility>

#include "libsipana/lab/host_table.h"
#include "libsipana/lab/namespaces.h"

namespace sipana::lab {
namespace {

constexpr Duration flush_after = std::chrono::seconds{1};  // of the capture's time

Result<pcap::Live> open_bridge(const HostTable& hosts, const Namespaces& namespaces) {
    const auto there = namespaces.enter(hosts.bridge_namespace);
    if (!there) return there.error();
    pcap::LiveSettings settings;
    settings.filter = BridgeRecorder::filter;
    auto live = pcap::Live::open(hosts.bridge_interface, settings);
    if (live && live->interface().link != pcap::LinkType::ethernet)
        return Error{Errc::unsupported, 0,
                     fmt::format("{}: no Ethernet interface", hosts.bridge_interface)};
    return live;
}

}  // namespace

BridgeRecorder::BridgeRecorder(std::unique_ptr<CaptureFile> file, pcap::Live live, CaptureHead head)
    : file_(std::move(file)), live_(std::move(live)), head_(std::move(head)) {
    file_->begin(head_, live_.interface());
}

Result<std::unique_ptr<BridgeRecorder>> BridgeRecorder::create(const std::string& path, Buffer& out,
                                                               const HostTable& hosts,
                                                               const Namespaces& namespaces,
                                                               CaptureHead head) {
    auto live = open_bridge(hosts, namespaces);
    if (!live) return live.error();
    std::unique_ptr<CaptureFile> file;
    if (path.empty()) {
        file = CaptureFile::into(out);
    } else {
        auto created = CaptureFile::create(path);
        if (!created) return created.error();
        file = std::move(*created);
    }
    head.interface = hosts.bridge_interface;
    std::unique_ptr<BridgeRecorder> made(
        new BridgeRecorder(std::move(file), std::move(*live), std::move(head)));
    // A disk that is full already is told of at once.
    if (auto flushed = made->flush(); !flushed) return flushed.error();
    return made;
}

void BridgeRecorder::read() {
    pcap::Frame frame;
    for (std::size_t i = 0; i < frames_at_once && live_.next(frame); ++i) {
        file_->packet(frame);
        ++frames_;
        if (frame.time - flushed_ < flush_after) continue;
        flushed_ = frame.time;
        (void)file_->flush();
    }
}

bool BridgeRecorder::up_to_date() {
    const auto counts = live_.counts();
    dropped_ = counts.dropped;
    return counts.read + counts.dropped >= counts.received;
}

Status BridgeRecorder::close() {
    (void)up_to_date();
    if (auto closed = file_->close(); !closed) return closed;
    return live_.status();
}

}  // namespace sipana::lab
