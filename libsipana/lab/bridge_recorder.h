// BridgeRecorder: a run's capture as the bridge between its hosts saw it: every frame of every leg,
// once, with the kernel's times.
//
// The run's loop reads it whenever descriptor() is readable, so nothing is lost while the kernel's
// buffer (64 MiB) lasts; what found no room there is counted. The file grows as the run goes on and
// can be read at any time; after close() annotate() puts comments and names into it (lab/remarks).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "libsipana/lab/capture_file.h"
#include "libsipana/pcap/live.h"

namespace sipana::lab {

class Namespaces;
struct HostTable;

class BridgeRecorder {
public:
    // IPv4 and IPv6, so ICMP and later fragments too; no ARP. Not by port: SIP may be anywhere.
    static constexpr const char* filter = "ip or ip6";
    static constexpr std::size_t frames_at_once = 4096;  // then others are served

    // At the table's bridge. `path` empty: into `out`, which must outlive it.
    static Result<std::unique_ptr<BridgeRecorder>> create(const std::string& path, Buffer& out,
                                                          const HostTable& hosts,
                                                          const Namespaces& namespaces,
                                                          CaptureHead head);

    int descriptor() const { return live_.descriptor(); }
    void read();  // what the kernel has, at most frames_at_once
    // All that has passed the bridge so far was read, or is counted as dropped.
    bool up_to_date();
    Status flush() { return file_->flush(); }
    Status close();
    // The file's, or the interface's: "br0: The interface disappeared".
    const Status& status() const { return file_->status() ? live_.status() : file_->status(); }

    std::uint64_t frames() const { return frames_; }  // recorded
    std::uint64_t dropped() const {
        return dropped_;
    }  // by the kernel; as of up_to_date(), close()
    const CaptureHead& head() const { return head_; }

private:
    BridgeRecorder(std::unique_ptr<CaptureFile> file, pcap::Live live, CaptureHead head);

    std::unique_ptr<CaptureFile> file_;
    pcap::Live live_;
    CaptureHead head_;
    std::uint64_t frames_ = 0, dropped_ = 0;
    Time flushed_{};
};

}  // namespace sipana::lab
