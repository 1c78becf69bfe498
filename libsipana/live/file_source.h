// FileSource: a pipe, or files, as a Source: `ssh host tcpdump -w - | sipana live -r -`.
//
// A thread of its own waits for the bytes, so that the session never does. Frames wait in a queue of fixed
// size; where it is full the pipe waits, so nothing is dropped. Names, comments and damage are the Input's.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "libsipana/live/source.h"
#include "libsipana/pcap/input.h"

namespace sipana::live {

class FileSource final : public Source {
public:
    static constexpr std::size_t most_waiting = 8u << 20;  // bytes of frames

    // Waits for the first bytes of a pipe, which say what it is. Errors as of pcap::Input.
    static Result<std::unique_ptr<FileSource>> open(std::span<const std::string> files, const std::string& filter);
    ~FileSource() override;

    void start() override;
    int descriptor() const override { return ready_; }
    bool next(pcap::Frame& frame) override;
    bool ended() const override { return ended_; }
    const Status& status() const override { return status_; }
    const pcap::Interface& interface() const override { return interface_; }
    SourceCounts counts() override;
    bool keeps_our_time() const override { return false; }
    // Once it has ended and next() has said so.
    const std::vector<Finding>& findings() const { return input_.findings(); }
    bool damaged() const { return input_.damaged(); }

private:
    struct Waiting {  // frames with their bytes, in the order of reading
        std::vector<pcap::Frame> frames;
        std::vector<std::size_t> ends;  // of each frame's bytes
        Buffer bytes;
    };
    explicit FileSource(pcap::Input input);
    void read_all();
    void pass_on();

    pcap::Input input_;
    pcap::Interface interface_;
    Status status_ = Done{};
    int ready_ = -1;
    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable taken_;
    Waiting reading_;  // the thread's
    Waiting waiting_;  // passed on, not yet taken; with the mutex
    Waiting now_;      // being given out
    std::size_t at_ = 0;
    std::uint64_t read_ = 0;
    bool finished_ = false, stopping_ = false;  // with the mutex
    bool ended_ = false;
};

}  // namespace sipana::live
