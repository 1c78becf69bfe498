// What a program owes whoever calls it: its exit status, a word on standard error, an output whose failures
// are seen, and to stop when it is asked to.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "libsipana/base/result.h"
#include "libsipana/base/text.h"

namespace sipana::tools {

enum Exit : int {
    ok = 0,
    check_failed = 1,
    usage = 2,
    damaged = 3,
    packets_lost = 4,  // while capturing
    io_error = 5,
    skipped = 77,
    interrupted = 130
};

inline std::string_view program_name = "sipana";  // before what it says on standard error

enum Stop : int { go_on = 0, by_signal = 1, by_output = 2 };
inline std::atomic<int> stop_asked = go_on;  // set by a signal or by whoever writes, seen by whoever reads
static_assert(std::atomic<int>::is_always_lock_free);
extern "C" inline void on_interrupt(int) { stop_asked = by_signal; }

// A wait for input or for a reader of the output is broken off by the first interrupt; what is known
// by then is printed. The second one ends the program at once.
inline void catch_interrupt(std::initializer_list<int> signals = {SIGINT}) {
    struct sigaction once {};
    once.sa_handler = on_interrupt;
    once.sa_flags = static_cast<int>(SA_RESETHAND);
    sigemptyset(&once.sa_mask);
    for (const int signal : signals) sigaction(signal, &once, nullptr);
}

// With a standard descriptor closed, the next file that is opened would take its place.
inline void hold_standard_descriptors() {
    for (int descriptor = 0; descriptor <= 2; ++descriptor)
        if (fcntl(descriptor, F_GETFD) < 0)
            (void)open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY);
}

inline void complain(std::string_view text) {
    fmt::print(stderr, "{}: {}\n", program_name, printable(text));
}

// What the system's refusal of an input or its damage means for the caller.
inline int exit_of(Errc code) {
    switch (code) {
        case Errc::not_found:
        case Errc::denied:
        case Errc::io:
            return io_error;
        case Errc::unsupported:
        case Errc::too_large:
        case Errc::truncated:
        case Errc::malformed:
            return damaged;
    }
    return damaged;
}

// Standard output with its failures seen: a full disk or a closed pipe must not pass for success.
class Output {
public:
    Output() { buffer_.reserve(limit + 4096); }
    ~Output() { flush(); }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    void line(std::string_view text) {
        buffer_.append(text);
        buffer_ += '\n';
        if (buffer_.size() >= limit) flush();
    }
    void text(std::string_view text) {
        buffer_.append(text);
        if (!text.empty() && text.back() != '\n') buffer_ += '\n';
        if (buffer_.size() >= limit) flush();
    }
    std::string& buffer() { return buffer_; }
    void end_line() {
        buffer_ += '\n';
        if (buffer_.size() >= limit) flush();
    }
    void flush() {
        if (!failed()) {
            const std::size_t size = buffer_.size();
            errno = 0;
            if (std::fwrite(buffer_.data(), 1, size, stdout) != size || std::fflush(stdout) != 0)
                reason_ = errno != 0 ? errno : EIO;
        }
        buffer_.clear();
        if (failed() && stop_asked == go_on) stop_asked = by_output;
    }
    bool failed() const { return reason_ != 0; }
    int reason() const { return reason_; }

private:
    static constexpr std::size_t limit = 256 * 1024;
    std::string buffer_;
    int reason_ = 0;  // errno of the first failure
};

}  // namespace sipana::tools
