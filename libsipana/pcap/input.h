// Input: what the programs open. Files, pipes, globs and folders, read as one capture.
//
// Several files are merged by time, so that a call that runs across rotated files is one call;
// frames of equal time keep the order of the files. Within a file the order is the file's. Bad
// arguments and damage become findings, and everything else is read.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "libsipana/base/result.h"
#include "libsipana/pcap/reader.h"
#include "libsipana/pcap/summary.h"

namespace sipana::pcap {

struct InputOptions {
    std::string filter{};  // pcap-filter(7); empty: everything
    // Called before a wait for the bytes of a pipe: what is known by then can be shown.
    BeforeWait before_wait{};
};

class Input {
public:
    // Opens what `arguments` mean (arguments.h). Fails only where nothing at all could be opened:
    // not_found, denied or io where the system refused, truncated, malformed or unsupported where
    // the bytes are no capture; malformed also for a filter that cannot be compiled.
    static Result<Input> open(std::span<const std::string> arguments, InputOptions options = {});
    Input(Input&&) noexcept;
    Input& operator=(Input&&) noexcept;
    ~Input();

    // The next frame that the filter passes. Its number counts the frames of the whole input, those
    // that the filter dropped included. Stable bytes live as long as the Input, others until the
    // next call.
    bool next(Frame& frame) {
        if (single_ && single_->next(frame)) {
            frame.file = 0;
            return true;
        }
        return next_of_many(frame);
    }

    std::span<const FileSummary> files() const;
    // Damage, with file, frame and byte; arguments that could not be read; notes.
    const std::vector<Finding>& findings() const;
    const std::vector<std::pair<Address, std::string>>& names() const;
    std::span<const Secret> secrets() const;
    // Lets the memory of mapped files go that views into passed frames have brought back; they stay
    // valid.
    void let_go();
    // Something was cut short, malformed or no capture: exit status 3.
    bool damaged() const;
    // An argument could not be opened or read: exit status 5.
    bool failed() const;
    std::uint64_t filtered_out() const;

private:
    class State;
    explicit Input(std::unique_ptr<State> state);
    bool next_of_many(Frame& frame);

    Reader* single_ = nullptr;  // the one file, without a filter: the fast path
    std::unique_ptr<State> state_;
};

}  // namespace sipana::pcap
