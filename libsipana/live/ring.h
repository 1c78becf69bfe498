// Ring: records every frame while it is watched, into one pcapng file or a row of them of which the
// last are kept. Each file is a capture by itself.
//
// On the way of every packet: no allocation and no system call but one for a whole buffer. flush()
// is called every 50 ms, so that what is older than 100 ms is in the file, whatever happens to the
// process. A full disk costs the oldest file where there is a ring, else the recording ends:
// status(). What is counted is what can be read.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "libsipana/live/block_file.h"
#include "libsipana/live/file_names.h"
#include "libsipana/live/observer.h"
#include "libsipana/pcap/frame.h"

namespace sipana::live {

struct RingSettings {
    // Of one file; the next one is begun before a packet that would not fit. 0: no limit.
    std::uint64_t most_bytes = 0;
    Duration most_time{};
    std::uint32_t most_files = 0;  // the oldest goes when there are more. 0: all are kept
    bool durable = false;          // every packet is handed to the system at once
    std::size_t buffer = std::size_t{1} << 20;

    bool many() const { return most_bytes != 0 || most_time > Duration{}; }
};

class Ring final : public Observer {
public:
    // `path` is the file, or with limits what its files are called after: calls.pcapng gives
    // calls-20261126-040301-00001.pcapng (UTC), whose names sort by time.
    static Result<std::unique_ptr<Ring>> open(const std::string& path, RingSettings settings,
                                              const CaptureHead& head, Time now,
                                              WriteCall write = {});
    ~Ring() override;  // hands on what is buffered
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    void packet(const pcap::Frame& frame) {
        const pcap::Frame clean = readable(frame);
        const std::size_t size = pcap::packet_block_size(clean);
        if (size > buffer_.size() - used_ || size > room_) [[unlikely]]
            if (!make_room(size)) return;
        pcap::write_packet_block(clean, buffer_.data() + used_);
        used_ += size;
        room_ -= size;
        ++pending_;
        if (settings_.durable) hand_on();
    }
    // `now`: of this machine's clock; names and the time limit go by it.
    void flush(Time now);
    Status close();
    // Why the recording has ended: the first failure that no older file could make good.
    Status status() const override { return status_; }
    void on_frame(const pcap::Frame& frame, std::span<const analysis::Going>) override {
        packet(frame);
    }
    void on_tick(Time now) override { flush(now); }

    struct Counts {
        std::uint64_t packets = 0, bytes = 0;  // in the files, also in those that were removed
        std::uint64_t files = 0;               // begun
        std::uint64_t removed_files = 0, removed_packets = 0;
        std::uint64_t lost_packets = 0;  // not written: the recording had failed
    };
    const Counts& counts() const { return counts_; }
    // The directory that the files are in: what the sandbox has to leave open.
    const Folder& folder() const { return folder_; }
    const std::string& name() const { return file_->name(); }  // of the current file

private:
    struct Past {
        BlockFile file;
        std::uint64_t packets = 0;
    };
    Ring(Folder folder, std::string name, RingSettings settings, Time now);
    // As the format can say it: no time before 1970, no packet larger than it was on the wire.
    static pcap::Frame readable(const pcap::Frame& frame) {
        pcap::Frame clean = frame;
        clean.comment = {};
        if (clean.time.count() < 0) clean.time = Time{};
        if (clean.wire_size < clean.bytes.size())
            clean.wire_size = static_cast<std::uint32_t>(clean.bytes.size());
        return clean;
    }
    std::string next_name() const;
    Status begin();
    bool make_room(std::size_t size);
    void next_file();
    void hand_on();
    bool remove_oldest();
    void fail(Status why);

    Folder folder_;
    std::string name_;  // as asked for
    RingSettings settings_;
    Buffer head_;    // section and interfaces
    Buffer buffer_;  // its size is its capacity
    std::size_t used_ = 0;
    std::uint64_t room_ = UINT64_MAX;  // in the current file
    std::uint64_t pending_ = 0;        // packets in buffer_
    std::unique_ptr<BlockFile> file_;  // never null once open() is through
    std::uint64_t in_file_ = 0;        // packets of the current file, pending ones not counted
    Time now_, begun_, named_;
    std::deque<Past> past_;  // files of this run, oldest first
    Counts counts_;
    Status status_ = Done{};
};

}  // namespace sipana::live
