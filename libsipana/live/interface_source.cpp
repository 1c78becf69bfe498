#include "libsipana/live/interface_source.h"

#include <utility>

namespace sipana::live {
namespace {

constexpr std::size_t addresses = 12, tag = 4;

bool is_tagged(const pcap::Frame& frame) {
    if (frame.link != pcap::LinkType::ethernet || frame.bytes.size() < addresses + tag + 2)
        return false;
    const unsigned type = load_be16(frame.bytes.data() + addresses);
    return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

}  // namespace

Result<std::unique_ptr<InterfaceSource>> InterfaceSource::open(const std::string& name,
                                                               pcap::LiveSettings settings) {
    settings.fragments = true;
    auto opened = pcap::Live::open(name, settings);
    if (!opened) return opened.error();
    std::optional<pcap::Filter> filter;
    if (!settings.filter.empty()) {
        // What fits this interface and no capture file is the kernel's alone.
        if (auto compiled = pcap::Filter::compile(settings.filter)) filter = std::move(*compiled);
    }
    return std::unique_ptr<InterfaceSource>(
        new InterfaceSource(std::move(*opened), std::move(filter), DeviceDrops::open(name)));
}

bool InterfaceSource::next_wanted(pcap::Frame& frame) {
    for (unsigned n = 0; n < skipped_at_once; ++n) {
        if (!live_.next(frame)) return false;
        if (wanted(frame)) return true;
        ++skipped_;
    }
    return false;
}

// What is no fragment the kernel has judged. Its filter does not see a VLAN tag, so neither does
// ours.
bool InterfaceSource::wanted(const pcap::Frame& frame) {
    if (!pcap::find_fragment(frame)) return true;
    if (filter_->passes(frame)) return true;
    if (!is_tagged(frame)) return false;
    untagged_.assign(frame.bytes.begin(), frame.bytes.begin() + addresses);
    untagged_.insert(untagged_.end(), frame.bytes.begin() + addresses + tag, frame.bytes.end());
    pcap::Frame plain = frame;
    plain.bytes = untagged_;
    plain.wire_size -= static_cast<std::uint32_t>(tag);
    return filter_->passes(plain);
}

SourceCounts InterfaceSource::counts() {
    const pcap::Live::Counts c = live_.counts();
    SourceCounts counts;
    counts.read = c.read - skipped_;
    counts.dropped_by_kernel = c.dropped;
    counts.dropped_by_interface = drops_.since_opened();
    // libpcap's own figure counts what it drops itself on a loopback interface, where all goes by
    // twice.
    counts.received = counts.read + counts.dropped();
    return counts;
}

}  // namespace sipana::live
